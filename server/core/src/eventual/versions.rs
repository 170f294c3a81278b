//! The store of the eventual model: the last version of each key.

use crate::ids::Digest;
use crate::ids::ReplicaId;
use crate::ids::{Origin, Vector, VersionStamp};
use crate::store::{HashSecret, Keyspace, Mark, Record, Table};
use std::collections::BTreeMap;
use std::ops::{Bound, Range};
use xxhash_rust::xxh3::xxh3_128;

/// When a version was written, and what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// When and by whom.
    pub stamp: VersionStamp,
    /// Whether the key was deleted.
    pub tombstone: bool,
}

impl Mark for Written {
    const BYTES: usize = 8 + 8 + 2 + 1;

    fn write(self, bytes: &mut [u8]) {
        let Origin {
            replica,
            incarnation,
        } = self.stamp.origin;
        bytes[..8].copy_from_slice(&self.stamp.time.to_le_bytes());
        bytes[8..16].copy_from_slice(&incarnation.to_le_bytes());
        bytes[16..18].copy_from_slice(&replica.0.to_le_bytes());
        bytes[18] = self.tombstone.into();
    }

    fn read(bytes: &[u8]) -> Self {
        let number = |at: usize| {
            let bytes = bytes[at..].first_chunk().copied().unwrap_or_default();
            u64::from_le_bytes(bytes)
        };
        let replica = [bytes[16], bytes[17]];
        Self {
            stamp: VersionStamp {
                time: number(0),
                origin: Origin {
                    replica: ReplicaId(u16::from_le_bytes(replica)),
                    incarnation: number(8),
                },
            },
            tombstone: bytes[18] == 1,
        }
    }
}

/// A value or a tombstone, and when it was written.
pub type Version<'a> = Record<'a, Written>;

impl<'a> Version<'a> {
    /// The value; `None` is a tombstone.
    #[must_use]
    pub fn live(&self) -> Option<&'a [u8]> {
        (!self.mark.tombstone).then_some(self.value)
    }
}

/// The last version of each key.
///
/// *Invariants.* `live` counts the keys with a value, `hash` is the sum of their hashes, and
/// `tombstones` holds the key of each tombstone under its stamp.
#[derive(Debug)]
pub struct Versions {
    table: Table<Written>,
    tombstones: BTreeMap<VersionStamp, Box<[u8]>>,
    live: usize,
    hash: u128,
    bytes: usize,
    scratch: Vec<u8>,
}

impl Versions {
    /// Empty; see [`Table::new`] for the secret.
    #[must_use]
    pub fn new(secret: HashSecret) -> Self {
        Self {
            table: Table::new(secret),
            tombstones: BTreeMap::new(),
            live: 0,
            hash: 0,
            bytes: 0,
            scratch: Vec::new(),
        }
    }

    /// See [`Table::warm`].
    pub fn warm<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) {
        self.table.warm(keys);
    }

    /// Keeps a version if it is newer than the one at the key; whether it is.
    pub fn apply(&mut self, key: &[u8], value: Option<&[u8]>, stamp: VersionStamp) -> bool {
        if let Some(held) = self.table.get(key) {
            if held.mark.stamp >= stamp {
                return false;
            }
            self.forget(key);
        }
        if let Some(value) = value {
            self.hash = self
                .hash
                .wrapping_add(hash(key, value, stamp, &mut self.scratch));
            self.live += 1;
        } else {
            self.tombstones.insert(stamp, key.into());
        }
        self.bytes += Table::<Written>::OVERHEAD + key.len() + value.map_or(0, <[u8]>::len);
        let written = Written {
            stamp,
            tombstone: value.is_none(),
        };
        self.table.insert(key, value.unwrap_or_default(), written);
        true
    }

    /// Looks at up to `count` tombstones behind a place, in the order of their stamps, and drops those that a vector
    /// covers; the place to go on behind, if there are more.
    pub fn drop_tombstones(
        &mut self,
        covered: &Vector,
        behind: Option<VersionStamp>,
        count: usize,
    ) -> Option<VersionStamp> {
        let rest = (
            behind.map_or(Bound::Unbounded, Bound::Excluded),
            Bound::Unbounded,
        );
        let looked_at = self.tombstones.range(rest).take(count);
        let looked_at: Vec<VersionStamp> = looked_at.map(|(stamp, _)| *stamp).collect();
        for stamp in looked_at.iter().filter(|stamp| covered.covers(**stamp)) {
            if let Some(key) = self.tombstones.get(stamp).cloned() {
                self.forget(&key);
                self.table.remove(&key);
            }
        }
        let last = looked_at.last().filter(|_| looked_at.len() == count);
        last.copied()
    }

    /// Whether a vector covers any tombstone.
    #[must_use]
    pub fn covers_a_tombstone(&self, covered: &Vector) -> bool {
        self.tombstones.keys().any(|&stamp| covered.covers(stamp))
    }

    /// How many tombstones there are.
    #[must_use]
    pub fn tombstones(&self) -> usize {
        self.tombstones.len()
    }

    /// The version at a key.
    #[must_use]
    pub fn version(&self, key: &[u8]) -> Option<Version<'_>> {
        self.table.get(key)
    }

    /// See [`Table::walk`]; tombstones are walked too.
    #[must_use]
    pub fn walk(&self, cursor: Option<usize>, count: usize) -> (Range<usize>, Option<usize>) {
        self.table.walk(cursor, count)
    }

    /// See [`Table::numbered`].
    pub fn numbered(
        &self,
        numbers: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = Version<'_>> + Clone {
        self.table.numbered(numbers)
    }

    /// A hash of the live keys, their values and stamps, whatever order they came in: the wrapping sum of
    /// the XXH3 128-bit hashes of each.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest(self.hash)
    }

    /// Roughly how much memory the data takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes
    }

    /// Takes the version at a key out of the counts; it must then be replaced or removed.
    fn forget(&mut self, key: &[u8]) {
        let Some(held) = self.table.get(key) else {
            return;
        };
        self.bytes -= Table::<Written>::OVERHEAD + key.len() + held.value.len();
        let stamp = held.mark.stamp;
        if let Some(value) = held.live() {
            self.hash = self
                .hash
                .wrapping_sub(hash(key, value, stamp, &mut self.scratch));
            self.live -= 1;
        } else {
            self.tombstones.remove(&stamp);
        }
    }
}

