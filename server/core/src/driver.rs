//! A replica with its connections: what drives the core, in production, in simulations and in tests.
//!
//! Whoever owns the sockets does this:
//!
//! ```text
//! driver.begin(sockets, now)
//! loop {
//!     wait for the sockets, at most until driver.deadline(), and not at all if driver.has_work()
//!     for each thing that happened:
//!         driver.accepted(address, now)       a connection came in
//!         driver.dialled(id, peer, now)       one that was asked for is there
//!         driver.dial_failed(...)             or could not be made
//!         driver.readable(slot)               there is something to read, or the other side has ended
//!         driver.writable(slot)               there is room for output again
//!     driver.turn(sockets, now)               reads, executes, answers, writes, ends
//!     for peer in driver.take_dials():
//!         driver.dialling(now)                the id of the connection that is being made
//! }
//! ```
//!
//! until [`Driver::is_stopped`] says that this is over. [`Driver::part`] then begins the end of the clients' connections,
//! and further turns go on with it.
//!
//! The rules of connections are in [`endpoint`](crate::endpoint), those of the replica in
//! [`replica`](crate::replica).

mod idle;
mod memory;

use crate::endpoint::{EndStep, EndpointSettings, Endpoints, Environment, Next};
use crate::ids::{ConnectionId, ReplicaId};
use crate::replica::Replica;
use crate::settings::Settings;
use crate::store::WARM_MAX;
use crate::turn::{Close, Level, Now, Out, Turn};
use std::io;
use std::time::Duration;

/// What reading brought.
#[derive(Debug)]
pub enum Read<'a> {
    /// Bytes, possibly none.
    Bytes(&'a [u8]),
    /// The other side sends no more.
    End,
}

/// The sockets of a process, by the slots of its connections.
pub trait Sockets {
    /// Whether there may be something to read.
    fn is_readable(&self, slot: usize) -> bool;

    /// Reads at most one buffer full.
    ///
    /// # Errors
    /// That the connection is broken.
    fn read(&mut self, slot: usize) -> io::Result<Read<'_>>;

    /// Writes bytes from the front; how many. None: there is no room for now.
    ///
    /// # Errors
    /// That the connection is broken.
    fn write(&mut self, slot: usize, bytes: &[u8]) -> io::Result<usize>;

    /// Whether [`Driver::writable`] is to be called once there is room again.
    ///
    /// # Errors
    /// That the connection is broken.
    fn want_room(&mut self, slot: usize, wanted: bool) -> io::Result<()>;

    /// Nothing more is sent. The end of the input is still of interest.
    ///
    /// # Errors
    /// That the connection is broken.
    fn shut(&mut self, slot: usize) -> io::Result<()>;

    /// Drops the socket. The slot will be used again.
    fn remove(&mut self, slot: usize);
}

/// A replica and its connections. See the module's documentation.
#[derive(Debug)]
pub struct Driver<E> {
    replica: Replica,
    endpoints: Endpoints<E>,
    told: memory::Told,
}

impl<E: Environment> Driver<E> {
    /// A replica that has just started, without connections.
    #[must_use]
    pub fn new(settings: Settings, endpoints: EndpointSettings, environment: E) -> Self {
        Self {
            replica: Replica::new(settings),
            endpoints: Endpoints::new(endpoints, environment),
            told: memory::Told::default(),
        }
    }

    /// The first turn, in which the replica asks for its links.
    pub fn begin(&mut self, sockets: &mut impl Sockets, now: Now) {
        self.replica.tick(&mut Turn::new(now, &mut self.endpoints));
        self.turn(sockets, now);
    }

    /// The slot that the next connection will get.
    #[must_use]
    pub fn vacant_slot(&self) -> usize {
        self.endpoints.vacant_slot()
    }

    /// A connection came in.
    pub fn accepted(&mut self, address: String, now: Now) -> ConnectionId {
        let id = self.endpoints.add(false, now.monotonic);
        let turn = &mut Turn::new(now, &mut self.endpoints);
        self.replica.accepted(id, address, turn);
        id
    }

