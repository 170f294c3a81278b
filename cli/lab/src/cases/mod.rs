//! Test cases: what a case file says, a run of it against a cluster, and the verdict.
//!
//! A run goes through these modules, in this order:
//!
//! 1. [`case`] reads a case file and says precisely what is wrong with it; [`plan`] draws from the seed
//!    every delay that the case leaves open, and estimates how long the run will take.
//! 2. [`run`] sets the delays, lets [`clients`] and [`faults`] loose from one common start, and waits until the
//!    replicas have [settled](crate::kit::settle).
//! 3. [`verdict`] compares every replica's store and committed order, which the
//!    [kit](crate::kit::collect) fetches, with each other and with what the case expects.
//! 4. [`record`] makes the history that checkers read; [`mod@print`] shows everything.

pub mod case;
pub mod clients;
pub mod command;
pub mod faults;
pub mod plan;
pub mod print;
pub mod record;
pub mod run;
pub mod verdict;
