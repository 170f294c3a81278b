//! Replicas that differ notice: what a heartbeat says that its sender holds is compared with what was held here.

use crate::gossip::T0;
use crate::puppet::stage;
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{Eventual, Linearizable, Sequential};
use std::time::Duration;

/// What replica 1 says that it holds.
fn held(world: &mut World) -> String {
    let data = world.replica(1).ordered_store().expect("a store").digest();
    let (position, order) = (world.status(1, "position"), world.status(1, "digest"));
    format!("{position} {order} {data:032x}")
}

/// One that holds the same order, and other data.
fn other_data(world: &mut World) -> String {
    let held = held(world);
    let (order, _) = held.rsplit_once(' ').expect("three words");
    format!("{order} {:032x}", 7)
}

/// Replica 1 of 3, with one entry applied.
fn written(model: holdback::consistency::Consistency) -> (World, ClientId, ClientId, ClientId) {
    let (mut world, two, three) = stage(model);
    let client = world.connect(1);
    world.send(client, "SET x 1");
    world.settle();
    world.play_all([two, three], "ACK 1.1");
    assert_eq!(world.replies(client), ["+OK"]);
    (world, two, three, client)
}

fn alarms(world: &World) -> Vec<&String> {
    let lines = world.log.iter();
    lines.filter(|line| line.contains("differs from")).collect()
}

#[test]
fn a_peer_that_differs_is_an_alarm_and_the_majority_goes_on() {
    for model in [Sequential, Linearizable] {
        let (mut world, two, three, client) = written(model);
        let (same, other) = (held(&mut world), other_data(&mut world));
        world.play(two, &format!("HEARTBEAT 1 {same}"));
        assert_eq!(world.status(1, "diverged"), "no");
        for token in 2..5 {
            world.play(three, &format!("HEARTBEAT {token} {other}"));
        }
        let how = "replica 3 has other data after the same 1 entries";
        assert_eq!(world.status(1, "diverged"), how);
        assert_eq!(world.status(1, "ready"), "yes");
        assert_eq!(alarms(&world).len(), 1, "{:?}", world.log);
        world.send(client, "SET x 2");
        world.settle();
        world.play_all([two, three], "ACK 2.1");
        assert_eq!(world.replies(client), ["+OK"]);
        // Nothing that comes later takes it back.
        let same = held(&mut world);
        world.play(three, &format!("HEARTBEAT 9 {same}"));
        assert_eq!(world.status(1, "diverged"), how);
    }
}

#[test]
fn another_order_is_told_from_other_data() {
    let (mut world, _two, three, _) = written(Sequential);
    let data = world.replica(1).ordered_store().expect("a store").digest();
    world.play(three, &format!("HEARTBEAT 1 1 {:032x} {data:032x}", 5));
    let how = "replica 3 has another order up to position 1";
    assert_eq!(world.status(1, "diverged"), how);
}

#[test]
fn who_is_outvoted_serves_no_data_and_tells_those_who_wait() {
    let (mut world, two, three, client) = written(Sequential);
    world.send(client, "SET x 2\nGET x");
    world.settle();
    let other = other_data(&mut world);
    world.play_all([two, three], &format!("HEARTBEAT 1 {other}"));
    let replies = world.replies(client);
    assert!(replies[0].starts_with("-UNCERTAIN write 2.1: no (this replica differs from others"));
    assert!(replies[1].starts_with("-TIMEOUT read: "), "{replies:?}");
    for line in ["GET x", "SET x 3", "MULTI", "STORE"] {
        let reply = world.ask(client, line);
        let is_data = line != "MULTI";
        assert_eq!(reply.starts_with("-NOTREADY"), is_data, "{line}: {reply}");
        world.run(client, "DISCARD");
    }
    let ready = world.status(1, "ready");
    assert!(
        ready.contains("replica 3 has other data after the same 1 entries"),
        "{ready}"
    );
}

#[test]
fn one_that_nobody_agrees_with_yet_waits_until_the_majority_does() {
    let (mut world, two, three, client) = written(Sequential);
    let (same, other) = (held(&mut world), other_data(&mut world));
    world.play(three, &format!("HEARTBEAT 1 {other}"));
    assert!(world.ask(client, "GET x").starts_with("-NOTREADY"));
    world.play(two, &format!("HEARTBEAT 1 {same}"));
    assert_eq!(world.ask(client, "GET x"), "1");
    assert_eq!(world.status(1, "ready"), "yes");
}

#[test]
fn what_is_not_reached_yet_is_compared_when_it_is() {
    let (mut world, two, three, client) = written(Sequential);
    world.send(client, "SET x 2");
    world.settle();
    world.play(three, &format!("HEARTBEAT 1 2 {:032x} {:032x}", 1, 2));
    assert_eq!(world.status(1, "diverged"), "no");
    world.play_all([two, three], "ACK 2.1");
    let how = "replica 3 has another order up to position 2";
    assert_eq!(world.status(1, "diverged"), how);
}

