//! The order: how many entries were delivered, their digests, and the most recent of them.

mod log;

use crate::multicast::{Entry, EntryBody, ReplicaId, Stamp};
use crate::protocol::arguments::push_decimal;
use log::{Log, Place};
use std::collections::VecDeque;
use std::fmt;
use xxhash_rust::xxh3::xxh3_128;

/// The digest of an order up to a position.
///
/// At position 0 it is 0. At position n it is the XXH3 128-bit hash (seed 0) of the 16 bytes of the digest
/// at n-1, big-endian, followed by the entry's stamp as text (`17.2`) and its canonical bytes. Results are no
/// part of it. Equal digests at a position prove equal orders.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Digest(pub u128);

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

/// A delivered entry that is still kept.
#[derive(Clone, Debug)]
pub struct Delivered {
    /// The entry.
    pub entry: Entry,
    /// The digest after it.
    pub digest: Digest,
}

/// A position that cannot be answered for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutOfRange {
    /// It was dropped; the oldest position still kept.
    Dropped(u64),
    /// It has not been reached; the last position.
    Ahead(u64),
}

impl fmt::Display for OutOfRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Dropped(oldest) => {
                write!(
                    f,
                    "the position was dropped; the oldest one kept is {oldest}"
                )
            }
            Self::Ahead(last) => {
                write!(f, "the position is not reached yet; the last one is {last}")
            }
        }
    }
}

/// An entry that is kept: its canonical bytes lie in a [`Log`].
#[derive(Clone, Copy, Debug)]
struct Kept {
    time: u64,
    replica: ReplicaId,
    place: Place,
    /// The digest after it, as it goes into the next one.
    digest: [u8; 16],
}

/// The sequence of delivered entries: all of it as a digest, the recent part in full.
#[derive(Debug)]
pub struct Order {
    position: u64,
    digest: Digest,
    recent: VecDeque<Kept>,
    log: Log,
    entries_max: usize,
    bytes_max: usize,
    scratch: Vec<u8>,
}

impl Order {
    /// An empty order that keeps at most `entries_max` entries and about `bytes_max` bytes of them.
    #[must_use]
    pub fn new(entries_max: usize, bytes_max: usize) -> Self {
        Self {
            position: 0,
            digest: Digest::default(),
            recent: VecDeque::new(),
            log: Log::default(),
            entries_max,
            bytes_max,
            scratch: Vec::new(),
        }
    }

    /// Adds the entry that is being delivered; its position.
    pub fn append(&mut self, entry: &Entry) -> u64 {
        self.position += 1;
        let canonical = entry.body.bytes();
        self.digest = chain(self.digest, entry.stamp, canonical, &mut self.scratch);
        self.recent.push_back(Kept {
            time: entry.stamp.time,
            replica: entry.stamp.replica,
            place: self.log.push(canonical),
            digest: self.digest.0.to_be_bytes(),
        });
        while self.recent.len() > self.entries_max
            || (self.log.bytes() > self.bytes_max && self.recent.len() > 1)
        {
            if let Some(dropped) = self.recent.pop_front() {
                self.log.drop_first(dropped.place);
            }
        }
        self.position
    }

    /// How many entries were delivered: the position of the last one.
    #[must_use]
    pub fn position(&self) -> u64 {
        self.position
    }

    /// The digest at the last position.
    #[must_use]
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The digest at a position.
    ///
    /// # Errors
    /// [`OutOfRange`] if it was dropped or is not reached.
    pub fn digest_at(&self, position: u64) -> Result<Digest, OutOfRange> {
        if position == self.position {
            return Ok(self.digest);
        }
        if position > self.position {
            return Err(OutOfRange::Ahead(self.position));
        }
        if position == 0 {
            return Ok(Digest::default());
        }
        let skip = self.place_of(position)?;
        let kept = self.recent.get(skip);
        kept.map(|kept| Digest(u128::from_be_bytes(kept.digest)))
            .ok_or(OutOfRange::Ahead(self.position))
    }

