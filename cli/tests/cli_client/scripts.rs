//! One command from the command line, or many from a pipe.

use crate::fake::{Fake, free_port};
use crate::holdback_cli;
use assert_cmd::Command;
use assert_cmd::assert::Assert;
use predicates::prelude::PredicateBooleanExt;
use predicates::str::{contains, ends_with, starts_with};
use std::process::{Child, Stdio};

/// Runs `holdback-cli` against a replica, with `input` on standard input.
pub(crate) fn run(port: u16, arguments: &str, input: impl Into<Vec<u8>>) -> Assert {
    let mut cli = holdback_cli(&["-p", &port.to_string()]);
    cli.args(arguments.split_whitespace());
    Command::from_std(cli).write_stdin(input).assert()
}

pub(crate) fn stdout(assert: &Assert) -> String {
    String::from_utf8_lossy(&assert.get_output().stdout).into_owned()
}

#[test]
fn replies_are_raw_in_a_pipe_and_formatted_or_json_if_asked() {
    let fake = Fake::start();
    run(fake.port, "SET greeting hello", "")
        .code(0)
        .stdout("OK\n");
    run(fake.port, "GET greeting", "").stdout("hello\n");
    run(fake.port, "--raw GET none", "").stdout("\n");
    run(fake.port, "--no-raw GET greeting", "").stdout("\"hello\"\n");
    run(fake.port, "--no-raw MGET a", "")
        .stdout("1) \"a\"\n2) 1) (integer) 1\n   2) (integer) 2\n3) (nil)\n");
    run(fake.port, "--json MGET a", "").stdout("[\"a\",[1,2],null]\n");
    run(fake.port, "STATUS", "").stdout(format!(
        "id:1\nconsistency:sequential\nready:yes\nposition:0\ncluster:127.0.0.1:{}\n",
        fake.port
    ));
}

#[test]
fn a_pipe_is_read_line_by_line_with_quotes_and_escapes() {
    let fake = Fake::start();
    let input = "SET a \"x\\xff\\n\"\r\n\n  GET a\nget b";
    let ran = run(fake.port, "--json", input).code(0);
    ran.stdout("\"OK\"\n{\"base64\":\"eP8K\"}\nnull\n");
    let ran = run(fake.port, "", "SET b 1\nexit\nSET b 2\n").code(0);
    ran.stdout("OK\n");
    assert_eq!(fake.times("SET b 2"), 0);
}

#[test]
fn a_malformed_line_is_named_and_the_rest_runs() {
    let fake = Fake::start();
    let ran = run(fake.port, "", "SET a \"1\nPING\n@7 PING\nPING\n").code(64);
    ran.stdout("PONG\nPONG\n").stderr(
        "line 1: the quotes do not match\n\
         line 3: there is no replica 7: the cluster has 1 replica\n",
    );
}

#[test]
fn an_error_reply_is_an_exit_code_only_if_asked() {
    let fake = Fake::start();
    let error = "ERR unknown command 'NOSUCH', with args beginning with: \n";
    run(fake.port, "NOSUCH", "").code(0).stdout(error);
    run(fake.port, "-e NOSUCH", "").code(1).stdout(error);
    run(fake.port, "-e", "NOSUCH\nPING\n")
        .code(1)
        .stdout(format!("{error}PONG\n"));
    run(fake.port, "--no-raw GTE x", "").stdout(ends_with("Did you mean GET?\n"));
    run(fake.port, "--no-raw INCR x", "").stdout(contains("\nIt may have happened"));
}

#[test]
fn no_replica_there_is_69_and_says_how_to_start_one() {
    let port = free_port();
    for (arguments, input) in [("GET a", ""), ("", "GET a\nGET b\n"), ("@all GET a", "")] {
        let refused = format!("127.0.0.1:{port}: Connection refused");
        let ran = run(port, arguments, input).code(69).stdout("");
        ran.stderr(contains(refused).and(contains("holdback-server")));
    }
}

#[test]
fn the_first_of_the_cluster_that_answers_is_asked() {
    let fake = Fake::start();
    let cluster = format!("127.0.0.1:{},127.0.0.1:{}", free_port(), fake.port);
    let mut cli = Command::from_std(holdback_cli(&["--cluster", &cluster, "PING"]));
    cli.assert().code(0).stdout("PONG\n");
}

#[test]
fn wrong_usage_is_64_and_help_and_version_are_fine() {
    let cli = |argument: &str| Command::from_std(holdback_cli(&[argument])).assert();
    cli("--no-such-option").code(64);
    cli("--port=x").code(64);
    let mut help = cli("--help").code(0);
    let words =
        "--host --cluster --json @all CODES HOLDBACK_HISTORY SYNOPSIS --watch --pipe NO_COLOR";
    for word in words.split(' ') {
        help = help.stdout(contains(word));
    }
    let widest = stdout(&help).lines().map(str::len).max();
    assert!(widest <= Some(80), "{}", stdout(&help));
    cli("--version")
        .code(0)
        .stdout(format!("holdback-cli {}\n", env!("CARGO_PKG_VERSION")));
    let help = run(1, "help set", "").code(0);
    help.stdout(contains("SET key value [NX|XX] [GET]"));
}

