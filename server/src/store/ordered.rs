//! The store of the ordered models.

use super::Table;
use super::read::Keyspace;

/// A value and when it last changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Value {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// The position of the entry that last changed it.
    pub changed: u64,
}

/// What a record costs beside its key and value, roughly: its place in the table and in the index.
const RECORD_OVERHEAD: usize = size_of::<super::Record<Value>>() + 8;

/// Keys and values, each with the position of its last change.
#[derive(Clone, Debug)]
pub struct Store {
    table: Table<Value>,
    bytes: usize,
}

impl Store {
    /// An empty store; see [`Table::new`] for the seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            table: Table::new(seed),
            bytes: 0,
        }
    }

    /// Sets a key, as part of the entry at `position`.
    pub fn set(&mut self, key: &[u8], value: &[u8], position: u64) {
        let length = value.len();
        if let Some(old) = self.table.get_mut(key) {
            self.bytes -= old.bytes.len();
            old.bytes.clear();
            if old.bytes.capacity() > 2 * length {
                old.bytes.shrink_to(length);
            }
            old.bytes.extend_from_slice(value);
            old.changed = position;
        } else {
            self.table.insert(
                key,
                Value {
                    bytes: value.to_vec(),
                    changed: position,
                },
            );
            self.bytes += key.len() + RECORD_OVERHEAD;
        }
        self.bytes += length;
    }

    /// Appends to a key's value, as part of the entry at `position`; the new length.
    pub fn append(&mut self, key: &[u8], suffix: &[u8], position: u64) -> usize {
        match self.table.get_mut(key) {
            Some(old) => {
                old.bytes.extend_from_slice(suffix);
                old.changed = position;
                self.bytes += suffix.len();
                old.bytes.len()
            }
            None => {
                self.set(key, suffix, position);
                suffix.len()
            }
        }
    }

    /// Removes a key; what it held.
    pub fn remove(&mut self, key: &[u8]) -> Option<Vec<u8>> {
        let old = self.table.remove(key)?;
        self.bytes -= key.len() + RECORD_OVERHEAD + old.bytes.len();
        Some(old.bytes)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.table.clear();
        self.bytes = 0;
    }

    /// The position of a key's last change; 0 if it is absent.
    #[must_use]
    pub fn changed(&self, key: &[u8]) -> u64 {
        self.table.get(key).map_or(0, |value| value.changed)
    }

    /// Roughly how much memory the data takes, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.bytes
    }
}

impl Keyspace for Store {
    fn get(&self, key: &[u8]) -> Option<&[u8]> {
        self.table.get(key).map(|value| value.bytes.as_slice())
    }

    fn len(&self) -> usize {
        self.table.len()
    }

    fn live(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.table
            .records()
            .iter()
            .map(|record| (&*record.key, record.value.bytes.as_slice()))
    }

    fn scan(&self, cursor: Option<usize>, count: usize) -> (Vec<&[u8]>, Option<usize>) {
        let (records, next) = self.table.walk(cursor, count);
        (records.iter().map(|record| &*record.key).collect(), next)
    }

    fn pick(&self, number: u64) -> Option<&[u8]> {
        let records = self.table.records();
        let at = number.checked_rem(records.len() as u64)?;
        Some(&records[usize::try_from(at).ok()?].key)
    }
}
