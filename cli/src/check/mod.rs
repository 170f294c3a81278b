//! Checkers: which consistency models a history satisfies.

mod board;
mod describe;
mod hash;
mod limits;
mod linearizable;
mod model;
mod needs;
mod orders;
mod problem;
mod replay;
mod search;
mod values;
mod verdict;
mod witness;

pub use limits::Limits;
pub use linearizable::linearizable;
pub use orders::{Disagreement, Order, OrderOfReplica};
pub use verdict::{Blame, CounterExample, Kind, Verdict};
pub use witness::{has_positions, witness, witness_of};

use limits::Deadline;

#[cfg(test)]
mod tests;
