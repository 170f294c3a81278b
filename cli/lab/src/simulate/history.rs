//! A simulated run as a history, for the checkers.

use super::record::{Placed, Record};
use super::session::{Outcome as Judged, Request, Session, is_read};
use super::translate::{Parts, depends_on_reply};
use super::world::World;
use crate::history::{Answer, Call, Final, History, Moment, Operation, Outcome};
use crate::order::Entry;
use holdback::consistency::Consistency;
use holdback::entry::EntryBody;
use holdback::store::Keyspace;
use holdback::wire::arguments::Arguments;
use holdback::wire::value::{self, Value};
use std::collections::BTreeMap;

/// Which reads go into a history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reads {
    /// All.
    All,
    /// Those of which the cluster's model promises something: in the linearizable model a client may choose to read
    /// past the multicast, and is promised less.
    Promised,
}

impl World {
    /// What the clients saw, in the words that histories have. A process is a connection.
    pub(super) fn history(&self, reads: Reads) -> History {
        let mut operations = Vec::new();
        for (session, process) in self.sessions.iter().zip(0..) {
            self.add_session(session, process, reads, &mut operations);
        }
        operations.sort_by_key(|operation| operation.invoked);
        let meta = serde_json::json!({
            "consistency": self.plan.consistency.name(),
            "seed": self.plan.seed,
            "simulated": true,
        });
        History {
            meta: meta.as_object().cloned(),
            operations,
            initial: None,
            finals: self.finals(),
            timed: true,
        }
    }

    /// The order on record in the same words, from the first position on.
    pub(super) fn translated_order(&self) -> Vec<Entry> {
        let placed = self.ledger.record.order.iter().zip(1..);
        placed
            .map(|(placed, position)| {
                let mut entry = entry(position, placed.stamp.to_string(), &placed.body);
                let parts = Parts::of_all(&entry.commands, placed.replies().as_deref());
                entry.commands = Call::Txn(parts.calls).commands();
                if entry.commands.is_empty() {
                    entry.commands.push(vec![b"PING".to_vec()]);
                }
                entry
            })
            .collect()
    }

    /// Whether a client may have read what it was promised less of.
    pub(super) fn promised_less(&self) -> bool {
        let mut requests = self.sessions.iter().flat_map(|session| &session.requests);
        requests.any(|request| self.is_promised_less(request))
    }

    fn is_promised_less(&self, request: &Request) -> bool {
        self.plan.consistency == Consistency::Linearizable && request.reads_locally
    }

    fn add_session(
        &self,
        session: &Session,
        process: u64,
        reads: Reads,
        operations: &mut Vec<Operation>,
    ) {
        let mut multi: Option<Vec<&[Vec<u8>]>> = None;
        let mut push = |request: &Request, commands: &[&[Vec<u8>]]| {
            let Some(mut operation) = self.operation(session, request, commands) else {
                return;
            };
            let only_reads = commands.iter().all(|words| is_read(&words[0]));
            if reads == Reads::Promised && only_reads && self.is_promised_less(request) {
                return;
            }
            operation.process = process;
            operations.push(operation);
        };
        for request in &session.requests {
            let words = request.command.0.as_slice();
            let refused = request.reply.starts_with(b"-");
            match (words[0].as_slice(), &mut multi) {
                (b"MULTI", _) => multi = (!refused).then(Vec::new),
                (b"DISCARD", _) => multi = None,
                (b"EXEC", _) => {
                    if let Some(commands) = multi.take() {
                        push(request, &commands);
                    }
                }
                (_, Some(commands)) if !refused => commands.push(words),
                (_, Some(_)) => {}
                (_, None) => push(request, &[words]),
            }
        }
    }

