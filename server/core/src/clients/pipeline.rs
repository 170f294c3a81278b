//! A connection's line of replies: answers in order, barriers, timeouts, the end.

use super::session::{Answer, KEPT_BYTES_MAX, Pending};
use super::{Clients, Parts};
use crate::ids::{ConnectionId, Stamp};
use crate::turn::{Close, Event, Room, Turn};
use crate::wire::error::{ErrorCode, ErrorReply};
use crate::wire::reply::ReplyWriter;
use std::cmp::Reverse;

impl Clients {
    /// Answers at the client's place in the line: at once if nothing is before it.
    pub(super) fn answer_in_line(
        &mut self,
        client: ConnectionId,
        turn: &mut Turn<'_>,
        write: impl FnOnce(&mut ReplyWriter<'_>),
    ) {
        let session = self.sessions.at(client);
        if session.pending.is_empty() {
            let start = reply_start(client, turn);
            write(&mut session.writer(turn));
            observe_reply(client, None, start, turn);
        } else {
            let mut bytes = Vec::new();
            if !session.muted {
                write(&mut ReplyWriter::new(&mut bytes, session.resp));
            }
            session.push(Pending::Known(bytes), 0);
        }
    }

    /// Answers with an error at the client's place in the line.
    pub(super) fn error_in_line(
        &mut self,
        client: ConnectionId,
        error: &ErrorReply,
        turn: &mut Turn<'_>,
    ) {
        self.counters.errors += 1;
        self.answer_in_line(client, turn, |reply| reply.error(error));
    }

    /// Puts a request in the line that has to wait, and sees to it that it does not wait for ever. `reply_bytes`: what
    /// its reply would have now, if it reads values.
    pub(super) fn wait_in_line(
        &mut self,
        client: ConnectionId,
        pending: Pending,
        reply_bytes: usize,
        parts: &Parts<'_, '_>,
    ) {
        let session = self.sessions.at(client);
        session.push(pending, reply_bytes);
        if !session.timed {
            self.set_timer(client, parts);
        }
    }

    /// Answers whatever has come to the front of a client's line, and takes up what waited behind a
    /// barrier that is gone; as far as the client has read what it was answered before.
    pub(super) fn advance(&mut self, client: ConnectionId, parts: &mut Parts<'_, '_>) {
        loop {
            while has_room(client, parts) && self.advance_front(client, parts) {}
            // What was answered may have closed the connection, as a PEER behind a barrier does.
            let Some(session) = self.sessions.get_mut(client) else {
                return;
            };
            if session.has_barrier(parts.at.settings) || session.is_stalled() {
                break;
            }
            let Some(arrived) = session.behind_since() else {
                break;
            };
            let timeout = parts.at.settings.request_timeout;
            if arrived + timeout <= parts.at.turn.now.monotonic {
                // Its time was up while it waited: stamped now, it could only get an indefinite error.
                let waited = format!("not begun within {timeout:?}");
                self.give_up_backlog(client, &waited, parts.at.turn);
                break;
            }
            if !has_room(client, parts) {
                break;
            }
            let Some((words, arrived)) = session.pop_behind() else {
                break;
            };
            session.arrived = arrived;
            self.begin(client, &words.get(), parts);
        }
        self.attend(client, parts);
    }

    /// The client has read what it was answered, so that it can be answered more.
    pub(crate) fn drained(&mut self, client: ConnectionId, parts: &mut Parts<'_, '_>) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        session.drained = parts.at.turn.now.monotonic;
        self.advance(client, parts);
        if self.sessions.get(client).is_some() {
            self.set_timer(client, parts);
        }
    }

    /// An entry of a client was delivered that stands behind reads which wait for the client to read first. They are
    /// not answered: when they could be, they would see what the entry changes.
    #[cold]
    pub(super) fn give_up_stalled(&mut self, client: ConnectionId, turn: &mut Turn<'_>) {
        let session = self.sessions.at(client);
        while session.is_stalled() {
            let Some(pending) = session.pop() else {
                return;
            };
            if let Pending::Known(bytes) = pending {
                turn.out.buffer(client).extend_from_slice(&bytes);
            } else {
                let text = "read: not answered before the write behind it, as replies before it are not read yet";
                let error = ErrorReply::new(ErrorCode::Overloaded, text);
                session.writer(turn).error(&error);
                self.counters.errors += 1;
            }
        }
    }