    /// Up to `count` entries beginning at a position, with their positions; none if it is not reached.
    ///
    /// # Errors
    /// [`OutOfRange::Dropped`] if the position is not kept any more.
    pub fn from(
        &self,
        position: u64,
        count: usize,
    ) -> Result<impl ExactSizeIterator<Item = (u64, Delivered)>, OutOfRange> {
        let skip = self.place_of(position)?;
        let count = count.min(self.recent.len() - skip);
        let kept = self.recent.range(skip..skip + count);
        let first = self.oldest() + skip as u64;
        Ok(kept.enumerate().map(move |(after, kept)| {
            let entry = Entry {
                stamp: Stamp::new(kept.time, kept.replica),
                body: EntryBody::from_canonical(self.log.get(kept.place)),
            };
            let digest = Digest(u128::from_be_bytes(kept.digest));
            (first + after as u64, Delivered { entry, digest })
        }))
    }

    /// Where a position is among the recent ones; behind them if it is not reached.
    fn place_of(&self, position: u64) -> Result<usize, OutOfRange> {
        let oldest = self.oldest();
        if position < oldest {
            return Err(OutOfRange::Dropped(oldest));
        }
        let skip = usize::try_from(position - oldest).unwrap_or(usize::MAX);
        Ok(skip.min(self.recent.len()))
    }

    /// The oldest position that is still kept; one more than the last if none is.
    #[must_use]
    pub fn oldest(&self) -> u64 {
        self.position + 1 - self.recent.len() as u64
    }

    /// Roughly how much memory the recent entries take, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.log.bytes() + self.recent.len() * size_of::<Kept>()
    }
}

/// One link of the chain: see [`Digest`].
fn chain(previous: Digest, stamp: Stamp, canonical: &[u8], scratch: &mut Vec<u8>) -> Digest {
    /// Room for a digest and a stamp.
    const PREFIX_BYTES: usize = 48;
    scratch.clear();
    scratch.reserve(PREFIX_BYTES + canonical.len());
    scratch.extend_from_slice(&previous.0.to_be_bytes());
    push_decimal(scratch, stamp.time);
    scratch.push(b'.');
    push_decimal(scratch, stamp.replica.0.into());
    scratch.extend_from_slice(canonical);
    Digest(xxh3_128(scratch))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::multicast::{EntryBody, ReplicaId};

    fn entry(time: u64) -> Entry {
        let stamp = Stamp::new(time, ReplicaId(1));
        Entry {
            stamp,
            body: EntryBody::command(&[b"SET", b"x", b"1"]),
        }
    }

    #[test]
    fn recent_entries_are_kept_and_older_ones_named_as_dropped() {
        let mut order = Order::new(3, 1000);
        for time in 1..=5 {
            assert_eq!(order.append(&entry(time)), time);
        }
        let positions = |from, count| {
            order
                .from(from, count)
                .map(|kept| kept.map(|(position, _)| position).collect::<Vec<_>>())
        };
        assert_eq!(positions(3, 9), Ok(vec![3, 4, 5]));
        assert_eq!(positions(4, 1), Ok(vec![4]));
        assert_eq!(positions(6, 1), Ok(vec![]));
        assert_eq!(positions(99, 1), Ok(vec![]));
        assert_eq!(positions(2, 1), Err(OutOfRange::Dropped(3)));
        assert_eq!(order.digest_at(5), Ok(order.digest()));
        assert_eq!(order.digest_at(6), Err(OutOfRange::Ahead(5)));
        assert_eq!(order.digest_at(1), Err(OutOfRange::Dropped(3)));
        assert_eq!(order.digest_at(0), Ok(Digest(0)));
    }

    #[test]
    fn bytes_are_bounded_too() {
        let mut order = Order::new(1000, 100);
        (1..=50).for_each(|time| {
            order.append(&entry(time));
        });
        assert!(order.log.bytes() <= 100 && order.oldest() > 40);
    }

    #[test]
    fn the_digest_is_what_the_documentation_says() {
        let mut order = Order::new(10, 1000);
        order.append(&entry(7));
        let mut bytes = vec![0; 16];
        bytes.extend_from_slice(b"7.1$1\r\n3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n");
        assert_eq!(order.digest(), Digest(xxh3_128(&bytes)));
        order.append(&entry(8));
        let mut second = xxh3_128(&bytes).to_be_bytes().to_vec();
        second.extend_from_slice(b"8.1");
        second.extend_from_slice(&bytes[19..]);
        assert_eq!(order.digest(), Digest(xxh3_128(&second)));
    }
}
