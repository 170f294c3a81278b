//! The loop. See [`crate::replica`] for what it has to do.

use super::connection::{Connection, Ending, ReadOutcome};
use super::resolve::Resolver;
use super::sockets::{LISTENER, RESOLVED, SIGNALS, Sockets};
use crate::multicast::ReplicaId;
use crate::observe::Observer;
use crate::protocol::frame::FrameLimits;
use crate::replica::{ConnectionId, Now, Replica};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::{Shutdown, SocketAddr};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Frames that one connection may have executed in one turn, so that none starves the others.
const FRAMES_PER_TURN: usize = 128;
/// Bytes read from one connection in one turn.
const READ_BYTES: usize = 64 << 10;
/// A client that does not read its replies is not read from, above this many unsent bytes.
const UNSENT_PAUSE: usize = 1 << 20;
/// How long a closed connection waits for the other side to close too.
const LINGER: Duration = Duration::from_secs(2);
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Why the loop ended in good order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// SHUTDOWN or SIGTERM.
    Stopped,
    /// SIGINT.
    Interrupted,
}

/// Why the loop could not run.
#[derive(Debug)]
pub enum ServeError {
    /// The address cannot be listened on.
    Bind(SocketAddr, io::Error),
    /// The system refused something else.
    System(io::Error),
}

impl From<io::Error> for ServeError {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// Listens on `address` and runs the replica until it stops. `client_output_max` is how many bytes may wait
/// to be read by a client before it is closed.
///
/// # Errors
/// A [`ServeError`].
pub fn serve(
    replica: Replica,
    address: SocketAddr,
    client_output_max: usize,
    observer: Observer,
) -> Result<Ended, ServeError> {
    let poll = Poll::new()?;
    let mut listener =
        TcpListener::bind(address).map_err(|error| ServeError::Bind(address, error))?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    poll.registry()
        .register(&mut signals, SIGNALS, Interest::READABLE)?;
    let resolver = Resolver::new(Waker::new(poll.registry(), RESOLVED)?);
    let limits = FrameLimits {
        frame_bytes: replica.settings().limits.entry_bytes + (1 << 20),
        ..FrameLimits::default()
    };
    tracing::info!(
        "replica {} of {} listens on {}, {} model",
        replica.settings().id,
        replica.settings().cluster.len(),
        listener.local_addr()?,
        replica.settings().consistency
    );
    EventLoop {
        poll,
        listener,
        signals,
        resolver,
        replica,
        sockets: Sockets::new(observer),
        dialling: BTreeMap::new(),
        lingering: Vec::new(),
        accept_due: None,
        limits,
        client_output_max,
        scratch: vec![0; READ_BYTES],
        clock: Clock::start(),
    }
    .run()
}

/// The only place that reads the time.
#[derive(Debug)]
struct Clock {
    started: Instant,
}

#[allow(
    clippy::disallowed_methods,
    reason = "the edge of the core: time comes from here"
)]
impl Clock {
    fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    fn now(&self) -> Now {
        Now {
            monotonic: self.started.elapsed(),
            wall: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }
}

struct EventLoop {
    poll: Poll,
    listener: TcpListener,
    signals: Signals,
    resolver: Resolver,
    replica: Replica,
    sockets: Sockets,
    /// Connections being made, by slot.
    dialling: BTreeMap<usize, ReplicaId>,
    /// Slots of connections that linger.
    lingering: Vec<usize>,
    /// Accepting paused until then.
    accept_due: Option<Duration>,
    limits: FrameLimits,
    client_output_max: usize,
    scratch: Vec<u8>,
    clock: Clock,
}

impl EventLoop {
    fn run(mut self) -> Result<Ended, ServeError> {
        let mut events = Events::with_capacity(1024);
        let mut ended = Ended::Stopped;
        let mut now = self.clock.now();
        self.replica.tick(now, &mut self.sockets);
        self.end_turn(now);
        while !self.sockets.stopped {
            match self.poll.poll(&mut events, self.timeout(now)) {
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                result => result?,
            }
            now = self.clock.now();
            for event in &events {
                match event.token() {
                    LISTENER => self.accept(now),
                    SIGNALS => ended = self.take_signals(),
                    RESOLVED => self.connect_resolved(now),
                    Token(slot) => self.socket_ready(slot, event, now),
                }
            }
            self.serve_queue(now);
            if self
                .replica
                .deadline()
                .is_some_and(|deadline| deadline <= now.monotonic)
            {
                self.replica.tick(now, &mut self.sockets);
            }
            if self.accept_due.is_some_and(|due| due <= now.monotonic) {
                self.accept(now);
            }
            self.end_turn(now);
        }
        tracing::info!("stopped");
        Ok(ended)
    }

