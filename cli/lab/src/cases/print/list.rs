//! The list of cases.

use crate::cases::case::Case;
use crate::cases::plan::{Plan, estimate};
use crate::kit::failure::Failure;
use crate::kit::print::{BAD, FAINT, STRONG, count, paragraph, styled};
use holdback::consistency::Consistency;
use std::path::PathBuf;

/// A case file and what is in it.
pub type Listed = (PathBuf, Result<Case, Failure>);

/// The cases, model by model, each with its description and the time it is going to take.
#[must_use]
pub fn list(cases: &[Listed], width: Option<usize>) -> String {
    let mut text = String::new();
    for model in [
        Consistency::Sequential,
        Consistency::Linearizable,
        Consistency::Eventual,
    ] {
        let mut of_model = cases
            .iter()
            .filter_map(|(_, case)| case.as_ref().ok())
            .filter(|case| case.consistency == model)
            .peekable();
        if of_model.peek().is_some() {
            text += &format!("{}\n", styled(STRONG, model.name()));
        }
        for case in of_model {
            text += &format!("  {}", case.name);
            let about = format!("  {}, about {} s", replicas(case), seconds(case));
            text += &format!("{}\n", styled(FAINT, &about));
            text += &paragraph(&case.description, 6, width);
        }
    }
    for (file, case) in cases {
        if case.is_err() {
            let shown = file.display().to_string();
            text += &format!("{}  {shown}\n", styled(BAD, "malformed"));
        }
    }
    text
}

fn replicas(case: &Case) -> String {
    count(case.num_processes, "replica", "replicas")
}

/// The time that a run takes, rounded up, with a little for starting.
#[must_use]
pub fn seconds(case: &Case) -> u64 {
    let plan = Plan::new(case, case.seed.unwrap_or(0));
    (estimate(case, &plan).as_secs_f64() + 0.3).ceil() as u64
}
