//! Replicas that end and start again with nothing, in the ordered models.

use crate::puppet::{Handshake, stage};
use crate::random::{Random, seeds};
use crate::world::World;
use holdback::consistency::Consistency::{Linearizable, Sequential};
use std::time::Duration;

const A_WHILE: Duration = Duration::from_secs(2);

fn restart(world: &mut World, id: u16) {
    world.crash(id);
    world.pass(A_WHILE);
    world.start(id);
    world.pass(A_WHILE);
}

#[test]
fn a_replica_that_lost_what_it_acked_is_refused_and_all_say_why() {
    for model in [Sequential, Linearizable] {
        for restarted in 1..=3u16 {
            let mut world = World::new(model, 3);
            let client = world.connect(restarted % 3 + 1);
            assert_eq!(world.ask(client, "SET x 1"), "+OK");
            restart(&mut world, restarted);
            let ready = world.status(restarted, "ready");
            assert!(ready.starts_with("no (refused: "), "{ready}");
            let why = format!("replica {restarted} restarted");
            assert!(ready.contains(&why), "{ready}");
            for peer in (1..=3).filter(|peer| *peer != restarted) {
                for (id, link) in [(peer, restarted), (restarted, peer)] {
                    let status = world.status(id, &format!("link.{link}"));
                    assert!(status.starts_with("refused ("), "{id}: {status}");
                    assert!(status.contains(&why), "{id}: {status}");
                }
                assert_eq!(world.status(peer, "ready"), "yes");
            }
            let told =
                |line: &&String| line.starts_with(&format!("{restarted}: this replica serves"));
            assert_eq!(world.log.iter().filter(told).count(), 1);
            for line in ["GET x", "SET x 2", "MGET x", "WATCH x", "STORE"] {
                let reply = world.inspect(restarted, line);
                assert!(reply.starts_with("-NOTREADY "), "{line}: {reply}");
                assert!(reply.contains("refused"), "{line}: {reply}");
            }
            // The others keep what they have, and wait.
            assert!(world.inspect(restarted % 3 + 1, "STORE").contains("x 1"));
            assert!(world.run(client, "SET x 3").is_empty());
        }
    }
}

#[test]
fn a_replica_that_exchanged_nothing_may_restart() {
    for restarted in 1..=3 {
        let mut world = World::new(Sequential, 3);
        world.pass(A_WHILE);
        restart(&mut world, restarted);
        restart(&mut world, restarted);
        for id in 1..=3 {
            assert_eq!(world.status(id, "ready"), "yes", "{id} after {restarted}");
            let client = world.connect(id);
            assert_eq!(world.ask(client, &format!("SET x {id}")), "+OK");
        }
        assert_eq!(world.status(restarted, "position"), "3");
    }
}

#[test]
fn a_replica_that_was_down_from_the_start_gets_what_waits_for_it() {
    let mut world = World::unstarted(Sequential, 3, |_| {});
    world.start(1);
    world.start(2);
    world.settle();
    let (a, b) = (world.connect(1), world.connect(2));
    world.run(a, "SET x 1\nSET y 1");
    world.run(b, "SET x 2");
    assert_eq!(world.status(1, "holdback"), "3");
    world.start(3);
    world.pass(A_WHILE);
    assert_eq!(world.replies(a), ["+OK", "+OK"]);
    assert_eq!(world.replies(b), ["+OK"]);
    assert_eq!(world.status(3, "position"), "3");
}

#[test]
fn an_older_incarnation_that_comes_back_is_refused() {
    let (mut world, two, three) = stage(Sequential);
    world.hang_up(two);
    let newer = Handshake::new(2, "sequential").with("incarnation", 5000);
    let two = world.puppet(1, &newer);
    world.play(two, "MCAST 0 5 3 SET x 1");
    world.play(three, "ACK 5.2@5000");
    assert_eq!(world.status(1, "position"), "1");
    let old = world.connect(1);
    let frames = world.run(old, &Handshake::new(2, "sequential").line());
    assert!(frames[0].starts_with("[REFUSE restarted "), "{frames:?}");
    assert_eq!(
        world.status(1, "link.2"),
        "up",
        "the newer one is not disturbed"
    );
}

