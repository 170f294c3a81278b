//! Much at once: what has a limit, and what must not have one.

use crate::start;
use holdback::wire::arguments::push_bulk;
use holdback_testkit::processes::{Cluster, until};
use std::io::{ErrorKind, Write};
use std::time::Duration;

/// A command as an array, for words too long for a line.
fn array(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
    words.iter().for_each(|word| push_bulk(&mut bytes, word));
    bytes
}

/// What two replicas need to be put under much pressure: patience, small values so that a small output
/// limit is one, and a log that is not the work itself.
const UNDER_PRESSURE: &[&str] = &[
    "--link-timeout",
    "60s",
    "--request-timeout",
    "60s",
    "--max-value",
    "200kb",
    "--max-output",
    "1mb",
    "--log-level",
    "info",
];

/// Two hundred writes of 100 KB each: far more than the system buffers.
fn burst() -> Vec<u8> {
    array(&[b"SET", b"k", &[b'v'; 100_000]]).repeat(200)
}

#[test]
fn a_link_is_never_closed_for_slowness() {
    // What a client may leave unread is far less than what replica 2 has to catch up with. Replica 1 has
    // accepted that link, so it came in as any client's connection does.
    let cluster = start("sequential", 2, UNDER_PRESSURE);
    cluster.signal(2, "-STOP");
    let mut client = cluster.client(1);
    let sender = client.send_aside(burst());
    until("20 MB to wait for replica 2", || {
        cluster.field(1, "holdback") == "200"
    });
    let unsent: usize = cluster.field(1, "unsent.2").parse().expect("a number");
    assert!(unsent > 2 << 20, "only {unsent} bytes wait in the replica");
    cluster.signal(2, "-CONT");
    for _ in 0..200 {
        assert_eq!(client.reply(), "+OK");
    }
    sender.join().expect("the sender");
    let log = cluster.read(1, "log");
    assert!(!log.contains("is down"), "the link was closed");
    until("replica 2 to have all", || {
        cluster.field(2, "position") == "200"
    });
}

#[test]
fn two_replicas_that_send_each_other_much_do_not_lock_up() {
    // More than the system buffers waits in both directions at once: a replica that stopped reading from a
    // peer while it could not write to it would wait for ever.
    let cluster = start("sequential", 2, UNDER_PRESSURE);
    let mut clients = [cluster.client(1), cluster.client(2)];
    cluster.signal(2, "-STOP");
    let senders = clients.each_ref().map(|client| client.send_aside(burst()));
    until("20 MB to wait for replica 2", || {
        cluster.field(1, "holdback") == "200"
    });
    cluster.signal(2, "-CONT");
    for client in &mut clients {
        for _ in 0..200 {
            assert_eq!(client.reply(), "+OK");
        }
    }
    for sender in senders {
        sender.join().expect("the sender");
    }
    until("both to have all", || {
        (1..=2).all(|id| cluster.field(id, "position") == "400")
    });
    assert_eq!(cluster.field(1, "digest"), cluster.field(2, "digest"));
    assert!(!cluster.read(1, "log").contains("is down"));
}

#[test]
fn what_a_client_may_send_passes_the_links_too() {
    let cluster = start(
        "sequential",
        2,
        &["--request-timeout", "60s", "--log-level", "info"],
    );
    // 1,048,576 arguments is the most that one frame may have.
    let keys: Vec<Vec<u8>> = (1..1_048_576)
        .map(|n| format!("k{n}").into_bytes())
        .collect();
    let words = std::iter::once(&b"DEL"[..]).chain(keys.iter().map(Vec::as_slice));
    let delete = array(&words.collect::<Vec<_>>());
    // One of them has dialled the other; either way.
    for (id, other) in [(1, 2), (2, 1)] {
        let mut client = cluster.client(id);
        assert_eq!(client.ask("SET k7 1"), "+OK");
        client.send(&delete);
        assert_eq!(client.reply(), ":1");
        // And the largest value.
        client.send(array(&[b"SET", b"big", &vec![b'v'; 16 << 20]]));
        assert_eq!(client.reply(), "+OK");
        until("the other to have it", || {
            cluster.field(other, "position") == cluster.field(id, "position")
        });
        let length = cluster.client(other).ask("STRLEN big");
        assert_eq!(length, format!(":{}", 16 << 20));
    }
    assert!(!cluster.read(1, "log").contains("is down"));
}

#[test]
fn limits_of_frames_and_words_are_those_that_the_protocol_names() {
    let cluster = start("sequential", 1, &["--log-level", "info"]);
    let mut client = cluster.client(1);
    let (key, value) = (vec![b'k'; 64 << 10], vec![b'v'; 16 << 20]);
    client.send(array(&[b"SET", &key, &value]));
    assert_eq!(client.reply(), "+OK");
    client.send(array(&[b"SET", b"k", &[&value[..], b"v"].concat()]));
    assert_eq!(client.reply(), "-ERR value is larger than 16777216 bytes");
    client.send(array(&[b"GET", &[&key[..], b"k"].concat()]));
    assert_eq!(client.reply(), "-ERR key is larger than 65536 bytes");
    let line = |length: usize| format!("ECHO {}\r\n", "x".repeat(length - "ECHO ".len()));
    client.send(line((64 << 10) - 1));
    assert_eq!(client.reply().len(), (64 << 10) - 1 - "ECHO ".len());
    for too_much in [
        line((64 << 10) + 1).into_bytes(),
        b"x".repeat((64 << 10) + 2),
        b"*1048577\r\n".to_vec(),
        b"*1\r\n$9999999999\r\n".to_vec(),
    ] {
        let mut client = cluster.client(1);
        client.send(&too_much);
        let rest = client.rest();
        assert!(rest[0].starts_with("-ERR Protocol error: "), "{rest:?}");
    }
    assert_eq!(client.ask("PING"), "+PONG", "others are not disturbed");
}

