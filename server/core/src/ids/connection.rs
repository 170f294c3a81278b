//! Connections of a process.

use std::fmt;

/// A connection of this process. Never reused: the serial number tells successive users of a slot apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId {
    /// A small number, reused.
    pub slot: usize,
    /// Counts all connections of the process, from 1.
    pub serial: u64,
}

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{}", self.serial)
    }
}
