//! What scripts and people ask of the laboratory about clusters: `wait`, `status`, `new-run` and `free-ports`.

use crate::kit::ask::PATIENCE;
use crate::kit::clock::parse_seconds;
use crate::kit::cluster::Where;
use crate::kit::failure::{EXIT_NO, EXIT_YES, Failure};
use crate::kit::ports::{self, PortRange};
use crate::kit::print::{self, BAD, FAINT, styled, terminal_width};
use crate::kit::random::draw_seed;
use crate::kit::run_folder::{RunFolder, runs};
use crate::kit::status::{Answers, digests_at_common_position, query_all, trouble};
use clap::Args;
use std::time::Duration;

/// `holdback-lab wait`
#[derive(Debug, Args)]
pub struct WaitArguments {
    /// How the replicas are found.
    #[command(flatten)]
    pub place: Where,
    /// The most seconds to wait
    #[arg(long, default_value_t = 15.0, value_parser = parse_seconds)]
    pub timeout: f64,
    /// Say nothing if the time is up
    #[arg(long)]
    pub quiet: bool,
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
        let table = print::status::table(&cluster, &answers, terminal_width());
        anstream::print!("{table}");
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
        let folder = RunFolder::create(&runs(), &self.name)?;
        anstream::println!("{}", folder.path().display());
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
