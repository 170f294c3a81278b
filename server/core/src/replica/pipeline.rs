//! A connection's line of replies: answers in order, barriers, timeouts, the end.

use super::replica::Replica;
use super::session::{Answer, KEPT_BYTES_MAX, Pending};
use crate::ids::ConnectionId;
use crate::ids::Stamp;
use crate::turn::{Close, Event, Now, Out};
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::ReplyWriter;
use std::cmp::Reverse;

impl Replica {
    /// Answers at the client's place in the line: at once if nothing is before it.
    pub(super) fn answer_in_line(
        &mut self,
        client: ConnectionId,
        now: Now,
        out: &mut dyn Out,
        write: impl FnOnce(&mut ReplyWriter<'_>),
    ) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        if session.pending.is_empty() {
            let start = reply_start(self.observed, client, out);
            write(&mut session.writer(out));
            self.observe_reply(client, None, start, now, out);
        } else {
            let mut bytes = Vec::new();
            if !session.muted {
                write(&mut ReplyWriter::new(&mut bytes, session.resp));
            }
            session.push(Pending::Known(bytes));
        }
    }

    /// Answers with an error at the client's place in the line.
    pub(super) fn error_in_line(
        &mut self,
        client: ConnectionId,
        error: &ErrorReply,
        now: Now,
        out: &mut dyn Out,
    ) {
        self.counters.errors += 1;
        self.answer_in_line(client, now, out, |reply| reply.error(error));
    }