#[test]
fn a_lost_write_is_never_repeated_and_a_lost_read_is_once() {
    let fake = Fake::start();
    let ran = run(fake.port, "SET drop 1", "").code(69).stdout("");
    ran.stderr(contains("may or may not have happened"));
    assert_eq!(fake.times("SET drop 1"), 1);
    run(fake.port, "GET drop", "").code(0).stdout("\n");
    assert_eq!(fake.times("GET drop"), 2);
    let ran = run(fake.port, "", "SET drop 2\nPING\n").code(69).stdout("");
    ran.stderr(starts_with("line 1: "));
    let sent = fake.times("PING");
    assert_eq!(sent, 0, "the order of a script is not given up");
    run(fake.port, "SHUTDOWN", "").code(0);
}

#[test]
fn other_replicas_are_asked_with_an_at_sign() {
    let fakes = Fake::start_cluster(3);
    run(fakes[0].port, "@2 SET a 2", "").code(0).stdout("OK\n");
    assert_eq!(
        (fakes[0].times("SET a 2"), fakes[1].times("SET a 2")),
        (0, 1)
    );
    run(fakes[0].port, "@all GET a", "")
        .code(0)
        .stdout("1\t\n2\t2\n3\t\n");
    run(fakes[0].port, "--json @all GET a", "").stdout("{\"1\":null,\"2\":\"2\",\"3\":null}\n");
    let there = format!("@127.0.0.1:{} GET a", fakes[1].port);
    run(fakes[0].port, &there, "").stdout("2\n");
    let differ = contains("│ (nil)           ┆ \"2\"").and(ends_with("the answers differ\n"));
    run(fakes[0].port, "--no-raw @all GET a", "").stdout(differ);
    run(fakes[0].port, "@2 MULTI", "").code(64);
    run(fakes[0].port, "@4 PING", "").code(64);
    run(fakes[0].port, "@all MONITOR", "").code(64);
}

#[test]
fn a_silent_replica_does_not_hide_the_others() {
    let fakes = Fake::start_cluster(2);
    let cluster = format!("127.0.0.1:{},127.0.0.1:{}", fakes[0].port, free_port());
    let options = ["--cluster", &cluster, "--json", "@all", "PING"];
    let ran = Command::from_std(holdback_cli(&options)).assert().code(69);
    ran.stdout("{\"1\":\"PONG\",\"2\":{\"error\":\"unreachable: Connection refused\"}}\n");
    let silent = contains("no answer in 0.2s").and(contains("may or may not have happened"));
    let ran = run(fakes[0].port, "--timeout 0.2 @all SET silent 1", "").code(69);
    ran.stderr(silent);
}

/// Starts `holdback-cli` to be interrupted.
fn start(port: u16, arguments: &[&str]) -> Child {
    let port = port.to_string();
    let mut cli = holdback_cli(&["-p", &port]);
    cli.args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    cli.spawn().unwrap()
}

fn interrupt(child: Child) -> (Option<i32>, String) {
    let kill = std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let output = child.wait_with_output().unwrap();
    (
        output.status.code(),
        String::from_utf8_lossy(&output.stderr).into_owned(),
    )
}

#[test]
fn an_interrupted_write_may_still_happen_and_is_130() {
    let fake = Fake::start();
    let child = start(fake.port, &["SET", "silent", "1"]);
    fake.wait_for("SET silent 1");
    let (code, error) = interrupt(child);
    assert_eq!(code, Some(130));
    assert!(error.starts_with("Abandoned. SET was sent"), "{error}");
    let child = start(fake.port, &["GET", "silent"]);
    fake.wait_for("GET silent");
    assert_eq!(interrupt(child), (Some(130), "Abandoned.\n".to_owned()));
}

#[test]
fn a_script_that_waits_for_input_is_interrupted_at_once() {
    use std::io::{BufRead, BufReader, Write};
    let fake = Fake::start();
    let mut child = start(fake.port, &[]);
    let mut input = child.stdin.take().unwrap();
    input.write_all(b"PING\n").unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.as_mut().unwrap())
        .read_line(&mut line)
        .unwrap();
    assert_eq!(line, "PONG\n");
    let (code, _) = interrupt(child);
    assert_eq!(code, Some(130));
}

#[test]
fn a_stream_ends_quietly_when_its_reader_does() {
    use std::io::{BufRead, BufReader};
    let fake = Fake::start();
    let mut child = start(fake.port, &["MONITOR"]);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let first: Vec<_> = lines.by_ref().take(3).map(Result::unwrap).collect();
    assert_eq!(first, ["OK", "1 1.1 SET a 1", "2 2.1 SET b 2"]);
    fake.hang_up();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(69));
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(error.contains("was lost"), "{error}");
}
