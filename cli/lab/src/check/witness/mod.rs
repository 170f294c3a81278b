//! Checking a history with the replicas' order as witness: nearly linear, and the witness is not trusted.
//!
//! A "yes" is as good as one of the search, because it is built the same way: the order, with each read put
//! in behind the position that it names, is an order of the operations that satisfies the model. What has to
//! hold for that:
//!
//! 1. The replicas' orders agree.
//! 2. Each ok write claims the position of a call like its own, and no position is claimed twice. A read
//!    names the position behind which it looked; if its own call stands there, it is an ordered read.
//! 3. Positions never fall in the program order of a process, and rise at a write. For linearizable they never
//!    fall in real time either: what was completed before something was invoked has no higher position.
//! 4. Every answer is what the store answers when the order is replayed.
//! 5. What nobody claims was asked for by a distinct indeterminate operation (invoked early enough), or is one
//!    that failed and whose replay changes nothing: a read, an error, or a transaction that a WATCH stopped. Else
//!    it is an effect that nobody asked for. What a transaction watches is part of its entry, so the replay
//!    decides whether it is stopped, and a transaction that says that it succeeded must not be.
//! 6. What each replica held in the end, where that is on record, is what its order leaves.
//!
//! Operations without a position, as in a history that was recorded without `--witness`, are put where they
//! fit: a read behind the first position that gives its answers, a write at the first unclaimed entry like it.
//! For reads that is as good as any other choice; where a write had a choice, a "no" is only "unknown".

mod calls;
mod effects;
mod place;
mod watches;

use super::describe;
use super::model::Mismatch;
use super::orders::Order;
use super::problem::{Compiler, Op};
use super::replay::Replay;
use super::verdict::{Blame, CounterExample, Kind, Verdict};
use crate::history::{Answer, Call, History};
use holdback::command::{self, lookup};
use holdback::consistency::Consistency;
use std::collections::{HashMap, VecDeque};

use calls::{normal, plain, same_call};

/// Whether a history satisfies an ordered model, with the orders of the replicas as witness.
#[must_use]
pub fn witness_of(history: &History, order: &Order, model: Consistency) -> Verdict {
    if model == Consistency::Eventual {
        return Verdict::Unknown("the eventual model has no order that could be a witness".into());
    }
    match Witness::new(history, order, model).check() {
        Ok(()) => Verdict::Yes,
        Err(verdict) => verdict,
    }
}

/// An entry of the order, as it concerns the history.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Claim {
    Free,
    /// By this operation of the history.
    By(usize),
    /// A read, or something else that changes nothing, and that histories have no name for.
    Harmless,
}

impl Claim {
    fn by(&self) -> Option<usize> {
        match self {
            Self::By(at) => Some(*at),
            Self::Free | Self::Harmless => None,
        }
    }
}

struct Witness<'a> {
    history: &'a History,
    order: &'a Order,
    model: Consistency,
    compiler: Compiler,
    claims: Vec<Claim>,
    /// The positions at which operations of the history took effect or were read.
    positions: Vec<Option<u64>>,
    replay: Replay,
    /// Of each entry, whether its replay was an error as a whole, or stopped by a WATCH.
    errors: Vec<bool>,
    /// The transactions that a WATCH stopped: their positions, and why in words.
    stopped: HashMap<u64, String>,
    /// The position before the first entry.
    base: u64,
    /// How many keys the history names.
    keys: usize,
    /// Whether an operation without position had a choice.
    had_choice: bool,
}

/// The entries that no write claims, by call.
struct Free {
    numbers: HashMap<Call, usize>,
    /// Their positions, rising.
    entries: Vec<VecDeque<u64>>,
}

impl Free {
    fn number(&self, call: &Call) -> Option<usize> {
        self.numbers.get(&*plain(call)).copied()
    }
}

impl<'a> Witness<'a> {
    fn new(history: &'a History, order: &'a Order, model: Consistency) -> Self {
        let compiler = Compiler::of(history);
        Self {
            history,
            order,
            model,
            base: order.base(),
            keys: compiler.problem.key_names.len(),
            compiler,
            claims: vec![Claim::Free; order.entries.len()],
            positions: vec![None; history.operations.len()],
            replay: Replay::default(),
            errors: Vec::with_capacity(order.entries.len()),
            stopped: HashMap::new(),
            had_choice: false,
        }
    }

    fn check(mut self) -> Result<(), Verdict> {
        self.orders_agree()?;
        let calls = self.calls()?;
        self.claim_writes(&calls)?;
        let mut free = self.free_entries(&calls);
        self.replay_all(&calls);
        self.place(&calls, &mut free)?;
        self.effects_were_asked_for(&calls, &free)?;
        self.final_data()
    }

    fn orders_agree(&self) -> Result<(), Verdict> {
        if let Some(found) = &self.order.disagreement {
            let side = |(replica, entry): &(u64, crate::order::Entry)| {
                let (position, stamp) = (entry.position, &entry.stamp);
                let line = describe::entry(entry);
                format!("replica {replica} delivered `{line}` ({stamp}) at position {position}")
            };
            let words = format!("{}, and {}", side(&found.one), side(&found.other));
            let positions = vec![found.one.1.position];
            return Err(self.no(Kind::OrdersDiffer, vec![], positions, words));
        }
        match &self.order.incomplete {
            Some(why) => Err(Verdict::Unknown(why.clone())),
            None => Ok(()),
        }
    }

