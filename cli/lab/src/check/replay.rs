//! What the store held at every position of an order.

use super::hash::QuickMap;
use super::model::{Key, Part, Reply, step};
use super::values::{ABSENT, Value, Values};

/// Of each key, every value it ever held and the position since when.
#[derive(Clone, Debug, Default)]
pub(super) struct Replay {
    versions: QuickMap<Key, Vec<(u32, Value)>>,
    /// Of each key, the position of the last entry that wrote it, even if it held that value before.
    written: QuickMap<Key, u32>,
    position: u32,
}

impl Replay {
    /// Delivers one more entry; whether it was an error as a whole.
    pub(super) fn deliver(&mut self, parts: &[Part], values: &mut Values) -> bool {
        self.position += 1;
        let mut only_errors = !parts.is_empty();
        for part in parts {
            let old = self.last(part.key);
            let (new, reply) = step(part.act, old, values);
            only_errors &= reply == Reply::Error;
            if new != old {
                self.write(part.key, new);
            }
            if part.act.writes(reply) {
                self.written.insert(part.key, self.position);
            }
        }
        only_errors
    }

    /// An entry that changes nothing.
    pub(super) fn skip(&mut self) {
        self.position += 1;
    }

    fn write(&mut self, key: Key, value: Value) {
        let versions = self.versions.entry(key).or_default();
        match versions.last_mut() {
            Some((at, last)) if *at == self.position => *last = value,
            _ => versions.push((self.position, value)),
        }
    }

    /// The position of a key's last change as WATCH reads it: 0 if the key is absent. `None` if no entry changed
    /// it.
    pub(super) fn changed(&self, key: Key) -> Option<u64> {
        let written = u64::from(*self.written.get(&key)?);
        Some(if self.last(key) == ABSENT { 0 } else { written })
    }

    fn versions(&self, key: Key) -> &[(u32, Value)] {
        self.versions.get(&key).map_or(&[], Vec::as_slice)
    }

    fn last(&self, key: Key) -> Value {
        let last = self.versions(key).last();
        last.map_or(ABSENT, |(_, value)| *value)
    }

    /// What a key holds behind a position, and the position of the entry that wrote it (0: none did).
    pub(super) fn at(&self, key: Key, position: u64) -> (Value, u64) {
        let versions = self.versions(key);
        let behind = versions.partition_point(|(at, _)| u64::from(*at) <= position);
        match behind.checked_sub(1) {
            Some(index) => (versions[index].1, versions[index].0.into()),
            None => (ABSENT, 0),
        }
    }

    /// The first position after `position` at which any of the keys changes.
    pub(super) fn next_change(&self, keys: &[Key], position: u64) -> Option<u64> {
        let next = |key: &Key| {
            let versions = self.versions(*key);
            let behind = versions.partition_point(|(at, _)| u64::from(*at) <= position);
            versions.get(behind).map(|(at, _)| u64::from(*at))
        };
        keys.iter().filter_map(next).min()
    }
}
