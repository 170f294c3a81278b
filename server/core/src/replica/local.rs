//! Commands that this replica answers from what it has, at their place in the connection's line.

use super::describe;
use super::hello;
use super::replica::{Engine, Replica, splitmix};
use super::session::Session;
use super::slowlog;
use crate::command::introspect;
use crate::command::{CommandSpec, Kind, Name};
use crate::ids::ConnectionId;
use crate::order::{Delivered, OutOfRange};
use crate::store::{Keyspace, read};
use crate::turn::{Now, Out};
use crate::wire::arguments::parse_unsigned;
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::ReplyWriter;
use std::time::Duration;

/// Entries that ORDER and HOLDBACK list if no count is given.
const LISTED: usize = 100;

impl Replica {
    /// Answers a command now. Everything before it on its connection is answered.
    pub(super) fn evaluate(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        let began = may_take_long(spec.id).then(|| out.precise(now));
        self.evaluate_untimed(client, spec, words, now, out);
        let execution = began.map_or(Duration::ZERO, |began| out.precise(now) - began);
        self.note_time(client, || words.iter().copied(), execution, now);
        if matches!(spec.kind, Kind::Read | Kind::Write)
            && self.local_latencies.wants(self.counters.commands, now)
        {
            let arrived = self.sessions.get(client).map(|session| session.arrived);
            let arrived = arrived.unwrap_or(now.monotonic);
            let took = out.precise(now).saturating_sub(arrived);
            self.local_latencies.note(took, now);
        }
    }

    /// Looks at how long the command took that was just answered. `execution` is what came after `now`.
    pub(super) fn note_time<'a, W: Iterator<Item = &'a [u8]>>(
        &mut self,
        client: ConnectionId,
        words: impl FnOnce() -> W,
        execution: Duration,
        now: Now,
    ) {
        let Some(session) = self.sessions.get(client) else {
            return;
        };
        let took = now.monotonic.saturating_sub(session.arrived) + execution;
        if self.slow_log.is_slow(took) {
            let from = (session.address.as_str(), session.name.as_str());
            self.slow_log.note(words(), from, took, now);
        }
    }

    fn evaluate_untimed(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        match spec.kind {
            Kind::Write => return self.write_here(client, spec, words, now, out),
            Kind::Connection => return self.evaluate_connection(client, spec, words, now, out),
            Kind::Read | Kind::Inspect | Kind::Transaction => {}
        }
        let position = self.order.position();
        let random = splitmix(&mut self.random);
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let last_position = std::mem::replace(&mut session.last_position, position);
        let last_given_up = session.last_given_up;
        let mut reply = session.writer(out);
        match (spec.kind, &self.engine) {
            (Kind::Read, Engine::Ordered(ordered)) => {
                read(&ordered.store, spec, words, random, &mut reply);
            }
            (Kind::Read, Engine::Eventual(eventual)) => {
                read(&eventual.gossip, spec, words, random, &mut reply);
            }
            _ => {
                if matches!(spec.id, Name::Position | Name::Wait | Name::Holdback) {
                    session.last_position = last_position;
                }
                if let Err(error) =
                    self.inspect(spec, words, (last_position, last_given_up), &mut reply)
                {
                    reply.error(&error);
                }
            }
        }
    }

    /// A command that looks at this replica. `last` is the position of the connection's last command, and
    /// the time of its last write that was given up.
    fn inspect(
        &self,
        spec: &CommandSpec,
        words: &[&[u8]],
        last: (u64, u64),
        reply: &mut ReplyWriter<'_>,
    ) -> Result<(), ErrorReply> {
        match spec.id {
            Name::Position => {
                self.check_ordered(spec.name)?;
                reply.position(last.0);
            }
            Name::Wait => self.wait(words, last.1, reply)?,
            Name::Digest => self.digest(words, reply)?,
            Name::Order => self.list_order(words, reply)?,
            Name::Holdback if words.len() > 2 => return Err(ErrorReply::wrong_arity("holdback")),
            Name::Holdback => {
                let count = optional_count(words, 1)?.unwrap_or(LISTED);
                let lines = describe::holdback(&self.engine, count);
                reply.array(lines.len());
                lines.iter().for_each(|line| reply.text(line));
            }
            Name::Store => {
                self.check_ready()?;
                match &self.engine {
                    Engine::Ordered(ordered) => list_store(&ordered.store, reply),
                    Engine::Eventual(eventual) => list_store(&eventual.gossip, reply),
                }
            }
            _ => {
                return Err(ErrorReply::err(format!(
                    "{} cannot be answered here",
                    spec.name
                )));
            }
        }
        Ok(())
    }

    fn digest(&self, words: &[&[u8]], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
        let (number, digest) = match (&self.engine, words) {
            (Engine::Eventual(eventual), [_]) => {
                let versions = eventual.gossip.versions();
                (versions.len() as u64, versions.digest())
            }
            (Engine::Eventual(_), [_, _]) => {
                return Err(super::eventual::needs_order("DIGEST position"));
            }
            (Engine::Ordered(_), [_]) => (self.order.position(), self.order.digest()),
            (Engine::Ordered(_), [_, position]) => {
                let position = parse_unsigned(position).ok_or_else(ErrorReply::not_an_integer)?;
                (
                    position,
                    self.order.digest_at(position).map_err(out_of_range)?,
                )
            }
            _ => return Err(ErrorReply::wrong_arity("digest")),
        };
        reply.array(2);
        reply.position(number);
        reply.text(&digest.to_string());
        Ok(())
    }

