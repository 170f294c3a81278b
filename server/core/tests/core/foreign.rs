//! What strangers and peers say of themselves goes into STATUS and the log: as what it is, and no more of it than fits.

use crate::puppet::{Handshake, stage};
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::Sequential;
use std::time::Duration;

/// Replica 1 of 3, to which nobody has come yet.
fn alone() -> World {
    let mut world = World::unstarted(Sequential, 3, |_| {});
    world.start(1);
    world
}

/// Words as a frame with the length of each before it, which no typed line is long enough for.
fn send_words(world: &mut World, from: ClientId, words: &[&str]) {
    let mut frame = format!("*{}\r\n", words.len());
    for word in words {
        frame.push_str(&format!("${}\r\n{word}\r\n", word.len()));
    }
    world.send_bytes(from, frame.as_bytes());
    world.settle();
}

fn status_lines(world: &mut World, name: &str) -> Vec<String> {
    let status = world.inspect(1, "STATUS");
    let lines = status.lines().filter(|line| line.starts_with(name));
    lines.map(str::to_owned).collect()
}

/// Nothing in STATUS or in the log is what somebody else made up.
fn assert_not_forged(world: &mut World, what: &str) {
    for forged in ["ready:forged", "position:forged"] {
        assert!(status_lines(world, forged).is_empty(), "{what}");
    }
    for line in &world.log {
        assert!(!line.contains(['\r', '\n', '\u{1b}']), "{what}: {line:?}");
        assert!(line.len() < 500, "{what}: a line of {} bytes", line.len());
    }
    let status = world.inspect(1, "STATUS");
    assert!(status.len() < 4000, "{what}: {} bytes", status.len());
}

const FORGED: &str = "because\r\nready:forged\r\nposition:forged\u{1b}[2J";

#[test]
fn lines_in_the_reason_of_a_refusal_are_no_lines_of_status() {
    for kind in ["restarted", "mismatch", "protocol"] {
        let (mut world, two, _) = stage(Sequential);
        send_words(&mut world, two, &["REFUSE", kind, FORGED]);
        assert_not_forged(&mut world, kind);
        let told = world.log.iter().filter(|line| line.contains("because"));
        assert!(told.count() > 0, "what is left of it is said");
    }
}

#[test]
fn lines_in_a_handshake_are_no_lines_of_status() {
    let fitting = Handshake::new(2, "sequential").line();
    let mut handshakes = vec![format!("{fitting} refused={FORGED}")];
    for (name, value) in [
        ("cluster", "r1:1,r2:1,r3:1"),
        ("consistency", "sequential"),
        ("version", "1"),
        ("id", "2"),
        ("max-key", "65536"),
    ] {
        let (from, to) = (format!("{name}={value}"), format!("{name}={FORGED}"));
        handshakes.push(fitting.replace(&from, &to));
    }
    handshakes.push(format!("{fitting} {FORGED}"));
    for handshake in handshakes {
        let mut world = alone();
        let stranger = world.connect(1);
        let words: Vec<&str> = handshake.split(' ').collect();
        send_words(&mut world, stranger, &words);
        assert!(world.is_closed(stranger), "{handshake}");
        assert_not_forged(&mut world, &handshake);
    }
}

#[test]
fn a_reason_of_15_mib_is_cut() {
    let long = "x".repeat(15 << 20);
    for kind in ["restarted", "mismatch", "protocol"] {
        let (mut world, two, _) = stage(Sequential);
        send_words(&mut world, two, &["REFUSE", kind, &long]);
        assert_not_forged(&mut world, kind);
    }
    let (cluster, refused) = (format!("cluster={long}"), format!("refused={long}"));
    let fitting = Handshake::new(2, "sequential").line();
    let other = fitting.replace("cluster=r1:1,r2:1,r3:1", &cluster);
    for handshake in [
        other,
        format!("{fitting} {refused}"),
        format!("{fitting} {long}"),
    ] {
        let mut world = alone();
        let stranger = world.connect(1);
        let words: Vec<&str> = handshake.split(' ').collect();
        send_words(&mut world, stranger, &words);
        assert_not_forged(&mut world, "a handshake");
    }
}

#[test]
fn strangers_get_one_line_a_second_and_the_others_are_counted() {
    let mut world = alone();
    let told = |world: &World| -> Vec<String> {
        let lines = world.log.iter();
        let lines = lines.filter(|line| line.contains("handshake was refused"));
        lines.cloned().collect()
    };
    let knock = |world: &mut World, count: usize| {
        for number in 0..count {
            let stranger = world.connect(1);
            world.run(stranger, &format!("PEER version=x{number}"));
        }
    };
    knock(&mut world, 100);
    assert_eq!(told(&world).len(), 1, "{:?}", told(&world));
    world.pass(Duration::from_secs(2));
    knock(&mut world, 50);
    let lines = told(&world);
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(
        lines[1].contains("(99 more of the kind before)"),
        "{lines:?}"
    );
}

#[test]
fn reasons_that_alternate_get_one_line_a_second() {
    let mut world = alone();
    for number in 0..100 {
        let stranger = world.connect(1);
        let handshake = Handshake::new(2, "sequential").with("version", 2 + number);
        world.run(stranger, &handshake.line());
    }
    let about = |world: &World, words: &str| -> usize {
        let lines = world.log.iter();
        lines.filter(|line| line.contains(words)).count()
    };
    assert_eq!(
        about(&world, "no link with replica 2"),
        1,
        "{:?}",
        world.log
    );
    assert!(world.status(1, "link.2").contains("version 101"));
    // The one that stays is said all the same.
    world.pass(Duration::from_secs(2));
    for _ in 0..10 {
        let stranger = world.connect(1);
        let handshake = Handshake::new(2, "sequential").with("version", 101);
        world.run(stranger, &handshake.line());
    }
    assert_eq!(about(&world, "protocol version 101"), 1, "{:?}", world.log);
}
