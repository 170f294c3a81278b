//! The history of a run of a case: what its clients saw, in the form that checkers read.

mod tracker;

use super::case::Case;
use super::clients::{Exchange, Seen};
use crate::history::{self, Call, History, Operation, Outcome};
use crate::kit::clock::nanoseconds;
use crate::kit::collect::Final;
use serde_json::json;
use tracker::Tracker;

/// All operations, and each replica's final data.
///
/// Client N is process N. A process whose operation may or may not have happened does not go on; what
/// its client does next belongs to a new one. Commands that the format has no name for are left out,
/// and `meta` counts them.
#[must_use]
pub fn history(case: &Case, seed: u64, seen: &[Seen], finals: &[Final]) -> History {
    let mut operations = Vec::new();
    let mut left_out = 0;
    let mut next_process = case.clients.len() as u64 + 1;
    for ((client, seen), number) in case.clients.iter().zip(seen).zip(1..) {
        let mut process = number;
        let mut tracker = Tracker::default();
        for (request, exchange) in client.requests.iter().zip(seen) {
            let found = tracker.track(request, exchange);
            left_out += found.left_out;
            let Some(call) = found.call else {
                continue;
            };
            let operation = operation(process, client.process, call, exchange);
            if operation.outcome == Outcome::Info {
                process = next_process;
                next_process += 1;
            }
            operations.push(operation);
        }
    }
    operations.sort_by_key(|operation| operation.invoked);
    let meta = json!({
        "case": case.name, "consistency": case.consistency, "replicas": case.num_processes,
        "clients": case.clients.len(), "seed": seed, "left_out": left_out,
    });
    History {
        meta: meta.as_object().cloned(),
        operations,
        initial: None,
        finals: finals.iter().filter_map(last).collect(),
        timed: true,
    }
}

fn operation(process: u64, replica: usize, call: Call, exchange: &Exchange) -> Operation {
    Operation {
        completed: Some(nanoseconds(exchange.ended)),
        outcome: match &exchange.outcome {
            Err(_) => Outcome::Info,
            Ok(reply) => Outcome::of_reply(&call, reply),
        },
        replica: Some(replica as u64),
        ..Operation::open(process, call, nanoseconds(exchange.sent))
    }
}

fn last(last: &Final) -> Option<history::Final> {
    last.problem.is_none().then(|| history::Final {
        replica: last.replica as u64,
        store: last.store.clone(),
    })
}

#[cfg(test)]
mod tests;
