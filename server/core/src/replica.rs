//! One replica as a pure state machine: bytes are somebody else's business, and so is time.
//!
//! It consists of an [engine](crate::engine), which is the consistency model, the [peers](crate::peers) and the
//! [clients](crate::clients), and does nothing itself but hand each input to the part that it is for, and what was
//! delivered to the clients. [`Driver`](crate::driver::Driver) calls it: whatever happens at one time is handed in, then
//! [`Replica::end_turn`] is called. Outputs go through [`Turn`], in order; nothing has to be asked for afterwards.

use crate::clients::{Clients, Parts};
use crate::engine::{At, Engine};
use crate::eventual::{Eventual, Gossip};
use crate::ids::{ConnectionId, ReplicaId};
use crate::order::Order;
use crate::ordered::{Multicast, Ordered};
use crate::peers::Peers;
use crate::settings::Settings;
use crate::store::Store;
use crate::turn::{Event, Now, Turn};
use crate::wire::frame::{DecodeError, Frame};
use std::time::Duration;

/// One replica. See the module's documentation.
#[derive(Debug)]
pub struct Replica {
    settings: Settings,
    engine: Box<dyn Engine>,
    peers: Peers,
    clients: Clients,
}

impl Replica {
    /// A replica that has just started. It dials at its first [`Replica::tick`]. The model is chosen here, and nowhere
    /// else.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        let engine: Box<dyn Engine> = if settings.consistency.is_ordered() {
            Box::new(Ordered::new(&settings))
        } else {
            Box::new(Eventual::new(&settings))
        };
        Self {
            engine,
            peers: Peers::new(&settings),
            clients: Clients::new(&settings),
            settings,
        }
    }

    /// A connection came in. It is a client until it says otherwise.
    pub fn accepted(&mut self, connection: ConnectionId, address: String, turn: &mut Turn<'_>) {
        let (clients, mut parts) = self.split(turn);
        clients.accepted(connection, address, &mut parts.at);
    }

    /// The connection to a peer that [`Out::dial`](crate::turn::Out::dial) asked for is there.
    pub fn dialled(&mut self, connection: ConnectionId, peer: ReplicaId, turn: &mut Turn<'_>) {
        let (_, Parts { peers, mut at, .. }) = self.split(turn);
        peers.dialled(connection, peer, &mut at);
    }

    /// The connection to a peer that [`Out::dial`](crate::turn::Out::dial) asked for could not be made.
    pub fn dial_failed(&mut self, peer: ReplicaId, reason: &str, turn: &mut Turn<'_>) {
        let (_, Parts { peers, mut at, .. }) = self.split(turn);
        peers.dial_failed(peer, reason, &mut at);
    }

    /// Shows what was read from a connection and will be handed in next. It changes nothing, but the keys are looked up
    /// together; see [`Table::warm`](crate::store::Table::warm).
    #[inline]
    pub fn prefetch(&self, connection: ConnectionId, bytes: &[u8]) {
        let is_link = self.peers.of(connection).is_some();
        self.engine.prefetch(bytes, is_link);
    }

    /// Bytes came in on a connection, whether they are a whole frame yet or not.
    pub fn heard(&mut self, connection: ConnectionId, now: Now) {
        self.peers.heard(connection, now);
    }

    /// A whole frame was decoded.
    #[inline]
    pub fn frame(&mut self, connection: ConnectionId, frame: Frame<'_>, turn: &mut Turn<'_>) {
        if frame.is_empty() {
            return;
        }
        self.begin(turn);
        let peer = self.peers.of(connection);
        let (clients, mut parts) = self.split(turn);
        if let Some(peer) = peer {
            parts.peers.frame(peer, frame, &mut parts.at);
            return self.deliver(turn);
        }
        clients.request(connection, &frame.words(), &mut parts);
        if parts.engine_has_news {
            self.deliver(turn);
        }
        let (clients, mut parts) = self.split(turn);
        clients.attend(connection, &mut parts);
    }

    /// The bytes of a connection are no frame: it is told so and closed.
    pub fn malformed(
        &mut self,
        connection: ConnectionId,
        error: &DecodeError,
        turn: &mut Turn<'_>,
    ) {
        let peer = self.peers.of(connection);
        let (clients, Parts { peers, mut at, .. }) = self.split(turn);
        match peer {
            None => clients.malformed(connection, error, at.turn),
            Some(peer) => peers.link_error(peer, &error.to_string(), &mut at),
        }
    }

    /// The other side sends no more. What it sent is still answered.
    pub fn end_of_input(&mut self, connection: ConnectionId, turn: &mut Turn<'_>) {
        let peer = self.peers.of(connection);
        let (clients, Parts { peers, mut at, .. }) = self.split(turn);
        match peer {
            None => clients.end_of_input(connection, at.turn),
            Some(peer) => peers.link_lost(peer, "closed by the other side", &mut at),
        }
    }

    /// A client has read what held it up.
    pub fn drained(&mut self, connection: ConnectionId, turn: &mut Turn<'_>) {
        let (clients, mut parts) = self.split(turn);
        clients.drained(connection, &mut parts);
        if parts.engine_has_news {
            self.deliver(turn);
        }
    }

    /// Bytes that are kept for a client, beside its input and output; 0 if the connection is no client's.
    #[inline]
    pub(crate) fn client_memory(&self, connection: ConnectionId) -> usize {
        self.clients.memory(connection)
    }

    /// Gives back what is kept for a client without a use at this moment.
    pub(crate) fn shrink_client(&mut self, connection: ConnectionId) {
        self.clients.shrink(connection);
    }

    /// Whether a client waits for something: an answer, or what it monitors. What is no client does too.
    pub(crate) fn client_waits(&self, connection: ConnectionId) -> bool {
        self.clients.waits(connection)
    }

    /// A client is closed for what it takes; it is told so (`is_told`) if it can hear it.
    pub(crate) fn evict(&mut self, connection: ConnectionId, is_told: bool, turn: &mut Turn<'_>) {
        let (clients, mut parts) = self.split(turn);
        clients.evict(connection, is_told, &mut parts);
    }

    /// A connection is gone.
    pub fn closed(&mut self, connection: ConnectionId, reason: &str, turn: &mut Turn<'_>) {
        let peer = self.peers.of(connection);
        let (clients, Parts { peers, mut at, .. }) = self.split(turn);
        match peer {
            None => clients.forget(connection),
            Some(peer) => peers.link_lost(peer, reason, &mut at),
        }
    }

    /// Does what is due by now. To be called once at the start, and whenever [`Replica::deadline`] has come.
    pub fn tick(&mut self, turn: &mut Turn<'_>) {
        self.begin(turn);
        let (clients, mut parts) = self.split(turn);
        parts.peers.tick(&mut parts.at);
        clients.tick(&mut parts);
        self.deliver(turn);
    }

    /// Sends what the turn owes to the peers. To be called once after all that happened at one time was handed in.
    pub fn end_turn(&mut self, turn: &mut Turn<'_>) {
        self.begin(turn);
        let (clients, mut parts) = self.split(turn);
        parts.peers.transmit(&mut parts.at);
        if let Some(reason) = parts.peers.take_stopped_serving() {
            clients.fail_waiting(&reason, &mut parts);
        }
    }

    /// Ends in good order: whoever waits is told, then [`Out::stop`](crate::turn::Out::stop) is called.
    pub fn stop(&mut self, turn: &mut Turn<'_>) {
        let (clients, mut parts) = self.split(turn);
        clients.stop(&mut parts);
    }

    /// When [`Replica::tick`] has to be called at the latest; `None`: whenever something happens.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let peers = self.peers.deadline(&self.settings);
        let deadlines = [self.clients.deadline(), peers, self.engine.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// The logical clock's time.
    #[must_use]
    pub fn clock(&self) -> u64 {
        self.engine.clock()
    }

    /// How it was set up.
    #[must_use]
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The order so far.
    #[must_use]
    pub fn order(&self) -> &Order {
        self.engine.order()
    }

    /// The state of the multicast, for tests and simulations to look at; none in the eventual model.
    #[must_use]
    pub fn ordered_state(&self) -> Option<&Multicast> {
        let ordered: &Ordered = self.engine.as_any().downcast_ref()?;
        Some(ordered.multicast())
    }

    /// The data of the ordered models, likewise.
    #[must_use]
    pub fn ordered_store(&self) -> Option<&Store> {
        let ordered: &Ordered = self.engine.as_any().downcast_ref()?;
        Some(ordered.store())
    }

    /// The versions and the vector of the eventual model, likewise.
    #[must_use]
    pub fn gossip(&self) -> Option<&Gossip> {
        let eventual: &Eventual = self.engine.as_any().downcast_ref()?;
        Some(eventual.gossip())
    }

    /// Bytes that delays of FAULT DELAY hold back, by link.
    pub fn delayed_bytes(&self) -> impl Iterator<Item = usize> {
        self.peers.delayed_bytes()
    }

    /// Whether a peer refused this incarnation, so that it serves no data until it ends.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        self.peers.is_refused()
    }

    /// Which peers hold something else than this replica, as STATUS says it; none if there are none.
    #[must_use]
    pub fn divergence(&self) -> Option<String> {
        self.peers.diverges().then(|| self.peers.divergence())
    }

    /// Begins with an input.
    #[inline]
    fn begin(&self, turn: &mut Turn<'_>) {
        if turn.observed() {
            turn.clock = self.engine.clock();
        }
    }

    /// Delivers entries as long as the head can be: each gets its place, is told of, and is applied and answered before
    /// the next.
    #[inline]
    fn deliver(&mut self, turn: &mut Turn<'_>) {
        while let Some(delivery) = self.engine.deliver() {
            if turn.observed() {
                turn.tell(&Event::Deliver {
                    position: delivery.position,
                    entry: &delivery.entry,
                });
            }
            let (clients, mut parts) = self.split(turn);
            clients.delivered(&delivery, &mut parts);
        }
    }

    /// The clients, and the other parts for them.
    #[inline]
    fn split<'a, 't>(&'a mut self, turn: &'a mut Turn<'t>) -> (&'a mut Clients, Parts<'a, 't>) {
        let at = At {
            settings: &mut self.settings,
            engine: &mut *self.engine,
            turn,
        };
        let parts = Parts {
            peers: &mut self.peers,
            at,
            engine_has_news: false,
        };
        (&mut self.clients, parts)
    }
}
