//! Random histories: some from a store that works, some from one that does not, some pure noise.

use crate::check::reference::{Store, apply};
use crate::history::{Answer, Call, History, Operation, Outcome, Word};
use holdback::random::Random;

/// What random histories are made of.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) operations: u64,
    pub(super) processes: u64,
    pub(super) keys: usize,
    /// Whether processes have several operations open.
    pub(super) pipelining: bool,
    /// How many of a thousand answers are changed afterwards.
    pub(super) lies: u64,
    /// How many of a thousand operations are answered and have no effect.
    pub(super) forgets: u64,
    /// Whether reads stand in the order.
    pub(super) ordered_reads: bool,
    /// Whether other reads are of a replica that may lag behind.
    pub(super) stale: bool,
    /// Whether written values are all different.
    pub(super) unique: bool,
}

const KEYS: [&str; 4] = ["x", "y", "z", "w"];

/// What random numbers are drawn for.
const SHAPES: u64 = 0;
const HISTORIES: u64 = 1;
const CALLS: u64 = 2;

/// A call of any kind on few keys.
pub(super) fn call(seed: u64) -> Call {
    let shape = shape(seed, 1);
    let mut maker = Maker {
        random: Random::new(seed, CALLS),
        shape: Shape { keys: 2, ..shape },
        written: 0,
    };
    maker.call()
}

struct Maker {
    random: Random,
    shape: Shape,
    written: u64,
}

impl Maker {
    fn key(&mut self) -> Word {
        self.random.pick(&KEYS[..self.shape.keys]).into()
    }

    fn value(&mut self) -> Word {
        if self.shape.unique {
            self.written += 1;
            (self.written + 10).to_string().into()
        } else {
            self.random.pick(&["1", "2", "a"]).into()
        }
    }

    fn old(&mut self) -> Word {
        if self.shape.unique {
            (self.random.below(self.written + 1) + 10)
                .to_string()
                .into()
        } else {
            self.value()
        }
    }

    fn single(&mut self) -> Call {
        let key = self.key();
        match self.random.below(14) {
            0..4 => Call::Get(key),
            4..7 => Call::Set(key, self.value()),
            7 => Call::SetNx(key, self.value()),
            8 => Call::GetSet(key, self.value()),
            9 | 10 => {
                let old = self.old();
                Call::Cas(key, old, self.value())
            }
            11 => Call::Incr(key),
            12 => Call::Append(key, self.value()),
            _ => Call::Del(key),
        }
    }

    fn call(&mut self) -> Call {
        match self.random.below(10) {
            0 => Call::Mget((0..=self.random.below(2)).map(|_| self.key()).collect()),
            1 => Call::Mset(
                (0..=self.random.below(2))
                    .map(|_| (self.key(), self.value()))
                    .collect(),
            ),
            2 => Call::Txn((0..=self.random.below(2)).map(|_| self.single()).collect()),
            _ => self.single(),
        }
    }

    fn lie(&mut self, answer: &Answer) -> Answer {
        match answer {
            Answer::Value(_) => {
                let value = self.old();
                Answer::Value(self.random.permille(700).then_some(value))
            }
            Answer::Flag(yes) => Answer::Flag(!yes),
            Answer::Number(number) => Answer::Number(number + 1 - self.random.below(3) as i64),
            Answer::List(answers) => {
                let mut answers = answers.clone();
                let at = self.random.index(answers.len());
                answers[at] = self.lie(&answers[at].clone());
                Answer::List(answers)
            }
            answer => answer.clone(),
        }
    }
}

/// A random history, and the order in which a store applied what took effect.
#[derive(Clone, Debug)]
pub(super) struct Made {
    pub(super) history: History,
    pub(super) order: Vec<Call>,
}

/// A store and its clients while a history is being made.
struct World {
    maker: Maker,
    shape: Shape,
    /// What the store held at every position.
    stores: Vec<Store>,
    /// How far the replica of each client is.
    lags_at: Vec<usize>,
    /// What was given up and may still happen.
    late: Vec<Call>,
    order: Vec<Call>,
    operations: Vec<Operation>,
    /// What the store answered to each operation, once it has.
    answers: Vec<Option<Answer>>,
    open: Vec<usize>,
    /// The process that each client is at present.
    processes: Vec<u64>,
    now: u64,
}

impl World {
    /// The open operations of a client, oldest first.
    fn open_of(&self, client: usize) -> Vec<usize> {
        let process = self.processes[client];
        let mine = |at: &usize| self.operations[*at].process == process;
        self.open.iter().copied().filter(mine).collect()
    }

    fn may_invoke(&self, client: usize) -> bool {
        let mine = self.open_of(client).len();
        let more = (self.operations.len() as u64) < self.shape.operations;
        more && (mine == 0 || (self.shape.pipelining && mine < 3))
    }

    fn invoke(&mut self, client: usize) {
        self.open.push(self.operations.len());
        self.operations.push(Operation {
            process: self.processes[client],
            call: self.maker.call(),
            invoked: self.now,
            completed: None,
            outcome: Outcome::Info,
            replica: None,
            position: None,
            line: 0,
        });
        self.answers.push(None);
    }

