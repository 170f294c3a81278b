//! Reading `history.jsonl`, with the number of the line in everything that is wrong.

use super::answer::Answer;
use super::call::{Call, Word};
use super::{Final, History, Initial, Moment, Operation, Outcome};
use crate::kit::failure::Failure;
use holdback_client::json;
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;
use serde_json::{Map, Value as Json};
use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, VecDeque};
use std::fmt;
use std::io::BufRead;
use std::path::Path;

/// What is wrong with a history, and in which line, from 1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Malformed {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

impl std::error::Error for Malformed {}

/// Reads a history file.
///
/// # Errors
/// [`Failure::Usage`] if it cannot be read or is malformed; it names the file and the line.
pub fn read_file(path: &Path) -> Result<History, Failure> {
    let file = std::fs::File::open(path).map_err(Failure::in_file(path))?;
    read(std::io::BufReader::with_capacity(1 << 20, file)).map_err(Failure::in_file(path))
}

/// Reads a history.
///
/// # Errors
/// The first thing that is wrong with it; what the system says of the input counts as that of its line.
pub fn read(mut input: impl BufRead) -> Result<History, Malformed> {
    let mut reader = Reader::default();
    let mut text = String::new();
    loop {
        text.clear();
        reader.number += 1;
        let taken = match input.read_line(&mut text) {
            Ok(0) => break,
            Ok(_) if text.trim().is_empty() => Ok(()),
            Ok(_) => reader.take(text.trim()),
            Err(error) => Err(error.to_string()),
        };
        let line = reader.number;
        taken.map_err(|what| Malformed { line, what })?;
    }
    Ok(reader.finish())
}

/// One line, its values not yet understood.
#[derive(Deserialize)]
struct Line<'a> {
    #[serde(borrow, rename = "type")]
    kind: Option<Cow<'a, str>>,
    process: Option<u64>,
    #[serde(borrow)]
    f: Option<Cow<'a, str>>,
    #[serde(borrow)]
    key: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    value: Option<&'a RawValue>,
    #[serde(borrow, default, deserialize_with = "present")]
    result: Option<&'a RawValue>,
    replica: Option<u64>,
    position: Option<u64>,
    time: Option<u64>,
    store: Option<Map<String, Json>>,
    meta: Option<Map<String, Json>>,
}

/// Keeps `null` apart from a field that is missing.
fn present<'de, D: Deserializer<'de>>(from: D) -> Result<Option<&'de RawValue>, D::Error> {
    <&RawValue>::deserialize(from).map(Some)
}

#[derive(Default)]
struct Reader {
    history: History,
    /// The line being read.
    number: usize,
    /// Of each process, the operations that are open, oldest first.
    open: HashMap<u64, VecDeque<usize>>,
    /// When each process did something last.
    last: HashMap<u64, Moment>,
    /// Whether lines have times; the first invocation decides.
    timed: Option<bool>,
}

impl Reader {
    fn take(&mut self, text: &str) -> Result<(), String> {
        let line: Line<'_> = serde_json::from_str(text).map_err(|error| plain(&error))?;
        let Some(kind) = line.kind.as_deref() else {
            let missing = "there is neither a `type` nor a `meta`";
            self.history.meta = Some(line.meta.ok_or(missing)?);
            return Ok(());
        };
        match kind {
            "initial" => {
                let position = line.position.ok_or("`position` is missing")?;
                let store = store(line.store)?;
                self.history.initial = Some(Initial { position, store });
                return Ok(());
            }
            "final" => {
                let replica = line.replica.ok_or("`replica` is missing")?;
                let store = store(line.store)?;
                self.history.finals.push(Final { replica, store });
                return Ok(());
            }
            _ => {}
        }
        let process = line.process.ok_or("`process` is missing")?;
        let f = line.f.as_deref().ok_or("`f` is missing")?;
        let moment = self.moment(&line)?;
        let last = self.last.insert(process, moment);
        if last.is_some_and(|last| last > moment) {
            return Err(format!("`time` goes back within process {process}"));
        }
        match kind {
            "invoke" => {
                let call = call(f, &line)?;
                let place = self.history.operations.len();
                self.open.entry(process).or_default().push_back(place);
                self.history.operations.push(Operation {
                    replica: line.replica,
                    position: line.position,
                    line: self.number,
                    ..Operation::open(process, call, moment)
                });
                Ok(())
            }
            "ok" | "fail" | "info" => self.complete(process, kind, f, &line, moment),
            _ => Err(format!(
                "`type` is {kind:?}, not one of invoke, ok, fail, info, initial, final"
            )),
        }
    }

