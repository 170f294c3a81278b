//! Histories as Jepsen's tools read them: EDN, one map a line for each invocation and each completion.
//!
//! `get`, `set` and `cas` become `:read`, `:write` and `:cas` of a register, with `[key value]` as value: the
//! form of a history of independent keys. A transaction becomes `:txn` with `[:r key value]` and `[:w key
//! value]`; all else keeps its name, with `[name key argument result]` in a transaction. Times are in nanoseconds.

use crate::history::{Answer, Call, History, Operation, Outcome, Word};
use std::collections::HashMap;
use std::fmt::Write;

/// The history in EDN.
pub(super) fn write(history: &History) -> String {
    // Every operation has an invocation and, if it ended, a completion. At one moment those that end come
    // behind those that begin, for they are concurrent.
    let mut events: Vec<(u64, bool, usize)> = Vec::new();
    for (place, operation) in history.operations.iter().enumerate() {
        events.push((operation.invoked, false, place));
        events.extend(operation.completed.map(|time| (time, true, place)));
    }
    events.sort_unstable();
    let processes = processes(history);
    let mut text = String::new();
    for (index, (time, is_end, place)) in events.iter().enumerate() {
        let operation = &history.operations[*place];
        let (kind, error) = if *is_end {
            end(operation)
        } else {
            ("invoke", "")
        };
        let answer = match &operation.outcome {
            Outcome::Ok(answer) if *is_end => Some(answer),
            _ => None,
        };
        let time = match history.timed {
            true => format!(", :time {time}"),
            false => String::new(),
        };
        let (process, f) = (processes[*place], name(&operation.call));
        let value = value(&operation.call, answer);
        // Writing to a string cannot fail.
        let _written = writeln!(
            text,
            "{{:type :{kind}, :f :{f}, :value {value}{error}{time}, :process {process}, :index {index}}}"
        );
    }
    text
}

/// How an operation ended, and why if it did not happen. To Jepsen a `cas` that found another value failed.
fn end(operation: &Operation) -> (&'static str, &'static str) {
    match (&operation.call, &operation.outcome) {
        (Call::Cas(..), Outcome::Ok(Answer::Flag(false))) => ("fail", ", :error :other-value"),
        (_, Outcome::Ok(_)) => ("ok", ""),
        (_, Outcome::Fail) => ("fail", ", :error :refused"),
        (_, Outcome::Info) => ("info", ", :error :unknown"),
    }
}

/// The process of each operation. One of Jepsen's does one thing at a time, and nothing after an `info`; so
/// one that pipelines becomes several, and its program order is not told.
fn processes(history: &History) -> Vec<u64> {
    let ids = history.operations.iter().map(|operation| operation.process);
    let mut next = ids.max().map_or(0, |highest| highest + 1);
    // Of each process: those that it became, and when each is free.
    let mut became: HashMap<u64, Vec<(u64, Option<u64>)>> = HashMap::new();
    let mut processes = Vec::new();
    for operation in &history.operations {
        let free = match operation.outcome {
            Outcome::Info => None,
            _ => operation.completed,
        };
        let own = became.entry(operation.process).or_default();
        let fits = |(_, since): &&mut (u64, Option<u64>)| {
            since.is_some_and(|since| since < operation.invoked)
        };
        if let Some(process) = own.iter_mut().find(fits) {
            process.1 = free;
            processes.push(process.0);
            continue;
        }
        let mut id = operation.process;
        if !own.is_empty() {
            id = next;
            next += 1;
        }
        own.push((id, free));
        processes.push(id);
    }
    processes
}

fn name(call: &Call) -> &'static str {
    match call {
        Call::Get(_) => "read",
        Call::Set(..) => "write",
        Call::Mget(_) | Call::Mset(_) => "txn",
        other => other.name(),
    }
}

fn value(call: &Call, answer: Option<&Answer>) -> String {
    match call {
        Call::Get(name) => format!("[{} {}]", string(name), of_answer(answer)),
        Call::Set(name, value) => format!("[{} {}]", string(name), string(value)),
        Call::SetNx(name, value) | Call::Append(name, value) | Call::GetSet(name, value) => {
            with_result(&[string(name), string(value)], answer)
        }
        Call::Cas(name, old, new) => {
            let pair = format!("[{} {}]", string(old), string(new));
            format!("[{} {pair}]", string(name))
        }
        Call::Incr(name) | Call::Del(name) => with_result(&[string(name), "nil".into()], answer),
        Call::Mget(keys) => {
            let parts = keys.iter().map(|name| Call::Get(name.clone()));
            transaction(&parts.collect::<Vec<_>>(), answer)
        }
        Call::Mset(pairs) => {
            let set = |(name, value): &(Word, Word)| Call::Set(name.clone(), value.clone());
            transaction(&pairs.iter().map(set).collect::<Vec<_>>(), None)
        }
        Call::Txn(calls) => transaction(calls, answer),
    }
}

