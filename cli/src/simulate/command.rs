//! `holdback-lab simulate`: seeds, one after another, and what they broke.

use super::agenda::{SECOND, Time};
use super::folder::write_shrunk;
use super::plan::Plan;
use super::{FaultKinds, Keep, Latency, Options, Outcome, Violation, run_seed};
use crate::lab::failure::Failure;
use clap::Args;
use holdback::consistency::Consistency;
use serde_json::json;
use std::ops::RangeInclusive;
use std::path::PathBuf;

/// Lines of the trace that a failure shows.
const TRACE_LINES: usize = 40;
/// How many failures are made smaller and written.
const FOLDERS_MAX: u64 = 3;

/// What to simulate.
#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// One seed; its whole trace is printed
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Seeds from A to B, both included
    #[arg(long, value_name = "A..B", default_value = "1..100", value_parser = parse_seeds)]
    pub seeds: RangeInclusive<u64>,
    /// How many replicas
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(2..=25))]
    pub replicas: u64,
    /// The consistency model
    #[arg(long, short, value_name = "MODEL", default_value = "sequential")]
    pub consistency: Consistency,
    /// How many clients
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u64).range(1..=1000))]
    pub clients: u64,
    /// How many operations, shared among the clients
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    pub ops: u64,
    /// What goes wrong
    #[arg(long, value_enum, default_value = "all")]
    pub faults: FaultKinds,
    /// How far apart the replicas are: `lan`, `wan`, or a file of one-way delays
    #[arg(long, value_name = "lan|wan|FILE", default_value = "lan")]
    pub latency: String,
    /// Print JSON lines: one for each failure, and one at the end
    #[arg(long)]
    pub json: bool,
    /// Plant this bug in the replicas
    #[cfg(feature = "deliberate-bugs")]
    #[arg(long, value_name = "NAME", value_parser = super::bugs::parse_bug)]
    pub bug: Option<holdback::bugs::Bug>,
    /// Plant each bug in turn, and print how many seeds it took to find it
    #[cfg(feature = "deliberate-bugs")]
    #[arg(long, conflicts_with_all = ["bug", "seed", "seeds"])]
    pub every_bug: bool,
}

impl SimulateArguments {
    /// Runs the seeds; exit code 0 if nothing broke, 1 if something did.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the latency file is wrong, [`Failure::Other`] if a run folder cannot be written.
    pub fn run(&self) -> Result<u8, Failure> {
        let options = self.options()?;
        #[cfg(feature = "deliberate-bugs")]
        if self.every_bug {
            return Ok(super::bugs::catch_all(&options));
        }
        #[cfg(feature = "deliberate-bugs")]
        holdback::bugs::plant(self.bug);
        let (seeds, keep) = match self.seed {
            Some(seed) => (seed..=seed, Keep::All),
            None => (self.seeds.clone(), Keep::Last(TRACE_LINES)),
        };
        let mut sum = Sum::default();
        for seed in seeds {
            let outcome = run_seed(seed, &options, keep);
            if (self.seed.is_some() || outcome.violation.is_some()) && !self.json {
                outcome.trace.iter().for_each(|line| println!("{line}"));
            }
            sum.add(&outcome);
            if let Some(violation) = &outcome.violation {
                let folder = (sum.broken <= FOLDERS_MAX)
                    .then(|| write_shrunk(&Plan::new(seed, &options), violation))
                    .transpose()?;
                self.tell(seed, violation, folder.as_ref());
            }
        }
        self.summarize(&sum);
        Ok(u8::from(sum.broken > 0))
    }

    fn options(&self) -> Result<Options, Failure> {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Options {
            replicas: count(self.replicas),
            clients: count(self.clients),
            operations: count(self.ops),
            faults: self.faults,
            latency: Latency::named(&self.latency)?,
            ..Options::new(self.consistency)
        })
    }

    /// Tells of a broken invariant.
    fn tell(&self, seed: u64, violation: &Violation, shrunk: Option<&(PathBuf, Violation)>) {
        if self.json {
            let folder = shrunk.map(|(path, _)| path.display().to_string());
            let line = json!({
                "seed": seed, "consistency": self.consistency.name(),
                "invariant": violation.invariant, "detail": violation.detail, "run": folder,
            });
            return println!("{line}");
        }
        println!("seed {seed}: {violation}");
        if let Some((path, small)) = shrunk {
            println!("smaller: {small}\n  in {}", path.display());
        }
        println!();
    }

    fn summarize(&self, sum: &Sum) {
        let hours = sum.time as f64 / (SECOND * 3600) as f64;
        if self.json {
            let line = json!({
                "consistency": self.consistency.name(), "seeds": sum.seeds, "broken": sum.broken,
                "simulated_hours": hours, "replies": sum.replies,
            });
            return println!("{line}");
        }
        println!(
            "{} seeds, {} model, {hours:.1} simulated hours, {} replies: {} broke an invariant",
            sum.seeds, self.consistency, sum.replies, sum.broken
        );
    }
}

/// What several runs came to.
#[derive(Debug, Default)]
struct Sum {
    seeds: u64,
    broken: u64,
    replies: u64,
    time: Time,
}

impl Sum {
    fn add(&mut self, outcome: &Outcome) {
        self.seeds += 1;
        self.broken += u64::from(outcome.violation.is_some());
        self.replies += outcome.counts.replies;
        self.time += outcome.counts.time;
    }
}

fn parse_seeds(text: &str) -> Result<RangeInclusive<u64>, String> {
    let parsed = text.split_once("..").and_then(|(first, last)| {
        let (first, last) = (first.parse().ok()?, last.parse().ok()?);
        (first <= last).then_some(first..=last)
    });
    parsed.ok_or_else(|| format!("'{text}' is not A..B with A not above B"))
}

#[cfg(test)]
mod tests {
    use super::parse_seeds;

    #[test]
    fn seeds_are_a_range() {
        assert_eq!(parse_seeds("3..5"), Ok(3..=5));
        for wrong in ["", "3", "5..3", "a..b", "3..=5"] {
            assert!(parse_seeds(wrong).is_err(), "{wrong}");
        }
    }
}
