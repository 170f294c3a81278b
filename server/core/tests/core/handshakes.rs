//! Who is refused, and that both sides say why.

use crate::puppet::{Handshake, stage};
use crate::world::World;
use holdback::consistency::Consistency::{Eventual, Linearizable, Sequential};
use holdback::settings::Settings;
use std::time::Duration;

#[test]
fn a_handshake_that_does_not_fit_is_refused_with_a_reason() {
    let good = || Handshake::new(2, "sequential");
    for (handshake, reason) in [
        (good().with("version", 2), "protocol version 2, here 1"),
        (good().with("to", 3), "this is replica 1, not 3"),
        (
            good().with("cluster", "r1:1,r2:1,r4:1"),
            "cluster r1:1,r2:1,r4:1, here r1:1,r2:1,r3:1",
        ),
        (
            good().with("cluster", "r1:1,r2:1"),
            "cluster r1:1,r2:1, here r1:1,r2:1,r3:1",
        ),
        (
            good().with("consistency", "linearizable"),
            "model linearizable, here sequential",
        ),
        (
            good().with("consistency", "eventual"),
            "model eventual, here sequential",
        ),
        (good().with("max-key", 1), "limits"),
        (good().with("max-value", 1), "limits"),
        (good().with("max-entry", 1), "limits"),
        (
            good().with("have", 7),
            "holds time 7, which was never issued",
        ),
    ] {
        let mut world = World::unstarted(Sequential, 3, |_| {});
        world.start(1);
        let puppet = world.connect(1);
        let frames = world.run(puppet, &handshake.line());
        let [frame] = &frames[..] else {
            panic!("{frames:?}")
        };
        assert!(frame.starts_with("[REFUSE mismatch "), "{frame}");
        assert!(frame.contains(reason), "{frame}");
        assert!(world.is_closed(puppet), "{reason}");
        let status = world.status(1, "link.2");
        assert!(
            status.starts_with("refused (") && status.contains(reason),
            "{status}"
        );
        let told: Vec<_> = world
            .log
            .iter()
            .filter(|line| line.contains(reason))
            .collect();
        assert_eq!(told.len(), 1, "one clear line: {told:?}");
        // A good one afterwards is welcome.
        world.puppet(1, &good());
        assert_eq!(world.status(1, "link.2"), "up", "{reason}");
    }
}

#[test]
fn a_handshake_of_nobody_is_refused() {
    for (line, reason) in [
        (
            Handshake::new(4, "sequential").line(),
            "replica 4 of a cluster of 3",
        ),
        (
            Handshake::new(1, "sequential").line(),
            "replica 1 of a cluster of 3",
        ),
        (
            Handshake::new(0, "sequential").line(),
            "id=0 is no replica id",
        ),
        ("PEER".to_owned(), "version= is missing"),
        ("PEER version".to_owned(), "'version' is not name=value"),
        ("PEER version=x".to_owned(), "version=x is no number"),
        ("PEER \"\\xff\"".to_owned(), "not UTF-8"),
    ] {
        let mut world = World::unstarted(Sequential, 3, |_| {});
        world.start(1);
        let puppet = world.connect(1);
        let frames = world.run(puppet, &line);
        assert_eq!(frames.len(), 1, "{line}: {frames:?}");
        assert!(frames[0].starts_with("[REFUSE "), "{}", frames[0]);
        assert!(frames[0].contains(reason), "{}", frames[0]);
        assert!(world.is_closed(puppet));
        assert_eq!(world.status(1, "ready").get(..2), Some("no"), "{line}");
    }
}

#[test]
fn a_refused_stranger_does_no_harm_to_a_link_that_is_up() {
    let (mut world, two, three) = stage(Sequential);
    for handshake in [
        Handshake::new(2, "sequential").with("version", 9),
        Handshake::new(2, "sequential")
            .with("incarnation", 5)
            .with("known", 99),
    ] {
        let stranger = world.connect(1);
        let frames = world.run(stranger, &handshake.line());
        assert!(frames[0].starts_with("[REFUSE "), "{frames:?}");
    }
    assert_eq!(world.status(1, "link.2"), "up");
    world.play(three, "ACK 9.2@277");
    world.play(two, "MCAST 0 5 3 SET x 1");
    assert_eq!(world.status(1, "position"), "1");
}

#[test]
fn a_mismatch_shows_on_both_sides_and_is_told_once() {
    type Change = fn(&mut Settings);
    let cases: [(&str, Change); 4] = [
        ("model", |settings| settings.consistency = Linearizable),
        ("model", |settings| settings.consistency = Eventual),
        ("cluster", |settings| settings.cluster[0] = "other:1".into()),
        ("limits", |settings| settings.limits.value_bytes = 5),
    ];
    for (reason, change) in cases {
        let mut world = World::unstarted(Sequential, 2, |_| {});
        change(world.settings(2));
        world.start(1);
        world.start(2);
        world.pass(Duration::from_secs(5));
        for (id, peer) in [(1, 2), (2, 1)] {
            let status = world.status(id, &format!("link.{peer}"));
            assert!(status.starts_with("refused ("), "{status}");
            assert!(status.contains(reason), "{status}");
            let told =
                |line: &&String| line.starts_with(&format!("{id}: ")) && line.contains(reason);
            let told: Vec<_> = world.log.iter().filter(told).collect();
            assert_eq!(told.len(), 1, "{told:?}");
        }
        assert_eq!(world.status(1, "ready").get(..2), Some("no"));
        assert!(world.inspect(1, "GET x").starts_with("-NOTREADY "));
        assert!(world.inspect(1, "SET x 1").starts_with("-NOTREADY "));
    }
}

