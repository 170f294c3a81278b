//! What can be wrong with a peer's frames.

use crate::ids::{ReplicaId, Stamp};
use std::fmt;

/// Why what a peer sent cannot be taken. The link has to be closed; a new handshake mends it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReceiveError {
    /// The sender's entry before the first of this frame has not arrived.
    Gap {
        /// The highest time held of the sender.
        held: u64,
        /// The time that the frame says came before.
        previous: u64,
    },
    /// Times that do not rise.
    BadTime(u64),
    /// A time that no replica can have reached.
    Ahead {
        /// The time.
        time: u64,
        /// The own clock's time.
        clock: u64,
    },
    /// An ack for an entry that this replica never stamped.
    AckAhead {
        /// The acked time.
        time: u64,
        /// The last time stamped here.
        stamped: u64,
    },
    /// A replica that is not a member.
    NotAMember(ReplicaId),
    /// An ack for a third replica's entries that does not say of which incarnation.
    NoIncarnation(Stamp),
}

impl fmt::Display for ReceiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gap { held, previous } => {
                write!(
                    f,
                    "gap: the frame follows time {previous}, only {held} is held"
                )
            }
            Self::BadTime(time) => write!(f, "time {time} does not rise"),
            Self::Ahead { time, clock } => {
                write!(f, "time {time} is absurd, the time here is {clock}")
            }
            Self::AckAhead { time, stamped } => {
                write!(
                    f,
                    "ack of time {time}, but the last time stamped here is {stamped}"
                )
            }
            Self::NotAMember(replica) => write!(f, "replica {replica} is not a member"),
            Self::NoIncarnation(stamp) => {
                write!(f, "the ack {stamp} does not say of which incarnation")
            }
        }
    }
}
