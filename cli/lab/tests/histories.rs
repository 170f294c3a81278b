//! Small histories made by hand, good and bad for each model: a checker has to be able to say both. The first
//! line of each tells why it is what it is.

use holdback::consistency::Consistency;
use holdback_lab::check::{Evidence, Limits, Verdict};
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

fn assert_verdict(path: &Path, model: Consistency, expected: &str) {
    let evidence = Evidence::read(path, None).unwrap_or_else(|error| panic!("{error}"));
    let verdict = evidence.judge(model, &Limits::default()).verdict;
    let shown = format!("{} as {model}: {verdict:?}", path.display());
    assert_eq!(verdict.word(), expected, "{shown}");
    if let Verdict::No(example) = &verdict {
        assert!(example.is_minimal && !example.words.is_empty(), "{shown}");
    }
}

#[test]
fn histories_are_judged_as_their_reasons_say() {
    for model in Consistency::ALL {
        for (kind, expected) in [("good", "yes"), ("bad", "no")] {
            for path in all_in(&format!("{model}/{kind}")) {
                let history = read_file(&path).expect("well-formed");
                let meta = history.meta.as_ref().expect("a first line");
                let reason = meta["reason"].as_str().expect("a reason");
                assert!(reason.ends_with('.'), "{}", path.display());
                assert_eq!(history.consistency(), Some(model), "{}", path.display());
                assert_verdict(&path, model, expected);
                match (model, kind) {
                    (Consistency::Linearizable, "good") => {
                        assert_verdict(&path, Consistency::Sequential, "yes");
                    }
                    (Consistency::Sequential, "bad") => {
                        assert_verdict(&path, Consistency::Linearizable, "no");
                    }
                    _ => {}
                }
            }
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
    for (place, names) in [
        (
            "linearizable/bad",
            "stale_read lost_update orders_differ pipelined_writes_swapped deleted_key_returns",
        ),
        (
            "sequential/bad",
            "never_written dekker retried_write_applied_twice program_order_broken pipelined_writes_swapped",
        ),
        ("eventual/bad", "never_written deleted_key_returns"),
    ] {
        for name in names.split(' ') {
            let path = folder(place).join(name).with_extension("jsonl");
            assert!(path.exists(), "{}", path.display());
        }
    }
    assert!(folder("witness/bad/orders_differ").exists());
}

/// What `holdback-lab check` answers to these arguments: its exit code, its output, and what it complains of.
fn check(arguments: &[&str]) -> (i32, String, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_holdback-lab"))
        .arg("check")
        .args(arguments)
        .output()
        .expect("the program starts");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let code = output.status.code().unwrap_or(-1);
    (code, text(&output.stdout), text(&output.stderr))
}

/// The exit code has to be this one, and all of these words have to be printed, in this order: in the output if
/// there is a verdict, which it begins with, and otherwise in the complaint.
fn assert_check(arguments: &[&str], expected: i32, words: &[&str]) {
    let (code, output, complaint) = check(arguments);
    assert_eq!(code, expected, "{arguments:?}: {output}{complaint}");
    let text = if code < 64 { output } else { complaint };
    if code < 64
        && let Some(verdict) = words.first().filter(|word| word.contains(": "))
    {
        assert!(text.starts_with(verdict), "{text}");
    }
    let mut rest = text.as_str();
    for word in words {
        let (_, behind) = rest
            .split_once(word)
            .unwrap_or_else(|| panic!("{word} is missing in {text}"));
        rest = behind;
    }
}

fn path(name: &str) -> String {
    folder(name).display().to_string()
}

#[test]
fn exit_codes_and_verdicts_of_the_program() {
    let good = path("linearizable/good/concurrent_read.jsonl");
    assert_check(&[&good], 0, &["linearizable: yes"]);
    let stale = path("linearizable/bad/stale_read.jsonl");
    let example = [
        "linearizable: no",
        "#1",
        "SET x 1",
        "GET x",
        "overwrote",
        "smallest",
    ];
    assert_check(&[&stale], 1, &example);
    let begins = ["eventual: unknown", "sequential: yes", "linearizable: no"];
    assert_check(&[&stale, "--model", "all"], 1, &begins);
    let (_, text, _) = check(&[&stale, "--model", "all"]);
    let verdicts = text.lines().filter(|line| line.contains(" operations, "));
    let verdicts: Vec<&str> = verdicts.collect();
    assert_eq!(verdicts.len(), 3, "{text}");
    let mut pairs = verdicts.iter().zip(begins);
    assert!(
        pairs.all(|(verdict, begin)| verdict.starts_with(begin)),
        "{text}"
    );
    assert_check(&[&stale, "--model", "eventual"], 2, &["eventual: unknown"]);

    let (code, text, _) = check(&[&stale, "--model", "all", "--json"]);
    assert_eq!(code, 1, "{text}");
    let json: serde_json::Value = serde_json::from_str(&text).expect("JSON");
    let last = &json["checks"][2];
    assert_eq!(last["verdict"], "no");
    assert_eq!(last["counter_example"]["operations"][0]["call"], "SET x 1");
}

#[test]
fn an_order_can_be_given_apart_from_the_history() {
    let history = path("witness/bad/nobody_asked/history.jsonl");
    let order = path("witness/bad/nobody_asked/replica-1.order.jsonl");
    assert_check(&[&history], 0, &[]);
    let words = ["nobody asked for", "another order would explain it"];
    assert_check(&[&history, "--order", &order], 1, &words);
}

#[test]
fn what_is_malformed_is_named_with_its_line() {
    let folder = tempfile::tempdir().expect("a folder");
    let written = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).expect("the folder can be written to");
        path.display().to_string()
    };
    let first = r#"{"process":1,"type":"invoke","f":"get","key":"x","value":null}"#;
    let wrong = format!("{first}\n{{\"process\":1,\"type\":\"done\",\"f\":\"get\"}}\n");
    let wrong = written("wrong.jsonl", &wrong);
    let history = written("history.jsonl", &format!("{first}\n"));
    let order = written("order.jsonl", "{\"position\":1}\n");
    let with_order = [&history, "--model", "sequential", "--order", &order];
    assert_check(&[&wrong, "--model", "all"], 64, &["line 2"]);
    assert_check(&[&history], 64, &["--model"]);
    assert_check(&with_order, 64, &["line 1"]);
    assert_check(&["/nowhere", "--model", "all"], 64, &[]);
    assert_check(&[&history, "--model", "none"], 64, &[]);
}
