//! Holdback: a replicated key-value store whose order you can see.
//!
//! # The way of one SET
//!
//! Bytes arrive at a socket and are cut into frames ([`protocol::frame`]). The replica
//! ([`replica`]) looks the command up in the table ([`protocol::table`]), checks it ([`store::admit`]), and
//! hands it to the totally ordered multicast ([`multicast`], where the algorithm and its proof are), which
//! stamps it and puts it into the hold-back queue. At the end of the turn it leaves for the other replicas
//! ([`protocol::message`]), whose acks come back. When every replica holds it and nothing smaller can come,
//! it is delivered: it gets its place in the order ([`order`]), is applied to the data ([`store`]), and the
//! reply ([`protocol::reply`]) goes into the client's output, which is written at the end of the turn.
//!
//! In the eventual model it is applied and answered at once, and the other replicas hear of it later
//! ([`eventual`]).

pub mod admin;
pub mod bugs;
mod clients;
pub mod command;
pub mod consistency;
pub mod driver;
pub mod endpoint;
mod engine;
pub mod entry;
pub mod eventual;
pub mod ids;
pub mod message;
pub mod order;
pub mod ordered;
mod peers;
pub mod random;
#[path = "replica.rs"]
mod replica_;
#[doc(hidden)]
pub mod replica {
    pub use crate::ids::ConnectionId;
    pub use crate::replica_::Replica;
    pub use crate::settings::Settings;
    pub use crate::turn::*;
}
pub mod settings;
pub mod store;
pub mod trace;
pub mod turn;
pub mod units;
pub mod wire;

// Where these stood before.
#[doc(hidden)]
pub mod multicast {
    pub use crate::entry::*;
    pub use crate::ids::{Ack, ReplicaId, Stamp, TIME_MAX};
    pub use crate::ordered::*;
}
#[doc(hidden)]
pub mod observe {
    pub use crate::trace::*;
}
#[doc(hidden)]
pub mod protocol {
    pub use crate::command::{introspect, redis, syntax, table};
    pub use crate::message;
    pub use crate::wire::*;
    pub mod command {
        pub use crate::command::table::Name;
        pub use crate::command::*;
    }
}
