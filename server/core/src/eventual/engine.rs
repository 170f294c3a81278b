//! The engine of the eventual model: writing here at once, and passing versions on.

use super::bounds::Bounds;
use super::{Gossip, GossipLink, HybridClock, Report};
use crate::bugs::{Bug, planted};
use crate::command::{CommandSpec, Eventual as Acceptance};
use crate::engine::{Delivery, Engine, Figures, Frames, Links, Objection, Path, Wanted};
use crate::entry::{Entry, EntryBody};
use crate::ids::{ConnectionId, Digest, Origin, ReplicaId, Stamp, VersionStamp};
use crate::message::{Handshake, Message, Summary, encode_token, encode_update, encode_vector};
use crate::order::Order;
use crate::settings::Settings;
use crate::store::blind::{Blind, Done, needs_order};
use crate::store::{Answer, Context, Keyspace};
use crate::turn::{Event, Now, Turn};
use crate::wire::ahead::words_ahead;
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;
use std::any::Any;
use std::time::Duration;

/// What a peer's connection is at.
#[derive(Debug)]
struct Peer {
    id: ReplicaId,
    /// The incarnation that the connection is with.
    incarnation: u64,
    link: GossipLink,
}

/// See the module's documentation.
#[derive(Debug)]
pub struct Eventual {
    gossip: Gossip,
    order: Order,
    peers: Vec<Peer>,
    /// `UPDATE` frames of this turn, and their stamps.
    updates: Vec<u8>,
    update_stamps: Vec<Stamp>,
    /// When vectors are exchanged again and tombstones looked at.
    exchange_due: Duration,
    /// A round goes on and its link has room: the next turn should come at once.
    more_to_send: bool,
}

impl Eventual {
    /// At the start, with nothing in it.
    pub(crate) fn new(settings: &Settings) -> Self {
        let me = Origin {
            replica: settings.id,
            incarnation: settings.incarnation,
        };
        let others = (0..settings.cluster.len()).map(ReplicaId::from_index);
        let peer = |id| Peer {
            id,
            incarnation: 0,
            link: GossipLink::default(),
        };
        Self {
            gossip: Gossip::new(me, settings.hash_secret),
            order: Order::new(settings.order_entries_max, settings.order_bytes_max),
            peers: others.filter(|id| *id != settings.id).map(peer).collect(),
            updates: Vec::new(),
            update_stamps: Vec::new(),
            exchange_due: Duration::ZERO,
            more_to_send: false,
        }
    }

    /// The versions and the vector.
    #[must_use]
    pub fn gossip(&self) -> &Gossip {
        &self.gossip
    }

    /// The place of a peer in `peers`.
    fn place(&self, peer: ReplicaId) -> usize {
        let place = self.peers.iter().position(|known| known.id == peer);
        debug_assert!(place.is_some(), "replica {peer} is a peer");
        place.unwrap_or(0)
    }

    /// Takes a version from a peer.
    fn take(&mut self, stamp: VersionStamp, key: &[u8], value: Option<&[u8]>, turn: &mut Turn<'_>) {
        let mut value = value;
        if planted(Bug::AppliedDifferently) && self.gossip.me().replica == ReplicaId(2) {
            value = value.map(|_| &b"another"[..]);
        }
        if self.gossip.take(stamp, key, value) {
            note_applied(&mut self.order, stamp, key, value, turn);
        }
    }

    /// Whether what a peer says can be. What cannot is refused before anything of it is taken.
    fn check(&self, origin: Origin, message: &Message, now: Now) -> Result<(), String> {
        let bounds = Bounds {
            me: self.gossip.me(),
            vector: self.gossip.vector(),
            applied: self.gossip.applied(),
            replicas: self.peers.len() + 1,
            wall: HybridClock::microseconds(now.wall),
        };
        match message {
            Message::Update(time, ..) => bounds.check(VersionStamp {
                time: *time,
                origin,
            }),
            Message::Entry(stamp, ..) => bounds.check(*stamp),
            Message::End(vector) | Message::Vector(_, _, vector) => bounds.check_vector(vector),
            _ => Ok(()),
        }
    }

