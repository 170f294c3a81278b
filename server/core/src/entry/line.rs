//! The line of ORDER and MONITOR ORDER, written and read back: `POSITION STAMP command args...`.

use super::Entry;

/// The line of a delivered entry.
#[must_use]
pub fn delivery(position: u64, entry: &Entry) -> String {
    format!("{position} {} {}", entry.stamp, entry.body.line())
}
