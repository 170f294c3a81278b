//! The engine of the sequential and the linearizable model: the multicast, the store it feeds, the order, and how far
//! the peers are.

use super::execute::execute;
use super::progress::Peers;
use super::states::States;
use super::{Multicast, View};
use crate::bugs::{Bug, planted};
use crate::command::{CommandSpec, Kind};
use crate::engine::{Delivery, Engine, Figures, Links, Objection, Path, Wanted};
use crate::entry::{Entry, EntryBody};
use crate::ids::{Ack, ConnectionId, Digest, ReplicaId, Stamp};
use crate::message::{Handshake, Message, Summary};
use crate::order::Order;
use crate::settings::Settings;
use crate::store::blind::Done;
use crate::store::{Answer, Context, Keyspace, Store, WARM_MAX};
use crate::turn::{Now, Turn};
use crate::wire::ahead::words_ahead;
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::ReplyWriter;
use std::any::Any;
use std::collections::VecDeque;
use std::time::Duration;

/// See the module's documentation.
///
/// *Invariants.* `owners` has one element for each own undelivered entry, in stamp order, and `pending_bytes` is the sum
/// of their sizes, `pending_growth` that of their `growth`.
#[derive(Debug)]
pub struct Ordered {
    me: ReplicaId,
    multicast: Multicast,
    store: Store,
    order: Order,
    states: States,
    peers: Peers,
    /// The clients of the own undelivered entries.
    owners: VecDeque<Owner>,
    pending_bytes: usize,
    pending_growth: usize,
}

/// What is to be remembered of an own entry until it is delivered.
#[derive(Debug)]
struct Owner {
    time: u64,
    client: ConnectionId,
    growth: usize,
}

impl Ordered {
    /// At the start, with nothing in it.
    pub(crate) fn new(settings: &Settings) -> Self {
        let replicas = settings.cluster.len();
        Self {
            me: settings.id,
            multicast: Multicast::new(settings.id, View::first(replicas)),
            store: Store::new(settings.hash_secret),
            order: Order::new(settings.order_entries_max, settings.order_bytes_max),
            states: States::default(),
            peers: Peers::new(settings.id, replicas),
            owners: VecDeque::new(),
            pending_bytes: 0,
            pending_growth: 0,
        }
    }

    /// The state of the multicast.
    #[must_use]
    pub fn multicast(&self) -> &Multicast {
        &self.multicast
    }

    /// The data.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Entries of the peer's own: they go into the queue, and an ack is owed to everyone.
    fn receive_entries(
        &mut self,
        peer: ReplicaId,
        previous: u64,
        entries: Vec<(u64, EntryBody)>,
        now: Duration,
    ) -> Result<(), String> {
        for some in entries.chunks(WARM_MAX).filter(|some| some.len() > 1) {
            // Another replica's reads are not executed here.
            let bodies = some.iter().map(|(_, body)| body);
            let writes = bodies.filter(|body| !body.is_plain_get());
            self.store.warm(writes.filter_map(EntryBody::first_key));
        }
        let received = self.multicast.receive(peer, previous, entries, now);
        received.map_err(|error| error.to_string())?;
        self.peers.exchange(peer);
        self.peers.owe_acks(peer);
        Ok(())
    }

    fn receive_acks(&mut self, peer: ReplicaId, acks: &[Ack]) -> Result<(), String> {
        if !acks.is_empty() {
            self.peers.exchange(peer);
        }
        let mut acks = acks.iter();
        let taken = acks.try_for_each(|ack| self.multicast.acknowledge(peer, *ack));
        taken.map_err(|error| error.to_string())
    }

    /// The client of an own entry that is being delivered; own entries are delivered in the order they were stamped.
    fn owner(&mut self, entry: &Entry) -> Option<ConnectionId> {
        if entry.origin() != self.me {
            return None;
        }
        self.pending_bytes -= entry.body.size();
        let owner = self.owners.pop_front()?;
        self.pending_growth -= owner.growth;
        debug_assert_eq!(
            owner.time, entry.stamp.time,
            "own entries are delivered in their order"
        );
        Some(owner.client)
    }

    /// See [`Bug::HaveTakenAsAck`].
    #[cfg(feature = "deliberate-bugs")]
    fn take_as_ack(&mut self, handshake: &Handshake) {
        if planted(Bug::HaveTakenAsAck) {
            let ack = Ack {
                stamp: Stamp::new(handshake.have, self.me),
                incarnation: None,
            };
            let _ignored = self.multicast.acknowledge(handshake.id, ack);
        }
    }
}

