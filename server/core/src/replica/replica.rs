//! The replica's state and its entry points.

use super::link::Link;
use super::session::{Session, Sessions};
use super::slowlog::{Latencies, SlowLog};
use crate::eventual::Gossip;
use crate::ids::ConnectionId;
use crate::ids::Origin;
use crate::ids::ReplicaId;
use crate::order::Order;
use crate::ordered::{Multicast, View};
use crate::settings::Settings;
use crate::store::Store;
use crate::turn::{Close, Event, Level, Now, Out};
use crate::wire::ahead::words_ahead;
use crate::wire::error::ErrorReply;
use crate::wire::frame::{DecodeError, Frame};
use crate::wire::reply::{ReplyWriter, Resp};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet, BinaryHeap, VecDeque};
use std::time::Duration;

/// The ordered models: one engine for both.
#[derive(Debug)]
pub(super) struct Ordered {
    pub(super) multicast: Multicast,
    pub(super) store: Store,
    /// The clients of the own undelivered entries, in stamp order.
    pub(super) origins: VecDeque<(u64, ConnectionId)>,
    /// Bytes of the own undelivered entries.
    pub(super) pending_bytes: usize,
}

/// The eventual model.
#[derive(Debug)]
pub(super) struct Eventual {
    pub(super) gossip: Gossip,
    /// `UPDATE` frames of this turn, and where each begins.
    pub(super) updates: Vec<u8>,
    pub(super) update_stamps: Vec<crate::ids::Stamp>,
    /// When vectors are exchanged again and tombstones looked at.
    pub(super) exchange_due: Duration,
}

/// What decides between the models.
#[derive(Debug)]
pub(super) enum Engine {
    Ordered(Box<Ordered>),
    Eventual(Box<Eventual>),
}

/// Why a replica serves data or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Readiness {
    Ready,
    /// No peer has accepted this incarnation yet.
    Unaccepted,
    /// A peer refused this incarnation; it stays so.
    Refused(String),
}

/// Counters for INFO.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counters {
    pub(super) connections: u64,
    pub(super) commands: u64,
    pub(super) rejected_connections: u64,
    pub(super) errors: u64,
    /// Frames to peers, without handshakes and heartbeats.
    pub(super) frames_sent: u64,
    /// Frames from peers, without handshakes and heartbeats.
    pub(super) frames_received: u64,
}

/// One replica. See the module's documentation for how it is driven.
#[derive(Debug)]
pub struct Replica {
    pub(super) settings: Settings,
    pub(super) engine: Engine,
    pub(super) order: Order,
    pub(super) sessions: Sessions,
    /// By index of the replica's id; `None` for this one.
    pub(super) links: Vec<Option<Link>>,
    /// Connections that are links.
    pub(super) peers: BTreeMap<ConnectionId, ReplicaId>,
    pub(super) readiness: Readiness,
    /// Sessions whose front may give up, by deadline. At most one for each session.
    pub(super) timers: BinaryHeap<Reverse<(Duration, ConnectionId)>>,
    /// Sessions that wait for a position.
    pub(super) awaiting: BTreeSet<(u64, ConnectionId)>,
    /// Sessions in MONITOR.
    pub(super) monitors: Vec<ConnectionId>,
    /// What [`Out::observes`] said at the last tick or end of a turn: asked anew for each command, it would cost
    /// those who do not want to know.
    pub(super) observed: bool,
    pub(super) counters: Counters,
    pub(super) started: Option<Duration>,
    /// The state of the generator for fault delays (SplitMix64).
    pub(super) random: u64,
    pub(super) stopping: bool,
    pub(super) slow_log: SlowLog,
    /// How long commands took that went through the multicast.
    pub(super) ordered_latencies: Latencies,
    /// The same of those on data that this replica answered by itself: a sample of them.
    pub(super) local_latencies: Latencies,
    /// A round goes on and its link has room: the next turn should come at once.
    pub(super) more_to_send: bool,
}