#[test]
fn whoever_learns_that_a_replica_restarted_refuses_it_and_delivers_nothing_more() {
    // Replica 3 holds an entry of replica 2's first incarnation, which never reached replica 1. Any number of
    // completed writes may have gone with it.
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.play(three, "ACK 5.2@2");
    assert!(world.is_closed(two));
    assert!(world.status(1, "link.2").contains("replica 2 restarted"));
    let again = world.connect(1);
    let frames = world.run(again, &Handshake::new(2, "sequential").line());
    assert!(frames[0].starts_with("[REFUSE restarted "), "{frames:?}");
    world.run(client, "SET x 1");
    world.play(three, "ACK 1.1");
    assert_eq!(world.status(1, "position"), "0");

    // What the restarted one acked before that came out does not count either.
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "SET x 1");
    world.play(two, "ACK 1.1");
    world.play(three, "ACK 5.2@2");
    world.play(three, "ACK 1.1");
    assert_eq!(world.status(1, "position"), "0");
}

#[test]
fn acks_for_an_earlier_incarnation_do_not_speak_for_a_later_one() {
    // Replica 3 reaches replica 2 only, which acks its entry to replica 1. Then it restarts, with nothing,
    // and reaches replica 1 only, which has never exchanged anything with it. Replica 1 must not take
    // replica 2's ack of the old entry for one of the new entry with the same stamp.
    let mut world = World::new(Sequential, 3);
    world.part(1, 3);
    let client = world.connect(3);
    world.run(client, "SET x old");
    assert_eq!(world.inspect(2, "HOLDBACK"), "[1.3 waits:1 SET x old]");
    world.part(2, 3);
    world.join(1, 3);
    world.crash(3);
    world.pass(A_WHILE);
    world.start(3);
    world.pass(A_WHILE);
    let client = world.connect(3);
    world.run(client, "SET x new");
    world.pass(A_WHILE);
    assert_eq!(
        world.status(1, "position"),
        "0",
        "replica 2 does not hold the new entry"
    );
    world.join(2, 3);
    world.pass(A_WHILE);
    // The driver would have noticed by now if two replicas had delivered different entries.
    assert_ne!(
        world.inspect(2, "STORE"),
        "[x old]",
        "replica 1 does not hold the old entry"
    );
}

#[test]
fn no_restart_makes_two_orders_differ() {
    // The driver compares the orders after every step. Few restarts are welcome, so a run mostly ends in
    // replicas that wait for ever, which is right; delivering something else is not.
    let mut delivered = 0;
    for seed in seeds(300) {
        let mut random = Random::new(seed, 0);
        let count = 3 + u16::try_from(random.index(2)).expect("small");
        let mut world = World::unstarted(Sequential, count, |_| {});
        let ids: Vec<u16> = (1..=count).collect();
        for &id in &ids {
            world.start(id);
        }
        // If all of them did, it would be a new cluster.
        let mut restarts = count - 1;
        for step in 0..400 {
            let (a, b) = (random.pick(&ids), random.pick(&ids));
            match random.index(25) {
                0 if restarts > 0 && random.one_in(3) => {
                    world.crash(a);
                    world.start(a);
                    restarts -= 1;
                }
                1 => world.break_between(a, b),
                2 => world.part(a, b),
                3 => world.join(a, b),
                4 => world.now += Duration::from_millis(100),
                5 => {
                    let client = world.connect(a);
                    world.send(client, &format!("SET k {step}"));
                }
                _ => {
                    world.move_at_random(&mut random, |_| usize::MAX);
                }
            }
        }
        world.recover(A_WHILE);
        let position = |&id: &u16| world.replica(id).order().position();
        delivered += ids.iter().map(position).sum::<u64>();
    }
    assert!(
        delivered > 1000,
        "only {delivered}: the runs were too rough to say anything"
    );
}
