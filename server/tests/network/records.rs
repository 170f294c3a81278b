//! What a replica writes down: its log and its trace.

use crate::start;
use holdback_testkit::processes::{Cluster, until};
use serde_json::Value;

/// Runs some writes at every replica, and ends them, so that all is written down; the order as replica 1 tells it.
fn run(cluster: &mut Cluster) -> String {
    for n in 0..30 {
        let mut client = cluster.client(1 + n % 3);
        assert_eq!(
            client.ask(&format!("SET key{n} \"a value; \\\"{n}\\\"\"")),
            "+OK"
        );
        client.send("MULTI\r\nINCR n\r\nGET n\r\nEXEC\r\n");
        (0..4).for_each(|_| {
            client.reply();
        });
    }
    until("all to be delivered", || {
        (1..=3).all(|id| cluster.field(id, "position") == "60")
    });
    let order = cluster.client(1).ask("ORDER 100 1");
    for id in 1..=3 {
        cluster.signal(id, "-TERM");
        cluster.end_of(id);
    }
    order
}

#[test]
fn the_order_can_be_read_from_the_log_alone() {
    let mut cluster = start("sequential", 3, &[]);
    let order = run(&mut cluster);
    for id in 1..=3 {
        let log = cluster.read(id, "log");
        let delivered: Vec<String> = log
            .lines()
            .filter_map(|line| {
                line.split_once(" deliver position=")?
                    .1
                    .split_once(" stamp=")
            })
            .map(|(position, rest)| {
                let (stamp, command) = rest.split_once(" command=").expect("a command");
                format!("{position} {stamp} {command}")
            })
            .collect();
        assert_eq!(format!("[{}]", delivered.join(" ")), order, "replica {id}");
    }
}

#[test]
fn the_trace_has_every_event_and_agrees() {
    let mut cluster = start("sequential", 3, &[]);
    run(&mut cluster);
    let events: Vec<Value> = cluster
        .read(1, "trace")
        .lines()
        .map(|line| serde_json::from_str(line).expect("a line is an object"))
        .collect();
    let of = |name: &str| {
        events
            .iter()
            .filter(|event| event["event"] == name)
            .collect::<Vec<_>>()
    };
    for event in &events {
        assert!(event["replica"] == 1 && event["wall_ns"].is_u64() && event["clock"].is_u64());
    }
    let positions: Vec<u64> = of("deliver")
        .iter()
        .filter_map(|event| event["position"].as_u64())
        .collect();
    assert_eq!(positions, (1..=60).collect::<Vec<u64>>());
    assert_eq!(of("link_up").len(), 2);
    // Of 20 own entries each goes to both peers, and each of the 40 others comes in once.
    let frames = |name: &str, frame: &str| {
        of(name)
            .iter()
            .filter(|event| event["frame"] == frame)
            .count()
    };
    assert_eq!(
        (frames("send", "MCAST"), frames("receive", "MCAST")),
        (40, 40)
    );
    assert!(frames("send", "ACK") > 0 && frames("receive", "ACK") > 0);
    let replies = of("reply")
        .iter()
        .filter(|event| event["stamp"].is_string())
        .count();
    assert_eq!(replies, 20);
    assert!(!of("request").is_empty());
}

#[test]
fn passwords_are_neither_logged_nor_traced_nor_shown() {
    let cluster = start("sequential", 1, &[]);
    let mut watcher = cluster.client(1);
    assert_eq!(watcher.ask("MONITOR"), "+OK");
    let mut client = cluster.client(1);
    assert_eq!(client.ask("CONFIG SET slowlog-log-slower-than 0"), "+OK");
    for line in [
        "AUTH default open-sesame-1",
        "AUTH open-sesame-2",
        "auth nobody open-sesame-3",
        "HELLO 2 AUTH default open-sesame-4",
        "HELLO 2 AUTH nobody open-sesame-5 SETNAME n",
        "HELLO AUTH default open-sesame-6",
        "HELLO 2 AUTH open-sesame-7",
        "MULTI",
        "AUTH default open-sesame-8",
        "DISCARD",
        "PING",
    ] {
        client.ask(line);
    }
    let slow = client.ask("SLOWLOG GET 100");
    let mut monitored = String::new();
    while !monitored.contains("SLOWLOG") {
        monitored.push_str(&watcher.reply());
    }
    let (log, trace) = (cluster.read(1, "log"), cluster.read(1, "trace"));
    for (what, text) in [
        ("SLOWLOG", slow),
        ("MONITOR", monitored),
        ("log", log),
        ("trace", trace),
    ] {
        assert!(!text.contains("sesame"), "{what}: {text}");
        assert!(text.contains("(redacted)"), "{what}: {text}");
    }
}
