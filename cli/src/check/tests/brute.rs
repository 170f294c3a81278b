//! Brute force: every order of a few operations, on a store that is a map of words.

use crate::history::{Answer, Call, History, Outcome, Word};
use std::collections::{BTreeMap, HashSet};

/// A store as simple as it can be.
pub(super) type Store = BTreeMap<Word, Word>;

/// Applies a call; its answer.
pub(super) fn apply(store: &mut Store, call: &Call) -> Answer {
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

/// Whether a recorded answer is the right one.
pub(super) fn fits(recorded: &Answer, right: &Answer) -> bool {
    match (recorded, right) {
        (Answer::Unknown, right) => *right != Answer::Error,
        (Answer::List(recorded), Answer::List(right)) => {
            recorded.len() == right.len()
                && recorded
                    .iter()
                    .zip(right)
                    .all(|(recorded, right)| *recorded == Answer::Unknown || fits(recorded, right))
        }
        (recorded, right) => recorded == right,
    }
}

/// Whether an order of the operations exists that keeps program order, and real time if asked for.
pub(super) fn has_order(history: &History, keep_real_time: bool) -> bool {
    let operations = &history.operations;
    let count = operations.len();
    let mut before = vec![0u32; count];
    for (b, second) in operations.iter().enumerate() {
        for (a, first) in operations.iter().enumerate() {
            let earlier = first.process == second.process && a < b;
            let in_time = keep_real_time && first.deadline() < second.invoked;
            if first.is_ok() && (earlier || in_time) {
                before[b] |= 1 << a;
            }
        }
    }
    let certain = (0..count).filter(|at| operations[*at].is_ok());
    let certain = certain.fold(0u32, |set, at| set | 1 << at);
    let mut seen = HashSet::new();
    let mut open = vec![(0u32, Store::new())];
    while let Some((taken, store)) = open.pop() {
        if taken & certain == certain {
            return true;
        }
        if !seen.insert((taken, store.clone())) {
            continue;
        }
        for (at, operation) in operations.iter().enumerate() {
            let free = taken & (1 << at) == 0 && before[at] & !taken == 0;
            if !free || operation.outcome == Outcome::Fail {
                continue;
            }
            let mut next = store.clone();
            let right = apply(&mut next, &operation.call);
            let fine = match &operation.outcome {
                Outcome::Ok(recorded) => fits(recorded, &right),
                _ => true,
            };
            if fine {
                open.push((taken | 1 << at, next));
            }
        }
    }
    false
}
