//! Links: made, broken in every place, replaced, half-open, silent.

use crate::motion::Move;
use crate::puppet::{Handshake, stage};
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{Eventual, Sequential};
use holdback_testkit::End;
use std::time::Duration;

const WRITES: usize = 8;

/// Three replicas and two bursts of writes, at replicas 1 and 2, with nothing yet over the link between them.
struct Burst {
    world: World,
    clients: [ClientId; 2],
}

impl Burst {
    fn new() -> Self {
        let mut world = World::new(Sequential, 3);
        let clients = [world.connect(1), world.connect(2)];
        world.part(1, 2);
        for turn in 0..WRITES / 2 {
            for client in clients {
                world.send(client, &format!("INCR n\nAPPEND s {turn}"));
            }
            world.settle();
        }
        Self { world, clients }
    }

    /// Nothing was lost, repeated or reordered.
    fn check(mut self, what: &str, time: Duration) {
        self.world.join(1, 2);
        self.world.pass(time);
        for id in 1..=3 {
            assert_eq!(self.world.status(id, "position"), "16", "{what}, at {id}");
            assert_eq!(self.world.status(id, "holdback"), "0", "{what}, at {id}");
        }
        let mut counted = Vec::new();
        for client in self.clients {
            let replies = self.world.replies(client);
            assert_eq!(replies.len(), WRITES, "{what}: {replies:?}");
            let numbers = replies
                .iter()
                .map(|reply| reply[1..].parse().expect("a number"));
            let numbers: Vec<usize> = numbers.collect();
            for kind in [0, 1] {
                let of_kind: Vec<usize> = numbers.iter().skip(kind).step_by(2).copied().collect();
                assert!(of_kind.is_sorted(), "{what}: {replies:?}");
                counted.extend(of_kind);
            }
        }
        counted.sort_unstable();
        let twice: Vec<usize> = (1..=WRITES).flat_map(|n| [n, n]).collect();
        assert_eq!(counted, twice, "{what}");
    }
}

/// Runs `trouble` for every number of bytes of a burst that get through before it, in both directions, and
/// checks that all is well after `time`.
fn after_every_byte(what: &str, time: Duration, trouble: impl Fn(&mut World)) {
    for (from, to) in [(1, 2), (2, 1)] {
        let total = Burst::new().world.in_flight(from, to);
        assert!(total > 200, "{total} bytes are no burst");
        for bytes in 0..=total {
            let mut burst = Burst::new();
            burst.world.deliver(from, to, bytes);
            if bytes % 2 == 0 {
                burst.world.deliver(to, from, usize::MAX);
            }
            trouble(&mut burst.world);
            let what = format!("{what} after {bytes} bytes from {from} to {to}");
            burst.check(&what, time);
        }
    }
}

const REDIAL: Duration = Duration::from_millis(200);

#[test]
fn a_burst_survives_a_break_after_any_byte() {
    after_every_byte("broken", REDIAL, |world| world.break_between(1, 2));
}

#[test]
fn a_burst_survives_a_new_connection_that_replaces_a_half_open_one_after_any_byte() {
    // The dialling side has lost the connection. What it sent is still on its way on the old one when the
    // new one is greeted, and must be thrown away then.
    after_every_byte("replaced", REDIAL, |world| {
        let unread = world.in_flight(2, 1);
        world.lose(2, 1);
        world.now += Duration::from_millis(50);
        world.make(Move::Turn(2), usize::MAX);
        world.make(Move::Dial, usize::MAX);
        world.deliver(2, 1, usize::MAX);
        let old = world.connections(1, 2);
        assert_eq!(
            old.len(),
            1,
            "the old connection is closed, {unread} bytes of it unread"
        );
    });
}

#[test]
fn a_burst_survives_a_half_open_connection_after_any_byte() {
    // The accepting side has lost it; the dialling one finds out by the silence.
    after_every_byte("half-open", Duration::from_secs(4), |world| {
        world.lose(1, 2);
    });
}

