//! The hybrid logical clock.

use crate::bugs::{Bug, planted};
use crate::ids::TIME_MAX;
use std::time::Duration;

/// Issues times that follow the wall clock, never repeat, and are larger than every time seen (after
/// Kulkarni and others, "Logical Physical Clocks", 2014; one number in place of their two).
#[derive(Clone, Debug, Default)]
pub struct HybridClock {
    last: u64,
}

impl HybridClock {
    /// The last time issued or seen.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.last
    }

    /// Issues a time: `max(wall, last + 1)`, in microseconds.
    pub fn tick(&mut self, wall: Duration) -> u64 {
        self.last = Self::microseconds(wall).max(self.last + 1);
        self.last
    }

    /// A wall clock's time as this clock counts.
    #[must_use]
    pub fn microseconds(wall: Duration) -> u64 {
        let microseconds = u64::try_from(wall.as_micros()).unwrap_or(TIME_MAX);
        microseconds.min(TIME_MAX)
    }

    /// Takes note of a time issued elsewhere.
    pub fn merge(&mut self, time: u64) {
        if planted(Bug::HybridClockNotMerged) {
            return;
        }
        self.last = self.last.max(time.min(TIME_MAX));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_rise_even_if_the_wall_clock_is_set_back() {
        let mut clock = HybridClock::default();
        assert_eq!(clock.tick(Duration::from_secs(2)), 2_000_000);
        assert_eq!(clock.tick(Duration::from_secs(1)), 2_000_001);
        clock.merge(5_000_000);
        clock.merge(3);
        assert_eq!(clock.tick(Duration::from_secs(3)), 5_000_001);
        assert_eq!(clock.tick(Duration::from_secs(9)), 9_000_000);
    }
}
