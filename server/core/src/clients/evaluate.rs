//! Commands that this replica answers from what it has, at their place in the connection's line.

use super::{Clients, Parts};
use crate::command::{CommandSpec, ConnectionCommand, Kind, Run};
use crate::ids::ConnectionId;
use crate::settings::Settings;
use crate::store::blind::Done;
use crate::store::{Answer, Context};
use crate::turn::{Now, Turn};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;
use std::time::Duration;

impl Clients {
    /// Answers a command now. Everything before it on its connection is answered.
    pub(super) fn evaluate(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let began = spec
            .slow
            .then(|| parts.at.turn.out.precise(parts.at.turn.now));
        match spec.run {
            Run::Read(read) => {
                let random = self.random.step();
                let session = self.sessions.at(client);
                session.last_position = parts.at.engine.order().position();
                let how = context(0, random, parts.at.settings, parts.at.turn.now);
                let reply = &mut session.writer(parts.at.turn);
                let answer = read(parts.at.engine.keyspace(), words, &how, reply);
                or_error(answer, reply);
            }
            Run::Write(_) => {
                let written = parts.at.engine.write_here(spec, words, parts.at.turn);
                let mut reply = self.sessions.at(client).writer(parts.at.turn);
                match written {
                    Ok(Done::Ok) => reply.ok(),
                    Ok(Done::Count(count)) => reply.count(count),
                    Err(error) => reply.error(&error),
                }
            }
            Run::Plain(plain) => {
                let how = context(0, 0, parts.at.settings, parts.at.turn.now);
                let reply = &mut self.sessions.at(client).writer(parts.at.turn);
                or_error(plain(words, &how, reply), reply);
            }
            Run::Inspect(inspection) => self.inspect(client, inspection, words, parts),
            Run::Connection(command) => self.connection(client, command, words, parts),
            Run::Transaction(_) => debug_assert!(false, "{} was executed on arrival", spec.name),
        }
        let execution = began.map_or(Duration::ZERO, |began| {
            parts.at.turn.out.precise(parts.at.turn.now) - began
        });
        self.note_local(client, spec, words, execution, parts.at.turn);
    }

    /// Looks at how long a command took that was answered here. `execution` is what came after the turn began.
    #[inline]
    fn note_local(
        &mut self,
        client: ConnectionId,
        spec: &CommandSpec,
        words: &[&[u8]],
        execution: Duration,
        turn: &Turn<'_>,
    ) {
        // SHUTDOWN, for one, has ended the session.
        let Some(session) = self.sessions.get(client) else {
            return;
        };
        let waited = turn.now.monotonic.saturating_sub(session.arrived);
        if self.slow_log.is_slow(waited + execution) {
            let from = (session.address.as_str(), session.name.as_str());
            let words = words.iter().copied();
            self.slow_log
                .note(words, from, waited + execution, turn.now);
        }
        if matches!(spec.kind, Kind::Read | Kind::Write)
            && self.local_latencies.wants(self.counters.commands, turn.now)
        {
            let took = turn.out.precise(turn.now).saturating_sub(session.arrived);
            self.local_latencies.note(took, turn.now);
        }
    }

    /// A command about the connection or the process.
    fn connection(
        &mut self,
        client: ConnectionId,
        command: ConnectionCommand,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let answer = match command {
            ConnectionCommand::Client => self.client(client, words, parts.at.turn),
            ConnectionCommand::Config => self.config(client, words, parts),
            ConnectionCommand::Fault => self.fault(client, words, parts),
            ConnectionCommand::Hello => self.hello(client, words, parts),
            ConnectionCommand::Info => {
                let text = self.info(&words[1..], parts);
                self.sessions
                    .at(client)
                    .writer(parts.at.turn)
                    .verbatim(&text);
                Ok(())
            }
            ConnectionCommand::Monitor => self.monitor(client, words, parts.at.turn),
            ConnectionCommand::Reset => {
                self.reset(client, parts.at.turn);
                Ok(())
            }
            ConnectionCommand::Shutdown => self.shutdown(client, words, parts),
            ConnectionCommand::Slowlog => {
                let mut reply = self.sessions.at(client).writer(parts.at.turn);
                self.slow_log.answer(words, &mut reply)
            }
            ConnectionCommand::Status => {
                let text = self.status(parts);
                self.sessions
                    .at(client)
                    .writer(parts.at.turn)
                    .verbatim(&text);
                Ok(())
            }
            ConnectionCommand::Consistency | ConnectionCommand::Peer | ConnectionCommand::Quit => {
                debug_assert!(false, "{command:?} was executed on arrival");
                Ok(())
            }
        };
        if let Err(error) = answer {
            self.sessions.at(client).writer(parts.at.turn).error(&error);
        }
    }

    fn fault(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) -> Answer {
        let listed = parts.peers.fault(words, &mut parts.at)?;
        let mut reply = self.sessions.at(client).writer(parts.at.turn);
        match listed {
            None => reply.ok(),
            Some(lines) => {
                reply.array(lines.len());
                lines.iter().for_each(|line| reply.text(line));
            }
        }
        Ok(())
    }

    fn shutdown(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) -> Answer {
        let known = |word: &&[u8]| {
            [&b"nosave"[..], b"save", b"now", b"force"]
                .iter()
                .any(|k| word.eq_ignore_ascii_case(k))
        };
        if !words[1..].iter().all(known) {
            return Err(ErrorReply::syntax());
        }
        self.forget(client);
        self.stop(parts);
        Ok(())
    }
}

/// Writes the error that is the reply, if it is one.
pub(super) fn or_error(answer: Answer, reply: &mut ReplyWriter<'_>) {
    if let Err(error) = answer {
        reply.error(&error);
    }
}

/// How a command is executed, as part of the entry at `position` if it writes.
#[inline]
pub(super) fn context(position: u64, random: u64, settings: &Settings, now: Now) -> Context<'_> {
    Context {
        position,
        limits: &settings.limits,
        reply_bytes: settings.output_bytes_max,
        random,
        now,
    }
}
