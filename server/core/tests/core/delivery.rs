//! The delivery rule: replica 1 is real, and the test plays the other two by hand.

use crate::puppet::{Handshake, stage};
use holdback::consistency::Consistency::Sequential;

#[test]
fn an_entry_of_a_peer_waits_for_the_ack_of_the_third() {
    let (mut world, two, three) = stage(Sequential);
    let acks = world.play(two, "MCAST 0 5 3 SET x 1");
    assert_eq!(acks, ["[ACK 5.2]"], "the origin gets an ack");
    assert_eq!(
        world.frames(three),
        ["[ACK 5.2@277]"],
        "and so does the third, with the incarnation"
    );
    assert_eq!(world.inspect(1, "HOLDBACK"), "[5.2 waits:3 SET x 1]");
    assert_eq!(world.inspect(1, "GET x"), "nil");
    world.play(three, "ACK 5.2@277");
    assert_eq!(world.inspect(1, "ORDER"), "[1 5.2 SET x 1]");
    assert_eq!(world.inspect(1, "HOLDBACK"), "[]");
}

#[test]
fn an_ack_that_comes_before_its_entry_is_kept() {
    let (mut world, two, three) = stage(Sequential);
    world.play(three, "ACK 5.2@277");
    assert_eq!(world.status(1, "position"), "0");
    world.play(two, "MCAST 0 5 3 SET x 1");
    assert_eq!(world.inspect(1, "ORDER"), "[1 5.2 SET x 1]");
}

#[test]
fn an_own_entry_waits_for_an_ack_of_everyone() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    assert!(world.run(client, "SET x 1").is_empty());
    assert_eq!(world.frames(two), ["[MCAST 0 1 3 SET x 1]"]);
    world.play(two, "ACK 1.1");
    world.play(two, "ACK 1.1");
    assert_eq!(world.inspect(1, "HOLDBACK"), "[1.1 waits:3 SET x 1]");
    assert!(
        world.replies(client).is_empty(),
        "repeated acks are not counted"
    );
    world.play(three, "ACK 1.1");
    assert_eq!(world.replies(client), ["+OK"]);
}

#[test]
fn an_ack_of_a_later_time_covers_all_before_it() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "SET a 1\nSET b 2\nSET c 3");
    world.play(two, "ACK 3.1");
    world.play(three, "ACK 2.1");
    assert_eq!(world.replies(client), ["+OK", "+OK"]);
    world.play(three, "ACK 3.1");
    assert_eq!(world.replies(client), ["+OK"]);
    // An older ack that comes late takes nothing back.
    world.run(client, "SET d 4\nSET e 5");
    world.play(two, "ACK 5.1");
    world.play(two, "ACK 4.1");
    world.play(three, "ACK 5.1");
    assert_eq!(world.replies(client), ["+OK", "+OK"]);
}

#[test]
fn an_ack_for_one_origin_says_nothing_about_another() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "SET x 1");
    world.play(two, "ACK 1.1");
    // Replica 3 holds much of replica 2's, and has not said that it holds 1.1.
    world.play(three, "ACK 100.2@277");
    assert_eq!(world.inspect(1, "HOLDBACK"), "[1.1 waits:3 SET x 1]");
    // Having sent an entry of its own is no ack either.
    world.play(three, "MCAST 0 50 3 SET y 1");
    assert_eq!(
        world.inspect(1, "HOLDBACK"),
        "[1.1 waits:3 SET x 1 50.3 waits:2 SET y 1]"
    );
}

#[test]
fn entries_are_delivered_by_time_and_then_by_replica() {
    let (mut world, two, three) = stage(Sequential);
    world.play(three, "MCAST 0 7 3 SET x 3 9 3 SET x 9");
    world.play(two, "ACK 9.3@377");
    // All hold replica 3's entries, but replica 2 could still have something smaller on its way, were it
    // not for its ack: now it cannot.
    assert_eq!(world.status(1, "position"), "2");
    let (mut world, two, three) = stage(Sequential);
    world.play(three, "MCAST 0 7 3 SET x 3 9 3 SET x 9");
    world.play(two, "MCAST 0 7 3 SET x 2");
    world.play(two, "ACK 9.3@377");
    assert_eq!(
        world.inspect(1, "HOLDBACK"),
        "[7.2 waits:3 SET x 2 7.3 waits: SET x 3 9.3 waits: SET x 9]",
        "the head holds back what all hold already"
    );
    world.play(three, "ACK 7.2@277");
    assert_eq!(
        world.inspect(1, "ORDER"),
        "[1 7.2 SET x 2 2 7.3 SET x 3 3 9.3 SET x 9]"
    );
}

#[test]
fn what_is_stamped_after_an_ack_is_larger_than_what_was_acked() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.play(two, "MCAST 0 50 3 SET x 1");
    world.frames(three);
    world.run(client, "SET y 1");
    assert_eq!(world.frames(three), ["[MCAST 0 51 3 SET y 1]"]);
}

