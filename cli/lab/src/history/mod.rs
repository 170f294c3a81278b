//! Histories: what clients saw of a store, operation by operation, in the form that checkers judge.
//!
//! A [`History`] is a list of [`Operation`]s, each with the [`Call`] that a process made, when it was invoked and
//! completed, and the [`Outcome`]. [`read()`] reads the JSON-lines format (`history.jsonl`) and says precisely
//! what is wrong with a line; [`write()`] writes it. [`Call`] knows its command, and which [`Answer`] a reply is.

mod answer;
mod call;
mod read;
mod write;

pub use answer::Answer;
pub use call::{Call, Word};
pub use read::{Malformed, read, read_file};
pub use write::{Writer, write};

use holdback::consistency::Consistency;
use holdback::wire::error::ErrorCode;
use holdback::wire::value::Value;
use std::collections::BTreeMap;

/// What all clients of a run saw.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct History {
    /// What the first line says about the run, if there is such a line.
    pub meta: Option<serde_json::Map<String, serde_json::Value>>,
    /// All operations, in the order of their invocations. The operations of one process stand in its program
    /// order.
    pub operations: Vec<Operation>,
    /// What the store held when the run began. Nothing, if that is not on record.
    pub initial: Option<Initial>,
    /// What the replicas held in the end, as far as it was recorded.
    pub finals: Vec<Final>,
    /// Whether moments are nanoseconds. Otherwise they are line numbers, and durations mean nothing.
    pub timed: bool,
}

/// A point in time: nanoseconds, or line numbers. One operation precedes another if its completion is
/// smaller than the other's invocation; equal moments are concurrent.
pub type Moment = u64;

/// One operation of one process.
#[derive(Clone, Debug, PartialEq)]
pub struct Operation {
    /// Who called: one connection.
    pub process: u64,
    /// What was asked for.
    pub call: Call,
    /// When.
    pub invoked: Moment,
    /// When the completion was there. None if there was none.
    pub completed: Option<Moment>,
    /// What came of it.
    pub outcome: Outcome,
    /// The replica that was asked, if recorded.
    pub replica: Option<u64>,
    /// The position at which the operation took effect or was read, if the store said so.
    pub position: Option<u64>,
    /// The line of the invocation in the file, from 1; 0 if it comes from no file.
    pub line: usize,
}

/// What came of an operation.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It happened, with this answer.
    Ok(Answer),
    /// It certainly did not happen, and never will.
    Fail,
    /// It may have happened, or may still happen; also if it was never completed.
    Info,
}

impl Outcome {
    /// What a reply says of the operation: an error that is definite, and an EXEC refused by its WATCH, say
    /// that it did not happen.
    #[must_use]
    pub fn of_reply(call: &Call, reply: &Value) -> Self {
        match (call, reply) {
            (_, Value::Error(text)) => match ErrorCode::parse(text) {
                Some(code) if code.is_definite() => Self::Fail,
                _ => Self::Info,
            },
            (Call::Txn(_), Value::Null) => Self::Fail,
            _ => Self::Ok(Answer::of_reply(call, reply)),
        }
    }
}

impl Operation {
    /// One that was invoked, and of which nothing more is known.
    #[must_use]
    pub fn open(process: u64, call: Call, invoked: Moment) -> Self {
        Self {
            process,
            call,
            invoked,
            completed: None,
            outcome: Outcome::Info,
            replica: None,
            position: None,
            line: 0,
        }
    }

    /// Whether it certainly happened.
    #[must_use]
    pub fn is_ok(&self) -> bool {
        matches!(self.outcome, Outcome::Ok(_))
    }

    /// The moment after which it can no longer take effect: its completion if it is ok, otherwise never.
    #[must_use]
    pub fn deadline(&self) -> Moment {
        match self.outcome {
            Outcome::Ok(_) => self.completed.unwrap_or(Moment::MAX),
            Outcome::Fail | Outcome::Info => Moment::MAX,
        }
    }
}

/// Where a run began in a cluster that was not new.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Initial {
    /// The position that all replicas had reached.
    pub position: u64,
    /// The data, as far as it concerns the run.
    pub store: BTreeMap<Word, Word>,
}

/// What one replica held in the end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Final {
    /// The replica's id.
    pub replica: u64,
    /// Its data.
    pub store: BTreeMap<Word, Word>,
}

impl History {
    /// The consistency model that the store promised, if the first line says so.
    #[must_use]
    pub fn consistency(&self) -> Option<Consistency> {
        let name = self.meta.as_ref()?.get("consistency")?.as_str()?;
        name.parse().ok()
    }

    /// The position at which the run began, if none of its keys was there then: what came before that has left
    /// nothing that an operation of this history could have seen.
    #[must_use]
    pub fn begins_empty_at(&self) -> Option<u64> {
        let initial = self.initial.as_ref()?;
        let mut keys = self.operations.iter().flat_map(|one| one.call.keys());
        let found = !initial.store.is_empty() && keys.any(|key| initial.store.contains_key(key));
        (!found).then_some(initial.position)
    }
}

#[cfg(test)]
mod tests;
