//! The laboratory: scripted runs against a cluster, and what can be said of them afterwards.
//!
//! A run goes through these rooms, in this order:
//!
//! 1. [`case`] reads a case file and says precisely what is wrong with it; [`plan`] draws from the seed
//!    every delay that the case leaves open, and foresees how long the run will take.
//! 2. [`cluster`] finds the replicas (nothing in the laboratory starts any) and [`status`] says how they
//!    are.
//! 3. [`run`] sets the delays, lets [`clients`] and [`faults`] loose from one common start, and waits in
//!    [`settle`] until the replicas have nothing left to tell each other.
//! 4. [`collect`] fetches every replica's store and committed order ([`order`](crate::order) reads its lines), and
//!    [`verdict`] compares them with each other and with what the case expects.
//! 5. [`record`] and [`run_folder`] write everything down; [`mod@print`] shows it.

pub mod case;
pub mod clients;
pub mod clock;
pub mod cluster;
pub mod collect;
pub mod commands;
pub mod failure;
pub mod faults;
pub mod interrupt;
pub mod plan;
pub mod ports;
pub mod print;
pub mod progress;
pub mod record;
pub mod run;
pub mod run_folder;
pub mod settle;
pub mod status;
pub mod verdict;
