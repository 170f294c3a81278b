//! The eventual model: writes at once, everywhere in the end.

use crate::random::{Random, seeds};
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::Eventual;
use std::collections::BTreeMap;
use std::time::Duration;

const A_WHILE: Duration = Duration::from_secs(5);

/// All replicas hold the same; what that is.
fn converged(world: &mut World, what: &str) -> String {
    let count = u16::try_from(world.nodes.len()).expect("small");
    let (store, digest) = (world.inspect(1, "STORE"), world.inspect(1, "DIGEST"));
    for id in 2..=count {
        assert_eq!(world.inspect(id, "STORE"), store, "{what}: replica {id}");
        assert_eq!(world.inspect(id, "DIGEST"), digest, "{what}: replica {id}");
    }
    let alarmed = world.told("data differs");
    assert!(!alarmed, "{what}: {:?}", world.log);
    store
}

/// What all must hold in the end: of all versions of a key that any replica has applied, the one with the
/// largest stamp.
fn expected(world: &World) -> String {
    let mut last = BTreeMap::new();
    for node in &world.nodes {
        let Some(replica) = node.host.replica() else {
            continue;
        };
        let applied = replica.order().from(1, usize::MAX).expect("all are kept");
        for (_, delivered) in applied {
            let commands: Vec<_> = delivered.entry.body.read().commands().collect();
            let text = |word: &&[u8]| String::from_utf8_lossy(word).into_owned();
            let word = |at: usize| commands[0].get(at).map(text);
            let version = (delivered.entry.stamp, word(2));
            let held = last.entry(word(1)).or_insert_with(|| version.clone());
            *held = version.max(held.clone());
        }
    }
    let live = last
        .into_iter()
        .filter_map(|(key, (_, value))| Some(format!("{} {}", key?, value?)));
    format!("[{}]", live.collect::<Vec<_>>().join(" "))
}

/// When all is mended, all hold what they must, and no deletion is remembered.
fn come_to_rest(world: &mut World, what: &str, expected: impl Fn(&World) -> String) {
    world.network.release_all();
    world.pass(Duration::from_secs(20));
    let expected = expected(world);
    assert_eq!(converged(world, what), expected, "{what}");
    for id in 1..=world.nodes.len() as u16 {
        assert_eq!(world.status(id, "tombstones"), "0", "{what}, replica {id}");
    }
}

#[test]
fn writes_are_answered_at_once_and_reach_everyone() {
    let mut world = World::new(Eventual, 3);
    let client = world.connect(2);
    world.part(2, 1);
    world.part(2, 3);
    assert_eq!(
        world.run(client, "SET x 1\nGET x\nDEL x nothing\nGET x\nMSET a 1 b 2"),
        ["+OK", "1", ":1", "nil", "+OK"]
    );
    assert_eq!(world.inspect(1, "STORE"), "[]");
    world.join(2, 1);
    world.join(2, 3);
    world.settle();
    assert_eq!(converged(&mut world, "live updates"), "[a 1 b 2]");
}

#[test]
fn concurrent_writes_deletes_and_overwrites_converge_after_a_cut() {
    let mut world = World::new(Eventual, 3);
    let clients = [1, 2, 3].map(|id| world.connect(id));
    world.run(clients[0], "MSET a 0 b 0 c 0 d 0 e 0");
    world.part(1, 2);
    world.part(1, 3);
    world.pass(Duration::from_secs(6));
    world.run(
        clients[0],
        "SET a left\nDEL b\nSET c left\nDEL d\nSET new1 1",
    );
    world.pass(Duration::from_millis(10));
    world.run(clients[1], "DEL a\nSET b right\nSET c right\nSET e right");
    world.pass(Duration::from_millis(10));
    world.run(clients[2], "DEL e\nSET new2 1");
    world.join(1, 2);
    world.join(1, 3);
    world.pass(A_WHILE);
    assert_eq!(
        converged(&mut world, "after the cut"),
        "[b right c right new1 1 new2 1]"
    );
    assert_eq!(expected(&world), "[b right c right new1 1 new2 1]");
    world.pass(A_WHILE);
    // And deletions are forgotten in the end.
    assert_eq!(world.status(1, "tombstones"), "0");
}

