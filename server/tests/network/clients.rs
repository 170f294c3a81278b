//! What clients may do to a replica, and get.

use crate::start;
use holdback_testkit::processes::{Client, until};
use std::net::Shutdown;

const MODELS: [&str; 3] = ["sequential", "linearizable", "eventual"];

/// `SET x; GET y` against `SET y; GET x`, many times: at least one must see the other's write.
#[test]
fn two_clients_never_both_miss_each_other() {
    for model in ["sequential", "linearizable"] {
        let cluster = start(model, 3, &[]);
        let (mut one, mut two) = (cluster.client(1), cluster.client(2));
        for round in 0..200 {
            one.send(format!("SET x{round} 1\r\nGET y{round}\r\n"));
            two.send(format!("SET y{round} 1\r\nGET x{round}\r\n"));
            assert_eq!((one.reply(), two.reply()), ("+OK".into(), "+OK".into()));
            let seen = (one.reply(), two.reply());
            assert_ne!(seen, ("nil".into(), "nil".into()), "{model}, round {round}");
        }
    }
}

#[test]
fn half_closing_still_gets_every_reply() {
    for model in MODELS {
        let cluster = start(model, 3, &[]);
        for id in 1..=3 {
            let mut client = cluster.client(id);
            client.send("SET a 1\nGET a\n");
            let ended = client.stream().shutdown(Shutdown::Write);
            ended.expect("shut down");
            assert_eq!(client.rest(), ["+OK", "1"], "{model}, replica {id}");
        }
    }
}

#[test]
fn a_long_pipeline_is_answered_in_order_even_when_it_is_half_closed() {
    let cluster = start("sequential", 3, &[]);
    let mut client = cluster.client(2);
    // More than may be unanswered at a time: reading is paused and resumed on the way.
    let lines: String = (0..25_000).map(|n| format!("SET k {n}\nGET k\n")).collect();
    let sender = client.send_aside(lines.into_bytes());
    let stream = client.stream().try_clone().expect("a second handle");
    let sender = std::thread::spawn(move || {
        sender.join().expect("the sender");
        stream.shutdown(Shutdown::Write).expect("shut down");
    });
    for n in 0..25_000 {
        assert_eq!(client.reply(), "+OK");
        assert_eq!(client.reply(), n.to_string());
    }
    assert!(client.rest().is_empty());
    sender.join().expect("the sender");
}

#[test]
fn frames_may_come_in_pieces() {
    let cluster = start("sequential", 1, &[]);
    let mut client = cluster.client(1);
    client.stream().set_nodelay(true).expect("no delay");
    for byte in b"*3\r\n$3\r\nSET\r\n$1\r\na\r\n$5\r\nb\r\nc\n\r\nGET a\r\n" {
        client.send([*byte]);
    }
    assert_eq!(client.reply(), "+OK");
    assert_eq!(client.reply(), "b\r\nc\n");
}

#[test]
fn a_client_that_does_not_read_is_closed_and_others_go_on() {
    let options = ["--max-value", "1mb", "--max-output", "3mb"];
    let cluster = start("sequential", 1, &options);
    let mut watcher = cluster.client(1);
    assert_eq!(watcher.ask("MONITOR"), "+OK");
    let mut client = cluster.client(1);
    let value = "v".repeat(200_000);
    until("the monitor to be closed", || {
        assert_eq!(
            client.ask(&format!("ECHO {}", &value[..60_000])).len(),
            60_000
        );
        cluster.field(1, "clients") == "2"
    });
    assert_eq!(client.ask("PING"), "+PONG");
}

/// By the order of events, not by time: the short request overtakes the rest of the long pipeline.
#[test]
fn a_long_pipeline_does_not_starve_another_client() {
    let cluster = start("sequential", 1, &[]);
    let mut greedy = cluster.client(1);
    let mut modest = cluster.client(1);
    assert_eq!(modest.ask("PING"), "+PONG");
    let lines = "INCR n\n".repeat(100_000);
    let sender = greedy.send_aside(lines.into_bytes());
    assert_eq!(greedy.reply(), ":1");
    let seen: u64 = modest.ask("GET n").parse().expect("a number");
    assert!(seen < 100_000, "answered only after the whole pipeline");
    for n in 2..=100_000 {
        assert_eq!(greedy.reply(), format!(":{n}"));
    }
    sender.join().expect("the sender");
}

#[test]
fn a_browser_is_cut_off_before_it_can_write() {
    let cluster = start("sequential", 1, &[]);
    for request in [
        "POST / HTTP/1.1\r\n",
        "GET / HTTP/1.1\r\nHost: localhost\r\n",
    ] {
        let mut client = cluster.client(1);
        client.send(format!("{request}\r\nSET evil 1\r\n"));
        assert!(!client.rest().contains(&"+OK".to_owned()), "{request}");
    }
    assert_eq!(cluster.client(1).ask("GET evil"), "nil");
}

#[test]
fn clients_above_the_limit_are_told_and_peers_still_come_in() {
    let mut cluster = start("sequential", 2, &["--max-clients", "2"]);
    // The connections that looked at the links may still be counted: until they are not, it is full.
    let admitted = || {
        let mut found = None;
        until("a place", || {
            let mut client = cluster.client(1);
            let is_in = client.ask("PING") == "+PONG";
            found = is_in.then_some(client);
            is_in
        });
        found.expect("a client")
    };
    let (mut one, two) = (admitted(), admitted());
    let mut three = cluster.client(1);
    assert_eq!(three.ask("PING"), "-ERR max number of clients reached");
    assert!(three.rest().is_empty());
    cluster.kill(2);
    cluster.run(2);
    until("the link to come back", || {
        one.ask("STATUS").contains("link.2:up")
    });
    drop(two);
}

#[test]
fn a_malformed_request_is_answered_behind_the_others_and_the_connection_closed() {
    let cluster = start("sequential", 3, &[]);
    let mut client: Client = cluster.client(1);
    client.send("SET a 1\r\n*1\r\n:1\r\nSET a 2\r\n");
    assert_eq!(
        client.rest(),
        ["+OK", "-ERR Protocol error: expected '$', got ':'"]
    );
    assert_eq!(cluster.client(1).ask("GET a"), "1");
}

#[test]
fn a_client_that_does_nothing_is_closed_in_time() {
    let cluster = start("sequential", 1, &["--timeout", "1"]);
    let mut client = cluster.client(1);
    assert_eq!(client.ask("CONFIG GET timeout"), "[timeout 1]");
    assert!(client.rest().is_empty(), "it waits for the end");
}