    /// Answers the request at the front of the line if that can be done now; whether it was.
    fn advance_front(&mut self, client: ConnectionId, parts: &mut Parts<'_, '_>) -> bool {
        let position = parts.at.engine.order().position();
        let Some(session) = self.sessions.get_mut(client) else {
            return false;
        };
        match session.pending.front().map(|waiting| &waiting.pending) {
            None | Some(Pending::Ordered { .. }) => return false,
            Some(Pending::Await { position: wanted }) if *wanted > position => return false,
            Some(_) => {}
        }
        let start = reply_start(client, parts.at.turn);
        match session.pop() {
            Some(Pending::Local { spec, words }) => {
                self.evaluate(client, spec, &words.get(), parts);
            }
            Some(Pending::LocalExec(transaction)) => {
                self.evaluate_transaction(client, &transaction, parts);
            }
            Some(Pending::LocalWatch { words }) => {
                self.watch_here(client, &words.get(), parts);
            }
            Some(Pending::Await { position: wanted }) => {
                session.last_position = position;
                session.writer(parts.at.turn).position(position);
                self.awaiting.remove(&(wanted, client));
            }
            Some(Pending::Known(bytes)) => {
                parts.at.turn.out.buffer(client).extend_from_slice(&bytes);
            }
            Some(Pending::Ordered { .. }) | None => return false,
        }
        observe_reply(client, None, start, parts.at.turn);
        true
    }

    /// Gives up requests that have waited too long, for each client whose timer is due.
    pub(super) fn expire(&mut self, parts: &mut Parts<'_, '_>) {
        while let Some(&Reverse((deadline, client))) = self.timers.peek() {
            if deadline > parts.at.turn.now.monotonic {
                return;
            }
            self.timers.pop();
            self.expire_client(client, parts);
        }
    }

    fn expire_client(&mut self, client: ConnectionId, parts: &mut Parts<'_, '_>) {
        // A client that is gone may have left a timer.
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        session.timed = false;
        if session.surplus {
            return self.reject_surplus(client, parts.at.turn);
        }
        loop {
            let Some(session) = self.sessions.get_mut(client) else {
                return;
            };
            let timeout = parts.at.settings.request_timeout;
            let since = session.waits_since();
            if since.is_none_or(|since| since + timeout > parts.at.turn.now.monotonic) {
                break;
            }
            let start = reply_start(client, parts.at.turn);
            self.give_up_front(client, None, parts);
            observe_reply(client, None, start, parts.at.turn);
            self.advance(client, parts);
        }
        self.set_timer(client, parts);
    }

    /// Takes the request at the front out of the line and answers it with the error that fits: because of
    /// `reason`, or else because it waited too long. A write leaves the connection's program order with it;
    /// its late result will be thrown away. What waits behind a barrier fails with it: it was meant to
    /// happen only after it.
    fn give_up_front(
        &mut self,
        client: ConnectionId,
        reason: Option<&str>,
        parts: &mut Parts<'_, '_>,
    ) {
        let me = parts.at.settings.id;
        let waited = format!("not done within {:?}", parts.at.settings.request_timeout);
        let reason = reason.unwrap_or(&waited);
        let session = self.sessions.at(client);
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
            Some(Pending::Known(bytes)) => {
                return parts.at.turn.out.buffer(client).extend_from_slice(&bytes);
            }
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
        session.writer(parts.at.turn).error(&error);
        if was_barrier {
            let text =
                format!("not begun: the command that it waited behind was given up ({reason})");
            self.give_up_backlog(client, &text, parts.at.turn);
        }
    }

    /// Answers what waited behind a barrier with a definite error: none of it was begun.
    fn give_up_backlog(&mut self, client: ConnectionId, text: &str, turn: &mut Turn<'_>) {
        let session = self.sessions.at(client);
        let error = ErrorReply::new(ErrorCode::Timeout, text.to_owned());
        let mut reply = session.writer(turn);
        let mut behind = Vec::new();
        while let Some((words, _)) = session.pop_behind() {
            reply.error(&error);
            behind.push(words);
        }
        self.counters.errors += behind.len() as u64;
        session.give_up_multi(behind.iter());
    }

