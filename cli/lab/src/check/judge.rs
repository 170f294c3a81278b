//! Judging what is on record of a run: the history, and the replicas' orders if they are there.

use super::counter_example::table;
use super::orders::Order;
use super::verdict::{Blame, CounterExample, Verdict};
use super::witness_of;
use super::{Limits, convergence, describe, eventual, linearizable, sequential};
use crate::history::{self, History};
use crate::kit::failure::Failure;
use holdback::consistency::Consistency;
use serde_json::{Map, Value as Json, json};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// What is on record of a run.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// What clients saw.
    pub history: History,
    /// The replicas' orders, if any of them is there.
    pub order: Option<Order>,
    /// The model that the store promised, if that is known.
    pub promised: Option<Consistency>,
}

/// How a verdict was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Method {
    /// From the history alone.
    History,
    /// With the replicas' order as witness.
    Witness,
}

/// A verdict and how it came about.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The model.
    pub model: Consistency,
    /// The verdict.
    pub verdict: Verdict,
    /// How it was found.
    pub method: Method,
    /// What else there is to say.
    pub notes: Vec<String>,
    /// How long it took.
    pub took: Duration,
}

impl Evidence {
    /// Reads a history file, or a run folder with `history.jsonl` and `replica-N.order.jsonl`. An order that is
    /// given takes the place of those in the folder.
    ///
    /// # Errors
    /// [`Failure::Usage`] for what cannot be read or is malformed, with file and line.
    pub fn read(path: &Path, order: Option<&Path>) -> Result<Self, Failure> {
        let is_run = path.is_dir();
        let history = if is_run {
            history::read_file(&path.join("history.jsonl"))?
        } else {
            history::read_file(path)?
        };
        let files = match order {
            Some(order) => vec![(1, order.to_owned())],
            None if is_run => order_files(path)?,
            None => Vec::new(),
        };
        let order = (!files.is_empty())
            .then(|| Order::read(&files))
            .transpose()?;
        let promised = history
            .consistency()
            .or_else(|| consistency_of_cluster(path));
        Ok(Self {
            history,
            order,
            promised,
        })
    }

    /// Judges the run by a model.
    #[must_use]
    pub fn judge(&self, model: Consistency, limits: &Limits) -> Judgement {
        let start = holdback_client::clock::now();
        let mut judgement = match (&self.order, model.is_ordered()) {
            (Some(order), true) => self.with_order(order, model, limits),
            _ => Judgement {
                model,
                verdict: self.alone(model, limits),
                method: Method::History,
                notes: Vec::new(),
                took: Duration::ZERO,
            },
        };
        self.note_what_is_missing(&mut judgement);
        if let (Consistency::Eventual, Verdict::Yes) = (model, &judgement.verdict) {
            judgement.notes.extend(self.convergence());
        }
        judgement.took = start.elapsed();
        judgement
    }

    fn alone(&self, model: Consistency, limits: &Limits) -> Verdict {
        match model {
            Consistency::Linearizable => linearizable(&self.history, limits),
            Consistency::Sequential => sequential(&self.history, limits),
            Consistency::Eventual => eventual(&self.history, limits),
        }
    }

    /// The witness decides if it can. Where it says "no", the history alone is judged too: to blame it alone,
    /// or, for a model that the store did not promise, to find another order that explains it.
    fn with_order(&self, order: &Order, model: Consistency, limits: &Limits) -> Judgement {
        let mut judgement = Judgement {
            model,
            verdict: witness_of(&self.history, order, model),
            method: Method::Witness,
            notes: Vec::new(),
            took: Duration::ZERO,
        };
        if judgement.verdict.is_yes() {
            return judgement;
        }
        let alone = self.alone(model, limits);
        let is_promised = self
            .promised
            .is_none_or(|promised| !is_stronger(model, promised));
        match (&judgement.verdict, &alone) {
            (Verdict::No(_), Verdict::Yes) if is_promised => {
                let note = format!("the history alone is {model}: another order would explain it");
                judgement.notes.push(note);
            }
            (Verdict::No(_), Verdict::Unknown(why)) if is_promised => {
                let note = format!("whether the history alone is {model} is unknown: {why}");
                judgement.notes.push(note);
            }
            _ => {
                if let Verdict::Unknown(why) = &judgement.verdict {
                    judgement
                        .notes
                        .push(format!("the replicas' order is no witness: {why}"));
                }
                judgement.verdict = alone;
                judgement.method = Method::History;
            }
        }
        judgement
    }

