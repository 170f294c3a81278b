//! MULTI, EXEC, DISCARD, WATCH and UNWATCH.
//!
//! A transaction is gathered at the connection and becomes one entry. WATCH reads the position of each
//! key's last change, EXEC carries these positions, and every replica compares them when it delivers the
//! entry: if one differs, nothing is applied, on any of them.

use super::dispatch::{Submitted, admit, read_bytes};
use super::evaluate::{context, or_error};
use super::pipeline::{observe_reply, reply_start};
use super::session::{Answer, Multi, Pending, Transaction};
use super::{Clients, Parts, memory};
use crate::command::{CommandSpec, Kind, Run, TransactionCommand, lookup};
use crate::engine::Path;
use crate::entry::EntryBody;
use crate::ids::ConnectionId;
use crate::store::check_entry_size;
use crate::wire::arguments::OwnedArguments;
use crate::wire::error::{ErrorCode, ErrorReply};

impl Transaction {
    /// How many bytes the replies of its reads would have now.
    fn reply_bytes(&self, parts: &Parts<'_, '_>) -> usize {
        let commands = self.commands.iter();
        commands.map(|words| read_bytes(&words.get(), parts)).sum()
    }
}

impl Clients {
    /// A command of this family.
    pub(super) fn transaction(
        &mut self,
        client: ConnectionId,
        command: TransactionCommand,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        if let Err(error) = parts.at.engine.check_ordered(spec.name) {
            return self.error_in_line(client, &error, parts.at.turn);
        }
        let session = self.sessions.at(client);
        let error = match (command, session.multi.is_some()) {
            (TransactionCommand::Exec, true) => return self.exec(client, parts),
            (TransactionCommand::Watch, false) => {
                return self.watch(client, spec, words, parts);
            }
            (TransactionCommand::Multi, true) => ErrorReply::err("MULTI calls can not be nested"),
            (TransactionCommand::Watch, true) => {
                ErrorReply::err("WATCH inside MULTI is not allowed")
            }
            (TransactionCommand::Unwatch, true) => {
                ErrorReply::err(format!("{} is not allowed inside MULTI", spec.name))
            }
            (TransactionCommand::Exec | TransactionCommand::Discard, false) => {
                ErrorReply::err(format!("{} without MULTI", spec.name))
            }
            (TransactionCommand::Multi, false) => {
                session.multi = Some(Multi {
                    only_reads: true,
                    ..Multi::default()
                });
                return self.answer_in_line(client, parts.at.turn, |reply| reply.ok());
            }
            (TransactionCommand::Unwatch, false) | (TransactionCommand::Discard, true) => {
                session.leave_transaction();
                return self.answer_in_line(client, parts.at.turn, |reply| reply.ok());
            }
        };
        self.refuse(client, &error, parts.at.turn);
    }

    /// A command between MULTI and EXEC.
    pub(super) fn queue_in_multi(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        if !spec.in_multi {
            let error = ErrorReply::err(format!("{} is not allowed inside MULTI", spec.name));
            return self.refuse(client, &error, parts.at.turn);
        }
        let session = self.sessions.at(client);
        let gathered = session.multi.as_ref().map_or(0, |multi| multi.bytes);
        let owned = OwnedArguments::new(words);
        let size = gathered + owned.bytes().len();
        let admitted = admit(spec, words, parts);
        let admitted = admitted.and_then(|()| memory::growth(spec, words, parts).map(drop));
        let limits = &parts.at.settings.limits;
        if let Err(error) = admitted.and_then(|()| check_entry_size(size + 64, limits)) {
            return self.refuse(client, &error, parts.at.turn);
        }
        let multi = session.multi.get_or_insert_default();
        multi.bytes = size;
        multi.only_reads &= spec.kind != Kind::Write;
        multi.commands.push(owned);
        self.answer_in_line(client, parts.at.turn, |reply| reply.simple("QUEUED"));
    }