    /// Peers that the replica wants a connection to.
    pub fn take_dials(&mut self) -> Vec<ReplicaId> {
        self.endpoints.take_dials()
    }

    /// A connection to a peer is being made.
    pub fn dialling(&mut self, now: Now) -> ConnectionId {
        self.endpoints.add(true, now.monotonic)
    }

    /// It is there.
    pub fn dialled(&mut self, id: ConnectionId, peer: ReplicaId, now: Now) {
        self.endpoints.connected(id);
        let turn = &mut Turn::new(now, &mut self.endpoints);
        self.replica.dialled(id, peer, turn);
    }

    /// A connection to a peer could not be made. Its socket, if there was one, has been dropped.
    pub fn dial_failed(
        &mut self,
        id: Option<ConnectionId>,
        peer: ReplicaId,
        reason: &str,
        now: Now,
    ) {
        id.into_iter().for_each(|id| self.forget(id));
        let turn = &mut Turn::new(now, &mut self.endpoints);
        self.replica.dial_failed(peer, reason, turn);
    }

    /// A connection that was being made is given up for a newer one. Its socket has been dropped.
    pub fn forget(&mut self, id: ConnectionId) {
        self.endpoints.remove(id.slot);
    }

    /// There may be something to read.
    pub fn readable(&mut self, slot: usize) {
        self.endpoints.enqueue(slot);
    }

    /// There is room for output again.
    pub fn writable(&mut self, slot: usize) {
        self.endpoints.write_next(slot);
    }

    /// Ends in good order.
    pub fn stop(&mut self, now: Now) {
        self.replica.stop(&mut Turn::new(now, &mut self.endpoints));
    }

    /// Whether the process is to end, output being written.
    #[must_use]
    pub fn is_stopped(&self) -> bool {
        self.endpoints.is_stopped()
    }

    /// Begins the end of all clients' connections, once the process is to end. What was not executed is not any more,
    /// but what was answered is still written by the turns that follow, and nothing that was sent is thrown away by
    /// closing too early. A client that has sent no more and has got all loses nothing by being closed at once.
    pub fn part(&mut self, sockets: &impl Sockets) {
        let open = self.endpoints.iter().filter(|endpoint| endpoint.is_open());
        let clients = open.filter(|endpoint| !endpoint.is_link());
        let partings: Vec<_> = clients
            .map(|client| {
                let readable = sockets.is_readable(client.id.slot);
                (client.id, client.unsent() > 0 || client.has_more(readable))
            })
            .collect();
        for (client, is_busy) in partings {
            if is_busy {
                self.throw_away_input(client);
                self.endpoints.close(client, Close::AfterFlush);
            } else {
                self.endpoints.close(client, Close::Now);
            }
        }
    }

    /// Counts what was read as executed, so that what follows is read, which is no request any more.
    fn throw_away_input(&mut self, client: ConnectionId) {
        self.endpoints.pause(client, false);
        if let Some(endpoint) = self.endpoints.get(client)
            && let Some(input) = endpoint.take_input()
        {
            endpoint.put_back(input, true);
        }
    }

    /// When the next turn has to be at the latest.
    #[must_use]
    pub fn deadline(&self) -> Option<Duration> {
        let deadlines = [self.replica.deadline(), self.endpoints.deadline()];
        deadlines.into_iter().flatten().min()
    }

    /// Whether there is something to do in the next turn already.
    #[must_use]
    pub fn has_work(&self) -> bool {
        self.endpoints.has_work()
    }

    /// The replica, to look at.
    #[must_use]
    pub fn replica(&self) -> &Replica {
        &self.replica
    }

    /// The process around it.
    pub fn environment(&mut self) -> &mut E {
        self.endpoints.environment()
    }

    /// Bytes that clients have not taken yet, by client.
    pub fn clients_unsent(&self) -> impl Iterator<Item = usize> {
        let clients = self.endpoints.iter().filter(|endpoint| !endpoint.is_link());
        clients.map(|client| client.unsent())
    }

