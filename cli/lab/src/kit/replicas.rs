//! Replicas that the laboratory starts itself, and that end with it.

use super::clock::Clock;
use super::cluster::Cluster;
use super::failure::Failure;
use super::interrupt::{Handling, Then, handle};
use super::process::{self, Process};
use super::run_folder::RunFolder;
use holdback::consistency::Consistency;
use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long replicas may take until all links are up.
pub(crate) const READY_PATIENCE: Duration = Duration::from_secs(20);
/// How many of a replica's last lines are shown if it does not start.
const LAST_LINES: usize = 5;

/// What to start.
#[derive(Clone, Debug)]
pub struct Plan<'a> {
    /// The model.
    pub consistency: Consistency,
    /// Seeds everything random in the replicas.
    pub seed: u64,
    /// Where they listen, on 127.0.0.1: a replica for each port.
    pub ports: &'a [u16],
    /// Further options of `holdback-server`.
    pub options: &'a [String],
    /// How to choose other ports, if one is in use.
    pub advice: &'a str,
}

/// Replicas that run. They end when this is dropped, or when a signal asks the program to stop.
#[derive(Debug)]
pub struct Replicas {
    processes: Arc<Mutex<Vec<Process>>>,
    _handling: Handling,
}

impl Replicas {
    /// Starts replicas, writes their files and `cluster.json` into the run folder, and waits until all links
    /// are up.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] if a port is in use, or if a replica ends or does not get ready, with the last
    /// lines of its log.
    pub fn start(plan: &Plan<'_>, folder: &RunFolder) -> Result<(Self, Cluster), Failure> {
        check_ports(plan)?;
        let processes = Arc::<Mutex<Vec<Process>>>::default();
        let list = Arc::clone(&processes);
        let handling = handle(move |_| {
            let mut processes = lock(&list);
            process::end(&mut processes);
            // Whoever would start another, or wonder why these have ended, waits until the program has ended.
            std::mem::forget(processes);
            Then::End
        });
        let replicas = Self {
            processes,
            _handling: handling,
        };
        let mut cluster = Cluster::at_ports(plan.ports);
        cluster.consistency = Some(plan.consistency);
        cluster.seed = Some(plan.seed);
        cluster.options = plan.options.to_vec();
        for id in 1..=cluster.replicas.len() {
            let mut processes = lock(&replicas.processes);
            processes.push(start(&mut cluster, id, folder)?);
        }
        folder.write_json("cluster.json", &cluster)?;
        replicas.wait(&cluster, folder.path())?;
        Ok((replicas, cluster))
    }

    /// Waits until every replica is ready and every link is up, or one has ended.
    fn wait(&self, cluster: &Cluster, folder: &Path) -> Result<(), Failure> {
        let clock = Clock::start();
        loop {
            let answers = cluster.wait_until_ready(Duration::from_millis(500));
            let Err(reason) = answers else {
                return Ok(());
            };
            let ended = lock(&self.processes)
                .iter_mut()
                .position(|one| !one.is_alive());
            if let Some(at) = ended {
                return Err(Failure::Unreachable(last_words(folder, at + 1)));
            }
            if clock.now() > READY_PATIENCE {
                let (seconds, shown) = (READY_PATIENCE.as_secs(), folder.display());
                return Err(Failure::Unreachable(format!(
                    "{reason}\nthe cluster is not ready after {seconds} s; logs are in {shown}"
                )));
            }
        }
    }

    /// Ends them.
    pub fn end(&self) {
        let mut processes = lock(&self.processes);
        process::end(&mut processes);
        processes.clear();
    }

    /// Leaves them up.
    pub fn leave(self) {
        lock(&self.processes).clear();
    }
}

impl Drop for Replicas {
    fn drop(&mut self) {
        self.end();
    }
}

fn lock(processes: &Mutex<Vec<Process>>) -> MutexGuard<'_, Vec<Process>> {
    processes.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A program beside this one, or in `HOLDBACK_BIN`.
///
/// # Errors
/// [`Failure::Usage`] if there is none.
pub fn program(name: &str) -> Result<PathBuf, Failure> {
    let beside = || Some(std::env::current_exe().ok()?.parent()?.to_owned());
    let folder = std::env::var_os("HOLDBACK_BIN").map(PathBuf::from);
    let path = folder.or_else(beside).unwrap_or_default().join(name);
    let missing = || Failure::Usage(format!("there is no program {}", path.display()));
    path.is_file().then(|| path.clone()).ok_or_else(missing)
}

fn check_ports(plan: &Plan<'_>) -> Result<(), Failure> {
    let in_use = |port: &&u16| TcpStream::connect(("127.0.0.1", **port)).is_ok();
    let taken = plan.ports.iter().filter(in_use).map(u16::to_string);
    let (taken, advice) = (taken.collect::<Vec<_>>().join(" "), plan.advice);
    if taken.is_empty() {
        return Ok(());
    }
    Err(Failure::Unreachable(format!(
        "in use: port {taken}; another cluster may be up (scripts/cluster.sh down), or choose others {advice}"
    )))
}

/// Starts one replica of a cluster, and notes its process in the cluster and in the run folder.
///
/// # Errors
/// [`Failure::Other`] if it cannot be started, or the file system does not allow it.
pub fn start(cluster: &mut Cluster, id: usize, folder: &RunFolder) -> Result<Process, Failure> {
    let process = Process::start(&mut command(cluster, id, folder.path())?);
    let process = process.map_err(Failure::doing("cannot start holdback-server"))?;
    cluster.replicas[id - 1].pid = Some(process.pid());
    folder.write(&format!("replica-{id}.pid"), format!("{}\n", process.pid()))?;
    Ok(process)
}

fn command(cluster: &Cluster, id: usize, folder: &Path) -> Result<Command, Failure> {
    let file = |end: &str| folder.join(format!("replica-{id}.{end}"));
    let output = File::options().create(true).append(true).open(file("out"));
    let output = output.and_then(|output| Ok((output.try_clone()?, output)));
    let (error, output) = output.map_err(Failure::doing("cannot write replica-N.out"))?;
    let mut command = Command::new(program("holdback-server")?);
    command.args(["--id", &id.to_string(), "--cluster", &cluster.addresses()]);
    if let Some(consistency) = cluster.consistency {
        command.args(["--consistency", consistency.name()]);
    }
    if let Some(seed) = cluster.seed {
        command.args(["--seed", &seed.to_string()]);
    }
    command
        .args(["--log-level", "debug", "--log-file"])
        .arg(file("log"));
    command
        .arg("--trace")
        .arg(file("trace.jsonl"))
        .args(&cluster.options);
    command.stdin(Stdio::null()).stdout(output).stderr(error);
    Ok(command)
}

/// What a replica said before it ended.
pub(crate) fn last_words(folder: &Path, id: usize) -> String {
    let mut text = format!("replica {id} has ended; the last it said:");
    for end in ["log", "out"] {
        // One that ended early has no log.
        let said = std::fs::read(folder.join(format!("replica-{id}.{end}"))).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<&str> = said.lines().collect();
        for line in &lines[lines.len().saturating_sub(LAST_LINES)..] {
            text += &format!("\n  {line}");
        }
    }
    text
}