    /// Sends what a peer's report shows that it lacks.
    fn obey(&mut self, at: usize, report: Report, links: &mut dyn Links, turn: &mut Turn<'_>) {
        match report {
            Report::Fine => {}
            Report::OweRound => self.begin_round(at, false, links, turn),
            // That they differ is told when the heartbeats are compared.
            Report::OweEverything | Report::Diverged => self.begin_round(at, true, links, turn),
        }
    }

    fn begin_round(
        &mut self,
        at: usize,
        everything: bool,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) {
        let peer = &mut self.peers[at];
        let mut bytes = Vec::new();
        peer.link.begin_round(&self.gossip, everything, &mut bytes);
        send(peer.id, &bytes, 1, links, turn);
        tell_sent(peer.id, "ROUND", &[], turn);
    }

    /// Sends as much of a round as the link takes.
    fn continue_round(
        &mut self,
        at: usize,
        settings: &Settings,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) {
        let (id, limit) = (self.peers[at].id, settings.link_bytes_max);
        if self.peers[at].link.owes_round() && links.unsent(id, turn) < limit / 2 {
            self.begin_round(at, false, links, turn);
        }
        let link = &mut self.peers[at].link;
        if !link.in_round() || links.unsent(id, turn) >= limit {
            return;
        }
        let mut piece = Vec::new();
        let (frames, more) =
            link.next_piece(&self.gossip, settings.round_piece_records, &mut piece);
        send(id, &piece, frames, links, turn);
        if more {
            self.more_to_send = true;
        } else {
            tell_sent(id, "END", &[], turn);
        }
    }

    fn send_vector(&self, peer: ReplicaId, links: &mut dyn Links, turn: &mut Turn<'_>) {
        let gossip = &self.gossip;
        let (digest, vouched) = (gossip.versions().digest(), gossip.vouches_for_all());
        let mut frame = Vec::new();
        encode_vector(&mut frame, digest, vouched, gossip.vector());
        send(peer, &frame, 1, links, turn);
    }

    /// The look for tombstones that can go.
    fn sweep_tombstones(&mut self, links: &mut dyn Links, turn: &mut Turn<'_>) {
        let reports = self.peers.iter();
        let reports: Option<Vec<_>> = reports
            .map(|peer| Some((peer.id, peer.link.reported()?)))
            .collect();
        let token = reports.and_then(|reports| self.gossip.begin_sweep(reports.into_iter()));
        if let Some(token) = token {
            for peer in &self.peers {
                send_token(peer.id, "CONFIRM", token, links, turn);
            }
        }
    }
}

/// Adds a version that was applied to what ORDER lists.
fn note_applied(
    order: &mut Order,
    stamp: VersionStamp,
    key: &[u8],
    value: Option<&[u8]>,
    turn: &mut Turn<'_>,
) {
    let body = match value {
        Some(value) => EntryBody::command(&[b"SET", key, value]),
        None => EntryBody::command(&[b"DEL", key]),
    };
    let stamp = stamp.short();
    let entry = &Entry { stamp, body };
    let position = order.append(entry);
    if turn.observed() {
        turn.tell(&Event::Apply { position, entry });
    }
}

/// Sends so many frames on a link, if it is up.
fn send(peer: ReplicaId, bytes: &[u8], count: u64, links: &mut dyn Links, turn: &mut Turn<'_>) {
    if count > 0 && links.is_up(peer) {
        links.send(peer, Frames { bytes, count }, turn);
    }
}

fn send_token(peer: ReplicaId, name: &str, token: u64, links: &mut dyn Links, turn: &mut Turn<'_>) {
    let mut frame = Vec::new();
    encode_token(&mut frame, name, token);
    send(peer, &frame, 1, links, turn);
}

fn tell_sent(peer: ReplicaId, frame: &'static str, stamps: &[Stamp], turn: &mut Turn<'_>) {
    if turn.observed() {
        turn.tell(&Event::Send {
            peer,
            frame,
            stamps,
        });
    }
}

/// The data, for a client's command that writes.
struct Writing<'a, 'b> {
    engine: &'a mut Eventual,
    turn: &'a mut Turn<'b>,
}

impl Blind for Writing<'_, '_> {
    fn has(&self, key: &[u8]) -> bool {
        self.engine.gossip.get(key).is_some()
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        let live = self.engine.gossip.live();
        live.map(|(key, _)| key.to_vec()).collect()
    }

