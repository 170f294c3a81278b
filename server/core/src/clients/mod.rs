//! Clients: their sessions, and what becomes of their commands.
//!
//! The stages of a command, one a file: [`dispatch`](self) understands it and picks its path; `transaction` gathers
//! MULTI and EXEC; `evaluate` answers what needs no order; `delivered` answers what was delivered; `pipeline` keeps each
//! connection's replies in line and times them out.

mod client_list;
mod delivered;
mod dispatch;
mod evaluate;
mod greeting;
mod inspect;
mod memory;
mod pipeline;
#[cfg(feature = "deliberate-bugs")]
mod planted;
mod session;
mod sessions;
mod summary;
mod transaction;
mod watches;

use crate::admin::{Latencies, SlowLog};
use crate::engine::At;
use crate::ids::ConnectionId;
use crate::peers::Peers;
use crate::random::{Random, purpose};
use crate::settings::Settings;
use crate::turn::{Close, Turn};
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::frame::DecodeError;
use crate::wire::reply::{ReplyWriter, Resp};
use session::Session;
use sessions::Sessions;
use std::cmp::Reverse;
use std::collections::{BTreeSet, BinaryHeap};
use std::time::Duration;

/// The other parts of the replica, as clients' commands use them.
pub(crate) struct Parts<'a, 't> {
    pub(crate) peers: &'a mut Peers,
    pub(crate) at: At<'a, 't>,
    /// The engine was given something, so that there may be entries to deliver.
    pub(crate) engine_has_news: bool,
}

/// Counters for INFO.
#[derive(Clone, Copy, Debug, Default)]
struct Counters {
    connections: u64,
    commands: u64,
    rejected_connections: u64,
    errors: u64,
    /// Clients that were closed for what they took.
    evicted: u64,
}

/// All clients of one replica.
#[derive(Debug)]
pub(crate) struct Clients {
    sessions: Sessions,
    /// Sessions whose front may give up, by deadline. At most one for each session.
    timers: BinaryHeap<Reverse<(Duration, ConnectionId)>>,
    /// Sessions that wait for a position.
    awaiting: BTreeSet<(u64, ConnectionId)>,
    counters: Counters,
    started: Option<Duration>,
    stopping: bool,
    slow_log: SlowLog,
    /// How long commands took that went through the multicast.
    ordered_latencies: Latencies,
    /// The same of those on data that this replica answered by itself: a sample of them.
    local_latencies: Latencies,
    /// For RANDOMKEY.
    random: Random,
}

impl Clients {
    pub(crate) fn new(settings: &Settings) -> Self {
        Self {
            sessions: Sessions::default(),
            timers: BinaryHeap::new(),
            awaiting: BTreeSet::new(),
            counters: Counters::default(),
            started: None,
            stopping: false,
            slow_log: SlowLog::default(),
            ordered_latencies: Latencies::default(),
            local_latencies: Latencies::default(),
            random: Random::new(settings.seed, purpose::KEYS),
        }
    }

    /// A connection came in. It is a client until it says otherwise.
    pub(crate) fn accepted(
        &mut self,
        connection: ConnectionId,
        address: String,
        At { settings, turn, .. }: &mut At<'_, '_>,
    ) {
        self.counters.connections += 1;
        let mut session = Session::new(connection, address, settings.consistency);
        session.since = turn.now.monotonic;
        let surplus = (self.sessions.len() + 1).saturating_sub(settings.clients_max);
        if surplus > settings.surplus_max {
            return self.reject_surplus(connection, turn);
        }
        session.surplus = surplus > 0;
        if session.surplus {
            session.timed = true;
            let deadline = turn.now.monotonic + settings.link_timeout;
            self.timers.push(Reverse((deadline, connection)));
        }
        self.sessions.insert(session);
    }

    /// The bytes of a client are no frame: it is told so and closed, once all before is answered.
    pub(crate) fn malformed(
        &mut self,
        client: ConnectionId,
        error: &DecodeError,
        turn: &mut Turn<'_>,
    ) {
        let session = self.sessions.at(client);
        if !session.ending {
            session.ending = true;
            session.last_words = Some(ErrorReply::err(error.to_string()));
        }
        self.close_if_done(client, turn);
    }

    /// A client sends no more. What it sent is still answered.
    pub(crate) fn end_of_input(&mut self, client: ConnectionId, turn: &mut Turn<'_>) {
        self.sessions.at(client).ending = true;
        self.close_if_done(client, turn);
    }

    /// Ends in good order: whoever waits is told.
    pub(crate) fn stop(&mut self, parts: &mut Parts<'_, '_>) {
        if std::mem::replace(&mut self.stopping, true) {
            return;
        }
        self.fail_waiting("the replica is shutting down", parts);
        parts.at.turn.out.stop();
    }

    /// Answers everything that anybody waits for with an error.
    pub(crate) fn fail_waiting(&mut self, reason: &str, parts: &mut Parts<'_, '_>) {
        let waiting = self.sessions.iter().filter(|session| !session.is_idle());
        let waiting: Vec<ConnectionId> = waiting.map(|session| session.id).collect();
        for client in waiting {
            self.fail_all(client, reason, parts);
        }
    }

    /// When [`Clients::tick`] is wanted.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        self.timers.peek().map(|Reverse((deadline, _))| *deadline)
    }

    /// Does what is due by now.
    pub(crate) fn tick(&mut self, parts: &mut Parts<'_, '_>) {
        self.started.get_or_insert(parts.at.turn.now.monotonic);
        self.expire(parts);
    }

    /// Bytes that are kept for a client in its session.
    #[inline]
    pub(crate) fn memory(&self, client: ConnectionId) -> usize {
        self.sessions.get(client).map_or(0, Session::memory)
    }

    /// Gives back what a session has no use for.
    pub(crate) fn shrink(&mut self, client: ConnectionId) {
        if let Some(session) = self.sessions.get_mut(client) {
            session.shrink();
        }
    }

    /// Whether a client waits for something: an answer, or what it monitors. What is no client does too.
    pub(crate) fn waits(&self, client: ConnectionId) -> bool {
        let session = self.sessions.get(client);
        session.is_none_or(|session| session.monitor.is_some() || !session.is_idle())
    }

    /// A client is closed for what it takes. If it `is_told`, that is after all it waits for was given up.
    pub(crate) fn evict(&mut self, client: ConnectionId, is_told: bool, parts: &mut Parts<'_, '_>) {
        self.counters.evicted += 1;
        if is_told && self.sessions.get(client).is_some() {
            let reason = "the connection is closed for the memory that it takes";
            self.fail_all(client, reason, parts);
            let text = "the connection is closed: of all clients, which take too much memory, it takes the most";
            let error = ErrorReply::new(ErrorCode::Overloaded, text);
            let turn = &mut parts.at.turn;
            self.sessions.at(client).writer(turn).error(&error);
            turn.out.close(client, Close::AfterFlush);
        }
        self.forget(client);
    }

    fn reject_surplus(&mut self, connection: ConnectionId, turn: &mut Turn<'_>) {
        self.counters.rejected_connections += 1;
        let error = ErrorReply::err("max number of clients reached");
        ReplyWriter::new(turn.out.buffer(connection), Resp::Two).error(&error);
        self.forget(connection);
        turn.out.close(connection, Close::AfterFlush);
    }
}
