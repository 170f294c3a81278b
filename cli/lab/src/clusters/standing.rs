//! `holdback-lab cluster`: looks after a cluster that was left up.

use super::asked::StatusArguments;
use crate::kit::cluster::{Cluster, Replica, Where};
use crate::kit::failure::{EXIT_YES, Failure};
use crate::kit::process::{self, Process, send};
use crate::kit::run_folder::{RunFolder, runs};
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
    /// End a replica at once, as a crash does (SIGKILL)
    Kill(One),
    /// Stop a replica (SIGSTOP)
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
        let standing = Standing::find(self.run.as_deref())?;
        match self.command {
            ClusterCommand::Status => standing.status(),
            ClusterCommand::Logs {
                follow,
                one: One { replica },
            } => standing.logs(follow, replica),
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
        let needed = || Failure::Usage(format!("{command} needs a replica's id"));
        let replica = self.replica(replica.ok_or_else(needed)?)?;
        let id = replica.id;
        let process = self.process(replica);
        let process =
            process.ok_or_else(|| Failure::Other(format!("replica {id} is not running")))?;
        let pid = process.pid();
        send(pid, signal).map_err(|why| Failure::Other(format!("replica {id}: {why}")))?;
        anstream::println!("replica {id} (process {pid}) {}", done(id));
        Ok(EXIT_YES)
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
