//! One connection: its socket, its input up to the next frame, and its output.

use holdback::protocol::frame::{Decoder, FrameLimits};
use holdback::replica::ConnectionId;
use mio::net::TcpStream;
use std::io::{self, ErrorKind, Read, Write};
use std::time::Duration;

/// Output buffers above this size are given back once they are empty.
const BUFFER_KEPT: usize = 256 << 10;

/// Bytes there is room for with each that has come in of a large argument.
const ROOM_FOR_EACH_BYTE: usize = 16;

/// A client that does not read its replies is not read from, above this many unsent bytes.
const UNSENT_PAUSE: usize = 1 << 20;

/// What reading brought.
#[derive(Debug)]
pub(super) enum ReadOutcome {
    /// So many bytes, and there may be more.
    More(usize),
    /// So many bytes, possibly none, and nothing more for now.
    Drained(usize),
    /// The other side sends no more.
    Ended,
}

/// Bytes that were read, and how far they are decoded.
#[derive(Debug)]
pub(super) struct Input {
    pub(super) bytes: Vec<u8>,
    /// Bytes at the front that are done with.
    pub(super) taken: usize,
    pub(super) decoder: Decoder,
}

impl Input {
    pub(super) fn new(limits: FrameLimits) -> Self {
        Self {
            bytes: Vec::new(),
            taken: 0,
            decoder: Decoder::new(limits),
        }
    }

    /// Keeps bytes for later. There will be room for the rest of a large argument as well, so that it is not moved
    /// over and over, but only for some times as much as has come in: what a header claims costs no memory.
    pub(super) fn keep(&mut self, bytes: &[u8]) {
        let length = self.bytes.len() + bytes.len();
        let room = self.decoder.wanted().min(ROOM_FOR_EACH_BYTE * length);
        self.bytes.reserve(room.max(length) - self.bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Drops what is done with.
    pub(super) fn compact(&mut self) {
        if self.taken == self.bytes.len() {
            self.bytes.clear();
            if self.bytes.capacity() > BUFFER_KEPT {
                self.bytes = Vec::new();
            }
        } else if self.taken > 0 {
            self.bytes.drain(..self.taken);
        }
        self.taken = 0;
    }
}

/// How far the end of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// It lives.
    Open,
    /// To be ended once its output is written.
    AfterFlush,
    /// Output is written and shut down; input is thrown away until the other side ends too, or until this
    /// time. Closing earlier could destroy what the other side has not read yet.
    Lingering(Duration),
    /// To be dropped.
    Now,
}

/// A connection.
#[derive(Debug)]
pub(super) struct Connection {
    pub(super) id: ConnectionId,
    pub(super) stream: TcpStream,
    /// `None` while its frames are being handed in.
    pub(super) input: Option<Input>,
    pub(super) output: Vec<u8>,
    written: usize,
    /// When the system last took output, or the connection was made.
    pub(super) progress: Duration,
    /// The socket may have more to read.
    pub(super) readable: bool,
    /// The other side has sent its end, which is read behind all else.
    pub(super) hung_up: bool,
    /// No whole frame is left of what was read: only then is more read, so that what is buffered stays
    /// below one read and one frame.
    pub(super) starved: bool,
    /// The other side sends no more.
    pub(super) ended: bool,
    /// The replica does not want more of it for now.
    pub(super) paused: bool,
    /// In the list of connections with output.
    pub(super) dirty: bool,
    /// In the list of connections with work to do.
    pub(super) queued: bool,
    /// Write interest is installed.
    pub(super) wants_write: bool,
    pub(super) ending: Ending,
    /// A link, or on its way to be one: never closed for slowness.
    pub(super) is_peer: bool,
    /// What its next frames may contain, if that has changed.
    new_limits: Option<FrameLimits>,
}

impl Connection {
    pub(super) fn new(id: ConnectionId, stream: TcpStream, limits: FrameLimits) -> Self {
        Self {
            id,
            stream,
            input: Some(Input::new(limits)),
            output: Vec::new(),
            written: 0,
            progress: Duration::ZERO,
            readable: true,
            hung_up: false,
            starved: true,
            ended: false,
            paused: false,
            dirty: false,
            queued: false,
            wants_write: false,
            ending: Ending::Open,
            is_peer: false,
            new_limits: None,
        }
    }

    /// No more of its frames are to be executed for now.
    pub(super) fn is_held_up(&self) -> bool {
        self.paused || (!self.is_peer && self.unsent() > UNSENT_PAUSE)
    }

    /// It is a link from here on.
    pub(super) fn become_peer(&mut self, limits: FrameLimits) {
        self.is_peer = true;
        self.new_limits = Some(limits);
    }

    /// Makes the decoder follow what the connection has become.
    pub(super) fn update_limits(&mut self, decoder: &mut Decoder) {
        if let Some(limits) = self.new_limits.take() {
            decoder.set_limits(limits);
        }
    }

    /// Bytes of output that the system has not taken.
    pub(super) fn unsent(&self) -> usize {
        self.output.len() - self.written
    }

    /// Reads at most one buffer full.
    ///
    /// A read that does not fill the buffer has emptied the socket, and whatever comes later is a new event. Only the
    /// end of the input may have been told of already, so behind a hang-up it is read until that is met.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> io::Result<ReadOutcome> {
        loop {
            match self.stream.read(scratch) {
                Ok(0) => return Ok(ReadOutcome::Ended),
                Ok(length) if length < scratch.len() && !self.hung_up => {
                    return Ok(ReadOutcome::Drained(length));
                }
                Ok(length) => return Ok(ReadOutcome::More(length)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    return Ok(ReadOutcome::Drained(0));
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Writes until all is written (`true`) or the system takes no more (`false`).
    pub(super) fn flush(&mut self, now: Duration) -> io::Result<bool> {
        while self.written < self.output.len() {
            match self.stream.write(&self.output[self.written..]) {
                Ok(0) => return Err(ErrorKind::WriteZero.into()),
                Ok(length) => {
                    self.written += length;
                    self.progress = now;
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    self.give_back_written();
                    return Ok(false);
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        self.written = 0;
        self.output.clear();
        if self.output.capacity() > BUFFER_KEPT {
            self.output = Vec::new();
        }
        Ok(true)
    }

    /// Keeps a slow reader's buffer from growing by what it has read already.
    fn give_back_written(&mut self) {
        if self.written > self.output.len() / 2 {
            self.output.drain(..self.written);
            self.written = 0;
        }
    }
}