    /// Answers everything that a client waits for with an error.
    pub(super) fn fail_all(
        &mut self,
        client: ConnectionId,
        reason: &str,
        parts: &mut Parts<'_, '_>,
    ) {
        while !self.sessions.at(client).pending.is_empty() {
            self.give_up_front(client, Some(reason), parts);
        }
    }

    /// Stops reading from a client or resumes, and closes it if it is done, where that may be called for.
    #[inline]
    pub(crate) fn attend(&mut self, client: ConnectionId, parts: &mut Parts<'_, '_>) {
        let limit = parts.at.settings.unanswered_max;
        let session = self.sessions.get(client);
        if session.is_some_and(|session| session.needs_care(limit)) {
            self.set_pause(client, limit, parts.at.turn);
            self.close_if_done(client, parts.at.turn);
        }
    }

    /// Stops reading from a client with too many unanswered requests, or resumes.
    fn set_pause(&mut self, client: ConnectionId, limit: usize, turn: &mut Turn<'_>) {
        let session = self.sessions.at(client);
        let pause = if session.paused { limit / 2 } else { limit };
        let too_large = session.kept_bytes > KEPT_BYTES_MAX && session.unanswered() > 1;
        let paused = too_large || session.unanswered() >= pause.max(1);
        if paused != session.paused {
            session.paused = paused;
            turn.out.pause(client, paused);
        }
    }

    /// Closes a connection that sends no more once all is answered.
    pub(super) fn close_if_done(&mut self, client: ConnectionId, turn: &mut Turn<'_>) {
        let session = self.sessions.get(client);
        let Some(session) = session.filter(|session| session.ending && session.is_idle()) else {
            return;
        };
        if let Some(error) = &session.last_words {
            session.writer(turn).error(error);
        }
        self.forget(client);
        turn.out.close(client, Close::AfterFlush);
    }

    /// Forgets a client. Its undelivered entries go on.
    pub(crate) fn forget(&mut self, client: ConnectionId) {
        if let Some(session) = self.sessions.remove(client) {
            for waiting in &session.pending {
                if let Pending::Await { position } = waiting.pending {
                    self.awaiting.remove(&(position, client));
                }
            }
        }
    }

    /// Sees to it that the request at the front of a client's line gives up in time.
    fn set_timer(&mut self, client: ConnectionId, parts: &Parts<'_, '_>) {
        let timeout = parts.at.settings.request_timeout;
        let session = self.sessions.at(client);
        if !session.timed
            && let Some(since) = session.waits_since()
        {
            session.timed = true;
            self.timers.push(Reverse((since + timeout, client)));
        }
    }
}

/// Whether a client has read enough to be answered more.
fn has_room(client: ConnectionId, parts: &mut Parts<'_, '_>) -> bool {
    parts.at.turn.out.room(client) == Room::Some
}

/// Where the next reply in the client's buffer begins, if anybody is to hear of it.
#[inline]
pub(super) fn reply_start(client: ConnectionId, turn: &mut Turn<'_>) -> usize {
    if turn.observed() || crate::bugs::COMPILED_IN {
        turn.out.buffer(client).len()
    } else {
        0
    }
}

/// Tells of the reply that begins at `start` of the client's buffer.
#[inline(always)]
pub(super) fn observe_reply(
    client: ConnectionId,
    stamp: Option<Stamp>,
    start: usize,
    turn: &mut Turn<'_>,
) {
    if turn.observed() {
        tell_reply(client, stamp, start, turn);
    }
}

#[cold]
fn tell_reply(client: ConnectionId, stamp: Option<Stamp>, start: usize, turn: &mut Turn<'_>) {
    let buffer = turn.out.buffer(client);
    let bytes = &buffer.get(start..).unwrap_or_default().to_vec();
    if !bytes.is_empty() {
        turn.tell(&Event::Reply {
            client,
            stamp,
            bytes,
        });
    }
}
