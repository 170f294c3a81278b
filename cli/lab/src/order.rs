//! Lines of `order.jsonl`: delivered entries as JSON, written and read back.

use holdback::entry::line::Command;
pub use holdback::entry::line::Line as Entry;
use holdback_client::json;
use serde_json::{Value as Json, json};

/// Reads a line of `order.jsonl`.
///
/// # Errors
/// What is wrong with the line.
pub fn from_json(line: &str) -> Result<Entry, String> {
    let value: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
    let words = |command: &Json| -> Option<Command> {
        command.as_array()?.iter().map(json::bytes_of).collect()
    };
    let pair = |pair: &Json| -> Option<(Vec<u8>, u64)> {
        Some((json::bytes_of(pair.get(0)?)?, pair.get(1)?.as_u64()?))
    };
    let read = || {
        let commands = value.get("commands")?.as_array()?.iter().map(words);
        let watched = match value.get("watched") {
            None => Vec::new(),
            Some(pairs) => pairs.as_array()?.iter().map(pair).collect::<Option<_>>()?,
        };
        Some(Entry {
            position: value.get("position")?.as_u64()?,
            stamp: value.get("stamp")?.as_str()?.to_owned(),
            watched,
            commands: commands.collect::<Option<_>>()?,
        })
    };
    read().ok_or_else(|| "not {\"position\":..,\"stamp\":..,\"commands\":[[..]]}".into())
}

/// The entry as a line of `order.jsonl`.
#[must_use]
pub fn to_json(entry: &Entry) -> String {
    let words = |command: &Command| command.iter().map(|word| json::bytes(word)).collect();
    let commands: Json = entry
        .commands
        .iter()
        .map(words)
        .collect::<Vec<Json>>()
        .into();
    let pair = |(key, at): &(Vec<u8>, u64)| json!([json::bytes(key), at]);
    let watched = match entry.watched.as_slice() {
        [] => String::new(),
        pairs => format!(r#""watched":{},"#, pairs.iter().map(pair).collect::<Json>()),
    };
    // Written by hand, because the fields have an order that reads well.
    format!(
        r#"{{"position":{},"stamp":{},{watched}"commands":{commands}}}"#,
        entry.position,
        json!(entry.stamp)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_is_read_back_from_its_json() {
        for (line, expected) in [
            (
                r#"12 17.2 SET x "a b""#,
                r#"{"position":12,"stamp":"17.2","commands":[["SET","x","a b"]]}"#,
            ),
            (
                r#"9 9.1 WATCHED x 7 "a b" 0 ; SET x 1"#,
                r#"{"position":9,"stamp":"9.1","watched":[["x",7],["a b",0]],"commands":[["SET","x","1"]]}"#,
            ),
            (
                r#"9 9.1 WATCHED x 7 "a b" 0"#,
                r#"{"position":9,"stamp":"9.1","watched":[["x",7],["a b",0]],"commands":[]}"#,
            ),
            ("9 9.1 ", r#"{"position":9,"stamp":"9.1","commands":[]}"#),
            (
                r#"9 9.1 SET "\xff" 1"#,
                r#"{"position":9,"stamp":"9.1","commands":[["SET",{"base64":"/w=="},"1"]]}"#,
            ),
        ] {
            let entry = Entry::parse(line.as_bytes()).unwrap();
            assert_eq!(to_json(&entry), expected);
            assert_eq!(from_json(expected), Ok(entry));
        }
        assert!(from_json(r#"{"position":12,"stamp":"17.2","commands":[[1]]}"#).is_err());
    }
}