    /// The call that each entry is; none if it is harmless.
    fn calls(&mut self) -> Result<Vec<Option<Call>>, Verdict> {
        let mut calls = Vec::with_capacity(self.order.entries.len());
        for (entry, claim) in self.order.entries.iter().zip(&mut self.claims) {
            let call = Call::of_commands(&entry.commands).map(normal);
            if call.is_none() {
                let writes = |words: &Vec<Vec<u8>>| {
                    let spec = words.first().and_then(|name| lookup(name));
                    spec.is_none_or(|spec| spec.kind == command::Kind::Write)
                };
                if entry.commands.iter().any(writes) {
                    return Err(Verdict::Unknown(format!(
                        "position {} is `{}`, which histories have no name for",
                        entry.position,
                        describe::entry(entry)
                    )));
                }
                *claim = Claim::Harmless;
            }
            calls.push(call);
        }
        Ok(calls)
    }

    fn claim_writes(&mut self, calls: &[Option<Call>]) -> Result<(), Verdict> {
        for (at, operation) in self.history.operations.iter().enumerate() {
            let (true, Some(position)) = (operation.is_ok(), operation.position) else {
                continue;
            };
            // From here on positions count from the first entry.
            let Some(position) = position.checked_sub(self.base) else {
                return Err(self.out_of_range(at, position));
            };
            self.positions[at] = Some(position);
            if operation.call.is_read() {
                if position > calls.len() as u64 {
                    return Err(self.out_of_range(at, position + self.base));
                }
                continue;
            }
            let index = (position as usize).wrapping_sub(1);
            let Some(entry) = calls.get(index) else {
                return Err(self.out_of_range(at, position + self.base));
            };
            let same = |entry: &Call| same_call(entry, &operation.call);
            if !entry.as_ref().is_some_and(same) {
                let words = format!(
                    "{} says that it took effect at position {position}, and there the order has `{}`",
                    describe::operation(self.history, at),
                    describe::entry(&self.order.entries[index])
                );
                return Err(self.no(Kind::NotTheOrder, vec![at], vec![position], words));
            }
            if let Claim::By(other) = self.claims[index] {
                let words = format!(
                    "{} and {} both say that they are position {position}",
                    describe::operation(self.history, other),
                    describe::operation(self.history, at)
                );
                return Err(self.no(Kind::NotTheOrder, vec![other, at], vec![position], words));
            }
            self.claims[index] = Claim::By(at);
        }
        Ok(())
    }

    fn out_of_range(&self, at: usize, position: u64) -> Verdict {
        let last = self.base + self.order.entries.len() as u64;
        let words = format!(
            "{} says that it is at position {position}, and the order on record is {} to {last}",
            describe::operation(self.history, at),
            self.base + 1,
        );
        self.no(Kind::NotTheOrder, vec![at], vec![], words)
    }

    fn free_entries(&self, calls: &[Option<Call>]) -> Free {
        let mut free = Free {
            numbers: HashMap::new(),
            entries: Vec::new(),
        };
        for ((call, claim), position) in calls.iter().zip(&self.claims).zip(1..) {
            let (Some(call), Claim::Free) = (call, claim) else {
                continue;
            };
            let next = free.numbers.len();
            let number = *free.numbers.entry(call.clone()).or_insert(next);
            if number == next {
                free.entries.push(VecDeque::new());
            }
            free.entries[number].push_back(position);
        }
        free
    }

    /// Delivers all entries.
    fn replay_all(&mut self, calls: &[Option<Call>]) {
        let mut parts = Vec::new();
        for ((call, entry), position) in calls.iter().zip(&self.order.entries).zip(1..) {
            let stopped = self.stopped_by(entry);
            let Some(call) = call.as_ref().filter(|_| stopped.is_none()) else {
                self.replay.skip();
                self.errors.push(true);
                self.stopped.extend(stopped.map(|why| (position, why)));
                continue;
            };
            parts.clear();
            self.compiler.compile(call, &Answer::Unknown, &mut parts);
            let values = &mut self.compiler.problem.values;
            self.errors.push(self.replay.deliver(&parts, values));
        }
    }

    /// Whether an operation's answers are those that the store gives behind a position.
    fn fits(&mut self, op: Op, position: u64) -> Result<(), Mismatch> {
        let problem = &mut self.compiler.problem;
        let held = |key| self.replay.at(key, position).0;
        problem.take_all(op, held)
    }

    fn no(
        &self,
        kind: Kind,
        operations: Vec<usize>,
        positions: Vec<u64>,
        words: String,
    ) -> Verdict {
        let begins_known = self.base == 0 || self.history.begins_empty_at() == Some(self.base);
        if !begins_known && kind != Kind::OrdersDiffer {
            return Verdict::Unknown(format!(
                "the order begins at position {}; what came before can be the reason that, counting from \
                 there, {words}",
                self.base + 1
            ));
        }
        if self.had_choice && kind == Kind::NotTheOrder {
            return Verdict::Unknown(format!(
                "not every operation has a position, and put where they fit first: {words}"
            ));
        }
        Verdict::No(Box::new(CounterExample {
            positions,
            blame: Blame::HistoryAndOrder,
            ..CounterExample::new(self.model, kind, operations, words)
        }))
    }
}
