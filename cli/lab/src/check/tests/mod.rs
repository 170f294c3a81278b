//! The checkers against oracles that are too simple to be wrong, and too slow to be of use.

mod brute;
mod model;
mod random;
mod verdicts;