/// `[key value]`, with the result behind it.
fn with_result(parts: &[String], answer: Option<&Answer>) -> String {
    let joined = parts.join(" ");
    match answer {
        None | Some(Answer::Unknown) => format!("[{joined}]"),
        answer => format!("[{joined} {}]", of_answer(answer)),
    }
}

fn transaction(calls: &[Call], answer: Option<&Answer>) -> String {
    let answers = match answer {
        Some(Answer::List(answers)) => answers.as_slice(),
        _ => &[],
    };
    let part = |(place, call): (usize, &Call)| {
        let answer = answers.get(place);
        match call {
            Call::Get(key) => format!("[:r {} {}]", string(key), of_answer(answer)),
            Call::Set(key, value) => format!("[:w {} {}]", string(key), string(value)),
            other => {
                // Its parts stand in a row, so that name, key and value are where they always are.
                let parts = value(other, answer);
                let parts = parts
                    .strip_prefix('[')
                    .and_then(|parts| parts.strip_suffix(']'));
                format!("[:{} {}]", other.name(), parts.unwrap_or_default())
            }
        }
    };
    let parts: Vec<String> = calls.iter().enumerate().map(part).collect();
    format!("[{}]", parts.join(" "))
}

fn of_answer(answer: Option<&Answer>) -> String {
    match answer {
        None | Some(Answer::Unknown | Answer::Done | Answer::Value(None)) => "nil".into(),
        Some(Answer::Value(Some(value))) => string(value),
        Some(Answer::Flag(yes)) => yes.to_string(),
        Some(Answer::Number(number)) => number.to_string(),
        Some(Answer::Error) => ":error".into(),
        Some(Answer::List(answers)) => {
            let answers: Vec<String> = answers.iter().map(|a| of_answer(Some(a))).collect();
            format!("[{}]", answers.join(" "))
        }
    }
}

/// A string as EDN has it. Bytes that are not text are escaped first.
fn string(word: &[u8]) -> String {
    let escaped = || word.escape_ascii().to_string();
    let text = std::str::from_utf8(word).map_or_else(|_| escaped(), str::to_owned);
    // In these, EDN is as JSON.
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::history::read;

    #[test]
    fn operations_become_invocations_and_completions_in_time() {
        let history = read(
            r#"{"process":1,"type":"invoke","f":"set","key":"x","value":"a\"b","time":1}
{"process":2,"type":"invoke","f":"cas","key":"x","value":["1","2"],"time":2}
{"process":1,"type":"ok","f":"set","key":"x","value":"a\"b","time":3}
{"process":2,"type":"ok","f":"cas","key":"x","result":false,"time":3}
{"process":1,"type":"invoke","f":"txn","value":[["get","x"],["incr","n"]],"time":4}
{"process":1,"type":"ok","f":"txn","result":["v",7],"time":5}
{"process":2,"type":"invoke","f":"get","key":"x","time":6}
{"process":2,"type":"info","f":"get","key":"x","time":7}"#
                .as_bytes(),
        )
        .unwrap();
        assert_eq!(
            write(&history),
            r#"{:type :invoke, :f :write, :value ["x" "a\"b"], :time 1, :process 1, :index 0}
{:type :invoke, :f :cas, :value ["x" ["1" "2"]], :time 2, :process 2, :index 1}
{:type :ok, :f :write, :value ["x" "a\"b"], :time 3, :process 1, :index 2}
{:type :fail, :f :cas, :value ["x" ["1" "2"]], :error :other-value, :time 3, :process 2, :index 3}
{:type :invoke, :f :txn, :value [[:r "x" nil] [:incr "n" nil]], :time 4, :process 1, :index 4}
{:type :ok, :f :txn, :value [[:r "x" "v"] [:incr "n" nil 7]], :time 5, :process 1, :index 5}
{:type :invoke, :f :read, :value ["x" nil], :time 6, :process 2, :index 6}
{:type :info, :f :read, :value ["x" nil], :error :unknown, :time 7, :process 2, :index 7}
"#
        );
    }

    #[test]
    fn one_that_pipelines_becomes_several_processes() {
        let line = |kind: &str, process: u64, time: u64| {
            format!(r#"{{"process":{process},"type":"{kind}","f":"get","key":"x","time":{time}}}"#)
        };
        let text = [
            line("invoke", 1, 1),
            line("invoke", 1, 2),
            line("ok", 1, 3),
            line("info", 1, 4),
            line("invoke", 1, 5),
            line("invoke", 1, 6),
            line("invoke", 7, 7),
        ];
        let history = read(text.join("\n").as_bytes()).unwrap();
        assert_eq!(processes(&history), [1, 8, 1, 9, 7]);
    }
}
