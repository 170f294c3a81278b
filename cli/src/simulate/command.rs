//! `holdback-lab simulate`: seeds, one after another, and what they broke.

use super::{FaultKinds, Keep, Options, run_seed};
use clap::Args;
use holdback::consistency::Consistency;
use std::ops::RangeInclusive;

/// Lines of the trace that a failure shows.
const TRACE_LINES: usize = 40;

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
    #[must_use]
    pub fn run(&self) -> u8 {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let options = Options {
            replicas: count(self.replicas),
            clients: count(self.clients),
            operations: count(self.ops),
            faults: self.faults,
            ..Options::new(self.consistency)
        };
        #[cfg(feature = "deliberate-bugs")]
        if self.every_bug {
            return super::bugs::catch_all(&options);
        }
        #[cfg(feature = "deliberate-bugs")]
        holdback::bugs::plant(self.bug);
        let (seeds, keep) = match self.seed {
            Some(seed) => (seed..=seed, Keep::All),
            None => (self.seeds.clone(), Keep::Last(TRACE_LINES)),
        };
        let (mut run, mut broken) = (0u64, 0u64);
        for seed in seeds {
            let outcome = run_seed(seed, &options, keep);
            run += 1;
            if self.seed.is_some() || outcome.violation.is_some() {
                outcome.trace.iter().for_each(|line| println!("{line}"));
            }
            if let Some(violation) = outcome.violation {
                broken += 1;
                println!("seed {seed}: {violation}\n");
            }
        }
        println!(
            "{run} seeds, {} model: {broken} broke an invariant",
            self.consistency
        );
        u8::from(broken > 0)
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
