//! `holdback-lab up`

use crate::kit::failure::{EXIT_YES, Failure};
use crate::kit::interrupt::{Then, handle};
use crate::kit::ports::DEFAULT_FIRST_PORT;
use crate::kit::process::send;
use crate::kit::random::draw_seed;
use crate::kit::replicas::{Plan, Replicas, program};
use crate::kit::run_folder::{RunFolder, runs};
use clap::Args;
use holdback::consistency::Consistency;
use rustix::process::Signal;
use signal_hook::consts::SIGINT;
use std::io::IsTerminal;
use std::os::unix::process::ExitStatusExt;
use std::process::Command;

/// What a cluster is like.
#[derive(Debug, Args)]
pub struct Shape {
    /// How many replicas
    #[arg(long, short = 'n', value_name = "N", default_value_t = 3, value_parser = clap::value_parser!(u16).range(1..=32))]
    pub replicas: u16,
    /// The consistency model
    #[arg(long, short, value_name = "MODEL", default_value_t)]
    pub consistency: Consistency,
    /// Seeds everything random; drawn if not given
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..1_000_000_000))]
    pub seed: Option<u64>,
}

/// `holdback-lab up`
#[derive(Debug, Args)]
pub struct UpArguments {
    /// What it is like.
    #[command(flatten)]
    pub shape: Shape,
    /// The first replica's port; the others follow
    #[arg(long, short, value_name = "PORT", default_value_t = DEFAULT_FIRST_PORT, value_parser = clap::value_parser!(u16).range(1..))]
    pub port: u16,
    /// Let FAULT cut and delay links
    #[arg(long)]
    pub allow_faults: bool,
    /// Leave the cluster up and print its addresses
    #[arg(long)]
    pub detach: bool,
    /// Further options of the replicas
    #[arg(last = true, value_name = "SERVER OPTIONS")]
    pub options: Vec<String>,
}

impl UpArguments {
    /// Starts the cluster, and unless it is detached opens the REPL and takes the cluster down behind it.
    /// Returns the REPL's exit code.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there are not so many ports, and as [`Replicas::start`].
    pub fn run(&self) -> Result<u8, Failure> {
        let Some(last) = self.port.checked_add(self.shape.replicas - 1) else {
            let (count, first) = (self.shape.replicas, self.port);
            let message = format!("-p wants the first of {count} ports, not '{first}'");
            return Err(Failure::Usage(message));
        };
        let ports: Vec<u16> = (self.port..=last).collect();
        let mut options = self.options.clone();
        if self.allow_faults {
            options.insert(0, "--allow-faults".into());
        }
        let plan = Plan {
            consistency: self.shape.consistency,
            seed: self.shape.seed.unwrap_or_else(draw_seed),
            ports: &ports,
            options: &options,
            advice: "with -p",
        };
        let folder = RunFolder::create(&runs(), "cluster")?;
        let (replicas, cluster) = Replicas::start(&plan, &folder)?;
        folder.leave_standing()?;
        let (count, model) = (self.shape.replicas, plan.consistency);
        let shown = folder.path().display();
        if self.detach {
            replicas.leave();
            anstream::println!("up: {count} replicas, {model}, seed {}", plan.seed);
            for replica in &cluster.replicas {
                anstream::println!("{}", replica.address);
            }
            anstream::println!("take it down with scripts/cluster.sh down; logs are in {shown}");
            return Ok(EXIT_YES);
        }
        let for_a_person = std::io::stdin().is_terminal();
        if for_a_person {
            anstream::println!("{count} replicas are up, {model}; logs are in {shown}");
        }
        let code = repl(&cluster.addresses(), self.port)?;
        replicas.end();
        folder.no_longer_standing()?;
        if for_a_person {
            anstream::println!("the cluster is down; its logs are in {shown}");
        }
        Ok(code)
    }
}

/// The REPL, in front: Ctrl-C is its own business. Returns its exit code.
fn repl(cluster: &str, port: u16) -> Result<u8, Failure> {
    let mut command = Command::new(program("holdback-cli")?);
    command.args(["--cluster", cluster, "-p", &port.to_string()]);
    let repl = command.spawn();
    let mut repl = repl.map_err(Failure::doing("cannot open the REPL"))?;
    let pid = repl.id();
    let _handling = handle(move |signal| {
        if signal == SIGINT {
            return Then::GoOn;
        }
        let _gone = send(pid, Signal::TERM);
        Then::End
    });
    let status = repl.wait().map_err(Failure::doing("the REPL is lost"))?;
    let code = status.code().or_else(|| Some(128 + status.signal()?));
    Ok(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}
