//! The verdict on a run: whether the replicas agree, and whether the case's expectations are met.

mod expectations;

use super::case::Case;
use super::clients::Seen;
use crate::check::Judgement;
use crate::history::History;
use crate::kit::clock::nanoseconds;
use crate::kit::collect::Final;
use crate::kit::settle::Settled;
use crate::order::Entry;
use holdback::command::{Kind, lookup};
use holdback::consistency::Consistency;
use serde::Serialize;
use serde_json::{Value as Json, json};
use std::collections::BTreeSet;
use std::time::Duration;

/// The verdict on a run.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Whether the replicas settled in time.
    pub settled: Settled,
    /// What made the run incomplete: replicas or clients that were lost, faults that failed.
    pub incomplete: Vec<String>,
    /// Whether all replicas delivered the same entries in the same order; ordered models only.
    pub orders: Option<Agreement>,
    /// Whether all replicas hold the same data.
    pub stores: Agreement,
    /// How many expectations the case has.
    pub expectations: usize,
    /// Those that are not met.
    pub unmet: Vec<Unmet>,
    /// Reads and writes.
    pub latency: Latencies,
    /// Whether the history satisfies the case's own model, and then the stronger ones, which it need not.
    pub checks: Vec<Judgement>,
}

/// Whether all replicas agree.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Agreement {
    /// They do: on so many entries or keys.
    Same(usize),
    /// They do not.
    Different {
        /// What they disagree on: `position 3`, `key x`.
        place: String,
        /// What each replica has there, by id; `None` for nothing.
        found: Vec<(usize, Option<String>)>,
    },
}

/// An expectation that is not met.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Unmet {
    /// Its place in the case file: `expect.replies[0][1]`.
    pub place: String,
    /// What it is about: `client 1: GET x`.
    pub about: String,
    /// What was expected.
    pub expected: String,
    /// What was found.
    pub found: String,
}

/// How long requests took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latency {
    /// How many there were.
    pub count: usize,
    /// The median.
    pub median: Duration,
    /// The longest.
    pub max: Duration,
}

/// How long reads and writes took.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// Commands that read data.
    pub reads: Latency,
    /// Commands that change data.
    pub writes: Latency,
}

impl Verdict {
    /// Judges a run.
    #[must_use]
    pub fn judge(
        case: &Case,
        seen: &[Seen],
        finals: &[Final],
        settled: Settled,
        failed_faults: Vec<String>,
    ) -> Self {
        let mut incomplete = failed_faults;
        incomplete.extend(lost_replicas(finals));
        incomplete.extend(lost_clients(case, seen));
        let reached: Vec<&Final> = finals.iter().filter(|f| f.problem.is_none()).collect();
        let (expectations, unmet) = expectations::compare(case, seen, &reached);
        let ordered = case.consistency.is_ordered();
        Self {
            settled,
            incomplete,
            orders: ordered.then(|| compare_orders(&reached)),
            stores: compare_stores(&reached, case.consistency),
            expectations,
            unmet,
            latency: latencies(case, seen),
            checks: Vec::new(),
        }
    }

    /// Whether the verdict is yes.
    #[must_use]
    pub fn is_yes(&self) -> bool {
        let same = |agreement: &Agreement| matches!(agreement, Agreement::Same(_));
        self.settled.missing.is_none()
            && self.incomplete.is_empty()
            && self.orders.as_ref().is_none_or(same)
            && same(&self.stores)
            && self.unmet.is_empty()
            && self.own_check().is_none_or(|own| !own.verdict.is_no())
    }

    /// Whether the history satisfies the model that the case promises.
    #[must_use]
    pub fn own_check(&self) -> Option<&Judgement> {
        self.checks.first()
    }

    /// The verdict as `verdict.json` has it.
    #[must_use]
    pub fn to_json(&self, case: &Case, seed: u64, history: &History) -> Json {
        let agreement = |agreement: &Agreement| match agreement {
            Agreement::Same(count) => json!({"same": true, "count": count}),
            Agreement::Different { place, found } => {
                let found: serde_json::Map<String, Json> = found
                    .iter()
                    .map(|(replica, found)| (replica.to_string(), json!(found)))
                    .collect();
                json!({"same": false, "place": place, "found": found})
            }
        };
        let latency = |latency: &Latency| {
            json!({
                "count": latency.count,
                "median_ns": nanoseconds(latency.median),
                "max_ns": nanoseconds(latency.max),
            })
        };
        json!({
            "case": case.name,
            "consistency": case.consistency,
            "seed": seed,
            "verdict": if self.is_yes() { "yes" } else { "no" },
            "settled": {
                "yes": self.settled.missing.is_none(),
                "after_ns": nanoseconds(self.settled.after),
                "missing": self.settled.missing,
            },
            "incomplete": self.incomplete,
            "orders": self.orders.as_ref().map(agreement),
            "stores": agreement(&self.stores),
            "checks": self.checks.iter().map(|check| check.to_json(history)).collect::<Json>(),
            "expectations": {"count": self.expectations, "unmet": self.unmet},
            "latency": {
                "reads": latency(&self.latency.reads),
                "writes": latency(&self.latency.writes),
            },
        })
    }
}

