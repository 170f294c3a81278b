//! Replicas that the laboratory starts itself, and that end with it.

use super::cluster::Cluster;
use super::failure::Failure;
use super::interrupt::{Handling, Then, handle};
use super::process::{self, Process};
use super::run_folder::RunFolder;
use holdback::consistency::Consistency;
use std::ffi::OsString;
use std::fs::File;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// How long replicas may take until all links are up.
const READY_PATIENCE: u32 = 20;
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
    pub options: &'a [OsString],
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
        let addresses = cluster.addresses();
        cluster.consistency = Some(plan.consistency);
        cluster.seed = Some(plan.seed);
        for replica in &mut cluster.replicas {
            let mut command = command(plan, replica.id, &addresses, folder.path())?;
            let mut processes = lock(&replicas.processes);
            let process = Process::start(&mut command);
            let process = process.map_err(Failure::doing("cannot start holdback-server"))?;
            replica.pid = Some(process.pid());
            let file = format!("replica-{}.pid", replica.id);
            folder.write(&file, format!("{}\n", process.pid()))?;
            processes.push(process);
        }
        folder.write_json("cluster.json", &cluster)?;
        replicas.wait(&cluster, folder.path())?;
        Ok((replicas, cluster))
    }

    /// Waits until every replica is ready and every link is up, or one has ended.
    fn wait(&self, cluster: &Cluster, folder: &Path) -> Result<(), Failure> {
        let mut rounds = 2 * READY_PATIENCE;
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
            rounds -= 1;
            if rounds == 0 {
                let shown = folder.display();
                return Err(Failure::Unreachable(format!(
                    "{reason}\nthe cluster is not ready after {READY_PATIENCE} s; logs are in {shown}"
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

fn command(plan: &Plan<'_>, id: usize, addresses: &str, folder: &Path) -> Result<Command, Failure> {
    let file = |end: &str| folder.join(format!("replica-{id}.{end}"));
    let output = File::create(file("out")).and_then(|output| Ok((output.try_clone()?, output)));
    let (error, output) = output.map_err(Failure::doing("cannot write replica-N.out"))?;
    let (id, seed) = (id.to_string(), plan.seed.to_string());
    let mut command = Command::new(program("holdback-server")?);
    command.args(["--id", &id, "--cluster", addresses]);
    command.args(["--consistency", plan.consistency.name(), "--seed", &seed]);
    command
        .args(["--log-level", "debug", "--log-file"])
        .arg(file("log"));
    command
        .arg("--trace")
        .arg(file("trace.jsonl"))
        .args(plan.options);
    command.stdin(Stdio::null()).stdout(output).stderr(error);
    Ok(command)
}

/// What a replica said before it ended.
fn last_words(folder: &Path, id: usize) -> String {
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
