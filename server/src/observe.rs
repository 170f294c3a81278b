//! The log and the trace of a replica's process.

use crate::lines::Lines;
use holdback::ids::{ReplicaId, Stamp};
use holdback::trace::{clip_reply, trace_lines};
use holdback::turn::{Event, Level, LostLines, Now};
use holdback::wire::inline;

/// Longest part of an argument that the log shows.
const CLIP: usize = 256;
/// Bytes of buffer that are kept for the next turn's lines of the trace.
const TURN_KEPT: usize = 64 << 10;

/// Writes events to the log, and to the trace if there is one.
#[derive(Debug)]
pub struct Observer {
    replica: ReplicaId,
    logs_everything: bool,
    log: Lines,
    trace: Option<Trace>,
}

#[derive(Debug)]
struct Trace {
    lines: Lines,
    /// The lines of this turn.
    turn: Vec<u8>,
}

impl Observer {
    /// Events of a replica. `log` is where `tracing` writes to.
    #[must_use]
    pub fn new(replica: ReplicaId, log: Lines, trace: Option<Lines>) -> Self {
        let logs_everything = tracing::enabled!(tracing::Level::DEBUG);
        let turn = Vec::new();
        Self {
            replica,
            logs_everything,
            log,
            trace: trace.map(|lines| Trace { lines, turn }),
        }
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
            for line in trace_lines(self.replica, now, clock, event) {
                // A line is text in memory, and neither can fail.
                drop(serde_json::to_writer(&mut trace.turn, &line));
                trace.turn.push(b'\n');
            }
        }
    }

    /// Hands on what the turn gave for the trace.
    pub fn flush(&mut self) {
        if let Some(trace) = &mut self.trace
            && !trace.turn.is_empty()
        {
            trace.lines.push(&trace.turn);
            trace.turn.clear();
            trace.turn.shrink_to(TURN_KEPT);
        }
    }

    /// The log, to be opened again where that is possible.
    #[must_use]
    pub fn log(&self) -> &Lines {
        &self.log
    }

    /// How many lines could not be written.
    #[must_use]
    pub fn lost_lines(&self) -> LostLines {
        let trace = self.trace.as_ref();
        LostLines {
            log: self.log.lost(),
            trace: trace.map_or(0, |trace| trace.lines.lost()),
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
