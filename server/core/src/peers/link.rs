//! The state of one link: this replica's side of the connection to a peer.

use super::claims::Claims;
use super::pace::Pace;
use crate::ids::ConnectionId;
use crate::ids::ReplicaId;
use crate::random::Random;
use crate::turn::{Now, Turn};
use std::collections::VecDeque;
use std::time::Duration;

/// How far a link is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    /// No connection. The side that dials does so again when `dial_due` has come.
    Down,
    /// A connection is being made.
    Dialling,
    /// Connected, own handshake sent, the peer's awaited. Nothing else may be sent.
    Greeting,
    /// Both handshakes are through.
    Up,
}

/// A delay that FAULT DELAY asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Delay {
    pub(super) min: Duration,
    pub(super) max: Duration,
}

/// Frames held by a delay, first in, first out.
#[derive(Debug, Default)]
pub(super) struct DelayedFrames {
    frames: VecDeque<(Duration, Vec<u8>)>,
    bytes: usize,
    last_release: Duration,
}

/// One link. It outlives its connections.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) peer: ReplicaId,
    pub(super) state: LinkState,
    pub(super) connection: Option<ConnectionId>,
    /// Why there is no link, if one end refused.
    pub(super) refused: Option<String>,
    /// The reason of these that was told last.
    pub(super) refusal_told: Option<String>,
    pub(super) refusals: Pace,
    /// Faulty frames.
    pub(super) errors: Pace,
    /// Who came in on this link.
    pub(super) claims: Claims,
    /// FAULT CUT.
    pub(super) cut: bool,
    pub(super) delay: Option<Delay>,
    pub(super) delayed: DelayedFrames,
    /// When something was last heard.
    pub(super) heard: Duration,
    /// Its peer holds back as much as it may.
    pub(super) is_full: bool,
    pub(super) heartbeat_due: Duration,
    pub(super) dial_due: Duration,
    pub(super) dial_backoff: Duration,
    /// The failure to dial was told already.
    pub(super) failure_told: bool,
    pub(super) round_trip: Option<Duration>,
}

/// The first pause between attempts to dial; it doubles up to [`DIAL_BACKOFF_MAX`].
const DIAL_BACKOFF_MIN: Duration = Duration::from_millis(50);
/// The longest pause between attempts to dial.
pub(super) const DIAL_BACKOFF_MAX: Duration = Duration::from_millis(500);

impl Link {
    pub(super) fn new(peer: ReplicaId) -> Self {
        Self {
            peer,
            state: LinkState::Down,
            connection: None,
            refused: None,
            refusal_told: None,
            refusals: Pace::default(),
            errors: Pace::default(),
            claims: Claims::default(),
            cut: false,
            delay: None,
            delayed: DelayedFrames::default(),
            heard: Duration::ZERO,
            is_full: false,
            heartbeat_due: Duration::ZERO,
            dial_due: Duration::ZERO,
            dial_backoff: DIAL_BACKOFF_MIN,
            failure_told: false,
            round_trip: None,
        }
    }

    pub(super) fn is_up(&self) -> bool {
        self.state == LinkState::Up
    }

    /// Takes over a new connection, on which nothing has been sent.
    pub(super) fn connect(&mut self, connection: ConnectionId, state: LinkState, now: Now) {
        self.state = state;
        self.connection = Some(connection);
        self.delayed = DelayedFrames::default();
        self.heard = now.monotonic;
        self.heartbeat_due = now.monotonic;
        self.round_trip = None;
    }

    /// Forgets the connection and all that was to be sent on it; returns it.
    pub(super) fn disconnect(&mut self, now: Now) -> Option<ConnectionId> {
        self.state = LinkState::Down;
        self.delayed = DelayedFrames::default();
        self.round_trip = None;
        self.dial_due = now.monotonic + self.dial_backoff;
        self.connection.take()
    }

    /// The dial failed or the connection was refused: wait longer before the next.
    pub(super) fn back_off(&mut self, now: Now) {
        self.dial_backoff = (self.dial_backoff * 2).min(DIAL_BACKOFF_MAX);
        self.dial_due = now.monotonic + self.dial_backoff;
    }

    /// The link is up: the next attempt to dial need not wait.
    pub(super) fn reset_backoff(&mut self) {
        self.dial_backoff = DIAL_BACKOFF_MIN;
        self.failure_told = false;
        self.refused = None;
        self.refusal_told = None;
    }

    /// Sends whole frames, in their turn behind those that a delay holds.
    pub(super) fn send(&mut self, frames: &[u8], random: &mut Random, turn: &mut Turn<'_>) {
        let Some(connection) = self.connection else {
            return;
        };
        if self.delay.is_none() && self.delayed.frames.is_empty() {
            turn.out.buffer(connection).extend_from_slice(frames);
            return;
        }
        let wait = self.delay.map_or(Duration::ZERO, |Delay { min, max }| {
            min + (max.saturating_sub(min)).mul_f64(random.fraction())
        });
        let release = (turn.now.monotonic + wait).max(self.delayed.last_release);
        self.delayed.last_release = release;
        self.delayed.bytes += frames.len();
        self.delayed.frames.push_back((release, frames.to_vec()));
    }

    /// Sends a frame past those that a delay holds: heartbeats, which say nothing about the order.
    pub(super) fn send_past_delay(&self, frame: &[u8], turn: &mut Turn<'_>) {
        if let Some(connection) = self.connection {
            turn.out.buffer(connection).extend_from_slice(frame);
        }
    }

    /// Lets go of the delayed frames whose time has come.
    pub(super) fn release_delayed(&mut self, turn: &mut Turn<'_>) {
        let Some(connection) = self.connection else {
            return;
        };
        while let Some((release, frame)) = self.delayed.frames.front() {
            if *release > turn.now.monotonic {
                return;
            }
            self.delayed.bytes -= frame.len();
            turn.out.buffer(connection).extend_from_slice(frame);
            self.delayed.frames.pop_front();
        }
    }

    /// When the next delayed frame may go.
    pub(super) fn next_release(&self) -> Option<Duration> {
        self.delayed.frames.front().map(|(release, _)| *release)
    }

    /// Ends a delay: what it holds goes at once.
    pub(super) fn end_delay(&mut self) {
        self.delay = None;
        self.delayed.last_release = Duration::ZERO;
        for (release, _) in &mut self.delayed.frames {
            *release = Duration::ZERO;
        }
    }

    /// Bytes that a delay holds.
    pub(super) fn delayed_bytes(&self) -> usize {
        self.delayed.bytes
    }

    /// Bytes that were sent and that the network has not taken.
    pub(super) fn unsent(&self, turn: &Turn<'_>) -> usize {
        let connection = self.connection;
        connection.map_or(0, |connection| turn.out.unsent(connection)) + self.delayed.bytes
    }
}
