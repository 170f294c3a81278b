//! Making a counter-example small, and saying what is wrong with it.

use super::black_box::{Finding, find};
use super::describe;
use super::explain::explain;
use super::limits::{Deadline, Limits};
use super::lists::Lists;
use super::needs::Needs;
use super::problem::{Op, Problem};
use super::values::ABSENT;
use super::verdict::{Blame, CounterExample, Kind};
use crate::history::History;
use holdback::consistency::Consistency;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// Time for judging one smaller history.
const ONE_TRY: Duration = Duration::from_secs(2);

/// Operations of a history that do not satisfy a model.
pub(super) struct Seed<'a> {
    pub(super) history: &'a History,
    pub(super) model: Consistency,
    pub(super) kind: Kind,
    pub(super) operations: Vec<usize>,
    /// Why, if that is known already.
    pub(super) words: Option<String>,
}

impl Seed<'_> {
    /// Leaves as few operations as can be, and explains them.
    pub(super) fn shrink(self, limits: &Limits) -> CounterExample {
        let deadline = Deadline::after(Some(limits.shrinking));
        let mut kept: BTreeSet<usize> = self.operations.iter().copied().collect();
        let mut is_minimal = true;
        if self.kind == Kind::NoOrder {
            kept = self.with_writers(&kept);
            if !self.is_still_wrong(&kept, &deadline) {
                // What was forced rests on more than the operations that were named.
                kept = (0..self.history.operations.len()).collect();
            }
            is_minimal = self.remove_all_that_can_go(&mut kept, &deadline);
        }
        let operations: Vec<usize> = kept.into_iter().collect();
        let words = self
            .words
            .unwrap_or_else(|| explain(&part(self.history, &operations), self.model));
        CounterExample {
            is_minimal,
            ..CounterExample::new(self.model, self.kind, operations, words)
        }
    }

    /// Adds whoever can have written what the operations read, and so on.
    fn with_writers(&self, kept: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut problem = Problem::new(self.history);
        let needs = Needs::new(&mut problem);
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<Op> = problem.ops().collect();
        open.retain(|op| kept.contains(&problem[*op].source));
        while let Some(op) = open.pop() {
            if found.insert(problem[op].source) {
                let slots = needs.required(op).iter();
                open.extend(slots.flat_map(|slot| needs.suppliers_of(*slot)));
            }
        }
        found
    }

    fn is_still_wrong(&self, kept: &BTreeSet<usize>, deadline: &Deadline) -> bool {
        let operations: Vec<usize> = kept.iter().copied().collect();
        let smaller = part(self.history, &operations);
        let finding = find(&smaller, self.model, &deadline.at_most(ONE_TRY));
        matches!(finding, Finding::No(kind, ..) if kind == self.kind)
    }

    /// Removes units (a read, or a write with all reads of its value), many at once as long as that goes.
    /// Whether it came to an end in time.
    fn remove_all_that_can_go(&self, kept: &mut BTreeSet<usize>, deadline: &Deadline) -> bool {
        let mut size = kept.len().div_ceil(2).max(1);
        loop {
            let units = self.units(kept);
            let mut removed = false;
            for chunk in units.chunks(size) {
                if deadline.has_passed() {
                    return false;
                }
                let gone: BTreeSet<usize> = chunk.iter().flatten().copied().collect();
                let smaller = &*kept - &gone;
                if smaller.len() < kept.len() && self.is_still_wrong(&smaller, deadline) {
                    *kept = smaller;
                    removed = true;
                }
            }
            if deadline.has_passed() {
                return false;
            }
            match (removed, size) {
                (false, 1) => return true,
                (true, _) => size = size.min(kept.len().div_ceil(2).max(1)),
                (false, _) => size = size.div_ceil(2),
            }
        }
    }

    /// What can be removed at once: an operation with the reads that would be left without a writer, and an
    /// operation with all reads of what it wrote.
    fn units(&self, kept: &BTreeSet<usize>) -> Vec<Vec<usize>> {
        let operations: Vec<usize> = kept.iter().copied().collect();
        let mut problem = Problem::new(&part(self.history, &operations));
        let needs = Needs::new(&mut problem);
        let links = Links::new(&problem, &needs);
        let mut units: Vec<Vec<usize>> = Vec::new();
        for op in problem.ops().rev() {
            let readers = [op].into_iter().chain(links.readers_of(op)).collect();
            for unit in [vec![op], readers] {
                let unit = problem.sources(links.with_orphans(unit));
                let unit: Vec<usize> = unit.into_iter().map(|at| operations[at]).collect();
                if units.last() != Some(&unit) {
                    units.push(unit);
                }
            }
        }
        units
    }
}

