//! `holdback-lab simulate`: seeds, one after another, and what they broke.

use super::batch::Session;
use super::{FaultKinds, Keep, Latency, Options};
use crate::kit::failure::Failure;
use crate::kit::random::draw_seed;
use clap::Args;
use holdback::consistency::Consistency;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;

/// Lines of the trace that a failure shows.
pub(super) const TRACE_LINES: usize = 40;

/// What to simulate.
#[derive(Debug, Args)]
pub struct SimulateArguments {
    /// One seed; its whole trace is printed
    #[arg(long, value_name = "N", conflicts_with = "seeds")]
    pub seed: Option<u64>,
    /// Seeds from A to B, both included; 1..100 if nothing else is asked for
    #[arg(long, value_name = "A..B", value_parser = parse_seeds)]
    pub seeds: Option<RangeInclusive<u64>>,
    /// So many seeds that were not run before; their numbers are printed
    #[arg(long, value_name = "N", conflicts_with_all = ["seed", "seeds"])]
    pub fresh: Option<u64>,
    /// Run each seed a second time, and compare the traces byte for byte
    #[arg(long)]
    pub twice: bool,
    /// Seeds for so many minutes, with a line on the progress now and then
    #[arg(long, value_name = "M", conflicts_with_all = ["seed", "seeds", "fresh"])]
    pub minutes: Option<f64>,
    /// How many replicas
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u64).range(2..=25))]
    pub replicas: u64,
    /// The consistency model; one seed is run in the sequential one, more of them in each in turn
    #[arg(long, short, value_name = "MODEL")]
    pub consistency: Option<Consistency>,
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
    /// Answer planning questions: latencies, frames and bytes by model and number of replicas
    #[arg(long, conflicts_with_all = ["seeds", "fresh", "minutes", "consistency", "replicas"])]
    pub plan: bool,
    /// With --plan: draw a chart into this file
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub chart: Option<PathBuf>,
    /// Print JSON lines: one for each failure, and one at the end
    #[arg(long)]
    pub json: bool,
    /// Plant this bug in the replicas
    #[cfg(feature = "deliberate-bugs")]
    #[arg(long, value_name = "NAME", value_parser = super::bugs::parse_bug)]
    pub bug: Option<holdback::bugs::Bug>,
    /// Plant each bug in turn, and run the seed that is on record for it
    #[cfg(feature = "deliberate-bugs")]
    #[arg(long, conflicts_with_all = ["bug", "seed", "seeds"])]
    pub every_bug: bool,
    /// With --every-bug: look for the seeds, and print what is to be recorded
    #[cfg(feature = "deliberate-bugs")]
    #[arg(long, requires = "every_bug")]
    pub anew: bool,
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
            return Ok(match self.anew {
                true => super::bugs::search_all(&options),
                false => super::bugs::replay_all(&options),
            });
        }
        #[cfg(feature = "deliberate-bugs")]
        holdback::bugs::plant(self.bug);
        if self.plan {
            super::planning::plan(
                &options.latency,
                self.seed.unwrap_or(1),
                self.chart.as_deref(),
            )?;
            return Ok(0);
        }
        let start = holdback_client::clock::now();
        let mut session = Session::new(self, options);
        if let Some(seed) = self.seed {
            session.run(self.models()[0], seed, Keep::All)?;
        } else if let Some(minutes) = self.minutes {
            let until = start + Duration::try_from_secs_f64(minutes * 60.0).unwrap_or_default();
            session.run_until(until)?;
        } else {
            let seeds = self.seeds();
            for model in self.models() {
                for seed in seeds.clone() {
                    session.run(model, seed, Keep::Nothing)?;
                }
            }
        }
        session.summarize(start.elapsed());
        Ok(u8::from(session.sum.broken > 0))
    }

    pub(super) fn models(&self) -> Vec<Consistency> {
        use Consistency::{Eventual, Linearizable, Sequential};
        match self.consistency {
            Some(model) => vec![model],
            None if self.seed.is_some() => vec![Sequential],
            None => vec![Sequential, Linearizable, Eventual],
        }
    }

    fn seeds(&self) -> RangeInclusive<u64> {
        match (self.fresh, &self.seeds) {
            (Some(count), _) => {
                let first = fresh_seed();
                let seeds = first..=first + count.saturating_sub(1);
                if !self.json {
                    println!("seeds {}..{}", seeds.start(), seeds.end());
                }
                seeds
            }
            (None, Some(seeds)) => seeds.clone(),
            (None, None) => 1..=100,
        }
    }

    fn options(&self) -> Result<Options, Failure> {
        let count = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        Ok(Options {
            replicas: count(self.replicas),
            clients: count(self.clients),
            operations: count(self.ops),
            faults: self.faults,
            latency: Latency::named(&self.latency)?,
            ..Options::new(self.models()[0])
        })
    }
}

/// A number that hardly anybody has drawn before.
pub(super) fn fresh_seed() -> u64 {
    draw_seed() * 1000
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
