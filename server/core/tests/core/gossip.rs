//! The eventual model's frames, one at a time: replica 1 is real, and the test plays the other two by hand.

use crate::puppet::{Handshake, stage};
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::Eventual;
use std::time::Duration;

/// The time of the first write: the wall clock's microseconds.
pub(crate) const T0: u64 = 1_000_000_000_000;

pub(crate) fn handshake(id: u16) -> Handshake {
    Handshake::new(id, "eventual")
}

/// The frames of the next regular exchange.
pub(crate) fn exchange(world: &mut World, puppets: &[ClientId]) -> Vec<Vec<String>> {
    for &puppet in puppets {
        world.play(puppet, "HEARTBEAT 1");
    }
    world.pass(Duration::from_millis(500));
    puppets.iter().map(|&puppet| world.frames(puppet)).collect()
}

/// The vector that replica 1 tells at the next exchange, behind the digest of its data.
fn vector(world: &mut World, puppet: ClientId) -> String {
    let frames = exchange(world, &[puppet]).remove(0);
    let last = frames
        .iter()
        .rev()
        .find(|frame| frame.starts_with("[VECTOR "));
    let frame = last.unwrap_or_else(|| panic!("no VECTOR among {frames:?}"));
    frame["[VECTOR ".len()..frame.len() - 1].to_owned()
}

/// The vector, which covers all that replica 1 holds.
fn covered(world: &mut World, puppet: ClientId) -> String {
    let told = vector(world, puppet);
    let (digest, covered) = told.split_once(' ').unwrap_or((&told, ""));
    assert_eq!(digest.len(), 32, "{told}");
    covered.to_owned()
}

/// The vector, which does not cover all that replica 1 holds.
fn unvouched(world: &mut World, puppet: ClientId) -> String {
    let told = vector(world, puppet);
    let (digest, covered) = told.split_once(' ').unwrap_or((&told, ""));
    assert!(digest.len() == 33 && digest.ends_with('+'), "{told}");
    covered.to_owned()
}

#[test]
fn applying_an_entry_never_advances_the_vector() {
    let (mut world, two, _three) = stage(Eventual);
    world.play(two, "UPDATE 50 x 1");
    assert_eq!(world.inspect(1, "GET x"), "1", "it is applied");
    assert_eq!(unvouched(&mut world, two), "", "and not vouched for");
    world.play(two, "ROUND\nENTRY 60 3 377 y 1\nENTRY 40 2 277 z 1");
    assert_eq!(world.inspect(1, "STORE"), "[x 1 y 1 z 1]");
    assert_eq!(unvouched(&mut world, two), "");
    world.play(two, "END 2 277 50 3 377 60");
    assert_eq!(covered(&mut world, two), "2 277 50 3 377 60");
    // From then on the sender's own updates count, and only its own place.
    world.play(two, "UPDATE 70 x 2");
    assert_eq!(covered(&mut world, two), "2 277 70 3 377 60");
}

#[test]
fn an_update_within_a_round_counts_when_the_round_has_ended() {
    let (mut world, two, _three) = stage(Eventual);
    world.play(two, "ROUND\nEND 2 277 50");
    world.play(two, "ROUND\nUPDATE 80 x 1");
    assert_eq!(unvouched(&mut world, two), "2 277 50");
    world.play(two, "END 2 277 60");
    assert_eq!(covered(&mut world, two), "2 277 80");
}

#[test]
fn a_round_that_breaks_vouches_for_nothing() {
    let (mut world, two, _three) = stage(Eventual);
    world.play(two, "ROUND\nENTRY 40 2 277 z 1\nUPDATE 50 x 1");
    world.hang_up(two);
    let two = world.puppet(1, &handshake(2));
    assert_eq!(unvouched(&mut world, two), "");
    // An update before the first round of a connection says nothing about those before it.
    world.play(two, "UPDATE 70 y 1");
    assert_eq!(unvouched(&mut world, two), "");
    world.play(two, "ROUND\nEND 2 277 50");
    assert_eq!(unvouched(&mut world, two), "2 277 50");
}

