//! The ordered models: stamping a client's entry, delivering what can be delivered, applying it.

use super::pipeline::reply_start;
use super::replica::{Engine, Ordered, Replica, splitmix};
use super::session::{Answer, Pending, Session};
use crate::bugs::{Bug, planted};
use crate::command::{Kind, lookup};
use crate::entry::{Entry, EntryBody};
use crate::ids::ConnectionId;
use crate::store::{Limits, Store, read, write};
use crate::turn::{Event, Now, Out};
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::ReplyWriter;
use std::time::Duration;

impl Replica {
    /// Stamps an entry and puts it in the client's line. What it owes to the peers goes out at the end of
    /// the turn.
    pub(super) fn multicast(
        &mut self,
        client: ConnectionId,
        body: EntryBody,
        answer: Answer,
        now: Now,
        out: &mut dyn Out,
    ) {
        let Engine::Ordered(ordered) = &mut self.engine else {
            return;
        };
        let size = body.bytes().len();
        let limit = self.settings.pending_bytes_max;
        if ordered.pending_bytes > 0 && ordered.pending_bytes + size > limit {
            let error = ErrorReply::new(
                ErrorCode::Overloaded,
                format!(
                    "{} bytes of undelivered entries (limit {limit})",
                    ordered.pending_bytes
                ),
            );
            if answer == Answer::Watch
                && let Some(session) = self.sessions.get_mut(client)
            {
                session.watch_failed = true;
            }
            return self.error_in_line(client, &error, now, out);
        }
        let answers_early = planted(Bug::ReplyAtSend) && body.describe().starts_with("SET ");
        let stamp = ordered.multicast.stamp(body, now.monotonic);
        ordered.origins.push_back((stamp.time, client));
        ordered.pending_bytes += size;
        if answers_early {
            return self.answer_in_line(client, now, out, |reply| reply.ok());
        }
        #[cfg(feature = "deliberate-bugs")]
        if planted(Bug::PipelinedWritesSwapped) && !answer.is_read() {
            self.swap_with_the_one_before(client, stamp.time);
        }
        self.wait_in_line(
            client,
            Pending::Ordered {
                time: stamp.time,
                answer,
            },
        );
    }

    /// Delivers entries as long as the head can be. To be called after everything that may have made it so.
    pub(super) fn deliver(&mut self, now: Now, out: &mut dyn Out) {
        while let Engine::Ordered(ordered) = &mut self.engine {
            let Some(entry) = ordered.multicast.pop_deliverable() else {
                return;
            };
            let client = own_client(ordered, &entry, self.settings.id);
            let position = self.order.append(&entry);
            if self.observed {
                out.observe(
                    now,
                    self.clock(),
                    &Event::Deliver {
                        position,
                        entry: &entry,
                    },
                );
            }
            if !self.monitors.is_empty() {
                self.monitor_delivery(position, &entry, out);
            }
            // A client's own entry is applied even if it waits for it no more; of others' reads only the position counts.
            if client.is_some() || !entry.body.is_plain_get() {
                self.apply(&entry, position, client, now, out);
            }
            // Reads that waited for this entry see the store as it is now, before the next is applied.
            #[cfg(feature = "deliberate-bugs")]
            let client = client.filter(|client| !self.reads_late(*client));
            if let Some(client) = client
                && self.sessions.get(client).is_some_and(Session::may_advance)
            {
                self.advance(client, now, out);
            }
            if !self.awaiting.is_empty() {
                self.wake_awaiting(position, now, out);
            }
        }
    }

    /// Applies an entry to the store and answers its client, if that still waits for it.
    fn apply(
        &mut self,
        entry: &Entry,
        position: u64,
        client: Option<ConnectionId>,
        now: Now,
        out: &mut dyn Out,
    ) {
        let Engine::Ordered(ordered) = &mut self.engine else {
            return;
        };
        let limits = self.settings.limits;
        let random = splitmix(&mut self.random);
        let context = Context {
            position,
            limits,
            answer: None,
            random,
        };
        let waiting = client.and_then(|client| self.sessions.get_mut(client));
        let waiting = waiting.and_then(|session| {
            let answer = take_answer(session, entry.stamp.time)?;
            session.last_position = position;
            Some((session, answer))
        });
        let Some((session, answer)) = waiting else {
            let mut nowhere = ReplyWriter::discard();
            return execute(&mut ordered.store, entry, &context, &mut nowhere);
        };
        let client = session.id;
        let start = reply_start(self.observed, client, out);
        let mut reply = session.writer(out);
        if answer == Answer::Watch {
            watch(&ordered.store, entry, session);
            reply.ok();
        } else {
            execute(
                &mut ordered.store,
                entry,
                &Context {
                    answer: Some(answer),
                    ..context
                },
                &mut reply,
            );
        }
        let took = now.monotonic.saturating_sub(session.arrived);
        self.ordered_latencies.note(took, now);
        if self.slow_log.is_slow(took) {
            self.note_time(client, || entry.body.read().words(), Duration::ZERO, now);
        }
        #[cfg(feature = "deliberate-bugs")]
        self.read_late(client, start, now, out);
        self.observe_reply(client, Some(entry.stamp), start, now, out);
    }

