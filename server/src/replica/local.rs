//! Commands that this replica answers from what it has, at their place in the connection's line.

use super::describe;
use super::out::{ConnectionId, Now, Out};
use super::replica::{Engine, Replica};
use super::session::Session;
use crate::order::{Delivered, OutOfRange};
use crate::protocol::arguments::parse_unsigned;
use crate::protocol::command::{CommandSpec, Kind, Name};
use crate::protocol::error::{ErrorCode, ErrorReply};
use crate::protocol::reply::ReplyWriter;
use crate::store::{Keyspace, read};

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
        match spec.kind {
            Kind::Write => return self.write_here(client, spec, words, now, out),
            Kind::Connection => return self.evaluate_connection(client, spec, words, now, out),
            Kind::Read | Kind::Inspect | Kind::Transaction => {}
        }
        let position = self.order.position();
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let last_position = std::mem::replace(&mut session.last_position, position);
        let mut reply = session.writer(out);
        match (spec.kind, &self.engine) {
            (Kind::Read, Engine::Ordered(ordered)) => {
                read(&ordered.store, spec, words, &mut reply);
            }
            (Kind::Read, Engine::Eventual(eventual)) => {
                read(&eventual.gossip, spec, words, &mut reply);
            }
            _ => {
                session.last_position = last_position;
                if let Err(error) = self.inspect(spec, words, last_position, &mut reply) {
                    reply.error(&error);
                }
            }
        }
    }

    /// A command that looks at this replica.
    fn inspect(
        &self,
        spec: &CommandSpec,
        words: &[&[u8]],
        last_position: u64,
        reply: &mut ReplyWriter<'_>,
    ) -> Result<(), ErrorReply> {
        match spec.id {
            Name::Position => {
                self.check_ordered(spec.name)?;
                reply.position(last_position);
            }
            Name::Digest => self.digest(words, reply)?,
            Name::Order => self.list_order(words, reply)?,
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
            reply.text(&describe::delivery(position, entry));
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
        let text = match spec.id {
            Name::Quit => return self.quit(client, out),
            Name::Shutdown => return self.shutdown(client, words, out),
            Name::Fault => return self.fault(client, words, now, out),
            Name::Monitor => return self.monitor(client, words, out),
            Name::Status => Some(self.status_text(now, out)),
            Name::Info => Some(self.info_text(&words[1..], now)),
            _ => None,
        };
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let mut reply = session.writer(out);
        match (text, spec.id) {
            (Some(text), _) => reply.text(&text),
            (None, Name::Time) => {
                reply.array(2);
                reply.text(&now.wall.as_secs().to_string());
                reply.text(&now.wall.subsec_micros().to_string());
            }
            (None, Name::Help) => describe::help(words.get(1).copied(), &mut reply),
            (None, _) => answer_simple(spec, words, &mut reply),
        }
    }

    fn quit(&mut self, client: ConnectionId, out: &mut dyn Out) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        session.writer(out).ok();
        session.ending = true;
        session.backlog.clear();
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