    /// Applies the client's oldest operation that has no answer yet; now and then the store forgets to.
    fn apply(&mut self, client: usize) {
        let mine = self.open_of(client);
        let Some(at) = mine.into_iter().find(|at| self.answers[*at].is_none()) else {
            return;
        };
        let call = self.operations[at].call.clone();
        if call.is_read() && !self.shape.ordered_reads {
            let last = self.order.len();
            let seen = &mut self.lags_at[client];
            let ahead = self.maker.random.index(last - *seen + 1);
            *seen = match self.shape.stale {
                true => *seen + ahead,
                false => last,
            };
            let mut store = self.stores[*seen].clone();
            self.answers[at] = Some(apply(&mut store, &call));
            self.operations[at].position = Some(*seen as u64);
        } else {
            self.answers[at] = Some(self.deliver(&call));
            self.lags_at[client] = self.order.len();
            self.operations[at].position = Some(self.order.len() as u64);
        }
    }

    /// Applies an entry; now and then the store forgets to.
    fn deliver(&mut self, call: &Call) -> Answer {
        let old = self.stores.last().cloned().unwrap_or_default();
        let mut new = old.clone();
        let answer = apply(&mut new, call);
        let forgets = self.maker.random.permille(self.shape.forgets);
        self.order.push(call.clone());
        self.stores.push(if forgets { old } else { new });
        answer
    }

    /// Completes the client's oldest operation, somehow.
    fn complete(&mut self, client: usize) {
        let Some(&at) = self.open_of(client).first() else {
            return;
        };
        let chance = self.maker.random.below(100);
        let Some(answer) = self.answers[at].clone() else {
            if chance < 4 {
                self.operations[at].outcome = Outcome::Fail;
                self.operations[at].completed = Some(self.now);
                self.open.retain(|other| *other != at);
            } else if chance < 14 {
                // It may have happened, or still happen, or not.
                if chance < 10 {
                    self.late.push(self.operations[at].call.clone());
                }
                self.answers[at] = Some(Answer::Unknown);
                self.operations[at].completed = (chance < 9).then_some(self.now);
                self.give_up(at, client);
            }
            return;
        };
        self.operations[at].completed = Some(self.now);
        self.operations[at].outcome = match answer {
            Answer::Error => Outcome::Fail,
            _ if chance < 10 => return self.give_up(at, client),
            _ if chance < 13 => Outcome::Ok(Answer::Unknown),
            answer => Outcome::Ok(answer),
        };
        self.open.retain(|other| *other != at);
    }

    /// Leaves an operation indeterminate. A client that does not pipeline goes on as another process.
    fn give_up(&mut self, at: usize, client: usize) {
        self.open.retain(|other| *other != at);
        if !self.shape.pipelining {
            self.processes[client] = 1 + self.processes.iter().max().unwrap_or(&0);
        }
    }
}

/// A random history of a store that applies each operation at some moment while it is open, or does not.
pub(super) fn make(seed: u64, shape: Shape) -> Made {
    let mut world = World {
        maker: Maker {
            random: Random::new(seed, HISTORIES),
            shape,
            written: 0,
        },
        shape,
        stores: vec![Store::new()],
        lags_at: vec![0; shape.processes as usize],
        late: Vec::new(),
        order: Vec::new(),
        operations: Vec::new(),
        answers: Vec::new(),
        open: Vec::new(),
        processes: (0..shape.processes).collect(),
        now: 0,
    };
    while (world.operations.len() as u64) < shape.operations || !world.open.is_empty() {
        world.now += world.maker.random.below(2);
        let client = world.maker.random.index(world.lags_at.len());
        match world.maker.random.below(3) {
            0 if world.may_invoke(client) => world.invoke(client),
            1 => world.apply(client),
            2 if world.maker.random.permille(300) => {
                if let Some(call) = world.late.pop() {
                    world.deliver(&call);
                }
            }
            _ => world.complete(client),
        }
    }
    let World {
        mut maker,
        mut operations,
        order,
        ..
    } = world;
    for operation in &mut operations {
        operation.position = operation.position.filter(|_| operation.is_ok());
        if maker.random.permille(shape.lies)
            && let Outcome::Ok(answer) = &operation.outcome
        {
            operation.outcome = Outcome::Ok(maker.lie(&answer.clone()));
        }
    }
    let history = History {
        operations,
        timed: true,
        ..History::default()
    };
    Made { history, order }
}

/// A shape for each seed, so that all kinds of histories come about.
pub(super) fn shape(seed: u64, operations: u64) -> Shape {
    let mut random = Random::new(seed, SHAPES);
    Shape {
        operations,
        processes: 1 + random.below(5),
        keys: 1 + random.index(3),
        pipelining: random.permille(500),
        lies: random.pick(&[0, 0, 100, 300]),
        forgets: random.pick(&[0, 0, 50, 200]),
        ordered_reads: random.permille(400),
        stale: random.permille(400),
        unique: random.permille(500),
    }
}
