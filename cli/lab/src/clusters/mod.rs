//! Clusters that stay up: starting one with its REPL, looking after it, and taking it down.

pub mod asked;
pub mod standing;
pub mod up;
