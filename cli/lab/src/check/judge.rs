//! Judging what is on record of a run: the history, and the replicas' orders if they are there.

use super::orders::Order;
use super::verdict::Verdict;
use super::witness_of;
use super::{Limits, black_box, eventual};
use crate::history::{self, History};
use crate::kit::failure::Failure;
use holdback::consistency::Consistency;
use serde_json::{Value as Json, json};
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
const FROM_HISTORY: &str = "from the history alone";
const WITH_ORDER: &str = "with the replicas' order as witness";

/// A verdict and how it came about.
#[derive(Clone, Debug)]
pub struct Judgement {
    /// The model.
    pub model: Consistency,
    /// The verdict.
    pub verdict: Verdict,
    /// How it was found, in words.
    pub how: &'static str,
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
        let history = match is_run {
            true => history::read_file(&path.join("history.jsonl"))?,
            false => history::read_file(path)?,
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
        let (how, verdict, notes) = match (&self.order, model.is_ordered()) {
            (Some(order), true) => self.with_order(order, model, limits),
            _ => (FROM_HISTORY, self.alone(model, limits), Vec::new()),
        };
        let mut judgement = Judgement {
            model,
            verdict,
            how,
            notes,
            took: Duration::ZERO,
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
            Consistency::Eventual => eventual(&self.history, limits),
            model => black_box::verdict(&self.history, limits, model),
        }
    }

    /// The witness decides if it can. Where it says "no", the history alone is judged too: to blame it alone,
    /// or, for a model that the store did not promise, to find another order that explains it.
    fn with_order(
        &self,
        order: &Order,
        model: Consistency,
        limits: &Limits,
    ) -> (&'static str, Verdict, Vec<String>) {
        let verdict = witness_of(&self.history, order, model);
        if verdict.is_yes() {
            return (WITH_ORDER, verdict, Vec::new());
        }
        let alone = self.alone(model, limits);
        let promised = self.promised;
        let is_promised = promised.is_none_or(|own| Self::models_from(model).contains(&own));
        let note = match (&verdict, &alone) {
            (Verdict::No(_), Verdict::Yes) if is_promised => {
                format!("the history alone is {model}: another order would explain it")
            }
            (Verdict::No(_), Verdict::Unknown(why)) if is_promised => {
                format!("whether the history alone is {model} is unknown: {why}")
            }
            (Verdict::Unknown(why), _) => {
                let note = format!("the replicas' order is no witness: {why}");
                return (FROM_HISTORY, alone, vec![note]);
            }
            _ => return (FROM_HISTORY, alone, Vec::new()),
        };
        (WITH_ORDER, verdict, vec![note])
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
        let moment = eventual::convergence(&self.history)?;
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
        let weakest_first = [
            Consistency::Eventual,
            Consistency::Sequential,
            Consistency::Linearizable,
        ];
        let weaker = |model: &Consistency| *model != promised;
        weakest_first.into_iter().skip_while(weaker).collect()
    }
}

/// The `replica-N.order.jsonl` files of a run folder.
fn order_files(folder: &Path) -> Result<Vec<(u64, PathBuf)>, Failure> {
    let unreadable = |error| Failure::Usage(format!("{}: {error}", folder.display()));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
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
    /// As `verdict.json` and `--json` have it.
    #[must_use]
    pub fn to_json(&self, history: &History) -> Json {
        let mut json = json!({
            "model": self.model.name(),
            "verdict": self.verdict.word(),
            "how": self.how,
            "seconds": self.took.as_secs_f64(),
            "notes": self.notes,
        });
        match &self.verdict {
            Verdict::Yes => {}
            Verdict::Unknown(why) => json["why"] = json!(why),
            Verdict::No(example) => json["counter_example"] = example.to_json(history),
        }
        json
    }
}