    /// Puts a request in the line that has to wait, and sees to it that it does not wait for ever.
    pub(super) fn wait_in_line(&mut self, client: ConnectionId, pending: Pending) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        session.push(pending);
        if !session.timed {
            self.set_timer(client);
        }
    }

    /// Answers whatever has come to the front of a client's line, and takes up what waited behind a
    /// barrier that is gone.
    pub(super) fn advance(&mut self, client: ConnectionId, now: Now, out: &mut dyn Out) {
        loop {
            while self.advance_front(client, now, out) {}
            let Some(session) = self.sessions.get_mut(client) else {
                return;
            };
            if session.is_blocked() {
                break;
            }
            let Some(arrived) = session.behind_since() else {
                break;
            };
            if arrived + self.settings.request_timeout <= now.monotonic {
                // Its time was up while it waited: stamped now, it could only get an indefinite error.
                let waited = format!("not begun within {:?}", self.settings.request_timeout);
                self.give_up_backlog(client, &waited, out);
                break;
            }
            let Some((words, arrived)) = session.pop_behind() else {
                break;
            };
            session.arrived = arrived;
            self.begin(client, &words.get(), now, out);
        }
        self.set_pause(client, out);
        self.close_if_done(client, out);
    }

    /// Answers the request at the front of the line if that can be done now; whether it was.
    fn advance_front(&mut self, client: ConnectionId, now: Now, out: &mut dyn Out) -> bool {
        let position = self.order.position();
        let Some(session) = self.sessions.get_mut(client) else {
            return false;
        };
        match session.pending.front().map(|waiting| &waiting.pending) {
            None | Some(Pending::Ordered { .. }) => return false,
            Some(Pending::Await { position: wanted }) if *wanted > position => return false,
            Some(_) => {}
        }
        let start = reply_start(self.observed, client, out);
        match session.pop() {
            Some(Pending::Local { spec, words }) => {
                self.evaluate(client, spec, &words.get(), now, out);
            }
            Some(Pending::LocalExec(transaction)) => {
                self.evaluate_transaction(client, &transaction, out);
            }
            Some(Pending::LocalWatch { words }) => self.watch_here(client, &words.get(), out),
            Some(Pending::Await { position: wanted }) => {
                session.last_position = position;
                session.writer(out).position(position);
                self.awaiting.remove(&(wanted, client));
            }
            Some(Pending::Known(bytes)) => out.buffer(client).extend_from_slice(&bytes),
            Some(Pending::Ordered { .. }) | None => return false,
        }
        self.observe_reply(client, None, start, now, out);
        true
    }

    /// Tells of the reply that begins at `start` of the client's buffer.
    pub(super) fn observe_reply(
        &self,
        client: ConnectionId,
        stamp: Option<Stamp>,
        start: usize,
        now: Now,
        out: &mut dyn Out,
    ) {
        if !self.observed {
            return;
        }
        let bytes = out.buffer(client).get(start..).unwrap_or_default().to_vec();
        if !bytes.is_empty() {
            out.observe(
                now,
                self.clock(),
                &Event::Reply {
                    client,
                    stamp,
                    bytes: &bytes,
                },
            );
        }
    }

    /// Gives up requests that have waited too long, for each client whose timer is due.
    pub(super) fn expire(&mut self, now: Now, out: &mut dyn Out) {
        while let Some(&Reverse((deadline, client))) = self.timers.peek() {
            if deadline > now.monotonic {
                return;
            }
            self.timers.pop();
            self.expire_client(client, now, out);
        }
    }

    fn expire_client(&mut self, client: ConnectionId, now: Now, out: &mut dyn Out) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        session.timed = false;
        if session.surplus {
            return self.reject_surplus(client, out);
        }
        loop {
            let Some(session) = self.sessions.get_mut(client) else {
                return;
            };
            let timeout = self.settings.request_timeout;
            if session
                .waits_since()
                .is_none_or(|since| since + timeout > now.monotonic)
            {
                break;
            }
            let start = reply_start(self.observed, client, out);
            self.give_up_front(client, None, out);
            self.observe_reply(client, None, start, now, out);
            self.advance(client, now, out);
        }
        self.set_timer(client);
    }

    /// Takes the request at the front out of the line and answers it with the error that fits: because of
    /// `reason`, or else because it waited too long. A write leaves the connection's program order with it;
    /// its late result will be thrown away. What waits behind a barrier fails with it: it was meant to
    /// happen only after it.
    fn give_up_front(&mut self, client: ConnectionId, reason: Option<&str>, out: &mut dyn Out) {
        let me = self.settings.id;
        let waited = format!("not done within {:?}", self.settings.request_timeout);
        let reason = reason.unwrap_or(&waited);
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let front = session.pop();
        let was_barrier = front.as_ref().is_some_and(Pending::is_barrier);
        let error = match front {
            None => return,
            Some(Pending::Ordered { time, answer }) if !answer.is_read() => {
                session.last_given_up = time;
                let stamp = Stamp::new(time, me);
                let text = format!("write {stamp}: {reason}; it may still happen");
                ErrorReply::new(ErrorCode::Uncertain, text)
            }
            Some(Pending::Await { position }) => {
                self.awaiting.remove(&(position, client));
                ErrorReply::new(ErrorCode::Timeout, format!("position {position}: {reason}"))
            }
            Some(Pending::Known(bytes)) => return out.buffer(client).extend_from_slice(&bytes),
            Some(pending) => {
                let is_watch = matches!(
                    pending,
                    Pending::LocalWatch { .. }
                        | Pending::Ordered {
                            answer: Answer::Watch,
                            ..
                        }
                );
                session.watch_failed |= is_watch;
                ErrorReply::new(ErrorCode::Timeout, format!("read: {reason}"))
            }
        };
        self.counters.errors += 1;
        session.writer(out).error(&error);
        if was_barrier {
            let text =
                format!("not begun: the command that it waited behind was given up ({reason})");
            self.give_up_backlog(client, &text, out);
        }
    }

    /// Answers what waited behind a barrier with a definite error: none of it was begun.
    fn give_up_backlog(&mut self, client: ConnectionId, text: &str, out: &mut dyn Out) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let error = ErrorReply::new(ErrorCode::Timeout, text.to_owned());
        let mut reply = session.writer(out);
        let mut behind = Vec::new();
        while let Some((words, _)) = session.pop_behind() {
            reply.error(&error);
            behind.push(words);
        }
        self.counters.errors += behind.len() as u64;
        session.give_up_multi(behind.iter());
    }

    /// Answers everything that a client waits for with an error.
    pub(super) fn fail_all(&mut self, client: ConnectionId, reason: &str, out: &mut dyn Out) {
        while self
            .sessions
            .get(client)
            .is_some_and(|session| !session.pending.is_empty())
        {
            self.give_up_front(client, Some(reason), out);
        }
    }

    /// Stops reading from a client with too many unanswered requests, or resumes.
    pub(super) fn set_pause(&mut self, client: ConnectionId, out: &mut dyn Out) {
        let limit = self.settings.unanswered_max;
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let pause = if session.paused { limit / 2 } else { limit };
        let too_large = session.kept_bytes > KEPT_BYTES_MAX && session.unanswered() > 1;
        let paused = too_large || session.unanswered() >= pause.max(1);
        if paused != session.paused {
            session.paused = paused;
            out.pause(client, paused);
        }
    }

    /// Closes a connection that sends no more once all is answered.
    pub(super) fn close_if_done(&mut self, client: ConnectionId, out: &mut dyn Out) {
        let session = self.sessions.get(client);
        let Some(session) = session.filter(|session| session.ending && session.is_idle()) else {
            return;
        };
        if let Some(error) = &session.last_words {
            session.writer(out).error(error);
        }
        self.forget_session(client);
        out.close(client, Close::AfterFlush);
    }

    /// Forgets a client. Its undelivered entries go on.
    pub(super) fn forget_session(&mut self, client: ConnectionId) {
        if let Some(session) = self.sessions.remove(client) {
            for waiting in &session.pending {
                if let Pending::Await { position } = waiting.pending {
                    self.awaiting.remove(&(position, client));
                }
            }
            self.monitors.retain(|monitor| *monitor != client);
        }
    }

    /// Sees to it that the request at the front of a client's line gives up in time.
    fn set_timer(&mut self, client: ConnectionId) {
        let timeout = self.settings.request_timeout;
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        if !session.timed
            && let Some(since) = session.waits_since()
        {
            session.timed = true;
            self.timers.push(Reverse((since + timeout, client)));
        }
    }
}

/// Where the next reply in the client's buffer begins, if anybody is to hear of it.
pub(super) fn reply_start(observed: bool, client: ConnectionId, out: &mut dyn Out) -> usize {
    if observed || crate::bugs::COMPILED_IN {
        out.buffer(client).len()
    } else {
        0
    }
}
