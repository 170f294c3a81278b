//! A client's command: understood, checked, and sent on its path.

use super::pipeline::reply_start;
use super::replica::{Engine, Readiness, Replica};
use super::session::{Answer, Pending};
use crate::command::redis::refusal;
use crate::command::{CommandSpec, Kind, Name, lookup};
use crate::consistency::Consistency;
use crate::entry::EntryBody;
use crate::ids::ConnectionId;
use crate::message::is_message_name;
use crate::store::admit;
use crate::turn::{Close, Event, Now, Out};
use crate::wire::arguments::{OwnedArguments, parse_unsigned};
use crate::wire::error::{ErrorCode, ErrorReply};

/// The two ways of a data command in the ordered models.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Path {
    /// Through the multicast.
    Ordered,
    /// On this replica's own data.
    Local,
}

impl Replica {
    /// A command came in on a client's connection.
    pub(super) fn request(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        if session.ending {
            return;
        }
        if session.surplus && !words[0].eq_ignore_ascii_case(b"peer") {
            return self.reject_surplus(client, out);
        }
        self.counters.commands += 1;
        if self.observed {
            out.observe(now, self.clock(), &Event::Request { client, words });
        }
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        if session.is_blocked() {
            session.push_behind(OwnedArguments::new(words), now.monotonic);
        } else {
            session.arrived = now.monotonic;
            self.begin(client, words, now, out);
            self.deliver(now, out);
        }
        let limit = self.settings.unanswered_max;
        if self
            .sessions
            .get(client)
            .is_some_and(|session| session.needs_care(limit))
        {
            self.set_pause(client, out);
            self.close_if_done(client, out);
        }
    }

    /// Begins to execute a command: nothing before it on its connection forbids that any more.
    pub(super) fn begin(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        if !self.monitors.is_empty() {
            self.monitor_command(client, words, now, out);
        }
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let spec = lookup(words[0]);
        session.set_muted(words, spec);
        session.last_command = spec.map(|spec| spec.name);
        let in_multi = session.multi.is_some();
        let Some(spec) = spec else {
            return self.unknown_command(client, words, now, out);
        };
        if let Err(error) = check_shape(spec, words) {
            return self.refuse(client, &error, now, out);
        }
        let leaves_multi = matches!(spec.id, Name::Quit | Name::Reset);
        if in_multi && spec.kind != Kind::Transaction && !leaves_multi {
            return self.queue_in_multi(client, spec, words, now, out);
        }
        match spec.kind {
            Kind::Transaction => self.transaction(client, spec, words, now, out),
            Kind::Read | Kind::Write => self.data(client, spec, words, now, out),
            Kind::Inspect | Kind::Connection => {
                self.in_place(client, spec, words, now, out);
            }
        }
    }

    /// A command on data: to the multicast, or to this replica's own data.
    fn data(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        if let Err(error) = self.admit_data(spec, words) {
            return self.error_in_line(client, &error, now, out);
        }
        match self.path(client, spec.kind) {
            Path::Local => self.in_place(client, spec, words, now, out),
            Path::Ordered => {
                let answer = Answer::Command {
                    is_read: spec.kind == Kind::Read,
                };
                self.multicast(client, EntryBody::command(words), answer, now, out);
            }
        }
    }

    /// Everything that can be said against a data command without looking at the data.
    pub(super) fn admit_data(&self, spec: &CommandSpec, words: &[&[u8]]) -> Result<(), ErrorReply> {
        self.check_ready()?;
        admit(spec, words, &self.settings.limits)?;
        match self.engine {
            Engine::Ordered(_) => Ok(()),
            Engine::Eventual(_) => super::eventual::check_accepted(spec, words),
        }
    }

    /// Which way a data command takes. The one place where the two ordered models differ.
    fn path(&self, client: ConnectionId, kind: Kind) -> Path {
        match (&self.engine, kind) {
            (Engine::Eventual(_), _) => Path::Local,
            (Engine::Ordered(_), Kind::Write) => Path::Ordered,
            (Engine::Ordered(_), _) if self.reads_are_ordered(client) => Path::Ordered,
            (Engine::Ordered(_), _) => Path::Local,
        }
    }

    /// Whether a connection's reads go through the multicast.
    pub(super) fn reads_are_ordered(&self, client: ConnectionId) -> bool {
        let session = self.sessions.get(client);
        session.is_some_and(|session| session.read_path == Consistency::Linearizable)
    }

    /// A command that is answered here, at its place in the line: now, if nothing is before it.
    fn in_place(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        let model = self.settings.consistency;
        match spec.id {
            Name::Await => return self.await_position(client, words, now, out),
            Name::Consistency => return self.consistency(client, words, now, out),
            Name::Peer => {
                // A replica dials over and over; that is no work for clients.
                self.counters.commands = self.counters.commands.saturating_sub(1);
                return self.greeted(client, words, now, out);
            }
            Name::Quit => return self.quit(client, now, out),
            Name::Reset => {
                // On arrival, so that what is behind it in the pipeline is not gathered.
                if let Some(session) = self.sessions.get_mut(client) {
                    session.leave_transaction();
                    session.read_path = model;
                }
            }
            _ => {}
        }
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        if session.pending.is_empty() {
            let start = reply_start(self.observed, client, out);
            self.evaluate(client, spec, words, now, out);
            self.observe_reply(client, None, start, now, out);
        } else {
            #[cfg(feature = "deliberate-bugs")]
            if crate::bugs::planted(crate::bugs::Bug::ReadBeforeOwnWrite) && spec.kind == Kind::Read
            {
                return self.read_too_early(client, spec, words);
            }
            self.wait_in_line(
                client,
                Pending::Local {
                    spec,
                    words: OwnedArguments::new(words),
                },
            );
        }
    }

