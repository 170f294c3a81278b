//! A replica's process: started, stopped, started again empty; and its sockets, which are ends of connections.

use crate::network::{End, Network};
use holdback::driver::{Driver, Read, Sockets};
use holdback::endpoint::{EndpointSettings, Environment};
use holdback::ids::ConnectionId;
use holdback::ids::ReplicaId;
use holdback::replica::Replica;
use holdback::settings::Settings;
use holdback::turn::Now;
use std::io;

/// The process of one replica. Its party in the network is its index.
#[derive(Debug)]
pub struct Host<E> {
    driver: Option<Box<Driver<E>>>,
    /// By slot; that of a connection that is gone until the slot is used again.
    ends: Vec<End>,
    /// The process has had its first turn.
    begun: bool,
    /// Connections that came in and were not accepted yet.
    backlog: Vec<End>,
    /// Connections that are being made.
    dialling: Vec<Dialling>,
    /// Slots with something to read.
    ready: Vec<usize>,
    /// Bytes read from one connection in one turn.
    pub read_bytes: usize,
}

/// A connection that is being made.
#[derive(Debug)]
struct Dialling {
    id: ConnectionId,
    peer: ReplicaId,
    end: End,
    /// Whether it could be made, once that is known.
    outcome: Option<bool>,
}

impl<E> Default for Host<E> {
    fn default() -> Self {
        Self {
            driver: None,
            ends: Vec::new(),
            begun: false,
            backlog: Vec::new(),
            dialling: Vec::new(),
            ready: Vec::new(),
            read_bytes: 64 << 10,
        }
    }
}

impl<E: Environment> Host<E> {
    /// Starts the process, empty.
    pub fn start(&mut self, settings: Settings, endpoints: EndpointSettings, environment: E) {
        *self = Self {
            driver: Some(Box::new(Driver::new(settings, endpoints, environment))),
            read_bytes: self.read_bytes,
            ..Self::default()
        };
    }

    /// Ends the process, with the ends of connections that it had; they are as they were.
    pub fn stop(&mut self, network: &Network) -> Vec<End> {
        let stopped = std::mem::take(self);
        let is_there = |end: &End| !network.is_gone(*end);
        let ends = stopped.ends.into_iter().chain(stopped.backlog);
        self.read_bytes = stopped.read_bytes;
        ends.filter(is_there).collect()
    }

    /// The replica and its connections, while the process runs.
    #[must_use]
    pub fn driver(&self) -> Option<&Driver<E>> {
        self.driver.as_deref()
    }

    /// The replica, while its process runs.
    #[must_use]
    pub fn replica(&self) -> Option<&Replica> {
        self.driver().map(Driver::replica)
    }

    /// Who listens to the replica.
    pub fn environment(&mut self) -> Option<&mut E> {
        self.driver.as_mut().map(|driver| driver.environment())
    }

    /// A connection comes in, and is accepted in the next turn.
    pub fn knock(&mut self, wire: usize) {
        self.backlog.push(End { wire, side: 1 });
    }

    /// What became of a connection that is being made; taken up in the next turn.
    pub fn dialled(&mut self, wire: usize, is_there: bool) {
        let mut dialling = self.dialling.iter_mut();
        if let Some(dialling) = dialling.find(|dialling| dialling.end.wire == wire) {
            dialling.outcome = Some(is_there);
        }
    }

    /// Something arrived at an end.
    pub fn readable(&mut self, end: End, network: &Network) {
        if let Some(slot) = network.slot(end) {
            self.ready.push(slot);
        }
    }

    /// There is room at an end again.
    pub fn writable(&mut self, end: End, network: &Network) {
        if let (Some(driver), Some(slot)) = (&mut self.driver, network.slot(end)) {
            driver.writable(slot);
        }
    }

    /// The slots in which something arrived, in the order in which they are served.
    pub fn ready(&mut self) -> &mut [usize] {
        &mut self.ready
    }

    /// The connection in a slot, or the one that was there last.
    #[must_use]
    pub fn end(&self, slot: usize) -> Option<End> {
        self.ends.get(slot).copied()
    }

