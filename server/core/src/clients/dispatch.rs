//! A client's command: understood, checked, and sent on its path.

use super::pipeline::{observe_reply, reply_start};
use super::session::{Answer, Pending};
use super::{Clients, Parts, memory};
use crate::bugs::{Bug, planted};
use crate::command::redis::refusal;
use crate::command::{CommandSpec, ConnectionCommand, Eventual, Inspection, Kind, Run, lookup};
use crate::consistency::Consistency;
use crate::engine::{At, Path};
use crate::entry::EntryBody;
use crate::ids::ConnectionId;
use crate::message::is_message_name;
use crate::store::blind;
use crate::turn::{Close, Event, Turn};
use crate::wire::arguments::{OwnedArguments, parse_unsigned};
use crate::wire::error::{ErrorCode, ErrorReply};

/// An entry that a client wants in the order.
pub(super) struct Submitted {
    pub(super) body: EntryBody,
    /// What its delivery is answered with.
    pub(super) answer: Answer,
    /// How much larger it may make the data.
    pub(super) growth: usize,
}

impl Clients {
    /// A command came in on a client's connection.
    pub(crate) fn request(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let session = self.sessions.at(client);
        if session.ending {
            return;
        }
        if session.surplus && !words[0].eq_ignore_ascii_case(b"peer") {
            return self.reject_surplus(client, parts.at.turn);
        }
        self.counters.commands += 1;
        if parts.at.turn.observed() {
            parts.at.turn.tell(&Event::Request { client, words });
        }
        if session.is_blocked(parts.at.settings) {
            session.push_behind(OwnedArguments::new(words), parts.at.turn.now.monotonic);
        } else {
            session.arrived = parts.at.turn.now.monotonic;
            self.begin(client, words, parts);
        }
    }

    /// Begins to execute a command: nothing before it on its connection forbids that any more.
    pub(super) fn begin(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let session = self.sessions.at(client);
        if parts.at.turn.observed() {
            let address = &session.address;
            parts.at.turn.tell(&Event::Begin { address, words });
        }
        let spec = lookup(words[0]);
        session.set_muted(words, spec, parts.at.turn);
        session.last_command = spec.map(|spec| spec.name);
        let Some(spec) = spec else {
            return self.unknown_command(client, words, parts.at.turn);
        };
        if let Err(error) = spec.check_arity(words) {
            return self.refuse(client, &error, parts.at.turn);
        }
        if session.multi.is_some() && !leaves_multi(spec) {
            return self.queue_in_multi(client, spec, words, parts);
        }
        match spec.run {
            Run::Read(_) | Run::Write(_) => self.data(client, spec, words, parts),
            Run::Transaction(command) => {
                self.transaction(client, command, spec, words, parts);
            }
            Run::Inspect(Inspection::Await) => self.await_position(client, words, parts),
            Run::Connection(command) => {
                self.on_arrival(client, command, spec, words, parts);
            }
            Run::Inspect(_) | Run::Plain(_) => self.in_place(client, spec, words, parts),
        }
    }

    /// A command on data: to the multicast, or to this replica's own data.
    fn data(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let admitted = admit(spec, words, parts).and_then(|()| memory::growth(spec, words, parts));
        let growth = match admitted {
            Ok(growth) => growth,
            Err(error) => return self.error_in_line(client, &error, parts.at.turn),
        };
        let linearizable = self.reads_are_linearizable(client);
        match parts.at.engine.path(spec, words.len(), linearizable) {
            Path::Refused => self.error_in_line(client, &needs_order(spec), parts.at.turn),
            Path::Local => self.in_place(client, spec, words, parts),
            Path::Ordered => {
                let is_read = spec.kind == Kind::Read;
                let answer = Answer::Command { is_read };
                let bytes = if is_read {
                    self.reply_bytes(client, words, parts)
                } else {
                    0
                };
                let entry = Submitted {
                    body: EntryBody::command(words),
                    answer,
                    growth,
                };
                self.submit(client, entry, bytes, parts);
            }
        }
    }

    /// How many bytes the reply to a read would have now that has to wait in the line. Not counted where all that waits
    /// comes to little at the most.
    #[inline]
    fn reply_bytes(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        parts: &Parts<'_, '_>,
    ) -> usize {
        let waiting = self.sessions.at(client).pending.len() + words.len();
        let longest = parts.at.engine.keyspace().longest();
        if waiting.saturating_mul(longest) <= parts.at.settings.unread_bytes_max {
            return 0;
        }
        read_bytes(words, parts)
    }

