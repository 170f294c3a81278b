//! What came out, against what the case expects.

use super::{Unmet, quoted};
use crate::cases::case::{Case, Expected};
use crate::cases::clients::{Outcome, Seen};
use crate::kit::collect::Final;
use crate::kit::print::show;
use crate::order::{Command, same_commands, split_commands};
use holdback::protocol::value::Value;

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

impl Compared {
    fn unmet(&mut self, place: String, about: String, expected: String, found: String) {
        self.unmet.push(Unmet {
            place,
            about,
            expected,
            found,
        });
    }
}

fn compare_replies(case: &Case, replies: &[Vec<Expected>], seen: &[Seen], compared: &mut Compared) {
    for (client, expected) in replies.iter().enumerate() {
        for (at, expected) in expected.iter().enumerate() {
            compared.count += 1;
            let exchange = seen.get(client).and_then(|seen| seen.get(at));
            let found = match exchange.map(|exchange| &exchange.outcome) {
                Some(Outcome::Reply(reply)) if expected.accepts(reply) => continue,
                Some(Outcome::Reply(reply)) => show::reply(reply),
                Some(Outcome::Lost(reason)) => format!("no reply: {reason}"),
                None => "never sent".into(),
            };
            compared.unmet(
                format!("expect.replies[{client}][{at}]"),
                about(case, client, at),
                expected.to_string(),
                found,
            );
        }
    }
}

/// A case that expects no replies in particular still expects that no request ends in an error.
fn find_errors(case: &Case, seen: &[Seen], compared: &mut Compared) {
    for (client, seen) in seen.iter().enumerate() {
        for (at, exchange) in seen.iter().enumerate() {
            if let Some(reply @ Value::Error(_)) = exchange.reply() {
                compared.unmet(
                    format!("clients[{client}].requests[{at}]"),
                    about(case, client, at),
                    Expected::Anything.to_string(),
                    show::reply(reply),
                );
            }
        }
    }
}

fn about(case: &Case, client: usize, at: usize) -> String {
    format!(
        "client {}: {}",
        client + 1,
        case.clients[client].requests[at].line()
    )
}

fn compare_orders(orders: &[Vec<String>], finals: &[&Final], compared: &mut Compared) {
    compared.count += 1;
    let allowed: Vec<Vec<Vec<Command>>> = orders
        .iter()
        .map(|order| {
            let entries = order.iter();
            // Checked when the case was read, so nothing is left out here.
            entries
                .filter_map(|line| split_commands(line.as_bytes()).ok())
                .collect()
        })
        .collect();
    for last in finals {
        let matches = |allowed: &Vec<Vec<Command>>| {
            allowed.len() == last.order.len()
                && allowed
                    .iter()
                    .zip(&last.order)
                    .all(|(a, b)| same_commands(a, &b.commands))
        };
        if !allowed.iter().any(matches) {
            let found: Vec<String> = last.order.iter().map(|entry| entry.line()).collect();
            let expected: Vec<String> = orders.iter().map(|order| order.join(", ")).collect();
            compared.unmet(
                "expect.orders".into(),
                format!("order at replica {}", last.replica),
                expected.join(" | "),
                found.join(", "),
            );
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
    for last in finals {
        if compared
            .unmet
            .iter()
            .any(|unmet| unmet.place.starts_with("expect.store"))
        {
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
                compared.unmet(
                    format!("expect.store.{key}"),
                    about(key.as_bytes()),
                    expected.to_string(),
                    found.map_or("absent".into(), |value| show::bytes(value)),
                );
            }
        }
        for (key, value) in &last.store {
            let known = std::str::from_utf8(key).is_ok_and(|key| store.contains_key(key));
            if !known {
                let found = show::bytes(value);
                compared.unmet("expect.store".into(), about(key), "absent".into(), found);
            }
        }
    }
}
