//! The deterministic simulator: the real protocol code under a seeded world, until it breaks.

mod agenda;
mod batch;
#[cfg(feature = "deliberate-bugs")]
mod bugs;
mod clients;
mod command;
mod faults;
mod folder;
mod history;
mod host;
mod journal;
mod judge;
mod latency;
mod model;
mod network;
mod plan;
mod planning;
mod record;
mod run;
mod serve;
mod session;
mod settle;
mod show;
mod shrink;
mod sockets;
mod stories;
mod tap;
mod trace;
mod translate;
mod turn;
mod versions;
mod violation;
mod workload;
mod world;

pub use command::SimulateArguments;
pub use faults::FaultKinds;
pub use latency::Latency;
pub use plan::Options;
pub use run::{Outcome, run_seed};
pub use trace::Keep;
pub use violation::Violation;
pub use world::Counts;
