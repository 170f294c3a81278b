//! Program order: the commands of one connection take effect in the order they were sent, pipelined or not.

use crate::puppet::stage;
use crate::random::{Random, seeds};
use crate::world::World;
use holdback::consistency::Consistency::{self, Linearizable, Sequential};

/// Dekker's pattern: `SET x 1; GET y` against `SET y 1; GET x` must not both read nothing. A replica that
/// evaluates the read before the write is delivered, and only delays its reply, fails this.
fn dekker(model: Consistency, read: &str, nothing: &str) {
    for seed in seeds(200) {
        let mut random = Random::new(seed, 0);
        let mut world = World::new(model, 3);
        world.long_turns = random.one_in(2);
        let (a, b) = (world.connect(1), world.connect(2));
        world.send(a, &format!("SET x 1\n{}", read.replace("KEY", "y")));
        world.send(b, &format!("SET y 1\n{}", read.replace("KEY", "x")));
        world.settle_at_random(&mut random);
        let (a, b) = (world.replies(a), world.replies(b));
        let read_nothing = |replies: &[String]| replies.last().map(String::as_str) == Some(nothing);
        assert_eq!(a[0], "+OK", "seed {seed}");
        assert_eq!(a.len(), 1 + read.lines().count(), "seed {seed}: {a:?}");
        assert_eq!(a.len(), b.len(), "seed {seed}: {b:?}");
        let both = read_nothing(&a) && read_nothing(&b);
        assert!(!both, "seed {seed}: both read nothing with {read}");
    }
}

#[test]
fn a_write_and_a_read_behind_it_never_pass_each_other() {
    dekker(Sequential, "GET KEY", "nil");
    dekker(Linearizable, "GET KEY", "nil");
    dekker(Sequential, "EXISTS KEY", ":0");
    dekker(Sequential, "KEYS KEY", "[]");
    dekker(Sequential, "MULTI\nGET KEY\nEXEC", "[nil]");
    dekker(Linearizable, "MULTI\nGET KEY\nEXEC", "[nil]");
    dekker(Linearizable, "CONSISTENCY sequential\nGET KEY", "nil");
}

/// Runs lines at replica 1, whose entries replica 3 has not acked, while `next` of replica 2 with a larger
/// stamp is held behind them; then makes all deliverable in one step. The replies.
fn in_one_step(model: Consistency, lines: &str, next: &str) -> Vec<String> {
    let (mut world, two, three) = stage(model);
    let client = world.connect(1);
    let early = world.run(client, lines);
    assert!(
        early.is_empty(),
        "{lines}: not delivered, and answered {early:?}"
    );
    let clock = world.status(1, "clock");
    let words = next.split(' ').count();
    world.play(two, &format!("ACK {clock}.1\nMCAST 0 50 {words} {next}"));
    world.play(three, "ACK 50.2@277");
    assert_eq!(world.status(1, "position"), "0");
    world.play(three, &format!("ACK {clock}.1"));
    let replies = world.replies(client);
    // What a barrier held back is stamped only now.
    let clock = world.status(1, "clock");
    if world.status(1, "holdback") != "0" {
        world.play(two, &format!("ACK {clock}.1"));
        world.play(three, &format!("ACK {clock}.1"));
    }
    [replies, world.replies(client)].concat()
}

#[test]
fn a_read_behind_a_write_sees_the_store_between_that_write_and_the_next_entry() {
    for (read, expected) in [
        ("GET x", "1"),
        ("MGET x y", "[1 nil]"),
        ("EXISTS x", ":1"),
        ("STRLEN x", ":1"),
        ("TYPE x", "+string"),
        ("KEYS *", "[x]"),
        ("DBSIZE", ":1"),
        ("POSITION", ":1"),
        ("STORE", "[x 1]"),
        ("ORDER", "[1 1.1 SET x 1]"),
        ("AWAIT 1", ":1"),
    ] {
        let lines = format!("SET x 1\n{read}");
        let replies = in_one_step(Sequential, &lines, "FLUSHALL");
        assert_eq!(replies, ["+OK", expected], "{read}");
    }
    let replies = in_one_step(Sequential, "SET x 1\nDIGEST", "FLUSHALL");
    assert!(replies[1].starts_with("[:1 "), "{}", replies[1]);
}

