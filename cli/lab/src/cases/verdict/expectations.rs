//! What came out, against what the case expects.

use super::{Unmet, quoted};
use crate::cases::case::{Case, Expected};
use crate::cases::clients::{Exchange, Seen};
use crate::kit::collect::Final;
use crate::kit::print::show;
use crate::order::Entry;
use holdback::entry::line::{same_commands, split_commands};
use holdback::wire::value::Value;

/// The number of expectations, and those that are not met.
pub(super) fn compare(case: &Case, seen: &[Seen], finals: &[&Final]) -> (usize, Vec<Unmet>) {
    let mut compared = Compared::default();
    match &case.expect.replies {
        Some(replies) => compare_replies(case, replies, seen, &mut compared),
        None => find_errors(case, seen, &mut compared),
    }
    if let Some(orders) = &case.expect.orders {
        compare_orders(orders, finals, &mut compared);
    }
    compare_stores(case, finals, &mut compared);
    (compared.count, compared.unmet)
}

#[derive(Default)]
struct Compared {
    count: usize,
    unmet: Vec<Unmet>,
}

fn compare_replies(case: &Case, replies: &[Vec<Expected>], seen: &[Seen], compared: &mut Compared) {
    for (client, expected) in replies.iter().enumerate() {
        for (at, expected) in expected.iter().enumerate() {
            compared.count += 1;
            let exchange = seen.get(client).and_then(|seen| seen.get(at));
            let reply = exchange.and_then(|exchange| exchange.outcome.as_ref().ok());
            if reply.is_some_and(|reply| expected.accepts(reply)) {
                continue;
            }
            compared.unmet.push(Unmet {
                place: format!("expect.replies[{client}][{at}]"),
                about: about(case, client, at),
                expected: expected.to_string(),
                found: exchange.map_or("never sent".into(), Exchange::answer),
            });
        }
    }
}

/// A case that expects no replies in particular still expects that no request ends in an error.
fn find_errors(case: &Case, seen: &[Seen], compared: &mut Compared) {
    for (client, seen) in seen.iter().enumerate() {
        for (at, exchange) in seen.iter().enumerate() {
            if let Ok(Value::Error(_)) = exchange.outcome {
                compared.unmet.push(Unmet {
                    place: format!("clients[{client}].requests[{at}]"),
                    about: about(case, client, at),
                    expected: Expected::Anything.to_string(),
                    found: exchange.answer(),
                });
            }
        }
    }
}

fn about(case: &Case, client: usize, at: usize) -> String {
    let request = &case.clients[client].requests[at];
    format!("client {}: {}", client + 1, request.line())
}

fn compare_orders(orders: &[Vec<String>], finals: &[&Final], compared: &mut Compared) {
    compared.count += 1;
    // Lines were checked when the case was read.
    let is = |entry: &Entry, line: &String| {
        split_commands(line.as_bytes()).is_ok_and(|line| same_commands(&line, &entry.commands))
    };
    for last in finals {
        let mut orders_match = orders.iter().map(|allowed| {
            let mut both = last.order.iter().zip(allowed);
            allowed.len() == last.order.len() && both.all(|(entry, line)| is(entry, line))
        });
        if !orders_match.any(|matches| matches) {
            let found: Vec<String> = last.order.iter().map(|entry| entry.body()).collect();
            let expected: Vec<String> = orders.iter().map(|order| order.join(", ")).collect();
            compared.unmet.push(Unmet {
                place: "expect.orders".into(),
                about: format!("order at replica {}", last.replica),
                expected: expected.join(" | "),
                found: found.join(", "),
            });
            // Whether the others have another order is the question of another line.
            return;
        }
    }
}

fn compare_stores(case: &Case, finals: &[&Final], compared: &mut Compared) {
    let Some(store) = &case.expect.store else {
        return;
    };
    compared.count += store.len().max(1);
    let before = compared.unmet.len();
    for last in finals {
        if compared.unmet.len() > before {
            // One replica's store is enough to see it; whether the others differ is another question.
            return;
        }
        let about = |key: &[u8]| format!("key {} at replica {}", quoted(key), last.replica);
        for (key, expected) in store {
            let found = last.store.get(key.as_bytes());
            let meets = match (expected, found) {
                (Expected::Anything, found) => found.is_some(),
                (expected, None) => expected.accepts(&Value::Null),
                (expected, Some(value)) => expected.accepts(&Value::Bulk(value.clone())),
            };
            if !meets {
                compared.unmet.push(Unmet {
                    place: format!("expect.store.{key}"),
                    about: about(key.as_bytes()),
                    expected: expected.to_string(),
                    found: found.map_or("absent".into(), |value| show::bytes(value)),
                });
            }
        }
        for (key, value) in &last.store {
            let known = std::str::from_utf8(key).is_ok_and(|key| store.contains_key(key));
            if !known {
                compared.unmet.push(Unmet {
                    place: "expect.store".into(),
                    about: about(key),
                    expected: "absent".into(),
                    found: show::bytes(value),
                });
            }
        }
    }
}
