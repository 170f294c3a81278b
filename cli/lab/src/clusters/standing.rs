//! `holdback-lab cluster`: looks after a cluster that was left up.

use super::asked::StatusArguments;
use crate::kit::clock::Clock;
use crate::kit::cluster::{Cluster, POLL_INTERVAL, Replica, Where};
use crate::kit::failure::{EXIT_NO, EXIT_YES, Failure};
use crate::kit::process::{self, Process, send};
use crate::kit::replicas::{self, READY_PATIENCE, last_words};
use crate::kit::run_folder::{RunFolder, runs};
use crate::kit::{ask, status};
use clap::{Args, Subcommand};
use rustix::process::Signal;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::SystemTime;

/// `holdback-lab cluster`
#[derive(Debug, Args)]
pub struct ClusterArguments {
    /// The run folder of the cluster, instead of the one that was started last
    #[arg(long, global = true, value_name = "DIR")]
    pub run: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: ClusterCommand,
}

/// One of its replicas.
#[derive(Clone, Copy, Debug, Args)]
pub struct One {
    /// The replica's id
    pub replica: Option<usize>,
}

/// What can be done with a cluster that is up.
#[derive(Debug, Subcommand)]
pub enum ClusterCommand {
    /// One table; fail if a link is down or the orders differ
    Status,
    /// The last lines of every replica's log, or of one replica's
    Logs {
        /// Follow them
        #[arg(short)]
        follow: bool,
        /// Whose
        #[command(flatten)]
        one: One,
    },
    /// Start a replica that has ended, as it was started before
    Start(One),
    /// Ask a replica to end, as its service manager does (SIGTERM), and start it again
    Restart(One),
    /// Ask a replica to end (SIGTERM), and wait until it has
    Stop(One),
    /// End a replica at once, as a crash does (SIGKILL)
    Kill(One),
    /// Hold a replica still (SIGSTOP)
    Pause(One),
    /// Let a paused replica go on (SIGCONT)
    Resume(One),
    /// End the cluster
    Down,
}

impl ClusterArguments {
    /// Does it.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is no such cluster or replica, [`Failure::Unreachable`] if none is up.
    pub fn run(&self) -> Result<u8, Failure> {
        let mut standing = Standing::find(self.run.as_deref())?;
        match self.command {
            ClusterCommand::Status => standing.status(),
            ClusterCommand::Logs {
                follow,
                one: One { replica },
            } => standing.logs(follow, replica),
            ClusterCommand::Start(One { replica }) => standing.start("start", replica),
            ClusterCommand::Restart(One { replica }) => {
                standing.stop("restart", replica)?;
                standing.start("restart", replica)
            }
            ClusterCommand::Stop(One { replica }) => standing.stop("stop", replica),
            ClusterCommand::Kill(One { replica }) => {
                standing.signal("kill", replica, Signal::KILL, |_| "is killed".into())
            }
            ClusterCommand::Pause(One { replica }) => {
                standing.signal("pause", replica, Signal::STOP, |id| {
                    format!("is paused; it goes on with: scripts/cluster.sh resume {id}")
                })
            }
            ClusterCommand::Resume(One { replica }) => {
                standing.signal("resume", replica, Signal::CONT, |_| "goes on".into())
            }
            ClusterCommand::Down => standing.down(),
        }
    }
}

/// A cluster and its run folder.
struct Standing {
    folder: RunFolder,
    cluster: Cluster,
}

impl Standing {
    fn find(folder: Option<&Path>) -> Result<Self, Failure> {
        let folder = match folder {
            Some(folder) => folder.to_owned(),
            None => newest()?,
        };
        let shown = folder.display();
        if !folder.join("cluster.json").is_file() {
            let message = format!("{shown} is not the run folder of a cluster");
            return Err(Failure::Usage(message));
        }
        let cluster = Cluster::of_run(&folder)?;
        // By its own name, which the replicas' command lines have, and not by a link such as `latest`.
        let folder = folder.canonicalize();
        let folder = folder.map_err(Failure::doing("cannot find the run folder"))?;
        let folder = RunFolder::existing(&folder)?;
        Ok(Self { folder, cluster })
    }

    fn replica(&self, id: usize) -> Result<&Replica, Failure> {
        let replica = self.cluster.replicas.get(id.wrapping_sub(1));
        replica.ok_or_else(|| Failure::Usage(format!("there is no replica {id}")))
    }

    /// The replica that a command is about.
    fn one(&self, command: &str, replica: Option<usize>) -> Result<&Replica, Failure> {
        let needed = || Failure::Usage(format!("{command} needs a replica's id"));
        self.replica(replica.ok_or_else(needed)?)
    }

    /// The process of a replica that has to be running.
    fn running(&self, replica: &Replica) -> Result<Process, Failure> {
        let gone = || Failure::Other(format!("replica {} is not running", replica.id));
        self.process(replica).ok_or_else(gone)
    }

    fn log(&self, replica: &Replica) -> PathBuf {
        let name = format!("replica-{}.log", replica.id);
        self.folder.path().join(name)
    }

    fn process(&self, replica: &Replica) -> Option<Process> {
        Process::of_replica(replica.pid?, &self.log(replica))
    }

    fn status(&self) -> Result<u8, Failure> {
        let place = Where {
            run: Some(self.folder.path().to_owned()),
            cluster: Vec::new(),
        };
        StatusArguments { place }.run()
    }

