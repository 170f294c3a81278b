//! What clients' connections take in memory: counted, bounded for all together, and given back.

use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{Eventual, Sequential};
use holdback::settings::Settings;
use std::time::Duration;

/// Bytes that all clients together may take here.
const BUDGET: usize = 1 << 20;

/// So many replicas, whose clients may take little.
fn poor(replicas: u16) -> World {
    World::with(Sequential, replicas, |settings| {
        settings.clients_memory_max = BUDGET;
    })
}

/// A client of replica 1 that has sent all of a SET but the end of a value of so many bytes.
fn hoarder(world: &mut World, bytes: usize) -> ClientId {
    let client = world.connect(1);
    hoard(world, client, bytes);
    client
}

fn hoard(world: &mut World, client: ClientId, bytes: usize) {
    let header = format!("*3\r\n$3\r\nSET\r\n$1\r\nx\r\n${bytes}\r\n");
    world.send_bytes(client, header.as_bytes());
    world.send_bytes(client, &vec![b'v'; bytes - 1]);
    world.settle();
}

fn figure(world: &mut World, name: &str) -> usize {
    world.status(1, name).parse().expect("a number")
}

fn closings(world: &World) -> usize {
    let lines = world.log.iter();
    lines.filter(|line| line.contains(" is closed: ")).count()
}

#[test]
fn the_client_that_takes_the_most_is_closed_first_and_told_why() {
    let mut world = poor(1);
    let polite = world.connect(1);
    assert_eq!(world.ask(polite, "SET a 1"), "+OK");
    let small = hoarder(&mut world, 300_000);
    let large = hoarder(&mut world, 500_000);
    assert!(!world.is_closed(large), "it is not too much yet");
    let taken = figure(&mut world, "memory_clients");
    assert!((800_000..BUDGET).contains(&taken), "{taken}");
    let last = hoarder(&mut world, 400_000);
    let closed = [polite, small, large, last].map(|client| world.is_closed(client));
    assert_eq!(closed, [false, false, true, false]);
    let told = world.replies(large);
    assert_eq!(told.len(), 1);
    assert!(told[0].starts_with("-OVERLOADED the connection is closed: "));
    assert_eq!(closings(&world), 1, "{:?}", world.log);
    assert_eq!(world.ask(polite, "GET a"), "1");
    assert!(figure(&mut world, "memory_clients") < BUDGET);
    assert!(
        world
            .inspect(1, "INFO stats")
            .contains("evicted_clients:1\r\n")
    );
}

#[test]
fn of_those_that_take_the_same_the_first_is_closed() {
    let mut world = poor(1);
    let clients = [(); 3].map(|()| hoarder(&mut world, 400_000));
    let closed = clients.map(|client| world.is_closed(client));
    assert_eq!(closed, [true, false, false]);
}

#[test]
fn the_log_does_not_tell_of_each_of_many() {
    let mut world = poor(1);
    let clients: Vec<_> = (0..20).map(|_| hoarder(&mut world, 400_000)).collect();
    let closed = clients.iter().filter(|client| world.is_closed(**client));
    assert_eq!(closed.count(), 18);
    assert_eq!(closings(&world), 1);
    world.pass(Duration::from_secs(1));
    hoarder(&mut world, 400_000);
    assert!(
        world
            .log
            .last()
            .unwrap()
            .ends_with("(17 more of the kind before)")
    );
}

#[test]
fn a_write_that_is_under_way_is_not_said_to_be_refused() {
    let mut world = poor(3);
    world.part(1, 3);
    let client = world.connect(1);
    world.run(client, "SET x 1\nGET x");
    hoard(&mut world, client, BUDGET + 1);
    let codes = world.replies(client);
    let codes: Vec<_> = codes.iter().map(|reply| &reply[..9]).collect();
    assert_eq!(codes, ["-UNCERTAI", "-TIMEOUT ", "-OVERLOAD"]);
    assert!(world.is_closed(client));
    world.join(1, 3);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.inspect(2, "GET x"), "1", "it did happen");
}