    /// How long the loop may sleep.
    fn timeout(&self, now: Now) -> Option<Duration> {
        if !self.sockets.queue.is_empty() || !self.sockets.dials.is_empty() {
            return Some(Duration::ZERO);
        }
        let lingering = self.lingering.iter().filter_map(|&slot| {
            match self.sockets.connections.get(slot)?.ending {
                Ending::Lingering(until) => Some(until),
                _ => None,
            }
        });
        let deadline = lingering
            .chain(self.accept_due)
            .chain(self.replica.deadline())
            .min()?;
        // A little more than asked for, as the system's timer has a resolution of a millisecond.
        let wait = deadline.saturating_sub(now.monotonic);
        Some(if wait.is_zero() {
            wait
        } else {
            wait + Duration::from_micros(500)
        })
    }

    fn take_signals(&mut self) -> Ended {
        let interrupted = self.signals.pending().any(|signal| signal == SIGINT);
        self.replica.stop(&mut self.sockets);
        if interrupted {
            Ended::Interrupted
        } else {
            Ended::Stopped
        }
    }

    fn accept(&mut self, now: Now) {
        self.accept_due = None;
        loop {
            match self.listener.accept() {
                Ok((stream, address)) => {
                    if let Err(error) = self.adopt(stream, address, now) {
                        tracing::warn!("a connection from {address} was lost at once: {error}");
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    tracing::warn!("cannot accept connections: {error}");
                    self.accept_due = Some(now.monotonic + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    fn adopt(&mut self, mut stream: TcpStream, address: SocketAddr, now: Now) -> io::Result<()> {
        stream.set_nodelay(true)?;
        let id = self.sockets.next_id();
        self.poll
            .registry()
            .register(&mut stream, Token(id.slot), Interest::READABLE)?;
        self.sockets
            .connections
            .insert(Connection::new(id, stream, self.limits));
        self.replica
            .accepted(id, address.to_string(), now, &mut self.sockets);
        Ok(())
    }

    /// Begins the connections that the replica asked for.
    fn dial(&mut self, now: Now) {
        for peer in std::mem::take(&mut self.sockets.dials) {
            let address = self.replica.settings().cluster[peer.index()].clone();
            if let Some(address) = self.resolver.resolve(peer, &address) {
                self.connect(peer, address, now);
            }
        }
    }

    fn connect_resolved(&mut self, now: Now) {
        for (peer, result) in self.resolver.resolved() {
            match result {
                Ok(address) => self.connect(peer, address, now),
                Err(error) => self
                    .replica
                    .dial_failed(peer, &error, now, &mut self.sockets),
            }
        }
    }

    fn connect(&mut self, peer: ReplicaId, address: SocketAddr, now: Now) {
        // An older attempt that has not ended is given up.
        let older: Vec<usize> = self
            .dialling
            .iter()
            .filter(|(_, dialled)| **dialled == peer)
            .map(|(s, _)| *s)
            .collect();
        older.into_iter().for_each(|slot| self.remove(slot));
        let id = self.sockets.next_id();
        let connected = TcpStream::connect(address).and_then(|mut stream| {
            let interest = Interest::READABLE | Interest::WRITABLE;
            self.poll
                .registry()
                .register(&mut stream, Token(id.slot), interest)?;
            Ok(stream)
        });
        match connected {
            Ok(stream) => {
                let mut connection = Connection::new(id, stream, self.limits);
                connection.is_peer = true;
                connection.wants_write = true;
                self.sockets.connections.insert(connection);
                self.dialling.insert(id.slot, peer);
            }
            Err(error) => {
                self.replica
                    .dial_failed(peer, &error.to_string(), now, &mut self.sockets);
            }
        }
    }

    fn socket_ready(&mut self, slot: usize, event: &mio::event::Event, now: Now) {
        if let Some(&peer) = self.dialling.get(&slot) {
            return self.dial_ready(slot, peer, now);
        }
        let Some(connection) = self.sockets.connections.get_mut(slot) else {
            return;
        };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = true;
            self.sockets.enqueue(slot);
        }
        if event.is_writable()
            && let Some(connection) = self.sockets.connections.get_mut(slot)
            && !std::mem::replace(&mut connection.dirty, true)
        {
            self.sockets.dirty.push(slot);
        }
    }

    /// A connection that was being made is there, or failed.
    fn dial_ready(&mut self, slot: usize, peer: ReplicaId, now: Now) {
        let Some(connection) = self.sockets.connections.get_mut(slot) else {
            return;
        };
        let id = connection.id;
        let failure = match connection.stream.take_error() {
            Ok(Some(error)) | Err(error) => Some(error),
            Ok(None) => match connection.stream.peer_addr() {
                Ok(_) => connection.stream.set_nodelay(true).err(),
                Err(error) if error.kind() == ErrorKind::NotConnected => return,
                Err(error) => Some(error),
            },
        };
        self.dialling.remove(&slot);
        match failure {
            None => {
                self.replica.dialled(id, peer, now, &mut self.sockets);
                self.sockets.enqueue(slot);
            }
            Some(error) => {
                self.remove(slot);
                self.replica
                    .dial_failed(peer, &error.to_string(), now, &mut self.sockets);
            }
        }
    }

    /// Lets each connection with work to do have its share of the turn.
    fn serve_queue(&mut self, now: Now) {
        for slot in std::mem::take(&mut self.sockets.queue) {
            let Some(connection) = self.sockets.connections.get_mut(slot) else {
                continue;
            };
            connection.queued = false;
            let id = connection.id;
            if let Err(error) = self.serve_connection(id, now) {
                self.replica
                    .closed(id, &error.to_string(), now, &mut self.sockets);
                self.remove(slot);
            }
        }
    }

    /// Reads once, and hands in what is decoded.
    fn serve_connection(&mut self, id: ConnectionId, now: Now) -> io::Result<()> {
        let Some(connection) = self.sockets.get(id) else {
            return Ok(());
        };
        let held_up = connection.paused
            || (!connection.is_peer && connection.unsent() > UNSENT_PAUSE)
            || connection.ending == Ending::AfterFlush;
        if held_up {
            return Ok(());
        }
        let decoded_all = connection
            .input
            .as_ref()
            .is_none_or(|input| input.taken == input.bytes.len())
            || connection.readable;
        if connection.readable && !connection.ended && decoded_all {
            match connection.read(&mut self.scratch)? {
                ReadOutcome::More => {}
                ReadOutcome::Drained => connection.readable = false,
                ReadOutcome::Ended => {
                    connection.readable = false;
                    connection.ended = true;
                }
            }
        }
        let more = self.hand_in(id, now);
        let Some(connection) = self.sockets.get(id) else {
            return Ok(());
        };
        if let Ending::Lingering(_) = connection.ending {
            if connection.ended {
                self.remove(id.slot);
            } else if connection.readable {
                self.sockets.enqueue(id.slot);
            }
        } else if more || connection.readable {
            self.sockets.enqueue(id.slot);
        } else if connection.ended && connection.ending == Ending::Open {
            self.replica.end_of_input(id, now, &mut self.sockets);
        }
        Ok(())
    }

    /// Decodes frames and hands them to the replica, up to the turn's share; whether there may be more.
    fn hand_in(&mut self, id: ConnectionId, now: Now) -> bool {
        let Some(mut input) = self.sockets.get(id).and_then(|c| c.input.take()) else {
            return false;
        };
        let mut more = true;
        for _ in 0..FRAMES_PER_TURN {
            let rest = &input.bytes[input.taken..];
            match input.decoder.decode(rest) {
                Ok(Some(length)) => {
                    let words = input.decoder.arguments(rest);
                    self.replica.frame(id, &words, now, &mut self.sockets);
                    input.taken += length;
                }
                Ok(None) => {
                    more = false;
                    break;
                }
                Err(error) => {
                    self.replica.malformed(id, &error, now, &mut self.sockets);
                    input.taken = input.bytes.len();
                    more = false;
                    break;
                }
            }
            let open = self
                .sockets
                .get(id)
                .is_some_and(|connection| connection.ending == Ending::Open && !connection.paused);
            if !open {
                more = false;
                break;
            }
        }
        input.compact();
        if let Some(connection) = self.sockets.get(id) {
            connection.input = Some(input);
        }
        more
    }

    /// Sends what the turn owes, writes everything, ends what has to end.
    fn end_turn(&mut self, now: Now) {
        self.replica.end_turn(now, &mut self.sockets);
        self.dial(now);
        for slot in std::mem::take(&mut self.sockets.dirty) {
            self.flush(slot, now);
        }
        for slot in std::mem::take(&mut self.sockets.endings) {
            self.end(slot, now);
        }
        let lingering = std::mem::take(&mut self.lingering);
        for slot in lingering {
            match self
                .sockets
                .connections
                .get(slot)
                .map(|connection| connection.ending)
            {
                Some(Ending::Lingering(until)) if until <= now.monotonic => self.remove(slot),
                Some(Ending::Lingering(_)) => self.lingering.push(slot),
                _ => {}
            }
        }
        self.sockets.observer.flush();
    }

    fn flush(&mut self, slot: usize, now: Now) {
        let Some(connection) = self.sockets.connections.get_mut(slot) else {
            return;
        };
        connection.dirty = false;
        if self.dialling.contains_key(&slot) {
            return;
        }
        let id = connection.id;
        let was_held_up = connection.unsent() > UNSENT_PAUSE;
        let result = connection.flush().and_then(|done| {
            if done == connection.wants_write {
                let interest = if done {
                    Interest::READABLE
                } else {
                    Interest::READABLE | Interest::WRITABLE
                };
                self.poll
                    .registry()
                    .reregister(&mut connection.stream, Token(slot), interest)?;
                connection.wants_write = !done;
            }
            Ok(done)
        });
        let too_slow = !connection.is_peer && connection.unsent() > self.client_output_max;
        match result {
            Err(error) => {
                self.replica
                    .closed(id, &error.to_string(), now, &mut self.sockets);
                self.remove(slot);
            }
            Ok(_) if too_slow && connection.ending == Ending::Open => {
                tracing::warn!("client {id} is closed: it does not read its replies");
                self.replica
                    .closed(id, "output limit", now, &mut self.sockets);
                self.remove(slot);
            }
            Ok(done) => {
                if done && connection.ending == Ending::AfterFlush {
                    self.sockets.endings.push(slot);
                } else if was_held_up || connection.paused || connection.readable {
                    self.sockets.enqueue(slot);
                }
            }
        }
    }

    /// Ends a connection that the replica closed.
    fn end(&mut self, slot: usize, now: Now) {
        let Some(connection) = self.sockets.connections.get_mut(slot) else {
            return;
        };
        match connection.ending {
            Ending::Open | Ending::Lingering(_) => {}
            Ending::Now => self.remove(slot),
            Ending::AfterFlush if connection.unsent() > 0 => {}
            Ending::AfterFlush => {
                let shut = connection.stream.shutdown(Shutdown::Write);
                if connection.ended || shut.is_err() {
                    return self.remove(slot);
                }
                connection.ending = Ending::Lingering(now.monotonic + LINGER);
                connection.readable = true;
                self.lingering.push(slot);
                self.sockets.enqueue(slot);
            }
        }
    }

    /// Drops a connection and its socket.
    fn remove(&mut self, slot: usize) {
        self.dialling.remove(&slot);
        if let Some(mut connection) = self.sockets.connections.try_remove(slot) {
            // Closing the descriptor deregisters it as well, so a failure here changes nothing.
            drop(self.poll.registry().deregister(&mut connection.stream));
        }
    }
}
