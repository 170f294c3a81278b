//! All connections, as the replica's [`Out`] sees them.

use super::clock::Clock;
use super::connection::{Connection, Ending};
use crate::observe::Observer;
use holdback::multicast::ReplicaId;
use holdback::protocol::frame::FrameLimits;
use holdback::replica::{Close, ConnectionId, Event, Now, Out};
use mio::Token;
use slab::Slab;
use std::time::Duration;

/// The listening socket's token.
pub(super) const LISTENER: Token = Token(usize::MAX - 1);
/// The token of signals.
pub(super) const SIGNALS: Token = Token(usize::MAX - 2);
/// The token of resolved names.
pub(super) const RESOLVED: Token = Token(usize::MAX - 3);

/// The connections by slot; a slot is also the socket's mio token.
#[derive(Debug)]
pub(super) struct Sockets {
    pub(super) connections: Slab<Connection>,
    pub(super) observer: Observer,
    clock: Clock,
    peer_limits: FrameLimits,
    serial: u64,
    /// Slots with output to write.
    pub(super) dirty: Vec<usize>,
    /// Slots with input to read or decode.
    pub(super) queue: Vec<usize>,
    /// Slots to be ended.
    pub(super) endings: Vec<usize>,
    pub(super) dials: Vec<ReplicaId>,
    pub(super) stopped: bool,
    nowhere: Vec<u8>,
}

impl Sockets {
    pub(super) fn new(observer: Observer, clock: Clock, peer_limits: FrameLimits) -> Self {
        Self {
            connections: Slab::new(),
            observer,
            clock,
            peer_limits,
            serial: 0,
            dirty: Vec::new(),
            queue: Vec::new(),
            endings: Vec::new(),
            dials: Vec::new(),
            stopped: false,
            nowhere: Vec::new(),
        }
    }

    /// The id of the next connection, in the slot that the slab gives it.
    pub(super) fn next_id(&mut self) -> ConnectionId {
        self.serial += 1;
        ConnectionId {
            slot: self.connections.vacant_key(),
            serial: self.serial,
        }
    }

    pub(super) fn get(&mut self, id: ConnectionId) -> Option<&mut Connection> {
        self.connections
            .get_mut(id.slot)
            .filter(|connection| connection.id == id)
    }

    /// Puts a connection in the list of those with work to do.
    pub(super) fn enqueue(&mut self, slot: usize) {
        if let Some(connection) = self.connections.get_mut(slot)
            && !std::mem::replace(&mut connection.queued, true)
        {
            self.queue.push(slot);
        }
    }
}

impl Out for Sockets {
    fn buffer(&mut self, id: ConnectionId) -> &mut Vec<u8> {
        self.nowhere.clear();
        let found = self
            .connections
            .get_mut(id.slot)
            .filter(|connection| connection.id == id && connection.ending == Ending::Open);
        let Some(connection) = found else {
            return &mut self.nowhere;
        };
        if !std::mem::replace(&mut connection.dirty, true) {
            self.dirty.push(id.slot);
        }
        &mut connection.output
    }

    fn unsent(&self, id: ConnectionId) -> usize {
        let found = self
            .connections
            .get(id.slot)
            .filter(|connection| connection.id == id);
        found.map_or(0, Connection::unsent)
    }

    fn promote(&mut self, id: ConnectionId) {
        let limits = self.peer_limits;
        if let Some(connection) = self.get(id) {
            connection.become_peer(limits);
        }
    }

    fn close(&mut self, id: ConnectionId, how: Close) {
        let Some(connection) = self.get(id) else {
            return;
        };
        connection.ending = match how {
            Close::AfterFlush => Ending::AfterFlush,
            Close::Now => Ending::Now,
        };
        self.endings.push(id.slot);
    }

    fn dial(&mut self, peer: ReplicaId) {
        self.dials.push(peer);
    }

    fn pause(&mut self, id: ConnectionId, paused: bool) {
        if let Some(connection) = self.get(id) {
            connection.paused = paused;
            if !paused {
                self.enqueue(id.slot);
            }
        }
    }

    fn precise(&self, _now: Now) -> Duration {
        self.clock.monotonic()
    }

    fn stop(&mut self) {
        self.stopped = true;
    }

    fn observes(&self) -> bool {
        self.observer.wants_everything()
    }

    fn observe(&mut self, now: Now, clock: u64, event: &Event<'_>) {
        self.observer.observe(now, clock, event);
    }
}