    /// Bytes that links have not taken yet, by link.
    pub fn links_unsent(&self) -> impl Iterator<Item = usize> {
        let links = self.endpoints.iter().filter(|endpoint| endpoint.is_link());
        links.map(|link| link.unsent())
    }

    /// One turn: each connection with something to do gets its share, what is due is done, and what all this gave is
    /// sent.
    pub fn turn(&mut self, sockets: &mut impl Sockets, now: Now) {
        for _ in 0..self.endpoints.queued() {
            if let Some(slot) = self.endpoints.next_queued() {
                self.serve(slot, sockets, now);
            }
        }
        let due = |deadline| deadline <= now.monotonic;
        if self.replica.deadline().is_some_and(due) {
            self.replica.tick(&mut Turn::new(now, &mut self.endpoints));
        }
        self.replica
            .end_turn(&mut Turn::new(now, &mut self.endpoints));
        loop {
            while let Some(slot) = self.endpoints.next_dirty() {
                self.flush(slot, sockets, now);
            }
            if !self.close_for_memory(now) {
                break;
            }
        }
        if self.endpoints.has_looks(now.monotonic) {
            self.give_back_some(now);
        }
        let timeout = self.replica.settings().idle_timeout;
        if self.endpoints.is_idle_time(timeout, now.monotonic) {
            self.close_idle(timeout, now);
        }
        for slot in self.endpoints.take_overdue(now.monotonic) {
            self.overdue(slot, sockets, now);
        }
        while let Some(slot) = self.endpoints.next_ending() {
            self.end(slot, sockets, now);
        }
        self.endpoints.environment().end_turn();
    }

    /// Answers what waited for room, reads once, if all that was read before is executed, and hands in what is decoded.
    fn serve(&mut self, slot: usize, sockets: &mut impl Sockets, now: Now) {
        if let Some(endpoint) = self.endpoints.at(slot)
            && endpoint.take_drained()
        {
            let id = endpoint.id;
            let turn = &mut Turn::new(now, &mut self.endpoints);
            self.replica.drained(id, turn);
        }
        let endpoint = self.endpoints.at(slot);
        let Some(endpoint) = endpoint.filter(|endpoint| endpoint.is_served()) else {
            return;
        };
        let (id, mut fresh) = (endpoint.id, &[][..]);
        if endpoint.wants_input() && sockets.is_readable(slot) {
            match sockets.read(slot) {
                Ok(Read::Bytes(bytes)) => fresh = bytes,
                Ok(Read::End) => endpoint.end_input(),
                Err(error) => return self.broken(id, &error.to_string(), now),
            }
        }
        if endpoint.is_open() {
            if !fresh.is_empty() {
                endpoint.hear(now.monotonic);
                if endpoint.is_link() {
                    self.replica.heard(id, now);
                }
            }
            self.hand_in(id, fresh, now);
        }
        let readable = sockets.is_readable(slot);
        let Some(endpoint) = self.endpoints.get(id) else {
            return;
        };
        if endpoint.has_lingered() {
            self.endpoints.end(slot, true);
        } else if endpoint.is_at_end() {
            let turn = &mut Turn::new(now, &mut self.endpoints);
            self.replica.end_of_input(id, turn);
        } else if endpoint.has_more(readable) {
            self.endpoints.enqueue(slot);
        }
    }