    fn logs(&self, follow: bool, replica: Option<usize>) -> Result<u8, Failure> {
        let replicas = match replica {
            Some(id) => std::slice::from_ref(self.replica(id)?),
            None => &self.cluster.replicas,
        };
        let mut tail = Command::new("tail");
        tail.args(["-n", "20"]).args(follow.then_some("-f"));
        tail.args(replicas.iter().map(|replica| self.log(replica)));
        // Returns only if there is no such program.
        Err(Failure::doing("cannot run tail")(tail.exec()))
    }

    /// Sends a signal to a replica and says what was done.
    fn signal(
        &self,
        command: &str,
        replica: Option<usize>,
        signal: Signal,
        done: impl Fn(usize) -> String,
    ) -> Result<u8, Failure> {
        let replica = self.one(command, replica)?;
        let (id, pid) = (replica.id, self.running(replica)?.pid());
        send(pid, signal).map_err(|why| Failure::Other(format!("replica {id}: {why}")))?;
        anstream::println!("replica {id} (process {pid}) {}", done(id));
        Ok(EXIT_YES)
    }

    fn stop(&self, command: &str, replica: Option<usize>) -> Result<u8, Failure> {
        let replica = self.one(command, replica)?;
        let mut process = [self.running(replica)?];
        process::end(&mut process);
        let (id, [process]) = (replica.id, process);
        anstream::println!("replica {id} (process {}) has ended", process.pid());
        Ok(EXIT_YES)
    }

    /// Starts a replica as it was started before, and says what becomes of it.
    fn start(&mut self, command: &str, replica: Option<usize>) -> Result<u8, Failure> {
        let replica = self.one(command, replica)?;
        let id = replica.id;
        if let Some(process) = self.process(replica) {
            let pid = process.pid();
            return Err(Failure::Other(format!(
                "replica {id} is running (process {pid}); scripts/cluster.sh restart {id} ends it first"
            )));
        }
        self.folder.keep_trace(id)?;
        let mut process = replicas::start(&mut self.cluster, id, &self.folder)?;
        self.folder.write_json("cluster.json", &self.cluster)?;
        let pid = process.pid();
        anstream::println!("replica {id} (process {pid}) is started");
        self.wait(id, &mut process)
    }

    /// Waits until a replica serves, or is refused by the others, or has ended.
    fn wait(&self, id: usize, process: &mut Process) -> Result<u8, Failure> {
        let clock = Clock::start();
        loop {
            let answer = status::query(self.cluster.address(id), ask::PATIENCE);
            let ready = answer.map(|status| status.get("ready").unwrap_or("unknown").to_owned());
            match ready.unwrap_or_else(|reason| reason).as_str() {
                "yes" => {
                    anstream::println!("replica {id} serves");
                    return Ok(EXIT_YES);
                }
                state if state.starts_with("no (refused") => {
                    anstream::println!("replica {id} does not serve: {state}");
                    return Ok(EXIT_NO);
                }
                _ if !process.is_alive() => {
                    return Err(Failure::Unreachable(last_words(self.folder.path(), id)));
                }
                state if clock.now() > READY_PATIENCE => {
                    let message = format!("replica {id} does not serve yet: {state}");
                    return Err(Failure::Unreachable(message));
                }
                _ => std::thread::sleep(POLL_INTERVAL),
            }
        }
    }

    fn down(&self) -> Result<u8, Failure> {
        let replicas = self.cluster.replicas.iter();
        let mut processes: Vec<Process> = replicas.filter_map(|one| self.process(one)).collect();
        process::end(&mut processes);
        self.folder.no_longer_standing()?;
        let (count, shown) = (processes.len(), self.folder.path().display());
        anstream::println!("the cluster is down, replicas ended: {count}; its logs are in {shown}");
        Ok(EXIT_YES)
    }
}

/// The newest run folder whose cluster was left up and has a replica that is alive.
fn newest() -> Result<PathBuf, Failure> {
    let marked = |folder: PathBuf| {
        let since = RunFolder::existing(&folder).ok()?.standing_since()?;
        Some((since, folder))
    };
    // Without a folder there are no runs. The link to the newest run is not another one.
    let entries = std::fs::read_dir(runs()).into_iter().flatten().flatten();
    let folders = entries
        .map(|entry| entry.path())
        .filter(|path| !path.is_symlink());
    let mut marked: Vec<(SystemTime, PathBuf)> = folders.filter_map(marked).collect();
    marked.sort_unstable_by(|a, b| b.cmp(a));
    let is_up = |folder: &PathBuf| {
        let standing = Standing::find(Some(folder));
        standing.is_ok_and(|one| {
            let mut replicas = one.cluster.replicas.iter();
            replicas.any(|replica| one.process(replica).is_some())
        })
    };
    let mut up = marked.into_iter().map(|(_, folder)| folder).filter(is_up);
    let Some(newest) = up.next() else {
        let message = "no cluster is up; start one with scripts/cluster.sh up";
        return Err(Failure::Unreachable(message.into()));
    };
    let others: Vec<String> = up.map(|folder| folder.display().to_string()).collect();
    if !others.is_empty() {
        let (count, names) = (others.len(), others.join(" "));
        anstream::eprintln!("of {count} more clusters that are up, name one with --run: {names}");
    }
    Ok(newest)
}
