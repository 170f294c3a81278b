//! Seeds for runs that name none.

use std::hash::{BuildHasher, RandomState};

/// A seed for a run that names none. Small enough to be typed again.
#[must_use]
pub fn draw_seed() -> u64 {
    // The standard library seeds its hasher from the system's randomness.
    RandomState::new().hash_one(0) % 1_000_000
}