/// The hash of one version: of key and value, each behind its length, and the stamp's three numbers, all
/// numbers as eight bytes big-endian.
fn hash(key: &[u8], value: &[u8], stamp: VersionStamp, scratch: &mut Vec<u8>) -> u128 {
    scratch.clear();
    for bytes in [key, value] {
        scratch.extend_from_slice(&(bytes.len() as u64).to_be_bytes());
        scratch.extend_from_slice(bytes);
    }
    let origin = stamp.origin;
    for number in [stamp.time, origin.replica.0.into(), origin.incarnation] {
        scratch.extend_from_slice(&number.to_be_bytes());
    }
    xxh3_128(scratch)
}

impl Keyspace for Versions {
    fn key_overhead(&self) -> usize {
        Table::<Written>::OVERHEAD
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn scan(&self, cursor: Option<usize>, count: usize) -> (Vec<&[u8]>, Option<usize>) {
        let (numbers, next) = self.table.walk(cursor, count);
        let records = self.table.numbered(numbers);
        let live = records.filter(|record| !record.mark.tombstone);
        (live.map(|record| record.key).collect(), next)
    }

    /// The first live key at or after the place that the number picks, so that tombstones do not hide it.
    fn pick(&self, number: u64) -> Option<&[u8]> {
        let count = self.table.len();
        let at = usize::try_from(number.checked_rem(count as u64)?).ok()?;
        let around = self.table.numbered(at..count);
        let mut around = around.chain(self.table.numbered(0..at));
        around
            .find(|record| !record.mark.tombstone)
            .map(|record| record.key)
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.table.get(key)?.live()
    }

    fn len(&self) -> usize {
        self.live
    }

    fn live(&self) -> Box<dyn Iterator<Item = (&[u8], &[u8])> + '_> {
        let records = self.table.records();
        Box::new(records.filter_map(|record| Some((record.key, record.live()?))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn stamp(time: u64, replica: u16) -> VersionStamp {
        VersionStamp {
            time,
            origin: Origin {
                replica: ReplicaId(replica),
                incarnation: 1,
            },
        }
    }

    proptest! {
        #[test]
        fn any_order_of_arrival_gives_the_same_data(
            writes in proptest::collection::vec((0..6u8, proptest::option::of(0..9u8)), 0..40),
            shuffle: Vec<prop::sample::Index>,
        ) {
            let writes: Vec<_> = writes.into_iter().zip(1..).collect();
            let mut other = writes.clone();
            if !other.is_empty() {
                for (at, index) in shuffle.iter().enumerate() {
                    let length = other.len();
                    other.swap(at % length, index.index(length));
                }
            }
            let fill = |writes: &[((u8, Option<u8>), u64)]| {
                let mut versions = Versions::new(HashSecret::known(1));
                for ((key, value), time) in writes {
                    versions.apply(&[*key], value.map(|v| [v]).as_ref().map(|v| &v[..]), stamp(*time, 1));
                }
                versions
            };
            let (a, b) = (fill(&writes), fill(&other));
            prop_assert_eq!(a.sorted(), b.sorted());
            prop_assert_eq!((a.digest(), a.len(), a.tombstones(), a.memory()),
                (b.digest(), b.len(), b.tombstones(), b.memory()));
            prop_assert_eq!(a.len(), a.live().count());
        }
    }

    #[test]
    fn dropped_tombstones_leave_nothing() {
        let mut versions = Versions::new(HashSecret::known(1));
        versions.apply(b"a", Some(b"1"), stamp(1, 1));
        versions.apply(b"a", None, stamp(2, 1));
        versions.apply(b"b", None, stamp(3, 2));
        let mut covered = Vector::default();
        covered.advance(stamp(2, 1).origin, 2);
        assert_eq!(versions.drop_tombstones(&covered, None, 10), None);
        assert_eq!((versions.tombstones(), versions.len()), (1, 0));
        covered.advance(stamp(3, 2).origin, 3);
        assert_eq!(versions.drop_tombstones(&covered, None, 10), None);
        assert_eq!((versions.memory(), versions.digest()), (0, Digest(0)));
    }

    #[test]
    fn what_is_not_covered_is_looked_at_once_and_the_rest_is_dropped_piece_by_piece() {
        let mut versions = Versions::new(HashSecret::known(1));
        for time in 1..=10u8 {
            let replica = 1 + u16::from(time <= 4);
            versions.apply(&[time], None, stamp(time.into(), replica));
        }
        let mut covered = Vector::default();
        covered.advance(stamp(1, 1).origin, 9);
        let (mut behind, mut left) = (None, Vec::new());
        loop {
            behind = versions.drop_tombstones(&covered, behind, 3);
            left.push(versions.tombstones());
            if behind.is_none() {
                break;
            }
        }
        assert_eq!(
            left,
            [10, 8, 5, 5],
            "those of replica 2, and that of time 10, stay"
        );
    }
}
