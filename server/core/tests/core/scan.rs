//! SCAN while other clients write: a key that is there from the first call to the last is returned.

use crate::random::{Random, seeds};
use crate::world::World;
use holdback::consistency::Consistency::{self, Eventual, Linearizable, Sequential};
use holdback::store::HashSecret;
use std::collections::BTreeSet;

/// The next cursor, and the keys.
fn page(reply: &str) -> (String, Vec<String>) {
    let inside = reply
        .strip_prefix('[')
        .and_then(|reply| reply.strip_suffix("]]"));
    let (cursor, keys) = inside.and_then(|inside| inside.split_once(" [")).unwrap();
    let keys = keys.split_whitespace().map(str::to_owned);
    (cursor.to_owned(), keys.collect())
}

/// Deletes and adds keys, more of the latter, and now and then many at once.
fn disturb(world: &mut World, random: &mut Random, stay: &mut BTreeSet<String>) {
    let writer = world.connect(1);
    for _ in 0..random.index(6) {
        let key = format!("key{}", random.index(60));
        if random.one_in(3) {
            world.ask(writer, &format!("DEL {key}"));
            stay.remove(&key);
        } else {
            world.ask(writer, &format!("SET {key} 1"));
        }
    }
    if random.one_in(8) {
        let many = (0..200).map(|_| format!(" new{} 1", random.index(5_000)));
        world.ask(writer, &format!("MSET{}", many.collect::<String>()));
    }
    world.hang_up(writer);
}

/// How many of the first keys went meanwhile, and how many keys there are in the end.
fn scan_while_keys_come_and_go(model: Consistency, seed: u64) -> (usize, usize) {
    let mut world = World::with(model, 1, |settings| {
        settings.seed = seed;
        settings.hash_secret = HashSecret::known(seed);
    });
    let mut random = Random::new(seed, 0);
    let client = world.connect(1);
    let mut stay = BTreeSet::new();
    for number in 0..40 {
        let key = format!("key{number}");
        world.ask(client, &format!("SET {key} 1"));
        stay.insert(key);
    }
    let (mut met, mut cursor) = (BTreeSet::new(), "0".to_owned());
    loop {
        let count = 1 + random.index(5);
        let reply = world.ask(
            client,
            &format!("SCAN {cursor} COUNT {count} MATCH key* TYPE string"),
        );
        let (next, keys) = page(&reply);
        met.extend(keys);
        if next == "0" {
            break;
        }
        cursor = next;
        disturb(&mut world, &mut random, &mut stay);
    }
    let missed: Vec<_> = stay.difference(&met).collect();
    assert!(missed.is_empty(), "{model}, seed {seed}: {missed:?}");
    assert!(met.iter().all(|key| key.starts_with("key")));
    let size = world.ask(client, "DBSIZE");
    (40 - stay.len(), size[1..].parse().unwrap())
}

#[test]
fn what_stays_is_returned_while_keys_come_and_go_and_the_table_grows() {
    for model in [Sequential, Linearizable, Eventual] {
        let runs = seeds(40).map(|seed| scan_while_keys_come_and_go(model, seed));
        let (gone, sizes): (Vec<usize>, Vec<usize>) = runs.unzip();
        assert!(gone.into_iter().max() > Some(5), "keys went");
        assert!(sizes.into_iter().max() > Some(500), "the table grew");
    }
}

/// The keys in the order in which SCAN names them, and which one RANDOMKEY names.
fn walked(model: Consistency, secret: u64) -> Vec<String> {
    let mut world = World::with(model, 1, |settings| {
        settings.hash_secret = HashSecret::known(secret);
    });
    let client = world.connect(1);
    for number in 0..300 {
        world.ask(client, &format!("SET key{number} 1"));
    }
    world.ask(client, "DEL key7 key250 key12");
    let asked = [
        "SCAN 0 COUNT 100",
        "SCAN 0 COUNT 1000",
        "RANDOMKEY",
        "KEYS *",
    ];
    asked.map(|line| world.ask(client, line)).into()
}

#[test]
fn the_hash_secret_shows_in_nothing() {
    for model in [Sequential, Linearizable, Eventual] {
        assert_eq!(walked(model, 1), walked(model, 2), "{model}");
    }
    let mut world = World::with(Sequential, 1, |settings| {
        settings.hash_secret = HashSecret::new([987_654_321_012_345, 987_654_321_012_346]);
    });
    let client = world.connect(1);
    for line in ["CONFIG GET *", "INFO everything", "STATUS"] {
        let shown = world.ask(client, line);
        assert!(
            !shown.contains("98765432") && !shown.contains("secret"),
            "{shown}"
        );
    }
    let shown = format!("{:?}", world.replica(1));
    assert!(!shown.contains("98765432"), "not even where all is printed");
}
