//! The log and the trace of a replica's process.

use holdback::ids::{ReplicaId, Stamp};
use holdback::trace::{clip_reply, trace_lines};
use holdback::turn::{Event, Level, Now};
use holdback::wire::inline;
use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// Longest part of an argument that the log shows.
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
        // Told on arrival already.
        Event::Begin { .. } => {}
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

fn clipped(words: &[&[u8]]) -> String {
    inline::quote_all(
        words
            .iter()
            .take(32)
            .map(|word| &word[..word.len().min(CLIP)]),
    )
}

fn join(stamps: &[Stamp]) -> String {
    stamps
        .iter()
        .map(Stamp::to_string)
        .collect::<Vec<_>>()
        .join(",")
}
