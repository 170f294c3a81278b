//! The order: how many entries were delivered, their digests, and the most recent of them.

mod log;

use crate::entry::{Entry, EntryBody};
pub use crate::ids::Digest;
use crate::ids::{ReplicaId, Stamp};
use log::{Log, Place};
use std::collections::VecDeque;
use std::fmt;
use xxhash_rust::xxh3::{Xxh3, xxh3_128};

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

/// The sequence of delivered entries: all of it as a digest, the recent part in full.
///
/// What is hashed for an entry lies in the log just as it was hashed: the digest before it, its stamp, its canonical
/// bytes. So each entry is copied once, and nothing else needs to be kept of it. Only of a large entry the canonical
/// bytes are not copied: they stay where they are.
#[derive(Debug)]
pub struct Order {
    position: u64,
    digest: Digest,
    recent: VecDeque<Place>,
    log: Log,
    /// The large ones among the recent entries, with their positions.
    large: VecDeque<(u64, EntryBody)>,
    large_bytes: usize,
    entries_max: usize,
    bytes_max: usize,
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
            large: VecDeque::new(),
            large_bytes: 0,
            entries_max,
            bytes_max,
        }
    }

    /// Adds the entry that is being delivered; its position.
    pub fn append(&mut self, entry: &Entry) -> u64 {
        self.position += 1;
        let canonical = entry.body.bytes();
        // Where most of the memory is another entry's, keeping it for this one would be a waste.
        if canonical.len() >= LARGE_BYTES && entry.body.memory() < 2 * canonical.len() {
            self.append_large(entry);
        } else {
            let hashed = self.push(&entry.stamp, canonical);
            self.digest = Digest(xxh3_128(hashed));
        }
        while self.recent.len() > self.entries_max
            || (self.bytes() > self.bytes_max && self.recent.len() > 1)
        {
            self.drop_first();
        }
        self.position
    }

    /// The digest before the last entry, its stamp and its canonical bytes, in the log.
    #[inline]
    fn push(&mut self, stamp: &Stamp, canonical: &[u8]) -> &[u8] {
        let previous = self.digest.0.to_be_bytes();
        let room = PREFIX_BYTES + canonical.len();
        let (place, piece) = self.log.push(room, |piece| {
            piece.extend_from_slice(&previous);
            stamp.push_text(piece);
            piece.extend_from_slice(canonical);
        });
        self.recent.push_back(place);
        piece
    }

    /// Adds an entry whose canonical bytes are kept where they are.
    #[cold]
    fn append_large(&mut self, entry: &Entry) {
        let canonical = entry.body.bytes();
        let mut hash = Xxh3::new();
        hash.update(self.push(&entry.stamp, &[]));
        hash.update(canonical);
        self.digest = Digest(hash.digest128());
        self.large.push_back((self.position, entry.body.clone()));
        self.large_bytes += entry.body.memory();
    }

    /// Bytes that are kept for the recent entries.
    fn bytes(&self) -> usize {
        self.log.bytes() + self.large_bytes
    }

    #[inline]
    fn drop_first(&mut self) {
        let oldest = self.oldest();
        if let Some(dropped) = self.recent.pop_front() {
            self.log.drop_first(dropped);
        }
        if self.large_bytes > 0 {
            self.drop_large(oldest);
        }
    }

    #[cold]
    fn drop_large(&mut self, oldest: u64) {
        let dropped = self.large.pop_front_if(|(position, _)| *position == oldest);
        if let Some((_, body)) = dropped {
            self.large_bytes -= body.memory();
        }
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
        self.digest_after(skip)
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
        let first = self.oldest() + skip as u64;
        Ok((skip..skip + count).map(move |at| {
            let delivered = Delivered {
                entry: self.entry(at),
                digest: self.digest_after(at).unwrap_or(self.digest),
            };
            (first + (at - skip) as u64, delivered)
        }))
    }

    /// The entry at a place among the recent ones.
    fn entry(&self, at: usize) -> Entry {
        let piece = self.recent.get(at).map(|place| self.log.get(*place));
        let text = piece.and_then(|piece| piece.get(DIGEST_BYTES..));
        let text = text.unwrap_or_default();
        // A stamp has no dollar sign, and canonical bytes begin with one.
        let (stamp, canonical) = text.split_at(memchr::memchr(b'$', text).unwrap_or(text.len()));
        let position = self.oldest() + at as u64;
        let large = self
            .large
            .binary_search_by_key(&position, |(position, _)| *position);
        let large = large.ok().and_then(|at| self.large.get(at));
        Entry {
            stamp: Stamp::parse(stamp).unwrap_or(Stamp::new(0, ReplicaId(0))),
            body: match large {
                Some((_, body)) => body.clone(),
                None => EntryBody::from_canonical(canonical),
            },
        }
    }

    /// The digest after the entry at a place among the recent ones: what the next one's piece begins with.
    fn digest_after(&self, at: usize) -> Option<Digest> {
        if at + 1 == self.recent.len() {
            return Some(self.digest);
        }
        let next = self.log.get(*self.recent.get(at + 1)?);
        let digest = next.first_chunk::<DIGEST_BYTES>()?;
        Some(Digest(u128::from_be_bytes(*digest)))
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
        self.bytes() + self.recent.len() * size_of::<Place>()
    }
}

