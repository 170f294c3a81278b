//! Durations counted in buckets that grow with them.

use std::time::Duration;

/// Buckets for each power of two: a duration is known to better than one in a hundred.
const STEPS: u64 = 256;
/// `STEPS` as a power of two.
const STEPS_LOG: u32 = STEPS.trailing_zeros();

/// How many durations there were of each length, in nanoseconds. Below [`STEPS`] there is a bucket for
/// each; above, as many for each power of two (log-linear, as Gil Tene's HdrHistogram).
#[derive(Clone, Debug, Default)]
pub(super) struct Histogram {
    buckets: Vec<u64>,
    count: u64,
    most: u64,
}

impl Histogram {
    /// Counts a duration, in nanoseconds.
    pub(super) fn add(&mut self, nanoseconds: u64) {
        let at = index(nanoseconds);
        if self.buckets.len() <= at {
            self.buckets.resize(at + 1, 0);
        }
        self.buckets[at] += 1;
        self.count += 1;
        self.most = self.most.max(nanoseconds);
    }

    /// Adds all that another has counted.
    pub(super) fn merge(&mut self, other: &Self) {
        if self.buckets.len() < other.buckets.len() {
            self.buckets.resize(other.buckets.len(), 0);
        }
        for (own, added) in self.buckets.iter_mut().zip(&other.buckets) {
            *own += added;
        }
        self.count += other.count;
        self.most = self.most.max(other.most);
    }

    /// How many were counted.
    #[must_use]
    pub(super) fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    #[must_use]
    pub(super) fn most(&self) -> Duration {
        Duration::from_nanos(self.most)
    }

    /// The duration that so many of a thousand do not exceed; zero if nothing was counted.
    #[must_use]
    pub(super) fn permille(&self, part: u64) -> Duration {
        let wanted = (self.count * part).div_ceil(1000).max(1);
        let mut seen = 0;
        for (at, count) in self.buckets.iter().enumerate() {
            seen += count;
            if seen >= wanted {
                return Duration::from_nanos(highest(at).min(self.most));
            }
        }
        Duration::ZERO
    }
}

fn index(nanoseconds: u64) -> usize {
    let shift = (nanoseconds | (STEPS - 1)).ilog2() + 1 - STEPS_LOG;
    let step = nanoseconds >> shift;
    let index = u64::from(shift) * (STEPS / 2) + step;
    usize::try_from(index).unwrap_or(usize::MAX)
}

/// The longest duration that a bucket counts.
fn highest(index: usize) -> u64 {
    let (index, half) = (index as u64, STEPS / 2);
    let shift = (index / half).saturating_sub(1);
    let step = index - shift * half;
    ((step + 1) << shift) - 1
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn parts_of_a_thousand_are_found() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.permille(500), Duration::ZERO);
        let (mut low, mut high) = (Histogram::default(), Histogram::default());
        (1..=900).for_each(|_| low.add(100));
        (1..=100).for_each(|_| high.add(1_000_000));
        histogram.merge(&low);
        histogram.merge(&high);
        assert_eq!(histogram.count(), 1000);
        assert_eq!(histogram.permille(500), Duration::from_nanos(100));
        assert_eq!(histogram.permille(900), Duration::from_nanos(100));
        assert_eq!(histogram.permille(901), Duration::from_millis(1));
        assert_eq!(histogram.most(), Duration::from_millis(1));
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_a_hundredth_wider_than_what_it_counts(shift in 0u32..63, low in any::<u64>()) {
            let duration = low >> shift >> 1;
            let found = highest(index(duration));
            prop_assert!(found >= duration);
            prop_assert!(found - duration <= duration / 100);
            prop_assert_eq!(index(found), index(duration));
            prop_assert_eq!(index(found + 1), index(duration) + 1);
        }
    }
}