#[test]
fn unread_replies_count_and_nothing_is_said_behind_them() {
    let mut world = World::with(Sequential, 1, |settings| {
        settings.clients_memory_max = BUDGET;
        settings.unread_bytes_max = 4 * BUDGET;
    });
    let client = world.connect(1);
    assert_eq!(
        world.ask(client, &format!("SET x {}", "v".repeat(10_000))),
        "+OK"
    );
    world.send(client, &vec!["GET x"; 300].join("\n"));
    world.network.set_window(100);
    world.deliver_client(client);
    world.network.set_window(usize::MAX);
    world.settle();
    assert!(world.is_closed(client));
    assert_eq!(closings(&world), 1);
}

#[test]
fn what_a_link_takes_is_no_clients_and_closes_nobody() {
    let mut world = poor(2);
    let client = world.connect(1);
    for _ in 0..40 {
        world.send(client, &format!("SET x {}", "v".repeat(60_000)));
    }
    world.network.set_window(1000);
    world.deliver_client(client);
    (0..80).for_each(|_| world.turn(1));
    let links = figure(&mut world, "memory_peers");
    assert!(links > 2 * BUDGET, "{links}");
    assert_eq!(closings(&world), 0, "{:?}", world.log);
    world.network.set_window(usize::MAX);
    world.pass(Duration::from_secs(5));
    assert_eq!(world.replies(client), ["+OK"; 40]);
    let links = figure(&mut world, "memory_peers");
    assert!(links < 64 << 10, "{links}");
}

#[test]
fn a_monitor_is_closed_before_more_is_kept_for_it_than_may_wait() {
    let mut world = World::with(Sequential, 1, |settings| settings.output_bytes_max = 50_000);
    let (monitor, client) = (world.connect(1), world.connect(1));
    assert_eq!(world.ask(monitor, "MONITOR"), "+OK");
    assert_eq!(
        world.ask(client, &format!("SET x {}", "v".repeat(40_000))),
        "+OK"
    );
    assert_eq!(world.replies(monitor).len(), 1);
    assert_eq!(
        world.ask(client, &format!("SET x {}", "v".repeat(60_000))),
        "+OK"
    );
    assert!(world.is_closed(monitor) && world.replies(monitor).is_empty());
    assert_eq!(closings(&world), 1, "{:?}", world.log);
}

#[test]
fn transactions_and_watched_keys_count_until_they_end() {
    let mut world = World::new(Sequential, 1);
    let client = world.connect(1);
    let taken = |world: &mut World| figure(world, "memory_clients");
    let before = taken(&mut world);
    let keys: String = (0..1000).map(|key| format!(" key-{key:06}")).collect();
    world.run(client, &format!("WATCH{keys}"));
    let watched = taken(&mut world);
    assert!(watched > before + 70_000, "{before}, {watched}");
    let info = world.inspect(1, "INFO clients");
    assert!(info.contains("watching_clients:1\r\ntotal_watched_keys:1000\r\n"));
    let set = format!("SET x {}\n", "v".repeat(10_000));
    world.run(client, &format!("MULTI\n{}", set.repeat(20)));
    let gathered = taken(&mut world);
    assert!(gathered > watched + 200_000, "{watched}, {gathered}");
    world.run(client, "EXEC");
    world.pass(Duration::from_secs(2));
    assert!(taken(&mut world) < before + 64_000);
}

#[test]
fn watched_keys_have_a_bound() {
    let mut world = World::with(Sequential, 1, |settings| settings.watches_max = 3);
    let client = world.connect(1);
    assert_eq!(world.ask(client, "WATCH a b"), "+OK");
    assert_eq!(
        world.ask(client, "WATCH b c"),
        "+OK",
        "b is watched already"
    );
    let refused = "-ERR a connection can watch 3 keys at the most";
    assert_eq!(world.ask(client, "WATCH d"), refused);
    let answers = world.run(client, "MULTI\nSET x 1\nEXEC");
    assert!(answers[2].starts_with("-EXECABORT"), "it relied on d");
    assert_eq!(world.ask(client, "WATCH a b c d"), refused);
    assert_eq!(world.ask(client, "CONFIG SET max-watches 4"), "+OK");
    assert_eq!(world.ask(client, "WATCH a b c d"), "+OK");
}

/// An array of so many empty words.
fn empty_words(count: usize) -> String {
    format!("*{count}\r\n{}", "$0\r\n\r\n".repeat(count))
}

