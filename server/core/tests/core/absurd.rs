//! Times, vectors and origins that cannot be: the frame is refused and changes nothing, and the honest go on.

use crate::gossip::{T0, handshake};
use crate::puppet::{Handshake, stage};
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{Eventual, Linearizable, Sequential};
use std::time::Duration;

/// How far ahead a time may be, in the ordered models.
const AHEAD: u64 = 1 << 40;

/// What replica 1 says of itself that a frame could have changed.
fn shown(world: &mut World) -> Vec<String> {
    let names = [
        "clock",
        "holdback",
        "position",
        "digest",
        "keys",
        "tombstones",
    ];
    names.map(|name| world.status(1, name)).into()
}

/// Plays a frame that is refused: the link is closed, nothing has changed, and one line of the log says so.
fn refused(world: &mut World, puppet: ClientId, frame: &str) {
    let (before, said) = (shown(world), world.log.len());
    let frames = world.play(puppet, frame);
    let last = frames.last().map_or("", String::as_str);
    assert!(last.starts_with("[REFUSE protocol "), "{frame}: {frames:?}");
    assert!(world.is_closed(puppet), "{frame}");
    assert_eq!(shown(world), before, "{frame}");
    let lines = world.log[said..].iter();
    let lines: Vec<&String> = lines
        .filter(|line| line.contains(": link with replica"))
        .collect();
    assert_eq!(lines.len(), 1, "{frame}: {lines:?}");
}

#[test]
fn an_entry_of_an_absurd_time_is_refused_and_writes_go_on() {
    for model in [Sequential, Linearizable] {
        for frame in [
            format!("MCAST 0 {} 3 SET x 1", 1u64 << 62),
            format!("MCAST 0 {} 3 SET x 1", u64::MAX),
            format!("MCAST 0 {} 3 SET x 1", AHEAD + 1),
            // The first alone would do.
            format!("MCAST 0 5 3 SET x 1 {} 3 SET x 2", 1u64 << 62),
            format!("MCAST 0 {} 3 SET x 1 5 3 SET x 2", 1u64 << 62),
        ] {
            let (mut world, two, three) = stage(model);
            refused(&mut world, three, &frame);
            let three = world.puppet(1, &Handshake::new(3, model.name()));
            let client = world.connect(1);
            world.send(client, "SET x 7");
            world.settle();
            world.play_all([two, three], "ACK 1.1");
            assert_eq!(world.replies(client), ["+OK"], "{model}, {frame}");
        }
    }
}

/// Replicas 1 and 2, and a puppet in place of 3 that is linked with both.
fn liar() -> (World, ClientId, ClientId) {
    let mut world = World::unstarted(Sequential, 3, |_| {});
    world.start(1);
    world.start(2);
    world.settle();
    let handshake = Handshake::new(3, "sequential");
    let at_one = world.puppet(1, &handshake);
    let at_two = world.puppet(2, &handshake.with("to", 2));
    (world, at_one, at_two)
}

#[test]
fn a_liar_at_the_limit_does_not_make_two_honest_replicas_refuse_each_other() {
    let (mut world, at_one, at_two) = liar();
    let client = world.connect(1);
    // As far ahead as can be, and again from there; and only replica 1 hears of it.
    let entry = format!(
        "MCAST 0 {AHEAD} 3 SET x 1\nMCAST {AHEAD} {} 3 SET x 2",
        2 * AHEAD
    );
    world.play(at_one, &entry);
    assert_eq!(world.status(1, "clock"), (2 * AHEAD).to_string());
    // Replica 2 would not take an entry behind these.
    let reply = world.ask(client, "SET y 1");
    assert!(reply.starts_with("-OVERLOADED "), "{reply}");
    world.pass(Duration::from_secs(1));
    for (id, link) in [(1, "link.2"), (2, "link.1")] {
        assert_eq!(world.status(id, link), "up");
    }
    // When replica 2 has them too, they are delivered, and writes go on above them.
    world.play(at_two, &entry);
    assert_eq!(world.status(1, "position"), "2");
    world.send(client, "SET y 1");
    world.settle();
    for puppet in [at_one, at_two] {
        world.play(puppet, &format!("ACK {}.1@1001", 2 * AHEAD + 1));
    }
    world.pass(Duration::from_secs(1));
    assert_eq!(world.inspect(2, "GET y"), world.inspect(1, "GET y"));
    assert_eq!(
        (world.status(1, "link.2"), world.status(2, "link.1")),
        ("up".into(), "up".into())
    );
}