fn lost_replicas(finals: &[Final]) -> impl Iterator<Item = String> {
    finals.iter().filter_map(|last| {
        let problem = last.problem.as_ref()?;
        let id = last.replica;
        Some(format!("replica {id} could not be asked: {problem}"))
    })
}

fn lost_clients(case: &Case, seen: &[Seen]) -> impl Iterator<Item = String> {
    let clients = case.clients.iter().zip(seen).zip(1..);
    clients.filter_map(|((client, seen), number)| {
        let reason = seen.last()?.outcome.as_ref().err()?;
        let request = client.requests.get(seen.len() - 1)?.line();
        Some(format!(
            "client {number} got no reply to {request}: {reason}"
        ))
    })
}

/// Compares the delivered entries, stamps included, and names the first position that differs.
fn compare_orders(finals: &[&Final]) -> Agreement {
    let longest = finals.iter().map(|last| last.order.len()).max();
    let longest = longest.unwrap_or(0);
    let differ = |at: usize| {
        let entry = |last| Final::order_at(last, at);
        let position = || {
            finals
                .iter()
                .filter_map(|last| Some(entry(last)?.position))
                .min()
        };
        let place = || format!("position {}", position().unwrap_or_default());
        let show = |entry: &Entry| format!("{} {}", entry.stamp, entry.body());
        difference(finals, entry, place, show)
    };
    let found = (0..longest).find_map(differ);
    let found = found.or_else(|| different_digests(finals));
    found.unwrap_or(Agreement::Same(longest))
}

/// Compares the data. In the eventual model the digest covers the stamps too.
fn compare_stores(finals: &[&Final], consistency: Consistency) -> Agreement {
    let keys: BTreeSet<&Vec<u8>> = finals.iter().flat_map(|last| last.store.keys()).collect();
    let differ = |key: &&Vec<u8>| {
        let place = || format!("key {}", quoted(key));
        difference(
            finals,
            |last| last.store.get(*key),
            place,
            |value| quoted(value),
        )
    };
    let mut found = keys.iter().find_map(differ);
    if !consistency.is_ordered() {
        found = found.or_else(|| different_digests(finals));
    }
    found.unwrap_or(Agreement::Same(keys.len()))
}

fn different_digests(finals: &[&Final]) -> Option<Agreement> {
    let digest = |last: &'_ Final| Some(last.digest.clone());
    difference(finals, digest, || "digest".into(), |digest| digest)
}

/// What the replicas have at a place, if that differs.
fn difference<'a, T: PartialEq>(
    finals: &[&'a Final],
    value: impl Fn(&'a Final) -> Option<T>,
    place: impl Fn() -> String,
    show: impl Fn(T) -> String,
) -> Option<Agreement> {
    let found = |last: &&'a Final| (last.replica, value(last).map(&show));
    let differs = finals.iter().any(|last| value(last) != value(finals[0]));
    differs.then(|| Agreement::Different {
        place: place(),
        found: finals.iter().map(found).collect(),
    })
}

/// A key or value as it stands on a command line.
#[must_use]
pub fn quoted(bytes: &[u8]) -> String {
    holdback::wire::inline::quote_all([bytes])
}

fn latencies(case: &Case, seen: &[Seen]) -> Latencies {
    let (mut reads, mut writes) = (Vec::new(), Vec::new());
    for (client, seen) in case.clients.iter().zip(seen) {
        for (request, exchange) in client.requests.iter().zip(seen) {
            match lookup(request.op.as_bytes()).map(|spec| spec.kind) {
                Some(Kind::Read) => reads.push(exchange.took()),
                Some(Kind::Write) => writes.push(exchange.took()),
                _ => {}
            }
        }
    }
    Latencies {
        reads: Latency::of(reads),
        writes: Latency::of(writes),
    }
}

impl Latency {
    /// The median (of an even number, the lower of the two in the middle) and the longest.
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self {
            count: times.len(),
            median: times
                .get(times.len().saturating_sub(1) / 2)
                .copied()
                .unwrap_or_default(),
            max: times.last().copied().unwrap_or_default(),
        }
    }
}

#[cfg(test)]
mod tests;
