//! What clients saw, judged by the checkers that judge real runs: code that knows nothing of this simulator.

use super::history::entry;
use super::violation::{Check, Violation};
use super::world::World;
use crate::check::{Limits, OrderOfReplica, Verdict, eventual, linearizable, sequential, witness};
use crate::history::History;
use crate::order::Entry;
use holdback::consistency::Consistency;
use std::time::Duration;

const WITNESS: &str = "the history passes its model's checker, with the order as witness";
const BLACK_BOX: &str = "the history passes its model's checker, which does not know the order";

/// One run in so many is judged without the order, too: that takes longer than the run.
const BLACK_BOX_EVERY: u64 = 16;
/// After this long a search gives up; that counts as passed.
const PATIENCE: Duration = Duration::from_secs(5);

impl World {
    /// Judges the history of a run whose commands histories have names for.
    pub(super) fn judge_history(&self) -> Check {
        if !self.plan.plain {
            return Ok(());
        }
        let Some(mut history) = self.history() else {
            return Ok(());
        };
        let model = self.plan.consistency;
        if self.counts.restarts > 0 {
            // What a process held at its end is not on record, and the next one begins with nothing.
            history.finals.clear();
        }
        let limits = Limits {
            timeout: Some(PATIENCE),
            ..Limits::default()
        };
        if model.is_ordered() {
            expect(WITNESS, witness(&history, &self.orders(), model))?;
        }
        if self.is_sampled() {
            return expect(BLACK_BOX, black_box(&history, model, &limits));
        }
        Ok(())
    }

    /// A replica that restarts empty may lose what the eventual model had promised to keep.
    fn is_sampled(&self) -> bool {
        let promised = self.plan.consistency.is_ordered() || self.counts.restarts == 0;
        promised && self.plan.seed.is_multiple_of(BLACK_BOX_EVERY)
    }

    /// What each replica delivered: a prefix of the order on record, as every delivery was compared with it. If one
    /// was started again, the longest may have been delivered by a process that is no more.
    fn orders(&self) -> Vec<OrderOfReplica> {
        let record = &self.ledger.record;
        let placed = record.order.iter().zip(1..);
        let entries: Vec<Entry> = placed
            .map(|(placed, position)| entry(position, placed.stamp.to_string(), &placed.body))
            .collect();
        let order = |(index, _)| {
            let position: u64 = record.positions[index];
            let count = usize::try_from(position).unwrap_or(0).min(entries.len());
            OrderOfReplica {
                replica: index as u64 + 1,
                entries: entries[..count].to_vec(),
            }
        };
        if self.counts.restarts == 0 {
            return self.replicas().map(order).collect();
        }
        vec![OrderOfReplica {
            replica: 1,
            entries,
        }]
    }
}

fn black_box(history: &History, model: Consistency, limits: &Limits) -> Verdict {
    match model {
        Consistency::Sequential => sequential(history, limits),
        Consistency::Linearizable => linearizable(history, limits),
        Consistency::Eventual => eventual(history, limits),
    }
}

fn expect(invariant: &'static str, verdict: Verdict) -> Check {
    match verdict {
        Verdict::Yes | Verdict::Unknown(_) => Ok(()),
        Verdict::No(example) => Err(Violation::new(invariant, example.words)),
    }
}
