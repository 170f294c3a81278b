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
//!    that failed and whose replay changes nothing: a read, or an error. Else it is an effect that nobody asked
//!    for. A transaction that failed may have been aborted by WATCH, which is not part of an order's line: it
//!    is replayed as changing nothing, and if that is not what happened, reads that saw its effect show it.
//! 6. What each replica held in the end, where that is on record, is what its order leaves.
//!
//! Operations without a position, as in a history that was recorded without `--witness`, are put where they
//! fit: a read behind the first position that gives its answers, a write at the first unclaimed entry like it.
//! For reads that is as good as any other choice; where a write had a choice, a "no" is only "unknown".

use super::describe;
use super::model::Part;
use super::orders::{Order, OrderOfReplica};
use super::problem::{Compiler, Op};
use super::replay::Replay;
use super::verdict::{Blame, CounterExample, Kind, Verdict};
use crate::history::{Answer, Call, History, Operation, Outcome};
use holdback::consistency::Consistency;
use holdback::protocol::command::{self, lookup};
use std::borrow::Cow;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap, HashSet, VecDeque};

/// Whether a history satisfies an ordered model, with the orders of the replicas as witness.
#[must_use]
pub fn witness(history: &History, orders: &[OrderOfReplica], model: Consistency) -> Verdict {
    witness_of(history, &Order::of(orders), model)
}

