//! `holdback-lab run`, `check-case` and `cases`.

use super::case::Case;
use super::plan::Plan;
use super::print::outcome::{Shown, head, outcome};
use crate::kit::cluster::{Cluster, Where};
use crate::kit::failure::{EXIT_NO, EXIT_YES, Failure};
use crate::kit::ports::{self, PortRange};
use crate::kit::print::{self, BAD, FAINT, GOOD, styled, terminal_width};
use crate::kit::random::draw_seed;
use crate::kit::replicas::{self, Replicas, program};
use crate::kit::run_folder::{RunFolder, from_here};
use clap::Args;
use std::path::{Path, PathBuf};

/// `holdback-lab run`
#[derive(Debug, Args)]
pub struct RunArguments {
    /// The case file
    pub case: PathBuf,
    /// How the replicas are found.
    #[command(flatten)]
    pub place: Where,
    /// Start replicas for the case, which end with it
    #[arg(long, conflicts_with_all = ["run", "cluster", "check"])]
    pub spawn: bool,
    /// Use ports that are free instead of those of the case
    #[arg(long, requires = "spawn")]
    pub free_ports: bool,
    /// Leave the replicas up
    #[arg(long, requires = "spawn")]
    pub keep: bool,
    /// Where a new run folder goes
    #[arg(
        long,
        value_name = "DIR",
        env = "HOLDBACK_RUNS",
        default_value = ".runs"
    )]
    pub runs: PathBuf,
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
    /// As [`super::run::run`], and with `--spawn` as [`Replicas::start`].
    pub fn run(&self) -> Result<u8, Failure> {
        if self.check {
            let files = vec![self.case.clone()];
            return CheckCaseArguments { files }.run();
        }
        let case = Case::load(&self.case)?;
        let plan = Plan::new(&case, self.seed.or(case.seed).unwrap_or_else(draw_seed));
        if self.spawn {
            return self.run_with_replicas(&case, &plan);
        }
        let cluster = self.place.find()?.unwrap_or_else(|| case.cluster());
        let folder = match &self.place.run {
            Some(folder) => RunFolder::existing(folder)?,
            None => {
                let folder = RunFolder::create(&self.runs, &case.name)?;
                folder.write_json("cluster.json", &cluster)?;
                folder
            }
        };
        run_and_show(&case, &plan, &cluster, &folder)
    }

    /// Runs the case with replicas of its own.
    fn run_with_replicas(&self, case: &Case, plan: &Plan) -> Result<u8, Failure> {
        let ports = match self.free_ports {
            true => ports::free(case.num_processes, &PortRange::usual()?, draw_seed())?,
            false => case.ports(),
        };
        let options: &[String] = match case.needs_faults() {
            true => &["--allow-faults".into()],
            false => &[],
        };
        let wanted = replicas::Plan {
            consistency: case.consistency,
            seed: plan.seed,
            ports: &ports,
            options,
            advice: "with --free-ports",
        };
        let folder = RunFolder::create(&self.runs, &case.name)?;
        let (replicas, cluster) = Replicas::start(&wanted, &folder)?;
        let code = run_and_show(case, plan, &cluster, &folder);
        if self.keep {
            folder.leave_standing()?;
            replicas.leave();
            anstream::println!("the cluster is still up: scripts/cluster.sh status, logs or down");
            let (repl, addresses) = (program("holdback-cli")?, cluster.addresses());
            anstream::println!("  {} --cluster {addresses} -p {}", repl.display(), ports[0]);
        }
        code
    }
}

/// Runs a case, prints everything, and returns the exit code of the verdict.
fn run_and_show(
    case: &Case,
    plan: &Plan,
    cluster: &Cluster,
    folder: &RunFolder,
) -> Result<u8, Failure> {
    let width = terminal_width();
    anstream::print!("{}", head(case, plan.seed, width));
    let report = super::run::run(case, plan, cluster, folder)?;
    if report.before > 0 {
        let entries = print::count(report.before as usize, "entry", "entries");
        let note = format!("the cluster was not new: {entries} from before are not shown");
        anstream::println!("\n{}", styled(FAINT, &note));
    }
    let shown = Shown {
        case,
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
    let (word, code) = match report.verdict.is_yes() {
        true => (styled(GOOD, "yes"), EXIT_YES),
        false => (styled(BAD, "no"), EXIT_NO),
    };
    let kept = format!("everything is in {}", from_here(folder.path()));
    anstream::println!("\n{word}  {}", styled(FAINT, &kept));
    Ok(code)
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
        match problems.is_empty() {
            true => Ok(EXIT_YES),
            false => Err(Failure::Usage(problems.join("\n"))),
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
    /// With --files: only these cases, named by their files or as they are in the folder
    #[arg(value_name = "NAME", requires = "files")]
    pub names: Vec<PathBuf>,
}

impl CasesArguments {
    /// Lists the cases.
    ///
    /// # Errors
    /// [`Failure::Usage`] if the folder cannot be read or holds a malformed case.
    pub fn run(&self) -> Result<u8, Failure> {
        let files = case_files(&self.folder)?;
        if self.files {
            for file in self.chosen(files)? {
                anstream::println!("{}", file.display());
            }
            return Ok(EXIT_YES);
        }
        let cases = files.iter().map(|file| (file.clone(), Case::load(file)));
        let cases: Vec<_> = cases.collect();
        anstream::print!("{}", super::print::list::list(&cases, terminal_width()));
        match cases.into_iter().find_map(|(_, case)| case.err()) {
            Some(failure) => Err(failure),
            None => Ok(EXIT_YES),
        }
    }

    /// Those of the folder's files that are named, or all.
    fn chosen(&self, files: Vec<PathBuf>) -> Result<Vec<PathBuf>, Failure> {
        if self.names.is_empty() {
            return Ok(files);
        }
        let find = |name: &PathBuf| {
            let wanted = name.with_extension("json");
            let named = |file: &&PathBuf| file.ends_with(&wanted);
            let found = files.iter().find(named).cloned();
            let found = Some(name.clone()).filter(|name| name.is_file()).or(found);
            found.ok_or_else(|| {
                let names = files.iter().filter_map(|file| file.file_stem()?.to_str());
                let names: Vec<&str> = names.collect();
                let (name, names) = (name.display(), names.join("\n  "));
                Failure::Usage(format!("there is no case '{name}'; there are:\n  {names}"))
            })
        };
        self.names.iter().map(find).collect()
    }
}

/// The `.json` files in a folder and its subfolders: sequential, linearizable, eventual, then others;
/// by name in each.
fn case_files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut folders = vec![folder.to_owned()];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        let unreadable = Failure::in_file(&folder);
        for entry in std::fs::read_dir(&folder).map_err(&unreadable)? {
            let path = entry.map_err(&unreadable)?.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension() == Some("json".as_ref()) {
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
