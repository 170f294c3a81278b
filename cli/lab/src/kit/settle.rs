//! Waiting until the replicas have nothing left to tell each other.

use super::ask::{PATIENCE, REFUSED};
use super::clock::Clock;
use super::cluster::{Cluster, POLL_INTERVAL};
use super::print::count;
use super::status::{Answers, Status, query_all};
use holdback::consistency::Consistency;
use std::time::Duration;

/// How the waiting ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// How long it took.
    pub after: Duration,
    /// What was still missing when the time was up.
    pub missing: Option<String>,
}

/// Where nobody has listened for so long, nobody will: the process is gone.
const GONE_AFTER: Duration = Duration::from_secs(2);

/// Waits until the cluster has settled, at most `limit`; less if a replica's process is gone, for then it cannot.
#[must_use]
pub fn wait(cluster: &Cluster, consistency: Consistency, limit: Duration) -> Settled {
    let clock = Clock::start();
    // Since when some replica has not been listening.
    let mut refused: Option<Duration> = None;
    loop {
        let answers = query_all(cluster, PATIENCE);
        let missing = unsettled(consistency, &answers);
        let after = clock.now();
        refused = is_refused(&answers).then(|| refused.unwrap_or(after));
        let is_gone = refused.is_some_and(|since| after - since >= GONE_AFTER);
        if missing.is_none() || is_gone || after >= limit {
            return Settled { after, missing };
        }
        std::thread::sleep(POLL_INTERVAL.min(limit.saturating_sub(after)));
    }
}

fn is_refused(answers: &Answers) -> bool {
    let mut reasons = answers.iter().filter_map(|answer| answer.as_ref().err());
    reasons.any(|reason| reason == REFUSED)
}

/// What keeps the cluster from being settled, if anything does.
///
/// In an ordered model, with all clients answered, equal positions and empty holdback queues leave
/// nothing on the way: an entry still travelling is held back at its origin. In the eventual model equal
/// digests mean equal data, stamps included, so that no update on the way can change anything.
fn unsettled(consistency: Consistency, answers: &Answers) -> Option<String> {
    let mut statuses = Vec::new();
    for (answer, id) in answers.iter().zip(1..) {
        match answer {
            Ok(status) => statuses.push((id, status)),
            Err(reason) => return Some(format!("replica {id}: {reason}")),
        }
    }
    if !consistency.is_ordered() {
        return differing(&statuses, |status| short(status.digest()), "digests");
    }
    if let Some((id, status)) = statuses.iter().find(|(_, status)| status.holdback() > 0) {
        let entries = count(status.holdback() as usize, "entry", "entries");
        return Some(format!("replica {id} still holds back {entries}"));
    }
    let position = |status: &Status| status.position().to_string();
    differing(&statuses, position, "positions")
}

fn differing(
    statuses: &[(usize, &Status)],
    value: impl Fn(&Status) -> String,
    what: &str,
) -> Option<String> {
    let values: Vec<String> = statuses.iter().map(|(_, status)| value(status)).collect();
    let differ = values.iter().any(|value| *value != values[0]);
    differ.then(|| format!("{what} differ: {}", values.join(", ")))
}

/// A digest, as much of it as a person wants to compare.
#[must_use]
pub fn short(digest: &str) -> String {
    digest.chars().take(8).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(texts: &[&str]) -> Answers {
        texts.iter().map(|text| Ok(Status::parse(text))).collect()
    }

    #[test]
    fn ordered_models_want_empty_queues_and_equal_positions_and_the_eventual_one_equal_digests() {
        let (ordered, eventual) = (Consistency::Sequential, Consistency::Eventual);
        for (model, texts, missing) in [
            (
                ordered,
                ["position:3\nholdback:0", "position:3\nholdback:0"],
                None,
            ),
            (
                ordered,
                ["position:3\nholdback:0", "position:3\nholdback:1"],
                Some("replica 2 still holds back 1 entry"),
            ),
            (
                ordered,
                ["position:3\nholdback:0", "position:2\nholdback:0"],
                Some("positions differ: 3, 2"),
            ),
            (
                eventual,
                ["position:3\ndigest:aa", "position:2\ndigest:aa"],
                None,
            ),
            (
                eventual,
                ["position:3\ndigest:aa", "position:3\ndigest:ab"],
                Some("digests differ: aa, ab"),
            ),
        ] {
            assert_eq!(
                unsettled(model, &answers(&texts)).as_deref(),
                missing,
                "{texts:?}"
            );
        }
    }

    #[test]
    fn nobody_waits_for_a_replica_that_is_gone() {
        // Nobody listens at this one, which belongs to a service of long ago.
        let address = "127.0.0.1:1".to_owned();
        let limit = Duration::from_secs(3600);
        let settled = wait(&Cluster::at(&[address]), Consistency::Sequential, limit);
        assert_eq!(
            settled.missing.as_deref(),
            Some("replica 1: connection refused")
        );
        assert!(settled.after >= GONE_AFTER);
    }

    #[test]
    fn a_replica_that_does_not_answer_is_not_settled() {
        let mut answers = answers(&["position:0\nholdback:0"]);
        answers.push(Err("connection refused".into()));
        for model in [Consistency::Linearizable, Consistency::Eventual] {
            assert_eq!(
                unsettled(model, &answers).as_deref(),
                Some("replica 2: connection refused")
            );
        }
    }
}
