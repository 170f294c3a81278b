//! Making a counter-example small, and saying what is wrong with it.

use super::black_box::{Finding, find};
use super::describe;
use super::explain::explain;
use super::limits::{Deadline, Limits};
use super::needs::Needs;
use super::problem::{Op, Problem};
use super::values::ABSENT;
use super::verdict::{Blame, CounterExample, Kind};
use crate::history::History;
use holdback::consistency::Consistency;
use std::collections::{BTreeSet, HashMap, HashSet};
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
            model: self.model,
            kind: self.kind,
            operations,
            words,
            positions: Vec::new(),
            is_minimal,
            blame: Blame::History,
        }
    }

    /// Adds whoever can have written what the operations read, and so on.
    fn with_writers(&self, kept: &BTreeSet<usize>) -> BTreeSet<usize> {
        let mut problem = Problem::new(self.history);
        let needs = Needs::new(&mut problem);
        let links = Links::new(&problem, &needs);
        let mut found: BTreeSet<usize> = BTreeSet::new();
        let mut open: Vec<Op> = problem
            .ops()
            .filter(|op| kept.contains(&problem[*op].source))
            .collect();
        while let Some(op) = open.pop() {
            if found.insert(problem[op].source) {
                open.extend(links.writers_for(&needs, op));
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
                let gone: HashSet<usize> = chunk.iter().flatten().copied().collect();
                let smaller: BTreeSet<usize> = kept
                    .difference(&gone.into_iter().collect())
                    .copied()
                    .collect();
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
            let alone = links.with_orphans(&needs, vec![op]);
            let mut readers = vec![op];
            readers.extend(links.readers_of(&needs, op));
            let together = links.with_orphans(&needs, readers);
            for unit in [alone, together] {
                let unit: Vec<usize> = unit
                    .into_iter()
                    .map(|op| operations[problem[op].source])
                    .collect();
                if units.last() != Some(&unit) {
                    units.push(unit);
                }
            }
        }
        units
    }
}

/// Who can have written what somebody read.
struct Links {
    suppliers: HashMap<u32, Vec<Op>>,
    readers: HashMap<u32, Vec<Op>>,
}

impl Links {
    fn new(problem: &Problem, needs: &Needs) -> Self {
        let mut links = Self {
            suppliers: HashMap::new(),
            readers: HashMap::new(),
        };
        for op in problem.ops() {
            for &counter in needs.supplied(op) {
                links.suppliers.entry(counter).or_default().push(op);
            }
            for slot in needs.found(op) {
                for &counter in needs.counters_of(slot) {
                    links.readers.entry(counter).or_default().push(op);
                }
            }
        }
        links
    }

    fn writers_for<'a>(&'a self, needs: &'a Needs, op: Op) -> impl Iterator<Item = Op> + 'a {
        let counters = needs.required(op).iter();
        let counters = counters.flat_map(|slot| needs.counters_of(*slot));
        counters.flat_map(|counter| self.suppliers.get(counter).into_iter().flatten().copied())
    }

    /// Adds to operations that are to go the reads that would be left without a possible writer.
    fn with_orphans(&self, needs: &Needs, gone: Vec<Op>) -> Vec<Op> {
        let mut found: BTreeSet<Op> = BTreeSet::new();
        let mut open = gone;
        while let Some(op) = open.pop() {
            if !found.insert(op) {
                continue;
            }
            for reader in self.readers_of(needs, op) {
                let is_orphan = needs.found(reader).any(|slot| {
                    let (_, value) = needs.wanted[slot as usize];
                    let suppliers = needs.counters_of(slot).iter();
                    let mut suppliers = suppliers
                        .filter_map(|counter| self.suppliers.get(counter))
                        .flatten();
                    value != ABSENT
                        && suppliers.all(|other| *other == reader || found.contains(other))
                });
                if is_orphan {
                    open.push(reader);
                }
            }
        }
        found.into_iter().collect()
    }

    fn readers_of<'a>(&'a self, needs: &'a Needs, op: Op) -> impl Iterator<Item = Op> + 'a {
        let counters = needs.supplied(op).iter();
        counters.flat_map(|counter| self.readers.get(counter).into_iter().flatten().copied())
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

/// The operations of a counter-example as lines of a table, for a person.
pub(super) fn table(history: &History, operations: &[usize]) -> Vec<[String; 5]> {
    let rows = operations.iter().zip(1..).map(|(at, number)| {
        let operation = &history.operations[*at];
        let completed = match operation.completed {
            Some(moment) => describe::moment(history, moment),
            None => "never".into(),
        };
        [
            format!("#{number}"),
            operation.process.to_string(),
            describe::shorten(&operation.call.to_string()),
            describe::answer(operation),
            format!(
                "{} – {completed}",
                describe::moment(history, operation.invoked)
            ),
        ]
    });
    rows.collect()
}
