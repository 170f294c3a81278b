//! Requests that wait too long, and limits on what may wait.

use crate::motion::Move;
use crate::puppet::stage;
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{Linearizable, Sequential};
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(10);

/// Three replicas of which the third is out of reach, and a client of the first.
fn stuck() -> (World, ClientId) {
    let mut world = World::new(Sequential, 3);
    world.part(1, 3);
    world.part(2, 3);
    let client = world.connect(1);
    (world, client)
}

fn mend(world: &mut World) {
    world.join(2, 3);
    mend_one(world);
}

fn mend_one(world: &mut World) {
    world.join(1, 3);
    world.pass(Duration::from_secs(8));
}

/// The code that each reply begins with.
fn codes(replies: &[String]) -> Vec<&str> {
    let code = |reply: &String| reply.len().min(reply.find(' ').unwrap_or(reply.len()));
    replies.iter().map(|reply| &reply[..code(reply)]).collect()
}

#[test]
fn a_write_that_waits_too_long_gets_an_indefinite_error_and_may_still_happen() {
    let (mut world, client) = stuck();
    world.run(client, "SET x 1");
    world.pass(TIMEOUT - Duration::from_millis(1));
    assert!(world.replies(client).is_empty());
    world.pass(Duration::from_millis(1));
    let replies = world.replies(client);
    assert_eq!(codes(&replies), ["-UNCERTAIN"]);
    assert!(
        replies[0].contains("1.1"),
        "it names the entry: {}",
        replies[0]
    );
    assert_eq!(world.inspect(1, "GET x"), "nil");
    mend(&mut world);
    assert!(world.replies(client).is_empty(), "one reply is enough");
    assert_eq!(world.inspect(2, "GET x"), "1", "it did happen");
}

#[test]
fn an_ordered_read_that_waits_too_long_gets_a_definite_error() {
    let (mut world, client) = stuck();
    let lines = "CONSISTENCY linearizable\nGET x\nWATCH x\nMULTI\nGET x\nEXEC";
    assert_eq!(world.run(client, lines), ["+OK"]);
    world.pass(TIMEOUT);
    assert_eq!(
        codes(&world.replies(client)),
        ["-TIMEOUT"; 5],
        "and what was behind the WATCH was not begun"
    );
    let replies = world.run(client, "CONSISTENCY sequential\nMULTI\nGET x\nEXEC");
    assert_eq!(replies[3], "[nil]", "that transaction is over");
}

#[test]
fn an_exec_does_not_rely_on_a_watch_that_failed() {
    for lines in [
        "CONSISTENCY linearizable\nWATCH x",
        "AWAIT 9\nWATCH x",
        "AWAIT 9\nWATCH x\nMULTI",
        "AWAIT 9\nMULTI",
    ] {
        let (mut world, client) = stuck();
        world.run(client, lines);
        world.pass(TIMEOUT);
        let replies = world.replies(client);
        assert_eq!(codes(&replies).last(), Some(&"-TIMEOUT"));
        let is_open = lines.contains("MULTI");
        let multi = if is_open { "" } else { "MULTI\n" };
        let replies = world.run(client, &format!("{multi}SET x 1\nEXEC"));
        let exec = replies.last().expect("a reply");
        assert!(exec.starts_with("-EXECABORT "), "{lines}: {replies:?}");
        world.run(client, "CONSISTENCY sequential");
        let replies = world.run(client, "MULTI\nGET x\nEXEC");
        assert_eq!(replies[2], "[nil]", "{lines}: the next one is not affected");
    }
}

#[test]
fn a_late_result_is_never_given_to_another_command() {
    let (mut world, client) = stuck();
    world.run(client, "SET x 1 GET\nINCR n\nGET n");
    world.pass(TIMEOUT);
    assert_eq!(
        codes(&world.replies(client)),
        ["-UNCERTAIN", "-UNCERTAIN", "nil"]
    );
    // Behind the given-up ones, on the same connection.
    let early = world.run(client, "INCRBY n 10\nSET x 2 GET\nMULTI\nINCR n\nEXEC");
    assert!(early.is_empty(), "{early:?}");
    mend(&mut world);
    assert_eq!(
        world.replies(client),
        [":11", "1", "+OK", "+QUEUED", "[:12]"]
    );
}

#[test]
fn what_is_behind_a_write_that_was_given_up_does_not_wait_for_it() {
    let (mut world, client) = stuck();
    world.run(client, "SET x 1\nGET x\nPING");
    world.pass(TIMEOUT);
    let replies = world.replies(client);
    assert_eq!(codes(&replies), ["-UNCERTAIN", "nil", "+PONG"]);
    assert_eq!(world.run(client, "GET x\nPOSITION"), ["nil", ":0"]);
}

