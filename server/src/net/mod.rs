//! The network: sockets and time for a [`Driver`](holdback::driver::Driver). The only place that knows mio.
//!
//! One thread, one loop (`event_loop`): wait, tell the driver which sockets are ready, let it have a turn.

mod clock;
mod dial;
mod event_loop;
mod resident;
mod resolve;
mod socket;

pub use event_loop::{Ended, ServeError, serve};
