//! One connection without a socket: what is kept of its input, the decoder and its limits, when it is read from and
//! when it is held up, its output, and how it ends. Bytes in, bytes out.
//!
//! The rules here hold for every connection, whoever drives the replica: the event loop of the server, a simulated
//! network, a test. [`Driver`](crate::driver::Driver) applies them.

mod endpoints;
mod input;
mod monitors;

pub use endpoints::Environment;
pub(crate) use endpoints::{EndStep, Endpoints};
pub(crate) use input::Next;

use crate::bugs::{Bug, planted};
use crate::ids::ConnectionId;
use crate::settings::Settings;
use crate::turn::Room;
use crate::wire::frame::FrameLimits;
use input::{BUFFER_KEPT, Input};
use std::time::Duration;

/// What the rules of connections depend on.
#[derive(Clone, Copy, Debug)]
pub struct EndpointSettings {
    /// What a client's frames may contain.
    pub client_limits: FrameLimits,
    /// What the frames of a link may contain.
    pub peer_limits: FrameLimits,
    /// Frames that one connection may have executed in one turn, so that none starves the others.
    pub frames_per_turn: usize,
    /// See [`Settings::unread_bytes_max`].
    pub unread_bytes_max: usize,
    /// See [`Settings::output_bytes_max`].
    pub output_bytes_max: usize,
    /// Bytes not written yet above which a client that monitors is closed: what it monitors does not wait for it.
    pub monitor_bytes_max: usize,
    /// See [`Settings::output_timeout`].
    pub output_timeout: Duration,
    /// How long a connection whose output is written waits for the other side to close too.
    pub linger: Duration,
    /// How long a connection that is being closed may take no byte of what it still has to get.
    pub flush_patience: Duration,
}

impl EndpointSettings {
    /// The usual rules for the connections of a replica that is set up so.
    #[must_use]
    pub fn new(settings: &Settings) -> Self {
        let entry_bytes = settings.limits.entry_bytes;
        Self {
            client_limits: FrameLimits::client(entry_bytes),
            peer_limits: FrameLimits::peer(entry_bytes),
            frames_per_turn: 128,
            unread_bytes_max: settings.unread_bytes_max,
            output_bytes_max: settings.output_bytes_max,
            monitor_bytes_max: settings.output_bytes_max.min(16 << 20),
            output_timeout: settings.output_timeout,
            linger: Duration::from_secs(2),
            flush_patience: Duration::from_secs(10),
        }
    }
}

/// How far the end of a connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
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

/// One connection.
#[derive(Debug)]
pub(crate) struct Endpoint {
    pub(crate) id: ConnectionId,
    /// `None` while its frames are being handed in.
    input: Option<Box<Input>>,
    output: Vec<u8>,
    /// Bytes at the front of `output` that are written.
    written: usize,
    /// Bytes that were written and are not in `output` any more.
    flushed: u64,
    /// When output was last taken, or the connection was made.
    progress: Duration,
    /// When bytes last came in, or the connection was made.
    heard: Duration,
    /// Bytes that were counted for it.
    share: usize,
    /// It is being closed for what it took, and what it still takes is not counted.
    evicted: bool,
    /// It will be looked at whether it can give memory back.
    looked_after: bool,
    /// No whole frame is left of what was read: only then is more read, so that what is kept stays below one
    /// read and one frame.
    starved: bool,
    /// The other side sends no more.
    ended: bool,
    /// The replica does not want more of it for now.
    paused: bool,
    /// In the list of connections that may stay for a while.
    staying: bool,
    /// In the list of connections with output.
    dirty: bool,
    /// In the list of connections with work to do.
    queued: bool,
    /// The connection is still being made.
    dialling: bool,
    ending: Ending,
    /// A link, or on its way to be one.
    is_peer: bool,
    /// Bytes of output not written yet above which it is held up, and above which it has no room at all.
    unsent_pause: usize,
    unsent_max: usize,
    /// Bytes of output not written yet above which it is closed, if it monitors.
    monitor_max: Option<usize>,
    /// There was more.
    is_overrun: bool,
    /// The replica waits for room.
    wants_room: bool,
    /// What its next frames may contain, if that has changed.
    new_limits: Option<FrameLimits>,
}

