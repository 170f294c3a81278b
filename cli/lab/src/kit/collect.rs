//! What every replica holds in the end.

use super::ask::{PATIENCE, words};
use super::cluster::{Cluster, Replica};
use super::status::Status;
use crate::order::Entry;
use holdback::wire::value::Value;
use holdback_client::Connection;
use holdback_client::json;
use std::collections::BTreeMap;

/// A replica's data.
pub type Store = BTreeMap<Vec<u8>, Vec<u8>>;

/// What one replica holds.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Final {
    /// Its id.
    pub replica: usize,
    /// Its digest.
    pub digest: String,
    /// The entries that it delivered in this run (eventual model: the updates that it applied).
    pub order: Vec<Entry>,
    /// Its data.
    pub store: Store,
    /// Entries still held back, as `HOLDBACK` prints them.
    pub held_back: Vec<String>,
    /// Why it could not be asked, if so; then the rest is empty.
    pub problem: Option<String>,
}

impl Final {
    /// The entry at a place in the order of this run, from 0.
    #[must_use]
    pub fn order_at(&self, place: usize) -> Option<&Entry> {
        self.order.get(place)
    }

    /// The file of a run folder that keeps its data.
    #[must_use]
    pub fn store_file(&self) -> String {
        format!("replica-{}.store.json", self.replica)
    }
}

/// Data as a JSON object.
#[must_use]
pub fn store_json(store: &Store) -> serde_json::Value {
    let pairs = store.iter();
    pairs
        .map(|(key, value)| (json::key(key), json::bytes(value)))
        .collect()
}

/// Asks every replica. `before` holds the positions at which the run began.
#[must_use]
pub fn collect(cluster: &Cluster, before: &[u64]) -> Vec<Final> {
    let one = |(replica, before): (&Replica, &u64)| {
        ask(replica, *before).unwrap_or_else(|problem| Final {
            replica: replica.id,
            problem: Some(problem),
            ..Final::default()
        })
    };
    cluster.replicas.iter().zip(before).map(one).collect()
}

fn ask(replica: &Replica, before: u64) -> Result<Final, String> {
    let mut connection =
        Connection::open(&replica.address, PATIENCE).map_err(|error| words(&error))?;
    let mut call = |arguments: &[&str]| match connection.call(arguments, Some(PATIENCE)) {
        Ok(Value::Error(error)) => Err(format!("{}: {error}", arguments.join(" "))),
        Ok(value) => Ok(value),
        Err(error) => Err(words(&error)),
    };
    let Value::Bulk(status) = call(&["STATUS"])? else {
        return Err("STATUS is not answered with a bulk string".into());
    };
    let status = Status::parse(&String::from_utf8_lossy(&status));
    let store = pairs(call(&["STORE"])?)?;
    let count = status.position().saturating_sub(before);
    let order = match count {
        0 => Vec::new(),
        _ => entries(call(&["ORDER", &count.to_string()])?, before)?,
    };
    let Value::Array(held_back) = call(&["HOLDBACK"])? else {
        return Err("HOLDBACK is not answered with an array".into());
    };
    let held_back = held_back.into_iter().filter_map(bulk);
    let held_back = held_back.map(|line| json::key(&line)).collect();
    Ok(Final {
        replica: replica.id,
        digest: status.digest().to_owned(),
        order,
        store,
        held_back,
        problem: None,
    })
}

fn pairs(reply: Value) -> Result<Store, String> {
    let flat: Option<Vec<Vec<u8>>> = match reply {
        Value::Array(items) => items.into_iter().map(bulk).collect(),
        _ => None,
    };
    let flat = flat.filter(|flat| flat.len() % 2 == 0);
    let flat = flat.ok_or("STORE is not answered with an array of keys and values")?;
    let pair = |pair: &[Vec<u8>]| (pair[0].clone(), pair[1].clone());
    Ok(flat.chunks_exact(2).map(pair).collect())
}

fn entries(reply: Value, before: u64) -> Result<Vec<Entry>, String> {
    let Value::Array(lines) = reply else {
        return Err("ORDER is not answered with an array".into());
    };
    let mut entries = lines
        .into_iter()
        .map(entry)
        .collect::<Result<Vec<_>, _>>()?;
    // Entries may have been delivered between the two questions.
    entries.retain(|entry| entry.position > before);
    Ok(entries)
}

/// The entry of a line that `ORDER` answered with.
///
/// # Errors
/// What is wrong with it.
pub fn entry(line: Value) -> Result<Entry, String> {
    let line = bulk(line).ok_or("ORDER is not answered with strings")?;
    Entry::parse(&line)
}

fn bulk(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::Bulk(bytes) => Some(bytes),
        Value::Simple(text) => Some(text.into_bytes()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn replies_are_read_and_wrong_ones_refused() {
        let text = |text: &str| Value::Bulk(text.into());
        let store = pairs(Value::Array(vec![text("x"), text("1")])).unwrap();
        assert_eq!(store.get(&b"x"[..]).map(Vec::as_slice), Some(&b"1"[..]));
        assert!(pairs(Value::Array(vec![text("x")])).is_err());
        assert!(pairs(Value::Null).is_err());
        let lines = vec![text("1 1.1 SET a 1"), text("2 2.1 DEL a")];
        assert_eq!(entries(Value::Array(lines), 1).unwrap()[0].position, 2);
        assert!(entries(Value::Array(vec![Value::Integer(1)]), 0).is_err());
    }
}
