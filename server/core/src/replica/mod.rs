//! One replica as a pure state machine: bytes are somebody else's business, and so is time.
//!
//! [`Replica`] is driven by whoever owns the connections: the event loop in production, a simulated
//! network in tests. The whole loop is this:
//!
//! ```text
//! loop {
//!     wait for the network, at most until replica.deadline()
//!     for each thing that happened:
//!         replica.accepted(connection, address, ...)      a connection came in
//!         replica.dialled(connection, peer, ...)          one that was asked for with Out::dial is there
//!         replica.frame(connection, frame, ...)           a whole frame was decoded
//!         replica.end_of_input(connection, ...)           the other side sends no more
//!         replica.closed(connection, ...)                 it is gone
//!     replica.tick(now, out)                              what is due by now
//!     replica.end_turn(now, out)                          what this turn owes to the peers
//!     write out what was put into the connections' buffers
//! }
//! ```
//!
//! Outputs go through [`Out`], in order; nothing has to be asked for afterwards.
//!
//! The stages of a command, one a file: [`request`](self) understands it and picks its path;
//! `transaction` gathers MULTI and EXEC; `ordered` stamps entries and delivers them; `local` answers what
//! needs no order; `pipeline` keeps each connection's replies in line and times them out; `peers` takes
//! what other replicas send and `turn` sends what is owed to them; `handshake` makes links and `links`
//! keeps them alive.

mod client;
mod configure;
mod describe;
mod eventual;
mod fault;
mod handshake;
mod hello;
mod link;
mod links;
mod local;
mod look;
mod monitor;
mod ordered;
mod peers;
mod pipeline;
#[cfg(feature = "deliberate-bugs")]
mod planted;
#[allow(clippy::module_inception, reason = "the type that the module is about")]
mod replica;
mod request;
mod session;
mod slowlog;
mod transaction;
mod turn;

pub use crate::ids::ConnectionId;
pub use crate::settings::Settings;
pub use crate::turn::{Close, Event, Level, Now, Out};
pub use replica::Replica;
