//! What clients saw, judged by the checkers that judge real runs: code that knows nothing of this simulator.

use super::history::Reads;
use super::violation::{Check, Violation};
use super::world::World;
use crate::check::{Limits, Order, Verdict, eventual, linearizable, sequential, witness_of};
use crate::history::History;
use holdback::consistency::Consistency;
use std::time::Duration;

const WITNESS: &str = "the history passes its model's checker, with the order as witness";
const BLACK_BOX: &str = "the history passes its model's checker, which does not know the order";

/// One run in so many is judged without the order, too: that takes longer than the run.
const BLACK_BOX_EVERY: u64 = 16;
/// After this long a search gives up; that counts as passed.
const PATIENCE: Duration = Duration::from_secs(5);

impl World {
    /// Judges what the clients saw.
    pub(super) fn judge_history(&self) -> Check {
        let model = self.plan.consistency;
        let mut history = self.history(Reads::Promised);
        self.leave_out_ends(&mut history);
        if !model.is_ordered() {
            return expect(BLACK_BOX, eventual(&history, &limits()));
        }
        let order = self.order();
        expect(WITNESS, witness_of(&history, &order, model))?;
        if self.promised_less() {
            let mut all = self.history(Reads::All);
            self.leave_out_ends(&mut all);
            expect(WITNESS, witness_of(&all, &order, Consistency::Sequential))?;
        }
        if self.plan.seed.is_multiple_of(BLACK_BOX_EVERY) {
            expect(BLACK_BOX, black_box(&history, model))?;
        }
        Ok(())
    }

    /// What a process held at its end is not on record, and the next one begins with nothing.
    fn leave_out_ends(&self, history: &mut History) {
        if self.counts.restarts > 0 {
            history.finals.clear();
        }
    }

    /// What each replica delivered: a prefix of the order on record, as every delivery was compared with it. If one
    /// was started again, the longest may have been delivered by a process that is no more.
    fn order(&self) -> Order {
        let positions = &self.ledger.record.positions;
        Order {
            entries: self.translated_order(),
            reached: positions
                .iter()
                .zip(1..)
                .map(|(position, replica)| (replica, *position))
                .collect(),
            ..Order::default()
        }
    }
}

fn black_box(history: &History, model: Consistency) -> Verdict {
    match model {
        Consistency::Linearizable => linearizable(history, &limits()),
        _ => sequential(history, &limits()),
    }
}

fn limits() -> Limits {
    Limits::within(PATIENCE)
}

fn expect(invariant: &'static str, verdict: Verdict) -> Check {
    match verdict {
        Verdict::Yes | Verdict::Unknown(_) => Ok(()),
        Verdict::No(example) => Err(Violation::new(invariant, example.words)),
    }
}

#[cfg(test)]
mod tests;
