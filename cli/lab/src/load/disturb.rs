//! What goes wrong during a load: delays, cuts, and pauses of processes, drawn from the seed.

use crate::kit::ask::{PATIENCE, call, order};
use crate::kit::clock::{Clock, nanoseconds, wall_nanoseconds};
use crate::kit::cluster::{Cluster, Replica};
use crate::kit::failure::Failure;
use crate::kit::process;
use crate::kit::status::Status;
use clap::ValueEnum;
use holdback::random::Random;
use holdback::wire::value::Value;
use rustix::process::Signal;
use serde_json::json;
use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::time::Duration;

/// What goes wrong during a load.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Faults {
    /// Nothing.
    None,
    /// Links are slow for a while.
    Delays,
    /// Links are cut, and heal.
    Cuts,
    /// Both, and replicas that scripts started are paused (SIGSTOP) and go on.
    All,
}

impl Faults {
    /// The name on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Delays => "delays",
            Self::Cuts => "cuts",
            Self::All => "all",
        }
    }
}

/// How often it is looked whether the load is over.
const LOOK: Duration = Duration::from_millis(5);

/// Milliseconds of quiet between two disturbances, of a disturbance, of the longest delay of a frame.
const QUIET: (u64, u64) = (100, 600);
const TROUBLE: (u64, u64) = (100, 1500);
const DELAY_MAX: u64 = 200;

/// One thing that goes wrong. Replicas are counted from 0; no peer means all of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Disturbance {
    Delay {
        from: usize,
        to: Option<usize>,
        min: u64,
        max: u64,
    },
    Cut {
        at: usize,
        from: Option<usize>,
    },
    Pause {
        replica: usize,
    },
}

/// Disturbs a cluster. Dropped, it leaves it healed.
pub(super) struct Disturber {
    cluster: Cluster,
    faults: Faults,
    random: Random,
    clock: Clock,
    log: Option<File>,
    /// What could not be done.
    pub(super) problems: Vec<String>,
}

impl Disturber {
    /// Checks that faults are allowed.
    ///
    /// # Errors
    /// [`Failure::Usage`] if a replica does not allow faults or the cluster has no links,
    /// [`Failure::Other`] if the log cannot be written.
    pub(super) fn new(
        cluster: &Cluster,
        faults: Faults,
        seed: u64,
        clock: Clock,
        log: Option<&Path>,
    ) -> Result<Self, Failure> {
        if faults != Faults::None {
            if cluster.replicas.len() < 2 {
                let message = "--faults: a cluster of one replica has no links";
                return Err(Failure::Usage(message.into()));
            }
            for replica in &cluster.replicas {
                order(&replica.address, &["FAULT", "LIST"])?;
            }
        }
        let create = |path: &Path| {
            let writing = format!("cannot write {}", path.display());
            File::create(path).map_err(Failure::doing(writing))
        };
        let log = log.filter(|_| faults != Faults::None).map(create);
        let mut cluster = cluster.clone();
        if faults == Faults::All {
            cluster.replicas.iter_mut().for_each(forget_stale_process);
        }
        Ok(Self {
            cluster,
            faults,
            random: Random::new(seed, 10_000),
            clock,
            log: log.transpose()?,
            problems: Vec::new(),
        })
    }

    /// Disturbs until `is_over`, then heals.
    pub(super) fn run(&mut self, is_over: impl Fn() -> bool) {
        if self.faults == Faults::None {
            return;
        }
        while !is_over() {
            self.rest(QUIET, &is_over);
            if is_over() {
                break;
            }
            let disturbances = self.draw();
            disturbances.iter().for_each(|one| self.begin(*one));
            self.rest(TROUBLE, &is_over);
            // The other way round, as a replica that is paused does not hear that it is healed.
            disturbances.iter().rev().for_each(|one| self.end(*one));
        }
        self.heal();
    }

