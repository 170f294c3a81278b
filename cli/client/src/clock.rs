//! The clock of the command line programs, which stand outside the core.

use std::time::Instant;

/// The monotonic time.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "a program that measures real replies; nothing here is replayed in simulation"
)]
pub fn now() -> Instant {
    Instant::now()
}
