//! One replica's process: the core ([`holdback`]) with sockets, a clock and a log.

pub mod config;
pub mod descriptors;
pub mod lines;
pub mod net;
pub mod observe;
