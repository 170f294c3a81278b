//! The trace: what [`Event`]s look like to programs.

use crate::entry::Entry;
use crate::ids::{ReplicaId, Stamp};
use crate::turn::{Event, Now};
use serde_json::{Map, Value, json};

/// Longest part of a reply that the trace and the log show.
const CLIP: usize = 256;

/// What the trace of a replica says of an event: a line for each stamp of a frame, one for everything else.
#[must_use]
pub fn trace_lines(
    replica: ReplicaId,
    now: Now,
    clock: u64,
    event: &Event<'_>,
) -> Vec<Map<String, Value>> {
    let mut lines = event_lines(event);
    let wall = u64::try_from(now.wall.as_nanos()).unwrap_or(0);
    for line in &mut lines {
        line.insert("replica".into(), replica.0.into());
        line.insert("wall_ns".into(), wall.into());
        line.insert("clock".into(), clock.into());
    }
    lines
}

fn event_lines(event: &Event<'_>) -> Vec<Map<String, Value>> {
    match event {
        Event::Request { client, words } => {
            vec![line(
                "request",
                json!({"client": client.to_string(), "command": words_json(words)}),
            )]
        }
        Event::Reply {
            client,
            stamp,
            bytes,
        } => {
            let reply = clip_reply(bytes);
            let mut fields = json!({"client": client.to_string(), "reply": reply});
            if let Some(stamp) = stamp {
                fields["stamp"] = stamp.to_string().into();
            }
            vec![line("reply", fields)]
        }
        Event::Send {
            peer,
            frame,
            stamps,
        } => frames("send", *peer, frame, stamps),
        Event::Receive {
            peer,
            frame,
            stamps,
        } => frames("receive", *peer, frame, stamps),
        Event::Deliver { position, entry } => delivered("deliver", *position, entry),
        Event::Apply { position, entry } => delivered("apply", *position, entry),
        Event::LinkUp { peer } => vec![line("link_up", json!({"peer": peer.0}))],
        Event::LinkDown { peer, reason } => {
            vec![line("link_down", json!({"peer": peer.0, "reason": reason}))]
        }
        Event::Fault { words } => vec![line("fault", json!({"command": words_json(words)}))],
        Event::Begin { .. } | Event::Notice { .. } => Vec::new(),
    }
}

fn line(name: &str, fields: Value) -> Map<String, Value> {
    let mut line = Map::new();
    line.insert("event".into(), name.into());
    if let Value::Object(fields) = fields {
        line.extend(fields);
    }
    line
}

fn frames(name: &str, peer: ReplicaId, frame: &str, stamps: &[Stamp]) -> Vec<Map<String, Value>> {
    if stamps.is_empty() {
        return vec![line(name, json!({"frame": frame, "peer": peer.0}))];
    }
    let one = |stamp: &Stamp| {
        line(
            name,
            json!({"frame": frame, "peer": peer.0, "stamp": stamp.to_string()}),
        )
    };
    stamps.iter().map(one).collect()
}

fn delivered(name: &str, position: u64, entry: &Entry) -> Vec<Map<String, Value>> {
    let mut line = line(
        name,
        json!({"position": position, "stamp": entry.stamp.to_string()}),
    );
    let mut commands: Vec<Value> = entry
        .body
        .read()
        .commands()
        .map(|words| words_json(&words))
        .collect();
    if commands.len() == 1 {
        line.insert("command".into(), commands.remove(0));
    } else {
        line.insert("commands".into(), commands.into());
    }
    vec![line]
}

/// Words as JSON strings; bytes that are not UTF-8 are escaped.
fn words_json(words: &[&[u8]]) -> Value {
    let word = |word: &&[u8]| match std::str::from_utf8(word) {
        Ok(text) => Value::from(text),
        Err(_) => Value::from(word.escape_ascii().to_string()),
    };
    words.iter().map(word).collect()
}

/// The beginning of an encoded reply, as text.
#[must_use]
pub fn clip_reply(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(CLIP)];
    shown.trim_ascii_end().escape_ascii().to_string()
}
