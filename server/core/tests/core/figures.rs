//! The figures of INFO and STATUS that say how busy a replica is, and how long commands take.

use crate::world::World;
use holdback::consistency::Consistency::{Eventual, Sequential};
use std::time::Duration;

fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

/// A figure of INFO.
fn figure(world: &mut World, replica: u16, name: &str) -> u64 {
    let info = world.inspect(replica, "INFO");
    let line = info.lines().find_map(|line| line.strip_prefix(name));
    let value = line.and_then(|rest| rest.strip_prefix(':'));
    let Some(value) = value else {
        panic!("{name} is not in {info}");
    };
    value.trim().parse().unwrap()
}

#[test]
fn frames_are_counted_and_heartbeats_are_not() {
    let mut world = World::new(Sequential, 3);
    let client = world.connect(1);
    world.run(client, "SET x 1");
    world.pass(Duration::from_secs(10));
    // The MCAST goes to both others, and each of them acks to both others.
    for (replica, sent, received) in [(1, 2, 2), (2, 2, 2), (3, 2, 2)] {
        assert_eq!(figure(&mut world, replica, "frames_sent"), sent);
        assert_eq!(figure(&mut world, replica, "frames_received"), received);
    }
}

#[test]
fn handshakes_are_no_commands() {
    let mut world = World::new(Sequential, 2);
    let before = figure(&mut world, 1, "total_commands_processed");
    // The dialling replica gets no further than its handshake, over and over.
    world.inspect(1, "FAULT CUT 2");
    world.pass(Duration::from_secs(10));
    let commands = figure(&mut world, 1, "total_commands_processed") - before;
    assert_eq!(commands, 2, "FAULT and INFO");
}

#[test]
fn every_frame_of_a_round_is_counted() {
    let mut world = World::new(Eventual, 2);
    world.inspect(1, "FAULT CUT 2");
    let client = world.connect(1);
    world.run(client, "MSET a 1 b 2 c 3");
    world.settle();
    let before = figure(&mut world, 2, "frames_received");
    let sent_before = figure(&mut world, 1, "frames_sent");
    world.inspect(1, "FAULT HEAL 2");
    world.pass(milliseconds(600));
    assert_eq!(world.inspect(2, "GET c"), "3");
    let received = figure(&mut world, 2, "frames_received") - before;
    let sent = figure(&mut world, 1, "frames_sent") - sent_before;
    assert_eq!(sent, received);
    assert!(
        received >= 6,
        "VECTOR, ROUND, three ENTRYs and END: {received}"
    );
}

#[test]
fn the_time_through_the_order_is_measured() {
    let mut world = World::new(Sequential, 2);
    world.inspect(1, "FAULT DELAY 2 100 100");
    let client = world.connect(1);
    world.run(client, "SET x 1");
    world.pass(milliseconds(100));
    assert_eq!(world.replies(client), ["+OK"]);
    let median = figure(&mut world, 1, "ordered_p50_us");
    assert!((100_000..126_000).contains(&median), "{median}");
    // It was no client's.
    assert_eq!(figure(&mut world, 2, "ordered_p50_us"), 0);
    world.pass(Duration::from_secs(20));
    assert_eq!(figure(&mut world, 1, "ordered_p99_us"), 0, "it is long ago");
}

#[test]
fn a_read_behind_a_write_took_as_long_as_it_waited() {
    let mut world = World::new(Sequential, 2);
    world.inspect(1, "FAULT DELAY 2 100 100");
    let client = world.connect(1);
    world.run(client, "SET x 1\nGET x");
    world.pass(milliseconds(100));
    assert_eq!(world.replies(client), ["+OK", "1"]);
    let longest = figure(&mut world, 1, "local_p99_us");
    assert!((100_000..126_000).contains(&longest), "{longest}");
}

#[test]
fn a_round_trip_is_measured_by_heartbeats() {
    let mut world = World::new(Sequential, 2);
    world.pass(milliseconds(500));
    // This network takes no time.
    assert_eq!(world.status(1, "rtt_us.2"), "0");
    world.hold(2, 1);
    world.pass(milliseconds(700));
    world.release(2, 1);
    world.settle();
    let micros: u64 = world.status(1, "rtt_us.2").parse().unwrap();
    assert!(micros >= 200_000, "{micros}");
}