    /// Does nothing for a time between two numbers of milliseconds, or until it is over.
    fn rest(&mut self, between: (u64, u64), is_over: &impl Fn() -> bool) {
        let milliseconds = self.random.between(between.0, between.1);
        let until = self.clock.now() + Duration::from_millis(milliseconds);
        while self.clock.now() < until && !is_over() {
            std::thread::sleep(LOOK);
        }
    }

    /// One disturbance, or a delay and another one.
    fn draw(&mut self) -> Vec<Disturbance> {
        let (delay, cut) = (self.draw_delay(), self.draw_cut());
        let pause = Disturbance::Pause {
            replica: self.random.index(self.cluster.replicas.len()),
        };
        let choice = match self.faults {
            Faults::None => return Vec::new(),
            Faults::Delays => 0,
            Faults::Cuts => 1,
            Faults::All if self.may_pause() => self.random.below(5),
            Faults::All => self.random.below(3),
        };
        match choice {
            0 => vec![delay],
            1 => vec![cut],
            2 => vec![delay, cut],
            3 => vec![pause],
            _ => vec![delay, pause],
        }
    }

    fn draw_delay(&mut self) -> Disturbance {
        let max = self.random.between(1, DELAY_MAX);
        let (from, to) = self.draw_link();
        Disturbance::Delay {
            from,
            to,
            min: self.random.below(max),
            max,
        }
    }

    fn draw_cut(&mut self) -> Disturbance {
        let (at, from) = self.draw_link();
        Disturbance::Cut { at, from }
    }

    /// A replica and one of the others, or now and then all of them.
    fn draw_link(&mut self) -> (usize, Option<usize>) {
        let count = self.cluster.replicas.len();
        let replica = self.random.index(count);
        let other = (replica + 1 + self.random.index(count - 1)) % count;
        (replica, (!self.random.permille(300)).then_some(other))
    }

    fn may_pause(&self) -> bool {
        let mut replicas = self.cluster.replicas.iter();
        replicas.all(|replica| replica.pid.is_some())
    }

    fn begin(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Delay { from, to, min, max } => {
                let (min, max) = (min.to_string(), max.to_string());
                self.order(from, &["FAULT", "DELAY", &peer(to), &min, &max]);
            }
            Disturbance::Cut { at, from } => self.order(at, &["FAULT", "CUT", &peer(from)]),
            Disturbance::Pause { replica } => self.signal(replica, Signal::STOP, "PAUSE"),
        }
    }

    fn end(&mut self, disturbance: Disturbance) {
        match disturbance {
            Disturbance::Delay { from: at, to, .. } | Disturbance::Cut { at, from: to } => {
                self.order(at, &["FAULT", "HEAL", &peer(to)]);
            }
            Disturbance::Pause { replica } => self.signal(replica, Signal::CONT, "RESUME"),
        }
    }

    fn order(&mut self, replica: usize, command: &[&str]) {
        if let Err(failure) = order(&self.cluster.replicas[replica].address, command) {
            self.problems.push(failure.to_string());
        } else {
            self.note(replica, command);
        }
    }

    fn signal(&mut self, replica: usize, signal: Signal, name: &str) {
        match send(self.cluster.replicas[replica].pid, signal) {
            Ok(()) => self.note(replica, &[name]),
            Err(why) => self.problems.push(format!("{name} {}: {why}", replica + 1)),
        }
    }

    /// Writes down what was done, as the replicas' traces do.
    fn note(&mut self, replica: usize, command: &[&str]) {
        let Some(log) = &mut self.log else {
            return;
        };
        let time = nanoseconds(self.clock.now());
        let line = json!({
            "event": "fault", "replica": self.cluster.replicas[replica].id,
            "wall_ns": wall_nanoseconds(), "time": time, "command": command,
        });
        if let Err(error) = writeln!(log, "{line}") {
            self.problems.push(format!("faults.jsonl: {error}"));
        }
    }

    fn heal(&mut self) {
        for replica in 0..self.cluster.replicas.len() {
            self.order(replica, &["FAULT", "HEAL", "*"]);
        }
    }

    /// What lets paused replicas go on and heals every link, for whoever has to do it in a hurry.
    pub(super) fn healer(&self) -> impl Fn() + Send + use<> {
        let (replicas, faults) = (self.cluster.replicas.clone(), self.faults);
        move || {
            if faults == Faults::All {
                for replica in &replicas {
                    let _gone = send(replica.pid, Signal::CONT);
                }
            }
            for replica in replicas.iter().filter(|_| faults != Faults::None) {
                // A replica that is gone has no faults left, so there is nothing to report.
                let _gone = order(&replica.address, &["FAULT", "HEAL", "*"]);
            }
        }
    }
}

