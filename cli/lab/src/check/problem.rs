//! A history made ready for searching: calls as parts, words as numbers, program order as links.

use super::hash::QuickMap;
use super::lists::Lists;
use super::model::{Act, Key, Mismatch, Part, Reply, take_all};
use super::values::{ABSENT, Value, Values};
use crate::history::{Answer, Call, History, Moment, Operation, Outcome, Word};
use std::collections::HashMap;
use std::ops::{Index, Range};

/// An operation of a [`Problem`]: its number.
pub(super) type Op = u32;

/// One operation, without what is in the problem's tables.
#[derive(Clone, Debug)]
pub(super) struct Compiled {
    /// Its place in the history.
    pub(super) source: usize,
    pub(super) process: u64,
    pub(super) invoked: Moment,
    /// The moment by which it must have taken effect; the greatest of all if it need not.
    pub(super) deadline: Moment,
    /// Whether it certainly happened.
    pub(super) is_ok: bool,
    /// Whether it is a transaction, in which a part can be an error.
    pub(super) in_transaction: bool,
    /// Whether it can change nothing, given its answer.
    pub(super) changes_nothing: bool,
    /// The operation of the same process that must precede it: the last one before that is ok. What is
    /// indeterminate has left the program order for those behind it.
    pub(super) before: Option<Op>,
    /// Whether `before` may be open when this one is invoked, so that real time does not order them.
    pub(super) overlaps: bool,
}

/// What has to be put into an order: all operations of a history but those that failed.
#[derive(Clone, Debug, Default)]
pub(super) struct Problem {
    pub(super) operations: Vec<Compiled>,
    pub(super) values: Values,
    pub(super) key_names: Vec<Word>,
    /// Of each operation its parts, and the distinct keys that it touches.
    parts: Lists<Part>,
    keys: Lists<Key>,
}

impl Index<Op> for Problem {
    type Output = Compiled;

    fn index(&self, op: Op) -> &Compiled {
        &self.operations[op as usize]
    }
}

impl Problem {
    /// Compiles a history.
    pub(super) fn new(history: &History) -> Self {
        Compiler::of(history).problem
    }

    pub(super) fn parts(&self, op: Op) -> &[Part] {
        &self.parts[op]
    }

    /// The distinct keys that it touches.
    pub(super) fn keys(&self, op: Op) -> &[Key] {
        &self.keys[op]
    }

    /// Its keys, each with its place in the table of all keys. Each place there belongs to one operation.
    pub(super) fn key_places(&self, op: Op) -> impl DoubleEndedIterator<Item = (Key, usize)> {
        let places = self.keys.places(op);
        places.map(|place| (self.keys.all()[place], place))
    }

    pub(super) fn key_places_count(&self) -> usize {
        self.keys.all().len()
    }

    /// Whether an operation's answers are those of the model, on what keys hold.
    pub(super) fn take_all(&mut self, op: Op, held: impl Fn(Key) -> Value) -> Result<(), Mismatch> {
        let in_transaction = self[op].in_transaction;
        let (parts, values) = (&self.parts[op], &mut self.values);
        take_all(parts, in_transaction, values, held, &mut Vec::new())
    }

    /// The operations that touch a key. An empty transaction touches none, and is in order anywhere.
    pub(super) fn ops_with_keys(&self) -> Vec<Op> {
        let touches = |op: &Op| !self.keys(*op).is_empty();
        self.ops().filter(touches).collect()
    }

    /// The places of operations in the history.
    pub(super) fn sources(&self, operations: impl IntoIterator<Item = Op>) -> Vec<usize> {
        operations.into_iter().map(|op| self[op].source).collect()
    }

    pub(super) fn ops(&self) -> Range<Op> {
        0..self.operations.len() as Op
    }
}

/// Turns words into numbers and calls into parts.
#[derive(Debug, Default)]
pub(super) struct Compiler {
    pub(super) problem: Problem,
    key_numbers: HashMap<Word, Key>,
}

impl Compiler {
    /// Compiles a history, and stays to compile more calls.
    pub(super) fn of(history: &History) -> Self {
        let mut compiler = Self::default();
        let mut last_ok: HashMap<u64, Op> = HashMap::new();
        for (source, operation) in history.operations.iter().enumerate() {
            if operation.outcome == Outcome::Fail {
                continue;
            }
            let number = compiler.problem.operations.len() as Op;
            let before = last_ok.get(&operation.process).copied();
            compiler.add(source, operation, before);
            // An empty transaction is in order anywhere and orders nothing.
            if operation.is_ok() && !compiler.problem.keys(number).is_empty() {
                last_ok.insert(operation.process, number);
            }
        }
        compiler
    }

    fn add(&mut self, source: usize, operation: &Operation, before: Option<Op>) {
        let answer = match &operation.outcome {
            Outcome::Ok(answer) => answer,
            Outcome::Fail | Outcome::Info => &Answer::Unknown,
        };
        let mut parts = Vec::new();
        self.compile(&operation.call, answer, &mut parts);
        let mut keys: Vec<Key> = Vec::new();
        for part in &parts {
            if !keys.contains(&part.key) {
                keys.push(part.key);
            }
        }
        let deadline_before = before.map(|before| self.problem[before].deadline);
        self.problem.operations.push(Compiled {
            source,
            process: operation.process,
            invoked: operation.invoked,
            deadline: operation.deadline(),
            is_ok: operation.is_ok(),
            in_transaction: matches!(operation.call, Call::Txn(_)),
            changes_nothing: parts.iter().all(Part::changes_nothing),
            before,
            overlaps: deadline_before.is_some_and(|deadline| deadline >= operation.invoked),
        });
        self.problem.parts.push(parts);
        self.problem.keys.push(keys);
    }