#[test]
fn an_own_entry_goes_before_the_acks_of_the_same_turn() {
    for client_first in [true, false] {
        let (mut world, two, three) = stage(Sequential);
        let client = world.connect(1);
        world.long_turns = true;
        let steps = [(client, "SET y 1"), (two, "MCAST 0 5 3 SET x 1")];
        let steps = if client_first {
            steps
        } else {
            [steps[1], steps[0]]
        };
        for (who, line) in steps {
            world.send(who, line);
            world.deliver_client(who);
        }
        let own = if client_first { "1" } else { "6" };
        let own = format!("[MCAST 0 {own} 3 SET y 1]");
        assert_eq!(world.frames(two), [&own, "[ACK 5.2]"]);
        assert_eq!(world.frames(three), [&own, "[ACK 5.2@277]"]);
    }
}

#[test]
fn the_have_of_a_handshake_is_not_an_ack() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "SET x 1");
    world.play(two, "ACK 1.1");
    let incarnation = world.settings(1).incarnation;
    let handshake = Handshake::new(3, "sequential");
    let again = world.connect(1);
    let frames = world.play(
        again,
        &handshake.with("known", incarnation).with("have", 1).line(),
    );
    assert_eq!(frames.len(), 1, "nothing is resent: {frames:?}");
    assert!(world.is_closed(three), "the old connection is closed");
    assert_eq!(world.inspect(1, "HOLDBACK"), "[1.1 waits:3 SET x 1]");
    world.play(again, "ACK 1.1");
    assert_eq!(world.replies(client), ["+OK"]);
}

#[test]
fn after_a_reconnect_come_entries_then_the_ack_vector_then_live_traffic() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "SET a 1\nSET b 2\nSET c 3");
    world.play(two, "ACK 1.1\nMCAST 0 9 3 SET x 1");
    world.hang_up(three);
    world.settle();
    let incarnation = world.settings(1).incarnation;
    let handshake = Handshake::new(3, "sequential").with("known", incarnation);
    let again = world.connect(1);
    world.long_turns = true;
    world.send(again, &handshake.with("have", 1).line());
    world.deliver_client(again);
    world.send(client, "SET d 4");
    world.deliver_client(client);
    let frames = world.frames(again);
    assert_eq!(
        frames[1..],
        [
            "[MCAST 1 2 3 SET b 2 3 3 SET c 3]",
            "[ACK 9.2@277]",
            "[MCAST 3 10 3 SET d 4]"
        ]
    );
}

#[test]
fn entries_that_come_twice_are_taken_once() {
    let (mut world, two, three) = stage(Sequential);
    world.play(three, "ACK 9.2@277");
    world.play(two, "MCAST 0 5 3 SET x 1");
    world.play(two, "MCAST 0 5 3 SET x 1");
    world.play(two, "MCAST 0 5 3 SET x 1 6 3 SET x 2");
    assert_eq!(world.inspect(1, "ORDER"), "[1 5.2 SET x 1 2 6.2 SET x 2]");
}

#[test]
fn frames_that_cannot_be_close_the_link_with_an_error() {
    for (line, reason) in [
        ("MCAST 3 5 3 SET x 1", "gap"),
        ("MCAST 0 5 3 SET x 1 5 3 SET x 2", "does not rise"),
        ("MCAST 0 0 3 SET x 1", "does not rise"),
        ("MCAST 0 99999999999999999999 3 SET x 1", "malformed"),
        ("MCAST 0 5 4 SET x 1", "malformed"),
        ("MCAST", "malformed"),
        ("ACK 1.1", "the last time stamped here is 0"),
        ("ACK 1.9", "not a member"),
        ("ACK 1.3", "does not say of which incarnation"),
        ("ACK 1.3@x", "malformed"),
        ("ACK x", "malformed"),
        ("UPDATE 5 x 1", "eventual"),
        ("SET x 1", "not a peer's frame"),
        ("PEER id=2", "missing"),
        ("*1\r\n+x", "Protocol error"),
    ] {
        let (mut world, two, _three) = stage(Sequential);
        let frames = world.play(two, line);
        let [frame] = &frames[..] else {
            panic!("{line}: {frames:?}")
        };
        assert!(frame.starts_with("[REFUSE protocol "), "{line}: {frame}");
        assert!(frame.contains(reason), "{line}: {frame}");
        assert!(world.is_closed(two), "{line}");
        assert_eq!(world.status(1, "link.2"), "down", "{line}");
        assert_eq!(world.status(1, "link.3"), "up", "{line}");
        assert_eq!(world.status(1, "position"), "0", "{line}");
    }
}

#[test]
fn a_malformed_entry_in_an_order_changes_nothing_and_is_counted() {
    let (mut world, two, three) = stage(Sequential);
    world.play(three, "ACK 9.2@277");
    world.play(two, "MCAST 0 5 2 NOSUCH x 6 1 SET 7 3 SET x 1 8 0");
    assert_eq!(world.status(1, "position"), "4");
    assert_eq!(world.inspect(1, "STORE"), "[x 1]");
}
