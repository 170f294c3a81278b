//! Which replicas there are, and where.

use super::ask::PATIENCE;
use super::clock::Clock;
use super::failure::Failure;
use super::ports::DEFAULT_FIRST_PORT;
use super::status::{Answers, query_all, unready};
use clap::Args;
use holdback::consistency::Consistency;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// One replica.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Replica {
    /// Its id, from 1.
    pub id: usize,
    /// Where it listens: `host:port`.
    pub address: String,
    /// Its process, if the laboratory started it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

/// A cluster, as `cluster.json` describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cluster {
    /// The model it was started with, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consistency: Option<Consistency>,
    /// The seed it was started with, if it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Further options of `holdback-server`, if the laboratory started it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<String>,
    /// The replicas, in the order of their ids.
    pub replicas: Vec<Replica>,
}

impl Cluster {
    /// A cluster whose replica N is at the N-th address.
    #[must_use]
    pub fn at(addresses: &[String]) -> Self {
        let replica = |(address, id): (&String, usize)| Replica {
            id,
            address: address.clone(),
            pid: None,
        };
        Self {
            consistency: None,
            seed: None,
            options: Vec::new(),
            replicas: addresses.iter().zip(1..).map(replica).collect(),
        }
    }

    /// A cluster whose replica N is at the N-th port of 127.0.0.1.
    #[must_use]
    pub fn at_ports(ports: &[u16]) -> Self {
        let address = |port: &u16| format!("127.0.0.1:{port}");
        Self::at(&ports.iter().map(address).collect::<Vec<_>>())
    }

    /// All addresses, as `--cluster` takes them.
    #[must_use]
    pub fn addresses(&self) -> String {
        let replicas = self.replicas.iter();
        let addresses: Vec<&str> = replicas.map(|one| one.address.as_str()).collect();
        addresses.join(",")
    }

    /// Reads `cluster.json` in a run folder.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is none or it is malformed.
    pub fn of_run(folder: &Path) -> Result<Self, Failure> {
        let file = folder.join("cluster.json");
        let text = std::fs::read_to_string(&file).map_err(Failure::in_file(&file))?;
        let cluster: Self = serde_json::from_str(&text).map_err(Failure::in_file(&file))?;
        let in_order = cluster.replicas.iter().map(|replica| replica.id);
        if cluster.replicas.is_empty() || !in_order.eq(1..=cluster.replicas.len()) {
            let message = "`replicas` has to list the ids 1, 2, ... in order";
            return Err(Failure::in_file(&file)(message));
        }
        Ok(cluster)
    }

    /// The address of a replica.
    ///
    /// # Panics
    /// If there is no replica with this id: ids were checked when the case was read.
    #[must_use]
    pub fn address(&self, id: usize) -> &str {
        &self.replicas[id - 1].address
    }

    /// Waits until every replica is ready and every link is up, asking again every few milliseconds.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] with what is still missing when `patience` is at its end.
    pub fn wait_until_ready(&self, patience: Duration) -> Result<Answers, Failure> {
        let clock = Clock::start();
        loop {
            let answers = query_all(self, patience.clamp(POLL_INTERVAL, PATIENCE));
            let Some(reason) = unready(self, &answers) else {
                return Ok(answers);
            };
            if clock.now() >= patience {
                return Err(Failure::Unreachable(reason));
            }
            std::thread::sleep(POLL_INTERVAL.min(patience));
        }
    }
}

/// How the replicas are found.
#[derive(Debug, Args)]
pub struct Where {
    /// The run folder of the cluster (its cluster.json names the replicas)
    #[arg(long, value_name = "DIR", conflicts_with = "cluster")]
    pub run: Option<PathBuf>,
    /// The replicas' addresses, in the order of their ids
    #[arg(long, value_name = "HOST:PORT,...", value_delimiter = ',')]
    pub cluster: Vec<String>,
}

impl Where {
    /// The cluster that the arguments name, if they name one.
    ///
    /// # Errors
    /// [`Failure::Usage`] if its file cannot be read.
    pub fn find(&self) -> Result<Option<Cluster>, Failure> {
        match &self.run {
            Some(folder) => Cluster::of_run(folder).map(Some),
            None if self.cluster.is_empty() => Ok(None),
            None => Ok(Some(Cluster::at(&self.cluster))),
        }
    }

    /// The cluster that the arguments name, or else three replicas on the usual ports.
    ///
    /// # Errors
    /// As [`Where::find`].
    pub fn find_or_default(&self) -> Result<Cluster, Failure> {
        let usual = || Cluster::at_ports(&[0, 1, 2].map(|next| DEFAULT_FIRST_PORT + next));
        Ok(self.find()?.unwrap_or_else(usual))
    }
}

/// How often replicas are asked for their status while something is awaited.
pub const POLL_INTERVAL: Duration = Duration::from_millis(20);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_file_is_read_and_a_wrong_one_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let write = |text: &str| std::fs::write(folder.path().join("cluster.json"), text).unwrap();
        write(
            r#"{"consistency":"eventual","seed":3,"replicas":[{"id":1,"address":"h:1","pid":9},
                {"id":2,"address":"h:2","pid":10}]}"#,
        );
        let cluster = Cluster::of_run(folder.path()).unwrap();
        assert_eq!(cluster.consistency, Some(Consistency::Eventual));
        let second = (cluster.address(2), cluster.replicas[1].pid);
        assert_eq!(second, ("h:2", Some(10)));
        for wrong in [
            r#"{"replicas":[]}"#,
            r#"{"replicas":[{"id":2,"address":"h:2"}]}"#,
            "{",
        ] {
            write(wrong);
            let failure = Cluster::of_run(folder.path()).unwrap_err();
            assert_eq!(failure.exit_code(), 64, "{wrong}");
        }
    }

    #[test]
    fn a_cluster_that_is_not_there_is_unreachable() {
        let cluster = Cluster::at(&["127.0.0.1:1".into()]);
        let failure = cluster.wait_until_ready(Duration::ZERO).unwrap_err();
        assert_eq!(failure.exit_code(), 69);
        assert_eq!(
            failure.to_string(),
            "replica 1 at 127.0.0.1:1: connection refused"
        );
    }
}