    fn exec(&mut self, client: ConnectionId, parts: &mut Parts<'_, '_>) {
        let linearizable = self.reads_are_linearizable(client);
        let session = self.sessions.at(client);
        let multi = session.multi.take().unwrap_or_default();
        let watches = std::mem::take(&mut session.watches);
        let watch_failed = std::mem::take(&mut session.watch_failed);
        let refusal = if multi.refused {
            Some("Transaction discarded because of previous errors.")
        } else if watch_failed {
            Some("Transaction discarded because a WATCH failed.")
        } else {
            None
        };
        let refusal = refusal.map(|text| ErrorReply::new(ErrorCode::ExecAbort, text));
        if let Some(error) = refusal.or_else(|| parts.peers.check_ready().err()) {
            return self.error_in_line(client, &error, parts.at.turn);
        }
        let transaction = Transaction {
            watches,
            commands: multi.commands,
        };
        let writes = !multi.only_reads;
        if parts.at.engine.transaction_path(writes, linearizable) == Path::Ordered {
            // Before it is built: it could be much.
            let size = transaction.watches.memory() + multi.bytes;
            let admitted = check_entry_size(size, &parts.at.settings.limits)
                .and_then(|()| memory::check_work(&transaction, parts))
                .and_then(|()| memory::growth_of_all(&transaction, parts));
            let growth = match admitted {
                Ok(growth) => growth,
                Err(error) => return self.error_in_line(client, &error, parts.at.turn),
            };
            let body = EntryBody::transaction(transaction.watches.keys(), &transaction.commands);
            let answer = Answer::Exec { is_read: !writes };
            let reply_bytes = transaction.reply_bytes(parts);
            let entry = Submitted {
                body,
                answer,
                growth,
            };
            return self.submit(client, entry, reply_bytes, parts);
        }
        if self.sessions.at(client).pending.is_empty() {
            let start = reply_start(client, parts.at.turn);
            self.evaluate_transaction(client, &transaction, parts);
            observe_reply(client, None, start, parts.at.turn);
        } else {
            let reply_bytes = transaction.reply_bytes(parts);
            self.wait_in_line(client, Pending::LocalExec(transaction), reply_bytes, parts);
        }
    }

    /// A transaction of reads on this replica's own data.
    pub(super) fn evaluate_transaction(
        &mut self,
        client: ConnectionId,
        transaction: &Transaction,
        parts: &mut Parts<'_, '_>,
    ) {
        let (engine, now) = (&*parts.at.engine, parts.at.turn.now);
        let random = self.random.step();
        let session = self.sessions.at(client);
        session.last_position = engine.order().position();
        let most = parts.at.settings.output_bytes_max;
        let mut reply = session.writer(parts.at.turn).within(most);
        let mut watched = transaction.watches.keys().iter();
        if watched.any(|(key, changed)| engine.last_change(key) != *changed) {
            return reply.null_array();
        }
        let how = context(0, random, parts.at.settings, now);
        reply.array(transaction.commands.len());
        for command in &transaction.commands {
            let words = command.get();
            let answer = match lookup(words[0]).map(|spec| spec.run) {
                Some(Run::Read(read)) => match reply.check_room() {
                    Ok(()) => read(engine.keyspace(), &words, &how, &mut reply),
                    full => full,
                },
                Some(Run::Plain(plain)) => plain(&words, &how, &mut reply),
                _ => Err(ErrorReply::syntax()),
            };
            or_error(answer, &mut reply);
        }
    }

    fn watch(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let admitted = admit(spec, words, parts);
        let most = parts.at.settings.watches_max;
        let session = self.sessions.at(client);
        let limits = &parts.at.settings.limits;
        let has_room = || session.watches.check_room(&words[1..], most, limits);
        if let Err(error) = admitted.and_then(|()| has_room()) {
            session.watch_failed = true;
            return self.error_in_line(client, &error, parts.at.turn);
        }
        let linearizable = self.reads_are_linearizable(client);
        if parts.at.engine.transaction_path(false, linearizable) == Path::Ordered {
            let entry = Submitted {
                body: EntryBody::command(words),
                answer: Answer::Watch,
                growth: 0,
            };
            return self.submit(client, entry, 0, parts);
        }
        if self.sessions.at(client).pending.is_empty() {
            let start = reply_start(client, parts.at.turn);
            self.watch_here(client, words, parts);
            observe_reply(client, None, start, parts.at.turn);
        } else {
            let words = OwnedArguments::new(words);
            self.wait_in_line(client, Pending::LocalWatch { words }, 0, parts);
        }
    }

    /// Reads the positions of the keys' last changes, at this moment.
    pub(super) fn watch_here(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let session = self.sessions.at(client);
        session.last_position = parts.at.engine.order().position();
        session.watch(&words[1..], &*parts.at.engine);
        session.writer(parts.at.turn).ok();
    }
}
