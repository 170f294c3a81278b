//! Checkers: which consistency models a history satisfies.
//!
//! A [`History`](crate::history::History) is what clients saw: calls with their answers, when they were invoked
//! and when they were completed. A checker asks whether a store that keeps a model can have answered so. It
//! says yes, no or unknown, and never guesses: a "yes" of the ordered models rests on an order of all
//! operations that was found, a "no" on a search that was exhausted or on a proof, and everything else is
//! "unknown".
//!
//! # What is asked
//!
//! An *order* puts each ok operation, and some of the indeterminate ones, in a row, so that a single store that
//! executes them one after the other gives every answer on record. A failed operation is in no order. An order
//! keeps
//!
//! - *program order* if no operation of a process comes before an earlier ok one of the same process. What is
//!   indeterminate has left the program order for those behind it: a write that timed out may still happen.
//! - *real time* if nothing comes before what was completed before it was invoked. Equal moments are
//!   concurrent. An indeterminate operation is never completed.
//!
//! | model | there is |
//! |---|---|
//! | linearizable | an order that keeps program order and real time |
//! | sequential | an order that keeps program order |
//! | eventual | for each value that was read a writer invoked before the read was completed; and at the end every replica holds the same, which nothing replaced |
//!
//! Program order matters for linearizable too, because a process that pipelines has several operations open, and
//! real time does not order those.
//!
//! # The modules
//!
//! - [`model`] is what the calls do, as a pure function; [`mod@reference`] says the same in the plainest way, for
//!   tests. [`values`] and [`problem`] turn a history into numbers, [`needs`] lists who needs and who supplies
//!   each value.
//! - [`black_box`] decides from the history alone. In this order, until one of them knows: a value that nobody
//!   can have written ([`mod@eventual`]); a stale read ([`stale`]); the search ([`search`]), group by group of keys;
//!   what is forced ([`forced`]), which proves a "no" by a circle; the search again, without a limit of steps.
//!   Sequential asks first whether the history is linearizable, then what is forced, then two searches: one for
//!   orders in which writes keep real time, which is what our replicas do, and one for any order ([`mod@sequential`]).
//! - [`mod@witness`] decides with the order that the replicas delivered, and does not trust it.
//! - [`counter_example`] makes a "no" small and [`explain`] puts it into words. [`judge`] reads a run folder and
//!   chooses; [`command`] is `holdback-lab check`.
//!
//! # Why it is right
//!
//! *Groups.* Linearizability is local (Herlihy and Wing): a history has an order that keeps real time if and only
//! if the part of each object has one. Keys are objects; keys that one operation touches together are one
//! object. Program order that real time implies needs no attention. Where it does not, because a process has
//! two operations open at once, it is a constraint across keys that locality says nothing about; so such
//! operations, too, are joined into one group ([`problem::groups`]).
//!
//! *The search* takes operations one after the other and takes them back. It leaves choices out only where an
//! order that begins otherwise can be turned into one that begins with what is tried; [`search`] gives the
//! argument for each such rule, and tests compare the verdicts with brute force on thousands of small histories
//! of all kinds of operations, `info` and `fail` among them, pipelined and not.
//!
//! *Forced orders* only ever follow from what holds in every order, so a circle of them means that there is none.
//!
//! *A witness's "yes"* is an order, like any other. Its "no" means that this order does not explain the history.
//! Another might, so it blames history and order together; [`judge`] then asks the history alone.
//!
//! # Caveats
//!
//! - The search remembers dead ends by fingerprints of 128 bits. Two states that share one by chance could
//!   make a "no" wrong; the chance is less than one in 10^20 for as many as fit in memory.
//! - Sequential consistency from the history alone is hard (deciding it is NP-complete): with much concurrency
//!   expect "unknown" for more than some hundred operations, unless the history is linearizable or something
//!   forced shows that it is not. With the witness it is a matter of milliseconds. Linearizable gets hard
//!   where dozens of clients share a few keys and many operations say little about the value that they found.
//! - A history knows nothing of WATCH. A transaction that succeeded is judged by what it did. That what it watched
//!   was not changed in between is checked only where the order says what it watched.
//! - Commands that histories have no name for are left out when they are recorded (`left_out` in the first
//!   line). Then a "no" is only "unknown", because what was left out can be the reason.
//! - The eventual model is judged by a few necessary conditions. Between replicas, times prove nothing; so of two
//!   writes at different replicas either may stay, even if one was made long after the other.

mod attempt;
mod black_box;
mod command;
mod counter_example;
mod describe;
mod eventual;
mod explain;
mod forced;
mod hash;
mod judge;
mod limits;
mod lists;
mod model;
mod needs;
mod orders;
mod problem;
pub mod reference;
mod replay;
mod search;
mod sequential;
mod stale;
mod state;
mod unseen;
mod values;
mod verdict;
mod witness;

pub use black_box::{linearizable, sequential};
pub use command::{CheckArguments, Model, shown};
pub use eventual::eventual;
pub use judge::{Evidence, Judgement};
pub use limits::Limits;
pub use orders::{Disagreement, Order, OrderOfReplica};
pub use verdict::{Blame, CounterExample, Kind, Verdict};
pub use witness::witness_of;

use limits::Deadline;

#[cfg(test)]
mod tests;