    fn wake_awaiting(&mut self, position: u64, now: Now, out: &mut dyn Out) {
        while let Some(&(wanted, client)) = self.awaiting.first() {
            if wanted > position {
                return;
            }
            self.awaiting.pop_first();
            self.advance(client, now, out);
        }
    }
}

/// The client of an own entry that is being delivered; own entries are delivered in the order they were
/// stamped.
fn own_client(
    ordered: &mut Ordered,
    entry: &Entry,
    me: crate::ids::ReplicaId,
) -> Option<ConnectionId> {
    if entry.origin() != me {
        return None;
    }
    ordered.pending_bytes -= entry.body.bytes().len();
    let (time, client) = ordered.origins.pop_front()?;
    debug_assert_eq!(
        time, entry.stamp.time,
        "own entries are delivered in their order"
    );
    Some(client)
}

/// Takes the request that waits for the entry with this time off the front of its line. None does if it
/// has given up.
fn take_answer(session: &mut Session, time: u64) -> Option<Answer> {
    #[cfg(feature = "deliberate-bugs")]
    if planted(Bug::ReadAfterNextWrite)
        && let Some(answer) = super::planted::take_answer_past_reads(session, time)
    {
        return Some(answer);
    }
    let Pending::Ordered {
        time: waited,
        answer,
    } = session.pending.front()?.pending
    else {
        return None;
    };
    if waited != time && !planted(Bug::LateReplyToNextCommand) {
        return None;
    }
    session.pop();
    Some(answer)
}

/// Notes the positions of the last changes of the keys that an ordered WATCH names.
fn watch(store: &Store, entry: &Entry, session: &mut Session) {
    for words in entry.body.read().commands() {
        for key in words.iter().skip(1) {
            session
                .watches
                .entry(key.to_vec())
                .or_insert_with(|| store.changed(key));
        }
    }
}

/// What executing an entry depends on, beside the store.
#[derive(Clone, Copy)]
struct Context {
    position: u64,
    limits: Limits,
    /// What the client waits for, if there is one here.
    answer: Option<Answer>,
    random: u64,
}

/// Executes an entry's commands. Only the origin evaluates reads: elsewhere there is no `answer`.
fn execute(store: &mut Store, entry: &Entry, context: &Context, reply: &mut ReplyWriter<'_>) {
    // EXEC answers with an array, even if its transaction is a single command.
    let is_exec = matches!(context.answer, Some(Answer::Exec { .. }));
    match entry.body.single_command().filter(|_| !is_exec) {
        Some(words) => execute_command(store, &words, context, reply),
        None => execute_transaction(store, entry, context, reply),
    }
}

/// The commands of a transaction, if what it depends on has not changed.
fn execute_transaction(
    store: &mut Store,
    entry: &Entry,
    context: &Context,
    reply: &mut ReplyWriter<'_>,
) {
    let mut reader = entry.body.read();
    let mut unchanged = true;
    while let Some((key, changed)) = reader.next_watch() {
        unchanged &= store.changed(key) == changed;
    }
    if planted(Bug::WatchDecidedByOrigin) && context.answer.is_none() {
        unchanged = true;
    }
    if !unchanged {
        return reply.null_array();
    }
    if matches!(context.answer, Some(Answer::Exec { .. })) {
        reply.array(reader.clone().commands().count());
    }
    for words in reader.commands() {
        execute_command(store, &words, context, reply);
    }
}

fn execute_command(
    store: &mut Store,
    words: &[&[u8]],
    context: &Context,
    reply: &mut ReplyWriter<'_>,
) {
    let Some(spec) = lookup(words[0]).filter(|spec| spec.arity_fits(words.len())) else {
        // Never from a replica that admits as this one does; then it is the same everywhere.
        return reply.error(&ErrorReply::err("malformed command in an entry"));
    };
    match spec.kind {
        Kind::Write => write(store, spec, words, context.position, &context.limits, reply),
        _ if context.answer.is_none() => {}
        Kind::Read => read(store, spec, words, context.random, reply),
        _ => super::local::answer_simple(spec, words, reply),
    }
}