#[test]
fn an_idle_client_gives_back_what_it_does_not_use() {
    let line = format!("SET x {}\nGET x\n", "v".repeat(60_000));
    let value = "v".repeat(100_000);
    let large = format!("*3\r\n$3\r\nSET\r\n$1\r\nx\r\n$100000\r\n{value}\r\nGET x\n");
    let pipeline = format!("SET x 1\n{}", "GET x\n".repeat(5000));
    for (what, bytes, least) in [
        ("words", empty_words(30_000), 200_000),
        ("a line", line, 60_000),
        ("a value", large, 100_000),
        ("a pipeline", pipeline, 100_000),
    ] {
        let mut world = World::new(Sequential, 2);
        world.part(1, 2);
        let client = world.connect(1);
        world.send_bytes(client, bytes.as_bytes());
        world.settle();
        let taken = figure(&mut world, "memory_clients");
        assert!(taken >= least, "{what}: {taken}");
        world.join(1, 2);
        world.pass(Duration::from_secs(5));
        let kept = figure(&mut world, "memory_clients");
        assert!(kept <= 16 << 10, "{what}: {kept} of {taken} are kept");
        assert!(!world.is_closed(client), "{what}");
    }
}

#[test]
fn what_is_large_is_given_back_at_once() {
    let mut world = World::new(Sequential, 1);
    let client = world.connect(1);
    world.send_bytes(client, empty_words(1_000_000).as_bytes());
    world.settle();
    let kept = figure(&mut world, "memory_clients");
    assert!(kept < 300_000, "{kept}");
}

#[test]
fn a_lower_budget_holds_at_once() {
    let mut world = World::new(Sequential, 1);
    let client = hoarder(&mut world, 3 * BUDGET);
    let refused = world.inspect(1, "CONFIG SET max-clients-memory 0");
    assert!(refused.ends_with("argument must be a size, and 1048576 bytes at the least"));
    assert!(!world.is_closed(client));
    assert_eq!(world.inspect(1, "CONFIG SET maxmemory-clients 1mb"), "+OK");
    world.settle();
    assert!(world.is_closed(client));
    let shown = world.inspect(1, "CONFIG GET max-clients-memory");
    assert_eq!(shown, "[max-clients-memory 1048576]");
}

#[test]
fn memory_is_told_by_what_it_is_for() {
    for model in [Sequential, Eventual] {
        let mut world = World::new(model, 2);
        let client = world.connect(1);
        world.run(client, &format!("SET x {}", "v".repeat(50_000)));
        let names = ["data", "queue", "log", "clients", "peers"];
        let parts = names.map(|name| figure(&mut world, &format!("memory_{name}")));
        assert!(parts[0] > 50_000 && parts[2] > 50_000, "{parts:?}");
        let sum = figure(&mut world, "memory");
        assert!(
            sum.abs_diff(parts.iter().sum()) < 1000,
            "{sum} of {parts:?}"
        );
        assert_eq!(figure(&mut world, "memory_rss"), 0, "a simulation has none");
    }
}

#[test]
fn what_peers_sent_counts_while_it_is_held_back() {
    let mut world = World::new(Sequential, 3);
    world.hold(3, 1);
    let client = world.connect(2);
    world.run(client, &format!("SET x {}", "v".repeat(50_000)));
    let held = figure(&mut world, "memory_queue");
    assert!(held > 50_000, "{held}");
    world.release(3, 1);
    world.settle();
    assert!(figure(&mut world, "memory_queue") < 1000);
}

#[test]
fn clients_are_bounded_by_what_there_can_be() {
    let change = |settings: &mut Settings| settings.clients_possible = 20;
    let mut world = World::with(Sequential, 1, change);
    for name in ["max-clients", "maxclients"] {
        let mut set = |value: &str| world.inspect(1, &format!("CONFIG SET {name} {value}"));
        assert!(set("0").ends_with("argument must be a number, not negative and not 0"));
        assert!(set("21").ends_with(
            "argument must be 20 at the most: the limit of open files has room for no more"
        ));
        assert_eq!(set("20"), "+OK");
    }
    assert_eq!(
        world.inspect(1, "CONFIG GET max-clients"),
        "[max-clients 20]"
    );
}