#[test]
fn of_two_writes_with_one_time_the_larger_replica_wins() {
    let mut world = World::new(Eventual, 3);
    world.part(1, 2);
    let (a, b) = (world.connect(1), world.connect(2));
    world.run(a, "SET x from1");
    world.run(b, "SET x from2");
    world.join(1, 2);
    world.settle();
    assert_eq!(converged(&mut world, "a tie"), "[x from2]");
}

#[test]
fn a_later_write_wins_over_what_its_writer_had_seen() {
    // Replica 1's clock is an hour ahead; replica 2 overwrites what it has seen of it.
    let mut world = World::new(Eventual, 2);
    world.set_skew(1, Duration::from_secs(3600));
    let (a, b) = (world.connect(1), world.connect(2));
    world.run(a, "SET x ahead");
    assert_eq!(
        world.run(b, "GET x\nSET x behind\nGET x"),
        ["ahead", "+OK", "behind"]
    );
    assert_eq!(converged(&mut world, "skewed clocks"), "[x behind]");
}

fn write_at_random(world: &mut World, client: ClientId, random: &mut Random) {
    let key = random.index(12);
    let value = random.below(1000);
    let line = match random.index(12) {
        0..=5 => format!("SET k{key} {value}"),
        6..=7 => format!("MSET k{key} {value} k{} {value}", (key + 1) % 12),
        8 => format!("DEL k{key} k{} k{}", (key + 3) % 12, (key + 5) % 12),
        9..=10 => format!("DEL k{key}"),
        _ => "FLUSHALL".to_owned(),
    };
    world.send(client, &line);
}

#[test]
fn whatever_happens_to_the_links_all_converge_to_the_largest_stamps() {
    for seed in seeds(150) {
        let mut random = Random::new(seed, 0);
        let count = 2 + u16::try_from(random.index(3)).expect("small");
        let mut world = World::with(Eventual, count, |settings| {
            settings.link_bytes_max =
                [200, 2000, 1 << 20][usize::try_from(seed % 3).expect("small")];
        });
        let window = if random.one_in(2) { 1000 } else { 1 << 20 };
        world.network.set_window(window);
        world.long_turns = random.one_in(2);
        let ids: Vec<u16> = (1..=count).collect();
        let clients: Vec<ClientId> = ids.iter().map(|id| world.connect(*id)).collect();
        for _ in 0..600 {
            let (a, b) = (random.pick(&ids), random.pick(&ids));
            match random.index(60) {
                0 => world.break_between(a, b),
                1 => world.lose(a, b),
                2 => world.part(a, b),
                3 => world.hold(a, b),
                4..=6 => world.join(a, b),
                7..=9 => world.now += Duration::from_millis(random.below(400)),
                10..=20 => write_at_random(&mut world, random.pick(&clients), &mut random),
                _ => _ = world.move_at_random(&mut random),
            }
        }
        come_to_rest(&mut world, &format!("seed {seed}"), expected);
    }
}

#[test]
fn a_replica_that_restarts_empty_gets_everything_back_and_its_new_writes_spread() {
    for restarted in [1, 2, 3] {
        let mut world = World::new(Eventual, 3);
        let clients = [1, 2, 3].map(|id| world.connect(id));
        world.set_skew(restarted, Duration::from_secs(100));
        world.run(
            clients[usize::from(restarted) - 1],
            "SET mine 1\nSET x 1\nDEL gone",
        );
        world.run(
            clients[usize::from(restarted % 3)],
            "SET other 1\nSET gone 1\nDEL gone",
        );
        world.crash(restarted);
        world.pass(Duration::from_millis(100));
        // Its clock is set back, so its next stamps are below those that its old incarnation gave.
        world.set_skew(restarted, Duration::ZERO);
        world.start(restarted);
        let client = world.connect(restarted);
        assert_eq!(world.ask(client, "SET fresh 1"), "+OK");
        world.pass(A_WHILE);
        let what = format!("{restarted} restarted");
        let store = converged(&mut world, &what);
        assert_eq!(store, "[fresh 1 mine 1 other 1 x 1]");
        // It has merged the times.
        assert_eq!(world.run(client, "SET x 2\nGET x"), ["+OK", "2"]);
        world.pass(A_WHILE);
        let store = converged(&mut world, &what);
        assert_eq!(store, "[fresh 1 mine 1 other 1 x 2]");
    }
}