#[test]
fn replicas_that_are_the_same_say_so_while_writes_go_on() {
    for model in [Sequential, Linearizable, Eventual] {
        let mut world = World::new(model, 3);
        let clients = [1, 2, 3].map(|id| world.connect(id));
        for round in 0..40 {
            for client in clients {
                world.run(client, &format!("SET k{} {round}", round % 7));
            }
            world.pass(Duration::from_millis(100));
        }
        for id in 1..=3 {
            assert_eq!(world.status(id, "diverged"), "no", "{model}");
        }
        assert!(alarms(&world).is_empty());
    }
}

#[test]
fn what_changes_on_its_way_to_one_replica_is_found() {
    for model in [Sequential, Eventual] {
        let mut world = World::new(model, 3);
        world.may_differ = true;
        let client = world.connect(1);
        world.hold(1, 2);
        world.send(client, "SET x original");
        world.settle();
        for end in world.connections(1, 2) {
            let bytes = world.network.tamper(end);
            let at = bytes.windows(8).position(|part| part == b"original");
            bytes[at.expect("the value is under way")] = b'O';
        }
        world.release(1, 2);
        // In the eventual model it might heal.
        let time = if model == Eventual { 3 } else { 1 };
        world.pass(Duration::from_secs(time));
        assert_eq!(world.replies(client), ["+OK"]);
        for id in [1, 3] {
            assert!(
                world.status(id, "diverged").starts_with("replica 2 has "),
                "{model}"
            );
            assert_eq!(world.status(id, "ready"), "yes");
            assert_eq!(world.inspect(id, "GET x"), "original");
        }
        assert!(world.status(2, "diverged").starts_with("replica 1 has "));
        assert!(
            world
                .inspect(2, "GET x")
                .starts_with("-NOTREADY this replica differs")
        );
    }
}

#[test]
fn in_the_eventual_model_data_are_compared_under_equal_vectors_and_may_heal() {
    let (mut world, two, three) = stage(Eventual);
    let client = world.connect(1);
    assert_eq!(world.ask(client, "SET x 1"), "+OK");
    let mut vector = holdback::ids::Vector::default();
    let digest = |vector: &holdback::ids::Vector| vector.digest();
    let data = world.status(1, "digest");
    // Another vector says nothing.
    world.play_all(
        [two, three],
        &format!("HEARTBEAT 1 0 {} {:032x}", digest(&vector), 7),
    );
    assert_eq!(world.status(1, "diverged"), "no");
    vector.advance(world.replica(1).gossip().expect("gossip").me(), T0);
    let other = format!("0 {} {:032x}", digest(&vector), 7);
    for token in 2..5 {
        world.play_all([two, three], &format!("HEARTBEAT {token} {other}"));
        assert_eq!(world.status(1, "diverged"), "no", "it may heal");
    }
    world.play_all([two, three], &format!("HEARTBEAT 5 {other}"));
    let how = "has other data although each holds all that the other does";
    assert_eq!(
        world.status(1, "diverged"),
        format!("replica 2 {how}, replica 3 {how}")
    );
    assert!(world.ask(client, "GET x").starts_with("-NOTREADY"));
    world.play_all(
        [two, three],
        &format!("HEARTBEAT 3 0 {} {data}", digest(&vector)),
    );
    assert_eq!(world.status(1, "diverged"), "no");
    assert_eq!(world.ask(client, "GET x"), "1");
}

#[test]
fn a_full_queue_is_told_and_nobody_stamps_more() {
    let mut world = World::with(Sequential, 3, |settings| settings.queue_bytes_max = 4000);
    let clients = [1, 2, 3].map(|id| world.connect(id));
    // Replica 1 hears no more from 3, and delivers nothing; 2 hears from all.
    world.hold(3, 1);
    let mut answers = Vec::new();
    for round in 0..100 {
        answers.push(world.ask(clients[1], &format!("SET k{round} {}", "v".repeat(100))));
    }
    let refused = answers.iter().position(|answer| answer != "+OK");
    let refused = refused.expect("replica 1 is full");
    assert!((20..40).contains(&refused), "{refused}");
    let text = "-OVERLOADED replica 1 holds back as many entries as it may";
    assert!(answers[refused..].iter().all(|answer| answer == text));
    assert_eq!(world.ask(clients[0], "SET k 1"), text, "nor does it itself");
    assert!(world.ask(clients[1], "GET k0").starts_with("vvv"));
    let held = world.status(1, "holdback").parse::<usize>().unwrap();
    assert!(held <= refused + 1, "{held}");
    world.release(3, 1);
    world.pass(Duration::from_millis(100));
    assert_eq!(world.ask(clients[1], "SET k 2"), "+OK");
    assert_eq!(world.ask(clients[0], "GET k"), "2");
    assert_eq!(world.status(1, "holdback"), "0");
}

#[test]
fn a_full_queue_of_another_model_is_none() {
    let mut world = World::with(Eventual, 3, |settings| settings.queue_bytes_max = 0);
    let client = world.connect(1);
    assert_eq!(world.ask(client, "SET x 1"), "+OK");
    world.pass(Duration::from_secs(2));
    assert_eq!(world.ask(client, "SET x 2"), "+OK");
}
