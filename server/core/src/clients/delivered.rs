//! What was delivered: applied, answered, and what waited for it.

use super::evaluate::context;
use super::pipeline::{observe_reply, reply_start};
use super::session::{Answer, Session};
use super::{Clients, Parts};
use crate::bugs::{Bug, planted};
use crate::engine::{Delivery, Wanted};
use crate::ids::ConnectionId;
use crate::turn::Room;
use crate::wire::reply::ReplyWriter;

impl Clients {
    /// Has an entry applied and answers its client, if that still waits for it. Reads that waited for it see the data
    /// as it is now, before the next is applied.
    #[inline]
    pub(crate) fn delivered(&mut self, delivery: &Delivery, parts: &mut Parts<'_, '_>) {
        let may_advance = self.apply(delivery, parts);
        if let Some(client) = delivery.client.filter(|_| may_advance) {
            self.advance(client, parts);
        }
        if !self.awaiting.is_empty() {
            self.wake_awaiting(delivery.position, parts);
        }
    }

    /// Has an entry applied, and its client answered; whether more can be done for the client.
    #[inline]
    fn apply(&mut self, delivery: &Delivery, parts: &mut Parts<'_, '_>) -> bool {
        let Delivery {
            position,
            entry,
            client,
        } = delivery;
        let random = self.random.step();
        let how = context(*position, random, parts.at.settings, parts.at.turn.now);
        let time = entry.stamp.time;
        if let Some(client) = client.filter(|client| self.is_behind_stalled(*client, time)) {
            self.give_up_stalled(client, parts.at.turn);
        }
        // Its client may be gone, or have given up.
        let session = client.and_then(|client| self.sessions.get_mut(client));
        let Some(session) = session else {
            let nowhere = &mut ReplyWriter::discard();
            parts
                .at
                .engine
                .apply(delivery, Wanted::Nothing, &how, nowhere);
            return false;
        };
        let Some(answer) = take_answer(session, entry.stamp.time) else {
            let nowhere = &mut ReplyWriter::discard();
            parts
                .at
                .engine
                .apply(delivery, Wanted::Nothing, &how, nowhere);
            return session.may_advance();
        };
        let start = reply_start(session.id, parts.at.turn);
        session.last_position = *position;
        // What is read too much cannot wait: it would be another value later.
        let room = match answer {
            Answer::Command { is_read: false } => usize::MAX,
            _ if parts.at.turn.out.room(session.id) == Room::None => 0,
            _ => how.reply_bytes,
        };
        let mut reply = session.writer(parts.at.turn).within(room);
        parts
            .at
            .engine
            .apply(delivery, answer.wanted(), &how, &mut reply);
        if answer == Answer::Watch {
            let mut reader = entry.body.read();
            while let Some(words) = reader.next_command() {
                session.watch(&words[1..], &*parts.at.engine);
            }
            session.writer(parts.at.turn).ok();
        }
        let took = parts.at.turn.now.monotonic.saturating_sub(session.arrived);
        self.ordered_latencies.note(took, parts.at.turn.now);
        if self.slow_log.is_slow(took) {
            let from = (session.address.as_str(), session.name.as_str());
            let words = entry.body.read().words();
            self.slow_log.note(words, from, took, parts.at.turn.now);
        }
        observe_reply(session.id, Some(entry.stamp), start, parts.at.turn);
        #[cfg(feature = "deliberate-bugs")]
        if planted(Bug::ReadAfterNextWrite) {
            let client = session.id;
            return self.read_late(client, start, parts);
        }
        session.may_advance()
    }

    /// Whether a client waits for a delivered entry, with something before it that waits for the client to read first.
    #[inline]
    fn is_behind_stalled(&self, client: ConnectionId, time: u64) -> bool {
        let stalled = self.sessions.get(client).filter(|one| one.is_stalled());
        stalled.is_some_and(|session| session.waits_for(time)) && !planted(Bug::ReadAfterNextWrite)
    }

    #[inline]
    fn wake_awaiting(&mut self, position: u64, parts: &mut Parts<'_, '_>) {
        while let Some(&(wanted, client)) = self.awaiting.first() {
            if wanted > position {
                return;
            }
            self.awaiting.pop_first();
            self.advance(client, parts);
        }
    }
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
    session.take_ordered(time)
}
