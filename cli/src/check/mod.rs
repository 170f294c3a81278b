//! Checkers: which consistency models a history satisfies.

mod board;
mod hash;
mod limits;
mod linearizable;
mod model;
mod needs;
mod problem;
mod search;
mod values;
mod verdict;

pub use limits::Limits;
pub use linearizable::linearizable;
pub use verdict::{Blame, CounterExample, Kind, Verdict};

use limits::Deadline;

#[cfg(test)]
mod tests;
