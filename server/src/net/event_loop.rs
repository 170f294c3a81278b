//! The loop. See [`holdback::driver`] for what it has to do.

use super::clock::Clock;
use super::dial::Dialling;
use super::resident::resident;
use super::resolve::Resolver;
use super::socket::TcpSockets;
use crate::config::Config;
use crate::observe::Observer;
use holdback::driver::Driver;
use holdback::endpoint::{EndpointSettings, Environment};
use holdback::turn::{Event, LostLines, Now};
use mio::event::Event as SocketEvent;
use mio::net::{TcpListener, TcpStream};
use mio::{Events, Interest, Poll, Token, Waker};
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2};
use signal_hook_mio::v1_0::Signals;
use std::io::{self, ErrorKind, Write};
use std::net::SocketAddr;
use std::time::Duration;

/// The listening socket's token.
const LISTENER: Token = Token(usize::MAX - 1);
/// The token of signals.
const SIGNALS: Token = Token(usize::MAX - 2);
/// The token of resolved names.
const RESOLVED: Token = Token(usize::MAX - 3);
/// How long to wait before accepting again when the system is out of descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// How long the end waits for clients none of which reads what it was answered.
const PARTING_PATIENCE: Duration = Duration::from_secs(2);
/// How long it waits for clients that read: most who stop a process kill it after ten seconds.
const PARTING_MAX: Duration = Duration::from_secs(8);
/// How long the log does not repeat that connections cannot be accepted.
const COMPLAINT_PAUSE: Duration = Duration::from_secs(10);

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

/// The process around the replica.
#[derive(Debug)]
pub(super) struct Process {
    clock: Clock,
    observer: Observer,
}

impl Environment for Process {
    fn precise(&self, _now: Now) -> Duration {
        self.clock.monotonic()
    }

    fn observes(&self) -> bool {
        self.observer.wants_everything()
    }

    fn observe(&mut self, now: Now, clock: u64, event: &Event<'_>) {
        self.observer.observe(now, clock, event);
    }

    fn lost_lines(&self) -> LostLines {
        self.observer.lost_lines()
    }

    fn resident(&self) -> usize {
        resident().unwrap_or(0)
    }

    fn end_turn(&mut self) {
        self.observer.flush();
    }
}

/// Listens and runs a replica until it stops. `accepted_max` is how many connections may come in, whatever they are.
///
/// # Errors
/// A [`ServeError`].
pub fn serve(config: Config, accepted_max: usize, observer: Observer) -> Result<Ended, ServeError> {
    let (settings, address) = (config.settings, config.address);
    let poll = Poll::new()?;
    let mut listener =
        TcpListener::bind(address).map_err(|error| ServeError::Bind(address, error))?;
    poll.registry()
        .register(&mut listener, LISTENER, Interest::READABLE)?;
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGUSR1, SIGUSR2])?;
    // Elsewhere it means what it does to any process, and under nohup that is nothing.
    if observer.log().can_reopen() {
        signals.add_signal(SIGHUP)?;
    }
    poll.registry()
        .register(&mut signals, SIGNALS, Interest::READABLE)?;
    let resolver = Resolver::new(Waker::new(poll.registry(), RESOLVED)?);
    tracing::info!(
        "replica {} of {} listens on {}, {} model",
        settings.id,
        settings.cluster.len(),
        listener.local_addr()?,
        settings.consistency
    );
    let clock = Clock::start();
    let endpoints = EndpointSettings::new(&settings);
    let sockets = TcpSockets::new(poll.registry().try_clone()?, config.keepalive);
    EventLoop {
        poll,
        listener,
        signals,
        resolver,
        driver: Driver::new(settings, endpoints, Process { clock, observer }),
        sockets,
        dialling: Dialling::new(),
        accepted_max,
        accept_due: None,
        complaint_due: Duration::ZERO,
        clock,
    }
    .run()
}

/// The loop's state.
pub(super) struct EventLoop {
    poll: Poll,
    listener: TcpListener,
    signals: Signals,
    pub(super) resolver: Resolver,
    pub(super) driver: Driver<Process>,
    pub(super) sockets: TcpSockets,
    pub(super) dialling: Dialling,
    accepted_max: usize,
    /// Accepting paused until then.
    accept_due: Option<Duration>,
    /// The log does not say before that connections cannot be taken.
    complaint_due: Duration,
    clock: Clock,
}

impl EventLoop {
    fn run(mut self) -> Result<Ended, ServeError> {
        let mut events = Events::with_capacity(1024);
        let mut ended = Ended::Stopped;
        let now = self.clock.now();
        self.driver.begin(&mut self.sockets, now);
        self.dial(now);
        while !self.driver.is_stopped() {
            let (now, signal) = self.wait(&mut events, self.timeout())?;
            ended = signal.unwrap_or(ended);
            if self.accept_due.is_some_and(|due| due <= now.monotonic) {
                self.accept(now);
            }
            self.driver.turn(&mut self.sockets, now);
            self.dial(now);
        }
        let signal = self.part(&mut events)?;
        tracing::info!("stopped");
        Ok(signal.unwrap_or(ended))
    }

