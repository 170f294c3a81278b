//! `cluster.sh`.

use crate::place::{Place, in_terminal, root};
use holdback::wire::value::Value;
use holdback_testkit::processes::{PATIENCE, programs};
use std::net::TcpListener;

#[test]
fn a_detached_cluster_is_looked_after_and_taken_down() {
    let place = Place::new();
    let port = place.first_port.to_string();
    place.up("").exits(0).prints(&format!("127.0.0.1:{port}"));
    let answer = place
        .connect(2)
        .call(&["SET", "x", "1"], Some(PATIENCE))
        .unwrap();
    assert_eq!(answer, Value::Simple("OK".into()));

    let script = |arguments: &str| place.script(&format!("cluster.sh {arguments}"));
    script("status")
        .exits(0)
        .prints("digests agree at position 1");
    script("pause 2").exits(0);
    script("status")
        .exits(1)
        .prints("replica 2 does not answer: no answer in time");
    script("resume 2").exits(0);
    place
        .lab(&format!("wait --cluster {}", place.cluster(3)))
        .exits(0);
    script("status").exits(0);
    script("kill 3").exits(0);
    script("kill 3")
        .exits(1)
        .complains("replica 3 is not running");
    script("status")
        .exits(1)
        .prints("replica 3 does not answer: connection refused");
    let logs = script("logs 1").exits(0);
    assert!(
        logs.out.contains("SET x 1") || logs.out.contains("STATUS"),
        "{logs:?}"
    );
    script("kill 4")
        .exits(64)
        .complains("there is no replica 4");
    script("kill")
        .exits(64)
        .complains("kill needs a replica's id");
    script("down").exits(0);
    place.assert_no_processes();
    script("status").exits(69).complains("no cluster is up");
}

#[test]
fn a_replica_that_has_ended_is_started_again_as_it_was_started_before() {
    let place = Place::new();
    place.up("-c eventual -- --max-clients 77").exits(0);
    let script = |arguments: &str| place.script(&format!("cluster.sh {arguments}"));
    let ask = |id, command: &[&str]| place.connect(id).call(command, Some(PATIENCE)).unwrap();
    assert_eq!(ask(1, &["SET", "x", "1"]), Value::Simple("OK".into()));
    script("start 3")
        .exits(1)
        .complains("replica 3 is running (process ");
    script("kill 3").exits(0);
    script("start 3").exits(0).prints("replica 3 serves");
    script("restart 2").exits(0).prints("replica 2 serves");
    script("stop 2").exits(0);
    script("stop 2")
        .exits(1)
        .complains("replica 2 is not running");
    script("start 2").exits(0).prints("replica 2 serves");
    place
        .lab(&format!("wait --cluster {}", place.cluster(3)))
        .exits(0);
    let length = ask(2, &["CONFIG", "GET", "max-clients"]);
    let words = ["max-clients", "77"].map(|word| Value::Bulk(word.into()));
    assert_eq!(length, Value::Array(words.into()));
    for trace in ["trace.1.jsonl", "trace.2.jsonl", "trace.jsonl"] {
        assert!(!place.latest(&format!("replica-2.{trace}")).is_empty());
    }
    script("down").exits(0);
    place.assert_no_processes();
}

#[test]
fn an_ordered_replica_that_was_started_again_says_why_it_does_not_serve() {
    let place = Place::new();
    place.up("").exits(0);
    let set = place.connect(1).call(&["SET", "x", "1"], Some(PATIENCE));
    assert_eq!(set.unwrap(), Value::Simple("OK".into()));
    let restarted = place.script("cluster.sh restart 3").exits(1);
    let why = "replica 3 does not serve: no (refused: ";
    assert!(restarted.out.contains(why), "{restarted:?}");
}

#[test]
fn a_paused_replica_is_ended_too() {
    let place = Place::new();
    place.up("").exits(0);
    place.script("cluster.sh pause 1").exits(0);
    // The link to the newest run names it as well.
    let latest = place.latest_path();
    let down = place.script(&format!("cluster.sh down --run {latest}"));
    down.exits(0);
    place.assert_no_processes();
}

