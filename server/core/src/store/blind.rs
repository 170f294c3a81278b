//! The data commands that write without a total order, in the eventual model: they set and delete, and depend on
//! nothing but whether a key is there.

use crate::wire::error::{ErrorCode, ErrorReply};

/// A store whose keys can be set and deleted.
pub trait Blind {
    /// Whether a key is there.
    fn has(&self, key: &[u8]) -> bool;

    /// Every key that is there.
    fn keys(&self) -> Vec<Vec<u8>>;

    /// Writes a value, or (`None`) deletes the key.
    fn change(&mut self, key: &[u8], value: Option<&[u8]>);
}

/// What such a command is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Done {
    /// OK.
    Ok,
    /// How many keys it concerned.
    Count(usize),
}

/// What executes such a command: on which store, and its words.
pub type BlindWrite = fn(&mut dyn Blind, &[&[u8]]) -> Done;

/// SET, without options.
pub fn set(store: &mut dyn Blind, words: &[&[u8]]) -> Done {
    store.change(words[1], Some(words[2]));
    Done::Ok
}

/// MSET: one key after another.
pub fn mset(store: &mut dyn Blind, words: &[&[u8]]) -> Done {
    for pair in words[1..].chunks_exact(2) {
        store.change(pair[0], Some(pair[1]));
    }
    Done::Ok
}

/// DEL and UNLINK. Deleting what is not there writes nothing.
pub fn del(store: &mut dyn Blind, words: &[&[u8]]) -> Done {
    Done::Count(delete(store, words[1..].iter().copied()))
}

/// FLUSHALL and FLUSHDB: those keys that are here.
pub fn flushall(store: &mut dyn Blind, _words: &[&[u8]]) -> Done {
    let keys = store.keys();
    delete(store, keys.iter().map(Vec::as_slice));
    Done::Ok
}

/// Deletes those of the keys that are there; how many.
fn delete<'a>(store: &mut dyn Blind, keys: impl Iterator<Item = &'a [u8]>) -> usize {
    let mut count = 0;
    for key in keys {
        if store.has(key) {
            store.change(key, None);
            count += 1;
        }
    }
    count
}

/// What a command that needs a total order is answered without one.
#[must_use]
pub fn needs_order(name: &str) -> ErrorReply {
    ErrorReply::new(
        ErrorCode::NeedsOrder,
        format!("{name} needs a total order, which an eventual cluster does not have"),
    )
}
