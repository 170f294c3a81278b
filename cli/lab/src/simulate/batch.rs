//! Many runs, one after the other, and what they came to.

use super::agenda::{SECOND, Time};
use super::command::{SimulateArguments, TRACE_LINES, fresh_seed};
use super::folder::write_shrunk;
use super::plan::Plan;
use super::{Keep, Options, Outcome, Violation, run_seed};
use crate::kit::failure::Failure;
use holdback::consistency::Consistency;
use serde_json::json;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const REPEATABLE: &str = "a seed always gives the same trace, byte for byte";

/// How many failures are made smaller and written.
const FOLDERS_MAX: u64 = 3;
/// How many seeds of one model are run before it is the next one's turn.
const TURN: u64 = 50;
/// How often a long run tells how far it is.
const PROGRESS_EVERY: Duration = Duration::from_secs(10);

/// What several runs came to.
#[derive(Debug, Default)]
pub(super) struct Sum {
    pub(super) seeds: u64,
    pub(super) broken: u64,
    pub(super) replies: u64,
    pub(super) time: Time,
}

/// Runs, and what is told of them.
pub(super) struct Session<'a> {
    arguments: &'a SimulateArguments,
    options: Options,
    pub(super) sum: Sum,
}

impl<'a> Session<'a> {
    pub(super) fn new(arguments: &'a SimulateArguments, options: Options) -> Self {
        Self {
            arguments,
            options,
            sum: Sum::default(),
        }
    }

    /// Runs one seed in one model.
    pub(super) fn run(&mut self, model: Consistency, seed: u64, keep: Keep) -> Result<(), Failure> {
        self.options.consistency = model;
        let twice = self.arguments.twice;
        let mut outcome = run_seed(seed, &self.options, if twice { Keep::All } else { keep });
        if twice
            && let Some(difference) = outcome.difference(&run_seed(seed, &self.options, Keep::All))
        {
            outcome.violation = Some(Violation::new(REPEATABLE, difference));
            outcome.trace.clear();
        }
        let is_broken = |found: &Violation| found.invariant != REPEATABLE;
        if outcome.violation.as_ref().is_some_and(is_broken) && keep == Keep::Nothing {
            // Lines cost more than all the rest, so they are written only for who reads them.
            outcome = run_seed(seed, &self.options, Keep::Last(TRACE_LINES));
        }
        self.sum.add(&outcome);
        if (keep == Keep::All || outcome.violation.is_some()) && !self.arguments.json {
            outcome.trace.iter().for_each(|line| println!("{line}"));
        }
        if let Some(violation) = &outcome.violation {
            let shrunk = (self.sum.broken <= FOLDERS_MAX)
                .then(|| write_shrunk(&Plan::new(seed, &self.options), violation))
                .transpose()?;
            self.tell(seed, violation, shrunk.as_ref());
        }
        Ok(())
    }

    /// Runs fresh seeds of each model in turn.
    pub(super) fn run_until(&mut self, until: Instant) -> Result<(), Failure> {
        let start = holdback_client::clock::now();
        let mut next_progress = start + PROGRESS_EVERY;
        let models = self.arguments.models();
        let first = fresh_seed();
        if !self.arguments.json {
            println!("seeds from {first} on");
        }
        for turn in 0.. {
            for model in &models {
                for seed in first + turn * TURN..first + (turn + 1) * TURN {
                    let now = holdback_client::clock::now();
                    if now >= until {
                        return Ok(());
                    }
                    if now >= next_progress {
                        next_progress = now + PROGRESS_EVERY;
                        self.summarize(now - start);
                    }
                    self.run(*model, seed, Keep::Nothing)?;
                }
            }
        }
        Ok(())
    }

    /// Tells of a broken invariant.
    fn tell(&self, seed: u64, violation: &Violation, shrunk: Option<&(PathBuf, Violation)>) {
        let model = self.options.consistency;
        if self.arguments.json {
            let folder = shrunk.map(|(path, _)| path.display().to_string());
            let line = json!({
                "seed": seed, "consistency": model.name(),
                "invariant": violation.invariant, "detail": violation.detail, "run": folder,
            });
            return println!("{line}");
        }
        println!("seed {seed}, {model} model: {violation}");
        if let Some((path, small)) = shrunk {
            println!("smaller: {small}\n  in {}", path.display());
        }
        println!();
    }

    /// Tells what the runs have come to, which took so long.
    pub(super) fn summarize(&self, elapsed: Duration) {
        let Sum {
            seeds,
            broken,
            replies,
            time,
        } = self.sum;
        let hours = time as f64 / (SECOND * 3600) as f64;
        let rate = seeds as f64 / elapsed.as_secs_f64().max(1e-9);
        if self.arguments.json {
            let line = json!({
                "seeds": seeds, "broken": broken, "seeds_per_second": rate,
                "simulated_hours": hours, "replies": replies,
            });
            return println!("{line}");
        }
        println!(
            "{seeds} seeds, {rate:.0} a second, {hours:.1} simulated hours, {replies} replies: \
             {broken} broke an invariant"
        );
    }
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.broken += u64::from(outcome.violation.is_some());
        self.replies += outcome.counts.replies;
        self.time += outcome.counts.time;
    }
}
