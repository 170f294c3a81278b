//! The loop. See [`holdback::replica`] for what it has to do.

use super::clock::Clock;
use super::connection::{Connection, Ending};
use super::resolve::Resolver;
use super::sockets::{LISTENER, RESOLVED, SIGNALS, Sockets};
use crate::observe::Observer;
use holdback::multicast::ReplicaId;
use holdback::protocol::frame::FrameLimits;
use holdback::replica::{Now, Replica};
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook_mio::v1_0::Signals;
use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::time::Duration;

/// Bytes read from one connection in one turn: enough for a large value, which is then decoded where it lies.
const READ_BYTES: usize = 256 << 10;
/// How long a connection that is closed may take no byte of what it still has to get.
const FLUSH_PATIENCE: Duration = Duration::from_secs(10);
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
    let entry_bytes = replica.settings().limits.entry_bytes;
    let limits = FrameLimits::client(entry_bytes);
    tracing::info!(
        "replica {} of {} listens on {}, {} model",
        replica.settings().id,
        replica.settings().cluster.len(),
        listener.local_addr()?,
        replica.settings().consistency
    );
    let clock = Clock::start();
    EventLoop {
        poll,
        listener,
        signals,
        resolver,
        replica,
        sockets: Sockets::new(observer, clock, FrameLimits::peer(entry_bytes)),
        dialling: BTreeMap::new(),
        lingering: Vec::new(),
        accept_due: None,
        limits,
        client_output_max,
        scratch: vec![0; READ_BYTES],
        clock,
    }
    .run()
}

/// The loop's state.
pub(super) struct EventLoop {
    pub(super) poll: Poll,
    pub(super) listener: TcpListener,
    pub(super) signals: Signals,
    pub(super) resolver: Resolver,
    pub(super) replica: Replica,
    pub(super) sockets: Sockets,
    /// Connections being made, by slot.
    pub(super) dialling: BTreeMap<usize, ReplicaId>,
    /// Slots of connections that linger.
    pub(super) lingering: Vec<usize>,
    /// Accepting paused until then.
    pub(super) accept_due: Option<Duration>,
    pub(super) limits: FrameLimits,
    pub(super) client_output_max: usize,
    pub(super) scratch: Vec<u8>,
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
            match self.poll.poll(&mut events, self.timeout()) {
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
    pub(super) fn timeout(&self) -> Option<Duration> {
        if !self.sockets.queue.is_empty() || !self.sockets.dials.is_empty() {
            return Some(Duration::ZERO);
        }
        let lingering = self
            .lingering
            .iter()
            .filter_map(|&slot| self.lingers_until(slot));
        let deadline = lingering
            .chain(self.accept_due)
            .chain(self.replica.deadline())
            .min()?;
        // A little more than asked for, as the system's timer has a resolution of a millisecond.
        let wait = deadline.saturating_sub(self.clock.monotonic());
        Some(if wait.is_zero() {
            wait
        } else {
            wait + Duration::from_micros(500)
        })
    }

    pub(super) fn take_signals(&mut self) -> Ended {
        let interrupted = self.signals.pending().any(|signal| signal == SIGINT);
        self.replica.stop(&mut self.sockets);
        if interrupted {
            Ended::Interrupted
        } else {
            Ended::Stopped
        }
    }

    pub(super) fn accept(&mut self, now: Now) {
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

    pub(super) fn adopt(
        &mut self,
        mut stream: TcpStream,
        address: SocketAddr,
        now: Now,
    ) -> io::Result<()> {
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

    pub(super) fn socket_ready(&mut self, slot: usize, event: &mio::event::Event, now: Now) {
        if let Some(&peer) = self.dialling.get(&slot) {
            return self.dial_ready(slot, peer, now);
        }
        let Some(connection) = self.sockets.connections.get_mut(slot) else {
            return;
        };
        if event.is_readable() || event.is_read_closed() || event.is_error() {
            connection.readable = !connection.ended;
            connection.hung_up |= event.is_read_closed() || event.is_error();
            self.sockets.enqueue(slot);
        }
        if event.is_writable()
            && let Some(connection) = self.sockets.connections.get_mut(slot)
            && !std::mem::replace(&mut connection.dirty, true)
        {
            self.sockets.dirty.push(slot);
        }
    }

    /// Sends what the turn owes, writes everything, ends what has to end.
    pub(super) fn end_turn(&mut self, now: Now) {
        self.replica.end_turn(now, &mut self.sockets);
        self.dial(now);
        for slot in std::mem::take(&mut self.sockets.dirty) {
            self.flush(slot, now);
        }
        for slot in std::mem::take(&mut self.sockets.endings) {
            self.end(slot, now);
        }
        self.end_lingering(now);
        self.sockets.observer.flush();
    }

    /// Drops connections that have lingered long enough, or do not take what they still have to get.
    fn end_lingering(&mut self, now: Now) {
        for slot in std::mem::take(&mut self.lingering) {
            match self.lingers_until(slot) {
                Some(until) if until <= now.monotonic => self.remove(slot),
                Some(_) => self.lingering.push(slot),
                None => {}
            }
        }
    }

    /// Until when a connection that is being ended may stay.
    fn lingers_until(&self, slot: usize) -> Option<Duration> {
        let connection = self.sockets.connections.get(slot)?;
        match connection.ending {
            Ending::Lingering(until) => Some(until),
            Ending::AfterFlush => Some(connection.progress + FLUSH_PATIENCE),
            Ending::Open | Ending::Now => None,
        }
    }
}