    /// Whether a connection's reads go through the multicast, in the ordered models.
    pub(super) fn reads_are_linearizable(&mut self, client: ConnectionId) -> bool {
        self.sessions.at(client).read_path == Consistency::Linearizable
    }

    /// Has an entry stamped and puts it in the client's line. What it owes to the peers goes out at the end of
    /// the turn. `reply_bytes`: what its reply would have now.
    pub(super) fn submit(
        &mut self,
        client: ConnectionId,
        Submitted {
            body,
            answer,
            growth,
        }: Submitted,
        reply_bytes: usize,
        parts: &mut Parts<'_, '_>,
    ) {
        let answers_early = planted(Bug::ReplyAtSend) && body.describe().starts_with("SET ");
        parts.engine_has_news = true;
        let submitted = parts.peers.check_fullness(parts.at.settings);
        let submitted = submitted.and_then(|()| {
            let At {
                settings,
                engine,
                turn,
            } = &mut parts.at;
            engine.submit(client, body, growth, settings, turn)
        });
        let time = match submitted {
            Ok(stamp) => stamp.time,
            Err(error) => {
                self.sessions.at(client).watch_failed |= answer == Answer::Watch;
                return self.error_in_line(client, &error, parts.at.turn);
            }
        };
        if answers_early {
            return self.answer_in_line(client, parts.at.turn, |reply| reply.ok());
        }
        #[cfg(feature = "deliberate-bugs")]
        self.swap_with_the_one_before(client, time, answer, parts);
        self.wait_in_line(
            client,
            Pending::Ordered { time, answer },
            reply_bytes,
            parts,
        );
    }

    /// A command about the connection: what of it takes effect at once, before what is in front of it in the line is
    /// answered, so that it concerns what is behind it in the pipeline.
    fn on_arrival(
        &mut self,
        client: ConnectionId,
        command: ConnectionCommand,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        match command {
            ConnectionCommand::Consistency => return self.consistency(client, words, parts),
            ConnectionCommand::Peer => {
                // A replica dials over and over; that is no work for clients.
                self.counters.commands = self.counters.commands.saturating_sub(1);
                self.forget(client);
                parts.engine_has_news = true;
                return parts.peers.greeted(client, words, &mut parts.at);
            }
            ConnectionCommand::Quit => return self.quit(client, parts.at.turn),
            ConnectionCommand::Reset => {
                let session = self.sessions.at(client);
                session.leave_transaction();
                session.read_path = parts.at.settings.consistency;
            }
            _ => {}
        }
        self.in_place(client, spec, words, parts);
    }

    /// A command that is answered here, at its place in the line: now, if nothing is before it.
    fn in_place(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        if self.sessions.at(client).pending.is_empty() {
            let start = reply_start(client, parts.at.turn);
            self.evaluate(client, spec, words, parts);
            return observe_reply(client, None, start, parts.at.turn);
        }
        #[cfg(feature = "deliberate-bugs")]
        if planted(Bug::ReadBeforeOwnWrite)
            && let Run::Read(read) = spec.run
        {
            return self.read_too_early(client, read, words, parts);
        }
        let reply_bytes = self.reply_bytes(client, words, parts);
        let words = OwnedArguments::new(words);
        self.wait_in_line(client, Pending::Local { spec, words }, reply_bytes, parts);
    }

    /// QUIT: what is behind it in the pipeline does not happen. Closed once all before it is answered.
    fn quit(&mut self, client: ConnectionId, turn: &mut Turn<'_>) {
        self.answer_in_line(client, turn, |reply| reply.ok());
        let session = self.sessions.at(client);
        session.ending = true;
        while session.pop_behind().is_some() {}
    }

    /// AWAIT: a barrier that lasts until the position is delivered.
    fn await_position(&mut self, client: ConnectionId, words: &[&[u8]], parts: &mut Parts<'_, '_>) {
        let allowed = parts.peers.check_ready();
        let allowed = allowed.and_then(|()| parts.at.engine.check_ordered("AWAIT"));
        if let Err(error) = allowed {
            return self.error_in_line(client, &error, parts.at.turn);
        }
        let Some(position) = parse_unsigned(words[1]) else {
            return self.error_in_line(client, &ErrorReply::not_an_integer(), parts.at.turn);
        };
        let reached = parts.at.engine.order().position();
        let session = self.sessions.at(client);
        if reached >= position && session.pending.is_empty() {
            session.last_position = reached;
            return self.answer_in_line(client, parts.at.turn, |reply| reply.position(reached));
        }
        self.awaiting.insert((position, client));
        self.wait_in_line(client, Pending::Await { position }, 0, parts);
    }

