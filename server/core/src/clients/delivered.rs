//! What was delivered: applied, answered, and what waited for it.

use super::pipeline::{observe_reply, reply_start};
use super::session::{Answer, Pending, Session};
use super::{Clients, Parts};
use crate::bugs::{Bug, planted};
use crate::engine::{Applying, Delivery, Wanted};
use crate::ids::ConnectionId;
use crate::settings::Settings;
use crate::turn::Turn;
use crate::wire::reply::ReplyWriter;

impl Clients {
    /// Has an entry applied and answers its client, if that still waits for it. Reads that waited for it see the data
    /// as it is now, before the next is applied.
    #[inline]
    pub(crate) fn delivered(
        &mut self,
        delivery: &Delivery,
        parts: &mut Parts<'_>,
        turn: &mut Turn<'_>,
    ) {
        let session = delivery
            .client
            .and_then(|client| self.sessions.get_mut(client));
        let waiting = session.and_then(|session| take_answer(session, delivery.entry.stamp.time));
        match (delivery.client, waiting) {
            (Some(client), Some(answer)) => self.answer(client, answer, delivery, parts, turn),
            _ => {
                let how = applying(Wanted::Nothing, 0, parts.settings, turn);
                parts
                    .engine
                    .apply(delivery, &how, &mut ReplyWriter::discard());
            }
        }
        #[cfg(feature = "deliberate-bugs")]
        if delivery
            .client
            .is_some_and(|client| self.reads_late(client))
        {
            return self.wake_awaiting(delivery.position, parts, turn);
        }
        if let Some(client) = delivery.client
            && self.sessions.get(client).is_some_and(Session::may_advance)
        {
            self.advance(client, parts, turn);
        }
        self.wake_awaiting(delivery.position, parts, turn);
    }

    /// The client still waits for the entry.
    fn answer(
        &mut self,
        client: ConnectionId,
        answer: Answer,
        delivery: &Delivery,
        parts: &mut Parts<'_>,
        turn: &mut Turn<'_>,
    ) {
        let random = self.random.draw();
        let start = reply_start(client, turn);
        let session = self.sessions.at(client);
        session.last_position = delivery.position;
        let how = applying(answer.wanted(), random, parts.settings, turn);
        let mut reply = session.writer(turn);
        parts.engine.apply(delivery, &how, &mut reply);
        if answer == Answer::Watch {
            let mut reader = delivery.entry.body.read();
            while let Some(words) = reader.next_command() {
                session.watch(&words[1..], &*parts.engine);
            }
            session.writer(turn).ok();
        }
        let took = turn.now.monotonic.saturating_sub(session.arrived);
        self.ordered_latencies.note(took, turn.now);
        if self.slow_log.is_slow(took) {
            let from = (session.address.as_str(), session.name.as_str());
            let words = delivery.entry.body.read().words();
            self.slow_log.note(words, from, took, turn.now);
        }
        #[cfg(feature = "deliberate-bugs")]
        self.read_late(client, start, parts, turn);
        observe_reply(client, Some(delivery.entry.stamp), start, turn);
    }

    #[inline]
    fn wake_awaiting(&mut self, position: u64, parts: &mut Parts<'_>, turn: &mut Turn<'_>) {
        while let Some(&(wanted, client)) = self.awaiting.first() {
            if wanted > position {
                return;
            }
            self.awaiting.pop_first();
            self.advance(client, parts, turn);
        }
    }
}

fn applying<'a>(
    wanted: Wanted,
    random: u64,
    settings: &'a Settings,
    turn: &Turn<'_>,
) -> Applying<'a> {
    Applying {
        settings,
        wanted,
        random,
        now: turn.now,
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
    let front = &session.pending.front()?.pending;
    let &Pending::Ordered {
        time: waited,
        answer,
    } = front
    else {
        return None;
    };
    if waited != time && !planted(Bug::LateReplyToNextCommand) {
        return None;
    }
    session.pop();
    Some(answer)
}