impl Engine for Ordered {
    #[inline]
    fn path(&self, spec: &CommandSpec, _words: usize, linearizable: bool) -> Path {
        self.transaction_path(spec.kind == Kind::Write, linearizable)
    }

    /// The one place where the two ordered models differ.
    #[inline]
    fn transaction_path(&self, writes: bool, linearizable: bool) -> Path {
        if writes || linearizable {
            Path::Ordered
        } else {
            Path::Local
        }
    }

    fn check_ordered(&self, _name: &str) -> Answer {
        Ok(())
    }

    fn submit(
        &mut self,
        client: ConnectionId,
        body: EntryBody,
        growth: usize,
        settings: &Settings,
        turn: &mut Turn<'_>,
    ) -> Result<Stamp, ErrorReply> {
        let size = body.size();
        let limit = settings.pending_bytes_max;
        if self.pending_bytes > 0 && self.pending_bytes + size > limit {
            return Err(ErrorReply::new(
                ErrorCode::Overloaded,
                format!(
                    "{} bytes of undelivered entries (limit {limit})",
                    self.pending_bytes
                ),
            ));
        }
        if !self.multicast.may_stamp() {
            let text = "the clock is too far ahead of what was delivered";
            return Err(ErrorReply::new(ErrorCode::Overloaded, text));
        }
        let stamp = self.multicast.stamp(body, turn.now.monotonic);
        turn.clock = stamp.time;
        self.owners.push_back(Owner {
            time: stamp.time,
            client,
            growth,
        });
        self.pending_bytes += size;
        self.pending_growth += growth;
        Ok(stamp)
    }

    fn pending_growth(&self) -> Option<usize> {
        (!self.owners.is_empty()).then_some(self.pending_growth)
    }

    fn write_here(
        &mut self,
        spec: &CommandSpec,
        _words: &[&[u8]],
        _turn: &mut Turn<'_>,
    ) -> Result<Done, ErrorReply> {
        debug_assert!(false, "{} goes through the multicast", spec.name);
        Err(ErrorReply::err(format!(
            "{} cannot be answered here",
            spec.name
        )))
    }

    #[inline]
    fn keyspace(&self) -> &dyn Keyspace {
        &self.store
    }

    fn last_change(&self, key: &[u8]) -> u64 {
        self.store.changed(key)
    }

    fn prefetch(&self, bytes: &[u8], is_link: bool) {
        // What peers send is looked up when it is received.
        if !is_link {
            self.store.warm(words_ahead(bytes, 1));
        }
    }

    #[cfg(feature = "deliberate-bugs")]
    fn swap(&mut self, first: u64, second: u64) {
        if self.peers.sent_to_any() < first {
            self.multicast.swap_with_next(first, second);
        }
    }

    /// In the ordered models a write is answered when all hold it, unless it timed out.
    fn holders(&self, time: u64) -> usize {
        let hold = |peer: &ReplicaId| self.multicast.acked(*peer, self.me) >= time;
        self.peers.ids().filter(hold).count()
    }

    #[inline]
    fn deliver(&mut self) -> Option<Delivery> {
        let entry = self.multicast.pop_deliverable()?;
        let client = self.owner(&entry);
        let position = self.order.append(&entry);
        Some(Delivery {
            position,
            entry,
            client,
        })
    }

    /// A client's own entry is applied even if it waits for it no more; of others' reads only the position counts.
    #[inline]
    fn apply(
        &mut self,
        delivery: &Delivery,
        wanted: Wanted,
        how: &Context<'_>,
        reply: &mut ReplyWriter<'_>,
    ) {
        let entry = &delivery.entry;
        if wanted != Wanted::Nothing || !entry.body.is_plain_get() {
            execute(&mut self.store, entry, wanted, how, reply);
        }
        if planted(Bug::AppliedDifferently) && self.me == ReplicaId(2) {
            entry.body.first_key().map(|key| self.store.remove(key));
        }
        self.states.note(delivery.position, self.store.digest());
    }

    fn have(&self, peer: ReplicaId) -> u64 {
        self.multicast.held(peer)
    }

    fn known(&self, peer: ReplicaId) -> u64 {
        if self.peers.has_exchanged(peer) {
            self.multicast.incarnation(peer)
        } else {
            0
        }
    }