#[test]
fn a_read_behind_an_ordered_read_waits_for_it_too() {
    let lines = "CONSISTENCY linearizable\nGET x\nCONSISTENCY sequential\nGET x\nPOSITION";
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    assert_eq!(world.run(client, lines), ["+OK"]);
    world.play(two, "ACK 1.1\nMCAST 0 50 3 SET x 1");
    world.play(three, "ACK 50.2@277\nACK 1.1");
    assert_eq!(world.replies(client), ["nil", "+OK", "nil", ":1"]);
    assert_eq!(world.inspect(1, "ORDER 1 1"), "[1 1.1 GET x]");
}

#[test]
fn a_read_waits_for_the_last_of_the_entries_before_it() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "SET x 1\nSET x 2\nGET x\nSET x 3\nGET x");
    world.play(two, "ACK 3.1");
    world.play(three, "ACK 1.1");
    assert_eq!(world.replies(client), ["+OK"]);
    world.play(three, "ACK 2.1");
    assert_eq!(world.replies(client), ["+OK", "2"]);
    world.play(three, "ACK 3.1");
    assert_eq!(world.replies(client), ["+OK", "3"]);
}

#[test]
fn writes_behind_writes_are_stamped_and_sent_at_once() {
    let (mut world, two, _three) = stage(Sequential);
    let client = world.connect(1);
    world.run(
        client,
        "SET a 1\nGET a\nINCR b\nMULTI\nSET c 1\nDEL a\nEXEC\nPING",
    );
    assert_eq!(
        world.frames(two),
        ["[MCAST 0 1 3 SET a 1 2 2 INCR b 3 3+2 SET c 1 DEL a]"]
    );
    assert!(world.replies(client).is_empty(), "replies keep their order");
}

#[test]
fn nothing_behind_an_await_is_stamped() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    let early = world.run(client, "AWAIT 2\nSET a 1\nGET a\nPOSITION");
    assert!(early.is_empty(), "{early:?}");
    assert_eq!(world.status(1, "holdback"), "0");
    world.play(three, "ACK 9.2@277");
    world.play(two, "MCAST 0 5 3 SET x 1");
    assert!(world.replies(client).is_empty());
    world.play(two, "MCAST 5 6 3 SET x 2 7 3 SET x 3");
    // And not 3: it was answered in the step.
    assert_eq!(world.replies(client), [":2"]);
    assert_eq!(world.inspect(1, "HOLDBACK"), "[8.1 waits:2,3 SET a 1]");
    world.play(two, "ACK 8.1");
    world.play(three, "ACK 8.1");
    assert_eq!(world.replies(client), ["+OK", "1", ":4"]);
    // A position that is past already.
    assert_eq!(world.ask(client, "AWAIT 1"), ":4");
}

#[test]
fn nothing_behind_a_watch_that_waits_is_stamped() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    let early = world.run(client, "SET a 1\nWATCH k\nMULTI\nSET k 1\nEXEC\nSET b 1");
    assert!(early.is_empty(), "{early:?}");
    assert_eq!(world.inspect(1, "HOLDBACK"), "[1.1 waits:2,3 SET a 1]");
    world.play(two, "ACK 1.1");
    world.play(three, "ACK 1.1");
    assert_eq!(world.replies(client), ["+OK", "+OK", "+OK", "+QUEUED"]);
    assert_eq!(
        world.inspect(1, "HOLDBACK"),
        "[2.1 waits:2,3 WATCHED k 0 ; SET k 1 3.1 waits:2,3 SET b 1]"
    );
}

#[test]
fn a_watch_on_the_ordered_path_is_an_entry_and_a_barrier() {
    let (mut world, two, three) = stage(Linearizable);
    let client = world.connect(1);
    let early = world.run(client, "WATCH k\nMULTI\nSET k 1\nEXEC");
    assert!(early.is_empty(), "{early:?}");
    assert_eq!(world.inspect(1, "HOLDBACK"), "[1.1 waits:2,3 WATCH k]");
    // An entry that is ordered behind the WATCH changes the key.
    world.play(two, "ACK 1.1\nMCAST 0 5 3 SET k 9");
    world.play(three, "ACK 5.2@277\nACK 1.1");
    assert_eq!(world.replies(client), ["+OK", "+OK", "+QUEUED"]);
    world.play(two, "ACK 6.1");
    world.play(three, "ACK 6.1");
    assert_eq!(world.replies(client), ["nil"], "nothing is applied");
    assert_eq!(world.inspect(1, "STORE"), "[k 9]");
    assert_eq!(
        world.inspect(1, "ORDER"),
        "[1 1.1 WATCH k 2 5.2 SET k 9 3 6.1 WATCHED k 0 ; SET k 1]"
    );
}