#[test]
fn each_request_has_its_own_time() {
    let (mut world, client) = stuck();
    world.run(client, "SET x 1");
    world.pass(Duration::from_secs(4));
    world.run(client, "SET x 2\nGET x");
    world.pass(Duration::from_secs(6));
    assert_eq!(codes(&world.replies(client)), ["-UNCERTAIN"]);
    world.pass(Duration::from_millis(3999));
    assert!(world.replies(client).is_empty());
    world.pass(Duration::from_millis(1));
    assert_eq!(codes(&world.replies(client)), ["-UNCERTAIN", "nil"]);
    // An answer in time leaves no timer behind that could hit a later request.
    mend(&mut world);
    assert_eq!(world.ask(client, "SET x 3"), "+OK");
    world.pass(Duration::from_secs(5));
    world.part(1, 3);
    world.run(client, "SET x 4");
    world.pass(Duration::from_secs(9));
    assert!(world.replies(client).is_empty());
    world.pass(Duration::from_secs(1));
    assert_eq!(codes(&world.replies(client)), ["-UNCERTAIN"]);
}

#[test]
fn a_barrier_that_waits_too_long_takes_what_is_behind_it_along() {
    let mut world = World::new(Sequential, 3);
    let client = world.connect(1);
    world.run(client, "AWAIT 5\nSET x 1\nGET x\nMULTI\nSET y 1\nEXEC");
    world.pass(TIMEOUT);
    let replies = world.replies(client);
    assert_eq!(codes(&replies), ["-TIMEOUT"; 6]);
    assert_eq!(world.status(2, "position"), "0", "nothing was stamped");
    // The connection lives.
    assert_eq!(world.run(client, "SET x 2\nGET x"), ["+OK", "2"]);
}

#[test]
fn a_command_behind_a_barrier_whose_time_is_up_is_not_stamped_any_more() {
    // The write gives way to the WATCH only when the time of all of them is up.
    let (mut world, client) = stuck();
    world.run(client, "SET a 1\nWATCH k\nMULTI\nSET k 1\nEXEC");
    world.pass(TIMEOUT);
    let replies = world.replies(client);
    assert_eq!(replies.len(), 5, "{replies:?}");
    assert_eq!(codes(&replies)[0], "-UNCERTAIN");
    // Definite, as it was not stamped.
    assert_eq!(codes(&replies)[4], "-TIMEOUT");
    mend(&mut world);
    assert_eq!(world.inspect(1, "STORE"), "[a 1]");
}

#[test]
fn a_client_that_went_away_leaves_nothing_behind() {
    let (mut world, client) = stuck();
    world.run(client, "SET x 1\nAWAIT 9");
    world.hang_up(client);
    world.settle();
    let other = world.connect(1);
    world.run(other, "SET y 1");
    world.pass(TIMEOUT);
    assert_eq!(codes(&world.replies(other)), ["-UNCERTAIN"]);
    mend(&mut world);
    assert!(world.replies(other).is_empty());
    assert_eq!(world.inspect(1, "STORE"), "[x 1 y 1]");
}

#[test]
fn above_the_limit_of_undelivered_bytes_nothing_is_stamped() {
    let mut world = World::with(Sequential, 3, |settings| {
        if settings.id.0 == 1 {
            settings.pending_bytes_max = 200;
        }
    });
    world.part(1, 3);
    let client = world.connect(1);
    let set = format!("SET x {}", "v".repeat(60));
    let replies = world.run(client, &format!("{set}\n{set}\n{set}\nGET x\nDEL x"));
    assert!(
        replies.is_empty(),
        "errors keep their place too: {replies:?}"
    );
    assert_eq!(world.status(1, "holdback"), "2");
    // A peer's entries are never refused.
    let other = world.connect(2);
    for _ in 0..20 {
        world.run(other, "SET y 1");
    }
    assert_eq!(world.status(1, "holdback"), "22");
    mend_one(&mut world);
    let replies = world.replies(client);
    assert_eq!(codes(&replies)[..3], ["+OK", "+OK", "-OVERLOADED"]);
    assert_eq!(replies[3], "v".repeat(60), "a local read is not refused");
    assert_eq!(codes(&replies)[4], "-OVERLOADED");
    // There is room again.
    assert_eq!(world.run(client, "DEL x\nGET x"), [":1", "nil"]);
}

