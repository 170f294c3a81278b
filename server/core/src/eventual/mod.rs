//! The eventual model: every replica takes writes at once and passes them on in the background.
//!
//! # The algorithm
//!
//! Each key holds its last version: a value or a *tombstone* (the key was deleted), with a [`VersionStamp`].
//! Of two versions of a key the one with the larger stamp wins, whatever order they arrive in, so replicas
//! that have received the same versions hold the same data. Times come from a [`HybridClock`]: the wall clock,
//! but never behind a time that was seen.
//!
//! What a replica holds is told by its [`Vector`]: for each origin (a replica in one incarnation), the time
//! up to which it holds everything that origin wrote, or something newer in its place. A vector is a
//! promise, so **applying a version never advances it**. Two things do:
//!
//! - *Rounds* ([`GossipLink`]). After connecting, and whenever vectors still differ at the regular exchange,
//!   a replica sends what the other side's vector does not cover, in bounded pieces. The vector it had when
//!   the round began goes at the end; only then, and only if the connection did not break, does the
//!   receiver take it over.
//! - *Live updates.* Behind a completed round, each `UPDATE` is the sender's next write on a first-in,
//!   first-out connection, so it advances the sender's own place in the vector. An `UPDATE` that finds the
//!   link full is dropped, no more are sent, and the link is owed a round.
//!
//! # Tombstones
//!
//! A tombstone may be forgotten only when nobody can bring an older version of its key back. First every
//! other replica must itself have reported, on the current connection, a vector that covers it. Then each is
//! asked again and answers in the same incarnation: one that restarted empty in between has forgotten it, and
//! could be handed the old value by another. While a replica is away, tombstones stay.
//!
//! # Caveats
//!
//! - The clock decides between concurrent writes to one key: the later stamp wins and the other is lost.
//! - A tombstone that all have forgotten holds nothing back any more. A replica that starts empty with a wall clock
//!   behind the others', and takes a write before it has heard from any of them, may stamp it below a DEL that
//!   the others have forgotten: the write stays. (Had they not forgotten it, the DEL would win.)
//! - MSET is not atomic: its keys travel one by one.

mod bounds;
mod clock;
mod engine;
mod gossip;
mod versions;

pub use crate::ids::{Origin, Vector, VersionStamp};
pub use clock::HybridClock;
pub use engine::Eventual;
pub use gossip::{Gossip, GossipLink, Report};
pub use versions::{Version, Versions, Written};
