//! Names of replicas, connections, moments and states: the ground that everything else stands on.

mod connection;
mod digest;
mod stamp;
mod vector;

pub use connection::ConnectionId;
pub use digest::Digest;
pub use stamp::{Ack, ReplicaId, Stamp, TIME_MAX};
pub use vector::{Origin, Vector, VersionStamp};
