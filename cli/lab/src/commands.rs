//! The subcommands of `holdback-lab`.

use crate::cases::command::{CasesArguments, CheckCaseArguments, RunArguments};
use crate::check::CheckArguments;
use crate::clusters::asked::{FreePortsArguments, NewRunArguments, StatusArguments, WaitArguments};
use crate::clusters::standing::ClusterArguments;
use crate::clusters::up::UpArguments;
use crate::kit::failure::Failure;
use crate::load::LoadArguments;
use crate::prove::ProveArguments;
use crate::report::commands::{ExportArguments, ReportArguments};
use crate::simulate::SimulateArguments;
use clap::{Parser, Subcommand};

/// Runs test cases against a cluster of Holdback replicas and judges them.
#[derive(Debug, Parser)]
#[command(name = "holdback-lab", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 fine or yes; 1 no, or a check failed; 2 unknown; 64 usage or a malformed \
                          file; 69 a replica cannot be reached; 130 interrupted.\n\nOnly `up`, \
                          `prove` and `run --spawn` start replicas; all else finds them.";

/// What `holdback-lab` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a cluster and open its REPL
    Up(UpArguments),
    /// Look after a cluster that is up
    Cluster(ClusterArguments),
    /// Start a cluster, load it while things go wrong, and judge what its clients saw
    Prove(ProveArguments),
    /// Run a case, print everything, and judge it
    Run(RunArguments),
    /// Check case files without running them
    CheckCase(CheckCaseArguments),
    /// List the cases in a folder, with their descriptions and how long they take
    Cases(CasesArguments),
    /// Wait until every replica is ready and every link is up
    Wait(WaitArguments),
    /// Show every replica in one table; fail if a link is down or orders differ
    Status(StatusArguments),
    /// Create a run folder and print its path
    NewRun(NewRunArguments),
    /// Print ports that nobody listens on
    FreePorts(FreePortsArguments),
    /// Check which consistency models a history, or a run, satisfies
    Check(CheckArguments),
    /// Load a cluster, or another server, and record what its clients saw
    Load(LoadArguments),
    /// Draw a picture of a run: a page of its own, or a still
    Report(ReportArguments),
    /// Write a run for ShiViz or Jepsen
    Export(ExportArguments),
    /// Run the replicas' own code under a seeded network and clock, and check what must hold
    Simulate(SimulateArguments),
}

impl Command {
    /// Does it, and returns the exit code.
    ///
    /// # Errors
    /// Why it could not be done.
    pub fn run(&self) -> Result<u8, Failure> {
        match self {
            Self::Up(arguments) => arguments.run(),
            Self::Cluster(arguments) => arguments.run(),
            Self::Prove(arguments) => arguments.run(),
            Self::Run(arguments) => arguments.run(),
            Self::CheckCase(arguments) => arguments.run(),
            Self::Cases(arguments) => arguments.run(),
            Self::Wait(arguments) => arguments.run(),
            Self::Status(arguments) => arguments.run(),
            Self::NewRun(arguments) => arguments.run(),
            Self::FreePorts(arguments) => arguments.run(),
            Self::Check(arguments) => arguments.run(),
            Self::Load(arguments) => arguments.run(),
            Self::Report(arguments) => arguments.run(),
            Self::Export(arguments) => arguments.run(),
            Self::Simulate(arguments) => arguments.run(),
        }
    }
}
