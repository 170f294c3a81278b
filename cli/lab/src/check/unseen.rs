//! What was taken, need not have happened, and was not looked at by anything yet.
//!
//! An indeterminate operation makes a difference only to what looks at what it left. So it is taken only right
//! before such an operation, or together with more indeterminate ones: anything else between them touches
//! other keys and could as well come before. What nothing looks at need not be taken at all.

use super::hash::wide;
use super::model::Part;
use super::problem::{Op, Problem};

/// Indeterminate operations that wait for something that looks at them.
#[derive(Clone, Debug, Default)]
pub(super) struct Unseen(Vec<Op>);

impl Unseen {
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Whether an operation may be next.
    pub(super) fn allows(&self, problem: &Problem, op: Op) -> bool {
        let is_ok = problem[op].is_ok;
        self.0.iter().all(|&other| {
            looks_at(problem, op, other) || (!is_ok && problem.keys(op) != problem.keys(other))
        })
    }

    /// Notes that an operation was taken.
    pub(super) fn take(&mut self, problem: &Problem, op: Op) {
        self.0.retain(|&other| !looks_at(problem, op, other));
        if !problem[op].is_ok {
            self.0.push(op);
        }
    }

    /// A fingerprint of what waits.
    pub(super) fn fingerprint(&self) -> u128 {
        let marks = self.0.iter().map(|&op| wide(op.into(), 2));
        marks.fold(0, |all, mark| all ^ mark)
    }
}

/// Whether an operation depends on what another one left at a key.
fn looks_at(problem: &Problem, op: Op, other: Op) -> bool {
    let keys = problem.keys(other);
    let parts = problem.parts(op);
    let mut shared = parts.iter().filter(|part| keys.contains(&part.key));
    match (keys, parts) {
        ([_], [_]) => shared.any(Part::depends_on_old),
        _ => shared.next().is_some(),
    }
}