    /// Whether the next turn has something to do.
    #[must_use]
    pub fn has_work(&self) -> bool {
        let waits = !self.ready.is_empty() || !self.backlog.is_empty();
        waits || self.driver().is_some_and(Driver::has_work)
    }

    /// The first turn of the process, connections that came in, and those that were asked for.
    pub fn begin_turn(&mut self, network: &mut Network, now: Now) {
        let Some(driver) = &mut self.driver else {
            return;
        };
        if !std::mem::replace(&mut self.begun, true) {
            let mut sockets = Wiring {
                network,
                ends: &self.ends,
                read_bytes: self.read_bytes,
            };
            driver.begin(&mut sockets, now);
        }
        if self.backlog.is_empty() && self.dialling.is_empty() {
            return;
        }
        for end in self.backlog.drain(..) {
            let address = format!("party-{}:{}", network.party(end.other()), end.wire);
            let id = driver.accepted(address, now);
            set_end(&mut self.ends, id.slot, end, network);
            if network.is_readable(end) {
                self.ready.push(id.slot);
            }
        }
        self.dialling.retain(|dialling| {
            match dialling.outcome {
                None => return true,
                Some(true) => driver.dialled(dialling.id, dialling.peer, now),
                Some(false) => {
                    network.close(dialling.end, false);
                    driver.dial_failed(Some(dialling.id), dialling.peer, "connection refused", now);
                }
            }
            false
        });
    }

    /// Lets the process do what there is to do.
    pub fn turn(&mut self, network: &mut Network, now: Now) {
        self.begin_turn(network, now);
        let Some(driver) = &mut self.driver else {
            return;
        };
        self.ready.drain(..).for_each(|slot| driver.readable(slot));
        let mut sockets = Wiring {
            network,
            ends: &self.ends,
            read_bytes: self.read_bytes,
        };
        driver.turn(&mut sockets, now);
    }

    /// Begins the connections that the replica wants, as this party: the ends that dial. Older attempts at the same
    /// peers are given up.
    pub fn dial(&mut self, party: usize, network: &mut Network, now: Now) -> Vec<End> {
        let Some(driver) = &mut self.driver else {
            return Vec::new();
        };
        let mut ends = Vec::new();
        for peer in driver.take_dials() {
            self.dialling.retain(|older| {
                if older.peer == peer {
                    driver.forget(older.id);
                    network.close(older.end, false);
                }
                older.peer != peer
            });
            let end = End::dialler(network.open(party, peer.index()));
            let id = driver.dialling(now);
            set_end(&mut self.ends, id.slot, end, network);
            self.dialling.push(Dialling {
                id,
                peer,
                end,
                outcome: None,
            });
            ends.push(end);
        }
        ends
    }
}

fn set_end(ends: &mut Vec<End>, slot: usize, end: End, network: &mut Network) {
    if slot == ends.len() {
        ends.push(end);
    }
    ends[slot] = end;
    network.set_slot(end, slot);
}

/// The network as the sockets of one process.
struct Wiring<'a> {
    network: &'a mut Network,
    ends: &'a [End],
    read_bytes: usize,
}

impl Sockets for Wiring<'_> {
    #[inline]
    fn is_readable(&self, slot: usize) -> bool {
        let end = self.ends.get(slot);
        end.is_some_and(|end| self.network.is_readable(*end))
    }

    fn read(&mut self, slot: usize) -> io::Result<Read<'_>> {
        self.network.read(self.ends[slot], self.read_bytes)
    }

    fn write(&mut self, slot: usize, bytes: &[u8]) -> io::Result<usize> {
        self.network.write(self.ends[slot], bytes)
    }

    fn want_room(&mut self, slot: usize, wanted: bool) -> io::Result<()> {
        self.network.want_room(self.ends[slot], wanted);
        Ok(())
    }

    fn shut(&mut self, slot: usize) -> io::Result<()> {
        self.network.end(self.ends[slot]);
        Ok(())
    }

    /// Closing a socket with unread input resets the connection.
    fn remove(&mut self, slot: usize) {
        let end = self.ends[slot];
        if !self.network.is_gone(end) {
            let abruptly = self.network.arrived(end) > 0;
            self.network.close(end, abruptly);
        }
    }
}
