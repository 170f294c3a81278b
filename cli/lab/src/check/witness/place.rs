//! The positions of operations: they rise, and answers are those of the replay.

use super::calls::same_call;
use super::{Claim, Free, Witness};
use crate::check::describe;
use crate::check::problem::Op;
use crate::check::verdict::{Kind, Verdict};
use crate::history::Call;
use holdback::consistency::Consistency;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap};

impl Witness<'_> {
    /// Goes through all operations in the order of their invocations: positions must rise, answers must fit.
    /// What has no position gets one. Afterwards indeterminate operations are matched with free entries.
    pub(super) fn place(&mut self, calls: &[Option<Call>], free: &mut Free) -> Result<(), Verdict> {
        let mut completed: BinaryHeap<Reverse<(u64, usize)>> = BinaryHeap::new();
        // The highest position of what was completed by now, and whose it is.
        let mut reached: Option<(u64, usize)> = None;
        let mut uncertain: Vec<(u64, usize)> = Vec::new();
        for op in self.compiler.problem.ops() {
            let compiled = &self.compiler.problem[op];
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
            let before = before.map(|before| self.compiler.problem[before].source);
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
                    if !self.history.operations[at].call.is_read() {
                        self.is_not_stopped(at, position)?;
                    }
                    self.answer_fits(op, at, position)?;
                }
                None => self.find_place(op, at, bound.map_or(0, |(position, _)| position), free)?,
            }
            self.claim_read(at, calls, before.map(|(position, _)| position));
            completed.push(Reverse((deadline, at)));
        }
        self.match_uncertain(uncertain, calls, free);
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
        let Err(mismatch) = self.fits(op, behind) else {
            return Ok(());
        };
        let problem = &self.compiler.problem;
        let part = problem.parts(op)[mismatch.part];
        let (held, writer) = self.replay.at(part.key, behind);
        let index = (writer as usize).wrapping_sub(1);
        let wrote = match self.order.entries.get(index) {
            Some(entry) => format!(" since position {writer}, `{}`", describe::entry(entry)),
            None => String::new(),
        };
        let words = format!(
            "{} is at position {position}, and the order answers {}: there `{}` holds {}{wrote}",
            describe::operation(self.history, at),
            describe::reply(&problem.values, mismatch.right),
            describe::key(problem, part.key),
            describe::value(&problem.values, held),
        );
        let mut operations: Vec<usize> = vec![at];
        if let Some(Claim::By(other)) = self.claims.get(index) {
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
        if operation.call.is_read() {
            let mut candidate = Some(bound);
            while let Some(position) = candidate {
                if self.fits(op, position).is_ok() {
                    self.positions[at] = Some(position);
                    return Ok(());
                }
                let keys = self.compiler.problem.keys(op);
                candidate = self.replay.next_change(keys, position);
            }
        } else if let Some(number) = free.number(&operation.call) {
            let entries = &mut free.entries[number];
            let fitting = entries.iter().enumerate().filter(|(_, position)| {
                **position > bound
                    && !self.stopped.contains_key(*position)
                    && self.fits(op, **position - 1).is_ok()
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
        if own
            && self.claims[index] == Claim::Free
            && !self.stopped.contains_key(&position)
            && before.is_none_or(|before| before < position)
        {
            self.claims[index] = Claim::By(at);
        }
    }

    /// Matches indeterminate operations with free entries: each with one behind all that preceded it.
    ///
    /// Of those that do the same, whoever can take an earlier entry can take a later one too. An entry that
    /// changed nothing can also be of an operation that failed, so the others choose first, and leave those
    /// operations that can take the earliest entries.
    fn match_uncertain(
        &mut self,
        mut uncertain: Vec<(u64, usize)>,
        calls: &[Option<Call>],
        free: &Free,
    ) {
        uncertain.sort_unstable();
        let mut waiting: HashMap<usize, Vec<(u64, usize)>> = HashMap::new();
        for (bound, at) in uncertain {
            if let Some(number) = free.number(&self.history.operations[at].call) {
                waiting.entry(number).or_default().push((bound, at));
            }
        }
        for (number, mut operations) in waiting {
            for changes_nothing in [false, true] {
                for &position in &free.entries[number] {
                    let index = position as usize - 1;
                    let idle =
                        self.errors[index] || calls[index].as_ref().is_some_and(Call::is_read);
                    if idle != changes_nothing || self.claims[index] != Claim::Free {
                        continue;
                    }
                    let early_enough = operations.partition_point(|(bound, _)| *bound < position);
                    if let Some(last) = early_enough.checked_sub(1) {
                        let (_, at) = operations.remove(last);
                        self.claims[index] = Claim::By(at);
                        self.positions[at] = Some(position);
                    }
                }
            }
        }
    }
}
