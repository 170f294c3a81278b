//! How much data there may be, and how much work a transaction: what is refused before it is stamped.

use crate::world::World;
use holdback::consistency::Consistency::{Eventual, Linearizable, Sequential};

/// A bound of the data.
const MOST: usize = 1 << 20;

fn data(world: &World, id: u16) -> usize {
    world.replica(id).ordered_store().expect("a store").memory()
}

#[test]
fn above_the_bound_what_can_grow_is_refused_and_the_rest_is_not() {
    for model in [Sequential, Linearizable, Eventual] {
        let mut world = World::with(model, 3, |settings| settings.memory_bytes_max = MOST);
        let client = world.connect(1);
        let value = "v".repeat(50_000);
        let mut held = 0;
        let refusal = loop {
            let answer = world.ask(client, &format!("SET k{held} {value}"));
            if answer != "+OK" {
                break answer;
            }
            held += 1;
        };
        assert_eq!(held, 20, "{model}");
        assert!(refusal.starts_with("-OOM the data have 100"), "{refusal}");
        // What does not grow, or shrinks, is welcome.
        assert_eq!(
            world.ask(client, &format!("SET k1 {}", "w".repeat(50_000))),
            "+OK"
        );
        assert_eq!(world.ask(client, "DEL k0"), ":1");
        assert_eq!(world.ask(client, &format!("SET k0 {value}")), "+OK");
        assert_eq!(world.ask(client, "SET small 1"), "+OK");
        // The others agree.
        let other = world.connect(2);
        world.settle();
        assert!(
            world
                .ask(other, &format!("SET new {}", "w".repeat(60_000)))
                .starts_with("-OOM")
        );
        assert_eq!(world.ask(other, "GET small"), "1");
    }
}

#[test]
fn what_is_under_way_counts() {
    let mut world = World::with(Sequential, 3, |settings| settings.memory_bytes_max = MOST);
    let clients = [1, 2, 3].map(|id| world.connect(id));
    for (client, name) in clients.into_iter().zip(["a", "b", "c"]) {
        let lines: String = (0..600)
            .map(|key| format!("SETRANGE {name}{key} 99999 a\n"))
            .collect();
        world.send(client, &lines);
        world.deliver_client(client);
    }
    world.settle();
    let answers = clients.map(|client| world.replies(client));
    for answers in &answers {
        assert_eq!(answers.len(), 600);
        let done = answers.iter().filter(|answer| *answer == ":100000");
        let refused = answers.iter().filter(|answer| answer.starts_with("-OOM"));
        assert_eq!((done.count(), refused.count()), (10, 590), "{answers:?}");
    }
    // Each replica knows of its own only: as documented.
    assert!(data(&world, 1) <= 3 * MOST, "{}", data(&world, 1));
}

#[test]
fn growth_under_way_is_bounded_at_each_replica() {
    let mut world = World::with(Sequential, 3, |settings| {
        settings.memory_bytes_max = MOST;
        settings.pending_bytes_max = 250_000;
    });
    let client = world.connect(1);
    let lines: String = (0..5)
        .map(|key| format!("SETRANGE k{key} 99999 a\n"))
        .collect();
    world.send(client, &lines);
    world.deliver_client(client);
    world.settle();
    let answers = world.replies(client);
    assert_eq!(answers[..2], [":100000", ":100000"]);
    assert!(
        answers[2].starts_with("-OVERLOADED undelivered entries add 200"),
        "{answers:?}"
    );
}

#[test]
fn a_copy_of_what_is_under_way_counts_as_large_as_it_can_be() {
    let mut world = World::with(Sequential, 3, |settings| settings.memory_bytes_max = MOST);
    let client = world.connect(1);
    let mut lines = "SETRANGE a 99999 x\n".to_owned();
    (0..100).for_each(|key| lines += &format!("COPY a b{key}\n"));
    world.send(client, &lines);
    world.settle();
    let done = world
        .replies(client)
        .iter()
        .filter(|answer| *answer == ":1")
        .count();
    assert!((1..11).contains(&done), "{done}");
    assert!(data(&world, 1) <= MOST, "{}", data(&world, 1));
    // Alone it counts what it is.
    assert_eq!(world.run(client, "DEL b0\nSET tiny 1"), [":1", "+OK"]);
    assert_eq!(world.ask(client, "COPY tiny tiny2"), ":1");
}

#[test]
fn a_transaction_is_refused_as_a_whole() {
    let mut world = World::with(Linearizable, 3, |settings| settings.memory_bytes_max = MOST);
    let client = world.connect(1);
    let replies = world.run(
        client,
        "MULTI\nSETRANGE a 600000 x\nSETRANGE b 600000 x\nEXEC",
    );
    assert!(replies[3].starts_with("-OOM"), "{replies:?}");
    assert_eq!(world.ask(client, "GET a"), "nil");
    assert_eq!(world.ask(client, "SETRANGE a 600000 x"), ":600001");
    let replies = world.run(client, "MULTI\nSETRANGE b 600000 x\nDEL a\nEXEC");
    assert!(
        replies[1].starts_with("-OOM") && replies[3].starts_with("-EXECABORT"),
        "{replies:?}"
    );
}

