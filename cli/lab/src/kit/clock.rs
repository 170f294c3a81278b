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

/// The wall clock in nanoseconds since 1970, as replicas' traces have it.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "what the laboratory writes down has to be laid beside replicas' traces"
)]
pub fn wall_nanoseconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    u64::try_from(since.unwrap_or_default().as_nanos()).unwrap_or(u64::MAX)
}

/// The wall clock as `YYYYMMDD-HHMMSS` in UTC, for the names of run folders.
#[must_use]
#[allow(
    clippy::disallowed_methods,
    reason = "run folders are named by wall time"
)]
pub fn utc_name() -> String {
    let seconds = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
        .as_secs();
    format_utc(seconds)
}

fn format_utc(seconds: u64) -> String {
    let (year, month, day) = civil(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    format!("{year:04}{month:02}{day:02}-{hour:02}{minute:02}{second:02}")
}

/// Days since 1970-01-01 as year, month and day of the Gregorian calendar. Counts from March, so that
/// the leap day comes last in its year, in eras of 400 years (Howard Hinnant's `civil_from_days`).
fn civil(days: u64) -> (u64, u64, u64) {
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = (month_from_march + 2) % 12 + 1;
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(format_utc(0), "19700101-000000");
        assert_eq!(format_utc(951_782_400), "20000229-000000");
        assert_eq!(format_utc(1_709_251_199), "20240229-235959");
        assert_eq!(format_utc(4_107_542_399), "21000228-235959");
    }
}