impl Endpoint {
    fn new(id: ConnectionId, settings: &EndpointSettings, now: Duration) -> Self {
        Self {
            id,
            input: Some(Box::new(Input::new(settings.client_limits))),
            output: Vec::new(),
            written: 0,
            flushed: 0,
            progress: now,
            heard: now,
            share: 0,
            evicted: false,
            looked_after: false,
            starved: true,
            ended: false,
            paused: false,
            staying: false,
            dirty: false,
            queued: false,
            dialling: false,
            ending: Ending::Open,
            is_peer: false,
            unsent_pause: settings.unread_bytes_max,
            unsent_max: settings.output_bytes_max,
            monitor_max: None,
            is_overrun: false,
            wants_room: false,
            new_limits: None,
        }
    }

    /// It is a link from here on: never held up or closed for slowness.
    fn become_link(&mut self) {
        self.is_peer = true;
        (self.unsent_pause, self.unsent_max) = (usize::MAX, usize::MAX);
    }

    /// Counts what it takes, with what is `kept` for it elsewhere; what was counted before, and what is now.
    #[inline]
    fn count(&mut self, kept: usize) -> (usize, usize) {
        let input = self.input.as_ref().map_or(0, |input| input.memory());
        let share = self.output.capacity() + input + kept;
        (std::mem::replace(&mut self.share, share), share)
    }

    /// Bytes that were counted for it.
    pub(crate) fn share(&self) -> usize {
        self.share
    }

    /// Whether it can be closed for what it takes.
    pub(crate) fn may_be_evicted(&self) -> bool {
        !self.is_peer && !self.evicted && self.ending != Ending::Now
    }

    /// Gives back what its buffers have no use for at this moment.
    pub(crate) fn shrink(&mut self) {
        if let Some(input) = &mut self.input {
            input.shrink();
        }
        if self.output.capacity() / 4 > self.output.len() {
            self.output.shrink_to(self.output.len());
        }
    }

    /// Forgets what was read and not executed: it will not be any more.
    pub(crate) fn discard_input(&mut self) {
        if let Some(input) = &mut self.input {
            input.discard();
        }
        self.starved = true;
    }

    /// Bytes came in.
    pub(crate) fn hear(&mut self, now: Duration) {
        self.heard = now;
    }

    /// Since when nothing has come in and nothing has been taken.
    pub(crate) fn quiet_since(&self) -> Duration {
        self.heard.max(self.progress)
    }

    /// Takes the input out, to hand in what is in it; [`Endpoint::put_back`] gives it back.
    pub(crate) fn take_input(&mut self) -> Option<Box<Input>> {
        let mut input = self.input.take()?;
        if let Some(limits) = self.new_limits.take() {
            input.set_limits(limits);
        }
        Some(input)
    }

    pub(crate) fn put_back(&mut self, input: Box<Input>, starved: bool) {
        self.input = Some(input);
        self.starved = starved;
        if !self.is_open() {
            self.discard_input();
        }
    }

    /// What its next frames may contain, if that has changed.
    pub(crate) fn take_new_limits(&mut self) -> Option<FrameLimits> {
        self.new_limits.take()
    }

    /// Whether it has output that was not tried to be written yet.
    pub(crate) fn is_dirty(&self) -> bool {
        self.dirty
    }

    /// Whether it lives: frames are taken and replies are sent.
    pub(crate) fn is_open(&self) -> bool {
        self.ending == Ending::Open
    }

    /// Between two replicas.
    pub(crate) fn is_link(&self) -> bool {
        self.is_peer
    }

    /// Whether no more of its frames are to be executed for now.
    pub(crate) fn is_held_up(&self) -> bool {
        self.paused || self.is_held_up_by_output()
    }

    /// How much room there is for more replies; whoever finds little will be told when there is some again.
    fn room(&mut self) -> Room {
        let unsent = self.unsent();
        self.wants_room |= unsent > self.unsent_pause;
        match unsent {
            unsent if unsent > self.unsent_max => Room::None,
            unsent if unsent > self.unsent_pause => Room::Little,
            _ => Room::Some,
        }
    }

    /// Whether somebody waits for room, and there is some.
    pub(crate) fn take_drained(&mut self) -> bool {
        !self.is_held_up_by_output() && std::mem::take(&mut self.wants_room)
    }

