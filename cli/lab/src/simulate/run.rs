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
    /// Differs between runs that differ in when anything happened or in a byte that was sent.
    pub hash: u64,
    /// The trace as far as it was kept.
    pub trace: Vec<String>,
    /// What the run came across.
    pub counts: Counts,
}

impl Outcome {
    /// What another run of the same seed did differently: the first line of the trace that is not the same, byte for
    /// byte. Both traces have to be kept whole.
    #[must_use]
    pub fn difference(&self, other: &Self) -> Option<String> {
        let shown =
            |line: Option<&String>| line.map_or("nothing".into(), |line| format!("`{line}`"));
        let longest = self.trace.len().max(other.trace.len());
        let differs = |at: &usize| self.trace.get(*at) != other.trace.get(*at);
        if let Some(at) = (0..longest).find(differs) {
            let [one, another] = [self, other].map(|outcome| shown(outcome.trace.get(at)));
            return Some(format!("line {} was {one}, and is {another}", at + 1));
        }
        // The number also stands for the bytes of the frames, which lines show decoded.
        (self != other).then(|| "the lines are the same, and what was sent is not".into())
    }
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
