//! A hash table whose records can be walked with a cursor while they come and go.

use foldhash::fast::FixedState;
use hashbrown::HashTable;
use std::hash::BuildHasher;

/// One key and what it maps to.
#[derive(Clone, Debug)]
pub struct Record<V> {
    /// The key.
    pub key: Box<[u8]>,
    /// What it maps to.
    pub value: V,
}

/// Keys to values. Records lie densely in a vector, and a hash index finds them there.
///
/// *Cursors.* A record that is removed is replaced by the last one. A walk from the end to the start
/// therefore meets every record that was present all the time: whatever moves into the part not yet
/// walked was not yet walked itself. Growth never moves a record.
///
/// Nothing observable depends on the hash seed.
#[derive(Clone, Debug)]
pub struct Table<V> {
    index: HashTable<u32>,
    records: Vec<Record<V>>,
    hasher: FixedState,
}

impl<V> Table<V> {
    /// An empty table; `seed` makes its collisions unpredictable to clients.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            index: HashTable::new(),
            records: Vec::new(),
            hasher: FixedState::with_seed(seed),
        }
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
    pub fn get(&self, key: &[u8]) -> Option<&V> {
        self.place(key).map(|at| &self.records[at].value)
    }

    /// What a key maps to, to change it.
    pub fn get_mut(&mut self, key: &[u8]) -> Option<&mut V> {
        self.place(key).map(|at| &mut self.records[at].value)
    }

    /// Adds a key that the table does not hold, or replaces its value; returns the old one.
    pub fn insert(&mut self, key: &[u8], value: V) -> Option<V> {
        if let Some(old) = self.get_mut(key) {
            return Some(std::mem::replace(old, value));
        }
        let at = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        self.records.push(Record {
            key: key.into(),
            value,
        });
        let (records, hasher) = (&self.records, &self.hasher);
        let hash = hasher.hash_one(key);
        self.index
            .insert_unique(hash, at, |&at| hasher.hash_one(&*records[at as usize].key));
        None
    }

    /// Removes a key; returns what it mapped to.
    pub fn remove(&mut self, key: &[u8]) -> Option<V> {
        let hash = self.hasher.hash_one(key);
        let records = &self.records;
        let found = self
            .index
            .find_entry(hash, |&at| &*records[at as usize].key == key)
            .ok()?;
        let (at, _) = found.remove();
        let removed = self.records.swap_remove(at as usize);
        if let Some(moved) = self.records.get(at as usize) {
            let old = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
            let hash = self.hasher.hash_one(&*moved.key);
            if let Some(place) = self.index.find_mut(hash, |&place| place == old) {
                *place = at;
            }
        }
        Some(removed.value)
    }

    /// Removes everything.
    pub fn clear(&mut self) {
        self.index = HashTable::new();
        self.records = Vec::new();
    }

    /// The records, in no order that means anything, but the same on each call while nothing changes.
    #[must_use]
    pub fn records(&self) -> &[Record<V>] {
        &self.records
    }

    /// Up to `count` records of a walk, and the cursor for the next call. A walk begins with `None` and
    /// has ended when the returned cursor is `None`.
    #[must_use]
    pub fn walk(&self, cursor: Option<usize>, count: usize) -> (&[Record<V>], Option<usize>) {
        let end = cursor.unwrap_or(usize::MAX).min(self.records.len());
        let start = end.saturating_sub(count);
        (
            &self.records[start..end],
            if start == 0 { None } else { Some(start) },
        )
    }

    fn place(&self, key: &[u8]) -> Option<usize> {
        let hash = self.hasher.hash_one(key);
        let found = self
            .index
            .find(hash, |&at| &*self.records[at as usize].key == key)?;
        Some(*found as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::{BTreeMap, BTreeSet};

    proptest! {
        #[test]
        fn behaves_as_a_map_and_walks_meet_what_stays(
            steps in proptest::collection::vec((0..40u8, any::<bool>()), 0..300),
            piece in 1..9usize,
        ) {
            let mut table = Table::new(1);
            let mut model = BTreeMap::new();
            let mut steps = steps.into_iter();
            for (key, insert) in steps.by_ref().take(100) {
                if insert {
                    prop_assert_eq!(table.insert(&[key], key), model.insert(key, key));
                } else {
                    prop_assert_eq!(table.remove(&[key]), model.remove(&key));
                }
            }
            let mut stayed: BTreeSet<u8> = model.keys().copied().collect();
            let (mut met, mut cursor) = (BTreeSet::new(), None);
            loop {
                let (records, next) = table.walk(cursor, piece);
                met.extend(records.iter().map(|record| record.value));
                cursor = next;
                if cursor.is_none() {
                    break;
                }
                for (key, insert) in steps.by_ref().take(3) {
                    if insert {
                        prop_assert_eq!(table.insert(&[key], key), model.insert(key, key));
                    } else {
                        prop_assert_eq!(table.remove(&[key]), model.remove(&key));
                        stayed.remove(&key);
                    }
                }
            }
            prop_assert!(stayed.is_subset(&met), "{:?} were not met", stayed.difference(&met));
            prop_assert_eq!(table.len(), model.len());
            for (key, value) in &model {
                prop_assert_eq!(table.get(&[*key]), Some(value));
            }
        }
    }
}
