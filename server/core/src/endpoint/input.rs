//! Bytes that were read from a connection, and how far they are decoded.

use crate::bugs::{Bug, planted};
use crate::wire::frame::{DecodeError, Decoder, FrameLimits};

/// Bytes there is room for with each that has come in of a large argument.
const ROOM_FOR_EACH_BYTE: usize = 4;
/// Buffers above this size are given back as soon as they are empty, smaller ones some time later: most will be used
/// again, and if all connections kept large ones, that much memory would have to lie about.
pub(super) const BUFFER_KEPT: usize = 256 << 10;

/// The input of one connection: what is kept of it, and the decoder.
#[derive(Debug)]
pub(crate) struct Input {
    kept: Vec<u8>,
    /// Bytes at the front of `kept` that are done with.
    taken: usize,
    decoder: Decoder,
}

impl Input {
    pub(super) fn new(limits: FrameLimits) -> Self {
        Self {
            kept: Vec::new(),
            taken: 0,
            decoder: Decoder::new(limits),
        }
    }

    /// Bytes that it takes.
    #[inline]
    pub(super) fn memory(&self) -> usize {
        self.kept.capacity() + self.decoder.memory()
    }

    /// Gives back what it has no use for at this moment.
    pub(super) fn shrink(&mut self) {
        let used = self.room_for(self.kept.len());
        if self.kept.capacity() / 4 > used {
            self.kept.shrink_to(used);
        }
        self.decoder.shrink();
    }

    /// Forgets all bytes and what was understood of them.
    pub(super) fn discard(&mut self) {
        (self.kept, self.taken) = (Vec::new(), 0);
        self.decoder.reset();
        self.decoder.shrink();
    }

    /// What the frames that follow may contain.
    pub(crate) fn set_limits(&mut self, limits: FrameLimits) {
        self.decoder.set_limits(limits);
    }

    /// Hands what is kept, and `fresh` behind it, to `each` frame by frame, with the bytes from the frame on; until
    /// `each` has enough or no whole frame is left. Frames that are whole in `fresh` are decoded where they lie: only
    /// what is left over is kept.
    ///
    /// # Errors
    /// What is wrong with bytes that are no frame. Nothing is kept then.
    pub(crate) fn take_frames(
        &mut self,
        fresh: &[u8],
        mut each: impl FnMut(&mut Decoder, &[u8], usize) -> Next,
    ) -> Result<Next, DecodeError> {
        let in_place = self.kept.is_empty();
        if !in_place {
            self.keep(fresh);
        }
        let bytes = if in_place { fresh } else { &self.kept };
        let mut taken = self.taken;
        let next = loop {
            let rest = &bytes[taken..];
            match self.decoder.decode(rest) {
                Ok(Some(length)) => {
                    let next = each(&mut self.decoder, rest, length);
                    taken += length;
                    if next != Next::Frame {
                        break next;
                    }
                }
                Ok(None) => break Next::Input,
                Err(error) => {
                    (self.kept, self.taken) = (Vec::new(), 0);
                    return Err(error);
                }
            }
        };
        if in_place {
            if !(next == Next::Turn && planted(Bug::InputLostAtHoldUp)) {
                self.keep(&fresh[taken..]);
            }
        } else {
            self.taken = taken;
        }
        if next == Next::Input {
            self.compact();
        }
        Ok(next)
    }

    /// Keeps bytes for later. There will be room for the rest of a large argument as well, so that it is not moved
    /// over and over, but only for some times as much as has come in: what a header claims costs no memory.
    fn keep(&mut self, bytes: &[u8]) {
        let length = self.kept.len() + bytes.len();
        let room = self.room_for(length);
        let is_large = self.decoder.awaited() >= length / 8;
        if is_large && room > length && length > self.kept.capacity() {
            // Not twice as much, as it is counted; but for each of many small arguments that would be too often.
            self.kept.reserve_exact(room - self.kept.len());
        }
        self.kept.extend_from_slice(bytes);
    }

    /// How much room there is to be if so many bytes have come in.
    fn room_for(&self, length: usize) -> usize {
        let room = self.decoder.wanted().min(ROOM_FOR_EACH_BYTE * length);
        room.max(length)
    }

    /// Drops what is done with.
    fn compact(&mut self) {
        if self.taken == self.kept.len() {
            self.kept.clear();
            if self.kept.capacity() > BUFFER_KEPT {
                self.kept = Vec::new();
            }
            if self.decoder.memory() > BUFFER_KEPT {
                self.decoder.shrink();
            }
        } else if self.taken > 0 {
            self.kept.drain(..self.taken);
        }
        self.taken = 0;
    }
}

/// What comes after a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// The next frame.
    Frame,
    /// Nothing, before more was read: no whole frame is left.
    Input,
    /// Nothing in this turn, although there may be whole frames.
    Turn,
}
