//! Random runs, whole: every client's replies are explained by the one order, in its program order and, where
//! the model promises it, in real time; connections between replicas break all the while.

use crate::random::{Random, seeds};
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{self, Linearizable, Sequential};
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

/// One operation and when it began and ended, in steps of the run.
struct Operation {
    /// The text by which its entry is known in the order: the value it writes, or the tag it reads.
    tag: String,
    writes: bool,
    key: &'static str,
    began: usize,
    ended: usize,
    /// What it answers beside what it read: one of `+OK`, `+QUEUED` and so on for each line.
    preamble: usize,
    read: String,
}

struct Run {
    world: World,
    random: Random,
    clients: Vec<ClientId>,
    /// By client, those answered and those that wait.
    done: Vec<Vec<Operation>>,
    open: Vec<VecDeque<Operation>>,
    replies: Vec<Vec<String>>,
    step: usize,
}

const KEYS: [&str; 3] = ["x", "y", "z"];

impl Run {
    fn new(model: Consistency, seed: u64) -> Self {
        let mut random = Random(seed);
        let replicas = u16::try_from(1 + random.below(4)).expect("small");
        let mut world = World::with(model, replicas, |settings| {
            settings.request_timeout = Duration::from_secs(1_000_000);
            settings.seed = seed;
        });
        world.long_turns = random.chance(2);
        let clients: Vec<ClientId> = (0..4)
            .map(|_| {
                world.connect(u16::try_from(1 + random.below(replicas.into())).expect("small"))
            })
            .collect();
        Self {
            world,
            random,
            done: clients.iter().map(|_| Vec::new()).collect(),
            open: clients.iter().map(|_| VecDeque::new()).collect(),
            replies: clients.iter().map(|_| Vec::new()).collect(),
            clients,
            step: 0,
        }
    }

    /// A client sends one more operation, whether or not the ones before are answered.
    fn invoke(&mut self, client: usize) {
        let number = self.done[client].len() + self.open[client].len();
        let tag = format!("c{client}n{number}");
        let key = *self.random.pick(&KEYS);
        let (writes, preamble, lines) = match self.random.below(6) {
            0..=1 => (true, 0, format!("SET {key} {tag} GET")),
            2 => (true, 2, format!("MULTI\nSET {key} {tag} GET\nEXEC")),
            3 => (false, 2, format!("MULTI\nMGET {key} {tag}\nEXEC")),
            _ => (false, 0, format!("MGET {key} {tag}")),
        };
        self.world.send(self.clients[client], &lines);
        self.open[client].push_back(Operation {
            tag,
            writes,
            key,
            began: self.step,
            ended: 0,
            preamble,
            read: String::new(),
        });
    }

    /// Takes the replies that came; they answer the oldest operations.
    fn collect(&mut self) {
        for client in 0..self.clients.len() {
            let replies = self.world.replies(self.clients[client]);
            self.replies[client].extend(replies);
            while let Some(operation) = self.open[client].front()
                && self.replies[client].len() > operation.preamble
            {
                let mut operation = self.open[client].pop_front().expect("looked at");
                let preamble: Vec<String> =
                    self.replies[client].drain(..operation.preamble).collect();
                assert!(preamble.is_empty() || preamble == ["+OK", "+QUEUED"]);
                let reply = self.replies[client].remove(0);
                let words = reply.trim_matches(['[', ']']);
                operation.read = words.split(' ').next().unwrap_or_default().to_owned();
                operation.ended = self.step;
                self.done[client].push(operation);
            }
        }
    }

    /// Breaks or mends something between two replicas.
    fn trouble(&mut self) {
        let count = self.world.nodes.len();
        if count == 1 {
            return;
        }
        let a = 1 + self.random.below(count);
        let b = 1 + (a + self.random.below(count - 1)) % count;
        let (a, b) = (
            u16::try_from(a).expect("small"),
            u16::try_from(b).expect("small"),
        );
        match self.random.below(6) {
            0 => self.world.break_between(a, b),
            1 => self.world.lose(a, b),
            2 => self.world.hold(a, b),
            3 => self.world.part(a, b),
            _ => self.world.join(a, b),
        }
    }

