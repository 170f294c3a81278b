//! A hash table whose records can be walked with a cursor while they come and go.

use super::arena::{Arena, Piece};
use super::digest;
use super::hash::{HashSecret, KeyHasher};
use hashbrown::HashTable;
use std::marker::PhantomData;
use std::ops::Range;

/// How many keys [`Table::warm`] takes at most.
pub const WARM_MAX: usize = 16;

/// What a table keeps beside each value.
pub trait Mark: Copy {
    /// How many bytes it takes.
    const BYTES: usize;
    /// Whether a table with such marks keeps a digest of its records.
    const DIGESTED: bool = false;

    /// Writes it to as many bytes.
    fn write(self, bytes: &mut [u8]);

    /// Reads it from them.
    fn read(bytes: &[u8]) -> Self;
}

/// One key and what it maps to.
#[derive(Clone, Copy, Debug)]
pub struct Record<'a, M> {
    /// The key.
    pub key: &'a [u8],
    /// Its value.
    pub value: &'a [u8],
    /// What is kept beside it.
    pub mark: M,
}

/// Keys to values, each with a mark.
///
/// A record lies in one piece of memory, so that looking at it waits for memory once: the mark, the lengths of
/// key and value as four bytes each, the key, the value. A vector numbers the records densely, and a hash
/// index finds a key's number there.
///
/// *Cursors.* The number of a record that is removed goes to the last one. A walk from the end to the start
/// therefore meets every record that was present all the time: whatever moves into the part not yet
/// walked was not yet walked itself. Growth never renumbers a record.
///
/// Nothing observable depends on the hash.
#[derive(Clone, Debug)]
pub struct Table<M> {
    index: HashTable<u32>,
    records: Vec<Piece>,
    arena: Arena,
    hasher: KeyHasher,
    digest: u64,
    marks: PhantomData<M>,
}

impl<M: Mark> Table<M> {
    /// What a record costs beside key and value, roughly: mark and lengths, its number and its place in the
    /// index.
    pub const OVERHEAD: usize = Self::HEAD + size_of::<Piece>() + 8;

    const HEAD: usize = M::BYTES + 2 * size_of::<u32>();

    /// An empty table. Which keys collide depends on the secret.
    #[must_use]
    pub fn new(secret: HashSecret) -> Self {
        Self {
            index: HashTable::new(),
            records: Vec::new(),
            arena: Arena::default(),
            hasher: KeyHasher::new(secret),
            digest: 0,
            marks: PhantomData,
        }
    }

