//! The laboratory's clocks: one that runs from the start of something, and the calendar.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A monotonic clock that starts at zero; copies share the start.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    start: Instant,
}

impl Clock {
    /// Starts at zero now.
    #[must_use]
    pub fn start() -> Self {
        Self {
            start: holdback_client::clock::now(),
        }
    }

    /// The time since the start.
    #[must_use]
    pub fn now(&self) -> Duration {
        self.start.elapsed()
    }

    /// Sleeps until `time` after the start; returns at once if it has passed.
    pub fn sleep_until(&self, time: Duration) {
        if let Some(rest) = time.checked_sub(self.now()) {
            std::thread::sleep(rest);
        }
    }
}

/// A length of time in nanoseconds.
#[must_use]
pub fn nanoseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

/// Reads a number of seconds.
///
/// # Errors
/// What was expected.
pub fn parse_seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..1e6).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds".into()),
    }
}

/// The wall clock in nanoseconds since 1970, as replicas' traces have it.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "what the laboratory writes down has to be laid beside replicas' traces"
)]
pub fn wall_nanoseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    nanoseconds(since.unwrap_or_default())
}

/// The wall clock as `YYYYMMDD-HHMMSS` in UTC, for the names of run folders.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "run folders are named by wall time"
)]
pub fn utc_name() -> String {
    let text = humantime::format_rfc3339_seconds(SystemTime::now()).to_string();
    text.replace(['-', ':', 'Z'], "").replace('T', "-")
}