    /// Appends the parts of a call with its answer.
    pub(super) fn compile(&mut self, call: &Call, answer: &Answer, parts: &mut Vec<Part>) {
        // The answer to a part of a call that has so many; `otherwise` if there is none.
        let answer_at = |at: usize, count: usize, otherwise| match answer {
            Answer::List(answers) if answers.len() == count => &answers[at],
            Answer::Unknown => answer,
            _ => otherwise,
        };
        match call {
            Call::Mget(keys) => {
                for (at, key) in keys.iter().enumerate() {
                    let answer = answer_at(at, keys.len(), &Answer::Done);
                    self.compile(&Call::Get(key.clone()), answer, parts);
                }
            }
            Call::Mset(pairs) => {
                let reply = match answer {
                    Answer::Done => Reply::Done,
                    Answer::Unknown => Reply::Any,
                    _ => Reply::Nonsense,
                };
                for (key, value) in pairs {
                    let (key, act) = (self.key(key), Act::Set(self.value(value)));
                    parts.push(Part { key, act, reply });
                }
            }
            Call::Txn(calls) => {
                for (at, call) in calls.iter().enumerate() {
                    let answer = answer_at(at, calls.len(), &Answer::Error);
                    self.compile(call, answer, parts);
                }
            }
            call => {
                let reply = self.reply(call, answer);
                if let Some((key, act)) = self.act(call) {
                    parts.push(Part { key, act, reply });
                }
            }
        }
    }

    /// What a call of one part does, and to which key.
    fn act(&mut self, call: &Call) -> Option<(Key, Act)> {
        let (key, act) = match call {
            Call::Get(key) => (key, Act::Get),
            Call::Set(key, value) => (key, Act::Set(self.value(value))),
            Call::SetNx(key, value) => (key, Act::SetNx(self.value(value))),
            Call::GetSet(key, value) => (key, Act::GetSet(self.value(value))),
            Call::Cas(key, old, new) => (key, Act::Cas(self.value(old), self.value(new))),
            Call::Incr(key) => (key, Act::Incr),
            Call::Append(key, value) => (key, Act::Append(self.value(value))),
            Call::Del(key) => (key, Act::Del),
            Call::Mget(_) | Call::Mset(_) | Call::Txn(_) => return None,
        };
        Some((self.key(key), act))
    }

    fn reply(&mut self, call: &Call, answer: &Answer) -> Reply {
        match (call, answer) {
            (_, Answer::Unknown) => Reply::Any,
            (_, Answer::Error) => Reply::Error,
            (Call::Set(..), Answer::Done) => Reply::Done,
            (Call::Get(_) | Call::GetSet(..), Answer::Value(None)) => Reply::Value(ABSENT),
            (Call::Get(_) | Call::GetSet(..), Answer::Value(Some(value))) => {
                Reply::Value(self.value(value))
            }
            (Call::SetNx(..) | Call::Cas(..) | Call::Del(_), Answer::Flag(yes)) => {
                Reply::Flag(*yes)
            }
            (Call::Incr(_) | Call::Append(..), Answer::Number(number)) => Reply::Number(*number),
            _ => Reply::Nonsense,
        }
    }

    pub(super) fn key(&mut self, name: &[u8]) -> Key {
        if let Some(&key) = self.key_numbers.get(name) {
            return key;
        }
        let key = Key(self.problem.key_names.len() as u32);
        self.problem.key_names.push(name.to_vec());
        self.key_numbers.insert(name.to_vec(), key);
        key
    }

    pub(super) fn value(&mut self, bytes: &[u8]) -> Value {
        self.problem.values.intern(bytes)
    }
}

/// Splits a problem into groups of operations that no key and no program order inside real time connects.
///
/// Linearizability is local: if each object alone has an order that keeps real time, there is one for all. An
/// operation on several keys makes one object of them. So does a process that has operations on different
/// keys open at once, whose program order real time does not imply: it is a constraint that crosses keys, for
/// which locality does not hold.
pub(super) fn groups(problem: &Problem) -> Vec<Vec<Op>> {
    let mut roots: Vec<u32> = (0..problem.key_names.len() as u32).collect();
    fn root(roots: &mut [u32], mut key: u32) -> u32 {
        while roots[key as usize] != key {
            roots[key as usize] = roots[roots[key as usize] as usize];
            key = roots[key as usize];
        }
        key
    }
    let mut join = |a: Key, b: Key| {
        let (a, b) = (root(&mut roots, a.0), root(&mut roots, b.0));
        roots[a as usize] = b;
    };
    for op in problem.ops() {
        let compiled = &problem[op];
        let keys = problem.keys(op);
        keys.windows(2).for_each(|pair| join(pair[0], pair[1]));
        if let (true, Some(before), Some(&key)) = (compiled.overlaps, compiled.before, keys.first())
        {
            let other = problem.keys(before).first();
            other.into_iter().for_each(|&other| join(key, other));
        }
    }
    let mut numbers: QuickMap<u32, usize> = QuickMap::default();
    let mut groups: Vec<Vec<Op>> = Vec::new();
    for op in problem.ops_with_keys() {
        let key = problem.keys(op)[0];
        let number = *numbers.entry(root(&mut roots, key.0)).or_insert_with(|| {
            groups.push(Vec::new());
            groups.len() - 1
        });
        groups[number].push(op);
    }
    groups
}
