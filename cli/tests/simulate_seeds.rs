//! A fixed set of simulated runs in each model: no invariant breaks, and a seed always gives the same run.

use holdback::consistency::Consistency;
use holdback_cli::simulate::{Keep, Options, run_seed};

fn seeds_hold(consistency: Consistency, replicas: usize) {
    let options = Options {
        replicas,
        ..Options::new(consistency)
    };
    let mut answered = 0;
    for seed in 1..=60 {
        let outcome = run_seed(seed, &options, Keep::Last(40));
        if let Some(violation) = outcome.violation {
            panic!(
                "{consistency}, seed {seed}: {violation}\n{}",
                outcome.trace.join("\n")
            );
        }
        answered += outcome.counts.replies;
        let again = run_seed(seed, &options, Keep::Nothing);
        assert_eq!(
            outcome.hash, again.hash,
            "{consistency}, seed {seed} is not repeatable"
        );
    }
    assert!(
        answered > 3000,
        "the runs did something: {answered} replies"
    );
}

#[test]
fn sequential_seeds_hold() {
    seeds_hold(Consistency::Sequential, 3);
}

#[test]
fn linearizable_seeds_hold() {
    seeds_hold(Consistency::Linearizable, 3);
}

#[test]
fn eventual_seeds_hold() {
    seeds_hold(Consistency::Eventual, 3);
}

#[test]
fn five_replicas_hold() {
    seeds_hold(Consistency::Sequential, 5);
}
