//! Delays and cuts: set at the replicas that send, and taken away again whatever happens.

use super::case::{Case, FaultKind, LinkDelay, Seconds, joins};
use crate::kit::ask::order;
use crate::kit::clock::Clock;
use crate::kit::cluster::Cluster;
use crate::kit::failure::Failure;
use std::time::Duration;

/// The faults of a run. Dropped, it heals every link.
#[derive(Debug)]
pub struct Faults {
    cluster: Cluster,
    /// The delays in force, which healing a link ends and which then have to be set again.
    delays: Vec<LinkDelay>,
    /// Whether there is anything to heal.
    used: bool,
}

impl Faults {
    /// Sets the delays that hold from before the clients start.
    ///
    /// # Errors
    /// [`Failure::Usage`] if a replica does not allow faults, [`Failure::Unreachable`] if it is gone.
    pub fn begin(case: &Case, cluster: &Cluster) -> Result<Self, Failure> {
        let faults = Self {
            cluster: cluster.clone(),
            delays: case.delays.clone(),
            used: case.needs_faults(),
        };
        if faults.used {
            // Asked first, so that a replica that allows no faults is found before the clients start.
            for replica in &cluster.replicas {
                order(&replica.address, &["FAULT", "LIST"])?;
            }
        }
        for delay in &faults.delays {
            faults.delay(delay)?;
        }
        Ok(faults)
    }

    /// Does what the case has planned, each at its time. Returns what failed.
    pub fn follow(&mut self, case: &Case, clock: Clock) -> Vec<String> {
        let mut failed = Vec::new();
        for (at, kind) in case.faults_in_time() {
            clock.sleep_until(Duration::from_secs_f64(at));
            if let Err(failure) = self.apply(kind) {
                failed.push(format!("the fault at {at} s failed: {failure}"));
            }
        }
        failed
    }

    fn apply(&mut self, kind: FaultKind) -> Result<(), Failure> {
        match kind {
            FaultKind::Cut([a, b]) => self.order(a, &["FAULT", "CUT", &b.to_string()]),
            FaultKind::Delay(delay) => {
                self.delays
                    .retain(|d| (d.from, d.to) != (delay.from, delay.to));
                self.delays.push(delay);
                self.delay(&delay)
            }
            FaultKind::Heal([a, b]) => {
                for (at, peer) in [(a, b), (b, a)] {
                    self.order(at, &["FAULT", "HEAL", &peer.to_string()])?;
                }
                let mut healed = self.delays.iter().filter(|d| joins([a, b], d.from, d.to));
                healed.try_for_each(|delay| self.delay(delay))
            }
        }
    }

    fn delay(&self, delay: &LinkDelay) -> Result<(), Failure> {
        let to = delay.to.to_string();
        let Seconds { min, max } = delay.seconds;
        let [min, max] = [min, max].map(|seconds| format!("{:.0}", seconds * 1000.0));
        self.order(delay.from, &["FAULT", "DELAY", &to, &min, &max])
    }

    fn order(&self, replica: usize, arguments: &[&str]) -> Result<(), Failure> {
        order(self.cluster.address(replica), arguments)
    }

    /// What heals every link, for whoever has to do it in a hurry.
    pub fn healer(&self) -> impl Fn() + Send + use<> {
        let addresses: Vec<String> = if self.used {
            let replicas = self.cluster.replicas.iter();
            replicas.map(|replica| replica.address.clone()).collect()
        } else {
            Vec::new()
        };
        move || {
            for address in &addresses {
                // A replica that is gone has no faults left, so there is nothing to report.
                let _gone = order(address, &["FAULT", "HEAL", "*"]);
            }
        }
    }
}

impl Drop for Faults {
    fn drop(&mut self) {
        self.healer()();
    }
}
