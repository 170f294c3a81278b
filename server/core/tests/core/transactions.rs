//! MULTI, EXEC and WATCH.

use crate::puppet::stage;
use crate::random::{Random, seeds};
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{self, Linearizable, Sequential};

#[test]
fn a_transaction_is_one_entry() {
    for model in [Sequential, Linearizable] {
        let mut world = World::new(model, 3);
        let client = world.connect(2);
        let replies = world.run(
            client,
            "MULTI\nSET a 1\nINCR a\nGET a\nINCR b\nSET c \";\"\nPING\nECHO hi\nEXEC",
        );
        assert_eq!(replies[..2], ["+OK", "+QUEUED"]);
        assert_eq!(replies[8..], ["[+OK :2 2 :1 +OK +PONG hi]"]);
        assert_eq!(
            world.inspect(3, "ORDER"),
            "[1 1.2 SET a 1 ; INCR a ; GET a ; INCR b ; SET c \";\" ; PING ; ECHO hi]"
        );
        assert_eq!(world.inspect(3, "STORE"), "[a 2 b 1 c ;]");
    }
}

#[test]
fn an_error_within_a_transaction_leaves_the_rest_of_it() {
    let mut world = World::new(Sequential, 3);
    let client = world.connect(1);
    let replies = world.run(client, "SET a x\nMULTI\nINCR a\nSET b 1\nEXEC");
    let expected = "[-ERR value is not an integer or out of range +OK]";
    assert_eq!(replies[4..], [expected]);
    assert_eq!(world.inspect(2, "STORE"), "[a x b 1]");
}

#[test]
fn a_transaction_of_reads_takes_the_path_of_a_read() {
    for (model, entries) in [(Sequential, "1"), (Linearizable, "3")] {
        let mut world = World::new(model, 3);
        let client = world.connect(1);
        let replies = world.run(client, "SET a 1\nMULTI\nGET a\nPING\nEXEC\nMULTI\nEXEC");
        assert_eq!(
            replies.join(" "),
            "+OK +OK +QUEUED +QUEUED [1 +PONG] +OK []",
            "{model}"
        );
        assert_eq!(world.status(2, "position"), entries, "{model}");
    }
}

#[test]
fn a_refused_command_aborts_the_whole_transaction() {
    for refused in [
        "NOSUCH",
        "GET",
        "SET a 1 EX 5",
        "INCRBY a x",
        "MULTI",
        "WATCH a",
        "STATUS",
        "ORDER",
        "AWAIT 1",
        "CONSISTENCY linearizable",
        "MCAST 0",
    ] {
        let mut world = World::new(Sequential, 2);
        let client = world.connect(1);
        let replies = world.run(client, &format!("MULTI\nSET x 1\n{refused}\nEXEC\nGET x"));
        assert!(replies[2].starts_with('-'), "{refused}: {replies:?}");
        let expected = "-EXECABORT Transaction discarded because of previous errors.";
        assert_eq!(replies[3..], [expected, "nil"], "{refused}");
        assert_eq!(world.status(2, "position"), "0", "{refused}");
    }
}

#[test]
fn commands_of_transactions_out_of_place_are_refused() {
    let mut world = World::new(Sequential, 2);
    let client = world.connect(1);
    assert_eq!(world.ask(client, "EXEC"), "-ERR EXEC without MULTI");
    assert_eq!(world.ask(client, "DISCARD"), "-ERR DISCARD without MULTI");
    assert_eq!(
        world.run(client, "MULTI\nSET a 1\nDISCARD\nGET a"),
        ["+OK", "+QUEUED", "+OK", "nil"]
    );
}

/// Whether the EXEC goes through if `between` happens between WATCH and MULTI: on the same connection, or
/// on that of a client of another replica.
fn survives(model: Consistency, before: &str, between: &str, by_other: bool) -> bool {
    let mut world = World::new(model, 3);
    let (client, other) = (world.connect(1), world.connect(3));
    world.run(other, before);
    world.run(client, "AWAIT 1");
    assert_eq!(world.ask(client, "WATCH k j"), "+OK");
    world.run(if by_other { other } else { client }, between);
    let replies = world.run(client, "MULTI\nSET k mine\nEXEC");
    let applied = replies[2] == "[+OK]";
    assert!(applied || replies[2] == "nil", "{replies:?}");
    for id in 1..=3 {
        let store = world.inspect(id, "STORE");
        assert_eq!(store.contains("k mine"), applied, "replica {id}: {store}");
    }
    applied
}

#[test]
fn exec_goes_through_only_if_no_watched_key_changed() {
    for model in [Sequential, Linearizable] {
        for by_other in [true, false] {
            for (between, expected) in [
                ("SET k 2", false),
                ("SET k 1", false),
                ("DEL k", false),
                ("GETDEL k", false),
                ("APPEND k x", false),
                ("INCR j", false),
                ("FLUSHALL", false),
                ("DEL k\nSET k 1", false),
                // An own EXEC forgets the watched keys.
                ("MULTI\nSET k 1\nEXEC", !by_other),
                ("SET other 1", true),
                ("GET k", true),
                ("SETNX k 5", true),
                ("CAS k nothing 5", true),
                ("SET k 5 NX", true),
                ("INCR k", true),
                ("DEL j", true),
            ] {
                let survived = survives(model, "SET k text", between, by_other);
                assert_eq!(survived, expected, "{model} {between} by_other={by_other}");
            }
        }
    }
}