#[test]
fn a_burst_survives_a_second_break_while_it_is_resent() {
    let mut bytes = 0;
    loop {
        let mut burst = Burst::new();
        let world = &mut burst.world;
        world.deliver(1, 2, 150);
        world.break_between(1, 2);
        world.join(1, 2);
        world.settle();
        world.part(1, 2);
        world.pass(Duration::from_millis(60));
        // Replica 2 has dialled; let the handshake through, then so much of what is resent.
        world.deliver(2, 1, usize::MAX);
        let resent = world.in_flight(1, 2);
        assert!(resent > 300, "a handshake and entries: {resent} bytes");
        world.deliver(1, 2, bytes);
        world.break_between(1, 2);
        burst.check(
            &format!("broken again after {bytes} of {resent} bytes"),
            REDIAL,
        );
        if bytes > resent {
            return;
        }
        bytes += 1;
    }
}

#[test]
fn a_handshake_survives_a_break_after_any_byte() {
    for (from, to) in [(2, 1), (1, 2)] {
        for bytes in 0.. {
            let mut world = World::unstarted(Sequential, 2, |_| {});
            world.part(1, 2);
            world.start(1);
            world.start(2);
            world.settle();
            if from == 1 {
                world.deliver(2, 1, usize::MAX);
            }
            let total = world.in_flight(from, to);
            world.deliver(from, to, bytes);
            world.break_between(1, 2);
            world.join(1, 2);
            world.pass(Duration::from_secs(1));
            assert_eq!(world.status(1, "link.2"), "up", "{bytes} bytes from {from}");
            let client = world.connect(1);
            assert_eq!(world.ask(client, "SET x 1"), "+OK");
            if bytes >= total {
                break;
            }
        }
    }
}

#[test]
fn nothing_but_the_handshake_is_sent_before_the_peer_has_answered() {
    let mut world = World::new(Sequential, 3);
    let client = world.connect(2);
    world.break_between(1, 2);
    world.settle();
    world.part(1, 2);
    world.pass(Duration::from_millis(60));
    let handshake = world.in_flight(2, 1);
    assert!(handshake > 0, "replica 2 has dialled");
    world.run(client, "SET a 1\nSET b 2");
    world.pass(Duration::from_millis(700));
    assert_eq!(world.in_flight(2, 1), handshake, "nothing was added");
}

#[test]
fn of_each_pair_the_higher_id_dials() {
    let mut world = World::unstarted(Sequential, 3, |_| {});
    for id in [1, 2, 3] {
        world.start(id);
    }
    let parties = |end: &End| [*end, end.other()].map(|end| world.network.party(end) + 1);
    let mut dials: Vec<_> = world.dials.iter().map(parties).collect();
    dials.sort_unstable();
    assert_eq!(dials, [[2, 1], [3, 1], [3, 2]]);
}

#[test]
fn replicas_find_each_other_in_any_order_of_starting() {
    for order in [
        [1, 2, 3],
        [1, 3, 2],
        [2, 1, 3],
        [2, 3, 1],
        [3, 1, 2],
        [3, 2, 1],
    ] {
        let mut world = World::unstarted(Sequential, 3, |_| {});
        for id in order {
            world.start(id);
            world.pass(Duration::from_secs(7));
        }
        for (id, peer) in [(1, 2), (1, 3), (2, 1), (2, 3), (3, 1), (3, 2)] {
            assert_eq!(world.status(id, &format!("link.{peer}")), "up", "{order:?}");
        }
        let client = world.connect(order[0]);
        assert_eq!(world.ask(client, "SET x 1"), "+OK", "{order:?}");
    }
}

