//! `holdback-lab run`, `check-case`, `cases` and `plan`.

use super::case::Case;
use super::plan::Plan;
use super::print::outcome::{Shown, head, outcome};
use crate::kit::cluster::{Cluster, Where};
use crate::kit::failure::{EXIT_NO, EXIT_YES, Failure};
use crate::kit::print::{self, BAD, FAINT, GOOD, styled, terminal_width};
use crate::kit::random::draw_seed;
use crate::kit::run_folder::{RunFolder, from_here, runs};
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
        let cluster = found.unwrap_or_else(|| case.cluster());
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
        anstream::print!("{}", super::print::list::list(&cases, terminal_width()));
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
        anstream::println!("seconds {}", super::print::list::seconds(&case));
        Ok(EXIT_YES)
    }
}
