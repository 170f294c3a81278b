//! The subcommands of `holdback-lab`, and what each does with the rooms of the laboratory.

use super::case::{Case, DEFAULT_FIRST_PORT};
use super::cluster::Cluster;
use super::failure::{EXIT_NO, EXIT_YES, Failure};
use super::plan::{Plan, draw_seed};
use super::ports::{self, PortRange};
use super::print::outcome::{Shown, head, outcome};
use super::print::{self, BAD, FAINT, GOOD, styled, terminal_width};
use super::run_folder::{RunFolder, runs};
use super::status::{Answers, PATIENCE, digests_at_common_position, query_all, trouble};
use crate::check::CheckArguments;
use crate::load::LoadArguments;
use crate::report::commands::{ExportArguments, ReportArguments};
use crate::simulate::SimulateArguments;
use clap::{Args, Parser, Subcommand};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Runs test cases against a cluster of Holdback replicas and judges them.
#[derive(Debug, Parser)]
#[command(name = "holdback-lab", version, after_help = EXIT_CODES)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

const EXIT_CODES: &str = "Exit codes: 0 fine or yes; 1 no, or a check failed; 2 unknown; 64 usage or a malformed \
                          file; 69 a replica cannot be reached; 130 interrupted.\n\nNothing here starts \
                          replicas: scripts/cluster.sh and scripts/run_case.sh do.";

/// What `holdback-lab` can do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a case against a cluster that is up, print everything, and judge it
    Run(RunArguments),
    /// Check case files without running them
    CheckCase(CheckCaseArguments),
    /// List the cases in a folder, with their descriptions and how long they take
    Cases(CasesArguments),
    /// Print what a script needs to know to start the cluster of a case
    Plan(PlanArguments),
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
        Ok(self.find()?.unwrap_or_else(|| {
            let ports = DEFAULT_FIRST_PORT..DEFAULT_FIRST_PORT + 3;
            let addresses: Vec<String> = ports.map(|port| format!("127.0.0.1:{port}")).collect();
            Cluster::at(&addresses)
        }))
    }
}

/// `holdback-lab run`
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The case file
    pub case: PathBuf,
    /// How the replicas are found.
    #[command(flatten)]
    pub place: Where,
    /// What random delays are drawn from, instead of the case's own seed
    #[arg(long)]
    pub seed: Option<u64>,
    /// Only check the case file
    #[arg(long)]
    pub check: bool,
}

impl RunArguments {
    /// Runs the case.
    ///
    /// # Errors
    /// As [`super::run::run`].
    pub fn run(&self) -> Result<u8, Failure> {
        if self.check {
            let files = vec![self.case.clone()];
            return CheckCaseArguments { files }.run();
        }
        let case = Case::load(&self.case)?;
        let plan = plan(&case, self.seed);
        let found = self.place.find()?;
        let cluster = found.unwrap_or_else(|| Cluster::of_case(&case));
        let folder = self.folder(&case, &cluster)?;
        let width = terminal_width();
        anstream::print!("{}", head(&case, plan.seed, width));

        let report = super::run::run(&case, &plan, &cluster, &folder)?;
        if report.before > 0 {
            let entries = print::count(report.before as usize, "entry", "entries");
            let note = format!("the cluster was not new: {entries} from before are not shown");
            anstream::println!("\n{}", styled(FAINT, &note));
        }
        let shown = Shown {
            case: &case,
            seed: plan.seed,
            seen: &report.seen,
            finals: &report.finals,
            verdict: &report.verdict,
            width,
        };
        anstream::print!("{}", outcome(&shown));
        let own = report.verdict.own_check();
        if let Some(own) = own.filter(|own| own.verdict.is_no()) {
            anstream::print!("\n{}", crate::check::shown(own, &report.history));
        }
        let yes = report.verdict.is_yes();
        let word = if yes {
            styled(GOOD, "yes")
        } else {
            styled(BAD, "no")
        };
        let kept = format!("everything is in {}", from_here(folder.path()));
        anstream::println!("\n{word}  {}", styled(FAINT, &kept));
        Ok(if yes { EXIT_YES } else { EXIT_NO })
    }