/// How many commands a replica has begun or put behind a barrier, this look included.
fn processed(cluster: &Cluster) -> u64 {
    let info = cluster.client(1).ask("INFO stats");
    let name = "total_commands_processed:";
    let number = info.lines().find_map(|line| line.strip_prefix(name));
    number
        .and_then(|number| number.parse().ok())
        .expect("a number")
}

/// Waits until a replica takes nothing more of what its clients have sent; what it has processed by then.
fn until_it_stops_reading(cluster: &Cluster) -> u64 {
    let mut last = 0;
    until("the replica to stop reading", || {
        let now = processed(cluster);
        let stopped = now == last + 1;
        last = now;
        stopped
    });
    last
}

#[test]
fn a_client_whose_requests_wait_is_not_read_without_end() {
    let options = ["--request-timeout", "1h", "--log-level", "info"];
    let cluster = start("sequential", 1, &options);
    let mut client = cluster.client(1);
    client.send("AWAIT 1000000\r\n");
    let mut stream = client.stream();
    let patience = Some(Duration::from_millis(500));
    stream.set_write_timeout(patience).expect("a timeout");
    // The system takes some megabytes in its buffers; then nothing moves any more.
    let pings = b"PING\r\n".repeat(100_000);
    let mut sent = 0;
    let stopped = loop {
        match stream.write(&pings) {
            Ok(length) => sent += length,
            Err(error) => break error,
        }
        assert!(sent < 100 << 20, "the replica takes all it is given");
    };
    assert_eq!(stopped.kind(), ErrorKind::WouldBlock);
    let begun = until_it_stops_reading(&cluster);
    assert!(begun < 12_000, "{begun} requests of one client wait");
}

#[test]
fn a_client_that_leaves_its_replies_unread_is_not_read_either() {
    // Above the pause, below the limit at which it is closed: when it reads on, it has lost nothing.
    let cluster = start("sequential", 1, &["--log-level", "info"]);
    let mut client = cluster.client(1);
    assert_eq!(client.ask(&format!("SET k {}", "v".repeat(50_000))), "+OK");
    let sender = client.send_aside(b"GET k\r\n".repeat(1000));
    let begun = until_it_stops_reading(&cluster);
    assert!(begun < 900, "{begun} commands for nobody to read");
    assert_eq!(cluster.client(1).ask("SET k short"), "+OK");
    let mut replies = 1;
    while client.reply().len() == 50_000 {
        replies += 1;
    }
    for _ in replies..1000 {
        assert_eq!(client.reply(), "short");
    }
    sender.join().expect("the sender");
}

#[test]
fn unfinished_requests_of_many_clients_are_bounded_together() {
    let options = ["--max-clients-memory", "32mb", "--log-level", "info"];
    let cluster = start("sequential", 1, &options);
    let mut polite = cluster.client(1);
    assert_eq!(polite.ask("SET x 1"), "+OK");
    let mut unfinished = array(&[b"SET", b"y", &vec![b'v'; 8 << 20]]);
    unfinished.truncate(8 << 20);
    let clients: Vec<_> = (0..12).map(|_| cluster.client(1)).collect();
    for client in &clients {
        // Who is closed meanwhile cannot send the rest.
        drop(client.stream().write_all(&unfinished));
        assert_eq!(polite.ask("GET x"), "1");
    }
    let evicted = |info: &str| -> usize {
        let line = info
            .lines()
            .find_map(|line| line.strip_prefix("evicted_clients:"));
        line.and_then(|number| number.parse().ok()).unwrap_or(0)
    };
    until("those above the bound to be closed", || {
        evicted(&polite.ask("INFO stats")) >= 8
    });
    let number = |name: &str| -> usize { cluster.field(1, name).parse().expect("a number") };
    assert!(number("memory_clients") <= 32 << 20);
    if cfg!(target_os = "linux") {
        assert!((1 << 20..64 << 20).contains(&number("memory_rss")));
    }
    assert!(cluster.read(1, "log").contains(" is closed: it takes "));
}

#[cfg(target_os = "linux")]
#[test]
fn a_long_pipeline_is_read_no_faster_than_it_is_executed() {
    let cluster = start("sequential", 1, &["--log-level", "info"]);
    let mut client = cluster.client(1);
    let echo = format!("ECHO {}\r\n", "x".repeat(100));
    assert_eq!(client.ask(echo.trim_end()).len(), 100);
    let memory = |kind: &str| -> usize {
        let path = format!("/proc/{}/status", cluster.process(1));
        let status = std::fs::read_to_string(path).expect("a status");
        let line = status.lines().find_map(|line| line.strip_prefix(kind));
        let kilobytes = line.and_then(|line| line.trim().strip_suffix(" kB"));
        kilobytes
            .and_then(|number| number.trim().parse().ok())
            .expect("a size")
    };
    let before = memory("VmRSS:");
    let count = (20 << 20) / echo.len();
    let sender = client.send_aside(echo.repeat(count).into_bytes());
    for _ in 0..count {
        assert_eq!(client.reply().len(), 100);
    }
    sender.join().expect("the sender");
    let grown = memory("VmHWM:") - before;
    assert!(grown < 8 << 10, "{grown} kB more for 20 MB that came in");
}
