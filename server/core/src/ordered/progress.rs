//! How far each peer is: what it was sent of this replica's entries, and which acks it is owed.
//!
//! On each link the own `MCAST`s go before the `ACK`s: an ack must never overtake an entry that was stamped before the
//! ack was due.

use super::Multicast;
use crate::bugs::{Bug, planted};
use crate::engine::{Frames, Links};
use crate::entry::Entry;
use crate::ids::{Ack, ReplicaId, Stamp};
use crate::message::{encode_ack, encode_mcast};
use crate::turn::{Event, Turn};

/// One peer. It outlives its connections, as far as the algorithm says so.
#[derive(Debug, Default)]
struct Progress {
    /// The highest own time that was sent on the connection there is.
    sent: u64,
    /// By origin's place: an ack is owed.
    acks_owed: Vec<bool>,
    /// Entries or acks were exchanged with the incarnation that takes part.
    exchanged: bool,
}

/// All peers, by the places of their ids.
#[derive(Debug)]
pub(super) struct Peers {
    me: ReplicaId,
    peers: Vec<Progress>,
}

impl Peers {
    /// Of a cluster of so many replicas, this one included, whose place stays unused.
    pub(super) fn new(me: ReplicaId, replicas: usize) -> Self {
        let progress = || Progress {
            acks_owed: vec![false; replicas],
            ..Progress::default()
        };
        Self {
            me,
            peers: std::iter::repeat_with(progress).take(replicas).collect(),
        }
    }

    /// All other replicas, in id order, so that a run can be repeated exactly.
    pub(super) fn ids(&self) -> impl Iterator<Item = ReplicaId> + use<> {
        let me = self.me;
        let all = (0..self.peers.len()).map(ReplicaId::from_index);
        all.filter(move |peer| *peer != me)
    }

    /// Entries or acks were exchanged with a peer.
    pub(super) fn exchange(&mut self, peer: ReplicaId) {
        self.peers[peer.index()].exchanged = true;
    }

    pub(super) fn has_exchanged(&self, peer: ReplicaId) -> bool {
        self.peers[peer.index()].exchanged
    }

    /// Entries of a peer's came in: everyone is owed an ack for them.
    pub(super) fn owe_acks(&mut self, origin: ReplicaId) {
        for peer in &mut self.peers {
            peer.acks_owed[origin.index()] = true;
        }
    }

    /// A new connection, whose other end holds this replica's entries up to `have`: it is owed those above, and an
    /// ack for each origin of which anything is held here.
    pub(super) fn connect(&mut self, peer: ReplicaId, have: u64, multicast: &Multicast) {
        let progress = &mut self.peers[peer.index()];
        progress.sent = have;
        for origin in multicast.view().members() {
            let held = multicast.held(*origin) > 0 && *origin != self.me;
            progress.acks_owed[origin.index()] = held;
        }
        if planted(Bug::ResentAppliedTwice) {
            progress.sent = 0;
        }
        if planted(Bug::AckLostOnReconnect) {
            progress.acks_owed.fill(false);
        }
        if planted(Bug::LiveBeforeResend) {
            progress.sent = multicast.held(self.me);
        }
    }

    /// Sends to each peer what it has not been sent yet, and the acks that it is owed. `frame_bytes`: so many bytes
    /// end a frame.
    pub(super) fn transmit(
        &mut self,
        multicast: &Multicast,
        frame_bytes: usize,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) {
        let issued = multicast.held(self.me);
        let mut batch: Option<Batch> = None;
        for peer in self.ids() {
            if !links.is_up(peer) {
                continue;
            }
            if planted(Bug::AckOvertakesMcast) {
                self.send_acks(peer, multicast, links, turn);
            }
            let progress = &mut self.peers[peer.index()];
            if issued > progress.sent {
                let batch = match &batch {
                    Some(batch) if batch.above == progress.sent => batch,
                    _ => batch.insert(Batch::above(multicast, progress.sent, frame_bytes)),
                };
                batch.send(peer, links, turn);
                progress.exchanged |= !batch.frames.is_empty();
                progress.sent = batch.last;
            }
            self.send_acks(peer, multicast, links, turn);
        }
    }

    /// One frame for all origins that an ack is owed for.
    fn send_acks(
        &mut self,
        peer: ReplicaId,
        multicast: &Multicast,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) {
        let progress = &mut self.peers[peer.index()];
        if !progress.acks_owed.contains(&true) {
            return;
        }
        let owed = progress.acks_owed.iter_mut().enumerate();
        let acks: Vec<Ack> = owed
            .filter_map(|(at, owed)| std::mem::take(owed).then_some(ReplicaId::from_index(at)))
            .map(|origin| multicast.ack_for(origin, peer))
            .collect();
        let mut frame = Vec::new();
        encode_ack(&mut frame, &acks);
        progress.exchanged = true;
        let (bytes, count) = (&*frame, 1);
        links.send(peer, Frames { bytes, count }, turn);
        if turn.observed() {
            let stamps: Vec<Stamp> = acks.iter().map(|ack| ack.stamp).collect();
            let (frame, stamps) = ("ACK", &*stamps);
            turn.tell(&Event::Send {
                peer,
                frame,
                stamps,
            });
        }
    }

    /// The highest own time that any peer was sent; see [`Bug::PipelinedWritesSwapped`].
    #[cfg(feature = "deliberate-bugs")]
    pub(super) fn sent_to_any(&self) -> u64 {
        self.peers.iter().map(|peer| peer.sent).max().unwrap_or(0)
    }
}

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

impl Batch {
    /// The own entries above a time, as frames of a bounded size.
    fn above(multicast: &Multicast, above: u64, frame_bytes: usize) -> Self {
        let mut batch = Self {
            above,
            last: above,
            ..Self::default()
        };
        let mut entries: Vec<&Entry> = Vec::new();
        let mut size = 0;
        for entry in multicast.own_above(above) {
            entries.push(entry);
            size += entry.body.bytes().len();
            if size >= frame_bytes {
                batch.end_frame(&mut entries);
                size = 0;
            }
        }
        batch.end_frame(&mut entries);
        batch
    }

    fn end_frame(&mut self, entries: &mut Vec<&Entry>) {
        let Some(last) = entries.last() else { return };
        let previous = std::mem::replace(&mut self.last, last.stamp.time);
        encode_mcast(&mut self.bytes, previous, entries);
        let stamps = entries.drain(..).map(|entry| entry.stamp).collect();
        self.frames.push((self.bytes.len(), stamps));
    }

    fn send(&self, peer: ReplicaId, links: &mut dyn Links, turn: &mut Turn<'_>) {
        let mut start = 0;
        for (end, stamps) in &self.frames {
            let (bytes, count) = (&self.bytes[start..*end], 1);
            links.send(peer, Frames { bytes, count }, turn);
            start = *end;
            if turn.observed() {
                let (frame, stamps) = ("MCAST", &**stamps);
                turn.tell(&Event::Send {
                    peer,
                    frame,
                    stamps,
                });
            }
        }
    }
}
