//! The log and the trace: what [`Event`]s look like to people and to programs.

use crate::multicast::{Entry, ReplicaId, Stamp};
use crate::protocol::inline;
use crate::replica::{Event, Level, Now};
use serde_json::{Map, Value, json};
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Longest part of an argument or reply that the log shows.
const CLIP: usize = 256;

/// Writes events to the log, and to the trace if there is one.
#[derive(Debug)]
pub struct Observer {
    replica: ReplicaId,
    logs_everything: bool,
    trace: Option<BufWriter<File>>,
}

impl Observer {
    /// Events of a replica; `trace` is the file for the trace.
    ///
    /// # Errors
    /// If the file cannot be made.
    pub fn new(replica: ReplicaId, trace: Option<&Path>) -> io::Result<Self> {
        let trace = trace.map(File::create).transpose()?.map(BufWriter::new);
        let logs_everything = tracing::enabled!(tracing::Level::DEBUG);
        Ok(Self {
            replica,
            logs_everything,
            trace,
        })
    }

    /// Whether events of each request and frame are of use.
    #[must_use]
    pub fn wants_everything(&self) -> bool {
        self.logs_everything || self.trace.is_some()
    }

    /// Takes an event. `clock` is the logical clock's time.
    pub fn observe(&mut self, now: Now, clock: u64, event: &Event<'_>) {
        log(event);
        if let Some(trace) = &mut self.trace {
            let lines = trace_lines(self.replica, now, clock, event);
            let written = lines.into_iter().try_for_each(|line| {
                serde_json::to_writer(&mut *trace, &line)?;
                trace.write_all(b"\n")
            });
            self.end_trace_on_error(written);
        }
    }

    /// Writes out what is buffered of the trace.
    pub fn flush(&mut self) {
        if let Some(trace) = &mut self.trace {
            let flushed = trace.flush();
            self.end_trace_on_error(flushed);
        }
    }

    fn end_trace_on_error(&mut self, result: io::Result<()>) {
        if let Err(error) = result {
            tracing::error!("the trace ends here: {error}");
            self.trace = None;
        }
    }
}

fn log(event: &Event<'_>) {
    match event {
        Event::Request { client, words } => {
            tracing::debug!(%client, command = %clipped(words), "request");
        }
        Event::Reply {
            client,
            stamp: Some(stamp),
            bytes,
        } => {
            tracing::debug!(%client, %stamp, reply = %clip_reply(bytes), "reply");
        }
        Event::Reply {
            client,
            stamp: None,
            bytes,
        } => {
            tracing::debug!(%client, reply = %clip_reply(bytes), "reply");
        }
        Event::Send {
            peer,
            frame,
            stamps,
        } => {
            tracing::debug!(%peer, frame, stamps = %join(stamps), "send");
        }
        Event::Receive {
            peer,
            frame,
            stamps,
        } => {
            tracing::debug!(%peer, frame, stamps = %join(stamps), "receive");
        }
        Event::Deliver { position, entry } => {
            tracing::debug!(position, stamp = %entry.stamp, command = %entry.body.describe(), "deliver");
        }
        Event::Apply { position, entry } => {
            tracing::debug!(position, stamp = %entry.stamp, command = %entry.body.describe(), "apply");
        }
        Event::LinkUp { peer } => tracing::info!("link with replica {peer} is up"),
        Event::LinkDown { peer, reason } => {
            tracing::info!("link with replica {peer} is down: {reason}");
        }
        Event::Fault { words } => tracing::info!("{}", clipped(words)),
        Event::Notice {
            level: Level::Error,
            text,
        } => tracing::error!("{text}"),
        Event::Notice {
            level: Level::Warn,
            text,
        } => tracing::warn!("{text}"),
        Event::Notice {
            level: Level::Info,
            text,
        } => tracing::info!("{text}"),
    }
}

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
        Event::Notice { .. } => Vec::new(),
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

fn clipped(words: &[&[u8]]) -> String {
    inline::quote_all(
        words
            .iter()
            .take(32)
            .map(|word| &word[..word.len().min(CLIP)]),
    )
}

fn clip_reply(bytes: &[u8]) -> String {
    let shown = &bytes[..bytes.len().min(CLIP)];
    shown.trim_ascii_end().escape_ascii().to_string()
}

fn join(stamps: &[Stamp]) -> String {
    stamps
        .iter()
        .map(Stamp::to_string)
        .collect::<Vec<_>>()
        .join(",")
}