#[test]
fn an_entry_larger_than_the_limit_of_undelivered_bytes_goes_alone() {
    let mut world = World::with(Linearizable, 3, |settings| settings.pending_bytes_max = 10);
    let client = world.connect(1);
    assert_eq!(world.run(client, "SET x 1\nGET x")[0], "+OK");
    assert_eq!(world.ask(client, "GET x"), "1");
}

#[test]
fn a_watch_above_the_limit_makes_its_exec_fail() {
    let mut world = World::with(Linearizable, 3, |settings| settings.pending_bytes_max = 100);
    world.part(1, 3);
    let client = world.connect(1);
    world.run(
        client,
        &format!("SET x {}\nWATCH y\nMULTI\nSET y 1\nEXEC", "v".repeat(70)),
    );
    mend_one(&mut world);
    let replies = world.replies(client);
    assert_eq!(
        codes(&replies),
        ["+OK", "-OVERLOADED", "+OK", "+QUEUED", "-EXECABORT"]
    );
}

#[test]
fn reading_from_a_client_stops_above_a_limit_of_unanswered_requests() {
    let mut world = World::with(Sequential, 3, |settings| settings.unanswered_max = 10);
    world.part(1, 3);
    let client = world.connect(1);
    let lines: Vec<String> = (0..35).map(|n| format!("APPEND x {}", n % 10)).collect();
    world.run(client, &lines.join("\n"));
    // The rest is not even looked at.
    assert_eq!(world.status(1, "holdback"), "10");
    let other = world.connect(1);
    world.run(other, "SET y 1");
    assert_eq!(world.status(1, "holdback"), "11", "other clients are read");
    mend_one(&mut world);
    let expected: Vec<String> = (1..=35).map(|n| format!(":{n}")).collect();
    assert_eq!(world.replies(client), expected);
    // Behind a barrier requests wait too, and count.
    let lines = "AWAIT 100\n".to_owned() + &"PING\n".repeat(30);
    world.run(client, &lines);
    let unread = world.moves().contains(&Move::Turn(1));
    assert!(!unread, "nothing is taken from a client that is paused");
    world.pass(TIMEOUT);
    let replies = world.replies(client);
    assert_eq!(replies.len(), 31, "{replies:?}");
    // What had not been read was not begun either.
    assert_eq!(replies[30], "+PONG");
}

#[test]
fn a_half_closed_client_above_the_limit_gets_all_its_replies() {
    let mut world = World::with(Sequential, 3, |settings| settings.unanswered_max = 4);
    let client = world.connect(1);
    let lines: Vec<String> = (0..30).map(|n| format!("APPEND x {}", n % 10)).collect();
    world.send(client, &lines.join("\n"));
    world.half_close(client);
    world.settle();
    assert_eq!(world.replies(client).len(), 30);
    assert!(world.is_closed(client));
}

#[test]
fn a_replica_that_stops_tells_whoever_waits() {
    let (mut world, client) = stuck();
    world.run(client, "SET x 1\nGET x");
    let reader = world.connect(1);
    world.run(reader, "AWAIT 9\nSET z 1");
    let other = world.connect(1);
    world.run(other, "SHUTDOWN");
    assert!(world.is_stopped(1));
    assert_eq!(codes(&world.replies(client)), ["-UNCERTAIN", "-TIMEOUT"]);
    assert_eq!(codes(&world.replies(reader)), ["-TIMEOUT", "-TIMEOUT"]);
}

#[test]
fn a_timeout_with_puppets_names_what_is_missing() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "SET x 1");
    world.play(two, "ACK 1.1");
    assert_eq!(world.inspect(1, "HOLDBACK"), "[1.1 waits:3 SET x 1]");
    for _ in 0..5 {
        world.pass(Duration::from_secs(2));
        world.play(two, "HEARTBEAT 1");
        world.play(three, "HEARTBEAT 1");
    }
    assert_eq!(codes(&world.replies(client)), ["-UNCERTAIN"]);
    let waited: u64 = world.status(1, "oldest_wait_ms").parse().expect("a number");
    assert_eq!(waited, 10_000);
    world.play(three, "ACK 1.1");
    assert_eq!(world.status(1, "position"), "1");
}

/// Each of them went on to the next one by a call of its own, until the stack was full.
#[test]
fn many_awaits_behind_one_that_ends_are_answered() {
    let mut world = World::new(Sequential, 2);
    let (waiting, writing) = (world.connect(1), world.connect(2));
    let lines = format!("AWAIT 1\n{}PING\n", "AWAIT 0\n".repeat(9_000));
    assert!(world.run(waiting, &lines).is_empty());
    assert_eq!(world.ask(writing, "SET x 1"), "+OK");
    world.settle();
    let replies = world.replies(waiting);
    assert_eq!(replies[9_001..], ["+PONG"]);
}
