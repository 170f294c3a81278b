//! Origins, stamps of versions, and vectors.

use super::{Digest, ReplicaId, Stamp};
use std::collections::BTreeMap;
use xxhash_rust::xxh3::Xxh3;

/// A replica in one incarnation: one that restarts empty counts as another origin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// The replica.
    pub replica: ReplicaId,
    /// Which start of its process.
    pub incarnation: u64,
}

/// When and where a version was written, ordered by time, then replica, then incarnation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VersionStamp {
    /// Hybrid time: microseconds since 1970, or later.
    pub time: u64,
    /// Who wrote it.
    pub origin: Origin,
}

impl VersionStamp {
    /// The stamp as people see it.
    #[must_use]
    pub fn short(self) -> Stamp {
        Stamp::new(self.time, self.origin.replica)
    }
}

/// By origin, the time up to which everything it wrote is held. Times never fall.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Vector {
    times: BTreeMap<Origin, u64>,
}

impl Vector {
    /// The time up to which an origin's writes are held; 0 if none.
    #[must_use]
    pub fn get(&self, origin: Origin) -> u64 {
        self.times.get(&origin).copied().unwrap_or(0)
    }

    /// Raises an origin's time, if it is higher.
    pub fn advance(&mut self, origin: Origin, time: u64) {
        if time > 0 {
            let held = self.times.entry(origin).or_insert(0);
            *held = time.max(*held);
        }
    }

    /// Raises every origin's time to that of another vector.
    pub fn merge(&mut self, other: &Self) {
        for (origin, time) in other.iter() {
            self.advance(origin, time);
        }
    }

    /// Whether a version is held.
    #[must_use]
    pub fn covers(&self, stamp: VersionStamp) -> bool {
        self.get(stamp.origin) >= stamp.time
    }

    /// Whether everything that the other vector covers is covered here.
    #[must_use]
    pub fn covers_all(&self, other: &Self) -> bool {
        other.iter().all(|(origin, time)| self.get(origin) >= time)
    }

    /// The XXH3 128-bit hash of replica, incarnation and time of each origin in turn, as eight bytes big-endian each.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut hash = Xxh3::new();
        for (origin, time) in self.iter() {
            for number in [origin.replica.0.into(), origin.incarnation, time] {
                hash.update(&number.to_be_bytes());
            }
        }
        Digest(hash.digest128())
    }

    /// What both vectors cover.
    #[must_use]
    pub fn meet(&self, other: &Self) -> Self {
        let times = self
            .iter()
            .map(|(origin, time)| (origin, time.min(other.get(origin))));
        Self {
            times: times.filter(|&(_, time)| time > 0).collect(),
        }
    }

    /// The origins with their times, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Origin, u64)> + '_ {
        self.times.iter().map(|(&origin, &time)| (origin, time))
    }

    /// How many origins it knows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.times.len()
    }

    /// Whether it covers nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.times.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn vectors_cover_and_meet() {
        let origin = |replica, incarnation| Origin {
            replica: ReplicaId(replica),
            incarnation,
        };
        let (mut a, mut b) = (Vector::default(), Vector::default());
        a.advance(origin(1, 7), 5);
        a.advance(origin(1, 7), 3);
        b.advance(origin(1, 7), 4);
        b.advance(origin(1, 8), 2);
        assert!(a.covers(VersionStamp {
            time: 5,
            origin: origin(1, 7)
        }));
        assert!(!a.covers(VersionStamp {
            time: 1,
            origin: origin(1, 8)
        }));
        assert!(!a.covers_all(&b) && !b.covers_all(&a));
        assert_eq!(a.meet(&b).iter().collect::<Vec<_>>(), [(origin(1, 7), 4)]);
        a.merge(&b);
        assert!(a.covers_all(&b));
    }
}