    /// The operation that a request made with these commands; none if histories have no name for any of it.
    fn operation(
        &self,
        session: &Session,
        request: &Request,
        commands: &[&[Vec<u8>]],
    ) -> Option<Operation> {
        let is_exec = request.command.0[0] == b"EXEC";
        let refused = request.reply.starts_with(b"-");
        let done = request.outcome == Judged::Done && !refused;
        let replies = if done {
            answers(&request.reply, is_exec)
        } else if commands.iter().any(|words| depends_on_reply(words)) {
            let record = &self.ledger.record;
            record.replies_to_unclaimed(session.replica, commands)
        } else {
            None
        };
        let Parts {
            mut calls,
            mut answers,
        } = Parts::of_all(commands, replies.as_deref());
        let (call, answer) = match calls.len() {
            1 => (calls.remove(0), answers.remove(0)),
            _ => (Call::Txn(calls), Answer::List(answers)),
        };
        if call == Call::Txn(Vec::new()) {
            return None;
        }
        let outcome = match request.outcome {
            // Stopped by WATCH, or an error.
            Judged::Done if replies.is_none() || answer == Answer::Error => Outcome::Fail,
            Judged::Done => Outcome::Ok(answer),
            Judged::Failed => Outcome::Fail,
            Judged::Open | Judged::Unknown => Outcome::Info,
        };
        let moment = |time: u64| -> Moment { time * 1000 };
        let has_position = self.plan.consistency.is_ordered() && matches!(outcome, Outcome::Ok(_));
        Some(Operation {
            process: 0,
            invoked: moment(request.invoked),
            completed: (!request.reply.is_empty()).then(|| moment(request.completed)),
            position: has_position.then_some(request.position),
            outcome,
            call,
            replica: Some(session.replica as u64 + 1),
            line: 0,
        })
    }

    /// What each replica holds that is running.
    pub(super) fn finals(&self) -> Vec<Final> {
        let owned = |(key, value): (&[u8], &[u8])| (key.to_vec(), value.to_vec());
        let data = |(index, replica): (usize, &holdback::replica::Replica)| Final {
            replica: index as u64 + 1,
            store: match (replica.ordered_store(), replica.gossip()) {
                (Some(store), _) => store.live().map(owned).collect(),
                (None, Some(gossip)) => gossip.live().map(owned).collect(),
                (None, None) => BTreeMap::new(),
            },
        };
        self.replicas().map(data).collect()
    }
}

/// An entry as the order's files have it.
pub(super) fn entry(position: u64, stamp: String, body: &EntryBody) -> Entry {
    let mut reader = body.read();
    let watched = std::iter::from_fn(|| reader.next_watch());
    let watched = watched
        .map(|(key, changed)| (key.to_vec(), changed))
        .collect();
    let commands = reader.commands();
    let owned = |words: Arguments<'_>| words.iter().map(|word| word.to_vec()).collect();
    Entry {
        position,
        stamp,
        watched,
        commands: commands.map(owned).collect(),
    }
}

/// The answers in the reply to one command, or to EXEC; none if it was aborted by WATCH.
fn answers(reply: &[u8], is_exec: bool) -> Option<Vec<Value>> {
    match value::parse(reply) {
        Ok(Some((Value::Array(values), _))) if is_exec => Some(values),
        Ok(Some((Value::Null, _))) if is_exec => None,
        Ok(Some((value, _))) => Some(vec![value]),
        _ => None,
    }
}

impl Placed {
    /// What each command of the entry was answered; none if WATCH aborted it.
    fn replies(&self) -> Option<Vec<Value>> {
        let is_exec =
            self.body.read().is_transaction() || self.body.read().commands().next().is_none();
        answers(&self.reply, is_exec)
    }
}

impl Record {
    /// What the commands of an entry were answered whose client got no reply; none if there is no such entry.
    fn replies_to_unclaimed(&self, replica: usize, commands: &[&[Vec<u8>]]) -> Option<Vec<Value>> {
        let is_it = |placed: &&Placed| {
            let same = || {
                let mut entry = placed.body.read().commands();
                commands.iter().all(|words| {
                    let same = |found: Arguments<'_>| found.iter().eq(words.iter());
                    entry.next().is_some_and(same)
                }) && entry.next().is_none()
            };
            !placed.claimed && placed.stamp.replica.index() == replica && same()
        };
        self.order.iter().find(is_it)?.replies()
    }
}