    /// Lets clients read what they were answered, as long as one of them does; or until the next signal.
    fn part(&mut self, events: &mut Events) -> Result<Option<Ended>, ServeError> {
        self.driver.part(&self.sockets);
        let mut now = self.clock.now();
        let at_last = now.monotonic + PARTING_MAX;
        let mut until = now.monotonic + PARTING_PATIENCE;
        let mut unsent = usize::MAX;
        loop {
            self.driver.turn(&mut self.sockets, now);
            // Nobody dials for a process that ends.
            drop(self.driver.take_dials());
            let clients = self.driver.clients_unsent();
            let (clients, bytes) = clients.fold((0, 0), |(n, sum), bytes| (n + 1, sum + bytes));
            if bytes < unsent {
                (unsent, until) = (bytes, now.monotonic + PARTING_PATIENCE);
            }
            let rest = until.min(at_last).saturating_sub(now.monotonic);
            if clients == 0 || rest.is_zero() {
                return Ok(None);
            }
            let timeout = self.timeout().map_or(rest, |timeout| timeout.min(rest));
            let (later, signal) = self.wait(events, Some(timeout))?;
            if signal.is_some() {
                return Ok(signal);
            }
            now = later;
        }
    }

    /// Waits for something to happen, and tells the driver what; when that was, and how the loop ends if a signal says so.
    fn wait(
        &mut self,
        events: &mut Events,
        timeout: Option<Duration>,
    ) -> Result<(Now, Option<Ended>), ServeError> {
        let mut ended = None;
        match self.poll.poll(events, timeout) {
            Err(error) if error.kind() == ErrorKind::Interrupted => events.clear(),
            result => result?,
        }
        let now = self.clock.now();
        for event in &*events {
            match event.token() {
                LISTENER => self.accept(now),
                SIGNALS => ended = self.take_signals().or(ended),
                RESOLVED => self.connect_resolved(now),
                Token(slot) => self.socket_ready(slot, event, now),
            }
        }
        Ok((now, ended))
    }

    /// How long the loop may sleep.
    fn timeout(&self) -> Option<Duration> {
        if self.driver.has_work() {
            return Some(Duration::ZERO);
        }
        let deadlines = [self.driver.deadline(), self.accept_due];
        let deadline = deadlines.into_iter().flatten().min()?;
        // A little more than asked for, as the system's timer has a resolution of a millisecond.
        let wait = deadline.saturating_sub(self.clock.monotonic());
        Some(if wait.is_zero() {
            wait
        } else {
            wait + Duration::from_micros(500)
        })
    }

    /// Does what signals ask for; how the loop ends if that is what they do.
    fn take_signals(&mut self) -> Option<Ended> {
        let mut ended = None;
        for signal in self.signals.pending() {
            match signal {
                SIGHUP => {
                    self.driver.environment().observer.log().reopen();
                    tracing::info!("SIGHUP: the log file is opened again");
                }
                SIGUSR1 => tracing::info!("SIGUSR1 does nothing"),
                SIGUSR2 => tracing::info!("SIGUSR2 does nothing"),
                SIGINT => ended = Some(Ended::Interrupted),
                _ => ended = ended.or(Some(Ended::Stopped)),
            }
        }
        if ended.is_some() {
            self.driver.stop(self.clock.now());
        }
        ended
    }

    fn accept(&mut self, now: Now) {
        self.accept_due = None;
        if self.driver.is_stopped() {
            return;
        }
        loop {
            match self.listener.accept() {
                Ok((stream, _)) if self.sockets.accepted() >= self.accepted_max => {
                    self.turn_away(stream, now);
                }
                Ok((stream, address)) => {
                    let slot = self.driver.vacant_slot();
                    match self.sockets.add(slot, stream, false) {
                        Ok(()) => {
                            self.driver.accepted(address.to_string(), now);
                        }
                        Err(error) => {
                            tracing::warn!("a connection from {address} was lost at once: {error}");
                        }
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => {
                    self.complain(&error.to_string(), now);
                    self.accept_due = Some(now.monotonic + ACCEPT_PAUSE);
                    return;
                }
            }
        }
    }

    /// Closes a connection that would take a descriptor from a link. In a new one there is room for a line; that it may
    /// be lost, if it comes from a client that has sent something, is better than to wait for that client.
    fn turn_away(&mut self, mut stream: TcpStream, now: Now) {
        drop(stream.write(b"-ERR max number of clients reached\r\n"));
        self.complain("the descriptors that are left are for links", now);
    }

    /// Says that connections cannot be taken, but not of each of many.
    fn complain(&mut self, reason: &str, now: Now) {
        if self.complaint_due <= now.monotonic {
            tracing::warn!("cannot accept connections: {reason}");
            self.complaint_due = now.monotonic + COMPLAINT_PAUSE;
        }
    }

    fn socket_ready(&mut self, slot: usize, event: &SocketEvent, now: Now) {
        if let Some(&(id, peer)) = self.dialling.get(&slot) {
            return self.dial_ready(id, peer, now);
        }
        let hung_up = event.is_read_closed() || event.is_error();
        if event.is_readable() || hung_up {
            self.sockets.ready(slot, hung_up);
            self.driver.readable(slot);
        }
        if event.is_writable() {
            self.driver.writable(slot);
        }
    }
}
