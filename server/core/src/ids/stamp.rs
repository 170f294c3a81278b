//! Replica ids and stamps.

use crate::wire::arguments::{parse_unsigned, push_decimal};
use std::fmt;
use std::str::FromStr;

/// The largest time that a peer may claim. Far beyond any run (a billion ticks a second for a century),
/// and far enough from the end of `u64` that ticking can never overflow.
pub const TIME_MAX: u64 = 1 << 62;

/// A replica's id: its place in the cluster's list, from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplicaId(pub u16);

impl ReplicaId {
    /// The id's place in a list of all replicas, from 0.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0).saturating_sub(1)
    }

    /// The id of the replica at a place in the list, from 0.
    #[must_use]
    pub fn from_index(index: usize) -> Self {
        Self(u16::try_from(index + 1).unwrap_or(u16::MAX))
    }
}

impl fmt::Display for ReplicaId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl FromStr for ReplicaId {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text.parse() {
            Ok(0) | Err(_) => Err(()),
            Ok(id) => Ok(Self(id)),
        }
    }
}

/// A Lamport time and the replica that issued it, ordered by time, then replica. Printed `17.2`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stamp {
    /// The Lamport time.
    pub time: u64,
    /// Who issued it.
    pub replica: ReplicaId,
}

impl Stamp {
    /// A stamp.
    #[must_use]
    pub fn new(time: u64, replica: ReplicaId) -> Self {
        Self { time, replica }
    }

    /// Reads `17.2`.
    #[must_use]
    pub fn parse(text: &[u8]) -> Option<Self> {
        let point = text.iter().position(|&byte| byte == b'.')?;
        let replica = u16::try_from(parse_unsigned(&text[point + 1..])?).ok()?;
        Some(Self {
            time: parse_unsigned(&text[..point])?,
            replica: (replica > 0).then_some(ReplicaId(replica))?,
        })
    }

    /// Appends `17.2`.
    #[inline]
    pub fn push_text(&self, bytes: &mut Vec<u8>) {
        push_decimal(bytes, self.time);
        bytes.push(b'.');
        push_decimal(bytes, self.replica.0.into());
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.time, self.replica)
    }
}

/// "I hold every entry up to this time."
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ack {
    /// The origin of the entries, and the time.
    pub stamp: Stamp,
    /// The origin's incarnation, unless the ack is for the origin itself.
    pub incarnation: Option<u64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_order_by_time_then_replica_and_print_back() {
        let stamp = |text: &str| Stamp::parse(text.as_bytes()).unwrap();
        assert!(stamp("9.3") < stamp("10.1") && stamp("10.1") < stamp("10.2"));
        assert_eq!(stamp("17.2").to_string(), "17.2");
        for wrong in ["17", "17.", ".2", "17.0", "a.1", "17.2.1"] {
            assert_eq!(Stamp::parse(wrong.as_bytes()), None, "{wrong}");
        }
    }
}
