//! One cluster in memory, for tests, golden traces, benchmarks and the simulator.
//!
//! [`Network`] carries bytes between parties, [`Host`] is the process of a replica: a
//! [`Driver`](holdback::driver::Driver) whose sockets are ends of connections in the network. So all the rules of real
//! connections hold here. What is left to the user of the kit is the *schedule* (what arrives when, which process has
//! its turn, what breaks) and what is to be *judged* (each host tells its
//! [`Environment`](holdback::endpoint::Environment) what happens).
//!
//! ```text
//! host.turn(&mut network, now)              reads, executes, answers
//! for each end of network.next_posted()     something set out from there:
//!     network.arrive(end, ALL, usize::MAX)  it arrives, at once or later
//!     other_host.readable(end.other())
//! ```
//!
//! For tests from outside, [`processes`] starts, asks and ends replicas that are processes of their own.

mod client;
mod host;
mod network;
pub mod processes;

pub use client::{ClientEnd, Ended, show};
pub use host::Host;
pub use network::{ALL, End, Load, Network, Parcel};
