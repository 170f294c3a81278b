//! Keeping links alive: dialling, heartbeats, silence, loss.

use super::link::LinkState;
use super::replica::{Engine, Readiness, Replica};
use crate::bugs::{Bug, planted};
use crate::ids::ConnectionId;
use crate::ids::ReplicaId;
use crate::message::{Refusal, encode_token};
use crate::turn::{Close, Event, Level, Now, Out};
use std::time::Duration;

impl Replica {
    /// Does what is due by now. To be called once at the start, and whenever [`Replica::deadline`] has come.
    pub fn tick(&mut self, now: Now, out: &mut dyn Out) {
        self.started.get_or_insert(now.monotonic);
        self.observed = out.observes();
        for index in 0..self.links.len() {
            self.tick_link(ReplicaId::from_index(index), now, out);
        }
        self.exchange_if_due(now, out);
        self.expire(now, out);
        self.deliver(now, out);
    }

    /// Both handshakes are through; the peer holds this replica's own entries up to `have`.
    pub(super) fn link_is_up(&mut self, peer: ReplicaId, have: u64, now: Now, out: &mut dyn Out) {
        if let Some(link) = self.link(peer) {
            link.reset_backoff();
            link.sent = have;
            if planted(Bug::ResentAppliedTwice) {
                link.sent = 0;
            }
        }
        if self.readiness == Readiness::Unaccepted {
            self.readiness = Readiness::Ready;
        }
        self.tell(&Event::LinkUp { peer }, now, out);
        match &mut self.engine {
            Engine::Ordered(ordered) => {
                let members = ordered.multicast.view().members().to_vec();
                let held: Vec<bool> = members
                    .iter()
                    .map(|&origin| ordered.multicast.held(origin) > 0)
                    .collect();
                let me = self.settings.id;
                let own = ordered.multicast.held(me);
                if let Some(link) = self.link(peer) {
                    for (origin, held) in members.into_iter().zip(held) {
                        link.acks_owed[origin.index()] = held && origin != me;
                    }
                    if planted(Bug::AckLostOnReconnect) {
                        link.acks_owed.fill(false);
                    }
                    if planted(Bug::LiveBeforeResend) {
                        link.sent = own;
                    }
                }
                #[cfg(feature = "deliberate-bugs")]
                if planted(Bug::HaveTakenAsAck) {
                    self.take_as_ack(peer, have, now, out);
                }
                // One sequence: what the peer may lack, the ack vector, and only then live traffic.
                self.send_ordered(now, out);
            }
            Engine::Eventual(_) => self.send_vector(peer, now, out),
        }
    }

    /// Bytes came in on a connection, whether they are a whole frame yet or not: a link on which a large
    /// frame travels slowly is not silent.
    pub fn heard(&mut self, connection: ConnectionId, now: Now) {
        if let Some(&peer) = self.peers.get(&connection)
            && let Some(link) = self.link(peer)
        {
            link.heard = now.monotonic;
        }
    }

    /// A link's connection is gone.
    pub(super) fn link_lost(&mut self, peer: ReplicaId, reason: &str, now: Now, out: &mut dyn Out) {
        let Some(link) = self.link(peer) else { return };
        let was_up = link.is_up();
        if !was_up {
            link.back_off(now);
        }
        if let Some(connection) = link.disconnect(now) {
            self.drop_connection(connection, out);
        }
        if let Engine::Eventual(eventual) = &mut self.engine {
            eventual.gossip.abandon_sweep();
        }
        if was_up {
            self.tell(&Event::LinkDown { peer, reason }, now, out);
        }
    }

    /// A peer sent what cannot be accepted: the link is closed, and a new handshake mends it.
    pub(super) fn link_error(
        &mut self,
        peer: ReplicaId,
        reason: &str,
        now: Now,
        out: &mut dyn Out,
    ) {
        let text = format!("link with replica {peer}: {reason}");
        self.notice(Level::Warn, &text, now, out);
        self.send_refusal(peer, Refusal::Protocol, reason, out);
        self.link_lost(peer, reason, now, out);
    }

    /// Closes a link's connection; nothing more is read from it or written to it.
    pub(super) fn drop_connection(&mut self, connection: ConnectionId, out: &mut dyn Out) {
        self.peers.remove(&connection);
        out.close(connection, Close::Now);
    }

    /// When a link wants [`Replica::tick`].
    pub(super) fn links_deadline(&self) -> Option<Duration> {
        if self.more_to_send {
            return Some(Duration::ZERO);
        }
        let timeout = self.settings.link_timeout;
        let mut earliest: Option<Duration> = None;
        let mut want = |at: Duration| earliest = Some(earliest.map_or(at, |e| e.min(at)));
        for link in self.links.iter().flatten() {
            match link.state {
                LinkState::Down if self.dials(link.peer) && !link.cut => want(link.dial_due),
                LinkState::Down => {}
                LinkState::Dialling | LinkState::Greeting => want(link.heard + timeout),
                LinkState::Up => {
                    want(link.heartbeat_due);
                    want(link.heard + timeout);
                    link.next_release().into_iter().for_each(&mut want);
                }
            }
        }
        if let Engine::Eventual(eventual) = &self.engine {
            want(eventual.exchange_due);
        }
        earliest
    }

    /// Whether this replica is the one that dials.
    fn dials(&self, peer: ReplicaId) -> bool {
        self.settings.id > peer
    }

    fn tick_link(&mut self, peer: ReplicaId, now: Now, out: &mut dyn Out) {
        let (dials, heartbeat) = (self.dials(peer), self.settings.heartbeat);
        let timeout = self.settings.link_timeout;
        let Some(link) = self.link(peer) else { return };
        let silent = now.monotonic >= link.heard + timeout;
        match link.state {
            LinkState::Down if dials && !link.cut && now.monotonic >= link.dial_due => {
                link.state = LinkState::Dialling;
                link.heard = now.monotonic;
                out.dial(peer);
            }
            LinkState::Dialling if silent => {
                self.dial_failed(peer, "no answer", now, out);
            }
            LinkState::Greeting | LinkState::Up if silent => {
                self.link_lost(peer, &format!("silent for {timeout:?}"), now, out);
            }
            LinkState::Up => {
                if now.monotonic >= link.heartbeat_due {
                    link.heartbeat_due = now.monotonic + heartbeat;
                    let mut frame = Vec::new();
                    let token = u64::try_from(now.monotonic.as_micros()).unwrap_or(0);
                    encode_token(&mut frame, "HEARTBEAT", token);
                    link.send_past_delay(&frame, out);
                }
                link.release_delayed(now, out);
            }
            LinkState::Down | LinkState::Dialling | LinkState::Greeting => {}
        }
    }
}
