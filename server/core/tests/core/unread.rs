//! Clients that are answered more than they have read: what waits for them, and for how long.

use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{Linearizable, Sequential};
use std::time::Duration;

/// Bytes that a client may leave unread here before it is answered no more, and before it is refused more.
const UNREAD: usize = 10_000;
const OUTPUT: usize = 50_000;
const VALUE: usize = 1000;

/// Three replicas, a value that is large beside the bounds, and a narrow network.
fn narrow(model: holdback::consistency::Consistency) -> (World, ClientId) {
    let mut world = World::with(model, 3, |settings| {
        (settings.unread_bytes_max, settings.output_bytes_max) = (UNREAD, OUTPUT);
    });
    let client = world.connect(1);
    let set = format!("SET x {}", "v".repeat(VALUE));
    assert_eq!(world.run(client, &set), ["+OK"]);
    world.network.set_window(100);
    (world, client)
}

/// One or more lines, so many times.
fn times(count: usize, lines: &str) -> String {
    vec![lines; count].join("\n")
}

/// How many replies are the value, and how many are refused for want of room.
fn values_and_refusals(replies: &[String]) -> (usize, usize) {
    let values = replies.iter().filter(|reply| reply.len() == VALUE);
    let refused = |reply: &&String| reply.starts_with("-OVERLOADED read: ");
    (values.count(), replies.iter().filter(refused).count())
}

#[test]
fn one_step_does_not_answer_all_that_waits() {
    for (before, replies) in [("SET y 1", 1), ("AWAIT 2", 1), ("SET y 1\nWATCH x", 2)] {
        let (mut world, client) = narrow(Sequential);
        world.part(1, 3);
        world.send(client, &format!("{before}\n{}", times(2000, "GET x")));
        world.settle();
        let other = world.connect(2);
        world.send(other, "SET z 1");
        world.join(1, 3);
        world.pass(Duration::from_secs(5));
        let answers = world.replies(client);
        assert_eq!(answers.len(), replies + 2000, "{before}");
        assert_eq!(values_and_refusals(&answers), (2000, 0), "{before}");
        let most = world.most_unsent(1);
        assert!(most < UNREAD + 2 * VALUE, "{before}: {most} bytes at once");
    }
}

#[test]
fn ordered_reads_are_not_begun_faster_than_they_are_read() {
    let (mut world, client) = narrow(Linearizable);
    world.send(client, &times(500, "GET x"));
    world.pass(Duration::from_secs(1));
    let answers = world.replies(client);
    assert_eq!(values_and_refusals(&answers), (500, 0));
    let most = world.most_unsent(1);
    // What it has not read, what waited uncounted, and what was counted.
    assert!(most < 3 * UNREAD + 2 * VALUE, "{most} bytes at once");
}

#[test]
fn ordered_reads_that_find_more_than_was_foreseen_are_refused() {
    let (mut world, client) = narrow(Linearizable);
    // When the reads are stamped, there is nothing to be read.
    let set = format!("SET new {}", "v".repeat(VALUE));
    let lines = format!("{set}\n{}\nPING", times(300, "GET new"));
    world.send(client, &lines);
    world.pass(Duration::from_secs(1));
    let answers = world.replies(client);
    let (values, refused) = values_and_refusals(&answers);
    assert_eq!(values + refused, 300);
    assert!(values >= OUTPUT / (VALUE + 20) && refused > 0, "{values}");
    assert_eq!(answers.last().unwrap(), "+PONG", "and it goes on");
    let most = world.most_unsent(1);
    assert!(most < OUTPUT + 20_000, "{most} bytes at once");
}

#[test]
fn a_read_that_its_client_holds_up_never_sees_the_write_behind_it() {
    let (mut world, client) = narrow(Sequential);
    let other = world.connect(1);
    world.part(1, 3);
    world.send(other, &format!("SET new {}", "v".repeat(VALUE)));
    world.settle();
    let line = format!("SET y 1\n{}\nSET new later\nGET new", times(100, "GET new"));
    world.send(client, &line);
    world.settle();
    world.join(1, 3);
    world.pass(Duration::from_secs(5));
    let answers = world.replies(client);
    let (values, refused) = values_and_refusals(&answers);
    assert_eq!(values + refused, 100, "{answers:?}");
    assert!(values >= UNREAD / (VALUE + 20) && refused > 0, "{values}");
    assert_eq!(answers[101..], ["+OK", "later"]);
}

#[test]
fn the_reply_of_a_transaction_is_bounded_like_that_of_mget() {
    let (mut world, client) = narrow(Sequential);
    world.network.set_window(usize::MAX);
    for write in ["", "SET z 1\n"] {
        let lines = format!("MULTI\n{write}{}\nEXEC", times(200, "GET x"));
        let answers = world.run(client, &lines);
        let exec = answers.last().unwrap();
        let values = exec.matches(&"v".repeat(VALUE)).count();
        assert_eq!(values, OUTPUT.div_ceil(VALUE + 9), "{write}");
        let refused = exec.matches("-OVERLOADED read: ").count();
        assert_eq!(values + refused, 200);
    }
    let mget = format!("MGET {}", "x ".repeat(200));
    let refused = world.ask(client, &mget);
    assert!(refused.starts_with("-ERR the reply would be larger"));
}

#[test]
fn a_client_is_closed_for_what_it_leaves_unread_only_after_a_time() {
    let (mut world, client) = narrow(Sequential);
    let slow = world.connect(1);
    for client in [client, slow] {
        world.send(client, &times(100, "GET x"));
        world.deliver_client(client);
    }
    world.turn(1);
    let (start, patience) = (world.now, Duration::from_secs(60));
    // One of them reads a little now and then.
    while world.now - start < patience - Duration::from_secs(1) {
        world.now += Duration::from_secs(20).min(start + patience - world.now);
        world.deliver_replies(slow, 50);
        world.turn(1);
        if world.now - start < patience {
            assert!(world.log.iter().all(|line| !line.contains("is closed")));
        }
    }
    let closed = world.log.iter().filter(|line| line.contains("is closed"));
    let closed: Vec<_> = closed.collect();
    assert_eq!(closed.len(), 1, "{closed:?}");
    assert!(closed[0].ends_with("it does not read its replies"));
    world.settle();
    assert!(world.is_closed(client) && !world.is_closed(slow));
    assert_eq!(values_and_refusals(&world.replies(slow)), (100, 0));
}
