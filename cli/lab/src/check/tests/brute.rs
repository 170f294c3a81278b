//! Brute force: every order of a few operations, on the plainest of stores.

use crate::check::reference::{Store, apply};
use crate::history::{Answer, History, Outcome};
use std::collections::HashSet;

/// Whether a recorded answer is the right one.
pub(super) fn fits(recorded: &Answer, right: &Answer) -> bool {
    match (recorded, right) {
        (Answer::Unknown, right) => *right != Answer::Error,
        (Answer::List(recorded), Answer::List(right)) => {
            recorded.len() == right.len()
                && recorded
                    .iter()
                    .zip(right)
                    .all(|(recorded, right)| *recorded == Answer::Unknown || fits(recorded, right))
        }
        (recorded, right) => recorded == right,
    }
}

/// Whether an order of the operations exists that keeps program order, and real time if asked for.
pub(super) fn has_order(history: &History, keep_real_time: bool) -> bool {
    let operations = &history.operations;
    let count = operations.len();
    let mut before = vec![0u32; count];
    for (b, second) in operations.iter().enumerate() {
        for (a, first) in operations.iter().enumerate() {
            let earlier = first.process == second.process && a < b;
            let in_time = keep_real_time && first.deadline() < second.invoked;
            if first.is_ok() && (earlier || in_time) {
                before[b] |= 1 << a;
            }
        }
    }
    let certain = (0..count).filter(|at| operations[*at].is_ok());
    let certain = certain.fold(0u32, |set, at| set | 1 << at);
    let mut seen = HashSet::new();
    let mut open = vec![(0u32, Store::new())];
    while let Some((taken, store)) = open.pop() {
        if taken & certain == certain {
            return true;
        }
        if !seen.insert((taken, store.clone())) {
            continue;
        }
        for (at, operation) in operations.iter().enumerate() {
            let free = taken & (1 << at) == 0 && before[at] & !taken == 0;
            if !free || operation.outcome == Outcome::Fail {
                continue;
            }
            let mut next = store.clone();
            let right = apply(&mut next, &operation.call);
            let fine = match &operation.outcome {
                Outcome::Ok(recorded) => fits(recorded, &right),
                _ => true,
            };
            if fine {
                open.push((taken | 1 << at, next));
            }
        }
    }
    false
}
