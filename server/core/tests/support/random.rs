//! How many random runs a test makes.

pub(crate) use holdback::random::Random;

/// Seeds for a test's random runs: `count` of them, or that many times `HOLDBACK_TEST_RUNS` for a long search.
pub(crate) fn seeds(count: u64) -> std::ops::Range<u64> {
    let times = std::env::var("HOLDBACK_TEST_RUNS").ok();
    0..count * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}