#[test]
fn a_round_carries_what_the_receiver_lacks_whoever_wrote_it() {
    let (mut world, two, three) = stage(Eventual);
    let client = world.connect(1);
    world.play(three, "ROUND\nENTRY 40 3 377 c 1\nENTRY 30 2 277 b 1\nENTRY 20 2 200 old 1\nEND 3 377 40 2 277 30 2 200 20");
    world.run(client, "SET a 1\nDEL c");
    let incarnation = world.settings(1).incarnation;
    // Replica 2 holds its own; of an earlier incarnation of itself it knows nothing.
    let mut frames = world.play(two, "VECTOR 0+ 2 277 30");
    assert_eq!(frames.first().map(String::as_str), Some("[ROUND]"));
    let end = frames.pop().expect("an end");
    assert_eq!(
        end,
        format!(
            "[END 1 {incarnation} {} 2 200 20 2 277 30 3 377 40]",
            T0 + 1
        )
    );
    frames.sort();
    assert_eq!(
        frames[..3],
        [
            format!("[ENTRY {T0} 1 {incarnation} a 1]"),
            format!("[ENTRY {} 1 {incarnation} c]", T0 + 1),
            "[ENTRY 20 2 200 old 1]".to_owned(),
        ]
    );
    assert_eq!(frames.len(), 4, "{frames:?}");
    world.run(client, "SET d 1");
    assert_eq!(world.frames(two), [format!("[UPDATE {} d 1]", T0 + 2)]);
}

#[test]
fn behind_an_update_that_was_dropped_none_is_sent_until_a_round_begins() {
    // A later one would make the receiver vouch for the dropped one too.
    let mut world = World::unstarted(Eventual, 3, |settings| settings.link_bytes_max = 300);
    world.network.set_window(100);
    world.start(1);
    let two = world.puppet(1, &handshake(2));
    world.play(two, "VECTOR 0+");
    let client = world.connect(1);
    for n in 0..10 {
        world.send(client, &format!("SET k{n} v"));
        world.deliver_client(client);
    }
    // There is room for an update again, and not yet for a round.
    world.deliver_replies(two, 120);
    world.send(client, "SET last v");
    world.deliver_client(client);
    world.pass(Duration::from_millis(500));
    let mut frames = world.frames(two);
    frames.retain(|frame| !frame.starts_with("[VECTOR "));
    let round = frames.iter().position(|frame| frame == "[ROUND]");
    let (updates, round) = frames.split_at(round.expect("a round"));
    assert!(updates.len() < 9, "none was dropped: {frames:?}");
    for (n, update) in updates.iter().enumerate() {
        assert!(update.ends_with(&format!(" k{n} v]")), "{frames:?}");
    }
    let lacking = |n: usize| {
        round
            .iter()
            .any(|entry| entry.contains(&format!(" k{n} v]")))
    };
    assert!((updates.len()..10).all(lacking), "{frames:?}");
    assert!(
        round.iter().any(|entry| entry.ends_with(" last v]")),
        "{frames:?}"
    );
}

#[test]
fn nothing_is_sent_to_a_peer_whose_vector_has_not_come() {
    let (mut world, two, _three) = stage(Eventual);
    let client = world.connect(1);
    world.run(client, "SET a 1");
    let frames = exchange(&mut world, &[two]).remove(0);
    assert!(
        frames.iter().all(|frame| frame.starts_with("[VECTOR ")),
        "{frames:?}"
    );
    let frames = world.play(two, "VECTOR 0+");
    assert_eq!(frames.len(), 3, "a round with the one entry: {frames:?}");
}

#[test]
fn a_peer_that_comes_no_further_with_a_third_ones_entries_is_sent_a_round() {
    let (mut world, two, three) = stage(Eventual);
    world.play(two, "VECTOR 0+");
    world.play(three, "ROUND\nENTRY 40 3 377 c 1\nEND 3 377 40");
    world.frames(two);
    for _ in 0..2 {
        assert!(
            world.play(two, "VECTOR 0+").is_empty(),
            "replica 3's own update may be on its way"
        );
    }
    assert_eq!(
        world.play(two, "VECTOR 0+")[..2],
        ["[ROUND]", "[ENTRY 40 3 377 c 1]"]
    );
    let digest = world.status(1, "digest");
    for _ in 0..3 {
        assert!(
            world
                .play(two, &format!("VECTOR {digest} 3 377 40"))
                .is_empty()
        );
    }
}

