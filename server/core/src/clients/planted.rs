//! The deliberate bugs that take more than a condition; see [`crate::bugs`]. Only with their feature.

use super::session::{Answer, Pending, Session};
use super::{Clients, Parts};
use crate::bugs::{Bug, planted};
use crate::command::ReadFn;
use crate::ids::ConnectionId;
use crate::wire::reply::ReplyWriter;

impl Clients {
    /// See [`Bug::PipelinedWritesSwapped`]: the entry just stamped changes places with the connection's one
    /// before it, if that has not been sent yet.
    pub(super) fn swap_with_the_one_before(
        &mut self,
        client: ConnectionId,
        time: u64,
        answer: Answer,
        parts: &mut Parts<'_, '_>,
    ) {
        if !planted(Bug::PipelinedWritesSwapped) || answer.is_read() {
            return;
        }
        let last = self.sessions.at(client).pending.back();
        if let Some(Pending::Ordered {
            time: before,
            answer,
        }) = last.map(|last| &last.pending)
            && !answer.is_read()
        {
            parts.at.engine.swap(*before, time);
        }
    }

    /// See [`Bug::ReadBeforeOwnWrite`]: evaluates a read now; only its reply waits in the line.
    pub(super) fn read_too_early(
        &mut self,
        client: ConnectionId,
        read: ReadFn,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) {
        let how = super::evaluate::context(0, 0, parts.at.settings, parts.at.turn.now);
        let session = self.sessions.at(client);
        let mut bytes = Vec::new();
        let mut reply = ReplyWriter::new(&mut bytes, session.resp);
        super::evaluate::or_error(
            read(parts.at.engine.keyspace(), words, &how, &mut reply),
            &mut reply,
        );
        session.push(Pending::Known(bytes), 0);
    }

    /// See [`Bug::ReadAfterNextWrite`]: the write was applied and its reply begins at `start`; now come the reads, with
    /// their replies before it. Whether the reads at the front of the line need not wait for yet another write.
    pub(super) fn read_late(
        &mut self,
        client: ConnectionId,
        start: usize,
        parts: &mut Parts<'_, '_>,
    ) -> bool {
        let reply = parts.at.turn.out.buffer(client).split_off(start);
        self.advance(client, parts);
        parts.at.turn.out.buffer(client).extend_from_slice(&reply);
        let Some(session) = self.sessions.get(client) else {
            return false;
        };
        let mut line = session.pending.iter();
        let waits = line.any(|waiting| matches!(waiting.pending, Pending::Ordered { .. }));
        !waits && session.may_advance()
    }
}

/// See [`Bug::ReadAfterNextWrite`]: takes the request that waits for an entry out of the line, past the reads
/// before it.
pub(super) fn take_answer_past_reads(session: &mut Session, time: u64) -> Option<Answer> {
    let found = session.pending.iter().position(
        |waiting| matches!(waiting.pending, Pending::Ordered { time: waited, .. } if waited == time),
    )?;
    if found == 0 {
        return None;
    }
    match session.pending.remove(found)?.pending {
        Pending::Ordered { answer, .. } => Some(answer),
        _ => None,
    }
}
