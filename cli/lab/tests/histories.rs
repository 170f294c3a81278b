//! Small histories made by hand, good and bad for each model: a checker has to be able to say both. The first
//! line of each tells why it is what it is.

use holdback::consistency::Consistency;
use holdback_lab::check::{Evidence, Judgement, Limits, Verdict};
use holdback_lab::history::read_file;
use std::path::{Path, PathBuf};
use std::process::Command;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/histories")
        .join(name)
}

/// What lies in a folder, sorted; never nothing.
fn all_in(name: &str) -> Vec<PathBuf> {
    let folder = folder(name);
    let entries = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{name}: {error}"));
    let mut paths: Vec<PathBuf> = entries
        .map(|entry| entry.expect("readable").path())
        .collect();
    paths.sort();
    assert!(!paths.is_empty(), "{name} is empty");
    paths
}

fn judge(path: &Path, model: Consistency) -> Judgement {
    let evidence = Evidence::read(path, None).unwrap_or_else(|error| panic!("{error}"));
    evidence.judge(model, &Limits::default())
}

fn assert_verdict(path: &Path, model: Consistency, expected: &str) {
    let judgement = judge(path, model);
    let word = judgement.verdict.word();
    let what = format!("{} as {model}: {:?}", path.display(), judgement.verdict);
    assert_eq!(word, expected, "{what}");
    if let Verdict::No(example) = &judgement.verdict {
        assert!(example.is_minimal && !example.words.is_empty(), "{what}");
    }
}

#[test]
fn every_history_gives_its_reason() {
    for model in Consistency::ALL {
        for kind in ["good", "bad"] {
            for path in all_in(&format!("{model}/{kind}")) {
                let history = read_file(&path).expect("well-formed");
                let meta = history.meta.as_ref().expect("a first line");
                let reason = meta["reason"].as_str().expect("a reason");
                assert!(reason.ends_with('.'), "{reason}");
                assert_eq!(history.consistency(), Some(model), "{}", path.display());
            }
        }
    }
}

#[test]
fn histories_are_judged_right() {
    for (folder, model, expected) in [
        ("linearizable/good", Consistency::Linearizable, "yes"),
        ("linearizable/good", Consistency::Sequential, "yes"),
        ("linearizable/bad", Consistency::Linearizable, "no"),
        ("sequential/good", Consistency::Sequential, "yes"),
        ("sequential/bad", Consistency::Sequential, "no"),
        ("sequential/bad", Consistency::Linearizable, "no"),
        ("eventual/good", Consistency::Eventual, "yes"),
        ("eventual/bad", Consistency::Eventual, "no"),
    ] {
        for path in all_in(folder) {
            assert_verdict(&path, model, expected);
        }
    }
}

#[test]
fn orders_as_witness() {
    for (kind, expected) in [("good", "yes"), ("bad", "no")] {
        for path in all_in(&format!("witness/{kind}")) {
            let evidence = Evidence::read(&path, None).expect("well-formed");
            let model = evidence.promised.expect("a model");
            assert_verdict(&path, model, expected);
        }
    }
}

/// Each violation that a checker of this kind must know, and where a history shows it.
#[test]
fn the_classic_violations_are_all_there() {
    for name in [
        "linearizable/bad/stale_read.jsonl",
        "linearizable/bad/lost_update.jsonl",
        "linearizable/bad/orders_differ.jsonl",
        "witness/bad/orders_differ",
        "linearizable/bad/never_written.jsonl",
        "sequential/bad/never_written.jsonl",
        "eventual/bad/never_written.jsonl",
        "sequential/bad/dekker.jsonl",
        "linearizable/bad/retried_write_applied_twice.jsonl",
        "sequential/bad/program_order_broken.jsonl",
        "linearizable/bad/pipelined_writes_swapped.jsonl",
        "sequential/bad/pipelined_writes_swapped.jsonl",
        "linearizable/bad/deleted_key_returns.jsonl",
        "eventual/bad/deleted_key_returns.jsonl",
    ] {
        assert!(folder(name).exists(), "{name}");
    }
}

fn check(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_holdback-lab"))
        .arg("check")
        .args(arguments)
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (
        output.status.code().unwrap_or(-1),
        text(&output.stdout),
        text(&output.stderr),
    )
}

#[test]
fn exit_codes_and_verdicts_of_the_program() {
    let path = |name: &str| folder(name).display().to_string();
    let (code, text, _) = check(&[&path("linearizable/good/concurrent_read.jsonl")]);
    assert_eq!(code, 0, "{text}");
    assert!(text.starts_with("linearizable: yes"), "{text}");

    let stale = path("linearizable/bad/stale_read.jsonl");
    let (code, text, _) = check(&[&stale]);
    assert_eq!(code, 1, "{text}");
    assert!(text.starts_with("linearizable: no"), "{text}");
    for word in ["#1", "SET x 1", "GET x", "overwrote", "smallest"] {
        assert!(text.contains(word), "{word} is missing in {text}");
    }

    let (code, text, _) = check(&[&stale, "--model", "all"]);
    assert_eq!(code, 1, "{text}");
    let verdicts: Vec<&str> = text
        .lines()
        .filter(|line| line.contains(" operations, "))
        .collect();
    let begins = ["eventual: unknown", "sequential: yes", "linearizable: no"];
    assert_eq!(verdicts.len(), 3, "{text}");
    for (verdict, begin) in verdicts.iter().zip(begins) {
        assert!(verdict.starts_with(begin), "{text}");
    }

    let (code, text, _) = check(&[&stale, "--model", "eventual"]);
    assert_eq!(code, 2, "{text}");

    let (code, text, _) = check(&[&stale, "--model", "all", "--json"]);
    assert_eq!(code, 1, "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(json["checks"][2]["verdict"], "no");
    assert_eq!(
        json["checks"][2]["counter_example"]["operations"][0]["call"],
        "SET x 1"
    );
}

#[test]
fn an_order_can_be_given_apart_from_the_history() {
    let run = folder("witness/bad/nobody_asked");
    let file = |name: &str| run.join(name).display().to_string();
    let (history, order) = (file("history.jsonl"), file("replica-1.order.jsonl"));
    let (code, text, _) = check(&[&history]);
    assert_eq!(code, 0, "{text}");
    let (code, text, _) = check(&[&history, "--order", &order]);
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("nobody asked for"), "{text}");
    assert!(text.contains("another order would explain it"), "{text}");
}

#[test]
fn what_is_malformed_is_named_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("history.jsonl");
    let shown = path.display().to_string();
    let first = r#"{"process":1,"type":"invoke","f":"get","key":"x","value":null}"#;
    let second = r#"{"process":1,"type":"done","f":"get"}"#;
    std::fs::write(&path, format!("{first}\n{second}\n")).unwrap();
    let (code, _, error) = check(&[&shown, "--model", "all"]);
    assert_eq!(code, 64);
    assert!(error.contains("line 2"), "{error}");

    std::fs::write(&path, format!("{first}\n")).unwrap();
    let (code, _, error) = check(&[&shown]);
    assert_eq!(code, 64);
    assert!(error.contains("--model"), "{error}");

    let order = folder.path().join("order.jsonl");
    std::fs::write(&order, "{\"position\":1}\n").unwrap();
    let order = order.display().to_string();
    let (code, _, error) = check(&[&shown, "--model", "sequential", "--order", &order]);
    assert_eq!(code, 64);
    assert!(error.contains("line 1"), "{error}");
    assert_eq!(check(&["/nowhere", "--model", "all"]).0, 64);
    assert_eq!(check(&[&shown, "--model", "none"]).0, 64);
}
