//! Random runs, whole: every client's replies are explained by the one order, in its program order and, where
//! the model promises it, in real time; connections between replicas break all the while.

use crate::motion::all_or_below;
use crate::random::{Random, seeds};
use crate::world::{ClientId, World};
use holdback::consistency::Consistency::{self, Linearizable, Sequential};
use holdback::entry::EntryBody;
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
    /// How many replies it draws. The last one counts.
    lines: usize,
    /// Whether it is a transaction.
    in_exec: bool,
    reply: String,
}

impl Operation {
    /// Whether it certainly did not happen.
    fn failed(&self) -> bool {
        let codes = ["-TIMEOUT ", "-EXECABORT ", "-OVERLOADED "];
        codes.iter().any(|code| self.reply.starts_with(code))
    }

    /// Whether it may or may not have happened.
    fn is_uncertain(&self) -> bool {
        self.reply.starts_with("-UNCERTAIN ")
    }
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

const MODELS: [Consistency; 2] = [Sequential, Linearizable];

const KEYS: [&str; 3] = ["x", "y", "z"];

/// Longer than any run.
const FOR_EVER: Duration = Duration::from_secs(1_000_000);

impl Run {
    fn new(model: Consistency, seed: u64, request_timeout: Duration) -> Self {
        let mut random = Random::new(seed, 0);
        let replicas = u16::try_from(1 + random.index(4)).expect("small");
        let mut world = World::with(model, replicas, |settings| {
            settings.request_timeout = request_timeout;
            settings.seed = seed;
            if request_timeout < FOR_EVER {
                settings.pending_bytes_max = 400;
                settings.unanswered_max = 6;
            }
        });
        world.long_turns = random.one_in(2);
        let clients: Vec<ClientId> = (0..4)
            .map(|_| {
                world.connect(u16::try_from(1 + random.index(replicas.into())).expect("small"))
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
        let key = self.random.pick(&KEYS);
        let kind = self.random.index(8);
        let writes = kind < 5;
        let command = if writes {
            format!("SET {key} {tag} GET")
        } else {
            format!("MGET {key} {tag}")
        };
        let lines = match kind {
            2 | 5 => format!("MULTI\n{command}\nEXEC"),
            3 => format!("WATCH {key}\nMULTI\n{command}\nEXEC"),
            4 => format!("AWAIT {}\n{command}", self.random.index(12)),
            _ => command,
        };
        self.world.send(self.clients[client], &lines);
        self.open[client].push_back(Operation {
            tag,
            writes,
            key,
            began: self.step,
            ended: 0,
            lines: lines.lines().count(),
            in_exec: lines.ends_with("EXEC"),
            reply: String::new(),
        });
    }

    /// Takes the replies that came; they answer the oldest operations.
    fn collect(&mut self) {
        for client in 0..self.clients.len() {
            let replies = self.world.replies(self.clients[client]);
            self.replies[client].extend(replies);
            while let Some(operation) = self.open[client].front()
                && self.replies[client].len() >= operation.lines
            {
                let mut operation = self.open[client].pop_front().expect("looked at");
                let mut replies = self.replies[client].drain(..operation.lines);
                operation.reply = replies.next_back().expect("at least one line");
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
        let a = 1 + self.random.index(count);
        let b = 1 + (a + self.random.index(count - 1)) % count;
        let (a, b) = (
            u16::try_from(a).expect("small"),
            u16::try_from(b).expect("small"),
        );
        match self.random.index(6) {
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
            match self.random.index(40) {
                0 => self.trouble(),
                1 => self.world.now += Duration::from_millis(self.random.below(400)),
                2..=5 => {
                    let client = self.random.index(self.clients.len());
                    self.invoke(client);
                    left -= 1;
                }
                _ => {
                    self.world
                        .move_at_random(&mut self.random, all_or_below(90));
                }
            }
            self.collect();
        }
        self.world.network.release_all();
        // Whoever waits for a position gets there.
        let other = self.world.connect(1);
        let lines: Vec<String> = (0..12).map(|n| format!("SET x end{n}")).collect();
        self.world.send(other, &lines.join("\n"));
        self.world.pass(Duration::from_secs(20));
        self.step += 1;
        self.collect();
    }

    /// The order, the same at all replicas.
    fn order(&self) -> Order {
        let last = u16::try_from(self.world.nodes.len()).expect("small");
        let positions: Vec<u64> = (1..=last)
            .map(|id| self.world.replica(id).order().position())
            .collect();
        assert!(
            positions.iter().all(|position| *position == positions[0]),
            "{positions:?}"
        );
        let entries = self.world.replica(1).order().from(1, usize::MAX);
        let mut order = Order::new();
        for (_, delivered) in entries.expect("all are kept") {
            order.append(&delivered.entry.body);
        }
        order
    }
}

/// The delivered entries, and what they made of the keys, computed anew.
struct Order {
    /// The place of each entry, by its tag, from 1.
    places: BTreeMap<String, usize>,
    /// Whether the entry at each position was applied, its watched keys being unchanged.
    applied: Vec<bool>,
    /// By key: what it held after each position, from position 0.
    values: BTreeMap<&'static str, Vec<String>>,
}

impl Order {
    fn new() -> Self {
        let nothing = |key| (key, vec!["nil".to_owned()]);
        Self {
            places: BTreeMap::new(),
            applied: vec![true],
            values: KEYS.into_iter().map(nothing).collect(),
        }
    }

    /// The position of a key's last change.
    fn changed(&self, key: &[u8]) -> usize {
        let key = std::str::from_utf8(key).expect("one of ours");
        let values = &self.values[key];
        (1..values.len())
            .rev()
            .find(|at| values[*at] != values[*at - 1])
            .unwrap_or(0)
    }

    fn append(&mut self, body: &EntryBody) {
        let mut reader = body.read();
        let mut applied = true;
        while let Some((key, position)) = reader.next_watch() {
            applied &= self.changed(key) as u64 == position;
        }
        let commands: Vec<_> = reader.commands().collect();
        assert_eq!(commands.len(), 1);
        let word =
            |at: usize| String::from_utf8_lossy(commands[0].get(at).copied().unwrap_or_default());
        let sets = word(0) == "SET" && applied;
        self.applied.push(applied);
        for (key, values) in &mut self.values {
            let last = values.last().cloned().unwrap_or_default();
            values.push(if sets && word(1) == *key {
                word(2).into_owned()
            } else {
                last
            });
        }
        if word(0) != "WATCH" {
            let twice = self
                .places
                .insert(word(2).into_owned(), self.applied.len() - 1);
            assert_eq!(twice, None, "{} is in the order twice", word(2));
        }
    }

    /// What an operation answers if it takes effect at, or reads after, a position.
    fn answer(&self, operation: &Operation, position: usize) -> String {
        let before = if operation.writes {
            position - 1
        } else {
            position
        };
        let value = &self.values[operation.key][before];
        match (operation.writes, operation.in_exec) {
            (true, true) if !self.applied[position] => "nil".to_owned(),
            (true, true) => format!("[{value}]"),
            (true, false) => value.clone(),
            (false, true) => format!("[[{value} nil]]"),
            (false, false) => format!("[{value} nil]"),
        }
    }
}

fn check(model: Consistency, seed: u64, request_timeout: Duration) -> [usize; 3] {
    let mut run = Run::new(model, seed, request_timeout);
    run.go(50);
    let order = run.order();
    let (mut timed, mut outcomes) = (Vec::new(), [0; 3]);
    for (client, done) in run.done.iter().enumerate() {
        let waiting = run.open[client].len();
        assert_eq!(waiting, 0, "seed {seed}: client {client} waits for ever");
        let left = &run.replies[client];
        assert!(left.is_empty(), "seed {seed}: too many replies: {left:?}");
        let mut now = 0;
        for operation in done {
            let (tag, reply) = (&operation.tag, &operation.reply);
            let place = order.places.get(tag);
            if operation.failed() {
                assert!(
                    place.is_none() || !operation.writes,
                    "seed {seed}: {tag} happened, and its client was told {reply}"
                );
                outcomes[1] += 1;
            } else if operation.is_uncertain() {
                assert!(operation.writes, "seed {seed}: {tag} only reads: {reply}");
                outcomes[2] += 1;
            } else if operation.writes || model == Linearizable {
                let position = order.places[tag];
                assert!(
                    position > now,
                    "seed {seed}: {tag} is ordered before its predecessor"
                );
                let expected = order.answer(operation, position);
                assert_eq!(*reply, expected, "seed {seed}: {tag} at {position}");
                now = position;
                timed.push((operation.began, operation.ended, position));
                outcomes[0] += 1;
            } else {
                let explains = |at: &usize| order.answer(operation, *at) == *reply;
                let found = (now..order.applied.len()).find(explains);
                now =
                    found.unwrap_or_else(|| panic!("seed {seed}: {tag} read {reply}, after {now}"));
                outcomes[0] += 1;
            }
        }
    }
    for (_, ended, first) in &timed {
        let early = timed
            .iter()
            .find(|(began, _, position)| began > ended && position < first);
        assert_eq!(early, None, "seed {seed}: ordered against real time");
    }
    outcomes
}

#[test]
fn replies_in_the_ordered_models_are_explained_by_the_order() {
    for (seed, model) in seeds(150).flat_map(|seed| MODELS.map(|model| (seed, model))) {
        check(model, seed, FOR_EVER);
    }
}

#[test]
fn definite_errors_did_not_happen_and_late_results_are_never_given_to_others() {
    let mut all = [0; 3];
    for seed in seeds(300) {
        let model = MODELS[usize::from(seed % 2 == 1)];
        let outcomes = check(model, seed, Duration::from_millis(700));
        for (sum, count) in all.iter_mut().zip(outcomes) {
            *sum += count;
        }
    }
    assert!(all.iter().all(|count| *count > 1000), "too tame: {all:?}");
}

#[test]
fn the_same_seed_gives_the_same_run() {
    let digests = |seed| {
        let mut run = Run::new(Sequential, seed, FOR_EVER);
        run.go(60);
        (run.world.replica(1).order().digest(), run.world.log)
    };
    assert_eq!(digests(7), digests(7));
    assert_ne!(digests(7), digests(8));
}
