//! The entries of a run: everything with a stamp, whoever spoke of it first.

use super::asked::Command;
use super::requests::Request;
use super::trace::{FrameKind, Trace, What};
use holdback::ids::Stamp;
use std::collections::HashMap;

/// The place of an entry in [`Entries`].
pub(super) type EntryId = u32;

/// One entry.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) stamp: Stamp,
    /// What it does, if any replica delivered it or its client is known.
    pub(super) command: Option<Command>,
    /// When its origin stamped it: wall time, in nanoseconds. The first thing known of it, if the origin
    /// has no trace.
    pub(super) stamped: u64,
    /// The request that it was made for: a place in the list of requests.
    pub(super) request: Option<usize>,
}

/// All entries, in the order of their stamps.
#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    pub(super) list: Vec<Entry>,
    ids: HashMap<Stamp, EntryId>,
}

impl Entries {
    /// Gathers the entries of all traces, and finds the request of each.
    pub(super) fn gather(traces: &[Trace], requests: &[Request]) -> Self {
        let mut found: HashMap<Stamp, Entry> = HashMap::new();
        for trace in traces {
            for event in &trace.events {
                note(&mut found, event.wall, &event.what);
            }
        }
        let mut list: Vec<Entry> = found.into_values().collect();
        list.sort_by_key(|entry| entry.stamp);
        let ids = list.iter().zip(0..).map(|(entry, id)| (entry.stamp, id));
        let mut entries = Self {
            ids: ids.collect(),
            list,
        };
        entries.claim_by_reply(requests);
        entries.claim_by_command(requests);
        entries
    }

    /// The entry with a stamp.
    pub(super) fn id(&self, stamp: Stamp) -> Option<EntryId> {
        self.ids.get(&stamp).copied()
    }

    /// The entry at a place.
    pub(super) fn get(&self, id: EntryId) -> &Entry {
        &self.list[id as usize]
    }

    /// A reply that carries a stamp names its entry.
    fn claim_by_reply(&mut self, requests: &[Request]) {
        for (place, request) in requests.iter().enumerate() {
            let stamp = request
                .stamp
                .filter(|stamp| stamp.replica.0 == request.replica);
            for stamp in request.made.iter().copied().chain(stamp) {
                if let Some(id) = self.id(stamp) {
                    self.claim(id, place, request);
                }
            }
        }
    }

    /// A request without such a reply made the first entry after it, at its replica, that does the same
    /// and belongs to nobody.
    fn claim_by_command(&mut self, requests: &[Request]) {
        let mut free: HashMap<(u16, u64), Vec<EntryId>> = HashMap::new();
        for (entry, id) in self.list.iter().zip(0..) {
            if let (None, Some(command)) = (entry.request, &entry.command) {
                let key = (entry.stamp.replica.0, command.fingerprint);
                free.entry(key).or_default().push(id);
            }
        }
        for (place, request) in requests.iter().enumerate() {
            let key = (request.replica, request.command.fingerprint);
            if request.stamp.is_none()
                && request.made.is_empty()
                && let Some(ids) = free.get_mut(&key)
                && let Some(at) = ids
                    .iter()
                    .position(|id| self.get(*id).stamped >= request.came)
            {
                let id = ids.remove(at);
                self.claim(id, place, request);
            }
        }
    }

    fn claim(&mut self, id: EntryId, place: usize, request: &Request) {
        let entry = &mut self.list[id as usize];
        entry.request = Some(place);
        entry.stamped = entry.stamped.min(request.came);
        entry.command.get_or_insert_with(|| request.command.clone());
    }
}

/// Takes from an event what it says of an entry.
fn note(found: &mut HashMap<Stamp, Entry>, wall: u64, what: &What) {
    let (stamp, command) = match what {
        What::Send(frame) | What::Receive(frame) if frame.kind != FrameKind::Ack => {
            (frame.stamp, None)
        }
        What::Deliver { stamp, command, .. } => (Some(*stamp), Some(command)),
        _ => return,
    };
    let Some(stamp) = stamp else { return };
    let entry = found.entry(stamp).or_insert_with(|| Entry {
        stamp,
        command: None,
        stamped: u64::MAX,
        request: None,
    });
    // Nobody knows of an entry before its origin has stamped it, so the earliest is the best guess.
    entry.stamped = entry.stamped.min(wall);
    if let (None, Some(command)) = (&entry.command, command) {
        entry.command = Some(command.clone());
    }
}
