//! How long commands took in the last seconds.

use crate::turn::Now;
use std::time::Duration;

/// Buckets of [`Latencies`]: four to each power of two of microseconds, up to about an hour.
const BUCKETS: usize = 128;
/// How long one window of [`Latencies`] lasts.
const WINDOW: Duration = Duration::from_secs(5);

/// How long commands took in the last seconds: two windows of buckets, each a quarter of a power of two.
#[derive(Debug)]
pub(crate) struct Latencies {
    current: [u32; BUCKETS],
    previous: [u32; BUCKETS],
    begun: Duration,
    /// Commands counted in the current window.
    counted: u32,
}

/// Commands of a window that [`Latencies::wants`] wants without exception.
const ALL_OF_THE_FIRST: u32 = 64;
/// Of the commands behind those it wants one in so many: reading the clock takes longer than a look at a key.
const ONE_OF: u64 = 16;

impl Default for Latencies {
    fn default() -> Self {
        Self {
            current: [0; BUCKETS],
            previous: [0; BUCKETS],
            begun: Duration::ZERO,
            counted: 0,
        }
    }
}

impl Latencies {
    /// Whether a command is to be counted, if a sample of them is enough; `number` is the command's.
    pub(crate) fn wants(&self, number: u64, now: Now) -> bool {
        self.counted < ALL_OF_THE_FIRST
            || number.is_multiple_of(ONE_OF)
            || now.monotonic >= self.begun + WINDOW
    }

    /// Counts a command.
    pub(crate) fn note(&mut self, took: Duration, now: Now) {
        if now.monotonic >= self.begun + WINDOW {
            self.turn(now);
        }
        // Not `as_micros`, which divides 128 bits.
        let micros = took
            .as_secs()
            .saturating_mul(1_000_000)
            .saturating_add(u64::from(took.subsec_micros()))
            .saturating_add(4);
        let power = 63 - micros.leading_zeros() as usize;
        let quarter = usize::try_from(micros >> (power - 2)).unwrap_or(0) & 3;
        let bucket = ((power - 2) * 4 + quarter).min(BUCKETS - 1);
        self.current[bucket] = self.current[bucket].saturating_add(1);
        self.counted = self.counted.saturating_add(1);
    }

    /// The time that a share of the commands (0.5: half of them) did not exceed, in microseconds; 0 if
    /// there were none.
    pub(crate) fn percentile_us(&self, share: f64, now: Now) -> u64 {
        let age = now.monotonic.saturating_sub(self.begun);
        let counts: Vec<u64> = (0..BUCKETS)
            .map(|at| {
                let current = if age < 2 * WINDOW {
                    self.current[at]
                } else {
                    0
                };
                let previous = if age < WINDOW { self.previous[at] } else { 0 };
                u64::from(current) + u64::from(previous)
            })
            .collect();
        let total: u64 = counts.iter().sum();
        let (mut seen, wanted) = (0, (total as f64 * share).ceil() as u64);
        for (bucket, count) in counts.into_iter().enumerate() {
            seen += count;
            if count > 0 && seen >= wanted {
                let (power, quarter) = (bucket / 4 + 2, bucket as u64 % 4);
                // The upper end of the bucket.
                return ((4 + quarter + 1) << (power - 2)).saturating_sub(5);
            }
        }
        0
    }

    fn turn(&mut self, now: Now) {
        let skipped = now.monotonic >= self.begun + 2 * WINDOW;
        self.previous = if skipped { [0; BUCKETS] } else { self.current };
        self.current = [0; BUCKETS];
        self.counted = 0;
        self.begun = now.monotonic;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_quarter_and_old_ones_fade() {
        let at = |seconds| Now {
            monotonic: Duration::from_secs(seconds),
            ..Now::default()
        };
        let mut latencies = Latencies::default();
        for micros in 1..=1000 {
            latencies.note(Duration::from_micros(micros), at(1));
        }
        for (share, exact) in [(0.5, 500.0), (0.99, 990.0)] {
            let found = latencies.percentile_us(share, at(1)) as f64;
            assert!((0.99..1.26).contains(&(found / exact)), "{share}: {found}");
        }
        latencies.note(Duration::from_micros(7), at(7));
        assert!(latencies.percentile_us(0.5, at(7)) > 300);
        assert_eq!(latencies.percentile_us(0.5, at(13)), 7);
        assert_eq!(latencies.percentile_us(0.5, at(30)), 0);
        latencies.note(Duration::MAX, at(31));
        assert!(latencies.percentile_us(0.5, at(31)) > 1_000_000_000);
    }

    #[test]
    fn few_are_counted_all_and_many_by_a_sample() {
        let now = Now::default();
        let mut latencies = Latencies::default();
        for number in 0..1664 {
            if latencies.wants(number, now) {
                latencies.note(Duration::ZERO, now);
            }
        }
        assert_eq!(latencies.counted, ALL_OF_THE_FIRST + 100);
    }
}
