//! Other replicas: the links with them, from the handshake ([`handshake`](self)) over keeping them alive to what
//! faults do to them; and each frame that comes in goes to the part of the replica that it is for.

mod agreement;
mod claims;
mod faults;
mod handshake;
mod heartbeats;
mod link;
mod links;
mod liveness;
pub(crate) mod pace;

use crate::engine::At;
use crate::ids::{ConnectionId, ReplicaId, Stamp};
use crate::message::Message;
use crate::settings::Settings;
use crate::turn::{Event, Turn};
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::frame::Frame;
use agreement::Agreement;
use link::LinkState;
use links::LinkTable;
use pace::Pace;
use std::collections::BTreeMap;
use std::time::Duration;

/// Whether a replica serves data, and why not.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Readiness {
    Ready,
    /// No peer has accepted this incarnation yet.
    Unaccepted,
    /// A peer refused this incarnation; it stays so.
    Refused(String),
    /// Others hold something else, and no majority agrees with this replica.
    Outvoted,
}

/// The peers of one replica, and what it is to them.
#[derive(Debug)]
pub(crate) struct Peers {
    links: LinkTable,
    /// Connections that are links.
    connections: BTreeMap<ConnectionId, ReplicaId>,
    readiness: Readiness,
    /// Frames from peers, without handshakes and heartbeats.
    frames_received: u64,
    /// Handshakes of nobody who belongs here.
    strangers: Pace,
    agreement: Agreement,
    /// It has just stopped to serve data, and those who wait do not know yet.
    stopped_serving: bool,
    /// This replica holds back as much as it may, and has told its peers so.
    is_full: bool,
    /// Some peer has told that of itself.
    any_is_full: bool,
}

impl Peers {
    /// Nothing is linked. A replica on its own, or of the eventual model, serves data at once.
    pub(crate) fn new(settings: &Settings) -> Self {
        let alone = settings.cluster.len() == 1 || !settings.consistency.is_ordered();
        let links = LinkTable::new(settings);
        Self {
            agreement: Agreement::new(links.peers()),
            stopped_serving: false,
            is_full: false,
            any_is_full: false,
            links,
            connections: BTreeMap::new(),
            readiness: if alone {
                Readiness::Ready
            } else {
                Readiness::Unaccepted
            },
            frames_received: 0,
            strangers: Pace::default(),
        }
    }

    /// The peer at the other end of a connection, if it is a link.
    #[inline]
    pub(crate) fn of(&self, connection: ConnectionId) -> Option<ReplicaId> {
        if self.connections.is_empty() {
            return None;
        }
        self.connections.get(&connection).copied()
    }

    /// Whether this replica serves data.
    ///
    /// # Errors
    /// Why not.
    #[inline]
    pub(crate) fn check_ready(&self) -> Result<(), ErrorReply> {
        let reason = match &self.readiness {
            Readiness::Ready => return Ok(()),
            Readiness::Unaccepted => "no other replica has accepted this one yet".to_owned(),
            Readiness::Refused(reason) => format!("this replica was refused: {reason}"),
            Readiness::Outvoted => self.outvoted(),
        };
        Err(ErrorReply::new(ErrorCode::NotReady, reason))
    }

    /// Whether this replica serves data, for STATUS.
    pub(crate) fn readiness(&self) -> String {
        match &self.readiness {
            Readiness::Ready => "yes".to_owned(),
            Readiness::Unaccepted => "no (no other replica has accepted this one yet)".to_owned(),
            Readiness::Refused(reason) => format!("no (refused: {reason})"),
            Readiness::Outvoted => format!("no ({})", self.outvoted()),
        }
    }

    /// Why a replica serves no data that differs from others.
    fn outvoted(&self) -> String {
        let how = self.divergence();
        format!("this replica differs from others, and no majority agrees with it: {how}")
    }

