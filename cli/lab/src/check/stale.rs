//! Stale reads: what most often is wrong, found without a search.
//!
//! A read found a value after another one had overwritten it: the only writer of the value was completed
//! before the other write was invoked, and that was completed before the read was invoked.

use super::forced::{overwrites, reads_from};
use super::model::Key;
use super::needs::Needs;
use super::problem::{Op, Problem};
use crate::history::Moment;
use std::collections::HashMap;

/// A stale read, with the writes that show it.
pub(super) fn find(problem: &Problem, needs: &Needs) -> Option<Vec<Op>> {
    let operations: Vec<Op> = problem.ops().collect();
    let mut writers: HashMap<Key, Vec<Op>> = HashMap::new();
    for op in problem.ops().filter(|op| problem[*op].is_ok) {
        for &key in problem.keys(op) {
            if overwrites(problem, op, key) {
                writers.entry(key).or_default().push(op);
            }
        }
    }
    // Of the writers from each place on, which are in the order of invocations, the one completed first.
    let deadline = |op: Op| problem[op].deadline;
    let firsts: HashMap<Key, Vec<Op>> = writers
        .iter()
        .map(|(key, writers)| {
            let mut firsts = writers.clone();
            for at in (1..firsts.len()).rev() {
                if deadline(firsts[at]) < deadline(firsts[at - 1]) {
                    firsts[at - 1] = firsts[at];
                }
            }
            (*key, firsts)
        })
        .collect();
    reads_from(needs, &operations)
        .into_iter()
        .find_map(|found| {
            let (writers, firsts) = (writers.get(&found.key)?, firsts.get(&found.key)?);
            let settled: Option<Moment> = found.writer.map(deadline);
            let invoked = |op: Op| problem[op].invoked;
            let from = settled.map_or(0, |settled| {
                writers.partition_point(|writer| invoked(*writer) <= settled)
            });
            let between = *firsts.get(from)?;
            let is_stale = deadline(between) < invoked(found.reader);
            is_stale.then(|| {
                let mut operations: Vec<Op> = found.writer.into_iter().collect();
                operations.extend([between, found.reader]);
                operations
            })
        })
}