    fn complete(
        &mut self,
        process: u64,
        kind: &str,
        f: &str,
        line: &Line<'_>,
        moment: Moment,
    ) -> Result<(), String> {
        let open = self.open.get_mut(&process).and_then(VecDeque::pop_front);
        let place = open.ok_or_else(|| format!("process {process} has nothing to complete"))?;
        let operation = &mut self.history.operations[place];
        let invoked = operation.line;
        if operation.call.name() != f {
            let name = operation.call.name();
            return Err(format!(
                "process {process} completes `{f}`, but its oldest open operation is `{name}` of line {invoked}"
            ));
        }
        if let (Some(key), Some(called)) = (line.key, operation.call.single_key())
            && word(key)? != *called
        {
            return Err(format!(
                "the key is {key}, and the invocation in line {invoked} has another"
            ));
        }
        operation.completed = Some(moment);
        operation.position = line.position.or(operation.position);
        operation.replica = operation.replica.or(line.replica);
        operation.outcome = match kind {
            "ok" => Outcome::Ok(answer(&operation.call, line.value, line.result)?),
            "fail" => Outcome::Fail,
            _ => Outcome::Info,
        };
        Ok(())
    }

    fn moment(&mut self, line: &Line<'_>) -> Result<Moment, String> {
        let timed = *self.timed.get_or_insert(line.time.is_some());
        match (timed, line.time) {
            (true, Some(time)) => Ok(time),
            (false, None) => Ok(self.number as Moment),
            (true, None) => Err("`time` is missing, and lines before have it".into()),
            (false, Some(_)) => Err("there is a `time`, and lines before have none".into()),
        }
    }

    /// Sorts by invocation. Sorting is stable, and within a process times do not go back.
    fn finish(mut self) -> History {
        self.history
            .operations
            .sort_by_key(|operation| operation.invoked);
        self.history.timed = self.timed.unwrap_or(false);
        self.history
    }
}

fn store(recorded: Option<Map<String, Json>>) -> Result<BTreeMap<Word, Word>, String> {
    let pair = |(key, value): (String, Json)| {
        let value = word_of(&value).ok_or("a value of `store` is no string")?;
        Ok((key.into_bytes(), value))
    };
    let recorded = recorded.ok_or("`store` is missing")?;
    recorded.into_iter().map(pair).collect()
}

/// The message without the place, which within one line is of no use.
fn plain(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let place = text.rfind(" at line ").unwrap_or(text.len());
    format!("{} (column {})", &text[..place], error.column())
}

fn call(f: &str, line: &Line<'_>) -> Result<Call, String> {
    let value = || {
        line.value
            .ok_or_else(|| format!("`value` is missing for `{f}`"))
    };
    let text = || word(value()?);
    if matches!(f, "mget" | "mset" | "txn") {
        return parts(f, &parse(value()?)?);
    }
    let key = word(
        line.key
            .ok_or_else(|| format!("`key` is missing for `{f}`"))?,
    )?;
    Ok(match f {
        "get" => Call::Get(key),
        "set" => Call::Set(key, text()?),
        "setnx" => Call::SetNx(key, text()?),
        "getset" => Call::GetSet(key, text()?),
        "incr" => Call::Incr(key),
        "append" => Call::Append(key, text()?),
        "del" => Call::Del(key),
        "cas" => match parse(value()?)?.as_array().map(Vec::as_slice) {
            Some([old, new]) => Call::Cas(key, must_be_word(old)?, must_be_word(new)?),
            _ => return Err("the `value` of `cas` is not [old, new]".into()),
        },
        _ => return Err(format!("`f` is {f:?}, which is no operation")),
    })
}