    fn go(&mut self, operations: usize) {
        let mut left = operations;
        while left > 0 {
            self.step += 1;
            match self.random.below(40) {
                0 => self.trouble(),
                1 => self.world.now += Duration::from_millis(self.random.next() % 400),
                2..=5 => {
                    let client = self.random.below(self.clients.len());
                    self.invoke(client);
                    left -= 1;
                }
                _ => {
                    let moves = self.world.moves();
                    if !moves.is_empty() {
                        let whole = self.random.chance(2);
                        let bytes = if whole {
                            usize::MAX
                        } else {
                            1 + self.random.below(90)
                        };
                        self.world.make(*self.random.pick(&moves), bytes);
                    }
                }
            }
            self.collect();
        }
        self.world.network.held.clear();
        self.world.pass(Duration::from_secs(20));
        self.step += 1;
        self.collect();
    }

    /// The entries in their order: key and tag of what each writes or reads.
    fn order(&self) -> Vec<(String, String, bool)> {
        let last = u16::try_from(self.world.nodes.len()).expect("small");
        let positions: Vec<u64> = (1..=last)
            .map(|id| self.world.replica(id).order().position())
            .collect();
        assert!(
            positions.iter().all(|position| *position == positions[0]),
            "{positions:?}"
        );
        let entries = self
            .world
            .replica(1)
            .order()
            .from(1, usize::MAX)
            .expect("all are kept");
        let describe = |entry: &holdback::multicast::Entry| {
            let commands: Vec<_> = entry.body.read().commands().collect();
            assert_eq!(commands.len(), 1);
            let word = |at: usize| String::from_utf8_lossy(commands[0][at]).into_owned();
            (word(1), word(2), commands[0][0] == b"SET")
        };
        entries
            .map(|(_, delivered)| describe(&delivered.entry))
            .collect()
    }
}

/// What a key held after each position, from position 0.
fn values(order: &[(String, String, bool)], key: &str) -> Vec<String> {
    let mut values = vec!["nil".to_owned()];
    for (written, value, writes) in order {
        let next = if *writes && written == key {
            value
        } else {
            &values[values.len() - 1]
        };
        values.push(next.clone());
    }
    values
}

fn check(model: Consistency, seed: u64) {
    let mut run = Run::new(model, seed);
    run.go(50);
    let order = run.order();
    let mut places = BTreeMap::new();
    for ((_, tag, _), position) in order.iter().zip(1usize..) {
        let twice = places.insert(tag.clone(), position);
        assert_eq!(twice, None, "seed {seed}: {tag} is in the order twice");
    }
    let mut timed = Vec::new();
    for (client, done) in run.done.iter().enumerate() {
        assert!(
            run.open[client].is_empty(),
            "seed {seed}: client {client} waits for ever"
        );
        assert!(
            run.replies[client].is_empty(),
            "seed {seed}: too many replies"
        );
        let mut now = 0;
        for operation in done {
            let history = values(&order, operation.key);
            let (tag, read) = (&operation.tag, &operation.read);
            if operation.writes || model == Linearizable {
                let position = places[tag];
                assert!(
                    position > now,
                    "seed {seed}: {tag} is ordered before its predecessor"
                );
                assert_eq!(
                    history[position - 1],
                    *read,
                    "seed {seed}: {tag} at {position}"
                );
                now = position;
                timed.push((operation.began, operation.ended, position));
            } else {
                let found = (now..history.len()).find(|at| history[*at] == *read);
                now =
                    found.unwrap_or_else(|| panic!("seed {seed}: {tag} read {read}, after {now}"));
            }
        }
    }
    for (_, ended, first) in &timed {
        let early = timed
            .iter()
            .find(|(began, _, position)| began > ended && position < first);
        assert_eq!(early, None, "seed {seed}: ordered against real time");
    }
}

#[test]
fn replies_in_the_sequential_model_are_explained_by_the_order() {
    seeds(150).for_each(|seed| check(Sequential, seed));
}

#[test]
fn replies_in_the_linearizable_model_are_explained_by_the_order() {
    seeds(150).for_each(|seed| check(Linearizable, seed));
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let digests = |seed| {
        let mut run = Run::new(Sequential, seed);
        run.go(60);
        (run.world.replica(1).order().digest(), run.world.network.log)
    };
    assert_eq!(digests(7), digests(7));
    assert_ne!(digests(7), digests(8));
}
