//! Replicas as processes: how they start, stop, pause, die and come back.

use crate::start;
use holdback_testkit::processes::until;
use std::process::Command;

/// Runs the server with arguments that it ends at; its exit code and what it said.
fn refused(arguments: &[&str]) -> (Option<i32>, String) {
    let mut server = Command::new(env!("CARGO_BIN_EXE_holdback-server"));
    let output = server.args(arguments).output().expect("it runs");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn signals_end_a_replica_in_good_order() {
    for (signal, code) in [("-TERM", 0), ("-INT", 130)] {
        let mut cluster = start("sequential", 3, &[]);
        let mut client = cluster.client(1);
        assert_eq!(client.ask("SET a 1"), "+OK");
        // A write that cannot be delivered is told so before the end.
        assert_eq!(client.ask("FAULT CUT *"), "+OK");
        client.send("SET b 1\r\n");
        until("the write to be stamped", || {
            cluster.field(1, "holdback") == "1"
        });
        cluster.signal(1, signal);
        let reply = client.reply();
        assert!(reply.starts_with("-UNCERTAIN "), "{reply}");
        assert_eq!(cluster.end_of(1), Some(code), "{signal}");
    }
    let mut cluster = start("sequential", 1, &[]);
    cluster.client(1).send("SHUTDOWN\r\n");
    assert_eq!(cluster.end_of(1), Some(0));
}

#[test]
fn what_cannot_work_is_one_line_and_an_exit_code() {
    let cluster = start("sequential", 1, &[]);
    let taken = format!("127.0.0.1:{}", cluster.ports[0]);
    let two = "127.0.0.1:23001,127.0.0.1:23002";
    for (arguments, code, says) in [
        (&["--bind", &taken][..], 69, "cannot listen on"),
        (&["--id", "3", "--cluster", two], 64, "replicas 1 to 2"),
        (
            &["--id", "1", "--cluster", "127.0.0.1"],
            64,
            "not HOST:PORT",
        ),
        (&["--bind", "0.0.0.0:23003"], 64, "--protected-mode no"),
        (&["--max-clients", "0"], 64, "--max-clients cannot be 0"),
        (&["--log-file", "/no/such/folder/log"], 69, "--log-file"),
    ] {
        let (exit, text) = refused(arguments);
        let lines: Vec<&str> = text
            .lines()
            .filter(|line| !line.contains(" INFO "))
            .collect();
        assert_eq!(
            (exit, lines.len()),
            (Some(code), 1),
            "{arguments:?}: {text}"
        );
        assert!(lines[0].contains(says), "{arguments:?}: {text}");
    }
    assert_eq!(refused(&["--no-such-flag"]).0, Some(64));
}

#[test]
fn a_paused_replica_is_silent_and_what_waits_for_it_goes_through_later() {
    let cluster = start("sequential", 3, &[]);
    cluster.signal(3, "-STOP");
    let mut client = cluster.client(1);
    client.send("SET a 1\r\n");
    until("silence to show", || {
        cluster.field(1, "link.3").starts_with("silent")
    });
    let waiting = cluster.client(2).ask("HOLDBACK");
    assert!(waiting.contains("waits:3 SET a 1"), "{waiting}");
    cluster.signal(3, "-CONT");
    assert_eq!(client.reply(), "+OK");
    cluster.await_links();
}

#[test]
fn an_ordered_replica_that_lost_its_memory_is_not_let_back_in() {
    let mut cluster = start("linearizable", 3, &[]);
    assert_eq!(cluster.client(1).ask("SET a 1"), "+OK");
    cluster.kill(2);
    cluster.run(2);
    until("the refusal", || {
        cluster.field(2, "ready").starts_with("no (refused")
    });
    let reply = cluster.client(2).ask("GET a");
    assert!(reply.starts_with("-NOTREADY "), "{reply}");
    for id in [1, 3] {
        until("the others to say why", || {
            cluster.field(id, "link.2").contains("restarted")
        });
        assert_eq!(cluster.field(id, "ready"), "yes");
    }
}

#[test]
fn an_eventual_replica_that_restarts_empty_gets_everything_back() {
    let mut cluster = start("eventual", 3, &[]);
    for n in 0..500 {
        assert_eq!(
            cluster.client(1 + n % 3).ask(&format!("SET k{n} {n}")),
            "+OK"
        );
    }
    until("all writes at replica 1", || {
        cluster.field(1, "keys") == "500"
    });
    assert_eq!(cluster.client(1).ask("DEL k7"), ":1");
    cluster.kill(2);
    assert_eq!(cluster.client(3).ask("SET k8 new"), "+OK");
    cluster.run(2);
    until("convergence", || {
        let digests: Vec<String> = (1..=3).map(|id| cluster.field(id, "digest")).collect();
        cluster.field(2, "keys") == "499" && digests.iter().all(|digest| *digest == digests[0])
    });
    let mut client = cluster.client(2);
    assert_eq!(
        (client.ask("GET k7"), client.ask("GET k8")),
        ("nil".into(), "new".into())
    );
    assert_eq!(client.ask("SET k8 newer"), "+OK");
    until("its writes to win", || {
        cluster.client(1).ask("GET k8") == "newer"
    });
}

#[test]
fn replicas_may_start_in_any_order() {
    let mut cluster = start("sequential", 3, &[]);
    // Nothing was exchanged, so each may start anew, and in any order.
    for id in [3, 1, 2] {
        cluster.kill(id);
    }
    for id in [2, 3, 1] {
        cluster.run(id);
    }
    cluster.await_links();
    assert_eq!(cluster.client(3).ask("SET a 1"), "+OK");
}