#[test]
fn a_watch_behind_a_write_dates_the_key_in_the_step_that_delivers_the_write() {
    // Replica 2's write comes behind the WATCH, so it makes the EXEC fail.
    let lines = "SET a 1\nWATCH k\nMULTI\nSET k 1\nEXEC\nGET k";
    let replies = in_one_step(Sequential, lines, "SET k 9");
    assert_eq!(replies, ["+OK", "+OK", "+OK", "+QUEUED", "nil", "9"]);
    let replies = in_one_step(Sequential, lines, "SET other 9");
    assert_eq!(replies, ["+OK", "+OK", "+OK", "+QUEUED", "[+OK]", "1"]);
}

#[test]
fn consistency_takes_effect_at_its_place_in_the_pipeline() {
    let mut world = World::new(Sequential, 3);
    let client = world.connect(1);
    let replies = world.run(
        client,
        "SET x 1\nGET x\nCONSISTENCY\nCONSISTENCY linearizable\nCONSISTENCY\nGET x\nMULTI\nGET x\nEXEC\n\
         CONSISTENCY sequential\nGET x\nSET x 2",
    );
    let expected = "+OK 1 +sequential +OK +linearizable 1 +OK +QUEUED [1] +OK 1 +OK";
    assert_eq!(replies.join(" "), expected);
    assert_eq!(
        world.inspect(2, "ORDER"),
        "[1 1.1 SET x 1 2 2.1 GET x 3 3.1 GET x 4 4.1 SET x 2]"
    );
}

#[test]
fn a_client_that_moves_finds_its_writes_with_await() {
    let mut world = World::new(Sequential, 3);
    let (a, b) = (world.connect(1), world.connect(2));
    // What the others ack reaches replica 2 late.
    world.hold(3, 2);
    assert_eq!(world.ask(a, "SET x 1"), "+OK");
    let position = world.ask(a, "POSITION");
    assert_eq!(position, ":1");
    // The stale read that AWAIT is for.
    assert_eq!(world.ask(b, "GET x"), "nil");
    assert!(world.run(b, "AWAIT 1\nGET x").is_empty());
    world.release(3, 2);
    world.settle();
    assert_eq!(world.replies(b), [":1", "1"]);
}

#[test]
fn commands_behind_quit_do_not_happen() {
    for before in ["", "SET a 1\n", "AWAIT 0\n", "SET a 1\nWATCH a\n"] {
        let mut world = World::new(Sequential, 3);
        let client = world.connect(1);
        let replies = world.run(client, &format!("{before}QUIT\nSET x 1\nGET x"));
        assert_eq!(replies[before.lines().count()..], ["+OK"], "{before}");
        assert!(world.is_closed(client), "{before}");
        assert_eq!(world.inspect(1, "EXISTS x"), ":0", "{before}");
    }
}

#[test]
fn a_client_that_only_stops_sending_gets_all_its_replies() {
    for model in Consistency::ALL {
        let mut world = World::new(model, 3);
        let client = world.connect(2);
        world.send(client, "SET a 1\nGET a");
        world.half_close(client);
        world.settle();
        assert_eq!(world.replies(client), ["+OK", "1"], "{model}");
        assert!(world.is_closed(client), "{model}");
    }
}

#[test]
fn the_entries_of_a_client_that_is_gone_go_on() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "SET a 1\nGET a\nAWAIT 2");
    world.hang_up(client);
    world.settle();
    // A new client in the same place must not get what the old one asked for.
    let other = world.connect(1);
    world.run(other, "SET b 1");
    for puppet in [two, three] {
        world.play(puppet, "ACK 2.1");
    }
    assert_eq!(world.replies(other), ["+OK"]);
    assert_eq!(world.inspect(1, "STORE"), "[a 1 b 1]");
}
