//! What one replica did, in the form of a real replica's trace.

use holdback::multicast::{Entry, ReplicaId};
use holdback::observe::trace_lines;
use holdback::replica::{Event, Now};
use serde_json::Value as Json;

/// The trace of one replica through all its incarnations, and what it delivered in the last.
#[derive(Debug)]
pub(super) struct Journal {
    replica: ReplicaId,
    /// Lines of JSON.
    pub(super) trace: String,
    /// What was delivered (or applied) since the process started, with positions.
    pub(super) delivered: Vec<(u64, Entry)>,
}

impl Journal {
    pub(super) fn new(replica: ReplicaId) -> Self {
        Self {
            replica,
            trace: String::new(),
            delivered: Vec::new(),
        }
    }

    pub(super) fn note(&mut self, now: Now, clock: u64, event: &Event<'_>) {
        for line in trace_lines(self.replica, now, clock, event) {
            self.trace.push_str(&Json::Object(line).to_string());
            self.trace.push('\n');
        }
        if let Event::Deliver { position, entry } | Event::Apply { position, entry } = event {
            self.delivered.push((*position, (*entry).clone()));
        }
    }
}