impl Replica {
    /// A replica that has just started. It dials at its first [`Replica::tick`].
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let (id, count) = (settings.id, settings.cluster.len());
        let engine = if settings.consistency.is_ordered() {
            Engine::Ordered(Box::new(Ordered {
                multicast: Multicast::new(id, View::first(count)),
                store: Store::new(settings.seed),
                origins: VecDeque::new(),
                pending_bytes: 0,
            }))
        } else {
            let origin = Origin {
                replica: id,
                incarnation: settings.incarnation,
            };
            Engine::Eventual(Box::new(Eventual {
                gossip: Gossip::new(origin, settings.seed),
                updates: Vec::new(),
                update_stamps: Vec::new(),
                exchange_due: Duration::ZERO,
            }))
        };
        let alone = count == 1 || !settings.consistency.is_ordered();
        let link = |id| Link::new(id, count);
        Self {
            engine,
            order: Order::new(settings.order_entries_max, settings.order_bytes_max),
            sessions: Sessions::default(),
            links: (0..count)
                .map(ReplicaId::from_index)
                .map(|peer| (peer != id).then(|| link(peer)))
                .collect(),
            peers: BTreeMap::new(),
            readiness: if alone {
                Readiness::Ready
            } else {
                Readiness::Unaccepted
            },
            timers: BinaryHeap::new(),
            awaiting: BTreeSet::new(),
            monitors: Vec::new(),
            observed: false,
            counters: Counters::default(),
            started: None,
            random: settings.seed,
            stopping: false,
            slow_log: SlowLog::default(),
            ordered_latencies: Latencies::default(),
            local_latencies: Latencies::default(),
            more_to_send: false,
            settings,
        }
    }

    /// A connection came in. It is a client until it says otherwise.
    pub fn accepted(
        &mut self,
        connection: ConnectionId,
        address: String,
        now: Now,
        out: &mut dyn Out,
    ) {
        /// Connections above the limit that may still turn out to be peers.
        const SURPLUS_MAX: usize = 64;
        self.counters.connections += 1;
        let mut session = Session::new(connection, address, self.settings.consistency);
        session.since = now.monotonic;
        let surplus = (self.sessions.len() + 1).saturating_sub(self.settings.clients_max);
        if surplus > SURPLUS_MAX {
            return self.reject_surplus(connection, out);
        }
        session.surplus = surplus > 0;
        if session.surplus {
            session.timed = true;
            self.timers.push(Reverse((
                now.monotonic + self.settings.link_timeout,
                connection,
            )));
        }
        self.sessions.insert(session);
    }

    /// Shows what was read from a connection and will be handed in next. It changes nothing, but the keys are looked up
    /// together, which takes far less time than one by one; see [`Table::warm`](crate::store::Table::warm).
    pub fn foresee(&self, connection: ConnectionId, bytes: &[u8]) {
        match &self.engine {
            Engine::Ordered(_) if self.peers.contains_key(&connection) => {}
            Engine::Ordered(ordered) => ordered.store.warm(words_ahead(bytes, 1)),
            // An UPDATE names its time before the key.
            Engine::Eventual(eventual) => {
                let place = 1 + usize::from(self.peers.contains_key(&connection));
                eventual.gossip.versions().warm(words_ahead(bytes, place));
            }
        }
    }

    /// A whole frame was decoded. Frames of connections that were closed are ignored.
    pub fn frame(
        &mut self,
        connection: ConnectionId,
        frame: Frame<'_>,
        now: Now,
        out: &mut dyn Out,
    ) {
        if frame.is_empty() {
            return;
        }
        if !self.peers.is_empty()
            && let Some(&peer) = self.peers.get(&connection)
        {
            self.peer_frame(peer, frame, now, out);
        } else {
            self.request(connection, &frame.words(), now, out);
        }
    }

    /// The bytes of a connection are no frame: it is told so and closed.
    pub fn malformed(
        &mut self,
        connection: ConnectionId,
        error: &DecodeError,
        now: Now,
        out: &mut dyn Out,
    ) {
        if let Some(&peer) = self.peers.get(&connection) {
            return self.link_error(peer, &error.to_string(), now, out);
        }
        let Some(session) = self.sessions.get_mut(connection) else {
            return;
        };
        if !session.ending {
            session.ending = true;
            session.last_words = Some(ErrorReply::err(error.to_string()));
        }
        self.close_if_done(connection, out);
    }

    /// The other side sends no more. What it sent is still answered.
    pub fn end_of_input(&mut self, connection: ConnectionId, now: Now, out: &mut dyn Out) {
        if let Some(&peer) = self.peers.get(&connection) {
            return self.link_lost(peer, "closed by the other side", now, out);
        }
        if let Some(session) = self.sessions.get_mut(connection) {
            session.ending = true;
            self.close_if_done(connection, out);
        }
    }

    /// A connection is gone.
    pub fn closed(&mut self, connection: ConnectionId, reason: &str, now: Now, out: &mut dyn Out) {
        if let Some(&peer) = self.peers.get(&connection) {
            self.link_lost(peer, reason, now, out);
        } else {
            self.forget_session(connection);
        }
    }

    /// Ends in good order: whoever waits is told, then [`Out::stop`] is called.
    pub fn stop(&mut self, out: &mut dyn Out) {
        if self.stopping {
            return;
        }
        self.stopping = true;
        let waiting: Vec<ConnectionId> = self
            .sessions
            .iter()
            .filter(|session| !session.is_idle())
            .map(|s| s.id)
            .collect();
        for client in waiting {
            self.fail_all(client, "the replica is shutting down", out);
        }
        out.stop();
    }

    /// When [`Replica::tick`] has to be called at the latest; `None`: whenever something happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let timer = self.timers.peek().map(|Reverse((deadline, _))| *deadline);
        [timer, self.links_deadline()].into_iter().flatten().min()
    }

    /// The logical clock's time.
    #[must_use]
    pub fn clock(&self) -> u64 {
        match &self.engine {
            Engine::Ordered(ordered) => ordered.multicast.time(),
            Engine::Eventual(eventual) => eventual.gossip.time(),
        }
    }

    /// How it was set up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The order so far.
    #[must_use]
    pub fn order(&self) -> &Order {
        &self.order
    }

    pub(super) fn link(&mut self, peer: ReplicaId) -> Option<&mut Link> {
        self.links.get_mut(peer.index())?.as_mut()
    }

    /// Tells of something rare. What happens for each command is told only if [`Out::observes`].
    pub(super) fn tell(&self, event: &Event<'_>, now: Now, out: &mut dyn Out) {
        out.observe(now, self.clock(), event);
    }

    pub(super) fn notice(&self, level: Level, text: &str, now: Now, out: &mut dyn Out) {
        self.tell(&Event::Notice { level, text }, now, out);
    }

    pub(super) fn reject_surplus(&mut self, connection: ConnectionId, out: &mut dyn Out) {
        self.counters.rejected_connections += 1;
        let error = ErrorReply::err("max number of clients reached");
        ReplyWriter::new(out.buffer(connection), Resp::Two).error(&error);
        self.forget_session(connection);
        out.close(connection, Close::AfterFlush);
    }
}

/// The next number of a SplitMix64 generator (Steele and others, "Fast Splittable Pseudorandom Number
/// Generators", 2014).
pub(super) fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
