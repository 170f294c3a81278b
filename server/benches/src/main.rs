//! The hot paths, each in a loop of its own, for `scripts/instructions.sh` to count instructions under callgrind.
//!
//! For each path the program prints its name and how many operations it made, and makes them within [`measure`], which
//! is what callgrind collects. Everything is the same in every run: keys and values come from a fixed generator. With
//! an argument, it measures the paths only whose names contain it, so that one can be profiled.

mod cluster;

use cluster::Cluster;
use holdback::consistency::Consistency;
use holdback::multicast::{
    Ack, Entry, EntryBody, HoldbackQueue, Multicast, ReplicaId, Stamp, View,
};
use holdback::protocol::arguments::{Arguments, push_bulk};
use holdback::protocol::frame::{Decoder, FrameLimits};
use holdback::store::{Keyspace, Store};
use std::hint::black_box;
use std::time::Duration;

/// Keys that the loads use.
const KEYS: u64 = 1000;
/// Bytes of a value, as in redis-benchmark's usual load.
const VALUE: [u8; 64] = [b'x'; 64];

fn main() {
    decoder();
    queue(10);
    queue(10_000);
    multicast();
    store();
    for (model, name) in [
        (Consistency::Sequential, "sequential"),
        (Consistency::Linearizable, "linearizable"),
        (Consistency::Eventual, "eventual"),
    ] {
        for replicas in [1, 3] {
            for pipeline in [1, 16, 128] {
                // What a turn with many commands costs, in which frames hardly count: that differs only between replicas.
                if replicas > 1 || pipeline <= 16 {
                    commands(model, name, replicas, pipeline);
                }
            }
        }
    }
}

/// What callgrind collects: `work`, which makes so many operations.
fn measure(name: &str, operations: u64, work: &mut dyn FnMut()) {
    if std::env::args()
        .nth(1)
        .is_none_or(|part| name.contains(&part))
    {
        println!("{name}\t{operations}");
        collected(work);
    } else {
        work();
    }
}

/// Callgrind is told to collect in this function, by name.
#[inline(never)]
fn collected(work: &mut dyn FnMut()) {
    work();
}

/// A number that looks random, the same for the same place.
fn mixed(place: u64) -> u64 {
    let mixed = (place + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    (mixed ^ (mixed >> 31)).wrapping_mul(0xbf58_476d_1ce4_e5b9) >> 16
}

fn key(place: u64) -> String {
    format!("key:{:012}", mixed(place) % KEYS)
}

fn encode(frame: &mut Vec<u8>, words: &[&[u8]]) {
    frame.extend_from_slice(format!("*{}\r\n", words.len()).as_bytes());
    words.iter().for_each(|word| push_bulk(frame, word));
}

/// A pipeline of SETs or GETs.
fn requests(name: &str, first: u64, count: u64) -> Vec<u8> {
    let mut bytes = Vec::new();
    for place in first..first + count {
        let key = key(place);
        match name {
            "set" => encode(&mut bytes, &[b"SET", key.as_bytes(), &VALUE]),
            _ => encode(&mut bytes, &[b"GET", key.as_bytes()]),
        }
    }
    bytes
}

fn decoder() {
    let arrays = requests("set", 0, 1000);
    let lines: Vec<u8> = (0..1000)
        .flat_map(|place| format!("SET {} \"some value\"\r\n", key(place)).into_bytes())
        .collect();
    for (name, input) in [("decode array", arrays), ("decode line", lines)] {
        let mut decoder = Decoder::new(FrameLimits::default());
        measure(name, 1000, &mut || {
            let mut taken = 0;
            while let Ok(Some(length)) = decoder.decode(&input[taken..]) {
                let words: Arguments<'_> = decoder.arguments(&input[taken..]);
                black_box(&words);
                taken += length;
            }
        });
    }
}

/// Pushes an entry and pops one, with so many in the queue: of three origins, whose times rise side by side.
fn queue(depth: u64) {
    let body = EntryBody::command(&[b"SET", b"x", b"1"]);
    let entry = |place: u64| Entry {
        stamp: Stamp::new(place, ReplicaId(1 + (mixed(place) % 3) as u16)),
        body: body.clone(),
    };
    let mut queue = HoldbackQueue::default();
    for place in 0..depth {
        queue.push(entry(place), Duration::ZERO);
    }
    measure(&format!("queue of {depth}"), 1000, &mut || {
        for place in depth..depth + 1000 {
            queue.push(entry(place), Duration::ZERO);
            black_box(queue.pop());
        }
    });
}

/// One entry of each of three replicas, stamped, received, acked and delivered at the first one.
fn multicast() {
    let body = EntryBody::command(&[b"SET", b"x", b"1"]);
    let members = [ReplicaId(1), ReplicaId(2), ReplicaId(3)];
    let mut multicast = Multicast::new(members[0], View::first(3));
    let mut delivered = 0;
    measure("multicast step", 3 * 1000, &mut || {
        let mut previous = 0;
        for _ in 0..1000 {
            let own = multicast.stamp(body.clone(), Duration::ZERO);
            let time = own.time + 1;
            for peer in &members[1..] {
                let entries = [(time, body.clone())];
                let _taken = multicast.receive(*peer, previous, entries, Duration::ZERO);
            }
            previous = time;
            for from in &members[1..] {
                for (origin, time) in [
                    (members[0], own.time),
                    (members[1], time),
                    (members[2], time),
                ] {
                    if origin != *from {
                        let ack = Ack {
                            stamp: Stamp::new(time, origin),
                            incarnation: (origin != members[0]).then_some(0),
                        };
                        let _taken = multicast.acknowledge(*from, ack);
                    }
                }
            }
            while let Some(entry) = multicast.pop_deliverable() {
                delivered += 1;
                black_box(entry);
            }
        }
    });
    assert_eq!(delivered, 3000, "everything is delivered");
}

fn store() {
    let mut store = Store::new(1);
    let keys: Vec<String> = (0..KEYS).map(|place| format!("key:{place:012}")).collect();
    measure("store new key", KEYS, &mut || {
        for key in &keys {
            store.set(key.as_bytes(), &VALUE, 1);
        }
    });
    measure("store overwrite", KEYS, &mut || {
        for key in &keys {
            store.set(key.as_bytes(), &VALUE, 2);
        }
    });
    measure("store get", KEYS, &mut || {
        for key in &keys {
            black_box(store.get(key.as_bytes()));
        }
    });
}

/// A client's commands at one replica of a cluster: the work of all replicas together.
fn commands(model: Consistency, name: &str, replicas: u16, pipeline: u64) {
    let rounds = 3200 / pipeline;
    let mut cluster = Cluster::new(model, replicas);
    // All keys are there, and buffers and tables have grown.
    for first in (0..4 * KEYS).step_by(16) {
        cluster.run(&requests("set", first, 16));
    }
    for command in ["set", "get"] {
        let frames: Vec<Vec<u8>> = (0..rounds)
            .map(|round| requests(command, round * pipeline, pipeline))
            .collect();
        cluster.reply_bytes = 0;
        let several = if replicas == 1 { "" } else { "s" };
        let title = format!("{name} {command}, {replicas} replica{several}, pipeline {pipeline}");
        measure(&title, rounds * pipeline, &mut || {
            for frame in &frames {
                cluster.run(frame);
            }
        });
        let reply = if command == "set" { 5 } else { 71 };
        let expected = usize::try_from(rounds * pipeline).unwrap_or(0) * reply;
        assert_eq!(
            cluster.reply_bytes, expected,
            "{title}: every command is answered"
        );
    }
}