/// Who can have written what somebody read.
struct Links<'a> {
    needs: &'a Needs,
    /// Of each counter the operations that found something that it counts for.
    readers: Lists<Op>,
}

impl<'a> Links<'a> {
    fn new(problem: &Problem, needs: &'a Needs) -> Self {
        let mut readers = Vec::new();
        for op in problem.ops() {
            let counters = needs.found(op).flat_map(|slot| needs.counters_of(slot));
            readers.extend(counters.map(|&counter| (counter, op)));
        }
        let readers = Lists::of(needs.counter_count(), readers);
        Self { needs, readers }
    }

    /// Adds to operations that are to go the reads that would be left without a possible writer.
    fn with_orphans(&self, gone: Vec<Op>) -> BTreeSet<Op> {
        let mut found: BTreeSet<Op> = BTreeSet::new();
        let mut open = gone;
        while let Some(op) = open.pop() {
            if found.insert(op) {
                let is_orphan = |reader: &Op| self.is_orphan(*reader, &found);
                open.extend(self.readers_of(op).filter(is_orphan));
            }
        }
        found
    }

    /// Whether something that an operation found is left without a possible writer once others are gone.
    fn is_orphan(&self, reader: Op, gone: &BTreeSet<Op>) -> bool {
        self.needs.found(reader).any(|slot| {
            let (_, value) = self.needs.wanted[slot as usize];
            let mut suppliers = self.needs.suppliers_of(slot);
            value != ABSENT && suppliers.all(|other| other == reader || gone.contains(&other))
        })
    }

    fn readers_of(&self, op: Op) -> impl Iterator<Item = Op> + '_ {
        let counters = self.needs.supplied(op).iter();
        counters.flat_map(|counter| self.readers[*counter].iter().copied())
    }
}

/// Some operations of a history, as a history.
pub(super) fn part(history: &History, operations: &[usize]) -> History {
    History {
        operations: operations
            .iter()
            .map(|at| history.operations[*at].clone())
            .collect(),
        timed: history.timed,
        ..History::default()
    }
}

impl CounterExample {
    /// Rows for a table: number, process, call, answer, time.
    pub(super) fn rows(&self, history: &History) -> Vec<[String; 5]> {
        let rows = self.operations.iter().zip(1..).map(|(at, number)| {
            let operation = &history.operations[*at];
            let moment = |moment| describe::moment(history, moment);
            let completed = operation.completed.map_or("never".to_owned(), moment);
            [
                format!("#{number}"),
                operation.process.to_string(),
                describe::shorten(&operation.call.to_string()),
                describe::answer(operation),
                format!("{} – {completed}", moment(operation.invoked)),
            ]
        });
        rows.collect()
    }

    /// The counter-example with its operations.
    pub(super) fn to_json(&self, history: &History) -> Json {
        let operation = |at: &usize| {
            let operation = &history.operations[*at];
            json!({
                "place": at,
                "line": operation.line,
                "process": operation.process,
                "call": operation.call.to_string(),
                "answer": describe::answer(operation),
                "invoked": operation.invoked,
                "completed": operation.completed,
                "replica": operation.replica,
                "position": operation.position,
            })
        };
        json!({
            "kind": format!("{:?}", self.kind),
            "words": self.words,
            "operations": self.operations.iter().map(operation).collect::<Json>(),
            "positions": self.positions,
            "is_minimal": self.is_minimal,
            "blame": match self.blame {
                Blame::History => "history",
                Blame::HistoryAndOrder => "history and order",
            },
        })
    }
}
