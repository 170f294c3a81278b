//! The deliberate bugs that take more than a condition; see [`crate::bugs`]. Only with their feature.

use super::replica::{Engine, Replica};
use super::session::{Answer, Pending, Session};
use crate::bugs::{Bug, planted};
use crate::command::CommandSpec;
use crate::ids::ConnectionId;
use crate::ids::{Ack, ReplicaId, Stamp};
use crate::store::read;
use crate::turn::{Now, Out};
use crate::wire::reply::ReplyWriter;

impl Replica {
    /// See [`Bug::HaveTakenAsAck`].
    pub(super) fn take_as_ack(&mut self, peer: ReplicaId, have: u64, now: Now, out: &mut dyn Out) {
        let me = self.settings.id;
        if let Engine::Ordered(ordered) = &mut self.engine {
            let stamp = Stamp::new(have, me);
            let incarnation = None;
            let _ignored = ordered
                .multicast
                .acknowledge(peer, Ack { stamp, incarnation });
        }
        self.deliver(now, out);
    }

    /// See [`Bug::PipelinedWritesSwapped`]: the entry just stamped changes places with the connection's one
    /// before it, if that has not been sent yet.
    pub(super) fn swap_with_the_one_before(&mut self, client: ConnectionId, time: u64) {
        let sent = self.links.iter().flatten().map(|link| link.sent).max();
        let session = self.sessions.get(client);
        let before = session.and_then(|session| match session.pending.back()?.pending {
            Pending::Ordered { time, answer } if !answer.is_read() => Some(time),
            _ => None,
        });
        if let (Engine::Ordered(ordered), Some(before)) = (&mut self.engine, before)
            && sent.unwrap_or(0) < before
        {
            ordered.multicast.swap_with_next(before, time);
        }
    }

    /// See [`Bug::ReadBeforeOwnWrite`]: evaluates a read now; only its reply waits in the line.
    pub(super) fn read_too_early(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
    ) {
        let Engine::Ordered(ordered) = &self.engine else {
            return;
        };
        if let Some(session) = self.sessions.get_mut(client) {
            let mut bytes = Vec::new();
            let mut reply = ReplyWriter::new(&mut bytes, session.resp);
            read(&ordered.store, spec, words, 0, &mut reply);
            session.push(Pending::Known(bytes));
        }
    }

    /// See [`Bug::ReadAfterNextWrite`]: whether the reads at the front of a line have to wait for a write
    /// behind them.
    pub(super) fn reads_late(&self, client: ConnectionId) -> bool {
        let behind = |session: &Session| {
            let mut line = session.pending.iter();
            line.any(|waiting| matches!(waiting.pending, Pending::Ordered { .. }))
        };
        planted(Bug::ReadAfterNextWrite) && self.sessions.get(client).is_some_and(behind)
    }

    /// The write was applied and its reply begins at `start`: now come the reads, with their replies before it.
    pub(super) fn read_late(
        &mut self,
        client: ConnectionId,
        start: usize,
        now: Now,
        out: &mut dyn Out,
    ) {
        if planted(Bug::ReadAfterNextWrite) {
            let reply = out.buffer(client).split_off(start);
            self.advance(client, now, out);
            out.buffer(client).extend_from_slice(&reply);
        }
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
