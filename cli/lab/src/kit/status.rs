//! What `STATUS` answers, and what follows from the answers of all replicas.

use super::ask::call;
use super::cluster::{Cluster, Replica};
use holdback::admin::Fields;
use holdback::wire::value::Value;
use std::time::Duration;

/// One replica's answer to `STATUS`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Status(Fields);

impl Status {
    /// Reads `name:value` lines.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(Fields::read(text.to_owned()))
    }

    /// A field's value.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name)
    }

    /// A field's value as a number, 0 if it is missing.
    #[must_use]
    pub fn number(&self, name: &str) -> u64 {
        self.0.number(name)
    }

    /// How many entries the replica has delivered (eventual model: applied).
    #[must_use]
    pub fn position(&self) -> u64 {
        self.number("position")
    }

    /// The digest of the order (eventual model: of the data).
    #[must_use]
    pub fn digest(&self) -> &str {
        self.get("digest").unwrap_or("")
    }

    /// Entries received and not delivered.
    #[must_use]
    pub fn holdback(&self) -> u64 {
        self.number("holdback")
    }

    /// Each link: the other replica's id and how the link is.
    #[must_use]
    pub fn links(&self) -> Vec<(&str, &str)> {
        let links = self.0.iter();
        links
            .filter_map(|(name, state)| Some((name.strip_prefix("link.")?, state)))
            .collect()
    }
}

/// Asks one replica.
///
/// # Errors
/// Why there is no answer, in words.
pub fn query(address: &str, patience: Duration) -> Result<Status, String> {
    match call(address, &["STATUS"], patience)? {
        Value::Bulk(text) => Ok(Status::parse(&String::from_utf8_lossy(&text))),
        Value::Error(error) => Err(error),
        other => Err(format!("is no replica: it answers STATUS with {other:?}")),
    }
}

/// The answer of each replica, in the order of the cluster.
pub type Answers = Vec<Result<Status, String>>;

/// Asks all replicas at once, so that one which hangs delays nobody but itself.
#[must_use]
pub fn query_all(cluster: &Cluster, patience: Duration) -> Answers {
    std::thread::scope(|scope| {
        let ask = |replica: &Replica| {
            let address = replica.address.clone();
            scope.spawn(move || query(&address, patience))
        };
        let asked: Vec<_> = cluster.replicas.iter().map(ask).collect();
        let failed = |_| Err("the query failed".into());
        let answers = asked
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(failed));
        answers.collect()
    })
}

/// How many entries each replica has delivered; 0 for one that does not answer.
#[must_use]
pub fn positions(answers: &Answers) -> Vec<u64> {
    let position = |answer: &Result<Status, _>| answer.as_ref().map_or(0, Status::position);
    answers.iter().map(position).collect()
}

/// Why the cluster cannot serve yet, or `None` if every replica is ready and every link is up.
#[must_use]
pub fn unready(cluster: &Cluster, answers: &Answers) -> Option<String> {
    for (replica, answer) in cluster.replicas.iter().zip(answers) {
        let Replica { id, address, .. } = replica;
        let status = match answer {
            Ok(status) => status,
            Err(reason) => return Some(format!("replica {id} at {address}: {reason}")),
        };
        let state = status.get("ready").unwrap_or("unknown");
        if state != "yes" {
            return Some(format!("replica {id} at {address} is not ready: {state}"));
        }
        let links = status.links();
        if let Some((peer, state)) = links.iter().find(|(_, state)| *state != "up") {
            return Some(format!("replica {id}'s link to replica {peer} is {state}"));
        }
        if links.len() + 1 != cluster.replicas.len() {
            let (has, wants) = (links.len(), cluster.replicas.len() - 1);
            return Some(format!(
                "replica {id} at {address} has {has} links, not {wants}"
            ));
        }
    }
    None
}

/// Everything that is wrong with the cluster: replicas that do not answer or are not ready, links that are
/// not up.
#[must_use]
pub fn trouble(cluster: &Cluster, answers: &Answers) -> Vec<String> {
    let mut found = Vec::new();
    for (replica, answer) in cluster.replicas.iter().zip(answers) {
        let id = replica.id;
        match answer {
            Err(reason) => found.push(format!("replica {id} does not answer: {reason}")),
            Ok(status) => {
                if status.get("ready") != Some("yes") {
                    found.push(format!("replica {id} is not ready"));
                }
                if let Some(differing) = status.get("diverged").filter(|text| *text != "no") {
                    found.push(format!("replica {id} differs from others: {differing}"));
                }
                for (peer, state) in status.links().iter().filter(|(_, state)| *state != "up") {
                    found.push(format!("replica {id}'s link to replica {peer} is {state}"));
                }
            }
        }
    }
    found
}

