//! `holdback-lab check`

use super::Limits;
use super::judge::{Evidence, Judgement};
use super::verdict::{Blame, CounterExample, Verdict};
use crate::history::History;
use crate::kit::clock::parse_seconds;
use crate::kit::failure::{EXIT_NO, EXIT_UNKNOWN, EXIT_YES, Failure};
use crate::kit::print::table::{Align, Table};
use crate::kit::print::{BAD, FAINT, GOOD, STRONG, WARN, paragraph, styled, terminal_width};
use clap::Args;
use holdback::consistency::Consistency;
use serde_json::{Value as Json, json};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

/// `holdback-lab check`
#[derive(Debug, Args)]
pub struct CheckArguments {
    /// A history file, or a run folder: its history.jsonl, with replica-N.order.jsonl as witness
    #[arg(value_name = "HISTORY|RUN_DIR")]
    pub path: PathBuf,
    /// linearizable, sequential, eventual, or all, a line each; the run's own model if not given
    #[arg(long)]
    pub model: Option<Model>,
    /// The order in which replicas delivered entries, as witness
    #[arg(long, value_name = "ORDER.jsonl")]
    pub order: Option<PathBuf>,
    /// Seconds for each model until the verdict is "unknown"
    #[arg(long, value_name = "SECONDS", default_value_t = 60.0, value_parser = parse_seconds)]
    pub timeout: f64,
    /// Print the verdicts as JSON
    #[arg(long)]
    pub json: bool,
}

/// What to judge by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Model {
    /// This one.
    One(Consistency),
    /// All three, a line each.
    All,
}

impl FromStr for Model {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "all" => Ok(Self::All),
            model => model.parse().map(Self::One),
        }
    }
}

impl CheckArguments {
    /// Judges, and prints the verdicts. Those of a run folder are added to its `verdict.json`.
    ///
    /// # Errors
    /// [`Failure::Usage`] if a file cannot be read or is malformed, or no model is known.
    pub fn run(&self) -> Result<u8, Failure> {
        let evidence = Evidence::read(&self.path, self.order.as_deref())?;
        let models = self.models(&evidence)?;
        let limits = Limits::within(Duration::from_secs_f64(self.timeout));
        let mut judgements = Vec::new();
        for model in models {
            let judgement = evidence.judge(model, &limits);
            if !self.json {
                anstream::print!("{}", shown(&judgement, &evidence.history));
            }
            judgements.push(judgement);
        }
        let checks: Json = judgements
            .iter()
            .map(|judgement| judgement.to_json(&evidence.history))
            .collect();
        if self.path.is_dir() {
            keep(&self.path, &checks);
        }
        if self.json {
            let operations = evidence.history.operations.len();
            anstream::println!("{}", json!({"operations": operations, "checks": checks}));
        }
        Ok(exit_code(&judgements))
    }

    fn models(&self, evidence: &Evidence) -> Result<Vec<Consistency>, Failure> {
        Ok(match self.model {
            Some(Model::One(model)) => vec![model],
            Some(Model::All) => Evidence::models_from(Consistency::Eventual),
            None => vec![evidence.promised.ok_or_else(|| {
                let shown = self.path.display();
                Failure::Usage(format!(
                    "{shown}: it does not say which model was promised; give --model"
                ))
            })?],
        })
    }
}

fn exit_code(judgements: &[Judgement]) -> u8 {
    let mut verdicts = judgements.iter().map(|judgement| &judgement.verdict);
    if verdicts.clone().any(Verdict::is_no) {
        EXIT_NO
    } else if verdicts.all(Verdict::is_yes) {
        EXIT_YES
    } else {
        EXIT_UNKNOWN
    }
}

/// Adds verdicts to a run folder's `verdict.json`. A folder that cannot be written to was judged all the same.
fn keep(folder: &Path, checks: &Json) {
    let path = folder.join("verdict.json");
    let old = std::fs::read_to_string(&path).ok();
    let old = old.and_then(|text| serde_json::from_str::<Json>(&text).ok());
    let mut verdict = old.filter(Json::is_object).unwrap_or_else(|| json!({}));
    verdict["checks"] = checks.clone();
    let written =
        serde_json::to_string_pretty(&verdict).map(|text| std::fs::write(&path, text + "\n"));
    if let Ok(Err(error)) = written {
        anstream::eprintln!("holdback-lab: {}: {error}", path.display());
    }
}

/// A verdict for people: the word first, then why.
#[must_use]
pub fn shown(judgement: &Judgement, history: &History) -> String {
    let width = terminal_width();
    let (style, words) = match &judgement.verdict {
        Verdict::Yes => (GOOD, String::new()),
        Verdict::No(example) => (BAD, example_shown(example, history, width)),
        Verdict::Unknown(why) => (WARN, paragraph(why, 2, width)),
    };
    let model = styled(STRONG, judgement.model.name());
    let word = styled(style, judgement.verdict.word());
    let count = history.operations.len();
    let how = format!(
        "{count} operations, {}, {:.1?}",
        judgement.how, judgement.took
    );
    let mut text = format!("{model}: {word}  {}\n{words}", styled(FAINT, &how));
    for note in &judgement.notes {
        text += &paragraph(note, 2, width);
    }
    text
}

fn example_shown(example: &CounterExample, history: &History, width: Option<usize>) -> String {
    let mut text = String::new();
    if !example.operations.is_empty() {
        let mut table = Table::new(&[
            ("", Align::Left),
            ("process", Align::Right),
            ("call", Align::Left),
            ("answer", Align::Left),
            ("invoked – completed", Align::Left),
        ]);
        for row in example.rows(history) {
            table.row(row.into_iter().map(Into::into).collect());
        }
        text += &table.render(width);
    }
    for line in example.words.lines() {
        text += &paragraph(line, 2, width);
    }
    let mut remark = |remark: &str| text += &format!("  {}\n", styled(FAINT, remark));
    if example.operations.len() > 1 && example.blame == Blame::History {
        remark(match example.is_minimal {
            true => {
                "smallest: without any one of its reads, or writes with the reads of it, the rest is fine"
            }
            false => "smallest found before time was up",
        });
    }
    let model = example.model;
    remark(&match example.blame {
        Blame::History => format!("no {model} store answers so, whatever its replicas did"),
        Blame::HistoryAndOrder => {
            format!("what clients saw and the replicas' order are not {model} together")
        }
    });
    text
}
