//! Writing `history.jsonl`.

use super::answer::Answer;
use super::call::{Call, Word};
use super::{Final, History, Initial, Moment, Operation, Outcome};
use crate::kit::collect::store_json;
use holdback_client::json;
use serde_json::{Map, Value as Json, json};
use std::io::{self, Write};

/// Writes a history line by line.
#[derive(Debug)]
pub struct Writer<W> {
    output: W,
}

impl<W: Write> Writer<W> {
    /// Writes to `output`, which had better be buffered.
    pub fn new(output: W) -> Self {
        Self { output }
    }

    /// The first line.
    ///
    /// # Errors
    /// What the system says of the output; so with all that follow.
    pub fn meta(&mut self, meta: &Map<String, Json>) -> io::Result<()> {
        writeln!(self.output, "{}", json!({ "meta": meta }))
    }

    /// An operation's invocation.
    ///
    /// # Errors
    /// As [`Writer::meta`].
    pub fn invoke(&mut self, operation: &Operation, timed: bool) -> io::Result<()> {
        self.head(operation, "invoke")?;
        write!(self.output, ",\"value\":{}", argument(&operation.call))?;
        if let Some(replica) = operation.replica {
            write!(self.output, ",\"replica\":{replica}")?;
        }
        self.tail(timed.then_some(operation.invoked))
    }

    /// An operation's completion; nothing if it was never completed.
    ///
    /// # Errors
    /// As [`Writer::meta`].
    pub fn complete(&mut self, operation: &Operation, timed: bool) -> io::Result<()> {
        let Some(completed) = operation.completed else {
            return Ok(());
        };
        let value = || argument(&operation.call);
        let (kind, value, result) = match (&operation.outcome, &operation.call) {
            (Outcome::Fail, _) => ("fail", value(), None),
            (Outcome::Info, _) => ("info", value(), None),
            (Outcome::Ok(answer), Call::Get(_)) => ("ok", answer_json(answer), None),
            // Without a result, the value of a read would pass for it.
            (Outcome::Ok(answer @ Answer::Unknown), Call::Mget(_)) => {
                ("ok", value(), Some(answer_json(answer)))
            }
            (Outcome::Ok(Answer::Unknown | Answer::Done), _) => ("ok", value(), None),
            (Outcome::Ok(answer), _) => ("ok", value(), Some(answer_json(answer))),
        };
        self.head(operation, kind)?;
        write!(self.output, ",\"value\":{value}")?;
        if let Some(result) = result {
            write!(self.output, ",\"result\":{result}")?;
        }
        if let Some(position) = operation.position.filter(|_| operation.is_ok()) {
            write!(self.output, ",\"position\":{position}")?;
        }
        self.tail(timed.then_some(completed))
    }

    /// Where the run began.
    ///
    /// # Errors
    /// As [`Writer::meta`].
    pub fn initial(&mut self, initial: &Initial) -> io::Result<()> {
        let (position, store) = (initial.position, store_json(&initial.store));
        writeln!(
            self.output,
            "{{\"type\":\"initial\",\"position\":{position},\"store\":{store}}}"
        )
    }

    /// What a replica held in the end.
    ///
    /// # Errors
    /// As [`Writer::meta`].
    pub fn last(&mut self, last: &Final) -> io::Result<()> {
        let (replica, store) = (last.replica, store_json(&last.store));
        writeln!(
            self.output,
            "{{\"type\":\"final\",\"replica\":{replica},\"store\":{store}}}"
        )
    }

    /// Written by hand, because the fields have an order that reads well.
    fn head(&mut self, operation: &Operation, kind: &str) -> io::Result<()> {
        let (process, f) = (operation.process, operation.call.name());
        write!(
            self.output,
            "{{\"process\":{process},\"type\":\"{kind}\",\"f\":\"{f}\""
        )?;
        match operation.call.single_key() {
            Some(key) => write!(self.output, ",\"key\":{}", json::bytes(key)),
            None => Ok(()),
        }
    }

    fn tail(&mut self, time: Option<Moment>) -> io::Result<()> {
        match time {
            Some(time) => writeln!(self.output, ",\"time\":{time}}}"),
            None => writeln!(self.output, "}}"),
        }
    }
}

/// Writes a whole history, its lines in the order of their moments.
///
/// # Errors
/// What the system says of the output.
pub fn write(history: &History, output: impl Write) -> io::Result<()> {
    let mut writer = Writer::new(output);
    if let Some(meta) = &history.meta {
        writer.meta(meta)?;
    }
    if let Some(initial) = &history.initial {
        writer.initial(initial)?;
    }
    // A completion stands behind the invocations of its moment: what is equal was concurrent. But it stands
    // before the next invocation of its own process, which a closed loop may make in the same moment; the
    // order of lines says nothing where there are times.
    let mut lines: Vec<(Moment, bool, usize)> = Vec::new();
    for (at, operation) in history.operations.iter().enumerate() {
        lines.push((operation.invoked, false, at));
        lines.extend(operation.completed.map(|moment| (moment, true, at)));
    }
    lines.sort_unstable();
    for (_, is_completion, at) in lines {
        let operation = &history.operations[at];
        if is_completion {
            writer.complete(operation, history.timed)?;
        } else {
            writer.invoke(operation, history.timed)?;
        }
    }
    history.finals.iter().try_for_each(|last| writer.last(last))
}

fn words(words: &[Word]) -> Json {
    words.iter().map(|word| json::bytes(word)).collect()
}

/// The value of an invocation.
fn argument(call: &Call) -> Json {
    match call {
        Call::Get(_) | Call::Incr(_) | Call::Del(_) => Json::Null,
        Call::Set(_, value)
        | Call::SetNx(_, value)
        | Call::GetSet(_, value)
        | Call::Append(_, value) => json::bytes(value),
        Call::Cas(_, old, new) => json!([json::bytes(old), json::bytes(new)]),
        Call::Mget(keys) => words(keys),
        Call::Mset(pairs) => pairs_json(pairs),
        Call::Txn(_) => call.commands().iter().map(|one| command(one)).collect(),
    }
}

/// An object, unless that would lose something: a key that is not text, or one that stands there twice.
fn pairs_json(pairs: &[(Word, Word)]) -> Json {
    let text = |(key, value): &(Word, Word)| {
        let key = String::from_utf8(key.clone()).ok()?;
        Some((key, json::bytes(value)))
    };
    let pair = |(key, value): &(Word, Word)| json!([json::bytes(key), json::bytes(value)]);
    match pairs.iter().map(text).collect::<Option<Map<_, _>>>() {
        Some(object) if object.len() == pairs.len() => Json::Object(object),
        _ => pairs.iter().map(pair).collect(),
    }
}

/// A command with its name in small letters, as the format has it.
fn command(command: &[Word]) -> Json {
    let mut parts = command.to_vec();
    if let Some(name) = parts.first_mut() {
        name.make_ascii_lowercase();
    }
    words(&parts)
}

fn answer_json(answer: &Answer) -> Json {
    match answer {
        Answer::Unknown => json!({"unknown": true}),
        Answer::Value(None) => Json::Null,
        Answer::Done => Json::from("OK"),
        Answer::Value(Some(value)) => json::bytes(value),
        Answer::Flag(yes) => Json::from(*yes),
        Answer::Number(number) => Json::from(*number),
        Answer::List(answers) => answers.iter().map(answer_json).collect(),
        Answer::Error => json!({"error": "ERR"}),
    }
}