impl Drop for Disturber {
    fn drop(&mut self) {
        self.healer()();
    }
}

fn peer(replica: Option<usize>) -> String {
    replica.map_or_else(|| "*".into(), |replica| (replica + 1).to_string())
}

/// The number in `cluster.json` may have come to mean another process; the replica knows its own.
fn forget_stale_process(replica: &mut Replica) {
    let own = || match call(&replica.address, &["INFO", "server"], PATIENCE) {
        Ok(Value::Bulk(info)) => {
            Status::parse(&String::from_utf8_lossy(&info)).number("process_id")
        }
        _ => 0,
    };
    replica.pid = replica.pid.filter(|pid| own() == u64::from(*pid));
}

fn send(pid: Option<u32>, signal: Signal) -> Result<(), String> {
    process::send(pid.ok_or("its process is not known")?, signal)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn disturber(faults: Faults, seed: u64, pid: Option<u32>) -> Disturber {
        let mut cluster = Cluster::at(&["127.0.0.1:1".into(), "127.0.0.1:1".into()]);
        cluster.replicas.iter_mut().for_each(|r| r.pid = pid);
        Disturber {
            cluster,
            faults,
            random: Random::new(seed, 1),
            clock: Clock::start(),
            log: None,
            problems: Vec::new(),
        }
    }

    fn drawn(faults: Faults, seed: u64, pid: Option<u32>) -> Vec<Vec<Disturbance>> {
        let mut disturber = disturber(faults, seed, pid);
        let drawn = (0..100).map(|_| disturber.draw()).collect();
        // Nothing here has a process or links to heal.
        disturber.faults = Faults::None;
        drawn
    }

    #[test]
    fn each_kind_of_faults_has_its_disturbances_and_no_others() {
        let is_delay = |d: &Disturbance| matches!(d, Disturbance::Delay { .. });
        let is_cut = |d: &Disturbance| matches!(d, Disturbance::Cut { .. });
        let is_pause = |d: &Disturbance| matches!(d, Disturbance::Pause { .. });
        let delays = drawn(Faults::Delays, 1, Some(1));
        assert!(delays.iter().flatten().all(is_delay));
        let cuts = drawn(Faults::Cuts, 1, Some(1));
        assert!(cuts.iter().flatten().all(is_cut));
        let all = drawn(Faults::All, 1, Some(1)).concat();
        assert!(all.iter().any(is_delay) && all.iter().any(is_cut) && all.iter().any(is_pause));
        let all = drawn(Faults::All, 1, None).concat();
        assert!(!all.iter().any(is_pause), "without a process");
    }

    #[test]
    fn the_same_seed_disturbs_alike_and_no_replica_is_its_own_peer() {
        assert_eq!(drawn(Faults::All, 7, None), drawn(Faults::All, 7, None));
        assert_ne!(drawn(Faults::All, 7, None), drawn(Faults::All, 8, None));
        for one in drawn(Faults::All, 7, None).concat() {
            if let Disturbance::Delay { from, to, min, max } = one {
                assert!(min < max && max <= DELAY_MAX);
                assert_ne!(Some(from), to);
            }
        }
    }
}
