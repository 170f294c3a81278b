//! FAULT: delays, cuts and heals.

use crate::world::World;
use holdback::consistency::Consistency::{Eventual, Sequential};
use std::time::Duration;

fn milliseconds(number: u64) -> Duration {
    Duration::from_millis(number)
}

#[test]
fn a_delay_holds_frames_back_and_keeps_their_order() {
    for seed in 0..20 {
        let mut world = World::with(Sequential, 2, |settings| settings.seed = seed);
        assert_eq!(world.inspect(1, "FAULT DELAY 2 100 900"), "+OK");
        let client = world.connect(1);
        for turn in 0..10 {
            world.send(client, &format!("APPEND x {turn}"));
            world.pass(milliseconds(20));
        }
        // The first frames are under way, delayed by different times; none overtakes another, as the
        // receiver would close the link on the gap.
        world.pass(milliseconds(1200));
        assert_eq!(world.replies(client).len(), 10, "seed {seed}");
        assert_eq!(world.inspect(2, "GET x"), "0123456789", "seed {seed}");
        assert_eq!(world.status(2, "link.1"), "up");
        assert!(!world.told("down"));
    }
}

#[test]
fn a_delay_takes_as_long_as_it_says_in_one_direction() {
    let mut world = World::new(Sequential, 2);
    world.inspect(1, "FAULT DELAY 2 1000 1000");
    let (a, b) = (world.connect(1), world.connect(2));
    world.run(a, "SET x 1");
    world.pass(milliseconds(999));
    assert_eq!(world.status(2, "holdback"), "0");
    world.pass(milliseconds(1));
    assert_eq!(world.status(2, "position"), "1");
    // What replica 2 sends is not delayed.
    assert_eq!(world.replies(a), ["+OK"]);
    // The other way: the entry arrives at once, its ack late.
    world.run(b, "SET x 2");
    assert_eq!(world.status(1, "position"), "2");
    world.pass(milliseconds(999));
    assert!(world.replies(b).is_empty());
    world.pass(milliseconds(1));
    assert_eq!(world.replies(b), ["+OK"]);
}

#[test]
fn heartbeats_pass_a_delay() {
    let mut world = World::new(Sequential, 3);
    world.inspect(1, "FAULT DELAY * 20000 20000");
    let client = world.connect(2);
    world.run(client, "SET x 1");
    world.pass(Duration::from_secs(9));
    for (id, peer) in [(1, 2), (2, 1), (3, 1)] {
        assert_eq!(
            world.status(id, &format!("link.{peer}")),
            "up",
            "{id} to {peer}"
        );
    }
    assert!(world.replies(client).is_empty());
    assert_eq!(world.inspect(1, "FAULT HEAL *"), "+OK");
    world.settle();
    // Healing lets go of what is held.
    assert_eq!(world.replies(client), ["+OK"]);
}

#[test]
fn the_hold_back_example_of_a_delayed_first_message() {
    // Replica 2 receives the second entry first, holds it back, and delivers the first one first.
    let mut world = World::new(Sequential, 3);
    world.inspect(1, "FAULT DELAY 2 1000 1000");
    let (a, b) = (world.connect(1), world.connect(3));
    world.run(a, "SET m1 1");
    world.pass(milliseconds(100));
    world.run(b, "SET m2 1");
    assert_eq!(world.inspect(2, "HOLDBACK"), "[2.3 waits:1 SET m2 1]");
    world.pass(milliseconds(1100));
    assert_eq!(world.inspect(2, "ORDER"), "[1 1.1 SET m1 1 2 2.3 SET m2 1]");
}

