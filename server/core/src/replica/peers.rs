//! What other replicas send: each frame to the part of the replica that it is for.

use super::link::LinkState;
use super::replica::{Engine, Replica};
use crate::entry::EntryBody;
use crate::ids::{Ack, ReplicaId, Stamp};
use crate::message::{Message, encode_token};
use crate::store::WARM_MAX;
use crate::turn::{Event, Now, Out};
use crate::wire::frame::Frame;
use std::time::Duration;

impl Replica {
    /// A frame came in on a link's connection.
    pub(super) fn peer_frame(
        &mut self,
        peer: ReplicaId,
        frame: Frame<'_>,
        now: Now,
        out: &mut dyn Out,
    ) {
        let Some(link) = self.link(peer) else { return };
        link.heard = now.monotonic;
        let greeting = link.state == LinkState::Greeting;
        if greeting {
            return self.answered(peer, frame, now, out);
        }
        let message = match Message::parse(frame) {
            Ok(message) => message,
            Err(reason) => return self.link_error(peer, &reason, now, out),
        };
        self.observe_receive(peer, &message, now, out);
        let is_heartbeat = matches!(message, Message::Heartbeat(_) | Message::HeartbeatAck(_));
        self.counters.frames_received += u64::from(!is_heartbeat);
        match message {
            Message::Heartbeat(token) => {
                let mut frame = Vec::new();
                encode_token(&mut frame, "HEARTBEATACK", token);
                if let Some(link) = self.link(peer) {
                    link.send_past_delay(&frame, out);
                }
            }
            Message::HeartbeatAck(token) => {
                if let Some(link) = self.link(peer) {
                    link.round_trip = now.monotonic.checked_sub(Duration::from_micros(token));
                }
            }
            Message::Refuse(refusal, reason) => self.refused(peer, refusal, &reason, now, out),
            Message::Peer(_) => {
                self.link_error(peer, "a second handshake on one connection", now, out);
            }
            Message::Mcast(previous, entries) => {
                self.receive_mcast(peer, previous, entries, now, out);
            }
            Message::Ack(acks) => self.receive_ack(peer, &acks, now, out),
            gossip => self.receive_gossip(peer, gossip, now, out),
        }
    }

    /// Entries of the peer's own: they go into the queue, and an ack is owed to everyone.
    fn receive_mcast(
        &mut self,
        peer: ReplicaId,
        previous: u64,
        entries: Vec<(u64, EntryBody)>,
        now: Now,
        out: &mut dyn Out,
    ) {
        let Engine::Ordered(ordered) = &mut self.engine else {
            return self.link_error(peer, "MCAST in the eventual model", now, out);
        };
        for some in entries.chunks(WARM_MAX).filter(|some| some.len() > 1) {
            // Another replica's reads are not executed here.
            let bodies = some.iter().map(|(_, body)| body);
            let writes = bodies.filter(|body| !body.is_plain_get());
            ordered.store.warm(writes.filter_map(EntryBody::first_key));
        }
        if let Err(error) = ordered
            .multicast
            .receive(peer, previous, entries, now.monotonic)
        {
            self.link_error(peer, &error.to_string(), now, out);
        }
        for link in self.links.iter_mut().flatten() {
            link.exchanged |= link.peer == peer;
            link.acks_owed[peer.index()] = true;
        }
        self.deliver(now, out);
    }

    fn receive_ack(&mut self, peer: ReplicaId, acks: &[Ack], now: Now, out: &mut dyn Out) {
        let Engine::Ordered(ordered) = &mut self.engine else {
            return self.link_error(peer, "ACK in the eventual model", now, out);
        };
        let multicast = &mut ordered.multicast;
        let taken = acks
            .iter()
            .try_for_each(|ack| multicast.acknowledge(peer, *ack));
        if let Some(link) = self.link(peer) {
            link.exchanged |= !acks.is_empty();
        }
        if let Err(error) = taken {
            self.link_error(peer, &error.to_string(), now, out);
        }
        for ack in acks.iter().filter(|ack| ack.incarnation.is_some()) {
            self.refuse_if_another_is_known(ack.stamp.replica, now, out);
        }
        self.deliver(now, out);
    }

    fn observe_receive(&mut self, peer: ReplicaId, message: &Message, now: Now, out: &mut dyn Out) {
        if !self.shows_frames() {
            return;
        }
        let (frame, stamps): (_, Vec<Stamp>) = match message {
            Message::Mcast(_, entries) => (
                "MCAST",
                entries
                    .iter()
                    .map(|(time, _)| Stamp::new(*time, peer))
                    .collect(),
            ),
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
        if self.observed {
            let event = Event::Receive {
                peer,
                frame,
                stamps: &stamps,
            };
            out.observe(now, self.clock(), &event);
        }
        self.monitor_frame("receive", peer, frame, &stamps, out);
    }

    /// Tells of a frame that was sent.
    pub(super) fn observe_send(
        &mut self,
        peer: ReplicaId,
        frame: &'static str,
        stamps: &[Stamp],
        now: Now,
        out: &mut dyn Out,
    ) {
        if self.observed {
            out.observe(
                now,
                self.clock(),
                &Event::Send {
                    peer,
                    frame,
                    stamps,
                },
            );
        }
        self.monitor_frame("send", peer, frame, stamps, out);
    }
}
