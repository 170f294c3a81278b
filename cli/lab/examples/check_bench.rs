//! How quick the checkers are: `cargo run --release -p holdback-cli --example check_bench`.
//!
//! Makes histories of a store that works, with the order in which it applied everything, and checks them as
//! linearizable: with the order as witness, and from the history alone. Without arguments a table of several
//! sizes; `OPERATIONS CLIENTS KEYS [all|registers]` for one, and `--folder DIR` behind that to write the history
//! and the order of two replicas, for `holdback-lab check DIR`.

use holdback::consistency::Consistency;
use holdback_lab::check::reference::{Store, apply};
use holdback_lab::check::{Limits, OrderOfReplica, Verdict, linearizable, sequential, witness};
use holdback_lab::history::{self, Call, History, Operation, Outcome, Word};
use holdback_lab::order::Entry;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::time::Duration;

/// What a history is like.
#[derive(Clone, Copy, Debug)]
struct Shape {
    operations: usize,
    clients: u64,
    keys: u64,
    /// All kinds of operations, some of them on several keys; otherwise only get, set and cas.
    all_kinds: bool,
}

/// A generator of random numbers (SplitMix64).
struct Random(u64);

impl Random {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }
}

/// What happens next to a client's operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Invoke,
    Apply(usize),
    Complete(usize),
}

struct World {
    random: Random,
    shape: Shape,
    store: Store,
    written: u64,
    history: History,
    entries: Vec<Entry>,
}

impl World {
    fn key(&mut self, kind: &str) -> Word {
        let number = self.random.below(self.shape.keys);
        format!("{kind}{number}").into()
    }

    fn value(&mut self) -> Word {
        self.written += 1;
        format!("value-{}", self.written).into()
    }

    fn call(&mut self) -> Call {
        let key = self.key("k");
        if !self.shape.all_kinds {
            return match self.random.below(10) {
                0..5 => Call::Get(key),
                5..9 => Call::Set(key, self.value()),
                _ => self.cas(key),
            };
        }
        match self.random.below(100) {
            0..40 => Call::Get(key),
            40..64 => Call::Set(key, self.value()),
            64..66 => Call::SetNx(key, self.value()),
            66..68 => Call::GetSet(key, self.value()),
            68..78 => self.cas(key),
            78..84 => Call::Incr(self.key("n")),
            84..87 => Call::Append(key, self.value()),
            87..91 => Call::Del(key),
            91..95 => Call::Mget((0..3).map(|_| self.key("k")).collect()),
            95..97 => Call::Mset((0..2).map(|_| (self.key("k"), self.value())).collect()),
            _ => {
                let other = self.key("k");
                Call::Txn(vec![Call::Get(key), Call::Set(other, self.value())])
            }
        }
    }

    /// A cas that mostly succeeds.
    fn cas(&mut self, key: Word) -> Call {
        let old = self
            .store
            .get(&key)
            .cloned()
            .unwrap_or_else(|| b"none".to_vec());
        Call::Cas(key, old, self.value())
    }

    fn make(mut self) -> (History, Vec<Entry>) {
        let mut steps: BinaryHeap<Reverse<(u64, u64, Step)>> = BinaryHeap::new();
        for client in 0..self.shape.clients {
            let begin = self.random.below(100_000);
            steps.push(Reverse((begin, client, Step::Invoke)));
        }
        while let Some(Reverse((now, client, step))) = steps.pop() {
            let soon = now + 1 + self.random.below(100_000);
            let next = match step {
                Step::Invoke if self.history.operations.len() == self.shape.operations => continue,
                Step::Invoke => {
                    let call = self.call();
                    self.history.operations.push(Operation {
                        process: client,
                        call,
                        invoked: now,
                        completed: None,
                        outcome: Outcome::Info,
                        replica: Some(1 + client % 3),
                        position: None,
                        line: 0,
                    });
                    Step::Apply(self.history.operations.len() - 1)
                }
                Step::Apply(at) => {
                    self.apply(at);
                    Step::Complete(at)
                }
                Step::Complete(at) => {
                    self.history.operations[at].completed = Some(now);
                    Step::Invoke
                }
            };
            steps.push(Reverse((soon, client, next)));
        }
        (self.history, self.entries)
    }

