//! When operations are due, and when there are no more.

use crate::kit::clock::nanoseconds;
use std::time::Duration;

/// How much load there is to be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Goal {
    /// So many operations.
    Operations(u64),
    /// As many as there are in so long.
    Duration(Duration),
}

/// A thread's share of a load: what is due, and when. Moments are nanoseconds since its start.
///
/// Without a rate an operation is due as soon as a client is free (a closed loop). With one, they are due
/// at fixed moments, whether clients are free or not; one that comes late has waited since it was due, which
/// its latency has to include (an open loop, without what Gil Tene calls coordinated omission).
#[derive(Clone, Debug)]
pub(super) struct Pace {
    /// Operations left, if they are counted.
    left: Option<u64>,
    /// No operation is due from here on.
    end: Option<u64>,
    /// Between two operations, if there is a rate.
    interval: Option<f64>,
    /// When the first is due.
    first: f64,
    given: u64,
    stopped: bool,
}

impl Pace {
    /// The share of thread `index` of `threads`.
    pub(super) fn new(goal: Goal, rate: Option<f64>, index: usize, threads: usize) -> Self {
        let (index_number, count) = (index as u64, threads as u64);
        let interval = rate.map(|rate| count as f64 * 1e9 / rate);
        let (left, end) = match goal {
            Goal::Operations(all) => {
                let extra = u64::from(index_number < all % count);
                (Some(all / count + extra), None)
            }
            Goal::Duration(duration) => (None, Some(nanoseconds(duration))),
        };
        Self {
            left,
            end,
            interval,
            first: interval.map_or(0.0, |interval| interval * index as f64 / count as f64),
            given: 0,
            stopped: false,
        }
    }

    /// When the next operation is due; none if there are no more.
    pub(super) fn next_due(&self, now: u64) -> Option<u64> {
        if self.stopped || self.left == Some(0) {
            return None;
        }
        let due = match self.interval {
            None => now,
            Some(interval) => (self.first + interval * self.given as f64) as u64,
        };
        self.end.is_none_or(|end| due < end).then_some(due)
    }

    /// Takes one operation that is due now: the moment since when it is.
    pub(super) fn take(&mut self, now: u64) -> Option<u64> {
        let due = self.next_due(now)?;
        if due > now || self.is_over(now) {
            return None;
        }
        self.given += 1;
        self.left = self.left.map(|left| left - 1);
        Some(due)
    }

    /// Whether nothing more is to be sent.
    pub(super) fn is_over(&self, now: u64) -> bool {
        let ended = self.end.is_some_and(|end| now >= end);
        self.stopped || self.left == Some(0) || ended
    }

    /// Whether operations are due at fixed moments.
    pub(super) fn is_open_loop(&self) -> bool {
        self.interval.is_some()
    }

    /// Stops before the goal is reached.
    pub(super) fn stop(&mut self) {
        self.stopped = true;
    }

    /// How many were due and not taken, once it is over.
    pub(super) fn unsent(&self) -> u64 {
        match (self.interval, self.end, self.stopped) {
            (Some(interval), Some(end), false) => {
                let due = ((end as f64 - self.first) / interval).ceil().max(0.0) as u64;
                due.saturating_sub(self.given)
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn operations_are_shared_among_threads() {
        let mut all = 0;
        for index in 0..3 {
            let mut pace = Pace::new(Goal::Operations(10), None, index, 3);
            while pace.take(5) == Some(5) {
                all += 1;
            }
            assert!(pace.is_over(5));
        }
        assert_eq!(all, 10);
    }

    #[test]
    fn with_a_rate_operations_are_due_at_fixed_moments_however_late_they_are_taken() {
        let goal = Goal::Duration(Duration::from_nanos(1000));
        // Two threads share ten million a second: each 100 ns apart, one behind the other by half of it.
        let (rate, threads) = (Some(2e7), 2);
        let mut pace = Pace::new(goal, rate, 1, threads);
        assert_eq!(pace.next_due(0), Some(50));
        assert_eq!(pace.take(49), None);
        assert_eq!(pace.take(420), Some(50));
        assert_eq!(pace.take(420), Some(150));
        assert_eq!(pace.take(420), Some(250));
        assert_eq!(pace.take(420), Some(350));
        assert_eq!(pace.take(420), None);
        assert!(!pace.is_over(999) && pace.is_over(1000));
        assert_eq!(pace.take(1000), None);
        assert_eq!(pace.unsent(), 6);
    }
}