    /// It gets what happens here, whether it reads it or not: above so many bytes it is closed.
    fn monitors(&mut self, unread_max: Option<usize>) {
        self.monitor_max = unread_max;
    }

    fn is_held_up_by_output(&self) -> bool {
        self.unsent() > self.unsent_pause
    }

    /// Whether it has anything to do when it is served.
    pub(crate) fn is_served(&self) -> bool {
        !self.dialling
            && !self.is_held_up()
            && matches!(self.ending, Ending::Open | Ending::Lingering(_))
    }

    /// Whether everything that was read has been handed in.
    fn is_drained(&self) -> bool {
        self.starved || planted(Bug::EndOvertakesFrames)
    }

    /// Whether bytes are to be read for it now.
    pub(crate) fn wants_input(&self) -> bool {
        self.is_drained() && !self.ended
    }

    /// The other side sends no more.
    pub(crate) fn end_input(&mut self) {
        self.ended = true;
    }

    /// Whether the end of the input has been reached and everything before it was handed in.
    pub(crate) fn is_at_end(&self) -> bool {
        self.ended && self.is_drained() && !self.paused && self.is_open()
    }

    /// Whether it has nothing to wait for any more.
    pub(crate) fn has_lingered(&self) -> bool {
        self.ended && matches!(self.ending, Ending::Lingering(_))
    }

    /// Whether there is more to do for it in the next turn, if its socket has (`readable`) or has not more to read.
    pub(crate) fn has_more(&self, readable: bool) -> bool {
        match self.ending {
            Ending::Open => !self.starved || (readable && !self.ended),
            Ending::Lingering(_) => readable && !self.ended,
            Ending::AfterFlush | Ending::Now => false,
        }
    }

    /// Bytes of output that were not taken yet.
    pub(crate) fn unsent(&self) -> usize {
        self.output.len() - self.written
    }

    /// The bytes to be written next.
    pub(crate) fn unwritten(&self) -> &[u8] {
        &self.output[self.written..]
    }

    /// So many bytes of the output were taken.
    pub(crate) fn advance_output(&mut self, count: usize, now: Duration) {
        self.written += count;
        self.flushed += count as u64;
        self.progress = now;
    }

    /// Gives memory back: all that is written, or, of what a slow reader has read, as much as is worth moving the rest.
    pub(crate) fn shrink_output(&mut self) {
        if self.written == self.output.len() {
            self.output.clear();
            if self.output.capacity() > BUFFER_KEPT {
                self.output = Vec::new();
            }
            self.written = 0;
        } else if self.written > self.output.len() / 2 {
            self.output.drain(..self.written);
            self.written = 0;
        }
    }

    /// Whether a line of what it monitors may wait for it. If not, it will be closed, and gets no more until then.
    fn has_room_for(&mut self, line: &str) -> bool {
        let unsent = self.unsent() + line.len();
        self.is_overrun |= self.monitor_max.is_some_and(|max| unsent > max);
        !self.is_overrun
    }

    /// A client that monitors more than it reads.
    pub(crate) fn is_too_slow(&self) -> bool {
        self.is_open() && self.is_overrun
    }

    /// A client that has stopped reading, unless it goes on in time.
    pub(crate) fn is_stuck(&self) -> bool {
        self.is_open() && self.is_held_up_by_output()
    }

    /// Whether the connection is still being made.
    pub(crate) fn is_dialling(&self) -> bool {
        self.dialling
    }

    /// Whether it is to be ended once its output is written.
    pub(crate) fn ends_after_flush(&self) -> bool {
        self.ending == Ending::AfterFlush
    }

    /// Forgets what was not written yet: nobody will read it.
    pub(crate) fn discard_output(&mut self) {
        (self.output, self.written) = (Vec::new(), 0);
    }

    /// Until when a connection may stay that is being ended, or does not read.
    pub(crate) fn stays_until(&self, settings: &EndpointSettings) -> Option<Duration> {
        match self.ending {
            Ending::Lingering(until) => Some(until),
            Ending::AfterFlush => Some(self.progress + settings.flush_patience),
            Ending::Open if self.is_stuck() => Some(self.progress + settings.output_timeout),
            Ending::Open | Ending::Now => None,
        }
    }
}
