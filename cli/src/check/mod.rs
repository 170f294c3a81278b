//! Checkers: which consistency models a history satisfies.

mod black_box;
mod board;
mod counter_example;
mod describe;
mod eventual;
mod explain;
mod forced;
mod hash;
mod limits;
mod model;
mod needs;
mod orders;
mod problem;
mod replay;
mod search;
mod sequential;
mod unseen;
mod values;
mod verdict;
mod witness;

pub use black_box::{linearizable, sequential};
pub use eventual::{convergence, eventual};
pub use limits::Limits;

pub use orders::{Disagreement, Order, OrderOfReplica};
pub use verdict::{Blame, CounterExample, Kind, Verdict};
pub use witness::{has_positions, witness, witness_of};

use limits::Deadline;

#[cfg(test)]
mod tests;
