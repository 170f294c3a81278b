//! When operations can be taken, by what an order has to keep.

use super::Keep;
use crate::check::problem::{Compiled, Problem};
use crate::history::Moment;

/// When each operation can be taken first, and when it must have been.
pub(in crate::check) fn times(problem: &Problem, keep: Keep) -> Vec<(Moment, Moment)> {
    let operations = &problem.operations;
    let real = |op: &Compiled| (op.invoked, op.deadline);
    let mut times: Vec<(Moment, Moment)> = operations.iter().map(real).collect();
    if keep == Keep::RealTime {
        return times;
    }
    // A read may be of the past, as far back as what precedes it in its process.
    let is_free = |compiled: &Compiled| compiled.is_ok && compiled.changes_nothing;
    for (at, compiled) in operations.iter().enumerate().filter(|(_, op)| is_free(op)) {
        let before = compiled.before.map(|before| times[before as usize].0);
        times[at] = (before.unwrap_or(0), Moment::MAX);
    }
    // And it precedes what follows it there.
    for (at, compiled) in operations.iter().enumerate().rev() {
        if let Some(before) = compiled.before.filter(|_| compiled.is_ok) {
            let deadline = times[at].1;
            let before = &mut times[before as usize].1;
            *before = (*before).min(deadline);
        }
    }
    times
}
