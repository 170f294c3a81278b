//! The corpus is read without a panic, and so are inputs like it: a fuzzer's work in small, the same in every run.

use holdback::random::Random;
use holdback_fuzz::{TARGETS, Target, corpus, mutate};
use std::panic::catch_unwind;

/// Changed inputs for each target; reading a run folder takes longer than all others together.
const CHANGED: u64 = 20_000;
const CHANGED_RUNS: u64 = 400;

fn run(target: &Target, input: &[u8], what: &str) {
    let kept = std::env::temp_dir().join(format!("holdback-fuzz-{}", target.name));
    if catch_unwind(|| (target.run)(input)).is_err() {
        std::fs::write(&kept, input).expect("the input is kept");
        panic!(
            "{}, {what}: the input is in {}",
            target.name,
            kept.display()
        );
    }
}

fn look(target: &Target) {
    let seeds = corpus(target).expect("a folder of seeds");
    assert!(!seeds.is_empty(), "{} has seeds", target.name);
    for (path, input) in &seeds {
        run(target, input, &path.display().to_string());
    }
    let mut random = Random::new(1, 0);
    let changed = match target.name {
        "runs" => CHANGED_RUNS,
        _ => CHANGED,
    };
    for number in 0..changed {
        let [input, other] = [(); 2].map(|()| &seeds[random.index(seeds.len())].1);
        let input = mutate::mutate(input, other, &mut random);
        run(target, &input, &format!("change {number}"));
    }
    println!("{}: {} seeds, {changed} changed", target.name, seeds.len());
}

#[test]
fn what_comes_over_connections() {
    TARGETS[..4].iter().for_each(look);
}

#[test]
fn histories_and_cases() {
    TARGETS[4..6].iter().for_each(look);
}

#[test]
fn run_folders() {
    TARGETS[6..].iter().for_each(look);
}
