//! The end of a turn: what it owes to the peers goes out.
//!
//! Links are served in id order, so that a run can be repeated exactly. On each of them the own `MCAST`s
//! go before the `ACK`s: an ack must never overtake an entry that was stamped before the ack was due.

use super::link::Link;
use super::replica::{Engine, Replica, splitmix};
use crate::bugs::{Bug, planted};
use crate::entry::Entry;
use crate::ids::{Ack, ReplicaId, Stamp};
use crate::message::{encode_ack, encode_mcast};
use crate::ordered::Multicast;
use crate::turn::{Now, Out};

/// `MCAST` frames, encoded once for all links that have been sent the same.
#[derive(Debug, Default)]
struct Batch {
    /// The own time that these links have been sent.
    above: u64,
    /// Ends of the frames in `bytes`, each with the stamps that it carries.
    frames: Vec<(usize, Vec<Stamp>)>,
    bytes: Vec<u8>,
    last: u64,
}

impl Replica {
    /// Sends what this turn owes. To be called once after all that happened at one time was handed in.
    pub fn end_turn(&mut self, now: Now, out: &mut dyn Out) {
        self.observed = out.observes();
        match self.engine {
            Engine::Ordered(_) => self.send_ordered(now, out),
            Engine::Eventual(_) => self.send_gossip(now, out),
        }
    }

    /// Own entries that a link has not been sent yet, then the acks it is owed.
    pub(super) fn send_ordered(&mut self, now: Now, out: &mut dyn Out) {
        let limit = self.settings.mcast_bytes_max;
        let mut batch: Option<Batch> = None;
        for index in 0..self.links.len() {
            if planted(Bug::AckOvertakesMcast)
                && self.links[index].as_ref().is_some_and(Link::is_up)
            {
                self.send_acks(ReplicaId::from_index(index), now, out);
            }
            let Engine::Ordered(ordered) = &self.engine else {
                return;
            };
            let Some(link) = self.links[index].as_mut().filter(|link| link.is_up()) else {
                continue;
            };
            if ordered.multicast.held(self.settings.id) > link.sent {
                if batch.as_ref().is_none_or(|batch| batch.above != link.sent) {
                    batch = Some(encode_above(&ordered.multicast, link.sent, limit));
                }
                if let Some(batch) = &batch {
                    self.send_batch(ReplicaId::from_index(index), batch, now, out);
                }
            }
            self.send_acks(ReplicaId::from_index(index), now, out);
        }
    }

    fn send_batch(&mut self, peer: ReplicaId, batch: &Batch, now: Now, out: &mut dyn Out) {
        let random = &mut self.random;
        let Some(link) = self.links[peer.index()].as_mut() else {
            return;
        };
        let mut start = 0;
        for (end, _) in &batch.frames {
            link.send(&batch.bytes[start..*end], now, &mut || draw(random), out);
            start = *end;
        }
        link.exchanged |= !batch.frames.is_empty();
        link.sent = batch.last;
        self.counters.frames_sent += batch.frames.len() as u64;
        if self.shows_frames() {
            for (_, stamps) in &batch.frames {
                self.observe_send(peer, "MCAST", stamps, now, out);
            }
        }
    }

    /// One frame for all origins that an ack is owed for.
    fn send_acks(&mut self, peer: ReplicaId, now: Now, out: &mut dyn Out) {
        let Engine::Ordered(ordered) = &self.engine else {
            return;
        };
        let Some(link) = self.links[peer.index()].as_mut() else {
            return;
        };
        if !link.acks_owed.contains(&true) {
            return;
        }
        let acks = take_acks(link, &ordered.multicast);
        let mut frame = Vec::new();
        encode_ack(&mut frame, &acks);
        link.exchanged = true;
        let random = &mut self.random;
        link.send(&frame, now, &mut || draw(random), out);
        self.counters.frames_sent += 1;
        if self.shows_frames() {
            let stamps: Vec<Stamp> = acks.iter().map(|ack| ack.stamp).collect();
            self.observe_send(peer, "ACK", &stamps, now, out);
        }
    }
}

/// A random number for a delay.
pub(super) fn draw(random: &mut u64) -> u32 {
    u32::try_from(splitmix(random) >> 32).unwrap_or(0)
}

fn take_acks(link: &mut Link, multicast: &Multicast) -> Vec<Ack> {
    let peer = link.peer;
    let owed = link.acks_owed.iter_mut().enumerate();
    owed.filter_map(|(index, owed)| std::mem::take(owed).then_some(ReplicaId::from_index(index)))
        .map(|origin| multicast.ack_for(origin, peer))
        .collect()
}

/// Encodes the own entries above a time, as frames of a bounded size.
fn encode_above(multicast: &Multicast, above: u64, frame_bytes: usize) -> Batch {
    let mut batch = Batch {
        above,
        last: above,
        ..Batch::default()
    };
    let mut entries: Vec<&Entry> = Vec::new();
    let mut size = 0;
    for entry in multicast.own_above(above) {
        entries.push(entry);
        size += entry.body.bytes().len();
        if size >= frame_bytes {
            end_frame(&mut batch, &mut entries);
            size = 0;
        }
    }
    end_frame(&mut batch, &mut entries);
    batch
}

fn end_frame(batch: &mut Batch, entries: &mut Vec<&Entry>) {
    let Some(last) = entries.last() else { return };
    let previous = std::mem::replace(&mut batch.last, last.stamp.time);
    encode_mcast(&mut batch.bytes, previous, entries);
    let stamps = entries.drain(..).map(|entry| entry.stamp).collect();
    batch.frames.push((batch.bytes.len(), stamps));
}
