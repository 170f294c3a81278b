//! What the clients do: programs of bursts, waits and reconnections, decided before the run.

use super::agenda::{MILLISECOND, Time};
use super::plan::Options;
use holdback::consistency::Consistency;
use holdback::random::Random;
use std::fmt;

/// A command as its words.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Command(pub(super) Vec<Vec<u8>>);

impl Command {
    pub(super) fn new(words: &[&str]) -> Self {
        Self(words.iter().map(|word| word.as_bytes().to_vec()).collect())
    }

    /// The words as they are handed to code.
    pub(super) fn words(&self) -> Vec<&[u8]> {
        self.0.iter().map(Vec::as_slice).collect()
    }
}

impl fmt::Debug for Command {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&holdback::wire::inline::quote_all(self.words()))
    }
}

/// One step of a client's program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Leave the present connection, if there is one, and connect to a replica.
    Connect(usize),
    /// Send these commands at once.
    Send(Vec<Command>),
    /// Wait until everything is answered; leave the connection if that takes longer than this.
    Wait(Time),
    /// Do nothing for so long.
    Rest(Time),
    /// Stop reading replies for so long.
    Deaf(Time),
    /// Send no more on this connection, and wait until the replica closes it.
    Finish(Time),
}

/// The keys that clients work on.
pub(super) const KEYS: [&str; 6] = ["a", "b", "c", "d", "e", "f"];
/// The key that they count in.
pub(super) const COUNTER: &str = "n";

/// Longer than any timeout.
const FOREVER: Time = 300 * 1000 * MILLISECOND;

/// The program of one client.
pub(super) fn plan_client(
    seed: u64,
    client: usize,
    operations: usize,
    options: &Options,
    plain: bool,
) -> Vec<Step> {
    let mut random = Random::new(seed, 1000 + client as u64);
    let keys = random.between(1, KEYS.len() as u64);
    let mut writer = Writer {
        random,
        client,
        count: 0,
        keys: usize::try_from(keys).unwrap_or(1),
        model: options.consistency,
        plain,
    };
    writer.program(operations, options.replicas)
}

/// Makes up one client's commands.
struct Writer {
    random: Random,
    client: usize,
    count: usize,
    keys: usize,
    model: Consistency,
    /// Only what histories have a name for.
    plain: bool,
}

impl Writer {
    fn program(&mut self, operations: usize, replicas: usize) -> Vec<Step> {
        let patience = self.random.pick(&[100, 1000, 15_000]) * MILLISECOND;
        let rest = self.random.pick(&[0, 1, 20, 200]) * MILLISECOND;
        let depth = self.random.pick(&[1, 1, 3, 10]);
        let mut replica = self.client % replicas;
        let mut steps = vec![Step::Connect(replica)];
        let mut left = operations;
        while left > 0 {
            let burst = usize::try_from(self.random.between(1, depth))
                .unwrap_or(1)
                .min(left);
            left -= burst;
            let commands = (0..burst).flat_map(|_| self.operation()).collect();
            steps.push(Step::Send(commands));
            match self.random.below(40) {
                0 => {
                    replica = self.random.index(replicas);
                    steps.push(Step::Connect(replica));
                }
                1 => {
                    steps.push(Step::Finish(patience));
                    steps.push(Step::Connect(replica));
                }
                2 => steps.push(Step::Deaf(self.random.below(300 * MILLISECOND))),
                3..=8 if depth > 1 => {}
                _ => steps.push(Step::Wait(patience)),
            }
            // Now and then a longer rest, so that even the quick ones are still there when things go wrong.
            let rest = if self.random.permille(120) {
                200 * MILLISECOND
            } else {
                rest
            };
            if rest > 0 {
                steps.push(Step::Rest(self.random.exponential(rest)));
            }
        }
        // The last replies are waited for without end: each operation must be answered.
        steps.push(Step::Finish(FOREVER));
        steps
    }