/// Bytes of a digest.
const DIGEST_BYTES: usize = 16;
/// Room for a digest and a stamp.
const PREFIX_BYTES: usize = DIGEST_BYTES + 27;
/// Canonical bytes from which on copying them costs more than keeping them where they are.
const LARGE_BYTES: usize = 8 << 10;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::EntryBody;
    use crate::ids::ReplicaId;
    use crate::wire::arguments::push_bulk;
    use crate::wire::frame::{Decoder, FrameLimits};

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
    fn large_entries_are_kept_and_dropped_in_their_turn() {
        let value = vec![b'v'; 3 * LARGE_BYTES];
        let large = |time| Entry {
            stamp: Stamp::new(time, ReplicaId(2)),
            body: EntryBody::command(&[b"SET", b"x", &value]),
        };
        let mut order = Order::new(4, 7 * LARGE_BYTES);
        let mut previous = Digest::default();
        for (time, entry) in (1..).zip([entry(1), large(2), entry(3), large(4), entry(5), entry(6)])
        {
            order.append(&entry);
            let mut bytes = previous.0.to_be_bytes().to_vec();
            bytes.extend_from_slice(entry.stamp.to_string().as_bytes());
            bytes.extend_from_slice(entry.body.bytes());
            previous = Digest(xxh3_128(&bytes));
            assert_eq!(order.digest(), previous);
            let kept: Vec<_> = order.from(order.oldest(), 9).unwrap().collect();
            let (position, last) = kept.last().unwrap();
            assert_eq!((*position, &last.entry), (time, &entry));
        }
        let bodies = order
            .from(3, 9)
            .unwrap()
            .map(|(_, kept)| kept.entry.body.bytes().len());
        assert_eq!(bodies.filter(|bytes| *bytes > LARGE_BYTES).count(), 1);
        assert!(order.memory() > 3 * LARGE_BYTES && order.memory() < 4 * LARGE_BYTES);
        // Only bytes drop it now.
        (7..9).for_each(|time| {
            order.append(&large(time));
        });
        assert_eq!(order.oldest(), 5);
        (9..=12).for_each(|time| {
            order.append(&entry(time));
        });
        assert!(order.large.is_empty() && order.memory() < LARGE_BYTES);
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

    #[test]
    fn what_large_entries_keep_in_memory_is_counted() {
        let bulk = |words: &[&[u8]]| {
            let mut bytes = Vec::new();
            words.iter().for_each(|word| push_bulk(&mut bytes, word));
            bytes
        };
        // Two entries of one frame lie in the same memory: the first one in most of it, or in less than half.
        for (second, kept_in_place) in [(LARGE_BYTES / 2, 1), (2 * LARGE_BYTES, 0)] {
            let (first, second) = (vec![b'v'; 2 * LARGE_BYTES], vec![b'w'; second]);
            let words: [&[u8]; 10] = [
                b"7", b"3", b"SET", b"x", &first, b"8", b"3", b"SET", b"y", &second,
            ];
            let mut bytes = b"*11\r\n".to_vec();
            bytes.extend_from_slice(&bulk(&[b"MCAST"]));
            bytes.extend_from_slice(&bulk(&words));
            let mut decoder = Decoder::new(FrameLimits::default());
            assert_eq!(decoder.decode(&bytes), Ok(Some(bytes.len())));
            let taken = EntryBody::take_all(decoder.frame(&bytes), 1).unwrap();
            let mut order = Order::new(10, 1 << 20);
            for (time, body) in taken {
                let stamp = Stamp::new(time, ReplicaId(1));
                order.append(&Entry { stamp, body });
            }
            assert_eq!(order.large.len(), kept_in_place);
            assert!(order.memory() > bulk(&words).len());
        }
    }
}