    fn folder(&self, case: &Case, cluster: &Cluster) -> Result<RunFolder, Failure> {
        if let Some(folder) = &self.place.run {
            return RunFolder::existing(folder);
        }
        let folder = RunFolder::create(&runs(), &case.name)?;
        let cluster = serde_json::to_string(cluster).map_err(|e| Failure::Other(e.to_string()))?;
        folder.write("cluster.json", format!("{cluster}\n"))?;
        Ok(folder)
    }
}

fn plan(case: &Case, seed: Option<u64>) -> Plan {
    Plan::new(case, seed.or(case.seed).unwrap_or_else(draw_seed))
}

/// A path as it can be typed in the current folder.
pub(crate) fn from_here(path: &Path) -> String {
    let here = std::env::current_dir().unwrap_or_default();
    path.strip_prefix(here)
        .unwrap_or(path)
        .display()
        .to_string()
}

/// `holdback-lab check-case`
#[derive(Debug, Args)]
pub struct CheckCaseArguments {
    /// The case files
    #[arg(required = true)]
    pub files: Vec<PathBuf>,
}

impl CheckCaseArguments {
    /// Checks every file.
    ///
    /// # Errors
    /// [`Failure::Usage`] with every problem of every file.
    pub fn run(&self) -> Result<u8, Failure> {
        let mut problems = Vec::new();
        for file in &self.files {
            match Case::load(file) {
                Ok(_) => anstream::println!("{}: {}", file.display(), styled(GOOD, "fine")),
                Err(failure) => problems.push(failure.to_string()),
            }
        }
        if problems.is_empty() {
            Ok(EXIT_YES)
        } else {
            Err(Failure::Usage(problems.join("\n")))
        }
    }
}

/// `holdback-lab cases`
#[derive(Debug, Args)]
pub struct CasesArguments {
    /// The folder; its subfolders are searched too
    #[arg(default_value = "test_cases")]
    pub folder: PathBuf,
    /// Print only the files, one a line
    #[arg(long)]
    pub files: bool,
}

impl CasesArguments {
    /// Lists the cases.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the folder cannot be read or holds a malformed case.
    pub fn run(&self) -> Result<u8, Failure> {
        let files = case_files(&self.folder)?;
        if self.files {
            for file in files {
                anstream::println!("{}", file.display());
            }
            return Ok(EXIT_YES);
        }
        let load = |file: PathBuf| {
            let case = Case::load(&file);
            (file, case)
        };
        let cases: Vec<_> = files.into_iter().map(load).collect();
        anstream::print!("{}", print::cases::list(&cases, terminal_width()));
        match cases.into_iter().find_map(|(_, case)| case.err()) {
            Some(failure) => Err(failure),
            None => Ok(EXIT_YES),
        }
    }
}

/// The `.json` files in a folder and its subfolders: sequential, linearizable, eventual, then others;
/// by name in each.
fn case_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let unreadable = |error| Failure::Usage(format!("{}: {error}", folder.display()));
        for entry in std::fs::read_dir(&folder).map_err(unreadable)? {
            let path = entry.map_err(unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path
                .extension()
                .is_some_and(|extension| extension == "json")
            {
                files.push(path);
            }
        }
    }
    let models = ["sequential", "linearizable", "eventual"];
    files.sort_by_key(|file| {
        let parent = file.parent().and_then(Path::file_name);
        let model = models
            .iter()
            .position(|model| parent == Some(model.as_ref()));
        (model.unwrap_or(models.len()), file.clone())
    });
    Ok(files)
}

/// `holdback-lab plan`
#[derive(Debug, Args)]
pub struct PlanArguments {
    /// The case file
    pub case: PathBuf,
    /// The seed of the run, instead of the case's own or a new one
    #[arg(long)]
    pub seed: Option<u64>,
}

