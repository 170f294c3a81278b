//! Load: many clients at once, what they saw, and how long it took.
//!
//! [`command`] reads what is wanted, [`run`] does it. The work is in [`driver`]: one thread, one loop, many
//! connections ([`client`], [`connections`], and [`sockets`], which alone knows `mio`). [`workload`] makes up
//! operations from a [`mix`], [`pace`] says when the next is due, [`recorder`] writes the history, [`tally`]
//! counts. Meanwhile [`follow`] keeps every replica's order, and [`disturb`] delays and cuts their links and
//! pauses their processes. Afterwards [`finish`] waits until the replicas have settled and saves what they
//! hold, and [`mod@print`] shows the figures.

mod client;
mod command;
mod connections;
mod disturb;
mod driver;
mod encode;
mod finish;
mod follow;
mod mix;
mod pace;
mod print;
mod progress;
mod recorder;
mod run;
mod sockets;
mod subject;
mod tally;
mod workload;

pub use command::LoadArguments;
pub use disturb::Faults;