#[test]
fn unwatch_discard_and_exec_forget_the_watched_keys() {
    for forget in [
        "UNWATCH",
        "MULTI\nDISCARD",
        "MULTI\nEXEC",
        "MULTI\nNOSUCH\nEXEC",
    ] {
        let mut world = World::new(Sequential, 2);
        let client = world.connect(1);
        world.run(client, &format!("WATCH k\n{forget}\nSET k 1"));
        let replies = world.run(client, "MULTI\nSET k 2\nEXEC");
        assert_eq!(replies[2], "[+OK]", "{forget}");
    }
}

#[test]
fn a_key_watched_twice_keeps_the_first_date() {
    let mut world = World::new(Sequential, 2);
    let client = world.connect(1);
    let replies = world.run(client, "WATCH k\nSET k 1\nWATCH k\nMULTI\nGET k\nEXEC");
    assert_eq!(replies.last().map(String::as_str), Some("nil"));
}

#[test]
fn of_two_that_watch_and_write_at_once_one_goes_through() {
    for seed in seeds(120) {
        let mut random = Random::new(seed, 0);
        let model = random.pick(&[Sequential, Linearizable]);
        let mut world = World::new(model, 3);
        let clients = [1, 2, 3].map(|id| world.connect(id));
        for client in clients {
            world.send(client, "WATCH k\nMULTI\nINCR k\nEXEC");
        }
        world.settle_at_random(&mut random);
        let outcomes = clients.map(|client| world.replies(client)[3].clone());
        let won = outcomes.iter().filter(|outcome| *outcome != "nil").count();
        assert!(won >= 1, "{model} {seed}: {outcomes:?}");
        let expected = format!("[k {won}]");
        assert_eq!(world.inspect(1, "STORE"), expected, "{model} {seed}");
        if won == 1 {
            assert!(outcomes.contains(&"[:1]".to_owned()), "{outcomes:?}");
        }
    }
}

/// A client that adds one to `n` again and again: reads it, and writes it back if nobody else has.
struct Adder {
    client: ClientId,
    replies: Vec<String>,
    executing: bool,
    rounds: usize,
    went_through: usize,
}

impl Adder {
    fn new(world: &mut World, id: u16) -> Self {
        let client = world.connect(id);
        world.send(client, "WATCH n\nGET n");
        Self {
            client,
            replies: Vec::new(),
            executing: false,
            rounds: 0,
            went_through: 0,
        }
    }

    /// Sends what comes next if all before it is answered.
    fn go_on(&mut self, world: &mut World) {
        self.replies.extend(world.replies(self.client));
        match &self.replies[..] {
            [watched, read] if !self.executing => {
                assert_eq!(watched, "+OK");
                let next = read.parse().unwrap_or(0) + 1;
                world.send(self.client, &format!("MULTI\nSET n {next}\nEXEC"));
                self.executing = true;
            }
            [_, _, outcome] => {
                self.went_through += usize::from(outcome == "[+OK]");
                self.rounds += 1;
                self.executing = false;
                if self.rounds < 5 {
                    world.send(self.client, "WATCH n\nGET n");
                }
            }
            _ => return,
        }
        self.replies.clear();
    }
}

#[test]
fn a_counter_kept_with_watch_loses_no_increment() {
    let mut aborted = 0;
    for seed in seeds(60) {
        let mut random = Random::new(seed, 0);
        let model = random.pick(&[Sequential, Linearizable]);
        let mut world = World::new(model, 3);
        let mut adders = [1, 1, 2, 3].map(|id| Adder::new(&mut world, id));
        let mut steps = 0;
        while adders.iter().any(|adder| adder.rounds < 5) {
            steps += 1;
            assert!(steps < 100_000, "{model}, seed {seed}: no end");
            world.move_at_random(&mut random);
            adders[random.index(4)].go_on(&mut world);
        }
        world.settle();
        let went_through: usize = adders.iter().map(|adder| adder.went_through).sum();
        let expected = format!("[n {went_through}]");
        assert_eq!(world.inspect(1, "STORE"), expected, "{model}, seed {seed}");
        aborted += 20 - went_through;
    }
    assert!(aborted > 100, "too tame: {aborted} of 1200 aborted");
}

#[test]
fn the_pairs_of_a_watch_travel_with_the_entry() {
    let (mut world, two, three) = stage(Sequential);
    let client = world.connect(1);
    world.run(client, "WATCH k\nMULTI\nSET k 1\nEXEC");
    assert_eq!(world.frames(two), ["[MCAST 0 1 1w3 k 0 SET k 1]"]);
    world.play(two, "ACK 1.1");
    world.play(three, "ACK 1.1");
    world.replies(client);
    world.run(client, "WATCH k\nMULTI\nSET k 2\nEXEC");
    assert_eq!(world.frames(two), ["[MCAST 1 2 1w3 k 1 SET k 2]"]);
    // Watches of a peer's entry are compared here as there.
    world.play(three, "MCAST 0 9 1w3 k 1 SET k 3 10 1w3 k 3 SET k 4");
    world.play(two, "ACK 2.1 10.3@377");
    world.play(three, "ACK 2.1");
    // `k` changed at 2, neither 1 nor 3.
    assert_eq!(world.inspect(1, "STORE"), "[k 2]");
}