    /// CONSISTENCY: the read path of the commands behind it.
    fn consistency(&mut self, client: ConnectionId, words: &[&[u8]], parts: &mut Parts<'_, '_>) {
        let session = self.sessions.at(client);
        let current = session.read_path;
        if words.len() > 2 {
            let error = ErrorReply::wrong_arity("consistency");
            return self.error_in_line(client, &error, parts.at.turn);
        }
        let wanted = match words.get(1) {
            None => {
                return self
                    .answer_in_line(client, parts.at.turn, |reply| reply.simple(current.name()));
            }
            Some(word) => String::from_utf8_lossy(word).parse::<Consistency>(),
        };
        let model = parts.at.settings.consistency;
        let error = match wanted {
            Err(error) => error,
            Ok(wanted) if wanted == current || (wanted.is_ordered() && model.is_ordered()) => {
                session.read_path = wanted;
                return self.answer_in_line(client, parts.at.turn, |reply| reply.ok());
            }
            Ok(wanted) if model.is_ordered() => {
                format!("this cluster orders its writes; {wanted} needs a cluster of its own")
            }
            Ok(wanted) => format!(
                "this cluster is eventual: its writes have no order that {wanted} could read"
            ),
        };
        self.error_in_line(client, &ErrorReply::err(error), parts.at.turn);
    }

    fn unknown_command(&mut self, client: ConnectionId, words: &[&[u8]], turn: &mut Turn<'_>) {
        let name = words[0];
        if name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:") {
            // A browser was made to talk to us: nothing it sends may be executed.
            self.forget(client);
            return turn.out.close(client, Close::Now);
        }
        let clip = |word: &[u8]| String::from_utf8_lossy(&word[..word.len().min(128)]).into_owned();
        let error = if is_message_name(name) {
            let name = clip(name);
            let text = format!("{name} is a frame between replicas; this connection is not a link");
            ErrorReply::new(ErrorCode::NotAPeer, text)
        } else if let Some(reason) = refusal(name) {
            ErrorReply::err(reason)
        } else {
            let arguments = words[1..].iter().take(20);
            let arguments = arguments.map(|word| format!("'{}' ", clip(word)));
            ErrorReply::err(format!(
                "unknown command '{}', with args beginning with: {}",
                clip(name),
                arguments.collect::<String>()
            ))
        };
        self.refuse(client, &error, turn);
    }

    /// Answers with an error; within MULTI the transaction is lost.
    pub(super) fn refuse(&mut self, client: ConnectionId, error: &ErrorReply, turn: &mut Turn<'_>) {
        if let Some(multi) = &mut self.sessions.at(client).multi {
            multi.refused = true;
        }
        self.error_in_line(client, error, turn);
    }
}

/// Everything that can be said against a data command without looking at the data.
pub(super) fn admit(
    spec: &CommandSpec,
    words: &[&[u8]],
    parts: &Parts<'_, '_>,
) -> Result<(), ErrorReply> {
    parts.peers.check_ready()?;
    spec.admit(words, &parts.at.settings.limits)
}

/// How many bytes a read's reply would have now, roughly: those of the values at its keys.
pub(super) fn read_bytes(words: &[&[u8]], parts: &Parts<'_, '_>) -> usize {
    let read = lookup(words[0]).filter(|spec| spec.kind == Kind::Read);
    let Some(spec) = read else {
        return 0;
    };
    let keyspace = parts.at.engine.keyspace();
    let length = |key| keyspace.get(key).map_or(0, <[u8]>::len);
    spec.keys_of(words).map(length).sum()
}

/// What a command is answered that takes no path, in the words of those that have options which need an order.
fn needs_order(spec: &CommandSpec) -> ErrorReply {
    match spec.eventual {
        Eventual::WithoutOptions => blind::needs_order("SET with NX, XX or GET"),
        _ => blind::needs_order(spec.name),
    }
}

/// Whether a command is executed within MULTI, and not gathered.
fn leaves_multi(spec: &CommandSpec) -> bool {
    matches!(
        spec.run,
        Run::Transaction(_) | Run::Connection(ConnectionCommand::Quit | ConnectionCommand::Reset)
    )
}
