//! One direction of a connection.

use std::collections::VecDeque;

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// So many bytes.
    Bytes(usize),
    /// The sender sends no more.
    End,
    /// The connection is broken.
    Reset,
}

/// Something under way, and when it is due by the clock of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// When it arrives; [`ALL`] until the schedule says so.
    pub due: u64,
    /// What it is.
    pub load: Load,
}

/// All that is under way is due by then.
pub const ALL: u64 = u64::MAX;

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    /// What was read, then what has arrived and was not read, then what is under way.
    pub(super) bytes: Vec<u8>,
    pub(super) read: usize,
    pub(super) arrived: usize,
    pub(super) flight: VecDeque<Parcel>,
    /// The end has arrived.
    pub(super) ended: bool,
    /// It was read.
    pub(super) end_read: bool,
    /// The news of the break has arrived.
    pub(super) reset: bool,
    /// Nothing more goes in: it was ended or broke.
    pub(super) shut: bool,
    /// Nobody reads any more.
    pub(super) deaf: bool,
    /// Nor does anybody say so.
    pub(super) silent: bool,
    /// The sender has more than there was room for.
    pub(super) stuck: bool,
    /// Bytes that were ever put in.
    pub(super) sent: u64,
    /// What was put in since somebody last listened, if somebody does.
    pub(super) overheard: Vec<u8>,
}

impl Pipe {
    pub(super) fn unread(&self) -> usize {
        self.bytes.len() - self.read
    }

    /// Bytes under way.
    pub(super) fn flying(&self) -> usize {
        self.unread() - self.arrived
    }

    /// The first bytes that are there are gone.
    pub(super) fn advance(&mut self, count: usize) {
        self.read += count;
        self.arrived = self.arrived.saturating_sub(count);
    }

    /// Something arrives.
    pub(super) fn take_in(&mut self, load: Load) {
        match load {
            Load::Bytes(count) => {
                self.arrived += count;
                if self.deaf {
                    self.advance(count);
                }
            }
            Load::End => self.ended = true,
            Load::Reset => self.reset = true,
        }
    }

    /// Makes room behind what is there.
    pub(super) fn compact(&mut self) {
        if self.read == self.bytes.len() {
            self.bytes.clear();
            self.read = 0;
        } else if self.read > self.bytes.len() / 2 {
            self.bytes.drain(..self.read);
            self.read = 0;
        }
    }
}