    fn apply(&mut self, at: usize) {
        let operation = &mut self.history.operations[at];
        let answer = apply(&mut self.store, &operation.call);
        let position = self.entries.len() as u64 + 1;
        self.entries.push(Entry {
            position,
            stamp: format!("{position}.1"),
            watched: Vec::new(),
            commands: operation.call.commands(),
        });
        operation.outcome = match answer {
            history::Answer::Error => Outcome::Fail,
            answer => Outcome::Ok(answer),
        };
        operation.position = operation.is_ok().then_some(position);
    }
}

fn make(shape: Shape) -> (History, Vec<Entry>) {
    let meta = serde_json::json!({"consistency": "linearizable"});
    let world = World {
        random: Random(7),
        shape,
        store: Store::new(),
        written: 0,
        history: History {
            meta: meta.as_object().cloned(),
            timed: true,
            ..History::default()
        },
        entries: Vec::new(),
    };
    world.make()
}

/// The most memory that this process has had.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kilobytes: Option<u64> = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
    kilobytes.map_or("?".into(), |kilobytes| format!("{} MB", kilobytes / 1024))
}

fn report(what: &str, operations: usize, check: impl FnOnce() -> Verdict) {
    let start = holdback_client::clock::now();
    let verdict = check();
    let took = start.elapsed();
    let rate = operations as f64 / took.as_secs_f64();
    println!(
        "    {what:<38} {:<8} {:>9.3} s {rate:>12.0} operations/s  peak {}",
        verdict.word(),
        took.as_secs_f64(),
        peak()
    );
}

fn measure(shape: Shape) {
    let (history, entries) = make(shape);
    let Shape {
        operations,
        clients,
        keys,
        all_kinds,
    } = shape;
    let kinds = if all_kinds {
        "all kinds"
    } else {
        "get, set, cas"
    };
    println!(
        "{operations} operations of {clients} clients on {keys} keys, {kinds}  (made; peak {})",
        peak()
    );
    let limits = Limits::within(Duration::from_secs(120));
    let orders = [OrderOfReplica {
        replica: 1,
        entries,
    }];
    report("linearizable, with the witness", operations, || {
        witness(&history, &orders, Consistency::Linearizable)
    });
    drop(orders);
    report("linearizable, from the history alone", operations, || {
        linearizable(&history, &limits)
    });
    report("sequential, from the history alone", operations, || {
        sequential(&history, &limits)
    });
}

fn write(folder: &Path, shape: Shape) -> std::io::Result<()> {
    let (history, entries) = make(shape);
    std::fs::create_dir_all(folder)?;
    let file = |name: &str| {
        Ok::<_, std::io::Error>(BufWriter::new(std::fs::File::create(folder.join(name))?))
    };
    history::write(&history, file("history.jsonl")?)?;
    for replica in 1..=2 {
        let mut file = file(&format!("replica-{replica}.order.jsonl"))?;
        for entry in &entries {
            writeln!(file, "{}", entry.to_json())?;
        }
    }
    Ok(())
}

fn main() -> std::io::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize, default: u64| {
        let argument: Option<u64> = arguments.get(at).and_then(|text| text.parse().ok());
        argument.unwrap_or(default)
    };
    if arguments.is_empty() {
        for (operations, clients, keys) in [
            (100_000, 10, 3),
            (100_000, 30, 3),
            (100_000, 100, 3),
            (100_000, 100, 1),
            (1_000_000, 50, 1000),
        ] {
            for all_kinds in [false, true] {
                measure(Shape {
                    operations,
                    clients,
                    keys,
                    all_kinds,
                });
            }
        }
        return Ok(());
    }
    let shape = Shape {
        operations: number(0, 1000) as usize,
        clients: number(1, 10),
        keys: number(2, 10),
        all_kinds: arguments.get(3).is_none_or(|kinds| kinds != "registers"),
    };
    match arguments.iter().position(|argument| argument == "--folder") {
        Some(at) => write(Path::new(&arguments[at + 1]), shape),
        None => {
            measure(shape);
            Ok(())
        }
    }
}
