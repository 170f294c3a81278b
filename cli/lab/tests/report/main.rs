//! `holdback-lab report` and `holdback-lab export`, as a user calls them.

use assert_cmd::Command;
use std::path::Path;

/// A run of one write at replica 1 of two, as a script leaves it.
fn run_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a folder");
    let write = |name: &str, lines: &[&str]| {
        std::fs::write(folder.path().join(name), lines.join("\n") + "\n").expect(name);
    };
    write(
        "history.jsonl",
        &[
            r#"{"meta":{"case":"one_write","consistency":"sequential","started_wall_ns":1000000}}"#,
            r#"{"process":1,"type":"invoke","f":"set","key":"x","value":"1","replica":1,"time":0}"#,
            r#"{"process":1,"type":"ok","f":"set","key":"x","value":"1","time":9000}"#,
        ],
    );
    write(
        "replica-1.trace.jsonl",
        &[
            r#"{"event":"request","client":"c1","command":["SET","x","1"],"replica":1,"wall_ns":1001000}"#,
            r#"{"event":"send","frame":"MCAST","peer":2,"stamp":"1.1","replica":1,"wall_ns":1001000}"#,
            r#"{"event":"receive","frame":"ACK","peer":2,"stamp":"1.1","replica":1,"wall_ns":1005000}"#,
            r#"{"event":"deliver","position":1,"stamp":"1.1","command":["SET","x","1"],"replica":1,"wall_ns":1005000}"#,
            r#"{"event":"reply","client":"c1","stamp":"1.1","reply":"+OK","replica":1,"wall_ns":1005000}"#,
        ],
    );
    write(
        "replica-2.trace.jsonl",
        &[
            r#"{"event":"receive","frame":"MCAST","peer":1,"stamp":"1.1","replica":2,"wall_ns":1003000}"#,
            r#"{"event":"send","frame":"ACK","peer":1,"stamp":"1.1","replica":2,"wall_ns":1003000}"#,
            r#"{"event":"deliver","position":1,"stamp":"1.1","command":["SET","x","1"],"replica":2,"wall_ns":1003000}"#,
        ],
    );
    folder
}

fn lab(arguments: &[&str], run: &Path) -> Command {
    let mut command = Command::cargo_bin("holdback-lab").expect("the program is built");
    command.args(arguments).arg(run);
    command
}

fn standard_output(command: &mut Command) -> String {
    let output = command.assert().success().get_output().stdout.clone();
    String::from_utf8(output).expect("text")
}

#[test]
fn a_page_or_a_still_is_written_into_the_run_folder() {
    let run = run_folder();
    let said = standard_output(&mut lab(&["report"], run.path()));
    let page = run.path().join("report.html");
    assert_eq!(said.trim(), page.display().to_string());
    let page = std::fs::read_to_string(page).expect("a page");
    // The request is that of the operation, although neither knows the other's name.
    assert!(page.contains(r#""bars":[[0,1,0,9,0,null,0,"OK",1,1,5,0,null,2,0]]"#));
    standard_output(&mut lab(&["report", "--svg"], run.path()));
    let still = std::fs::read_to_string(run.path().join("report.svg")).expect("a still");
    assert!(still.starts_with("<svg") && still.contains("SET x 1"));
    let printed = standard_output(&mut lab(&["report", "--svg", "-o", "-"], run.path()));
    assert_eq!(printed, still);
}

#[test]
fn what_is_missing_is_left_out_and_what_is_wrong_is_named() {
    let run = run_folder();
    for replica in [1, 2] {
        let trace = run.path().join(format!("replica-{replica}.trace.jsonl"));
        std::fs::remove_file(trace).expect("it was there");
    }
    let page = standard_output(&mut lab(&["report", "-o", "-"], run.path()));
    assert!(page.contains("No replica was traced"));

    let trace = run.path().join("replica-1.trace.jsonl");
    std::fs::write(&trace, "\n{\"event\":\"send\"}\n").expect("written");
    let failed = lab(&["report"], run.path()).assert().code(64);
    let said = String::from_utf8_lossy(&failed.get_output().stderr).into_owned();
    assert!(
        said.contains(&format!("{}: line 2: missing field", trace.display())),
        "{said}"
    );

    let empty = tempfile::tempdir().expect("a folder");
    lab(&["report"], empty.path()).assert().code(64);
    lab(&["report"], &empty.path().join("nowhere"))
        .assert()
        .code(64);
    lab(
        &["export", "--format", "shiviz"],
        &run_folder().path().join("history.jsonl"),
    )
    .assert()
    .code(64);
}

#[test]
fn other_tools_get_what_they_read() {
    let run = run_folder();
    let edn = standard_output(&mut lab(&["export", "--format", "jepsen"], run.path()));
    assert_eq!(
        edn,
        "{:type :invoke, :f :write, :value [\"x\" \"1\"], :time 0, :process 1, :index 0}\n\
         {:type :ok, :f :write, :value [\"x\" \"1\"], :time 9000, :process 1, :index 1}\n"
    );
    let log = standard_output(&mut lab(&["export", "--format", "shiviz"], run.path()));
    let lines: Vec<&str> = log.lines().collect();
    assert!(lines[0].contains("(?<host>") && lines[1].is_empty());
    // In the end the client knows of everything.
    let last = &lines[lines.len() - 2..];
    assert_eq!(last[0], "0.000009s SET x 1 -> OK");
    assert_eq!(
        last[1],
        r#"client-1 {"replica-1":5,"replica-2":3,"client-1":2}"#
    );
}