#[test]
fn a_silent_link_is_seen_closed_and_made_anew() {
    let mut world = World::new(Sequential, 3);
    let client = world.connect(1);
    world.pass(Duration::from_secs(60));
    assert_eq!(
        world.status(1, "link.2"),
        "up",
        "heartbeats keep an idle link"
    );
    world.part(1, 2);
    world.pass(Duration::from_secs(2));
    assert!(world.status(1, "link.2").starts_with("silent "));
    assert!(world.status(2, "link.1").starts_with("silent "));
    assert_eq!(world.status(1, "link.3"), "up");
    world.run(client, "SET x 1");
    world.pass(Duration::from_millis(1500));
    assert_eq!(world.status(1, "link.2"), "down");
    assert_eq!(world.status(2, "link.1"), "down");
    assert!(
        world
            .log
            .contains(&"1: link 2 down: silent for 3s".to_owned())
    );
    world.pass(Duration::from_secs(3));
    assert!(world.replies(client).is_empty());
    world.join(1, 2);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.status(1, "link.2"), "up");
    assert_eq!(world.replies(client), ["+OK"]);
}

#[test]
fn one_direction_of_silence_is_enough_to_close() {
    let mut world = World::new(Eventual, 2);
    world.hold(1, 2);
    world.pass(Duration::from_secs(4));
    assert_eq!(world.status(2, "link.1"), "down");
}

#[test]
fn a_second_connection_of_the_same_incarnation_replaces_the_first() {
    let (mut world, two, three) = stage(Sequential);
    world.play(three, "ACK 9.2@277");
    // Half a frame on the old connection, then a new one, then the other half.
    world.send_bytes(two, b"*6\r\n$5\r\nMCAST\r\n$1\r\n0\r\n$1\r\n5\r\n");
    world.settle();
    let again = world.puppet(1, &Handshake::new(2, "sequential"));
    assert!(world.is_closed(two));
    world.send_bytes(two, b"$1\r\n2\r\n$3\r\nDEL\r\n$1\r\nx\r\n");
    world.settle();
    assert_eq!(
        world.status(1, "position"),
        "0",
        "the half frame is discarded"
    );
    world.play(again, "MCAST 0 6 3 SET x 1");
    assert_eq!(world.inspect(1, "ORDER"), "[1 6.2 SET x 1]");
    assert_eq!(world.status(1, "link.2"), "up");
}

#[test]
fn the_old_connection_is_closed_before_the_new_one_is_answered() {
    // What the answer says is held stays true: an entry that was unread on the old connection comes again.
    let (mut world, two, three) = stage(Sequential);
    world.play(three, "ACK 9.2@277");
    world.send(two, "MCAST 0 5 3 SET x 1");
    let again = world.connect(1);
    world.send(again, &Handshake::new(2, "sequential").line());
    world.deliver_client(again);
    let answer = world.frames(again);
    assert!(answer[0].ends_with(" have=0]"), "{answer:?}");
    assert_eq!(world.status(1, "position"), "0");
    world.play(again, "MCAST 0 5 3 SET x 1 6 3 SET x 2");
    assert_eq!(world.inspect(1, "ORDER"), "[1 5.2 SET x 1 2 6.2 SET x 2]");
}

#[test]
fn a_handshake_says_what_is_held_of_the_other_end() {
    let (mut world, two, three) = stage(Sequential);
    world.play(two, "MCAST 0 5 3 SET x 1 8 3 SET x 2");
    world.play(three, "MCAST 0 99 3 SET y 1");
    let again = world.connect(1);
    let frames = world.play(again, &Handshake::new(2, "sequential").line());
    assert!(frames[0].contains(" known=277 have=8]"), "{}", frames[0]);
}

#[test]
fn heartbeats_are_answered_with_their_token() {
    let (mut world, two, _three) = stage(Sequential);
    world.run(two, "HEARTBEAT 12345");
    world.pass(Duration::from_millis(600));
    let frames = world.run(two, "HEARTBEAT 678");
    assert!(
        frames.contains(&"[HEARTBEATACK 678]".to_owned()),
        "{frames:?}"
    );
    assert!(frames.iter().any(|frame| frame.starts_with("[HEARTBEAT ")));
}
