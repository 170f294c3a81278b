//! How far a few operations can be ordered, for a counter-example that no circle explains.

use super::describe;
use super::model::{Key, Reply, take_all};
use super::problem::{Op, Problem};
use super::values::{ABSENT, Value, Values};
use std::collections::{BTreeMap, HashSet};

/// More operations than this are not tried in every order.
const OPERATIONS_MAX: usize = 12;

type Store = BTreeMap<Key, Value>;

/// An order of some of the operations.
#[derive(Clone, Debug, Default)]
struct Attempt {
    taken: Vec<Op>,
    store: Store,
}

impl Attempt {
    fn certain(&self, problem: &Problem) -> usize {
        let certain = |op: &&Op| problem[**op].is_ok;
        self.taken.iter().filter(certain).count()
    }
}

/// The longest order that keeps program order (and real time), and what would be answered next, in words.
pub(super) fn longest(problem: &Problem, real_time: bool) -> Option<String> {
    if problem.operations.len() > OPERATIONS_MAX {
        return None;
    }
    let mut values = problem.values.clone();
    let mut best = Attempt::default();
    let mut seen: HashSet<(Vec<Op>, Store)> = HashSet::new();
    let mut open = vec![Attempt::default()];
    while let Some(attempt) = open.pop() {
        let mut taken = attempt.taken.clone();
        taken.sort_unstable();
        if !seen.insert((taken, attempt.store.clone())) {
            continue;
        }
        for op in next(problem, &attempt.taken, real_time) {
            let mut store = attempt.store.clone();
            if apply(problem, op, &mut store, &mut values).is_ok() {
                let mut taken = attempt.taken.clone();
                taken.push(op);
                open.push(Attempt { taken, store });
            }
        }
        if attempt.certain(problem) > best.certain(problem) {
            best = attempt;
        }
    }
    Some(describe_end(problem, &best, real_time, &mut values))
}

fn describe_end(problem: &Problem, best: &Attempt, real_time: bool, values: &mut Values) -> String {
    let name = |op: &Op| format!("#{}", problem[*op].source + 1);
    let mut wrong = Vec::new();
    for op in next(problem, &best.taken, real_time) {
        let mut store = best.store.clone();
        if let Err(replies) = apply(problem, op, &mut store, values)
            && problem[op].is_ok
        {
            let [right, recorded] = replies.map(|reply| describe::reply(values, reply));
            let name = name(&op);
            wrong.push(format!("{name} would be answered {right}, not {recorded}"));
        }
    }
    let begun = if best.taken.is_empty() {
        "None of them can be first:".to_owned()
    } else {
        let taken: Vec<String> = best.taken.iter().map(name).collect();
        format!("The most that can be ordered is {}: then", taken.join(", "))
    };
    format!("{begun} {}.", wrong.join(", and "))
}

/// What can be next behind those taken.
fn next(problem: &Problem, taken: &[Op], real_time: bool) -> Vec<Op> {
    let operations = &problem.operations;
    let waits = |op: &Op| {
        let later = &operations[*op as usize];
        let mut left = problem.ops().filter(|other| !taken.contains(other));
        left.any(|other| {
            let earlier = &operations[other as usize];
            let in_process = earlier.process == later.process && other < *op;
            let in_time = real_time && earlier.deadline < later.invoked;
            earlier.is_ok && (in_process || in_time)
        })
    };
    problem
        .ops()
        .filter(|op| !taken.contains(op) && !waits(op))
        .collect()
}

/// Applies an operation; if its answer is not the right one, the right one and what is on record.
fn apply(
    problem: &Problem,
    op: Op,
    store: &mut Store,
    values: &mut Values,
) -> Result<(), [Reply; 2]> {
    let parts = problem.parts(op);
    let held = |key| store.get(&key).copied().unwrap_or(ABSENT);
    let mut written = Vec::new();
    take_all(
        parts,
        problem[op].in_transaction,
        values,
        held,
        &mut written,
    )
    .map_err(|wrong| [wrong.right, parts[wrong.part].reply])?;
    store.extend(written);
    Ok(())
}