    /// Whether some peer holds something else than this replica.
    pub(crate) fn diverges(&self) -> bool {
        self.agreement.diverges()
    }

    /// Which peers hold something else than this replica, for STATUS.
    pub(crate) fn divergence(&self) -> String {
        match self.agreement.differing().as_slice() {
            [] => "no".to_owned(),
            differing => differing.join(", "),
        }
    }

    /// Whether a peer refused this incarnation, so that it serves no data until it ends.
    pub(crate) fn is_refused(&self) -> bool {
        matches!(self.readiness, Readiness::Refused(_))
    }

    /// Frames sent and received, without handshakes and heartbeats.
    pub(crate) fn frames(&self) -> (u64, u64) {
        (self.links.frames_sent, self.frames_received)
    }

    /// Counts frames from zero again.
    pub(crate) fn reset_frames(&mut self) {
        (self.links.frames_sent, self.frames_received) = (0, 0);
    }

    /// A frame came in on a link's connection.
    pub(crate) fn frame(&mut self, peer: ReplicaId, frame: Frame<'_>, at: &mut At<'_, '_>) {
        let link = self.links.at(peer);
        link.heard = at.turn.now.monotonic;
        if link.state == LinkState::Greeting {
            return self.answered(peer, frame, at);
        }
        let message = match Message::parse(frame) {
            Ok(message) => message,
            Err(reason) => return self.link_error(peer, &reason, at),
        };
        if at.turn.observed() {
            tell_received(peer, &message, at.turn);
        }
        match message {
            Message::Heartbeat(heartbeat) => return self.heartbeat(peer, &heartbeat, at),
            Message::HeartbeatAck(token) => {
                let sent = Duration::from_micros(token);
                link.round_trip = at.turn.now.monotonic.checked_sub(sent);
                return;
            }
            _ => self.frames_received += 1,
        }
        match message {
            Message::Refuse(refusal, reason) => {
                self.refused(peer, refusal, &reason, at);
            }
            Message::Peer(_) => {
                let reason = "a second handshake on one connection";
                self.link_error(peer, reason, at);
            }
            message => {
                if let Err(reason) = at.engine.receive(peer, message, &mut self.links, at.turn) {
                    self.link_error(peer, &reason, at);
                }
                self.refuse_disputed(at);
            }
        }
    }

    /// Sends what this turn owes to the peers.
    #[inline]
    pub(crate) fn transmit(&mut self, at: &mut At<'_, '_>) {
        at.engine.transmit(at.settings, &mut self.links, at.turn);
        self.tell_fullness(at);
        if self.agreement.waits() {
            self.compare(at);
        }
    }
}

fn tell_received(peer: ReplicaId, message: &Message, turn: &mut Turn<'_>) {
    let (frame, stamps): (_, Vec<Stamp>) = match message {
        Message::Mcast(_, entries) => {
            let stamps = entries.iter().map(|(time, _)| Stamp::new(*time, peer));
            ("MCAST", stamps.collect())
        }
        Message::Ack(acks) => ("ACK", acks.iter().map(|ack| ack.stamp).collect()),
        Message::Update(time, ..) => ("UPDATE", vec![Stamp::new(*time, peer)]),
        Message::Entry(stamp, ..) => ("ENTRY", vec![stamp.short()]),
        Message::Round => ("ROUND", Vec::new()),
        Message::End(_) => ("END", Vec::new()),
        Message::Vector(..) => ("VECTOR", Vec::new()),
        Message::Heartbeat(_) | Message::HeartbeatAck(_) => return,
        Message::Confirm(_) => ("CONFIRM", Vec::new()),
        Message::Confirmed(_) => ("CONFIRMED", Vec::new()),
        Message::Peer(_) => ("PEER", Vec::new()),
        Message::Refuse(..) => ("REFUSE", Vec::new()),
    };
    turn.tell(&Event::Receive {
        peer,
        frame,
        stamps: &stamps,
    });
}
