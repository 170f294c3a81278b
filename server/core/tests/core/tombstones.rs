//! When the tombstones of deleted keys may be forgotten.

use crate::gossip::{T0, exchange, handshake};
use crate::puppet::stage;
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::Eventual;
use std::time::Duration;

/// Replica 1 has deleted a key; both puppets, at the last exchange, hold that.
fn deleted() -> (World, ClientId, ClientId, String) {
    let (mut world, two, three) = stage(Eventual);
    let client = world.connect(1);
    world.run(client, "SET a 1\nDEL a");
    let covering = format!("VECTOR 0+ 1 {} {}", world.settings(1).incarnation, T0 + 1);
    (world, two, three, covering)
}

fn confirms(frames: &[String]) -> Vec<String> {
    let confirms = frames.iter().filter(|frame| frame.starts_with("[CONFIRM "));
    confirms
        .map(|frame| {
            frame
                .trim_matches(['[', ']'])
                .replace("CONFIRM", "CONFIRMED")
        })
        .collect()
}

#[test]
fn a_tombstone_goes_when_all_have_reported_and_then_confirmed() {
    let (mut world, two, three, covering) = deleted();
    let frames = exchange(&mut world, &[two, three]);
    assert!(confirms(&frames.concat()).is_empty(), "nobody has reported");
    world.play(two, &covering);
    let frames = exchange(&mut world, &[two, three]);
    assert!(confirms(&frames.concat()).is_empty(), "replica 3 has not");
    world.play(three, &covering);
    let frames = exchange(&mut world, &[two, three]);
    let answers: Vec<String> = frames.iter().flat_map(|frames| confirms(frames)).collect();
    assert_eq!(answers.len(), 2, "{frames:?}");
    assert_eq!(world.status(1, "tombstones"), "1");
    world.play(two, &answers[0]);
    world.play(two, &answers[0]);
    world.play(three, "CONFIRMED 999");
    assert_eq!(
        world.status(1, "tombstones"),
        "1",
        "replica 3 has not answered this question"
    );
    world.play(three, &answers[1]);
    assert_eq!(world.status(1, "tombstones"), "0");
    assert_eq!(world.status(1, "keys"), "0");
}

#[test]
fn a_report_that_does_not_cover_the_tombstone_keeps_it() {
    let (mut world, two, three, covering) = deleted();
    world.play(two, &covering);
    let incarnation = world.settings(1).incarnation;
    world.play(three, &format!("VECTOR 0+ 1 {incarnation} {T0}"));
    for _ in 0..5 {
        let frames = exchange(&mut world, &[two, three]);
        assert!(confirms(&frames.concat()).is_empty());
    }
    assert_eq!(world.status(1, "tombstones"), "1");
}

#[test]
fn a_new_connection_voids_the_report_of_the_old_one() {
    for replaces in [true, false] {
        let (mut world, two, three, covering) = deleted();
        world.play_all([two, three], &covering);
        let frames = exchange(&mut world, &[two, three]);
        let answers: Vec<String> = frames.iter().flat_map(|frames| confirms(frames)).collect();
        world.play(two, &answers[0]);
        // Replica 3 restarts empty between its report and the question.
        if !replaces {
            world.hang_up(three);
            world.settle();
        }
        let three = world.puppet(1, &handshake(3).with("incarnation", 400));
        world.play(three, &answers[1]);
        assert_eq!(
            world.status(1, "tombstones"),
            "1",
            "an old question's answer"
        );
        let frames = exchange(&mut world, &[two, three]);
        assert!(
            confirms(&frames.concat()).is_empty(),
            "nobody asks before it reports"
        );
        // When it has what it lost, all goes on.
        world.play(three, &covering);
        let frames = exchange(&mut world, &[two, three]);
        let answers: Vec<String> = frames.iter().flat_map(|frames| confirms(frames)).collect();
        assert_eq!(answers.len(), 2, "replaced={replaces}: {frames:?}");
        world.play(two, &answers[0]);
        world.play(three, &answers[1]);
        assert_eq!(world.status(1, "tombstones"), "0");
    }
}

#[test]
fn tombstones_stay_while_a_replica_is_away() {
    let mut world = World::new(Eventual, 3);
    let client = world.connect(1);
    world.run(client, "MSET a 1 b 1");
    world.pass(Duration::from_secs(2));
    world.part(1, 3);
    world.part(2, 3);
    world.run(client, "DEL a b");
    world.pass(Duration::from_secs(60));
    assert_eq!(world.status(1, "tombstones"), "2");
    assert_eq!(world.status(2, "tombstones"), "2");
    assert_eq!(world.inspect(3, "GET a"), "1");
    world.join(1, 3);
    world.join(2, 3);
    world.pass(Duration::from_secs(10));
    for id in 1..=3 {
        assert_eq!(world.status(id, "tombstones"), "0", "replica {id}");
        assert_eq!(world.inspect(id, "STORE"), "[]");
    }
}

#[test]
fn a_replica_without_others_keeps_no_tombstones() {
    let mut world = World::new(Eventual, 1);
    let client = world.connect(1);
    world.run(client, "SET a 1\nDEL a");
    world.pass(Duration::from_secs(1));
    assert_eq!(world.status(1, "tombstones"), "0");
}

#[test]
fn many_tombstones_go_as_soon_as_they_can() {
    const KEYS: usize = 100_000;
    for count in [1, 3] {
        let mut world = World::new(Eventual, count);
        let client = world.connect(1);
        for verb in ["MSET", "DEL"] {
            for some in 0..KEYS / 1000 {
                let value = if verb == "MSET" { " 1" } else { "" };
                let keys = (0..1000).map(|key| format!(" k{}{value}", some * 1000 + key));
                world.run(client, &format!("{verb}{}", keys.collect::<String>()));
            }
            world.pass(Duration::from_millis(1500));
        }
        // Two exchanges and a question later; it was 10,000 at each exchange.
        world.pass(Duration::from_secs(1));
        for id in 1..=count {
            assert_eq!(
                world.status(id, "tombstones"),
                "0",
                "replica {id} of {count}"
            );
            assert_eq!(world.status(id, "keys"), "0");
        }
    }
}

#[test]
fn a_sweep_that_goes_on_ends_when_a_link_is_lost() {
    let (mut world, two, three) = stage(Eventual);
    let client = world.connect(1);
    for (verb, value) in [("MSET", " 1"), ("DEL", "")] {
        for some in 0..40 {
            let keys = (0..1000).map(|key| format!(" k{}{value}", some * 1000 + key));
            world.run(client, &format!("{verb}{}", keys.collect::<String>()));
        }
    }
    let incarnation = world.settings(1).incarnation;
    let time: u64 = world.status(1, "clock").parse().unwrap();
    let covering = format!("VECTOR 0+ 1 {incarnation} {time}");
    world.play_all([two, three], &covering);
    let frames = exchange(&mut world, &[two, three]);
    let answers: Vec<String> = frames.iter().flat_map(|frames| confirms(frames)).collect();
    world.play(two, &answers[0]);
    world.send(three, &answers[1]);
    world.deliver_client(three);
    let left: usize = world.status(1, "tombstones").parse().unwrap();
    assert!(
        0 < left && left < 40_000,
        "{left} are left after the first step"
    );
    world.hang_up(two);
    world.deliver_client(two);
    let left = world.status(1, "tombstones");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.status(1, "tombstones"), left);
}
