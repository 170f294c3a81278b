//! What a load came to: latencies of each kind of operation, and errors by code.

use super::mix::Kind;
use hdrhistogram::Histogram;
use std::collections::BTreeMap;
use std::time::Duration;

/// How many durations there were of each length, in nanoseconds.
pub(super) type Latencies = Histogram<u64>;

/// Digits of a duration that are kept.
const DIGITS: u8 = 3;

/// None yet; it grows with the durations.
fn no_latencies() -> Latencies {
    Latencies::new(DIGITS).unwrap_or_else(|_| unreachable!("fewer than six digits can be kept"))
}

/// The duration that so great a part does not exceed; zero if nothing was counted.
pub(super) fn quantile(latencies: &Latencies, part: f64) -> Duration {
    Duration::from_nanos(latencies.value_at_quantile(part))
}

/// The figures of a load, or of one thread's part of it.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// For each kind, in the order of [`Kind::ALL`], how long those took that were answered without error.
    latencies: Vec<Latencies>,
    /// What went wrong, by the code of the error or in words, and how often.
    pub(super) errors: BTreeMap<Trouble, u64>,
    /// Operations invoked.
    pub(super) invoked: u64,
    /// With a fixed rate: operations that were due and could not be sent before the end.
    pub(super) unsent: u64,
    /// Connections that were lost, or could not be made, while the load ran.
    pub(super) lost: u64,
    /// From the beginning to the last completion.
    pub(super) took: Duration,
    /// When the last operation was completed, on the clock of the load, in nanoseconds.
    pub(super) last: u64,
}

/// Something that went wrong with an operation.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Trouble {
    /// The code of the error, or words.
    pub(super) what: String,
    /// Whether the operation certainly did not happen.
    pub(super) definite: bool,
}

impl Default for Tally {
    fn default() -> Self {
        Self {
            latencies: vec![no_latencies(); Kind::ALL.len()],
            errors: BTreeMap::new(),
            invoked: 0,
            unsent: 0,
            lost: 0,
            took: Duration::ZERO,
            last: 0,
        }
    }
}

impl Tally {
    /// Counts an operation that was answered without error.
    pub(super) fn answered(&mut self, kind: Kind, nanoseconds: u64) {
        self.latencies[kind as usize] += nanoseconds;
    }

    /// Counts one that was not.
    pub(super) fn failed(&mut self, what: &str, definite: bool) {
        let what = what.into();
        *self.errors.entry(Trouble { what, definite }).or_default() += 1;
    }

    /// The load, which began at this moment, is over.
    pub(super) fn finish(&mut self, began: u64) {
        self.took = Duration::from_nanos(self.last.saturating_sub(began));
    }

    /// Adds another thread's part.
    pub(super) fn merge(&mut self, other: &Self) {
        for (own, added) in self.latencies.iter_mut().zip(&other.latencies) {
            *own += added;
        }
        for (trouble, count) in &other.errors {
            *self.errors.entry(trouble.clone()).or_default() += count;
        }
        self.invoked += other.invoked;
        self.unsent += other.unsent;
        self.lost += other.lost;
        self.took = self.took.max(other.took);
    }

    /// The kinds that were answered, with their latencies.
    pub(super) fn kinds(&self) -> impl Iterator<Item = (Kind, &Latencies)> {
        let all = Kind::ALL
            .map(|(kind, _)| kind)
            .into_iter()
            .zip(&self.latencies);
        all.filter(|(_, latencies)| !latencies.is_empty())
    }

    /// The latencies of all kinds together.
    #[must_use]
    pub(super) fn all(&self) -> Latencies {
        let mut all = no_latencies();
        self.latencies.iter().for_each(|part| all += part);
        all
    }

    /// So many in a second.
    #[must_use]
    pub(super) fn per_second(&self, count: u64) -> f64 {
        match self.took {
            Duration::ZERO => 0.0,
            took => count as f64 / took.as_secs_f64(),
        }
    }
}