/// Calls whose arguments all stand in their value.
fn parts(f: &str, value: &Json) -> Result<Call, String> {
    match (f, value) {
        ("mget", Json::Array(keys)) => each(keys, must_be_word).map(Call::Mget),
        ("mset", Json::Object(pairs)) => each(pairs, |(key, value)| {
            Ok((key.clone().into(), must_be_word(value)?))
        })
        .map(Call::Mset),
        // Keys that are not text cannot be those of an object.
        ("mset", Json::Array(pairs)) => {
            each(pairs, |pair| match pair.as_array().map(Vec::as_slice) {
                Some([key, value]) => Ok((must_be_word(key)?, must_be_word(value)?)),
                _ => Err("a part of `mset` is not [key, value]".into()),
            })
            .map(Call::Mset)
        }
        ("txn", Json::Array(commands)) => each(commands, part_of_txn).map(Call::Txn),
        _ => Err(format!(
            "the `value` of `{f}` is {value}, which it cannot be"
        )),
    }
}

fn each<I: IntoIterator, T>(
    parts: I,
    read: impl FnMut(I::Item) -> Result<T, String>,
) -> Result<Vec<T>, String> {
    parts.into_iter().map(read).collect()
}

fn part_of_txn(command: &Json) -> Result<Call, String> {
    let wrong = || format!("{command} is no command that a `txn` can hold");
    let words = command.as_array().ok_or_else(wrong)?;
    Call::of_command(&each(words, must_be_word)?).ok_or_else(wrong)
}

fn answer(
    call: &Call,
    value: Option<&RawValue>,
    result: Option<&RawValue>,
) -> Result<Answer, String> {
    let recorded = match call {
        // The value of a read is its result, but some histories have it there.
        Call::Get(_) | Call::Mget(_) => result.or(value),
        Call::Set(..) | Call::Mset(_) => return Ok(Answer::Done),
        _ => result,
    };
    match recorded {
        None if matches!(call, Call::Get(_)) => Ok(Answer::Value(None)),
        None => Ok(Answer::Unknown),
        Some(recorded) => answer_of(call, &parse(recorded)?),
    }
}

fn answer_of(call: &Call, json: &Json) -> Result<Answer, String> {
    let wrong = || format!("{json} cannot be the answer to `{}`", call.name());
    if json.get("error").is_some() {
        return Ok(Answer::Error);
    }
    if json.get("unknown").is_some() {
        return Ok(Answer::Unknown);
    }
    Ok(match (call, json) {
        (Call::Set(..) | Call::Mset(_), _) => Answer::Done,
        (Call::Get(_) | Call::GetSet(..), value) => value_or_none(value)?,
        (Call::SetNx(..) | Call::Cas(..) | Call::Del(_), Json::Bool(yes)) => Answer::Flag(*yes),
        (Call::SetNx(..) | Call::Cas(..) | Call::Del(_), Json::Number(done)) => {
            Answer::Flag(done.as_i64().ok_or_else(wrong)? > 0)
        }
        (Call::Incr(_) | Call::Append(..), number) => {
            let text = must_be_word(number)?;
            let text = std::str::from_utf8(&text).map_err(|_| wrong())?;
            Answer::Number(text.parse().map_err(|_| wrong())?)
        }
        (Call::Mget(keys), Json::Array(values)) if keys.len() == values.len() => {
            Answer::List(each(values, value_or_none)?)
        }
        (Call::Txn(calls), Json::Array(values)) if calls.len() == values.len() => {
            let parts = calls.iter().zip(values);
            Answer::List(each(parts, |(call, value)| answer_of(call, value))?)
        }
        _ => return Err(wrong()),
    })
}

fn value_or_none(value: &Json) -> Result<Answer, String> {
    if value.get("unknown").is_some() {
        return Ok(Answer::Unknown);
    }
    let value = (!value.is_null()).then(|| must_be_word(value));
    value.transpose().map(Answer::Value)
}

fn parse(raw: &RawValue) -> Result<Json, String> {
    serde_json::from_str(raw.get()).map_err(|error| plain(&error))
}

/// A key or value: a string, a number (its digits), or `{"base64":"..."}`.
fn word(raw: &RawValue) -> Result<Word, String> {
    match serde_json::from_str::<Cow<'_, str>>(raw.get()) {
        Ok(text) => Ok(text.into_owned().into()),
        Err(_) => must_be_word(&parse(raw)?),
    }
}

fn must_be_word(value: &Json) -> Result<Word, String> {
    word_of(value).ok_or_else(|| format!("{value} is no string, number or {{\"base64\": ...}}"))
}

fn word_of(value: &Json) -> Option<Word> {
    match value {
        Json::String(text) => Some(text.as_bytes().to_vec()),
        Json::Number(number) => Some(number.to_string().into()),
        value => json::bytes_of(value),
    }
}
