//! The hot paths, each in a loop of its own, for `scripts/instructions.sh` to count instructions under callgrind.
//!
//! For each path the program prints its name and how many operations it made, and makes them within [`measure`], which
//! is what callgrind collects. Everything is the same in every run: keys and values come from a fixed generator. With
//! an argument, it measures the paths only whose names contain it, so that one can be profiled.
//!
//! `--queue-time DEPTH` is for `scripts/bench.sh`: it prints the nanoseconds that an entry takes in a queue of that
//! depth, because what a deep queue costs are misses of the caches, and no instructions.

mod cluster;

use cluster::Cluster;
use holdback::consistency::Consistency;
use holdback::entry::{Entry, EntryBody};
use holdback::ids::{Ack, ReplicaId, Stamp};
use holdback::ordered::{HoldbackQueue, Multicast, View};
use holdback::store::{HashSecret, Keyspace, Store};
use holdback::wire::arguments::{Arguments, push_bulk};
use holdback::wire::frame::{Decoder, FrameLimits};
use std::hint::black_box;
use std::process::ExitCode;
use std::time::{Duration, Instant};

/// Keys that the loads use.
const KEYS: u64 = 1000;
/// Bytes of a value, as in redis-benchmark's usual load.
const VALUE: [u8; 64] = [b'x'; 64];

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    let first = arguments.next();
    if first.as_deref() == Some("--queue-time") {
        let depth = arguments.next().and_then(|depth| depth.parse().ok());
        let Some(depth) = depth else {
            eprintln!("holdback-instructions: --queue-time needs a number of entries");
            return ExitCode::from(64);
        };
        println!("{:.1}", queue_time(depth));
        return ExitCode::SUCCESS;
    }
    let part = first.unwrap_or_default();
    paths(&part);
    ExitCode::SUCCESS
}

/// All paths, of which those are measured whose names contain `part`.
fn paths(part: &str) {
    decoder(part);
    queue(part, 10);
    queue(part, 10_000);
    multicast(part);
    store(part);
    for (model, name) in [
        (Consistency::Sequential, "sequential"),
        (Consistency::Linearizable, "linearizable"),
        (Consistency::Eventual, "eventual"),
    ] {
        for replicas in [1, 3] {
            for pipeline in [1, 16, 128] {
                // What a turn with many commands costs, in which frames hardly count: that differs only between replicas.
                if replicas > 1 || pipeline <= 16 {
                    commands(part, model, name, replicas, pipeline);
                }
            }
        }
    }
}

/// What callgrind collects: `work`, which makes so many operations.
fn measure(part: &str, name: &str, operations: u64, work: &mut dyn FnMut()) {
    if name.contains(part) {
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

fn decoder(part: &str) {
    let arrays = requests("set", 0, 1000);
    let lines: Vec<u8> = (0..1000)
        .flat_map(|place| format!("SET {} \"some value\"\r\n", key(place)).into_bytes())
        .collect();
    for (name, input) in [("decode array", arrays), ("decode line", lines)] {
        let mut decoder = Decoder::new(FrameLimits::default());
        measure(part, name, 1000, &mut || {
            let mut taken = 0;
            while let Ok(Some(length)) = decoder.decode(&input[taken..]) {
                let words: Arguments<'_> = decoder.arguments(&input[taken..]);
                black_box(&words);
                taken += length;
            }
        });
    }
}

/// A hold-back queue of three origins' entries, whose times rise side by side.
struct Queue<Body> {
    queue: HoldbackQueue,
    body: Body,
    pushed: u64,
}

impl<Body: Fn() -> EntryBody> Queue<Body> {
    fn new(depth: u64, body: Body) -> Self {
        let mut queue = Self {
            queue: HoldbackQueue::default(),
            body,
            pushed: 0,
        };
        (0..depth).for_each(|_| queue.push());
        queue
    }

    fn push(&mut self) {
        let origin = ReplicaId(1 + (mixed(self.pushed) % 3) as u16);
        let entry = Entry {
            stamp: Stamp::new(self.pushed, origin),
            body: (self.body)(),
        };
        self.queue.push(entry, Duration::ZERO);
        self.pushed += 1;
    }

    /// Pushes an entry and pops one, so many times.
    fn turn_over(&mut self, times: u64) {
        for _ in 0..times {
            self.push();
            black_box(self.queue.pop());
        }
    }
}

fn queue(part: &str, depth: u64) {
    let body = EntryBody::command(&[b"SET", b"x", b"1"]);
    let mut queue = Queue::new(depth, || body.clone());
    measure(part, &format!("queue of {depth}"), 1000, &mut || {
        queue.turn_over(1000);
    });
}

/// The nanoseconds of building an entry, pushing it and popping one from a queue of so many, each with memory of its own.
#[expect(clippy::disallowed_methods, reason = "a benchmark looks at the clock")]
fn queue_time(depth: u64) -> f64 {
    const TIMES: u64 = 2_000_000;
    let mut queue = Queue::new(depth, || EntryBody::command(&[b"SET", b"x", &VALUE]));
    queue.turn_over(depth);
    let started = Instant::now();
    queue.turn_over(TIMES);
    started.elapsed().as_secs_f64() * 1e9 / TIMES as f64
}

/// One entry of each of three replicas, stamped, received, acked and delivered at the first one.
fn multicast(part: &str) {
    let body = EntryBody::command(&[b"SET", b"x", b"1"]);
    let members = [ReplicaId(1), ReplicaId(2), ReplicaId(3)];
    let mut multicast = Multicast::new(members[0], View::first(3));
    let mut delivered = 0;
    measure(part, "multicast step", 3 * 1000, &mut || {
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

fn store(part: &str) {
    let mut store = Store::new(HashSecret::known(1));
    let keys: Vec<String> = (0..KEYS).map(|place| format!("key:{place:012}")).collect();
    measure(part, "store new key", KEYS, &mut || {
        for key in &keys {
            store.set(key.as_bytes(), &VALUE, 1);
        }
    });
    measure(part, "store overwrite", KEYS, &mut || {
        for key in &keys {
            store.set(key.as_bytes(), &VALUE, 2);
        }
    });
    measure(part, "store get", KEYS, &mut || {
        for key in &keys {
            black_box(store.get(key.as_bytes()));
        }
    });
}

/// A client's commands at one replica of a cluster: the work of all replicas together.
fn commands(part: &str, model: Consistency, name: &str, replicas: u16, pipeline: u64) {
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
        measure(part, &title, rounds * pipeline, &mut || {
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
