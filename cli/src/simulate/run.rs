//! Running a seed.

use super::plan::{Options, Plan};
use super::trace::Keep;
use super::violation::Violation;
use super::world::{Counts, World};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How a run ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The first invariant that was broken.
    pub violation: Option<Violation>,
    /// Differs between runs that differ in anything.
    pub hash: u64,
    /// The trace as far as it was kept.
    pub trace: Vec<String>,
    /// What the run came across.
    pub counts: Counts,
}

/// Runs one seed.
#[must_use]
pub fn run_seed(seed: u64, options: &Options, keep: Keep) -> Outcome {
    run_plan(&Plan::new(seed, options), keep)
}

/// Runs what was decided.
pub(super) fn run_plan(plan: &Plan, keep: Keep) -> Outcome {
    let mut world = World::new(plan, keep);
    let violation = run_world(&mut world);
    Outcome {
        violation,
        hash: world.trace.hash(),
        counts: world.counts,
        trace: world.trace.into_lines(),
    }
}

/// Runs a world to its end; the invariant that was broken.
pub(super) fn run_world(world: &mut World) -> Option<Violation> {
    let result = catch_unwind(AssertUnwindSafe(|| world.run()));
    let violation = match result {
        Ok(Ok(())) => None,
        Ok(Err(violation)) => Some(violation),
        Err(panic) => {
            let text = panic.downcast_ref::<String>().cloned();
            let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
            Some(Violation::new(
                "the code does not panic",
                text.unwrap_or_default(),
            ))
        }
    };
    if let Some(violation) = &violation {
        world.violated(violation);
    }
    world.counts.time = world.agenda.now();
    violation
}