#[test]
fn versions_and_vectors_of_absurd_times_are_refused_and_writes_reach_the_others() {
    for frame in [
        format!("UPDATE {} x 1", u64::MAX),
        format!("UPDATE {} x 1", 1u64 << 62),
        format!("UPDATE {} x 1", T0 + (1 << 53)),
        format!("ENTRY {} 2 277 x 1", u64::MAX),
        format!("VECTOR - 3 377 {}", u64::MAX),
        format!("VECTOR - 2 277 {}", 1u64 << 60),
        format!("ROUND\nEND 3 377 {}", u64::MAX),
        // Origins that are no replicas of the cluster.
        format!("ENTRY {T0} 4 477 x 1"),
        format!("VECTOR - 65535 1 {T0}"),
        format!("ROUND\nEND 4 477 {T0}"),
        // What replica 1 is said to have written, and did not.
        format!("VECTOR - 1 1001 {T0}"),
        format!("ROUND\nEND 1 1001 {T0}"),
        format!("ENTRY {T0} 1 1001 x 1"),
    ] {
        let (mut world, two, three) = stage(Eventual);
        refused(&mut world, three, &frame);
        let three = world.puppet(1, &handshake(3));
        world.play_all([two, three], "VECTOR -");
        world.frames(three);
        let client = world.connect(1);
        assert_eq!(world.run(client, "SET y 7"), ["+OK"]);
        for puppet in [two, three] {
            let frames = world.frames(puppet);
            let is_update = |frame: &String| frame.starts_with(&format!("[UPDATE {T0} y 7"));
            assert!(frames.iter().any(is_update), "{frame}: {frames:?}");
        }
    }
}

#[test]
fn wall_clocks_that_are_decades_apart_are_no_reason_to_refuse() {
    let mut world = World::unstarted(Eventual, 2, |_| {});
    world.set_skew(2, Duration::from_secs(60 * 365 * 24 * 3600));
    world.start(1);
    world.start(2);
    world.settle();
    let clients = [1, 2].map(|id| world.connect(id));
    world.run(clients[1], "SET x 1");
    world.run(clients[0], "SET x 2");
    world.pass(Duration::from_secs(2));
    for id in [1, 2] {
        assert_eq!(world.inspect(id, "GET x"), "2", "replica {id}");
        assert_eq!(world.status(id, &format!("link.{}", 3 - id)), "up");
    }
}

#[test]
fn starts_without_end_are_refused_and_the_data_stay() {
    let (mut world, two, _three) = stage(Eventual);
    let starts = |from: u64, count: u64| -> String {
        (from..from + count)
            .map(|incarnation| format!(" 2 {incarnation} {T0}"))
            .collect()
    };
    world.play(two, &format!("ROUND\nEND{}", starts(1_000, 1_000)));
    assert!(!world.is_closed(two));
    for frame in [
        format!("END{}", starts(5_000, 10_001)),
        format!("VECTOR -{}", starts(5_000, 10_001)),
    ] {
        let puppet = world.puppet(1, &handshake(2).with("incarnation", 999));
        world.send_bytes(puppet, &array(&frame));
        let frames = world.frames(puppet);
        let last = frames.last().map_or("", String::as_str);
        assert!(
            last.starts_with("[REFUSE protocol replicas have started more than"),
            "{frames:?}"
        );
    }
}

/// A frame of many words, which a line has no room for.
fn array(line: &str) -> Vec<u8> {
    let words: Vec<&str> = line.split(' ').collect();
    let mut bytes = format!("*{}\r\n", words.len());
    for word in words {
        bytes += &format!("${}\r\n{word}\r\n", word.len());
    }
    bytes.into_bytes()
}
