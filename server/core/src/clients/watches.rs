//! The keys that a connection watches.

use crate::store::{Answer, Limits, check_entry_size};
use crate::wire::error::ErrorReply;
use std::collections::BTreeMap;

/// Keys, and the position of each one's last change when it was first watched.
#[derive(Debug, Default)]
pub(super) struct Watches {
    keys: BTreeMap<Vec<u8>, u64>,
    /// Bytes that they take.
    bytes: usize,
}

/// What a key takes beside its own bytes, roughly: an allocation, and a place in the tree. In an entry it takes less.
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

    /// Whether there would not be more than `most`, nor more bytes than an entry may have, were these added.
    ///
    /// # Errors
    /// That there would be.
    pub(super) fn check_room(&self, more: &[&[u8]], most: usize, limits: &Limits) -> Answer {
        let new = more.iter().filter(|key| !self.keys.contains_key(**key));
        let (keys, bytes) = new.fold((self.keys.len(), self.bytes), |(keys, bytes), key| {
            (keys + 1, bytes + key.len() + BESIDE)
        });
        if keys > most {
            let text = format!("a connection can watch {most} keys at the most");
            return Err(ErrorReply::err(text));
        }
        check_entry_size(bytes, limits)
    }
}
