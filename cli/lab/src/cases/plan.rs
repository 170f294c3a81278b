//! Which delays a run takes, and how long it is going to be.

mod estimate;

pub use estimate::estimate;

use super::case::{Case, Seconds};
use holdback::random::{Random, STEP};
use std::time::Duration;

/// Every delay of a run, drawn from its seed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// What the delays were drawn from.
    pub seed: u64,
    /// For each client, for each request, what is slept before it is sent.
    pub delays: Vec<Vec<Duration>>,
}

impl Plan {
    /// Draws the delays of `case`. Each client draws from the seed and its own index, so that a change to
    /// one client leaves the others' delays as they were.
    #[must_use]
    pub fn new(case: &Case, seed: u64) -> Self {
        let delays = case.clients.iter().zip(0u64..).map(|(client, index)| {
            let mut random = stream(seed, index);
            let requests = client.requests.iter();
            requests.map(|one| draw(&mut random, &one.delay)).collect()
        });
        Self {
            seed,
            delays: delays.collect(),
        }
    }
}

/// The delays of a client: one stream of numbers for each pair of seed and index.
fn stream(seed: u64, index: u64) -> Random {
    // A generator leaves out its first number, and here the first number of the seed is wanted.
    let mixed = Random::new(seed.wrapping_sub(STEP), 0).draw();
    Random::new(mixed ^ index.wrapping_mul(0xd134_2543_de82_ef95), 0)
}

/// A time in the range, to the microsecond.
fn draw(random: &mut Random, range: &Seconds) -> Duration {
    let unit = (random.draw() >> 11) as f64 / (1u64 << 53) as f64;
    let seconds = range.min + unit * (range.max - range.min);
    Duration::from_micros((seconds * 1e6).round() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn case(clients: &str) -> Case {
        Case::parse(&format!(
            r#"{{"name":"c","consistency":"sequential","num_processes":2,"clients":[{clients}]}}"#
        ))
        .expect("a good case")
    }

    fn client(range: &str, requests: usize) -> String {
        let request = format!(r#"{{"op":"PING","delay":{range}}}"#);
        let requests = vec![request; requests].join(",");
        format!(r#"{{"process":1,"requests":[{requests}]}}"#)
    }

    #[test]
    fn delays_are_the_same_for_the_same_seed_and_others_for_another() {
        let case = case(&[client("[0,2]", 20), client("[0,2]", 20)].join(","));
        let plan = Plan::new(&case, 7);
        assert_eq!(plan, Plan::new(&case, 7));
        assert_ne!(plan.delays, Plan::new(&case, 8).delays);
        assert_ne!(plan.delays[0], plan.delays[1], "clients draw their own");
        // Pinned, so that a seed in a report still means the same after an update.
        let first: Vec<u128> = plan.delays[0][..3]
            .iter()
            .map(Duration::as_micros)
            .collect();
        assert_eq!(first, PINNED);
    }

    const PINNED: [u128; 3] = [1_299_409, 1_098_749, 1_208_470];

    #[test]
    fn delays_stay_in_their_range_and_fill_it() {
        let case = case(&client("[0.5,1.5]", 1000));
        let plan = Plan::new(&case, 3);
        let seconds: Vec<f64> = plan.delays[0].iter().map(Duration::as_secs_f64).collect();
        assert!(seconds.iter().all(|s| (0.5..=1.5).contains(s)));
        assert!(seconds.iter().any(|s| *s < 0.51) && seconds.iter().any(|s| *s > 1.49));
        let mean = seconds.iter().sum::<f64>() / 1000.0;
        assert!((0.95..1.05).contains(&mean), "{mean}");
    }

    #[test]
    fn a_client_keeps_its_delays_when_others_change() {
        let before = Plan::new(
            &case(&[client("[0,2]", 3), client("[0,2]", 3)].join(",")),
            1,
        );
        let after = Plan::new(
            &case(&[client("[0,2]", 9), client("[0,2]", 3)].join(",")),
            1,
        );
        assert_eq!(before.delays[1], after.delays[1]);
        assert_eq!(before.delays[0], after.delays[0][..3]);
    }

    #[test]
    fn a_fixed_delay_is_exact() {
        let plan = Plan::new(&case(&client("0.2", 1)), 1);
        assert_eq!(plan.delays, [[Duration::from_millis(200)]]);
    }
}