/// As [`witness`], with orders that were brought together before.
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
    /// Of each entry, whether its replay was an error as a whole.
    errors: Vec<bool>,
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
            had_choice: false,
        }
    }

    fn check(mut self) -> Result<(), Verdict> {
        self.orders_agree()?;
        let calls = self.calls()?;
        self.claim_writes(&calls)?;
        let mut free = self.free_entries(&calls);
        self.replay_all(&calls, &free);
        self.place(&calls, &mut free)?;
        self.effects_were_asked_for(&calls, &free)?;
        self.final_data()
    }

    fn orders_agree(&self) -> Result<(), Verdict> {
        if let Some(found) = &self.order.disagreement {
            let side = |(replica, entry): &(u64, crate::order::Entry)| {
                let (position, stamp) = (entry.position, &entry.stamp);
                let line = describe::shorten(&entry.line());
                format!("replica {replica} delivered `{line}` ({stamp}) at position {position}")
            };
            let words = format!("{}, and {}", side(&found.one), side(&found.other));
            return Err(self.no(
                Kind::OrdersDiffer,
                vec![],
                vec![found.one.1.position],
                words,
            ));
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
                        describe::shorten(&entry.line())
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
            let index = usize::try_from(position)
                .ok()
                .and_then(|p| p.checked_sub(1));
            let entry = index.and_then(|index| calls.get(index));
            if operation.call.is_read() {
                if position > calls.len() as u64 {
                    return Err(self.out_of_range(at, position + self.base));
                }
                continue;
            }
            let (Some(index), Some(entry)) = (index, entry) else {
                return Err(self.out_of_range(at, position + self.base));
            };
            if !entry
                .as_ref()
                .is_some_and(|entry| same_call(entry, &operation.call))
            {
                let words = format!(
                    "{} says that it took effect at position {position}, and there the order has `{}`",
                    describe::operation(self.history, at),
                    describe::shorten(&self.order.entries[index].line())
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
            let number = free.numbers.get(call).copied().unwrap_or_else(|| {
                free.entries.push(VecDeque::new());
                free.numbers.insert(call.clone(), free.entries.len() - 1);
                free.entries.len() - 1
            });
            free.entries[number].push_back(position);
        }
        free
    }

    /// Delivers all entries.
    fn replay_all(&mut self, calls: &[Option<Call>], free: &Free) {
        let aborted = self.aborted(free);
        let mut parts = Vec::new();
        for (call, index) in calls.iter().zip(0..) {
            let Some(call) = call.as_ref().filter(|_| !aborted.contains(&(index + 1))) else {
                self.replay.skip();
                self.errors.push(true);
                continue;
            };
            parts.clear();
            self.compiler.compile(call, &Answer::Unknown, &mut parts);
            let values = &mut self.compiler.problem.values;
            self.errors.push(self.replay.deliver(&parts, values));
        }
    }

    /// The free entries that are transactions of which nothing is on record but that they failed.
    fn aborted(&self, free: &Free) -> HashSet<u64> {
        let mut certain: HashMap<usize, (usize, bool)> = HashMap::new();
        for operation in &self.history.operations {
            let Some(number) = free.number(&operation.call) else {
                continue;
            };
            let (failed, only_failed) = certain.entry(number).or_insert((0, true));
            match operation.outcome {
                Outcome::Fail if matches!(operation.call, Call::Txn(_)) => *failed += 1,
                Outcome::Ok(_) if operation.position.is_some() => {}
                _ => *only_failed = false,
            }
        }
        let certain = certain
            .into_iter()
            .filter(|(_, (_, only_failed))| *only_failed);
        certain
            .flat_map(|(number, (failed, _))| free.entries[number].iter().copied().take(failed))
            .collect()
    }

    /// Goes through all operations in the order of their invocations: positions must rise, answers must fit.
    /// What has no position gets one. Afterwards indeterminate operations are matched with free entries.
    fn place(&mut self, calls: &[Option<Call>], free: &mut Free) -> Result<(), Verdict> {
        let mut completed: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        // The highest position of what was completed by now, and whose it is.
        let mut reached: Option<(u64, usize)> = None;
        let mut uncertain: Vec<(u64, usize)> = Vec::new();
        for op in self.compiler.problem.ops() {
            let compiled = &self.compiler.problem.operations[op as usize];
            let (at, invoked, deadline) = (compiled.source, compiled.invoked, compiled.deadline);
            let before = compiled.before;
            if self.model == Consistency::Linearizable {
                while let Some(&Reverse((moment, earlier))) = completed.peek()
                    && moment < invoked
                {
                    completed.pop();
                    reached =
                        reached.max(self.positions[earlier].map(|position| (position, earlier)));
                }
            }
            let before =
                before.map(|before| self.compiler.problem.operations[before as usize].source);
            let before = before.and_then(|before| Some((self.positions[before]?, before)));
            let bound = reached.max(before);
            if !compiled.is_ok {
                uncertain.push((bound.map_or(0, |(position, _)| position), at));
                continue;
            }
            match self.positions[at] {
                Some(position) => {
                    if let Some((earlier, other)) = bound {
                        self.rises(other, earlier, at, position, before.map(|(_, at)| at))?;
                    }
                    self.answer_fits(op, at, position)?;
                }
                None => self.find_place(op, at, bound.map_or(0, |(position, _)| position), free)?,
            }
            self.claim_read(at, calls, before.map(|(position, _)| position));
            completed.push(Reverse((deadline, at)));
        }
        self.match_uncertain(uncertain, free);
        Ok(())
    }

    /// Checks that an operation's position fits behind that of an earlier one.
    fn rises(
        &self,
        earlier: usize,
        earlier_position: u64,
        later: usize,
        position: u64,
        before: Option<usize>,
    ) -> Result<(), Verdict> {
        let is_read = self.history.operations[later].call.is_read();
        if earlier_position < position || (is_read && earlier_position == position) {
            return Ok(());
        }
        let link = if before == Some(earlier) {
            "comes before it in the program order of the same process"
        } else {
            "was completed before it was invoked"
        };
        let words = format!(
            "{} is at position {position}, and {}, which {link}, is at position {earlier_position}",
            describe::operation(self.history, later),
            describe::operation(self.history, earlier)
        );
        let positions = vec![position, earlier_position];
        Err(self.no(Kind::NotTheOrder, vec![earlier, later], positions, words))
    }

    fn answer_fits(&mut self, op: Op, at: usize, position: u64) -> Result<(), Verdict> {
        let behind = self.looks_behind(at, position);
        let problem = &mut self.compiler.problem;
        let parts: Vec<Part> = problem.parts(op).to_vec();
        let in_transaction = problem.operations[op as usize].in_transaction;
        let fits = self
            .replay
            .fits(&parts, in_transaction, behind, &mut problem.values);
        let Err(mismatch) = fits else {
            return Ok(());
        };
        let part = parts[mismatch.part];
        let (held, writer) = self.replay.at(part.key, behind);
        let values = &self.compiler.problem.values;
        let key = holdback::protocol::inline::quote_all([self.compiler.problem.key_names
            [part.key.0 as usize]
            .as_slice()]);
        let wrote = match usize::try_from(writer)
            .ok()
            .and_then(|at| at.checked_sub(1))
        {
            Some(index) => format!(
                " since position {writer}, `{}`",
                describe::shorten(&self.order.entries[index].line())
            ),
            None => String::new(),
        };
        let words = format!(
            "{} is at position {position}, and the order answers {}: there `{key}` holds {}{wrote}",
            describe::operation(self.history, at),
            describe::reply(values, mismatch.right),
            describe::value(values, held),
        );
        let mut operations: Vec<usize> = vec![at];
        if let Some(Claim::By(other)) = self.claims.get((writer as usize).wrapping_sub(1)) {
            operations.push(*other);
        }
        Err(self.no(Kind::NotTheOrder, operations, vec![writer, position], words))
    }

    /// The position behind which an operation found the store.
    fn looks_behind(&self, at: usize, position: u64) -> u64 {
        if self.history.operations[at].call.is_read() {
            position
        } else {
            position.saturating_sub(1)
        }
    }

    /// Finds a place for an operation that has no position.
    fn find_place(
        &mut self,
        op: Op,
        at: usize,
        bound: u64,
        free: &mut Free,
    ) -> Result<(), Verdict> {
        let operation = &self.history.operations[at];
        let problem = &mut self.compiler.problem;
        let parts: Vec<Part> = problem.parts(op).to_vec();
        let in_transaction = problem.operations[op as usize].in_transaction;
        let values = &mut problem.values;
        if operation.call.is_read() {
            let keys: Vec<_> = parts.iter().map(|part| part.key).collect();
            let mut candidate = Some(bound);
            while let Some(position) = candidate {
                if self
                    .replay
                    .fits(&parts, in_transaction, position, values)
                    .is_ok()
                {
                    self.positions[at] = Some(position);
                    return Ok(());
                }
                candidate = self.replay.next_change(&keys, position);
            }
        } else if let Some(number) = free.number(&operation.call) {
            let entries = &mut free.entries[number];
            let fitting = entries.iter().enumerate().filter(|(_, position)| {
                let behind = **position - 1;
                **position > bound
                    && self
                        .replay
                        .fits(&parts, in_transaction, behind, values)
                        .is_ok()
            });
            let fitting: Vec<usize> = fitting.map(|(index, _)| index).take(2).collect();
            self.had_choice |= fitting.len() > 1;
            let first = fitting.first();
            if let Some(position) = first.and_then(|index| entries.remove(*index)) {
                self.positions[at] = Some(position);
                self.claims[position as usize - 1] = Claim::By(at);
                return Ok(());
            }
        }
        let words = format!(
            "{} happened at no position of the order behind {bound}, where it can have happened",
            describe::operation(self.history, at)
        );
        Err(self.no(Kind::NotTheOrder, vec![at], vec![], words))
    }

    /// Lets a read claim its own entry, if it is an ordered read.
    fn claim_read(&mut self, at: usize, calls: &[Option<Call>], before: Option<u64>) {
        let operation = &self.history.operations[at];
        let Some(position) = self.positions[at].filter(|_| operation.call.is_read()) else {
            return;
        };
        let Some(index) = (position as usize).checked_sub(1) else {
            return;
        };
        let own = calls[index]
            .as_ref()
            .is_some_and(|call| same_call(call, &operation.call));
        if own && self.claims[index] == Claim::Free && before.is_none_or(|before| before < position)
        {
            self.claims[index] = Claim::By(at);
        }
    }

    /// Matches indeterminate operations with free entries: each with one behind all that preceded it. Of
    /// those that do the same, whoever can take an earlier entry can take a later one too, so in the order of
    /// positions any will do.
    fn match_uncertain(&mut self, mut uncertain: Vec<(u64, usize)>, free: &mut Free) {
        uncertain.sort_unstable();
        let mut waiting: HashMap<usize, VecDeque<(u64, usize)>> = HashMap::new();
        for (bound, at) in uncertain {
            if let Some(number) = free.number(&self.history.operations[at].call) {
                waiting.entry(number).or_default().push_back((bound, at));
            }
        }
        for (number, mut operations) in waiting {
            for &position in &free.entries[number] {
                let claim = &mut self.claims[position as usize - 1];
                let fits = *claim == Claim::Free
                    && operations
                        .front()
                        .is_some_and(|(bound, _)| *bound < position);
                if let (true, Some((_, at))) = (fits, operations.pop_front_if(|_| fits)) {
                    *claim = Claim::By(at);
                    self.positions[at] = Some(position);
                }
            }
        }
    }

    /// What is still free must be of operations that failed, and change nothing.
    fn effects_were_asked_for(
        &mut self,
        calls: &[Option<Call>],
        free: &Free,
    ) -> Result<(), Verdict> {
        // Reads without a position were put where they fit, which need not be where they stand.
        let placed: HashSet<usize> = self.claims.iter().filter_map(Claim::by).collect();
        let mut asked: HashMap<usize, Vec<usize>> = HashMap::new();
        for (at, operation) in self.history.operations.iter().enumerate() {
            let is_roaming = operation.is_ok()
                && operation.position.is_none()
                && operation.call.is_read()
                && !placed.contains(&at);
            if (operation.outcome == Outcome::Fail || is_roaming)
                && let Some(number) = free.number(&operation.call)
            {
                asked.entry(number).or_default().push(at);
            }
        }
        let mut left: Vec<u64> = free.entries.iter().flatten().copied().collect();
        left.sort_unstable();
        for position in left {
            let index = position as usize - 1;
            let (Some(call), Claim::Free) = (&calls[index], &self.claims[index]) else {
                continue;
            };
            let like_it = free.number(call).and_then(|number| asked.get_mut(&number));
            let by = like_it
                .as_ref()
                .and_then(|operations| operations.last().copied());
            let line = describe::shorten(&self.order.entries[index].line());
            let words = match by {
                Some(_) if call.is_read() || self.errors[index] => {
                    like_it.and_then(Vec::pop);
                    continue;
                }
                Some(at) => format!(
                    "{} certainly did not happen, and position {position} is `{line}`",
                    describe::operation(self.history, at)
                ),
                None => format!("position {position} is `{line}`, an effect that nobody asked for"),
            };
            let operations = by.into_iter().collect();
            return Err(self.no(Kind::NotTheOrder, operations, vec![position], words));
        }
        Ok(())
    }

    /// What each replica held in the end must be what its order leaves.
    fn final_data(&mut self) -> Result<(), Verdict> {
        for last in &self.history.finals {
            let mut reached = self.order.reached.iter();
            let Some(&(replica, position)) = reached.find(|(id, _)| *id == last.replica) else {
                continue;
            };
            let names = self.compiler.problem.key_names[..self.keys].to_vec();
            for name in names {
                let key = self.compiler.key(&name);
                let (held, _) = self.replay.at(key, position.saturating_sub(self.base));
                let values = &self.compiler.problem.values;
                let recorded = last.store.get(&name);
                let same = match recorded {
                    None => held == super::values::ABSENT,
                    Some(bytes) => held != super::values::ABSENT && values.bytes(held) == *bytes,
                };
                if !same {
                    let recorded = recorded.map_or("nil".to_owned(), |bytes| {
                        describe::shorten(&holdback::protocol::inline::quote_all(
                            [bytes.as_slice()],
                        ))
                    });
                    let words = format!(
                        "in the end `{}` is {recorded} at replica {replica}, and its order \
                         up to position {position} leaves {}",
                        String::from_utf8_lossy(&name),
                        describe::value(values, held)
                    );
                    return Err(self.no(Kind::NotConverged, vec![], vec![], words));
                }
            }
        }
        Ok(())
    }

    fn no(
        &self,
        kind: Kind,
        mut operations: Vec<usize>,
        positions: Vec<u64>,
        words: String,
    ) -> Verdict {
        if self.base > 0 && kind != Kind::OrdersDiffer {
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
        operations.sort_unstable();
        operations.dedup();
        Verdict::No(Box::new(CounterExample {
            model: self.model,
            kind,
            operations,
            words,
            positions,
            is_minimal: true,
            blame: Blame::HistoryAndOrder,
        }))
    }
}

/// A call as it stands in an order: a transaction of one command is that command.
fn plain(call: &Call) -> Cow<'_, Call> {
    match call {
        Call::Txn(calls) if calls.len() == 1 => plain(&calls[0]),
        Call::Mset(_) | Call::Txn(_) => Cow::Owned(normal(call.clone())),
        call => Cow::Borrowed(call),
    }
}

/// A call with the pairs of MSET sorted, because histories do not keep their sequence. Of a key that stands
/// there twice the last value counts.
fn normal(call: Call) -> Call {
    match call {
        Call::Mset(pairs) => {
            let sorted: BTreeMap<_, _> = pairs.into_iter().collect();
            Call::Mset(sorted.into_iter().collect())
        }
        Call::Txn(calls) => Call::Txn(calls.into_iter().map(normal).collect()),
        call => call,
    }
}

/// Whether an operation's call is the (normal) one of an entry.
fn same_call(entry: &Call, call: &Call) -> bool {
    *entry == *plain(call)
}

/// Whether any operation names a position, so that a witness can say something.
#[must_use]
pub fn has_positions(history: &History) -> bool {
    history
        .operations
        .iter()
        .any(|operation: &Operation| operation.position.is_some())
}