    /// One operation, which may take several commands.
    fn operation(&mut self) -> Vec<Command> {
        if !self.model.is_ordered() {
            return vec![self.eventual()];
        }
        match self.random.below(60) {
            4 if self.plain && self.model == Consistency::Linearizable => vec![self.read()],
            0 => vec![Command::new(&["POSITION"])],
            1 => vec![Command::new(&["DIGEST"])],
            2 => vec![Command::new(&["PING"])],
            3 => {
                let position = self.random.below(100).to_string();
                vec![Command::new(&["AWAIT", &position])]
            }
            4 => {
                let path = self.random.pick(&["sequential", "linearizable"]);
                vec![Command::new(&["CONSISTENCY", path])]
            }
            5..=9 => self.transaction(),
            10..=30 => vec![self.read()],
            _ => vec![self.write()],
        }
    }

    fn transaction(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        let watches = self.random.pick(&[0, 0, 1, 1, 2]);
        for _ in 0..if self.plain { 0 } else { watches } {
            let key = self.key();
            commands.push(if self.random.permille(300) {
                Command::new(&["WATCH", key, self.key()])
            } else {
                Command::new(&["WATCH", key])
            });
        }
        commands.push(Command::new(&["MULTI"]));
        let only_reads = self.random.permille(200);
        let least = u64::from(self.plain);
        for _ in 0..self.random.between(least, 3) {
            let command = if only_reads || self.random.permille(300) {
                self.read()
            } else {
                self.write()
            };
            commands.push(command);
        }
        if self.random.permille(30) {
            commands.push(Command::new(&["NOSUCHCOMMAND"]));
        }
        commands.push(Command::new(&[if self.random.permille(30) {
            "DISCARD"
        } else {
            "EXEC"
        }]));
        commands
    }

    fn read(&mut self) -> Command {
        let key = self.key();
        match self.random.below(10) {
            0 | 2..=4 if self.plain => Command::new(&["GET", key]),
            0 => Command::new(&["EXISTS", key, self.key()]),
            1 => Command::new(&["MGET", key, self.key()]),
            2 => Command::new(&["STRLEN", key]),
            3 => Command::new(&["DBSIZE"]),
            4 => Command::new(&["KEYS", "*"]),
            _ => Command::new(&["GET", key]),
        }
    }

    fn write(&mut self) -> Command {
        let (key, value) = (self.key(), self.value());
        match self.random.below(20) {
            2 | 4 | 8 | 11 | 14 if self.plain => Command::new(&["SET", key, &value]),
            0 => Command::new(&["SETNX", key, &value]),
            1 => Command::new(&["GETSET", key, &value]),
            2 => Command::new(&["GETDEL", key]),
            3 => Command::new(&["CAS", key, &self.likely_value(), &value]),
            4 => Command::new(&["SET", key, &value, self.random.pick(&["NX", "XX", "GET"])]),
            5 => Command::new(&["MSET", key, &value, self.key(), &self.value()]),
            6 | 7 => Command::new(&["DEL", key]),
            8 => Command::new(&["DEL", key, self.key()]),
            9 | 10 => Command::new(&["INCR", COUNTER]),
            11 => Command::new(&["INCRBY", COUNTER, "7"]),
            12 | 13 => Command::new(&["APPEND", key, &value]),
            14 if self.random.permille(200) => Command::new(&["FLUSHALL"]),
            _ => Command::new(&["SET", key, &value]),
        }
    }

    fn eventual(&mut self) -> Command {
        if self.random.permille(400) {
            return self.read();
        }
        let (key, value) = (self.key(), self.value());
        match self.random.below(12) {
            0..=3 => Command::new(&["DEL", key]),
            4 if !self.plain => Command::new(&["DEL", key, self.key()]),
            5 => Command::new(&["MSET", key, &value, self.key(), &self.value()]),
            6 if !self.plain && self.random.permille(200) => Command::new(&["FLUSHALL"]),
            _ => Command::new(&["SET", key, &value]),
        }
    }

    fn key(&mut self) -> &'static str {
        KEYS[self.random.index(self.keys)]
    }

    /// A value that nobody else writes, now and then a long one.
    fn value(&mut self) -> String {
        self.count += 1;
        let mut value = format!("{}.{}", self.client + 1, self.count);
        if self.random.permille(50) {
            value.push_str(&"-".repeat(self.random.index(400)));
        }
        value
    }

    /// A value that some client may have written lately.
    fn likely_value(&mut self) -> String {
        let count = self.count.saturating_sub(self.random.index(4));
        format!("{}.{count}", self.random.below(4) + 1)
    }
}
