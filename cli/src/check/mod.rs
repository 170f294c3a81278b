//! Checkers: which consistency models a history satisfies.

mod attempt;
mod black_box;
mod board;
mod command;
mod counter_example;
mod describe;
mod eventual;
mod explain;
mod forced;
mod hash;
mod judge;
mod limits;
mod model;
mod needs;
mod orders;
mod problem;
pub mod reference;
mod replay;
mod search;
mod sequential;
mod stale;
mod unseen;
mod values;
mod verdict;
mod witness;

pub use black_box::{linearizable, sequential};
pub use command::{CheckArguments, Model, shown};
pub use eventual::{convergence, eventual};
pub use judge::{Evidence, Judgement, Method, is_stronger};
pub use limits::Limits;

pub use orders::{Disagreement, Order, OrderOfReplica};
pub use verdict::{Blame, CounterExample, Kind, Verdict};
pub use witness::{has_positions, witness, witness_of};

use limits::Deadline;

#[cfg(test)]
mod tests;
