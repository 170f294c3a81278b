//! What clients saw, judged by the checkers that judge real runs: code that knows nothing of this simulator.

use super::plan::Plan;
use super::violation::{Check, Violation};
use super::world::World;
use crate::check::{Limits, Verdict, linearizable};
use holdback::consistency::Consistency;
use std::time::Duration;

const BLACK_BOX: &str = "some order of the operations explains what clients saw";

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
        let Some(history) = self.history() else {
            return Ok(());
        };
        if is_sampled(&self.plan) {
            let limits = Limits {
                timeout: Some(PATIENCE),
                shrinking: PATIENCE,
            };
            return expect(BLACK_BOX, linearizable(&history, &limits));
        }
        Ok(())
    }
}

fn is_sampled(plan: &Plan) -> bool {
    plan.consistency == Consistency::Linearizable && plan.seed.is_multiple_of(BLACK_BOX_EVERY)
}

fn expect(invariant: &'static str, verdict: Verdict) -> Check {
    match verdict {
        Verdict::Yes | Verdict::Unknown(_) => Ok(()),
        Verdict::No(example) => Err(Violation::new(invariant, example.words)),
    }
}