    /// The ordered models do not let a replica back in that has forgotten what it acked, on either side.
    fn judge(&self, handshake: &Handshake, settings: &Settings) -> Option<Objection> {
        let known = self.known(handshake.id);
        let another = self
            .multicast
            .holder_of_another(handshake.id, handshake.incarnation);
        if (known != 0 && known != handshake.incarnation) || another.is_some() {
            return Some(Objection::PeerRestarted);
        }
        if handshake.known != 0 && handshake.known != settings.incarnation {
            return Some(Objection::ThisRestarted);
        }
        let is_ahead = handshake.have > self.multicast.held(self.me);
        is_ahead.then_some(Objection::Ahead)
    }

    fn disputed(&self) -> Vec<ReplicaId> {
        self.multicast.disputed()
    }

    fn linked(
        &mut self,
        handshake: &Handshake,
        settings: &Settings,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) {
        self.multicast.meet(handshake.id, handshake.incarnation);
        self.peers
            .connect(handshake.id, handshake.have, &self.multicast);
        #[cfg(feature = "deliberate-bugs")]
        self.take_as_ack(handshake);
        // One sequence: what the peer may lack, the ack vector, and only then live traffic.
        self.transmit(settings, links, turn);
    }

    /// What was sent, received and acked is known all the same.
    fn unlinked(&mut self, _peer: ReplicaId) {}

    fn receive(
        &mut self,
        peer: ReplicaId,
        message: Message,
        _links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) -> Result<(), String> {
        match message {
            Message::Mcast(previous, entries) => {
                let now = turn.now.monotonic;
                let received = self.receive_entries(peer, previous, entries, now);
                turn.clock = self.multicast.time();
                received
            }
            Message::Ack(acks) => self.receive_acks(peer, &acks),
            _ => Err("a frame of the eventual model".to_owned()),
        }
    }

    fn transmit(&mut self, settings: &Settings, links: &mut dyn Links, turn: &mut Turn<'_>) {
        let frame_bytes = settings.mcast_bytes_max;
        self.peers
            .transmit(&self.multicast, frame_bytes, links, turn);
    }

    fn tick(&mut self, _settings: &Settings, _links: &mut dyn Links, _turn: &mut Turn<'_>) {}

    fn deadline(&self) -> Option<Duration> {
        None
    }

    fn summary(&self) -> Option<Summary> {
        let position = self.order.position();
        Some(Summary {
            position,
            order: self.order.digest(),
            data: self.states.at(position)?,
        })
    }

    fn compare(&self, held: &Summary) -> Option<Result<(), String>> {
        let position = held.position;
        let order = self.order.digest_at(position).ok()?;
        if order != held.order {
            return Some(Err(format!("another order up to position {position}")));
        }
        if self.states.at(position)? != held.data {
            let text = format!("other data after the same {position} entries");
            return Some(Err(text));
        }
        Some(Ok(()))
    }

    fn heals(&self) -> bool {
        false
    }

    fn held_bytes(&self) -> usize {
        self.multicast.queue().bytes()
    }

    fn order(&self) -> &Order {
        &self.order
    }

    fn clock(&self) -> u64 {
        self.multicast.time()
    }

    fn figures(&self, now: Now) -> Figures {
        let queue = self.multicast.queue();
        let waited = |since| now.monotonic.saturating_sub(since);
        Figures {
            digest: self.order.digest(),
            keys: self.store.len(),
            data: self.store.memory(),
            queue: queue.memory(),
            log: self.order.memory(),
            tombstones: 0,
            holdback: queue.len(),
            oldest_wait: queue.head_since().map_or(Duration::ZERO, waited),
        }
    }

    fn acked(&self, peer: ReplicaId) -> Option<u64> {
        Some(self.multicast.acked(peer, self.me))
    }

    fn digest(&self, position: Option<u64>) -> Result<(u64, Digest), ErrorReply> {
        let position = position.unwrap_or(self.order.position());
        let digest = self.order.digest_at(position);
        let out_of_range = |error| ErrorReply::new(ErrorCode::OutOfRange, format!("{error}"));
        Ok((position, digest.map_err(out_of_range)?))
    }

    fn holdback(&self, count: usize) -> Vec<String> {
        let line = |entry: &&Entry| {
            let waits = self.multicast.waits_for(entry.stamp);
            let waits: Vec<String> = waits.iter().map(ReplicaId::to_string).collect();
            let (stamp, waits) = (entry.stamp, waits.join(","));
            format!("{stamp} waits:{waits} {}", entry.body.line())
        };
        let held = self.multicast.queue().first(count);
        held.iter().map(line).collect()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