impl PlanArguments {
    /// Prints `name value` lines.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the case is malformed.
    pub fn run(&self) -> Result<u8, Failure> {
        let case = Case::load(&self.case)?;
        let ports: Vec<String> = case.ports().iter().map(u16::to_string).collect();
        anstream::println!("name {}", case.name);
        anstream::println!("consistency {}", case.consistency);
        anstream::println!("num_processes {}", case.num_processes);
        anstream::println!("ports {}", ports.join(","));
        anstream::println!("seed {}", plan(&case, self.seed).seed);
        anstream::println!("faults {}", if case.needs_faults() { "yes" } else { "no" });
        anstream::println!("seconds {}", print::cases::seconds(&case));
        Ok(EXIT_YES)
    }
}

/// `holdback-lab wait`
#[derive(Debug, Args)]
pub struct WaitArguments {
    /// How the replicas are found.
    #[command(flatten)]
    pub place: Where,
    /// The most seconds to wait
    #[arg(long, default_value_t = 15.0, value_parser = seconds)]
    pub timeout: f64,
    /// Say nothing if the time is up
    #[arg(long)]
    pub quiet: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(seconds) if (0.0..1e6).contains(&seconds) => Ok(seconds),
        _ => Err("expected a number of seconds".into()),
    }
}

impl WaitArguments {
    /// Waits.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] with what is missing when the time is up.
    pub fn run(&self) -> Result<u8, Failure> {
        let cluster = self.place.find_or_default()?;
        let patience = Duration::from_secs_f64(self.timeout);
        match cluster.wait_until_ready(patience) {
            Ok(_) => Ok(EXIT_YES),
            Err(failure) if self.quiet => Ok(failure.exit_code()),
            Err(failure) => Err(failure),
        }
    }
}

/// `holdback-lab status`
#[derive(Debug, Args)]
pub struct StatusArguments {
    /// How the replicas are found.
    #[command(flatten)]
    pub place: Where,
}

impl StatusArguments {
    /// Prints the table and what is wrong, if anything is.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is no such run; [`Failure::Unreachable`] if no replica answers.
    pub fn run(&self) -> Result<u8, Failure> {
        let cluster = self.place.find_or_default()?;
        let answers: Answers = query_all(&cluster, PATIENCE);
        anstream::print!(
            "{}",
            print::status::table(&cluster, &answers, terminal_width())
        );
        if answers.iter().all(Result::is_err) {
            return Err(Failure::Unreachable("no replica answers".into()));
        }
        let mut wrong = trouble(&cluster, &answers);
        let (agreement, same) = digests_at_common_position(&cluster, &answers, PATIENCE);
        if !same {
            wrong.push(agreement.clone());
        }
        for problem in &wrong {
            anstream::println!("  {}", styled(BAD, problem));
        }
        if same {
            anstream::println!("  {}", styled(FAINT, &agreement));
        }
        Ok(if wrong.is_empty() { EXIT_YES } else { EXIT_NO })
    }
}

/// `holdback-lab new-run`
#[derive(Debug, Args)]
pub struct NewRunArguments {
    /// The name; the time is appended
    pub name: String,
}

impl NewRunArguments {
    /// Creates the folder.
    ///
    /// # Errors
    /// [`Failure::Other`] if the file system does not allow it.
    pub fn run(&self) -> Result<u8, Failure> {
        anstream::println!(
            "{}",
            RunFolder::create(&runs(), &self.name)?.path().display()
        );
        Ok(EXIT_YES)
    }
}

/// `holdback-lab free-ports`
#[derive(Debug, Args)]
pub struct FreePortsArguments {
    /// How many
    #[arg(value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub count: u16,
    /// Where to look, such as 20000-20999; below 32768 if not given
    #[arg(long, env = "HOLDBACK_PORTS")]
    pub range: Option<PortRange>,
}

impl FreePortsArguments {
    /// Prints the ports on one line, separated by commas.
    ///
    /// # Errors
    /// [`Failure::Unreachable`] if there are not so many.
    pub fn run(&self) -> Result<u8, Failure> {
        let range = self.range.clone().unwrap_or_default();
        let found = ports::free(self.count.into(), &range, draw_seed())?;
        let found: Vec<String> = found.iter().map(u16::to_string).collect();
        anstream::println!("{}", found.join(","));
        Ok(EXIT_YES)
    }
}
