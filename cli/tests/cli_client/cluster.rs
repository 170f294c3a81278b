//! Replicas of `holdback-server` itself.

use crate::holdback_cli;
use holdback_testkit::processes;
use std::ops::{Deref, DerefMut};
use std::process::Command;

/// Replicas, which end with the test.
pub(crate) struct Cluster(processes::Cluster);

impl Cluster {
    /// Starts replicas of the sequential model and waits until each of them serves data.
    pub(crate) fn start(replicas: usize) -> Self {
        Self::start_with(replicas, "sequential")
    }

    /// Starts replicas that allow faults, and waits until each of them serves data.
    pub(crate) fn start_with(replicas: usize, model: &str) -> Self {
        Self::start_as(replicas, &["--consistency", model, "--allow-faults"])
    }

    /// Starts replicas with these options, and waits until each of them serves data.
    pub(crate) fn start_as(replicas: usize, options: &[&str]) -> Self {
        let all = [options, &["--log-level", "error"]].concat();
        Self(processes::Cluster::start(replicas, &all))
    }

    /// `holdback-cli`, connected to a replica.
    pub(crate) fn cli(&self, replica: usize) -> Command {
        holdback_cli(&["-p", &self.ports[replica - 1].to_string()])
    }

    /// What a command, or what else the command line may be, prints; it must be fine.
    pub(crate) fn run(&self, replica: usize, command: &str) -> String {
        let mut cli = self.cli(replica);
        let output = cli.args(command.split_whitespace()).output().unwrap();
        assert!(
            output.status.success(),
            "{command}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Deref for Cluster {
    type Target = processes::Cluster;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Cluster {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}
