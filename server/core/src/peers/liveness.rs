//! Keeping links alive: dialling, heartbeats, silence, loss.

use super::heartbeats::send_heartbeat;
use super::link::{Link, LinkState};
use super::pace::SAID_AGAIN_AFTER;
use super::{Peers, Readiness};
use crate::engine::At;
use crate::ids::{ConnectionId, ReplicaId};
use crate::message::{Handshake, Refusal};
use crate::settings::Settings;
use crate::turn::{Close, Event, Level, Now, Turn};
use std::time::Duration;

/// A link that has heard nothing for this long is called silent.
const SILENT: Duration = Duration::from_millis(1200);

/// What STATUS and INFO say of a link.
#[derive(Clone, Debug)]
pub(crate) struct LinkFigures {
    pub(crate) peer: ReplicaId,
    /// `up`, `down`, `silent 2.1s`, `cut` or `refused (reason)`.
    pub(crate) state: String,
    pub(crate) is_up: bool,
    pub(crate) round_trip: Option<Duration>,
    /// Bytes sent that the network has not taken.
    pub(crate) unsent: usize,
}

impl Peers {
    /// Does what is due by now.
    pub(crate) fn tick(&mut self, at: &mut At<'_, '_>) {
        for peer in self.links.peers() {
            self.tick_link(peer, at);
        }
        at.engine.tick(at.settings, &mut self.links, at.turn);
    }

    /// When a link wants [`Peers::tick`].
    pub(crate) fn deadline(&self, settings: &Settings) -> Option<Duration> {
        let timeout = settings.link_timeout;
        let mut earliest: Option<Duration> = None;
        let mut want = |at: Duration| earliest = Some(earliest.map_or(at, |e| e.min(at)));
        for link in self.links.iter() {
            match link.state {
                LinkState::Down if dials(settings, link.peer) && !link.cut => want(link.dial_due),
                LinkState::Down => {}
                LinkState::Dialling | LinkState::Greeting => want(link.heard + timeout),
                LinkState::Up => {
                    want(link.heartbeat_due);
                    want(link.heard + timeout);
                    link.next_release().into_iter().for_each(&mut want);
                }
            }
        }
        earliest
    }

    fn tick_link(&mut self, peer: ReplicaId, at: &mut At<'_, '_>) {
        let (now, timeout) = (at.turn.now.monotonic, at.settings.link_timeout);
        let link = self.links.at(peer);
        let silent = now >= link.heard + timeout;
        match link.state {
            LinkState::Down if dials(at.settings, peer) && !link.cut && now >= link.dial_due => {
                link.state = LinkState::Dialling;
                link.heard = now;
                at.turn.out.dial(peer);
            }
            LinkState::Dialling if silent => self.dial_failed(peer, "no answer", at),
            LinkState::Greeting | LinkState::Up if silent => {
                self.link_lost(peer, &format!("silent for {timeout:?}"), at);
            }
            LinkState::Up => {
                if now >= link.heartbeat_due {
                    link.heartbeat_due = now + at.settings.heartbeat;
                    send_heartbeat(link, self.is_full, at.engine, at.turn);
                }
                link.release_delayed(at.turn);
            }
            LinkState::Down | LinkState::Dialling | LinkState::Greeting => {}
        }
    }

    /// Both handshakes are through.
    pub(super) fn link_is_up(&mut self, handshake: &Handshake, at: &mut At<'_, '_>) {
        let peer = handshake.id;
        self.links.at(peer).reset_backoff();
        self.note_fullness(peer, false);
        if self.readiness == Readiness::Unaccepted {
            self.readiness = Readiness::Ready;
        }
        at.turn.tell(&Event::LinkUp { peer });
        at.engine
            .linked(handshake, at.settings, &mut self.links, at.turn);
    }

    /// Bytes came in on a connection, whether they are a whole frame yet or not: a link on which a large
    /// frame travels slowly is not silent.
    pub(crate) fn heard(&mut self, connection: ConnectionId, now: Now) {
        if let Some(peer) = self.of(connection) {
            self.links.at(peer).heard = now.monotonic;
        }
    }

    /// A link's connection is gone.
    pub(crate) fn link_lost(&mut self, peer: ReplicaId, reason: &str, at: &mut At<'_, '_>) {
        let link = self.links.at(peer);
        let was_up = link.is_up();
        if !was_up {
            link.back_off(at.turn.now);
        }
        if let Some(connection) = link.disconnect(at.turn.now) {
            self.connections.remove(&connection);
            at.turn.out.close(connection, Close::Now);
        }
        at.engine.unlinked(peer);
        if was_up {
            at.turn.tell(&Event::LinkDown { peer, reason });
        }
    }

    /// A peer sent what cannot be accepted: the link is closed, and a new handshake mends it.
    pub(crate) fn link_error(&mut self, peer: ReplicaId, reason: &str, at: &mut At<'_, '_>) {
        self.note_error(peer, reason, at.turn);
        self.send_refusal(peer, Refusal::Protocol, reason, at.turn);
        self.link_lost(peer, reason, at);
    }

    /// Tells what was wrong on a link, but not as often as a peer likes.
    pub(super) fn note_error(&mut self, peer: ReplicaId, reason: &str, turn: &mut Turn<'_>) {
        let text = format!("link with replica {peer}: {reason}");
        let errors = &mut self.links.at(peer).errors;
        if let Some(text) = errors.say(text, SAID_AGAIN_AFTER, turn.now) {
            turn.notice(Level::Warn, &text);
        }
    }

    /// What there is to say of each link.
    pub(crate) fn figures(&self, turn: &Turn<'_>) -> Vec<LinkFigures> {
        let figures = |link: &Link| LinkFigures {
            peer: link.peer,
            state: state(link, turn.now),
            is_up: link.is_up(),
            round_trip: link.round_trip,
            unsent: link.unsent(turn),
        };
        self.links.iter().map(figures).collect()
    }

    /// Bytes that delays of FAULT DELAY hold back, by link.
    pub(crate) fn delayed_bytes(&self) -> impl Iterator<Item = usize> {
        self.links.iter().map(Link::delayed_bytes)
    }
}

/// Whether this replica is the one that dials: of each pair the one with the higher id does.
fn dials(settings: &Settings, peer: ReplicaId) -> bool {
    settings.id > peer
}

fn state(link: &Link, now: Now) -> String {
    let silence = now.monotonic.saturating_sub(link.heard);
    match (&link.refused, link.state) {
        _ if link.cut => "cut".to_owned(),
        (_, LinkState::Up) if silence >= SILENT => format!("silent {:.1}s", silence.as_secs_f64()),
        (_, LinkState::Up) => "up".to_owned(),
        (Some(reason), _) => format!("refused ({reason})"),
        (None, _) => "down".to_owned(),
    }
}