    /// A verdict about a history from which something is missing holds only as far as that does not matter.
    fn note_what_is_missing(&self, judgement: &mut Judgement) {
        let meta = |name: &str| self.history.meta.as_ref()?.get(name)?.as_u64();
        let left_out = meta("left_out").filter(|count| *count > 0);
        let before = meta("before").filter(|count| *count > 0);
        let before = before.filter(|_| self.history.begins_empty_at().is_none());
        let missing = match (left_out, before) {
            (Some(count), _) => {
                format!("{count} commands are not in the history, which has no names for them")
            }
            (None, Some(count)) => format!("the cluster was not new: {count} entries came before"),
            (None, None) => return,
        };
        if let Verdict::No(example) = &judgement.verdict {
            let words = example.words.replace('\n', " ");
            judgement.verdict =
                Verdict::Unknown(format!("{missing}, and that can be why: {words}"));
        } else {
            judgement.notes.push(missing);
        }
    }

    fn convergence(&self) -> Option<String> {
        let moment = convergence(&self.history)?;
        if !self.history.timed {
            return None;
        }
        let time = Duration::from_nanos(moment);
        Some(if moment == 0 {
            "after the last write every read found the final data".into()
        } else {
            format!("{time:.1?} after the last write a read still found other than the final data")
        })
    }

    /// The models to judge by: the promised one and those stronger than it, the weakest first.
    #[must_use]
    pub fn models_from(promised: Consistency) -> Vec<Consistency> {
        let all = [
            Consistency::Eventual,
            Consistency::Sequential,
            Consistency::Linearizable,
        ];
        let stronger = |model: &Consistency| *model == promised || is_stronger(*model, promised);
        all.into_iter().filter(stronger).collect()
    }
}

/// Whether a model promises more than another.
#[must_use]
pub fn is_stronger(model: Consistency, than: Consistency) -> bool {
    let rank = |model| match model {
        Consistency::Eventual => 0,
        Consistency::Sequential => 1,
        Consistency::Linearizable => 2,
    };
    rank(model) > rank(than)
}

/// The `replica-N.order.jsonl` files of a run folder.
fn order_files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, Failure> {
    let unreadable = |error| Failure::Usage(format!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or("");
        let number = name
            .strip_prefix("replica-")
            .and_then(|rest| rest.strip_suffix(".order.jsonl"));
        if let Some(replica) = number.and_then(|number| number.parse().ok()) {
            files.push((replica, path));
        }
    }
    files.sort_unstable();
    Ok(files)
}

fn consistency_of_cluster(folder: &Path) -> Option<Consistency> {
    let text = std::fs::read_to_string(folder.join("cluster.json")).ok()?;
    let cluster: Json = serde_json::from_str(&text).ok()?;
    cluster.get("consistency")?.as_str()?.parse().ok()
}

impl Judgement {
    /// How the verdict was found, in words.
    #[must_use]
    pub fn how(&self) -> &'static str {
        match self.method {
            Method::History => "from the history alone",
            Method::Witness => "with the replicas' order as witness",
        }
    }

    /// As `verdict.json` and `--json` have it.
    #[must_use]
    pub fn to_json(&self, history: &History) -> Json {
        let mut json = Map::new();
        json.insert("model".into(), json!(self.model.name()));
        json.insert("verdict".into(), json!(self.verdict.word()));
        json.insert("how".into(), json!(self.how()));
        json.insert("seconds".into(), json!(self.took.as_secs_f64()));
        json.insert("notes".into(), json!(self.notes));
        match &self.verdict {
            Verdict::Yes => {}
            Verdict::Unknown(why) => {
                json.insert("why".into(), json!(why));
            }
            Verdict::No(example) => {
                json.insert("counter_example".into(), example.to_json(history));
            }
        }
        Json::Object(json)
    }
}

impl CounterExample {
    /// The counter-example with its operations.
    #[must_use]
    pub fn to_json(&self, history: &History) -> Json {
        let operation = |at: &usize| {
            let operation = &history.operations[*at];
            json!({
                "place": at,
                "line": operation.line,
                "process": operation.process,
                "call": operation.call.to_string(),
                "answer": describe::answer(operation),
                "invoked": operation.invoked,
                "completed": operation.completed,
                "replica": operation.replica,
                "position": operation.position,
            })
        };
        json!({
            "kind": format!("{:?}", self.kind),
            "words": self.words,
            "operations": self.operations.iter().map(operation).collect::<Json>(),
            "positions": self.positions,
            "is_minimal": self.is_minimal,
            "blame": match self.blame {
                Blame::History => "history",
                Blame::HistoryAndOrder => "history and order",
            },
        })
    }

    /// Rows for a table: number, process, call, answer, time.
    #[must_use]
    pub fn rows(&self, history: &History) -> Vec<[String; 5]> {
        table(history, &self.operations)
    }
}