#[test]
fn a_cut_closes_the_link_loses_what_is_under_way_and_heals() {
    let mut world = World::new(Sequential, 3);
    let (a, b) = (world.connect(1), world.connect(2));
    world.inspect(1, "FAULT DELAY 2 500 500");
    world.run(a, "SET x 1");
    assert_eq!(world.inspect(1, "FAULT CUT 2"), "+OK");
    assert_eq!(world.status(1, "link.2"), "cut");
    assert_eq!(world.status(1, "link.3"), "up");
    world.pass(Duration::from_secs(5));
    // And replica 2 dials in vain.
    assert_eq!(world.status(2, "link.1"), "down");
    // What was delayed is discarded.
    assert_eq!(world.inspect(2, "HOLDBACK"), "[]");
    world.run(b, "SET y 1");
    assert_eq!(world.inspect(1, "FAULT LIST"), "[CUT 2 DELAY 2 500 500]");
    world.inspect(1, "FAULT HEAL 2");
    assert_eq!(world.inspect(1, "FAULT LIST"), "[]");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.status(2, "link.1"), "up");
    assert_eq!(world.replies(a), ["+OK"]);
    assert_eq!(world.replies(b), ["+OK"]);
}

#[test]
fn the_dialling_side_can_cut_too_and_both_have_to_heal() {
    let mut world = World::new(Sequential, 3);
    world.inspect(3, "FAULT CUT *");
    world.inspect(1, "FAULT CUT 3");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.status(3, "link.1"), "cut");
    assert_eq!(world.status(2, "link.3"), "down");
    world.inspect(3, "FAULT HEAL *");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.status(3, "link.2"), "up");
    assert_ne!(world.status(3, "link.1"), "up");
    world.inspect(1, "FAULT HEAL 3");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.status(3, "link.1"), "up");
    let client = world.connect(2);
    assert_eq!(world.ask(client, "SET x 1"), "+OK");
}

#[test]
fn a_cut_in_the_middle_of_dialling_holds() {
    let mut world = World::new(Sequential, 2);
    world.break_between(1, 2);
    world.settle();
    world.part(1, 2);
    world.pass(milliseconds(60));
    assert!(world.in_flight(2, 1) > 0, "the handshake is under way");
    world.inspect(2, "FAULT CUT 1");
    world.join(1, 2);
    world.pass(Duration::from_secs(2));
    assert_eq!(world.status(2, "link.1"), "cut");
    assert_eq!(world.status(1, "link.2"), "down");
    world.inspect(2, "FAULT HEAL 1");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.status(1, "link.2"), "up");
}

#[test]
fn an_eventual_cluster_can_be_cut_and_delayed_too() {
    let mut world = World::new(Eventual, 2);
    world.inspect(1, "FAULT DELAY 2 300 300");
    let client = world.connect(1);
    world.run(client, "SET x 1");
    assert_eq!(world.inspect(2, "GET x"), "nil");
    world.pass(milliseconds(300));
    assert_eq!(world.inspect(2, "GET x"), "1");
    world.inspect(1, "FAULT CUT 2");
    assert_eq!(world.run(client, "SET x 2\nGET x"), ["+OK", "2"]);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.inspect(2, "GET x"), "1");
    world.inspect(1, "FAULT HEAL 2");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.inspect(2, "GET x"), "2");
}

#[test]
fn mistakes_in_fault_commands_are_named() {
    let mut world = World::new(Sequential, 3);
    for (line, expected) in [
        ("FAULT", "-ERR wrong number of arguments"),
        ("FAULT LIST 1", "-ERR "),
        ("FAULT BREAK 2", "-ERR "),
        ("FAULT CUT", "-ERR "),
        ("FAULT CUT 1", "-ERR no such peer '1'"),
        ("FAULT CUT 4", "-ERR no such peer '4'"),
        ("FAULT CUT x", "-ERR no such peer 'x'"),
        ("FAULT DELAY 2 10", "-ERR "),
        ("FAULT DELAY 2 20 10", "-ERR delays are milliseconds"),
        ("FAULT DELAY 2 -1 10", "-ERR delays are milliseconds"),
        ("FAULT DELAY 2 0 3600001", "-ERR delays are milliseconds"),
        ("fault list", "[]"),
    ] {
        let reply = world.inspect(1, line);
        assert!(reply.starts_with(expected), "{line}: {reply}");
    }
    let mut world = World::with(Sequential, 3, |settings| settings.allow_faults = false);
    for line in ["FAULT LIST", "FAULT CUT 2"] {
        let reply = world.inspect(1, line);
        assert!(reply.starts_with("-NOPERM "), "{line}: {reply}");
    }
    assert_eq!(world.status(1, "link.2"), "up");
}
