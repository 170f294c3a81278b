//! `--timeout`: clients that neither send anything nor wait for anything.

use crate::world::{ClientId, World};
use holdback::consistency::Consistency::Sequential;
use std::time::Duration;

const TIMEOUT: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn with_timeout(replicas: u16) -> World {
    World::with(Sequential, replicas, |settings| {
        settings.idle_timeout = TIMEOUT;
    })
}

#[test]
fn an_idle_client_is_closed_without_a_word_and_a_busy_one_is_not() {
    let mut world = with_timeout(1);
    let (idle, busy) = (world.connect(1), world.connect(1));
    assert_eq!(world.ask(idle, "PING"), "+PONG");
    for _ in 0..4 {
        world.pass(TIMEOUT - SECOND);
        assert_eq!(world.ask(busy, "PING"), "+PONG");
    }
    assert!(world.is_closed(idle) && !world.is_closed(busy));
    assert!(world.replies(idle).is_empty());
    world.pass(TIMEOUT - SECOND);
    assert!(!world.is_closed(busy));
    world.pass(SECOND);
    assert!(world.is_closed(busy), "its time is up to the second");
}

#[test]
fn half_a_request_keeps_nobody() {
    let mut world = with_timeout(1);
    let client = world.connect(1);
    world.send_bytes(client, b"*2\r\n$3\r\nGET\r\n$5\r\nab");
    world.pass(TIMEOUT - SECOND);
    world.send_bytes(client, b"c");
    world.pass(TIMEOUT - SECOND);
    assert!(!world.is_closed(client), "each byte counts");
    world.pass(SECOND);
    assert!(world.is_closed(client));
}

#[test]
fn whoever_waits_is_not_idle_and_links_never_are() {
    let mut world = World::with(Sequential, 2, |settings| {
        settings.idle_timeout = TIMEOUT;
        settings.request_timeout = 3 * TIMEOUT;
    });
    let (monitor, waiting) = (world.connect(1), world.connect(1));
    world.run(monitor, "MONITOR");
    world.run(waiting, "AWAIT 1");
    world.pass(2 * TIMEOUT);
    assert_eq!(world.inspect(1, "SET x 1"), "");
    world.settle();
    assert_eq!(world.replies(waiting), [":1"]);
    world.pass(TIMEOUT - SECOND);
    assert!(!world.is_closed(waiting), "it has waited until then");
    world.pass(2 * SECOND);
    assert!(world.is_closed(waiting) && !world.is_closed(monitor));
    let downs = world.log.iter().filter(|line| line.contains("down"));
    assert_eq!(downs.count(), 0, "{:?}", world.log);
}

#[test]
fn the_timeout_can_be_changed_and_holds_for_those_who_are_there() {
    let mut world = World::new(Sequential, 1);
    let client = world.connect(1);
    world.pass(10 * TIMEOUT);
    assert!(!world.is_closed(client), "as a rule there is none");
    assert_eq!(world.inspect(1, "CONFIG GET timeout"), "[timeout 0]");
    assert!(
        world
            .inspect(1, "CONFIG SET timeout -1")
            .contains("seconds, or 0")
    );
    world.ask(client, "PING");
    world.inspect(1, "CONFIG SET timeout 60");
    assert_eq!(world.inspect(1, "CONFIG GET timeout"), "[timeout 60]");
    world.pass(TIMEOUT - SECOND);
    assert!(!world.is_closed(client));
    world.inspect(1, "CONFIG SET timeout 0");
    world.pass(10 * TIMEOUT);
    assert!(!world.is_closed(client));
    world.inspect(1, "CONFIG SET timeout 60");
    world.settle();
    assert!(world.is_closed(client), "it has been idle for so long");
}

#[test]
fn many_that_are_idle_at_once_are_closed_in_several_turns() {
    let mut world = with_timeout(1);
    let clients: Vec<ClientId> = (0..300).map(|_| world.connect(1)).collect();
    world.now += TIMEOUT;
    let closed = |world: &mut World| {
        world.turn(1);
        for client in &clients {
            world.deliver_replies(*client, usize::MAX);
        }
        clients
            .iter()
            .filter(|client| world.is_closed(**client))
            .count()
    };
    assert_eq!([(); 3].map(|()| closed(&mut world)), [128, 256, 300]);
}
