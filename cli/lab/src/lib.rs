//! The laboratory: runs against a cluster, in reality or simulated, and what can be said of them afterwards.

pub mod cases;
pub mod check;
pub mod clusters;
pub mod commands;
pub mod history;
pub mod kit;
pub mod load;
pub mod order;
pub mod prove;
pub mod report;
pub mod simulate;
