//! `history.jsonl`: what the clients saw, in the form that consistency checkers read.

mod operation;

use super::case::Case;
use super::clients::{Exchange, Outcome, Seen};
use super::collect::Final;
use super::json;
use holdback::protocol::error::ErrorCode;
use operation::{Operation, Tracker};
use serde::Serialize;
use serde_json::{Map, Value as Json, json};
use std::time::Duration;

/// One line. Fields that do not belong to a kind of line are left out.
#[derive(Clone, Debug, Serialize)]
struct Line {
    process: usize,
    #[serde(rename = "type")]
    kind: Completion,
    f: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    key: Option<Json>,
    value: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    result: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replica: Option<usize>,
    time: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Completion {
    Invoke,
    Ok,
    Fail,
    Info,
}

/// The whole file: a line of `meta`, every operation's invocation and completion in the order of time,
/// and each replica's final data.
///
/// Client N is process N. A process whose operation may or may not have happened does not go on; what
/// its client does next belongs to a new one. Commands that the format has no name for are left out,
/// and `meta` counts them.
#[must_use]
pub fn write(case: &Case, seed: u64, seen: &[Seen], finals: &[Final]) -> String {
    let mut lines = Vec::new();
    let mut left_out = 0;
    let mut next_process = case.clients.len() + 1;
    for ((client, seen), number) in case.clients.iter().zip(seen).zip(1..) {
        let mut process = number;
        let mut tracker = Tracker::default();
        for (request, exchange) in client.requests.iter().zip(seen) {
            let found = tracker.track(request, exchange);
            left_out += found.left_out;
            let Some((operation, sent)) = found.operation else {
                continue;
            };
            let completion = push(
                &mut lines,
                process,
                client.process,
                &operation,
                sent,
                exchange,
            );
            if completion == Completion::Info {
                process = next_process;
                next_process += 1;
            }
        }
    }
    lines.sort_by_key(|line| line.time);

    let meta = json!({"meta": {
        "case": case.name, "consistency": case.consistency, "replicas": case.num_processes,
        "clients": case.clients.len(), "seed": seed, "left_out": left_out,
    }});
    let mut text = format!("{meta}\n");
    for line in &lines {
        text += &serde_json::to_string(line).unwrap_or_default();
        text.push('\n');
    }
    for last in finals.iter().filter(|last| last.problem.is_none()) {
        let store = store_json(last);
        let replica = last.replica;
        text += &format!("{{\"type\":\"final\",\"replica\":{replica},\"store\":{store}}}\n");
    }
    text
}

/// Pushes an operation's two lines; an operation without reply has no second one.
fn push(
    lines: &mut Vec<Line>,
    process: usize,
    replica: usize,
    operation: &Operation,
    sent: Duration,
    exchange: &Exchange,
) -> Completion {
    let line = |kind, time: Duration| Line {
        process,
        kind,
        f: operation.f,
        key: operation.key.clone(),
        value: operation.value.clone(),
        result: None,
        replica: None,
        time: u64::try_from(time.as_nanos()).unwrap_or(u64::MAX),
    };
    lines.push(Line {
        replica: Some(replica),
        ..line(Completion::Invoke, sent)
    });
    let kind = completion(exchange, operation);
    let mut last = line(kind, exchange.ended);
    if let (Completion::Ok, Some(reply)) = (kind, exchange.reply()) {
        operation.complete(reply, &mut last.value, &mut last.result);
    }
    lines.push(last);
    kind
}

fn completion(exchange: &Exchange, operation: &Operation) -> Completion {
    match &exchange.outcome {
        Outcome::Lost(_) => Completion::Info,
        Outcome::Reply(crate::resp::Value::Error(text)) => match ErrorCode::parse(text) {
            Some(code) if code.is_definite() => Completion::Fail,
            _ => Completion::Info,
        },
        Outcome::Reply(reply) if operation.was_refused(reply) => Completion::Fail,
        Outcome::Reply(_) => Completion::Ok,
    }
}

/// A replica's data as a JSON object.
#[must_use]
pub fn store_json(last: &Final) -> Json {
    let pairs = last.store.iter();
    let pairs = pairs.map(|(key, value)| (json::key(key), json::bytes(value)));
    Json::Object(pairs.collect::<Map<String, Json>>())
}

#[cfg(test)]
mod tests;