#[test]
fn after_equal_vectors_with_unequal_data_twice_everything_is_sent() {
    let (mut world, two, _three) = stage(Eventual);
    let client = world.connect(1);
    world.play(two, "VECTOR 0+");
    world.run(client, "SET a 1");
    let held = vector(&mut world, two);
    let (digest, covered) = held.split_once(' ').expect("a digest and a vector");
    for _ in 0..3 {
        assert!(
            world
                .play(two, &format!("VECTOR {digest} {covered}"))
                .is_empty()
        );
    }
    let different = format!("VECTOR {} {covered}", "0".repeat(32));
    assert!(
        world.play(two, &different).is_empty(),
        "something may be on its way"
    );
    let frames = world.play(two, &different);
    assert_eq!(frames.len(), 3, "a round of everything: {frames:?}");
}

#[test]
fn what_a_broken_round_left_behind_is_made_up_for_without_alarm() {
    // Replica 2 holds something that its vector does not cover, and the same may be true of replica 1.
    let (mut world, two, _three) = stage(Eventual);
    let client = world.connect(1);
    world.play(two, "VECTOR 0+");
    world.run(client, "SET a 1");
    let covered = covered(&mut world, two);
    let different = format!("VECTOR {}+ {covered}", "0".repeat(32));
    assert!(world.play(two, &different).is_empty());
    assert_eq!(
        world.play(two, &different).len(),
        3,
        "a round of everything"
    );
    assert!(!world.log.iter().any(|line| line.contains("data differs")));
}

#[test]
fn a_stamp_of_the_future_is_merged() {
    let (mut world, two, _three) = stage(Eventual);
    let client = world.connect(1);
    let future = T0 + 3_600_000_000;
    world.play(two, &format!("UPDATE {future} x 1"));
    world.run(client, "SET x 2");
    assert_eq!(world.inspect(1, "GET x"), "2");
    assert_eq!(world.status(1, "clock"), (future + 1).to_string());
}

/// A replica that restarted with its wall clock set back wrote before a tombstone that all had dropped, so
/// that a write it had answered was thought older than the deletion.
#[test]
fn a_vector_moves_the_clock_past_tombstones_that_were_dropped() {
    for frame in ["VECTOR - 2 100", "ROUND\nEND 2 100"] {
        let (mut world, two, _three) = stage(Eventual);
        let client = world.connect(1);
        let future = T0 + 3_600_000_000;
        world.play(two, &format!("{frame} {future}"));
        world.run(client, "SET x 1");
        assert_eq!(
            world.status(1, "clock"),
            (future + 1).to_string(),
            "{frame}"
        );
    }
}

#[test]
fn the_incarnation_breaks_ties_between_stamps_of_one_replica() {
    for updates in [
        "ENTRY 50 2 100 x old\nENTRY 50 2 200 x new",
        "ENTRY 50 2 200 x new\nENTRY 50 2 100 x old",
    ] {
        let (mut world, two, _three) = stage(Eventual);
        world.play(two, updates);
        assert_eq!(world.inspect(1, "GET x"), "new");
    }
}

#[test]
fn a_frame_that_cannot_be_closes_the_link() {
    for line in [
        "UPDATE",
        "UPDATE x y z",
        "UPDATE 1 2 3 4",
        "ENTRY 1 2 3",
        "ENTRY 1 0 3 k",
        "ENTRY 1 2 3 k v w",
        "END 1 2",
        "VECTOR",
        "VECTOR x",
        "VECTOR 0+ 1 2",
        "ROUND 1",
        "CONFIRM",
        "CONFIRMED x",
        "MCAST 0 5 3 SET x 1",
        "ACK 1.1",
    ] {
        let (mut world, two, _three) = stage(Eventual);
        let frames = world.play(two, line);
        let last = frames.last().expect("a REFUSE");
        assert!(last.starts_with("[REFUSE protocol "), "{line}: {last}");
        assert!(world.is_closed(two), "{line}");
    }
}