    /// QUIT: what is behind it in the pipeline does not happen. Closed once all before it is answered.
    fn quit(&mut self, client: ConnectionId, now: Now, out: &mut dyn Out) {
        self.answer_in_line(client, now, out, |reply| reply.ok());
        if let Some(session) = self.sessions.get_mut(client) {
            session.ending = true;
            while session.pop_behind().is_some() {}
        }
    }

    /// AWAIT: a barrier that lasts until the position is delivered.
    fn await_position(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        let position = match self
            .check_ready()
            .and_then(|()| self.check_ordered("AWAIT"))
        {
            Err(error) => return self.error_in_line(client, &error, now, out),
            Ok(()) => parse_unsigned(words[1]),
        };
        let Some(position) = position else {
            return self.error_in_line(client, &ErrorReply::not_an_integer(), now, out);
        };
        let reached = self.order.position();
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        if reached >= position && session.pending.is_empty() {
            session.last_position = reached;
            return self.answer_in_line(client, now, out, |reply| reply.position(reached));
        }
        self.awaiting.insert((position, client));
        self.wait_in_line(client, Pending::Await { position });
    }

    /// CONSISTENCY: the read path of the commands behind it.
    fn consistency(&mut self, client: ConnectionId, words: &[&[u8]], now: Now, out: &mut dyn Out) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let current = session.read_path;
        if words.len() > 2 {
            let error = ErrorReply::wrong_arity("consistency");
            return self.error_in_line(client, &error, now, out);
        }
        let wanted = match words.get(1) {
            None => {
                return self.answer_in_line(client, now, out, |reply| reply.simple(current.name()));
            }
            Some(word) => String::from_utf8_lossy(word).parse::<Consistency>(),
        };
        let model = self.settings.consistency;
        let error = match wanted {
            Err(error) => error,
            Ok(wanted) if wanted == current || (wanted.is_ordered() && model.is_ordered()) => {
                session.read_path = wanted;
                return self.answer_in_line(client, now, out, |reply| reply.ok());
            }
            Ok(wanted) if model.is_ordered() => {
                format!("this cluster orders its writes; {wanted} needs a cluster of its own")
            }
            Ok(wanted) => format!(
                "this cluster is eventual: its writes have no order that {wanted} could read"
            ),
        };
        self.error_in_line(client, &ErrorReply::err(error), now, out);
    }

    fn unknown_command(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        let name = words[0];
        if name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:") {
            // A browser was made to talk to us: nothing it sends may be executed.
            self.forget_session(client);
            return out.close(client, Close::Now);
        }
        let clip = |word: &[u8]| String::from_utf8_lossy(&word[..word.len().min(128)]).into_owned();
        let error = if is_message_name(name) {
            ErrorReply::new(
                ErrorCode::NotAPeer,
                format!(
                    "{} is a frame between replicas; this connection is not a link",
                    clip(name)
                ),
            )
        } else if let Some(reason) = refusal(name) {
            ErrorReply::err(reason)
        } else {
            let arguments = words[1..]
                .iter()
                .take(20)
                .map(|word| format!("'{}' ", clip(word)));
            ErrorReply::err(format!(
                "unknown command '{}', with args beginning with: {}",
                clip(name),
                arguments.collect::<String>()
            ))
        };
        self.refuse(client, &error, now, out);
    }

    /// Answers with an error; within MULTI the transaction is lost.
    pub(super) fn refuse(
        &mut self,
        client: ConnectionId,
        error: &ErrorReply,
        now: Now,
        out: &mut dyn Out,
    ) {
        if let Some(session) = self.sessions.get_mut(client)
            && let Some(multi) = &mut session.multi
        {
            multi.refused = true;
        }
        self.error_in_line(client, error, now, out);
    }

    /// Whether this replica serves data.
    pub(super) fn check_ready(&self) -> Result<(), ErrorReply> {
        let reason = match &self.readiness {
            Readiness::Ready => return Ok(()),
            Readiness::Unaccepted => "no other replica has accepted this one yet".to_owned(),
            Readiness::Refused(reason) => format!("this replica was refused: {reason}"),
        };
        Err(ErrorReply::new(ErrorCode::NotReady, reason))
    }

    pub(super) fn check_ordered(&self, name: &str) -> Result<(), ErrorReply> {
        match self.engine {
            Engine::Ordered(_) => Ok(()),
            Engine::Eventual(_) => Err(super::eventual::needs_order(name)),
        }
    }
}

/// The number of words.
fn check_shape(spec: &CommandSpec, words: &[&[u8]]) -> Result<(), ErrorReply> {
    if spec.arity_fits(words.len()) {
        Ok(())
    } else {
        Err(ErrorReply::wrong_arity(spec.name))
    }
}