/// Compares the digests at the highest position that all replicas who answer have delivered. Says what
/// came out, and whether it is as it should be.
///
/// Replicas of an eventual cluster have no common position: that their data differs for a while is no
/// fault, so it is only said.
#[must_use]
pub fn digests_at_common_position(
    cluster: &Cluster,
    answers: &Answers,
    patience: Duration,
) -> (String, bool) {
    let all = cluster.replicas.iter().zip(answers);
    let reached = all.filter_map(|(replica, answer)| Some((replica, answer.as_ref().ok()?)));
    let (replicas, statuses): (Vec<&Replica>, Vec<&Status>) = reached.unzip();
    if statuses
        .iter()
        .any(|one| one.get("consistency") == Some("eventual"))
    {
        let same = statuses
            .iter()
            .all(|one| one.digest() == statuses[0].digest());
        let said = match same {
            true => "all replicas hold the same data",
            false => "the replicas' data differs: they converge once they hear of each other",
        };
        return (said.into(), true);
    }
    let position = statuses.iter().map(|one| one.position()).min().unwrap_or(0);
    if position == 0 {
        return ("nothing is committed at every replica yet".into(), true);
    }
    let mut digests = Vec::new();
    for Replica { id, address, .. } in replicas {
        match digest_at(address, position, patience) {
            Ok(digest) => digests.push((id, digest)),
            Err(reason) => {
                return (
                    format!("replica {id} has no digest at {position}: {reason}"),
                    false,
                );
            }
        }
    }
    if digests.iter().all(|(_, digest)| *digest == digests[0].1) {
        return (format!("digests agree at position {position}"), true);
    }
    let digests = digests
        .iter()
        .map(|(id, digest)| format!("replica {id} {digest}"));
    let digests = digests.collect::<Vec<_>>().join(", ");
    (
        format!("digests differ at position {position}: {digests}"),
        false,
    )
}

fn digest_at(address: &str, position: u64, patience: Duration) -> Result<String, String> {
    match call(address, &["DIGEST", &position.to_string()], patience)? {
        Value::Array(items) => match items.as_slice() {
            [Value::Integer(_), Value::Bulk(digest)] => Ok(String::from_utf8_lossy(digest).into()),
            _ => Err("DIGEST is not answered with a position and a digest".into()),
        },
        Value::Error(error) => Err(error),
        other => Err(format!("DIGEST is answered with {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "id:1\r\naddress:127.0.0.1:8081\r\nready:yes\r\nposition:17\r\ndigest:ab12\r\n\
                        holdback:2\r\nlink.2:up\r\nlink.3:silent 2.1s\r\nrtt_us.2:183\r\nacked.2:17\r\n";

    #[test]
    fn fields_are_found() {
        let status = Status::parse(TEXT);
        assert_eq!(status.get("address"), Some("127.0.0.1:8081"));
        assert_eq!((status.position(), status.holdback()), (17, 2));
        assert_eq!(status.digest(), "ab12");
        assert_eq!(status.links(), [("2", "up"), ("3", "silent 2.1s")]);
    }

    #[test]
    fn a_cluster_is_ready_only_when_every_replica_and_link_is() {
        let cluster = Cluster::at(&["a:1".into(), "b:2".into()]);
        let up = |id: usize| Ok(Status::parse(&format!("ready:yes\nlink.{id}:up\n")));
        let refused = || Err("connection refused".into());
        let answer = |text: &str| Ok(Status::parse(text));
        for (second, reason) in [
            (up(1), None),
            (refused(), Some("replica 2 at b:2: connection refused")),
            (
                answer("ready:yes\nlink.1:silent 2.1s"),
                Some("replica 2's link to replica 1 is silent 2.1s"),
            ),
            (
                answer("ready:no (refused)\nlink.1:up"),
                Some("replica 2 at b:2 is not ready: no (refused)"),
            ),
            (
                answer("ready:yes"),
                Some("replica 2 at b:2 has 0 links, not 1"),
            ),
        ] {
            assert_eq!(unready(&cluster, &vec![up(2), second]).as_deref(), reason);
        }
    }
}