    fn list_order(&self, words: &[&[u8]], reply: &mut ReplyWriter<'_>) -> Result<(), ErrorReply> {
        if words.len() > 3 {
            return Err(ErrorReply::wrong_arity("order"));
        }
        let count = optional_count(words, 1)?.unwrap_or(LISTED);
        let from = match words.get(2) {
            Some(from) => parse_unsigned(from)
                .ok_or_else(ErrorReply::not_an_integer)?
                .max(1),
            None => {
                let newest = (self.order.position() + 1).saturating_sub(count as u64);
                newest.max(self.order.oldest())
            }
        };
        let entries = self.order.from(from, count).map_err(out_of_range)?;
        reply.array(entries.len());
        for (position, Delivered { entry, .. }) in entries {
            reply.text(&describe::delivery(position, &entry));
        }
        Ok(())
    }

    /// A command about the connection or the process.
    fn evaluate_connection(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        match spec.id {
            Name::Shutdown => return self.shutdown(client, words, out),
            Name::Fault => return self.fault(client, words, now, out),
            Name::Monitor => return self.monitor(client, words, out),
            Name::Hello => return self.greet_client(client, words, out),
            Name::Reset => return self.reset(client, out),
            Name::Client => return self.client(client, spec, words, now, out),
            _ => {}
        }
        let text = match spec.id {
            Name::Status => Some(self.status_text(now, out)),
            Name::Info => Some(self.info_text(&words[1..], now)),
            _ => None,
        };
        let Some(session) = self.sessions.get(client) else {
            return;
        };
        let mut reply = session.writer(out);
        let result = match (text, spec.id) {
            (Some(text), _) => {
                reply.verbatim(&text);
                Ok(())
            }
            (None, Name::Command) => introspect::answer(spec, words, &mut reply),
            (None, Name::Config) => self.config(spec, words, &mut reply),
            (None, Name::Slowlog) => self.slow_log.answer(spec, words, &mut reply),
            (None, Name::Latency) => slowlog::latency(spec, words, &mut reply),
            (None, Name::Debug) => Err(ErrorReply::err(
                "DEBUG is not supported: STATUS, ORDER, HOLDBACK and MONITOR show what goes on",
            )),
            (None, _) => {
                answer_plain(spec, words, now, &mut reply);
                Ok(())
            }
        };
        if let Err(error) = result {
            reply.error(&error);
        }
    }

    fn shutdown(&mut self, client: ConnectionId, words: &[&[u8]], out: &mut dyn Out) {
        let known = |word: &&[u8]| {
            [&b"nosave"[..], b"save", b"now", b"force"]
                .iter()
                .any(|k| word.eq_ignore_ascii_case(k))
        };
        if words[1..].iter().all(known) {
            self.forget_session(client);
            return self.stop(out);
        }
        let resp = self
            .sessions
            .get(client)
            .map(|session: &Session| session.resp);
        ReplyWriter::new(out.buffer(client), resp.unwrap_or_default()).error(&ErrorReply::syntax());
    }
}

/// Whether a command's work grows with the data, so that it is worth timing.
fn may_take_long(id: Name) -> bool {
    matches!(
        id,
        Name::Keys
            | Name::Scan
            | Name::Store
            | Name::Order
            | Name::Holdback
            | Name::Mget
            | Name::Del
            | Name::Mset
            | Name::Unlink
            | Name::Flushall
            | Name::Flushdb
            | Name::Command
    )
}

/// The commands about the connection that need nothing of the replica.
fn answer_plain(spec: &CommandSpec, words: &[&[u8]], now: Now, reply: &mut ReplyWriter<'_>) {
    match spec.id {
        Name::Time => {
            reply.array(2);
            reply.text(&now.wall.as_secs().to_string());
            reply.text(&now.wall.subsec_micros().to_string());
        }
        Name::Help if words.len() > 2 => reply.error(&ErrorReply::wrong_arity("help")),
        Name::Help => describe::help(words.get(1).copied(), reply),
        Name::Auth => hello::auth(words, reply),
        Name::Select => hello::select(words, reply),
        _ => answer_simple(spec, words, reply),
    }
}

/// The commands that need nothing but their words, which may also stand in a transaction.
pub(super) fn answer_simple(spec: &CommandSpec, words: &[&[u8]], reply: &mut ReplyWriter<'_>) {
    match (spec.id, words) {
        (Name::Ping, [_]) => reply.simple("PONG"),
        (Name::Ping, [_, message]) | (Name::Echo, [_, message]) => reply.bulk(message),
        _ => reply.error(&ErrorReply::wrong_arity(spec.name)),
    }
}

fn list_store(store: &impl Keyspace, reply: &mut ReplyWriter<'_>) {
    let pairs = store.sorted();
    reply.array(pairs.len() * 2);
    for (key, value) in pairs {
        reply.bulk(key);
        reply.bulk(value);
    }
}

fn optional_count(words: &[&[u8]], at: usize) -> Result<Option<usize>, ErrorReply> {
    words
        .get(at)
        .map(|word| {
            let count = parse_unsigned(word).ok_or_else(ErrorReply::not_an_integer)?;
            usize::try_from(count).map_err(|_| ErrorReply::not_an_integer())
        })
        .transpose()
}

fn out_of_range(error: OutOfRange) -> ErrorReply {
    ErrorReply::new(ErrorCode::OutOfRange, error.to_string())
}
