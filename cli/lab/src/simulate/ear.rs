//! What a replica's process tells while it works, kept in order until it is judged.

use holdback::endpoint::Environment;
use holdback::entry::Entry;
use holdback::ids::ConnectionId;
use holdback::ids::ReplicaId;
use holdback::trace::trace_lines;
use holdback::turn::{Event, Level, Now};
use holdback::wire::frame::{DecodeError, Frame};

/// One thing that was told, as far as it is checked or shown.
#[derive(Debug)]
pub(super) enum Told {
    /// A whole frame is handed in; its words, if they are kept.
    Frame(ConnectionId, Vec<Vec<u8>>),
    Malformed(String),
    /// The next byte of a connection's output will be the one with this number.
    ReplyBegins(ConnectionId, u64),
    /// What a command was answered, if words are kept.
    Reply(ConnectionId, Vec<u8>),
    Deliver {
        position: u64,
        entry: Entry,
    },
    Apply {
        position: u64,
        entry: Entry,
    },
    LinkUp(ReplicaId),
    LinkDown(ReplicaId, String),
    Notice(Level, String),
}

/// Who listens to a replica.
#[derive(Debug)]
pub(super) struct Ear {
    replica: ReplicaId,
    /// Frames are kept word by word, and replies.
    keeps_words: bool,
    /// What was told since it was last taken.
    pub(super) told: Vec<Told>,
    /// Lines of a real replica's trace, if they are written.
    pub(super) trace: Option<String>,
}

impl Ear {
    pub(super) fn new(replica: ReplicaId, keeps_words: bool, traces: bool) -> Self {
        Self {
            replica,
            keeps_words,
            told: Vec::new(),
            trace: traces.then(String::new),
        }
    }
}

impl Environment for Ear {
    fn observes(&self) -> bool {
        true
    }

    fn observe(&mut self, now: Now, clock: u64, event: &Event<'_>) {
        if let Some(trace) = &mut self.trace {
            for line in trace_lines(self.replica, now, clock, event) {
                // Strings and numbers are always JSON.
                trace.push_str(&serde_json::to_string(&line).unwrap_or_default());
                trace.push('\n');
            }
        }
        let told = match event {
            Event::Reply { client, bytes, .. } if self.keeps_words => {
                Told::Reply(*client, bytes.to_vec())
            }
            Event::Deliver { position, entry } => Told::Deliver {
                position: *position,
                entry: (*entry).clone(),
            },
            Event::Apply { position, entry } => Told::Apply {
                position: *position,
                entry: (*entry).clone(),
            },
            Event::LinkUp { peer } => Told::LinkUp(*peer),
            Event::LinkDown { peer, reason } => Told::LinkDown(*peer, (*reason).to_owned()),
            Event::Notice { level, text } => Told::Notice(*level, (*text).to_owned()),
            _ => return,
        };
        self.told.push(told);
    }

    fn frame(&mut self, connection: ConnectionId, frame: Frame<'_>) {
        let words = match self.keeps_words {
            true => frame.words().iter().map(|word| word.to_vec()).collect(),
            false => Vec::new(),
        };
        self.told.push(Told::Frame(connection, words));
    }

    fn malformed(&mut self, _connection: ConnectionId, error: &DecodeError) {
        self.told.push(Told::Malformed(error.to_string()));
    }

    fn reply_begins(&mut self, connection: ConnectionId, number: u64) {
        self.told.push(Told::ReplyBegins(connection, number));
    }
}
