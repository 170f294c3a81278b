//! The store of the ordered models.

use super::read::Keyspace;
use super::{Answer, HashSecret, Limits, Mark, Record, Table};
use crate::wire::error::ErrorReply;

/// The position of a value's last change.
impl Mark for u64 {
    const BYTES: usize = 8;
    const DIGESTED: bool = true;

    fn write(self, bytes: &mut [u8]) {
        bytes.copy_from_slice(&self.to_le_bytes());
    }

    fn read(bytes: &[u8]) -> Self {
        bytes
            .first_chunk()
            .map_or(0, |bytes| Self::from_le_bytes(*bytes))
    }
}

/// Keys and values, each with the position of its last change.
#[derive(Clone, Debug)]
pub struct Store {
    table: Table<u64>,
    bytes: usize,
    /// Bytes that the entry under way has moved or filled beside those that it carries.
    moved: usize,
    /// Bytes of the longest value since everything was removed.
    longest: usize,
    /// The position at which everything was removed; 0 if never.
    emptied: u64,
}

impl Store {
    /// An empty store; see [`Table::new`] for the secret.
    #[must_use]
    pub fn new(secret: HashSecret) -> Self {
        Self {
            table: Table::new(secret),
            bytes: 0,
            moved: 0,
            longest: 0,
            emptied: 0,
        }
    }

    /// An entry begins.
    #[inline]
    pub(crate) fn begin_entry(&mut self) {
        self.moved = 0;
    }

    /// Counts bytes that are about to be moved or filled.
    ///
    /// # Errors
    /// That they are more than an entry may. A replica that stamps a transaction sees to it that they are not, by the
    /// data that it has; they can be, if these have changed by then. All replicas find the same.
    pub(crate) fn count_moved(&mut self, bytes: usize, limits: &Limits) -> Answer {
        let moved = self.moved.saturating_add(bytes);
        if moved > limits.work_bytes() {
            return Err(ErrorReply::err("the transaction is too much work"));
        }
        self.moved = moved;
        Ok(())
    }

    /// See [`Table::warm`].
    pub fn warm<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) {
        self.table.warm(keys);
    }

    /// Sets a key, as part of the entry at `position`.
    pub fn set(&mut self, key: &[u8], value: &[u8], position: u64) {
        match self.table.insert(key, value, position) {
            Some(old) => self.bytes -= old,
            None => self.bytes += key.len() + Table::<u64>::OVERHEAD,
        }
        self.bytes += value.len();
        self.longest = self.longest.max(value.len());
    }

    /// Writes a part of a key's value, from an offset on, as part of the entry at `position`; the new length. See
    /// [`Table::write`]. An absent key is taken for an empty value.
    pub fn write(&mut self, key: &[u8], offset: usize, part: &[u8], position: u64) -> usize {
        let mut lengths = self.table.write(key, offset, part, position);
        if lengths.is_none() {
            self.set(key, b"", position);
            lengths = self.table.write(key, offset, part, position);
        }
        let (old, new) = lengths.unwrap_or_default();
        self.bytes += new - old;
        self.longest = self.longest.max(new);
        new
    }

    /// Removes a key; whether it was there.
    pub fn remove(&mut self, key: &[u8]) -> bool {
        let removed = self.table.remove(key);
        if let Some(length) = removed {
            self.bytes -= key.len() + Table::<u64>::OVERHEAD + length;
        }
        removed.is_some()
    }

    /// Removes everything, as part of the entry at `position`.
    pub fn clear(&mut self, position: u64) {
        self.table.clear();
        self.bytes = 0;
        self.longest = 0;
        self.emptied = position;
    }

    /// A digest of the keys, their values and the positions of their last changes; see [`Table::digest`].
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.table.digest()
    }

    /// The position at which everything was removed for the last time; 0 if never.
    #[must_use]
    pub fn emptied(&self) -> u64 {
        self.emptied
    }

    /// The position of a key's last change; 0 if it is absent.
    #[must_use]
    pub fn changed(&self, key: &[u8]) -> u64 {
        self.record(key).map_or(0, |record| record.mark)
    }

    /// A key with its value and the position of its last change.
    #[must_use]
    pub fn record(&self, key: &[u8]) -> Option<Record<'_, u64>> {
        self.table.get(key)
    }

    /// Up to `count` records of a walk, and the cursor for the next call; see [`Table::walk`].
    pub fn walk(
        &self,
        cursor: Option<usize>,
        count: usize,
    ) -> (impl Iterator<Item = Record<'_, u64>>, Option<usize>) {
        let (numbers, next) = self.table.walk(cursor, count);
        (self.table.numbered(numbers), next)
    }

    /// Roughly how much memory the data takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes
    }
}

impl Keyspace for Store {
    fn key_overhead(&self) -> usize {
        Table::<u64>::OVERHEAD
    }

    fn bytes(&self) -> usize {
        self.bytes
    }

    fn longest(&self) -> usize {
        self.longest
    }

    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.record(key).map(|record| record.value)
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn live(&self) -> Box<dyn Iterator<Item = (&[u8], &[u8])> + '_> {
        let records = self.table.records();
        Box::new(records.map(|record| (record.key, record.value)))
    }

    fn scan(&self, cursor: Option<usize>, count: usize) -> (Vec<&[u8]>, Option<usize>) {
        let (records, next) = self.walk(cursor, count);
        (records.map(|record| record.key).collect(), next)
    }

    fn pick(&self, number: u64) -> Option<&[u8]> {
        let number = number.checked_rem(self.table.len() as u64)?;
        self.table
            .record(usize::try_from(number).ok()?)
            .map(|record| record.key)
    }
}
