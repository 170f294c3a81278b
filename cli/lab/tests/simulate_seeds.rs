//! A fixed set of simulated runs in each model: no invariant breaks, and a seed always gives the same run.

use holdback::consistency::Consistency;
use holdback_lab::simulate::{Keep, Latency, Options, run_seed};

fn seeds_hold(consistency: Consistency, replicas: usize) {
    let options = Options {
        replicas,
        ..Options::new(consistency)
    };
    let mut answered = 0;
    for seed in 1..=40 {
        let outcome = run_seed(seed, &options, Keep::All);
        if let Some(violation) = outcome.violation {
            let last = outcome.trace.len().saturating_sub(40);
            panic!(
                "{consistency}, seed {seed}: {violation}\n{}",
                outcome.trace[last..].join("\n")
            );
        }
        answered += outcome.counts.replies;
        let again = run_seed(seed, &options, Keep::All);
        assert_eq!(
            outcome.difference(&again),
            None,
            "{consistency}, seed {seed}"
        );
    }
    assert!(
        answered > 2000,
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

/// Runs seeds that once broke an invariant.
fn these_hold(consistency: Consistency, seeds: &[u64]) {
    for seed in seeds {
        let outcome = run_seed(*seed, &Options::new(consistency), Keep::Nothing);
        assert_eq!(outcome.violation, None, "{consistency}, seed {seed}");
    }
}

/// A client that waited for room was not told that the window had become larger.
#[test]
fn a_client_gets_its_last_commands_out_when_the_weather_clears_up() {
    these_hold(Consistency::Sequential, &[2330, 2442]);
}

/// A replica started empty with a clock that was behind and wrote before it had heard from anybody: below a
/// tombstone that the others had forgotten. That is a new value, and not an old one that came back.
#[test]
fn a_write_below_a_forgotten_tombstone_is_new() {
    these_hold(Consistency::Eventual, &[397]);
}

/// Two replicas with an ocean between them gave up each connection before its handshake could be through, as the
/// timeout that was drawn was shorter than the way there and back.
#[test]
fn replicas_that_are_far_apart_get_to_know_each_other() {
    let options = Options {
        replicas: 5,
        latency: Latency::wan(),
        ..Options::new(Consistency::Eventual)
    };
    for seed in [152, 173] {
        let outcome = run_seed(seed, &options, Keep::Nothing);
        assert_eq!(outcome.violation, None, "seed {seed}");
    }
}

/// What the comparison of two runs is worth: that of different ones names the first line that differs.
#[test]
fn another_trace_is_told_from_the_same() {
    for model in [Consistency::Linearizable, Consistency::Eventual] {
        let run = |seed| run_seed(seed, &Options::new(model), Keep::All);
        let (first, mut again, other) = (run(7), run(7), run(8));
        assert!(first.trace.len() > 100);
        assert_eq!(first.difference(&again), None, "{model}");
        assert!(first.difference(&other).is_some(), "{model}");
        again.trace[60].push('!');
        let difference = first.difference(&again).unwrap_or_default();
        assert!(difference.starts_with("line 61 was "), "{difference}");
    }
}