    /// Decodes frames and hands them to the replica, up to the turn's share.
    fn hand_in(&mut self, id: ConnectionId, fresh: &[u8], now: Now) {
        let Self {
            replica, endpoints, ..
        } = self;
        let Some(mut input) = endpoints.get(id).and_then(|endpoint| endpoint.take_input()) else {
            return;
        };
        let share = endpoints.settings().frames_per_turn;
        let mut number = 0;
        let result = input.take_frames(fresh, |decoder, rest, length| {
            if number % WARM_MAX == 0 && length < rest.len() {
                replica.prefetch(id, rest);
            }
            number += 1;
            let frame = decoder.frame(rest);
            endpoints.environment().frame(id, frame);
            replica.frame(id, frame, &mut Turn::new(now, endpoints));
            let Some(endpoint) = endpoints.get(id).filter(|endpoint| endpoint.is_open()) else {
                return Next::Input;
            };
            if let Some(limits) = endpoint.take_new_limits() {
                decoder.set_limits(limits);
            }
            if endpoint.is_held_up() || number >= share {
                return Next::Turn;
            }
            Next::Frame
        });
        if let Err(error) = &result {
            endpoints.environment().malformed(id, error);
            replica.malformed(id, error, &mut Turn::new(now, endpoints));
        }
        if let Some(endpoint) = endpoints.get(id) {
            endpoint.put_back(input, result != Ok(Next::Turn));
            // Otherwise it is counted when its output is written.
            if !endpoint.is_dirty() {
                self.count(id, now);
            }
        }
    }

    /// Writes what a connection has to say, as far as there is room.
    fn flush(&mut self, slot: usize, sockets: &mut impl Sockets, now: Now) {
        let endpoint = self.endpoints.at(slot);
        let Some(endpoint) = endpoint.filter(|endpoint| !endpoint.is_dialling()) else {
            return;
        };
        let (id, was_held_up) = (endpoint.id, endpoint.is_held_up());
        let mut result = Ok(());
        while !endpoint.unwritten().is_empty() {
            match sockets.write(slot, endpoint.unwritten()) {
                Ok(0) => break,
                Ok(count) => endpoint.advance_output(count, now.monotonic),
                Err(error) => {
                    result = Err(error);
                    break;
                }
            }
        }
        endpoint.shrink_output();
        let done = endpoint.unsent() == 0;
        if let Err(error) = result.and_then(|()| sockets.want_room(slot, !done)) {
            return self.broken(id, &error.to_string(), now);
        }
        let is_stuck = endpoint.is_stuck();
        if endpoint.is_too_slow() {
            self.too_slow(id, "it monitors more than it reads", now);
        } else if done && endpoint.ends_after_flush() {
            self.endpoints.end(slot, false);
        } else if was_held_up || sockets.is_readable(slot) {
            self.endpoints.enqueue(slot);
        }
        if is_stuck {
            self.endpoints.stays_for_now(slot);
        }
        self.count(id, now);
    }

    /// A connection has stayed long enough.
    fn overdue(&mut self, slot: usize, sockets: &mut impl Sockets, now: Now) {
        match self.endpoints.at(slot) {
            Some(endpoint) if endpoint.is_stuck() => {
                let id = endpoint.id;
                self.too_slow(id, "it does not read its replies", now);
            }
            _ => self.remove(slot, sockets),
        }
    }

    /// A client is closed for what it does not read.
    fn too_slow(&mut self, id: ConnectionId, why: &str, now: Now) {
        let text = format!("client {id} is closed: {why}");
        Turn::new(now, &mut self.endpoints).notice(Level::Warn, &text);
        self.broken(id, "output limit", now);
    }

    /// A connection is gone: the replica is told, and its socket dropped at the end of the turn.
    fn broken(&mut self, id: ConnectionId, reason: &str, now: Now) {
        let turn = &mut Turn::new(now, &mut self.endpoints);
        self.replica.closed(id, reason, turn);
        if let Some(endpoint) = self.endpoints.get(id) {
            endpoint.discard_output();
            self.endpoints.end(id.slot, true);
        }
    }

    /// Takes the next step of ending a connection.
    fn end(&mut self, slot: usize, sockets: &mut impl Sockets, now: Now) {
        match self.endpoints.end_step(slot, now.monotonic) {
            EndStep::Stay => {}
            EndStep::Drop => self.remove(slot, sockets),
            EndStep::Shut if sockets.shut(slot).is_err() => self.remove(slot, sockets),
            EndStep::Shut => self.endpoints.enqueue(slot),
        }
    }

    fn remove(&mut self, slot: usize, sockets: &mut impl Sockets) {
        self.endpoints.remove(slot);
        sockets.remove(slot);
    }
}