    /// A digest of all records with their marks, whatever order they came in; 0 if there are none, or the marks are of
    /// a kind that is not [digested](Mark::DIGESTED).
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.digest
    }

    /// How many records there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty()
    }

    /// What a key maps to.
    #[must_use]
    pub fn get(&self, key: &[u8]) -> Option<Record<'_, M>> {
        self.number(key).map(|number| self.read(number))
    }

    /// Brings what the records of some keys lie in into the processor's caches.
    ///
    /// Looking a key up waits for memory three times in a row: for the index, the record's place and the
    /// record. Taken together for several keys, these waits overlap.
    pub fn warm<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) {
        let mut numbers = [0; WARM_MAX];
        let mut count = 0;
        for key in keys.take(WARM_MAX) {
            let hash = self.hasher.hash(key);
            // Most probably it is the key's record: few others share so much of the hash.
            if let Some(&found) = self.index.iter_hash(hash).next() {
                numbers[count] = found;
                count += 1;
            }
        }
        let mut pieces = [Piece::default(); WARM_MAX];
        for (number, piece) in numbers[..count].iter().zip(&mut pieces) {
            *piece = self.records[*number as usize];
        }
        for piece in &pieces[..count] {
            self.arena.warm(*piece);
        }
    }

    /// Maps a key to a value; returns the length of the old one.
    pub fn insert(&mut self, key: &[u8], value: &[u8], mark: M) -> Option<usize> {
        let Some(number) = self.number(key) else {
            self.add(key, value, mark);
            return None;
        };
        let piece = self.records[number];
        let bytes = self.arena.bytes(piece);
        let old = lengths::<M>(bytes).value;
        let start = Self::HEAD + key.len();
        let (old_end, end) = (start + old, start + value.len());
        let counted = count::<M>(&bytes[..old_end], key, 0..old_end);
        let piece = self.arena.resize(piece, end);
        self.records[number] = piece;
        let bytes = &mut self.arena.bytes_mut(piece)[..end];
        write_head(bytes, mark, key.len(), value.len());
        bytes[start..].copy_from_slice(value);
        let counts = count::<M>(bytes, key, 0..end);
        self.digest = self.digest.wrapping_sub(counted).wrapping_add(counts);
        Some(old)
    }

    /// Writes a part of the value of a key, from an offset on; what lies between its end and the offset is filled with
    /// zeros. The old length and the new one, unless the key is absent.
    ///
    /// The rest of the value is not touched, unless it has to move to grow.
    pub fn write(
        &mut self,
        key: &[u8],
        offset: usize,
        part: &[u8],
        mark: M,
    ) -> Option<(usize, usize)> {
        let number = self.number(key)?;
        let mut piece = self.records[number];
        let bytes = self.arena.bytes(piece);
        let old = lengths::<M>(bytes).value;
        let end = offset + part.len();
        let new = old.max(end);
        let start = Self::HEAD + key.len();
        let touched = start + old.min(offset)..start + end;
        let counted = count::<M>(&bytes[..start + old], key, touched.clone());
        if start + new > self.arena.capacity(piece) {
            // Whoever appends once will append again.
            piece = self.arena.resize(piece, start + new + new / 4);
            self.records[number] = piece;
        }
        let bytes = &mut self.arena.bytes_mut(piece)[..start + new];
        write_head(bytes, mark, key.len(), new);
        if old < offset {
            bytes[start + old..start + offset].fill(0);
        }
        bytes[start + offset..start + end].copy_from_slice(part);
        let counts = count::<M>(bytes, key, touched);
        self.digest = self.digest.wrapping_sub(counted).wrapping_add(counts);
        Some((old, new))
    }

    /// Removes a key; returns the length of the value it had.
    pub fn remove(&mut self, key: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash(key);
        let (records, arena) = (&self.records, &self.arena);
        let found = self
            .index
            .find_entry(hash, |&number| {
                key_of::<M>(arena, records[number as usize]) == key
            })
            .ok()?;
        let (number, _) = found.remove();
        let piece = self.records.swap_remove(number as usize);
        let length = lengths::<M>(self.arena.bytes(piece)).value;
        let end = Self::HEAD + key.len() + length;
        let counted = count::<M>(&self.arena.bytes(piece)[..end], key, 0..end);
        self.digest = self.digest.wrapping_sub(counted);
        self.arena.free(piece);
        if let Some(&moved) = self.records.get(number as usize) {
            let old = small(self.records.len());
            let hash = self.hasher.hash(key_of::<M>(&self.arena, moved));
            if let Some(place) = self.index.find_mut(hash, |&place| place == old) {
                *place = number;
            }
        }
        Some(length)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.index = HashTable::new();
        self.records = Vec::new();
        self.arena = Arena::default();
        self.digest = 0;
    }

    /// The records, in no order that means anything, but the same on each call while nothing changes.
    pub fn records(&self) -> impl DoubleEndedIterator<Item = Record<'_, M>> + Clone {
        self.numbered(0..self.len())
    }

    /// The record with a number, if there is one.
    #[must_use]
    pub fn record(&self, number: usize) -> Option<Record<'_, M>> {
        (number < self.len()).then(|| self.read(number))
    }

    /// The records with these numbers, which are below [`Table::len`].
    pub fn numbered(
        &self,
        numbers: Range<usize>,
    ) -> impl DoubleEndedIterator<Item = Record<'_, M>> + Clone {
        numbers.map(|number| self.read(number))
    }

    /// The numbers of up to `count` records of a walk, and the cursor for the next call. A walk begins with
    /// `None` and has ended when the returned cursor is `None`.
    #[must_use]
    pub fn walk(&self, cursor: Option<usize>, count: usize) -> (Range<usize>, Option<usize>) {
        let end = cursor.unwrap_or(usize::MAX).min(self.len());
        let start = end.saturating_sub(count);
        (start..end, if start == 0 { None } else { Some(start) })
    }

    fn add(&mut self, key: &[u8], value: &[u8], mark: M) {
        let start = Self::HEAD + key.len();
        let piece = self.arena.allocate(start + value.len());
        let bytes = &mut self.arena.bytes_mut(piece)[..start + value.len()];
        write_head(bytes, mark, key.len(), value.len());
        bytes[Self::HEAD..start].copy_from_slice(key);
        bytes[start..].copy_from_slice(value);
        let counts = count::<M>(bytes, key, 0..bytes.len());
        self.digest = self.digest.wrapping_add(counts);
        let number = small(self.records.len());
        self.records.push(piece);
        let (records, arena, hasher) = (&self.records, &self.arena, &self.hasher);
        self.index
            .insert_unique(hasher.hash(key), number, |&number| {
                hasher.hash(key_of::<M>(arena, records[number as usize]))
            });
    }

    fn number(&self, key: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash(key);
        let found = self.index.find(hash, |&number| {
            is_at::<M>(&self.arena, self.records[number as usize], key)
        })?;
        Some(*found as usize)
    }

    fn read(&self, number: usize) -> Record<'_, M> {
        let bytes = self.arena.bytes(self.records[number]);
        let lengths = lengths::<M>(bytes);
        let (key, rest) = bytes[Self::HEAD..].split_at(lengths.key);
        Record {
            key,
            value: &rest[..lengths.value],
            mark: M::read(bytes),
        }
    }
}

