//! What signs of life carry: what a replica holds, to be compared ([`agreement`](super::agreement)), and whether it holds
//! back so many entries that nobody is to stamp more.
//!
//! A replica that does not hear from some member delivers nothing, while others, which hear from all, stamp and deliver
//! on: what it holds back would grow without an end. So above `--max-queue` it tells them, and they refuse new entries
//! before stamping them, until it holds back half of that.

use super::link::Link;
use super::{Peers, Readiness};
use crate::engine::{At, Engine};
use crate::ids::ReplicaId;
use crate::message::{Heartbeat, encode_heartbeat, encode_token};
use crate::settings::Settings;
use crate::turn::{Level, Turn};
use crate::wire::error::{ErrorCode, ErrorReply};

impl Peers {
    /// A peer is alive, and says what it holds.
    pub(super) fn heartbeat(
        &mut self,
        peer: ReplicaId,
        heartbeat: &Heartbeat,
        at: &mut At<'_, '_>,
    ) {
        self.note_fullness(peer, heartbeat.is_full);
        let mut frame = Vec::new();
        encode_token(&mut frame, "HEARTBEATACK", heartbeat.token);
        self.links.at(peer).send_past_delay(&frame, at.turn);
        if let Some(held) = heartbeat.summary {
            self.agreement.hear(peer, held);
            self.compare(at);
        }
    }

    /// Compares what peers told with what is held here; says so once if they differ, and judges anew whether this
    /// replica serves data.
    pub(super) fn compare(&mut self, at: &mut At<'_, '_>) {
        for (peer, how) in self.agreement.compare(at.engine) {
            let text = format!("replica {peer} differs from this one: it has {how}");
            at.turn.notice(Level::Error, &text);
        }
        match (&self.readiness, self.agreement.is_outvoted()) {
            (Readiness::Ready, true) => {
                let text = "this replica serves no data until a majority agrees with it";
                at.turn.notice(Level::Error, text);
                self.readiness = Readiness::Outvoted;
                self.stopped_serving = true;
            }
            (Readiness::Outvoted, false) => {
                self.readiness = Readiness::Ready;
                at.turn
                    .notice(Level::Warn, "this replica serves data again");
            }
            _ => {}
        }
    }

    /// Why those who wait are not answered any more, once after this replica stopped to serve data.
    #[inline]
    pub(crate) fn take_stopped_serving(&mut self) -> Option<String> {
        let stopped = std::mem::take(&mut self.stopped_serving);
        stopped.then(|| self.readiness())
    }

    /// Tells the peers at once when this replica holds back as much as it may, and when it is half of that again.
    #[inline]
    pub(super) fn tell_fullness(&mut self, at: &mut At<'_, '_>) {
        let most = at.settings.queue_bytes_max;
        let limit = if self.is_full { most / 2 } else { most };
        let is_full = at.engine.held_bytes() > limit;
        if is_full != self.is_full {
            self.is_full = is_full;
            for peer in self.links.peers() {
                send_heartbeat(self.links.at(peer), is_full, at.engine, at.turn);
            }
        }
    }

    /// A peer tells whether it holds back as much as it may.
    pub(super) fn note_fullness(&mut self, peer: ReplicaId, is_full: bool) {
        self.links.at(peer).is_full = is_full;
        self.any_is_full = self.links.iter().any(|link| link.is_full);
    }

    /// Whether entries may be stamped: no replica holds back too many.
    ///
    /// # Errors
    /// Which one does.
    #[inline]
    pub(crate) fn check_fullness(&self, settings: &Settings) -> Result<(), ErrorReply> {
        if !self.is_full && !self.any_is_full {
            return Ok(());
        }
        let full = self.links.iter().find(|link| link.is_full);
        let who = full.map_or(settings.id, |link| link.peer);
        let text = format!("replica {who} holds back as many entries as it may");
        Err(ErrorReply::new(ErrorCode::Overloaded, text))
    }
}

/// Sends a sign of life, if the link is up.
pub(super) fn send_heartbeat(link: &Link, is_full: bool, engine: &dyn Engine, turn: &mut Turn<'_>) {
    if link.is_up() {
        let heartbeat = Heartbeat {
            token: u64::try_from(turn.now.monotonic.as_micros()).unwrap_or(0),
            summary: engine.summary(),
            is_full,
        };
        let mut frame = Vec::new();
        encode_heartbeat(&mut frame, &heartbeat);
        link.send_past_delay(&frame, turn);
    }
}
