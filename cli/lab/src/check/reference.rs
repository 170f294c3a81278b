//! A store that is a map of words: the plainest statement of what every call does.
//!
//! The checkers have a model of their own, which works on numbers ([`super::model`]). Brute force, generators of
//! histories and tests use this one; a test holds it against the server's store.

use crate::history::{Answer, Call, Word};
use std::collections::BTreeMap;

/// Keys and their values.
pub type Store = BTreeMap<Word, Word>;

/// Applies a call; its answer.
pub fn apply(store: &mut Store, call: &Call) -> Answer {
    match call {
        Call::Get(key) => Answer::Value(store.get(key).cloned()),
        Call::Set(key, value) => {
            store.insert(key.clone(), value.clone());
            Answer::Done
        }
        Call::SetNx(key, value) => {
            let free = !store.contains_key(key);
            if free {
                store.insert(key.clone(), value.clone());
            }
            Answer::Flag(free)
        }
        Call::GetSet(key, value) => Answer::Value(store.insert(key.clone(), value.clone())),
        Call::Cas(key, old, new) => {
            let same = store.get(key) == Some(old);
            if same {
                store.insert(key.clone(), new.clone());
            }
            Answer::Flag(same)
        }
        Call::Incr(key) => {
            let old = store.get(key).map_or(Some(0), |old| {
                let text = std::str::from_utf8(old).ok()?;
                let number: i64 = text.parse().ok()?;
                (number.to_string() == text).then_some(number)
            });
            match old.and_then(|old| old.checked_add(1)) {
                Some(new) => {
                    store.insert(key.clone(), new.to_string().into());
                    Answer::Number(new)
                }
                None => Answer::Error,
            }
        }
        Call::Append(key, suffix) => {
            let value = store.entry(key.clone()).or_default();
            value.extend_from_slice(suffix);
            Answer::Number(value.len() as i64)
        }
        Call::Del(key) => Answer::Flag(store.remove(key).is_some()),
        Call::Mget(keys) => Answer::List(
            keys.iter()
                .map(|key| Answer::Value(store.get(key).cloned()))
                .collect(),
        ),
        Call::Mset(pairs) => {
            store.extend(pairs.iter().cloned());
            Answer::Done
        }
        Call::Txn(calls) => Answer::List(calls.iter().map(|call| apply(store, call)).collect()),
    }
}