struct Lengths {
    key: usize,
    value: usize,
}

/// The lengths behind a record's mark.
#[inline]
fn lengths<M: Mark>(record: &[u8]) -> Lengths {
    let length = |at: usize| {
        let bytes = record[at..].first_chunk().copied().unwrap_or_default();
        u32::from_le_bytes(bytes) as usize
    };
    Lengths {
        key: length(M::BYTES),
        value: length(M::BYTES + 4),
    }
}

/// What a record counts in the table's digest; see [`digest::of_record`].
#[inline]
fn count<M: Mark>(record: &[u8], key: &[u8], touched: Range<usize>) -> u64 {
    if M::DIGESTED {
        digest::of_record(record, key, touched)
    } else {
        0
    }
}

#[inline]
fn key_of<M: Mark>(arena: &Arena, piece: Piece) -> &[u8] {
    let record = arena.bytes(piece);
    &record[Table::<M>::HEAD..][..lengths::<M>(record).key]
}

#[inline]
fn is_at<M: Mark>(arena: &Arena, piece: Piece, key: &[u8]) -> bool {
    let record = arena.bytes(piece);
    let start = Table::<M>::HEAD;
    lengths::<M>(record).key == key.len() && record.get(start..start + key.len()) == Some(key)
}

#[inline]
fn write_head<M: Mark>(record: &mut [u8], mark: M, key: usize, value: usize) {
    let (head, lengths) = record.split_at_mut(M::BYTES);
    mark.write(head);
    lengths[..4].copy_from_slice(&small(key).to_le_bytes());
    lengths[4..8].copy_from_slice(&small(value).to_le_bytes());
}