    fn change(&mut self, key: &[u8], value: Option<&[u8]>) {
        let Self { engine, turn } = self;
        let stamp = engine.gossip.write(key, value, turn.now.wall);
        turn.clock = stamp.time;
        if !engine.peers.is_empty() {
            encode_update(&mut engine.updates, stamp.time, key, value);
            engine.update_stamps.push(stamp.short());
        }
        note_applied(&mut engine.order, stamp, key, value, turn);
    }
}

impl Engine for Eventual {
    fn path(&self, spec: &CommandSpec, words: usize, _linearizable: bool) -> Path {
        match spec.eventual {
            Acceptance::Refused => Path::Refused,
            Acceptance::WithoutOptions if words > 3 => Path::Refused,
            Acceptance::Accepted | Acceptance::WithoutOptions => Path::Local,
        }
    }

    fn transaction_path(&self, _writes: bool, _linearizable: bool) -> Path {
        Path::Refused
    }

    fn check_ordered(&self, name: &str) -> Answer {
        Err(needs_order(name))
    }

    fn submit(
        &mut self,
        _client: ConnectionId,
        body: EntryBody,
        _growth: usize,
        _settings: &Settings,
        _turn: &mut Turn<'_>,
    ) -> Result<Stamp, ErrorReply> {
        debug_assert!(false, "nothing takes the path of the order: {body:?}");
        Err(needs_order("an entry"))
    }

    fn pending_growth(&self) -> Option<usize> {
        None
    }

    fn write_here(
        &mut self,
        spec: &CommandSpec,
        words: &[&[u8]],
        turn: &mut Turn<'_>,
    ) -> Result<Done, ErrorReply> {
        match spec.blind {
            Some(write) => Ok(write(&mut Writing { engine: self, turn }, words)),
            None => Err(needs_order(spec.name)),
        }
    }

    fn keyspace(&self) -> &dyn Keyspace {
        &self.gossip
    }

    fn last_change(&self, _key: &[u8]) -> u64 {
        0
    }

    fn prefetch(&self, bytes: &[u8], is_link: bool) {
        // An UPDATE names its time before the key.
        let place = 1 + usize::from(is_link);
        self.gossip.versions().warm(words_ahead(bytes, place));
    }

    fn holders(&self, _time: u64) -> usize {
        let own = self.gossip.vector();
        let reported = self.peers.iter().filter_map(|peer| peer.link.reported());
        reported.filter(|reported| reported.covers_all(own)).count()
    }

    fn deliver(&mut self) -> Option<Delivery> {
        None
    }

    fn apply(
        &mut self,
        delivery: &Delivery,
        _wanted: Wanted,
        _how: &Context<'_>,
        _reply: &mut ReplyWriter<'_>,
    ) {
        debug_assert!(false, "nothing is delivered: {delivery:?}");
    }

    fn have(&self, _peer: ReplicaId) -> u64 {
        0
    }

    fn known(&self, _peer: ReplicaId) -> u64 {
        0
    }

    /// A replica that restarts empty is another origin, and welcome.
    fn judge(&self, _handshake: &Handshake, _settings: &Settings) -> Option<Objection> {
        None
    }

    fn disputed(&self) -> Vec<ReplicaId> {
        Vec::new()
    }

    fn linked(
        &mut self,
        handshake: &Handshake,
        _settings: &Settings,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) {
        let at = self.place(handshake.id);
        self.peers[at].incarnation = handshake.incarnation;
        self.peers[at].link = GossipLink::default();
        self.send_vector(handshake.id, links, turn);
    }

    /// What its peer reported does not count any more.
    fn unlinked(&mut self, peer: ReplicaId) {
        let at = self.place(peer);
        self.peers[at].link = GossipLink::default();
        self.gossip.abandon_sweep();
    }

