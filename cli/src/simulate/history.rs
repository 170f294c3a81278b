//! A simulated run as a history, for the checkers.

use super::session::{Outcome as Judged, Request, Session};
use super::world::World;
use crate::history::{Answer, Call, Final, History, Moment, Operation, Outcome};
use crate::order::Entry;
use crate::resp;
use holdback::multicast::EntryBody;
use holdback::store::Keyspace;

/// What is open between MULTI and EXEC: the calls, `None` if histories have no name for one of them.
type Open = Option<Vec<Call>>;

impl World {
    /// What the clients saw; `None` if some command that writes has no name in histories. A process is a
    /// connection.
    pub(super) fn history(&self) -> Option<History> {
        let mut operations = Vec::new();
        let is_ordered = self.plan.consistency.is_ordered();
        for (session, process) in self.sessions.iter().zip(0..) {
            add_session(session, process, is_ordered, &mut operations)?;
        }
        operations.sort_by_key(|operation| operation.invoked);
        let meta = serde_json::json!({
            "consistency": self.plan.consistency.name(),
            "seed": self.plan.seed,
            "simulated": true,
        });
        Some(History {
            meta: meta.as_object().cloned(),
            operations,
            initial: None,
            finals: self.finals(),
            timed: true,
        })
    }

    /// What each replica holds that is running.
    pub(super) fn finals(&self) -> Vec<Final> {
        let data = |(index, replica): (usize, &holdback::replica::Replica)| {
            let pairs: Vec<(&[u8], &[u8])> = match (replica.ordered_store(), replica.gossip()) {
                (Some(store), _) => store.live().collect(),
                (None, Some(gossip)) => gossip.live().collect(),
                (None, None) => Vec::new(),
            };
            Final {
                replica: index as u64 + 1,
                store: pairs
                    .into_iter()
                    .map(|(key, value)| (key.to_vec(), value.to_vec()))
                    .collect(),
            }
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
    let owned = |words: holdback::protocol::arguments::Arguments<'_>| {
        words.iter().map(|word| word.to_vec()).collect()
    };
    Entry {
        position,
        stamp,
        watched,
        commands: commands.map(owned).collect(),
    }
}

fn add_session(
    session: &Session,
    process: u64,
    is_ordered: bool,
    operations: &mut Vec<Operation>,
) -> Option<()> {
    let mut multi: Option<Open> = None;
    let mut push = |request: &Request, call| {
        let mut operation = operation(request, process, call);
        operation.replica = Some(session.replica as u64 + 1);
        operation.position = operation.position.filter(|_| is_ordered);
        operations.push(operation);
    };
    for request in &session.requests {
        let words = &request.command.0;
        let refused = request.reply.starts_with(b"-");
        match (words[0].as_slice(), &mut multi) {
            (b"MULTI", _) => multi = (!refused).then(|| Some(Vec::new())),
            (b"DISCARD", _) => multi = None,
            (b"EXEC", Some(_)) => {
                let calls = multi.take()??;
                push(request, transaction(calls));
            }
            (b"EXEC", None) => {}
            (_, Some(calls)) if !refused => {
                if let (Some(list), Some(call)) = (calls.as_mut(), Call::of_command(words)) {
                    list.push(call);
                } else {
                    *calls = None;
                }
            }
            (name, _) => match Call::of_command(words) {
                Some(call) => push(request, call),
                None if is_harmless(name) => {}
                None => return None,
            },
        }
    }
    Some(())
}

/// A transaction of one command is the same entry as that command.
fn transaction(mut calls: Vec<Call>) -> Call {
    match calls.len() {
        1 => calls.remove(0),
        _ => Call::Txn(calls),
    }
}

/// Commands that change nothing can be left out of a history.
fn is_harmless(name: &[u8]) -> bool {
    let writes = matches!(name, b"SET" | b"GETDEL" | b"DEL" | b"INCRBY" | b"FLUSHALL");
    !writes
}

fn operation(request: &Request, process: u64, call: Call) -> Operation {
    let outcome = match request.outcome {
        Judged::Done if !request.reply.starts_with(b"-") => answer(request, &call),
        Judged::Done | Judged::Failed => Outcome::Fail,
        Judged::Open | Judged::Unknown => Outcome::Info,
    };
    let moment = |time: u64| -> Moment { time * 1000 };
    Operation {
        process,
        invoked: moment(request.invoked),
        completed: (!request.reply.is_empty()).then(|| moment(request.completed)),
        position: matches!(outcome, Outcome::Ok(_)).then_some(request.position),
        outcome,
        call,
        replica: None,
        line: 0,
    }
}

fn answer(request: &Request, call: &Call) -> Outcome {
    let Ok(Some((mut value, _))) = resp::parse(&request.reply) else {
        return Outcome::Info;
    };
    let is_exec = request.command.0[0] == b"EXEC";
    if is_exec && value == resp::Value::Null {
        // Aborted by WATCH.
        return Outcome::Fail;
    }
    if is_exec
        && !matches!(call, Call::Txn(_))
        && let resp::Value::Array(values) = &mut value
        && values.len() == 1
    {
        value = values.remove(0);
        if matches!(value, resp::Value::Error(_)) {
            return Outcome::Fail;
        }
    }
    Outcome::Ok(Answer::of_reply(call, &value))
}
