//! A replica's connections as its [`Out`] sees them, like those of the real event loop.

use super::journal::Journal;
use holdback::multicast::{Entry, ReplicaId};
use holdback::protocol::frame::{Decoder, FrameLimits};
use holdback::replica::{Close, ConnectionId, Event, Level, Now, Out};
use std::collections::VecDeque;

/// How far the end of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It lives.
    Open,
    /// To be ended once its output is written.
    AfterFlush,
    /// To be dropped at the end of the turn.
    Now,
}

/// Bytes that were read, and how far they are decoded.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) bytes: Vec<u8>,
    /// Bytes at the front that are done with.
    pub(super) taken: usize,
    pub(super) decoder: Decoder,
}

/// One connection of a replica's process.
#[derive(Debug)]
pub(super) struct Socket {
    pub(super) id: ConnectionId,
    pub(super) wire: usize,
    pub(super) side: usize,
    /// None while its frames are being handed in.
    pub(super) input: Option<Input>,
    pub(super) output: Vec<u8>,
    /// Bytes that went to the network before those in `output`.
    pub(super) flushed: u64,
    /// Where the replies in the output were made: from this byte of the stream on, at this position.
    pub(super) marks: VecDeque<(u64, u64)>,
    pub(super) paused: bool,
    pub(super) ending: Ending,
    /// Between two replicas.
    pub(super) is_link: bool,
    /// The dial has not been answered.
    pub(super) dialling: bool,
}

/// What a replica told while it worked, as far as it is checked or shown.
#[derive(Debug)]
pub(super) enum Told {
    Deliver { position: u64, entry: Entry },
    Apply { position: u64, entry: Entry },
    LinkUp(ReplicaId),
    LinkDown(ReplicaId, String),
    Notice(Level, String),
}

/// The connections by slot.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    pub(super) slots: Vec<Option<Socket>>,
    serial: u64,
    pub(super) dials: Vec<ReplicaId>,
    /// What was told since it was last looked at.
    pub(super) told: Vec<Told>,
    /// How many entries were delivered or applied.
    pub(super) position: u64,
    pub(super) stopped: bool,
    /// A connection that was not read from may be read from again.
    pub(super) resumed: bool,
    nowhere: Vec<u8>,
    /// What is written of the run, if it is.
    pub(super) journal: Option<Journal>,
}

impl Sockets {
    /// Adds a connection; its id.
    pub(super) fn add(&mut self, wire: usize, side: usize, is_link: bool) -> ConnectionId {
        self.serial += 1;
        let slot = match self.slots.iter().position(Option::is_none) {
            Some(slot) => slot,
            None => {
                self.slots.push(None);
                self.slots.len() - 1
            }
        };
        let id = ConnectionId {
            slot,
            serial: self.serial,
        };
        self.slots[slot] = Some(Socket {
            id,
            wire,
            side,
            input: Some(Input {
                bytes: Vec::new(),
                taken: 0,
                decoder: Decoder::new(FrameLimits::default()),
            }),
            output: Vec::new(),
            flushed: 0,
            marks: VecDeque::new(),
            paused: false,
            ending: Ending::Open,
            is_link,
            dialling: false,
        });
        id
    }

    pub(super) fn get(&self, id: ConnectionId) -> Option<&Socket> {
        self.slots
            .get(id.slot)?
            .as_ref()
            .filter(|socket| socket.id == id)
    }

    pub(super) fn get_mut(&mut self, id: ConnectionId) -> Option<&mut Socket> {
        self.slots
            .get_mut(id.slot)?
            .as_mut()
            .filter(|socket| socket.id == id)
    }
}

impl Out for Sockets {
    fn buffer(&mut self, id: ConnectionId) -> &mut Vec<u8> {
        self.nowhere.clear();
        let position = self.position;
        let found = self.slots.get_mut(id.slot).and_then(Option::as_mut);
        match found.filter(|socket| socket.id == id && socket.ending == Ending::Open) {
            None => &mut self.nowhere,
            Some(socket) => {
                if !socket.is_link
                    && socket
                        .marks
                        .back()
                        .is_none_or(|(_, last)| *last != position)
                {
                    let offset = socket.flushed + socket.output.len() as u64;
                    socket.marks.push_back((offset, position));
                }
                &mut socket.output
            }
        }
    }

    fn unsent(&self, id: ConnectionId) -> usize {
        self.get(id).map_or(0, |socket| socket.output.len())
    }

    fn promote(&mut self, id: ConnectionId) {
        if let Some(socket) = self.get_mut(id) {
            socket.is_link = true;
        }
    }

    fn close(&mut self, id: ConnectionId, how: Close) {
        if let Some(socket) = self.get_mut(id) {
            socket.ending = match how {
                Close::AfterFlush => Ending::AfterFlush,
                Close::Now => Ending::Now,
            };
        }
    }

    fn dial(&mut self, peer: ReplicaId) {
        self.dials.push(peer);
    }

    fn pause(&mut self, id: ConnectionId, paused: bool) {
        if let Some(socket) = self.get_mut(id) {
            socket.paused = paused;
            self.resumed |= !paused;
        }
    }

    fn stop(&mut self) {
        self.stopped = true;
    }

    fn observes(&self) -> bool {
        true
    }

    fn observe(&mut self, now: Now, clock: u64, event: &Event<'_>) {
        if let Some(journal) = &mut self.journal {
            journal.note(now, clock, event);
        }
        let told = match event {
            Event::Deliver { position, entry } => {
                self.position += 1;
                Told::Deliver {
                    position: *position,
                    entry: (*entry).clone(),
                }
            }
            Event::Apply { position, entry } => {
                self.position += 1;
                Told::Apply {
                    position: *position,
                    entry: (*entry).clone(),
                }
            }
            Event::LinkUp { peer } => Told::LinkUp(*peer),
            Event::LinkDown { peer, reason } => Told::LinkDown(*peer, (*reason).to_owned()),
            Event::Notice { level, text } => Told::Notice(*level, (*text).to_owned()),
            _ => return,
        };
        self.told.push(told);
    }
}
