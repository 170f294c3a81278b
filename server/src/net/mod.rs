//! The network: sockets, bytes and time for a [`Replica`](holdback::replica::Replica). The only place that
//! knows mio.
//!
//! One thread, one loop (`event_loop`): wait, read what is there, decode it and hand it in, let the
//! replica say what the turn owes to the peers, write every connection that has something to say, once.

mod clock;
mod connection;
mod dial;
mod event_loop;
mod resolve;
mod service;
mod sockets;

pub use event_loop::{Ended, ServeError, serve};
