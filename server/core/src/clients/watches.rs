//! The keys that a connection watches.

use std::collections::BTreeMap;

/// Keys, and the position of each one's last change when it was first watched.
#[derive(Debug, Default)]
pub(super) struct Watches {
    keys: BTreeMap<Vec<u8>, u64>,
    /// Bytes that they take.
    bytes: usize,
}

/// What a key takes beside its own bytes, roughly: an allocation, and a place in the tree.
const BESIDE: usize = 64;

impl Watches {
    pub(super) fn keys(&self) -> &BTreeMap<Vec<u8>, u64> {
        &self.keys
    }

    /// Bytes that they take, roughly.
    #[inline]
    pub(super) fn memory(&self) -> usize {
        self.bytes
    }

    /// Adds a key. One that is watched already keeps its first position, as in Redis.
    pub(super) fn add(&mut self, key: &[u8], last_change: impl FnOnce() -> u64) {
        if !self.keys.contains_key(key) {
            self.keys.insert(key.to_vec(), last_change());
            self.bytes += key.len() + BESIDE;
        }
    }

    /// Whether there would not be more than `most`, were these added.
    pub(super) fn have_room(&self, more: &[&[u8]], most: usize) -> bool {
        let is_new = |key: &&&[u8]| !self.keys.contains_key(**key);
        self.keys.len() + more.len() <= most
            || self.keys.len() + more.iter().filter(is_new).count() <= most
    }
}
