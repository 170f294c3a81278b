//! The end of a replica whose clients have not read all of their replies.

use crate::start;
use holdback_testkit::processes::{Client, Cluster};
use std::io::Read;

/// Bytes of each of four values.
const VALUE: usize = (63 << 20) / 4;

/// A replica, and a client that has asked for 63 MB and read nothing: the replica has executed that, and none of the
/// requests behind it.
fn much_unread() -> (Cluster, Client) {
    let cluster = start("sequential", 1, &["--log-level", "info"]);
    let mut client = cluster.client(1);
    for key in ["a", "b", "c", "d"] {
        client.send(format!("*3\r\n$3\r\nSET\r\n$1\r\n{key}\r\n${VALUE}\r\n"));
        client.send(vec![b'v'; VALUE]);
        client.send("\r\n");
        assert_eq!(client.reply(), "+OK");
    }
    client.send(format!("MGET a b c d\r\n{}", "PING\r\n".repeat(10_000)));
    client.stream().peek(&mut [0]).expect("the reply begins");
    (cluster, client)
}

#[test]
fn what_was_answered_can_be_read_after_sigterm() {
    for command in [false, true] {
        let (mut cluster, client) = much_unread();
        if command {
            cluster.client(1).send("SHUTDOWN\r\n");
        } else {
            cluster.signal(1, "-TERM");
        }
        let mut replies = Vec::new();
        let mut stream = client.stream();
        stream.read_to_end(&mut replies).expect("the end in order");
        let value = format!("${VALUE}\r\n").len() + VALUE + "\r\n".len();
        assert_eq!(replies.len(), "*4\r\n".len() + 4 * value);
        drop(client);
        assert_eq!(cluster.end_of(1), Some(0));
    }
}

#[test]
fn clients_that_never_read_do_not_keep_a_replica_from_ending() {
    let (mut cluster, client) = much_unread();
    cluster.signal(1, "-TERM");
    assert_eq!(cluster.end_of(1), Some(0));
    drop(client);
}

#[test]
fn a_second_signal_ends_a_replica_at_once() {
    let (mut cluster, client) = much_unread();
    cluster.signal(1, "-TERM");
    cluster.signal(1, "-INT");
    assert_eq!(cluster.end_of(1), Some(130));
    drop(client);
}