#[test]
fn commands_on_standard_input_are_executed_and_the_cluster_ends() {
    let place = Place::new();
    let port = place.first_port.to_string();
    let input = place.case("input", "SET x 1\nGET x\n");
    let script = root().join("scripts/cluster.sh");
    let output = place
        .command(script)
        .args(["up", "-c", "linearizable", "-p", &port])
        .stdin(std::fs::File::open(input).unwrap())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(String::from_utf8(output.stdout).unwrap(), "OK\n1\n");
    place.assert_no_processes();
}

#[test]
fn the_repl_is_opened_and_leaving_it_takes_the_cluster_down() {
    let place = Place::new();
    let port = place.first_port.to_string();
    let mut command = place.command(root().join("scripts/cluster.sh"));
    command.args(["up", "-p", &port]);
    command.env("HOME", place.runs.path());
    let mut terminal = in_terminal(command);
    let prompt = format!("127.0.0.1:{port} (replica 1, sequential)>");
    terminal.exp_string(&prompt).unwrap();
    terminal.send_line("SET x 1").unwrap();
    terminal.exp_string("OK").unwrap();
    terminal.exp_string(&prompt).unwrap();
    // The replicas do not hear of Ctrl-C.
    terminal.send_control('c').unwrap();
    terminal.exp_string("Ctrl-D").unwrap();
    terminal.exp_string(&prompt).unwrap();
    terminal.send_line("GET x").unwrap();
    terminal.exp_string("\"1\"").unwrap();
    terminal.exp_string(&prompt).unwrap();
    terminal.send_control('d').unwrap();
    terminal.exp_string("the cluster is down").unwrap();
    terminal.exp_eof().unwrap();
    place.assert_no_processes();
}

#[test]
fn a_port_in_use_is_named() {
    let place = Place::new();
    let taken = TcpListener::bind(("127.0.0.1", place.first_port + 1)).unwrap();
    place
        .up("")
        .exits(69)
        .complains(&format!("in use: port {}", place.first_port + 1))
        .complains("with -p");
    drop(taken);
    place.assert_no_processes();
}

#[test]
fn a_replica_that_dies_on_start_is_reported_with_what_it_said() {
    let place = Place::new();
    place
        .up("-- --link-timeout soon")
        .exits(69)
        .complains("replica 1 has ended; the last it said:")
        .complains("--link-timeout");
    place.assert_no_processes();
}

#[test]
fn one_replica_that_dies_takes_the_rest_down() {
    let place = Place::new();
    let real = programs().join("holdback-server");
    let folder = place.programs_with_server(&format!(
        "case \"$2\" in 2) echo 'no disk today' >&2; exit 1 ;; esac\nexec {} \"$@\"\n",
        real.display()
    ));
    let output = place
        .command(root().join("scripts/cluster.sh"))
        .args(["up", "-p", &place.first_port.to_string(), "--detach"])
        .env("HOLDBACK_BIN", &folder)
        .output()
        .unwrap();
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(69), "{error}");
    assert!(
        error.contains("replica 2 has ended") && error.contains("no disk today"),
        "{error}"
    );
    place.assert_no_processes();
}

#[test]
fn wrong_arguments_are_refused_with_the_exit_code_of_usage() {
    let place = Place::new();
    for arguments in [
        "up -n 0",
        "up -n",
        "up -c strong",
        "up -p 65535",
        "up --sideways",
        "sideways",
        "",
    ] {
        let answer = place.script(&format!("cluster.sh {arguments}"));
        answer.exits(64).complains("cluster.sh: ");
    }
    for script in ["cluster.sh", "run_case.sh", "run_all_cases.sh"] {
        let help = place.script(&format!("{script} --help")).exits(0);
        assert!(
            help.out.contains(&format!("Usage: scripts/{script}")),
            "{help:?}"
        );
        assert!(!help.out.contains("set -euo"), "{help:?}");
    }
}
