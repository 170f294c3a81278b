//! MULTI, EXEC, DISCARD, WATCH and UNWATCH.
//!
//! A transaction is gathered at the connection and becomes one entry. WATCH reads the position of each
//! key's last change, EXEC carries these positions, and every replica compares them when it delivers the
//! entry: if one differs, nothing is applied, on any of them.

use super::pipeline::reply_start;
use super::replica::{Engine, Replica, splitmix};
use super::session::{Answer, Multi, Pending, Transaction};
use crate::command::{CommandSpec, Kind, Name, lookup};
use crate::entry::EntryBody;
use crate::ids::ConnectionId;
use crate::store::{check_entry_size, read};
use crate::turn::{Now, Out};
use crate::wire::arguments::OwnedArguments;
use crate::wire::error::{ErrorCode, ErrorReply};

impl Replica {
    /// A command of this family.
    pub(super) fn transaction(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        if let Err(error) = self.check_ordered(spec.name) {
            return self.error_in_line(client, &error, now, out);
        }
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let error = match (spec.id, &session.multi) {
            (Name::Multi, None) => {
                session.multi = Some(Multi {
                    only_reads: true,
                    ..Multi::default()
                });
                return self.answer_in_line(client, now, out, |reply| reply.ok());
            }
            (Name::Multi, Some(_)) => ErrorReply::err("MULTI calls can not be nested"),
            (Name::Watch, Some(_)) => ErrorReply::err("WATCH inside MULTI is not allowed"),
            (Name::Watch, None) => return self.watch(client, spec, words, now, out),
            (Name::Unwatch, None) => {
                session.watches.clear();
                session.watch_failed = false;
                return self.answer_in_line(client, now, out, |reply| reply.ok());
            }
            (Name::Discard, Some(_)) => {
                session.leave_transaction();
                return self.answer_in_line(client, now, out, |reply| reply.ok());
            }
            (Name::Exec, Some(_)) => return self.exec(client, now, out),
            (_, None) => ErrorReply::err(format!("{} without MULTI", spec.name)),
            (_, Some(_)) => ErrorReply::err(format!("{} is not allowed inside MULTI", spec.name)),
        };
        self.refuse(client, &error, now, out);
    }

    /// A command between MULTI and EXEC.
    pub(super) fn queue_in_multi(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        if !spec.allowed_in_transaction() {
            let error = ErrorReply::err(format!("{} is not allowed inside MULTI", spec.name));
            return self.refuse(client, &error, now, out);
        }
        let limits = self.settings.limits;
        let admitted = self.admit_data(spec, words);
        let Some(multi) = self.sessions.get_mut(client).and_then(|s| s.multi.as_mut()) else {
            return;
        };
        let owned = OwnedArguments::new(words);
        let size = multi.bytes + owned.bytes().len();
        if let Err(error) = admitted.and_then(|()| check_entry_size(size + 64, &limits)) {
            return self.refuse(client, &error, now, out);
        }
        multi.bytes = size;
        multi.only_reads &= spec.kind != Kind::Write;
        multi.commands.push(owned);
        self.answer_in_line(client, now, out, |reply| reply.simple("QUEUED"));
    }

    fn exec(&mut self, client: ConnectionId, now: Now, out: &mut dyn Out) {
        let ready = self.check_ready();
        let ordered_reads = self.reads_are_ordered(client);
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let Some(multi) = session.multi.take() else {
            return;
        };
        let watches = std::mem::take(&mut session.watches);
        let watch_failed = std::mem::take(&mut session.watch_failed);
        let refusal = if multi.refused {
            Some("Transaction discarded because of previous errors.")
        } else if watch_failed {
            Some("Transaction discarded because a WATCH failed.")
        } else {
            None
        };
        if let Some(text) = refusal {
            let error = ErrorReply::new(ErrorCode::ExecAbort, text);
            return self.error_in_line(client, &error, now, out);
        }
        if let Err(error) = ready {
            return self.error_in_line(client, &error, now, out);
        }
        let transaction = Transaction {
            watches,
            commands: multi.commands,
        };
        if !multi.only_reads || ordered_reads {
            let body = EntryBody::transaction(&transaction.watches, &transaction.commands);
            if let Err(error) = check_entry_size(body.bytes().len(), &self.settings.limits) {
                return self.error_in_line(client, &error, now, out);
            }
            let answer = Answer::Exec {
                is_read: multi.only_reads,
            };
            return self.multicast(client, body, answer, now, out);
        }
        if self
            .sessions
            .get(client)
            .is_some_and(|session| session.pending.is_empty())
        {
            let start = reply_start(self.observed, client, out);
            self.evaluate_transaction(client, &transaction, out);
            self.observe_reply(client, None, start, now, out);
        } else {
            self.wait_in_line(client, Pending::LocalExec(transaction));
        }
    }

    /// A transaction of reads on this replica's own data.
    pub(super) fn evaluate_transaction(
        &mut self,
        client: ConnectionId,
        transaction: &Transaction,
        out: &mut dyn Out,
    ) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let Engine::Ordered(ordered) = &self.engine else {
            return;
        };
        let random = splitmix(&mut self.random);
        session.last_position = self.order.position();
        let mut reply = session.writer(out);
        let store = &ordered.store;
        if transaction
            .watches
            .iter()
            .any(|(key, changed)| store.changed(key) != *changed)
        {
            return reply.null_array();
        }
        reply.array(transaction.commands.len());
        for command in &transaction.commands {
            let words = command.get();
            match lookup(words[0]) {
                Some(spec) if spec.kind == Kind::Read => {
                    read(store, spec, &words, random, &mut reply);
                }
                Some(spec) => super::local::answer_simple(spec, &words, &mut reply),
                None => reply.error(&ErrorReply::syntax()),
            }
        }
    }

    fn watch(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        if let Err(error) = self.admit_data(spec, words) {
            if let Some(session) = self.sessions.get_mut(client) {
                session.watch_failed = true;
            }
            return self.error_in_line(client, &error, now, out);
        }
        if self.reads_are_ordered(client) {
            let body = EntryBody::command(words);
            return self.multicast(client, body, Answer::Watch, now, out);
        }
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        if session.pending.is_empty() {
            let start = reply_start(self.observed, client, out);
            self.watch_here(client, words, out);
            self.observe_reply(client, None, start, now, out);
        } else {
            self.wait_in_line(
                client,
                Pending::LocalWatch {
                    words: OwnedArguments::new(words),
                },
            );
        }
    }

    /// Reads the positions of the keys' last changes, at this moment.
    pub(super) fn watch_here(&mut self, client: ConnectionId, words: &[&[u8]], out: &mut dyn Out) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let Engine::Ordered(ordered) = &self.engine else {
            return;
        };
        session.last_position = self.order.position();
        for key in &words[1..] {
            // A key that is watched already keeps its first position, as in Redis.
            let changed = ordered.store.changed(key);
            session.watches.entry(key.to_vec()).or_insert(changed);
        }
        session.writer(out).ok();
    }
}
