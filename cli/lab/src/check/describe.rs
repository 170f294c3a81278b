//! Operations in words.

use super::model::{Key, Reply};
use super::problem::Problem;
use super::values::{ABSENT, Value, Values};
use crate::history::{History, Operation, Outcome};
use crate::order::Entry;
use holdback::wire::inline::quote_all;

/// The longest call or answer that is shown in full.
const WORDS_MAX: usize = 60;

/// A call or an answer, cut where it is too long to read.
pub(super) fn shorten(text: &str) -> String {
    if text.chars().count() <= WORDS_MAX {
        return text.to_owned();
    }
    let cut: String = text.chars().take(WORDS_MAX - 1).collect();
    format!("{cut}…")
}

/// What an operation answered: `7`, `OK`, or that it did not.
pub(super) fn answer(operation: &Operation) -> String {
    match &operation.outcome {
        Outcome::Ok(answer) => shorten(&answer.to_string()),
        Outcome::Fail => "failed".into(),
        Outcome::Info => "no answer".into(),
    }
}

/// An operation in a sentence: process 3's `GET x` → 7.
pub(super) fn operation(history: &History, at: usize) -> String {
    let operation = &history.operations[at];
    let (process, call) = (operation.process, shorten(&operation.call.to_string()));
    match &operation.outcome {
        Outcome::Ok(_) => format!("process {process}'s `{call}` → {}", answer(operation)),
        Outcome::Fail => format!("process {process}'s failed `{call}`"),
        Outcome::Info => format!("process {process}'s unanswered `{call}`"),
    }
}

/// A word, quoted if need be.
pub(super) fn word(bytes: &[u8]) -> String {
    quote_all([bytes])
}

/// A key's name, quoted if need be.
pub(super) fn key(problem: &Problem, key: Key) -> String {
    word(&problem.key_names[key.0 as usize])
}

/// What an entry of the order does.
pub(super) fn entry(entry: &Entry) -> String {
    shorten(&entry.body())
}

/// A value: quoted if need be, or `nil`.
pub(super) fn value(values: &Values, value: Value) -> String {
    match value {
        ABSENT => "nil".into(),
        value => shorten(&word(&values.bytes(value))),
    }
}

/// An answer of the model.
pub(super) fn reply(values: &Values, reply: Reply) -> String {
    match reply {
        Reply::Any | Reply::Nonsense => "?".into(),
        Reply::Done => "OK".into(),
        Reply::Value(held) => value(values, held),
        Reply::Flag(yes) => if yes { "yes" } else { "no" }.into(),
        Reply::Number(number) => number.to_string(),
        Reply::Error => "an error".into(),
    }
}

/// A moment as a person reads it: milliseconds from the start of the history, or a line.
pub(super) fn moment(history: &History, moment: u64) -> String {
    if history.timed {
        let start = history.operations.first().map_or(0, |first| first.invoked);
        let millis = moment.saturating_sub(start) as f64 / 1e6;
        format!("{millis:.3} ms")
    } else {
        format!("line {moment}")
    }
}
