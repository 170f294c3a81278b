//! The deterministic simulator: the real protocol code under a seeded world, until it breaks.

mod agenda;
mod batch;
#[cfg(feature = "deliberate-bugs")]
mod bugs;
mod clients;
mod command;
mod ear;
mod faults;
mod folder;
mod hear;
mod history;
mod judge;
mod latency;
mod machine;
mod model;
mod plan;
mod planning;
mod record;
mod run;
mod session;
mod settle;
mod show;
mod shrink;
mod stories;
mod tap;
mod trace;
mod translate;
mod turn;
mod versions;
mod violation;
mod weather;
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