/// Keys and values are limited to far less than 4 GiB, and so are their numbers.
fn small(number: usize) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use foldhash::fast::FixedState;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};
    use std::hash::BuildHasher;

    impl Mark for u8 {
        const BYTES: usize = 1;
        const DIGESTED: bool = true;

        fn write(self, bytes: &mut [u8]) {
            bytes[0] = self;
        }

        fn read(bytes: &[u8]) -> Self {
            bytes[0]
        }
    }

    #[derive(Clone, Debug)]
    enum Change {
        Set(usize),
        /// From an offset on, so many bytes.
        Write(usize, usize),
        Remove,
    }

    /// Does the same to a table and to a map, and compares the answers.
    fn change(
        table: &mut Table<u8>,
        model: &mut BTreeMap<u8, (Vec<u8>, u8)>,
        (key, change, mark): (u8, Change, u8),
    ) {
        let held = model.get(&key).map(|(value, _)| value.len());
        match change {
            Change::Set(length) => {
                let value = vec![mark; length];
                assert_eq!(table.insert(&[key], &value, mark), held);
                model.insert(key, (value, mark));
            }
            Change::Write(offset, length) => {
                let new = table.write(&[key], offset, &vec![mark; length], mark);
                let end = offset + length;
                assert_eq!(new, held.map(|held| (held, held.max(end))));
                if let Some((value, held)) = model.get_mut(&key) {
                    value.resize(value.len().max(end), 0);
                    value[offset..end].fill(mark);
                    *held = mark;
                }
            }
            Change::Remove => {
                assert_eq!(table.remove(&[key]), held);
                model.remove(&key);
            }
        }
    }

    fn changes() -> impl Strategy<Value = Vec<(u8, Change, u8)>> {
        let lengths = || prop_oneof![6 => 0..150usize, 1 => 0..20_000usize];
        let change = prop_oneof![
            3 => lengths().prop_map(Change::Set),
            2 => (lengths(), lengths()).prop_map(|(from, length)| Change::Write(from, length)),
            2 => Just(Change::Remove),
        ];
        proptest::collection::vec((0..40u8, change, any::<u8>()), 0..300)
    }

    /// How many records a look-up of each key has to be compared with, all in all.
    fn comparisons(keys: &[[u8; 16]], secret: HashSecret) -> usize {
        let mut table = Table::new(secret);
        for key in keys {
            table.insert(key, b"", 0u8);
        }
        let compared = |key: &[u8; 16]| {
            let hash = table.hasher.hash(key);
            table.index.iter_hash(hash).count()
        };
        keys.iter().map(compared).sum()
    }

    #[test]
    fn keys_that_collide_under_public_constants_are_as_good_as_others() {
        let keys = |end: u64| -> Vec<[u8; 16]> {
            let key = |number: u128| ((u128::from(end) << 64) | number).to_le_bytes();
            (0..40_000).map(key).collect()
        };
        // Their second halves are one of foldhash's constants: they collide under every seed.
        let collide = keys(0x3f84_d5b5_b547_0917);
        let hash = |seed: u64, key| FixedState::with_seed(seed).hash_one(key);
        for seed in 0..5 {
            assert_eq!(
                hash(seed, &collide[0][..]),
                hash(seed, &collide[39_999][..])
            );
            let secret = HashSecret::new([seed, seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ 1]);
            let others = comparisons(&keys(0x0123_4567_89ab_cdef), secret);
            let compared = comparisons(&collide, secret);
            assert!(
                compared < 60_000 && compared < others + others / 10,
                "{compared} comparisons for 40000 keys, {others} for others"
            );
        }
    }

    proptest! {
        #[test]
        fn behaves_as_a_map_and_walks_meet_what_stays(changes in changes(), piece in 1..9usize) {
            let mut table = Table::new(HashSecret::known(1));
            let mut model = BTreeMap::new();
            let mut changes = changes.into_iter();
            for step in changes.by_ref().take(100) {
                change(&mut table, &mut model, step);
            }
            let mut stayed: BTreeSet<u8> = model.keys().copied().collect();
            let (mut met, mut cursor) = (BTreeSet::new(), None);
            let keys: Vec<[u8; 1]> = (0..50).map(|key| [key]).collect();
            loop {
                // Whatever the table holds by now, and for keys that it lacks.
                for some in keys.chunks(WARM_MAX + 1) {
                    table.warm(some.iter().map(<[u8; 1]>::as_slice));
                }
                let (numbers, next) = table.walk(cursor, piece);
                met.extend(table.numbered(numbers).map(|record| record.key[0]));
                cursor = next;
                if cursor.is_none() {
                    break;
                }
                for step in changes.by_ref().take(3) {
                    change(&mut table, &mut model, step);
                    stayed.retain(|key| model.contains_key(key));
                }
            }
            prop_assert!(stayed.is_subset(&met), "{:?} were not met", stayed.difference(&met));
            let held: BTreeMap<u8, (Vec<u8>, u8)> = table
                .records()
                .map(|record| (record.key[0], (record.value.to_vec(), record.mark)))
                .collect();
            prop_assert_eq!(table.len(), model.len());
            prop_assert_eq!(held, model.clone());
            // The digest is that of a table that never held anything else.
            let mut other = Table::new(HashSecret::known(2));
            for (key, (value, mark)) in model.iter().rev() {
                other.insert(&[*key], value, *mark);
            }
            prop_assert_eq!(table.digest(), other.digest());
            for (key, (value, mark)) in &model {
                let found = table.get(&[*key]).map(|record| (record.value, record.mark));
                prop_assert_eq!(found, Some((value.as_slice(), *mark)));
            }
        }
    }
}
