//! The data commands that read, over any kind of store.

use super::glob_matches;
use crate::protocol::command::{CommandSpec, Name};
use crate::protocol::error::ErrorReply;
use crate::protocol::reply::ReplyWriter;

/// What a read needs of a store.
pub trait Keyspace {
    /// The value at a key.
    fn get(&self, key: &[u8]) -> Option<&[u8]>;

    /// How many keys there are.
    fn len(&self) -> usize;

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Every key and value, in no order that means anything.
    fn live(&self) -> impl Iterator<Item = (&[u8], &[u8])>;

    /// Every key and value, sorted by key.
    fn sorted(&self) -> Vec<(&[u8], &[u8])> {
        let mut pairs: Vec<_> = self.live().collect();
        pairs.sort_unstable();
        pairs
    }
}

/// Executes a reading data command of the right arity.
pub fn read<K: Keyspace>(
    keyspace: &K,
    spec: &CommandSpec,
    words: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) {
    match spec.id {
        Name::Get => reply.bulk_or_null(keyspace.get(words[1])),
        Name::Mget => {
            reply.array(words.len() - 1);
            for key in &words[1..] {
                reply.bulk_or_null(keyspace.get(key));
            }
        }
        Name::Exists => {
            reply.count(
                words[1..]
                    .iter()
                    .filter(|key| keyspace.get(key).is_some())
                    .count(),
            );
        }
        Name::Strlen => reply.count(keyspace.get(words[1]).map_or(0, <[u8]>::len)),
        Name::Type => {
            reply.simple(if keyspace.get(words[1]).is_some() {
                "string"
            } else {
                "none"
            });
        }
        Name::Dbsize => reply.count(keyspace.len()),
        Name::Keys => {
            let mut keys: Vec<&[u8]> = keyspace
                .live()
                .map(|(key, _)| key)
                .filter(|key| glob_matches(words[1], key))
                .collect();
            keys.sort_unstable();
            reply.array(keys.len());
            for key in keys {
                reply.bulk(key);
            }
        }
        _ => reply.error(&ErrorReply::err(format!("{} is not a read", spec.name))),
    }
}