#[test]
fn restarts_and_deletions_never_bring_back_what_was_deleted() {
    for seed in seeds(60) {
        let mut random = Random::new(seed, 0);
        let mut world = World::new(Eventual, 3);
        let ids = [1, 2, 3];
        let writer = world.connect(1);
        world.run(writer, "MSET k1 1 k2 1 k3 1");
        world.pass(A_WHILE);
        world.run(writer, "DEL k1 k2 k3");
        for _ in 0..300 {
            let (a, b) = (random.pick(&[2, 3]), random.pick(&ids));
            match random.index(40) {
                0 if random.one_in(3) => {
                    world.crash(a);
                    world.start(a);
                }
                1 => world.part(a, b),
                2..=3 => world.join(a, b),
                4 => world.break_between(a, b),
                5..=8 => world.now += Duration::from_millis(random.below(300)),
                _ => _ = world.move_at_random(&mut random),
            }
        }
        come_to_rest(&mut world, &format!("seed {seed}"), |_| "[]".to_owned());
    }
}

#[test]
fn a_round_broken_after_any_piece_is_made_up_for() {
    let lines: Vec<String> = (0..700).map(|n| format!("SET key{n} value{n}")).collect();
    let total = 700 * 70;
    for bytes in (0..total).step_by(1999) {
        let mut world = World::unstarted(Eventual, 3, |settings| settings.link_bytes_max = 4000);
        world.network.set_window(1000);
        world.start(1);
        let client = world.connect(1);
        assert_eq!(world.run(client, &lines.join("\n")).len(), 700);
        world.start(2);
        world.pass(A_WHILE);
        // Replica 3 gets a part of a round from replica 1, then has only replica 2.
        world.part(2, 3);
        world.start(3);
        world.settle_until_sent(1, 3, bytes);
        world.break_between(1, 3);
        world.part(1, 3);
        world.join(2, 3);
        world.pass(A_WHILE);
        let held = world.inspect(3, "DBSIZE");
        assert_eq!(held, ":700", "broken after {bytes} bytes");
        converged(&mut world, &format!("broken after {bytes} bytes"));
    }
}

#[test]
fn updates_are_not_queued_for_a_link_that_is_full() {
    let mut world = World::with(Eventual, 2, |settings| settings.link_bytes_max = 1000);
    world.network.set_window(100);
    world.hold(1, 2);
    let client = world.connect(1);
    for turn in 0..500 {
        world.run(client, &format!("SET k{} {turn}", turn % 50));
    }
    let driver = world.nodes[0].host.driver().expect("it runs");
    let queued = world.in_flight(1, 2) + driver.links_unsent().sum::<usize>();
    assert!(queued < 1500, "{queued} bytes are queued");
    world.release(1, 2);
    world.pass(A_WHILE);
    assert_eq!(world.inspect(2, "DBSIZE"), ":50");
    converged(&mut world, "after the link was full");
}

#[test]
fn deleting_what_is_not_there_writes_nothing() {
    let mut world = World::new(Eventual, 2);
    world.part(1, 2);
    let client = world.connect(1);
    assert_eq!(
        world.run(client, "DEL a b\nFLUSHALL\nSET x 1\nDEL x x\nDEL x"),
        [":0", "+OK", "+OK", ":1", ":0"]
    );
    assert_eq!(world.status(1, "tombstones"), "1");
    // Only what changed something counts.
    assert_eq!(world.status(1, "position"), "2");
    world.run(client, "MSET a 1 b 2\nFLUSHALL");
    // One for each key held here.
    assert_eq!(world.status(1, "tombstones"), "3");
}

#[test]
fn order_lists_what_was_applied_here_and_digest_counts_keys() {
    let mut world = World::new(Eventual, 2);
    let (a, b) = (world.connect(1), world.connect(2));
    world.run(a, "SET x 1");
    world.run(b, "SET y 1\nDEL x");
    let times = "1000000000000";
    assert_eq!(
        world.inspect(1, "ORDER"),
        format!("[1 {times}.1 SET x 1 2 1000000000001.2 SET y 1 3 1000000000002.2 DEL x]")
    );
    assert!(world.inspect(1, "DIGEST").starts_with("[:1 "));
}