#[test]
fn a_replica_serves_no_data_until_another_has_accepted_it() {
    let mut world = World::unstarted(Sequential, 3, |_| {});
    world.start(2);
    for line in ["GET x", "SET x 1", "STORE", "WATCH x", "AWAIT 0", "KEYS *"] {
        let reply = world.inspect(2, line);
        assert!(reply.starts_with("-NOTREADY "), "{line}: {reply}");
    }
    let client = world.connect(2);
    let replies = world.run(client, "MULTI\nSET x 1\nEXEC");
    assert!(replies[2].starts_with("-EXECABORT "), "{replies:?}");
    for line in [
        "PING", "STATUS", "ORDER", "DIGEST", "HOLDBACK", "HELP", "POSITION",
    ] {
        let reply = world.inspect(2, line);
        assert!(!reply.starts_with('-'), "{line}: {reply}");
    }
    world.start(1);
    world.pass(Duration::from_secs(1));
    assert_eq!(world.status(2, "ready"), "yes");
    assert_eq!(
        world.inspect(2, "GET x"),
        "nil",
        "one other is enough to read"
    );
}

#[test]
fn a_replica_alone_in_its_cluster_and_an_eventual_one_serve_at_once() {
    let mut world = World::new(Sequential, 1);
    let client = world.connect(1);
    assert_eq!(
        world.run(client, "SET x 1\nGET x\nPOSITION"),
        ["+OK", "1", ":1"]
    );
    let mut world = World::unstarted(Eventual, 3, |_| {});
    world.start(2);
    let client = world.connect(2);
    assert_eq!(world.run(client, "SET x 1\nGET x"), ["+OK", "1"]);
}

#[test]
fn two_processes_with_one_id_are_named_once_on_both_sides() {
    let words = "replica 2 is claimed by two processes: incarnations 11 and 22";
    for model in [Sequential, Eventual] {
        let mut world = World::unstarted(model, 3, |_| {});
        world.start(1);
        let handshake = |incarnation: u64| {
            let handshake = Handshake::new(2, model.name());
            handshake.with("incarnation", incarnation)
        };
        // A restart is nothing to complain of, nor a handshake that comes too late.
        world.puppet(1, &handshake(11));
        world.puppet(1, &handshake(22));
        let one = world.puppet(1, &handshake(11));
        let two = world.puppet(1, &handshake(22));
        let said = |world: &World| -> usize {
            let lines = world.log.iter();
            lines.filter(|line| line.contains(words)).count()
        };
        assert!(world.is_closed(one) && said(&world) == 0);
        // The process that was thought to have ended comes back again: both are told.
        world.frames(two);
        let one = world.connect(1);
        for frames in [world.play(one, &handshake(11).line()), world.frames(two)] {
            let told = format!("[REFUSE protocol {words}]");
            assert_eq!(frames.last(), Some(&told), "{frames:?}");
        }
        assert!(world.is_closed(one) && world.is_closed(two));
        // They go on, and are taken as they come; it is not said again before a minute has passed.
        for _ in 0..10 {
            world.puppet(1, &handshake(22));
            world.puppet(1, &handshake(11));
            world.pass(Duration::from_secs(1));
        }
        assert_eq!(said(&world), 1, "{:?}", world.log);
        world.pass(Duration::from_secs(60));
        let two = world.connect(1);
        world.play(two, &handshake(22).line());
        assert_eq!(said(&world), 2);
    }
}

#[test]
fn a_process_that_is_told_of_its_double_logs_it() {
    let mut world = World::unstarted(Sequential, 2, |_| {});
    world.start(1);
    world.start(2);
    world.settle();
    let real = world.settings(2).incarnation;
    let mut told = 0;
    for _ in 0..4 {
        let double = world.connect(1);
        let handshake = Handshake::new(2, "sequential")
            .with("cluster", "r1:1,r2:1")
            .with("incarnation", 5);
        world.send(double, &handshake.line());
        world.pass(Duration::from_secs(1));
        let words = format!("incarnations 5 and {real}");
        let said = |id: &str| {
            let lines = world.log.iter();
            lines
                .filter(|line| line.starts_with(id) && line.contains(&words))
                .count()
        };
        assert_eq!(said("1: "), said("2: "), "{:?}", world.log);
        told = said("2: ");
    }
    assert_eq!(told, 1, "{:?}", world.log);
}

#[test]
fn a_stranger_in_the_name_of_a_peer_does_not_speak_for_its_link() {
    let (mut world, _two, _three) = stage(Sequential);
    let said = world.log.len();
    let stranger = world.connect(1);
    let forged = Handshake::new(3, "sequential").with("cluster", "xxx:1");
    world.play(stranger, &forged.line());
    assert_eq!(world.status(1, "link.3"), "up");
    let lines = &world.log[said..];
    assert!(
        lines
            .iter()
            .all(|line| !line.contains("no link with replica 3")),
        "{lines:?}"
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("a handshake was refused")),
        "{lines:?}"
    );
}