#[test]
fn a_transaction_of_too_much_work_is_refused_before_it_is_stamped() {
    let mut world = World::with(Sequential, 1, |settings| {
        settings.limits.entry_bytes = 1 << 20;
    });
    let client = world.connect(1);
    assert_eq!(world.ask(client, "SETRANGE a 99999 x"), ":100000");
    let position = world.status(1, "position");
    let transaction =
        |command: &str, count| format!("MULTI\n{}EXEC", format!("{command}\n").repeat(count));
    for command in [
        "COPY a b REPLACE",
        "RENAME a a",
        "SETRANGE c 99999 x\nDEL c\nSETRANGE d 1 x",
    ] {
        let reply = world.run(client, &transaction(command, 300)).pop().unwrap();
        let text = "-ERR the transaction is too much work: ";
        assert!(reply.starts_with(text), "{command}: {reply}");
    }
    assert_eq!(world.status(1, "position"), position, "nothing was stamped");
    // Parts of one value are no work, nor are copies that are few.
    for (command, count) in [("SETRANGE e 99999 x", 5000), ("COPY a b REPLACE", 100)] {
        let reply = world
            .run(client, &transaction(command, count))
            .pop()
            .unwrap();
        assert!(reply.starts_with("[:"), "{command}: {}", &reply[..40]);
    }
}

#[test]
fn work_that_was_not_foreseen_ends_the_same_everywhere() {
    let mut world = World::with(Sequential, 3, |settings| {
        settings.limits.entry_bytes = 1 << 16;
    });
    let clients = [1, 2].map(|id| world.connect(id));
    assert_eq!(world.ask(clients[0], "SET a 1"), "+OK");
    // When replica 2 stamps the copies, it does not know yet how long `a` is about to be.
    world.send(clients[0], "SETRANGE a 99999 x");
    world.deliver_client(clients[0]);
    let copies: String = (0..30).map(|key| format!("COPY a b{key}\n")).collect();
    world.send(clients[1], &format!("MULTI\n{copies}EXEC"));
    world.settle();
    let reply = world.replies(clients[1]).pop().unwrap();
    let done = reply.matches(":1").count();
    assert_eq!(
        (done, reply.matches("too much work").count()),
        (10, 20),
        "{reply}"
    );
    let stores = [1, 2, 3].map(|id| world.inspect(id, "STORE"));
    assert!(stores.iter().all(|store| *store == stores[0]));
    assert_eq!(world.status(1, "diverged"), "no");
}

#[test]
fn old_values_are_left_out_of_a_reply_that_gets_too_large() {
    let mut world = World::with(Sequential, 3, |settings| {
        settings.output_bytes_max = 500_000;
    });
    let client = world.connect(1);
    world.run(client, "SETRANGE a 99999 x");
    let reply = world.run(
        client,
        &format!("MULTI\n{}GETDEL a\nEXEC", "SET a v NX GET\n".repeat(20)),
    );
    let reply = reply.last().unwrap();
    let left_out = reply.matches("-UNCERTAIN it was executed").count();
    assert!((14..=17).contains(&left_out), "{left_out}");
    assert!(reply.len() < 700_000);
    assert_eq!(world.ask(client, "GET a"), "nil", "it was executed");
}

#[test]
fn a_transaction_that_watches_too_much_is_refused_before_it_is_built() {
    let mut world = World::with(Sequential, 1, |settings| {
        settings.limits.entry_bytes = 100_000;
    });
    let client = world.connect(1);
    let keys = |from: usize| -> String {
        let key = |number| format!(" {}{number}", "k".repeat(900));
        (from..from + 30).map(key).collect()
    };
    let text = "-ERR command or transaction is larger than 100000 bytes";
    let watches: Vec<String> = (0..4)
        .map(|part| world.ask(client, &format!("WATCH{}", keys(30 * part))))
        .collect();
    assert_eq!(watches, ["+OK", "+OK", "+OK", text]);
    let replies = world.run(client, "MULTI\nSET x 1\nEXEC");
    assert!(
        replies[2].starts_with("-EXECABORT"),
        "a WATCH failed: {replies:?}"
    );
    world.run(
        client,
        &format!("WATCH{}\nWATCH{}\nWATCH{}", keys(0), keys(30), keys(60)),
    );
    let replies = world.run(
        client,
        &format!("MULTI\nSET x {}\nEXEC", "v".repeat(20_000)),
    );
    assert_eq!(replies[2], text);
    assert_eq!(world.status(1, "position"), "0", "nothing was stamped");
}