    fn receive(
        &mut self,
        peer: ReplicaId,
        message: Message,
        links: &mut dyn Links,
        turn: &mut Turn<'_>,
    ) -> Result<(), String> {
        let at = self.place(peer);
        let origin = Origin {
            replica: peer,
            incarnation: self.peers[at].incarnation,
        };
        self.check(origin, &message, turn.now)?;
        match message {
            Message::Update(time, key, value) => {
                let stamp = VersionStamp { time, origin };
                self.take(stamp, &key, value.as_deref(), turn);
                let link = &mut self.peers[at].link;
                link.update_received(&mut self.gossip, stamp);
            }
            Message::Entry(stamp, key, value) => self.take(stamp, &key, value.as_deref(), turn),
            Message::Round => self.peers[at].link.round_received(&mut self.gossip),
            Message::End(vector) => {
                let link = &mut self.peers[at].link;
                link.end_received(&mut self.gossip, origin, &vector);
            }
            Message::Vector(digest, vouched, vector) => {
                self.gossip.merge_times(&vector);
                let link = &mut self.peers[at].link;
                let report = link.report(&self.gossip, digest, vouched, vector);
                self.obey(at, report, links, turn);
            }
            Message::Confirm(token) => send_token(peer, "CONFIRMED", token, links, turn),
            Message::Confirmed(token) => {
                self.gossip.confirmed(peer, token);
            }
            Message::Mcast(..) => return Err("MCAST in the eventual model".to_owned()),
            Message::Ack(_) => return Err("ACK in the eventual model".to_owned()),
            _ => return Err("a frame of the ordered models".to_owned()),
        }
        turn.clock = self.gossip.time();
        Ok(())
    }

    /// Sends this turn's updates, and as much of each round as the links take.
    fn transmit(&mut self, settings: &Settings, links: &mut dyn Links, turn: &mut Turn<'_>) {
        let updates = std::mem::take(&mut self.updates);
        let stamps = std::mem::take(&mut self.update_stamps);
        self.more_to_send = false;
        for at in 0..self.peers.len() {
            let Peer { id, link, .. } = &mut self.peers[at];
            let id = *id;
            if !links.is_up(id) {
                continue;
            }
            let is_full = links.unsent(id, turn) >= settings.link_bytes_max;
            if !updates.is_empty() && link.takes_updates() {
                if is_full {
                    link.drop_updates();
                } else {
                    send(id, &updates, stamps.len() as u64, links, turn);
                    tell_sent(id, "UPDATE", &stamps, turn);
                }
            }
            self.continue_round(at, settings, links, turn);
        }
    }

    /// The regular exchange of vectors, and the look for tombstones that can go.
    fn tick(&mut self, settings: &Settings, links: &mut dyn Links, turn: &mut Turn<'_>) {
        self.gossip.sweep();
        if turn.now.monotonic < self.exchange_due {
            return;
        }
        self.exchange_due = turn.now.monotonic + settings.heartbeat;
        for peer in &self.peers {
            self.send_vector(peer.id, links, turn);
        }
        self.sweep_tombstones(links, turn);
    }

    fn deadline(&self) -> Option<Duration> {
        Some(if self.more_to_send || self.gossip.sweeps() {
            Duration::ZERO
        } else {
            self.exchange_due
        })
    }

    fn summary(&self) -> Option<Summary> {
        let gossip = &self.gossip;
        gossip.vouches_for_all().then(|| Summary {
            position: 0,
            order: gossip.vector().digest(),
            data: gossip.versions().digest(),
        })
    }

    fn compare(&self, held: &Summary) -> Option<Result<(), String>> {
        let own = self.summary().filter(|own| own.order == held.order)?;
        if own.data != held.data {
            let text = "other data although each holds all that the other does";
            return Some(Err(text.to_owned()));
        }
        Some(Ok(()))
    }

    fn heals(&self) -> bool {
        true
    }

    fn held_bytes(&self) -> usize {
        0
    }

    fn order(&self) -> &Order {
        &self.order
    }

    fn clock(&self) -> u64 {
        self.gossip.time()
    }

    fn figures(&self, _now: Now) -> Figures {
        let versions = self.gossip.versions();
        Figures {
            digest: versions.digest(),
            keys: self.gossip.len(),
            data: versions.memory(),
            queue: 0,
            log: self.order.memory(),
            tombstones: versions.tombstones(),
            holdback: 0,
            oldest_wait: Duration::ZERO,
        }
    }

    fn acked(&self, _peer: ReplicaId) -> Option<u64> {
        None
    }

    fn digest(&self, position: Option<u64>) -> Result<(u64, Digest), ErrorReply> {
        if position.is_some() {
            return Err(needs_order("DIGEST position"));
        }
        let versions = self.gossip.versions();
        Ok((versions.len() as u64, versions.digest()))
    }

    fn holdback(&self, _count: usize) -> Vec<String> {
        Vec::new()
    }

    fn as_any(&self) -> &dyn Any {
        self
    }
}
