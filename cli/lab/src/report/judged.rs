//! What the checkers said of a run (`checks` in `verdict.json`), as far as a picture shows it.

use serde_json::Value as Json;
use std::collections::BTreeSet;

/// What was said of one consistency model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Judgement {
    /// The model.
    pub(super) model: String,
    /// `yes`, `no` or `unknown`.
    pub(super) verdict: String,
    /// Why, line by line.
    pub(super) reasons: Vec<String>,
    /// The operations of the counter-example, if there is one.
    pub(super) example: BTreeSet<Named>,
}

/// What names an operation. One that was judged before it was written to a file has no line yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Named {
    /// Its line in the history, from 1.
    Line(usize),
    /// Its place among the history's operations, from 0.
    Place(usize),
}

impl Judgement {
    /// Whether an operation with this line and place belongs to the counter-example.
    pub(super) fn names(&self, line: usize, place: usize) -> bool {
        self.example.contains(&Named::Line(line)) || self.example.contains(&Named::Place(place))
    }
}

/// Everything that was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Judged {
    /// Whether the run was what its case expects, if that was said: `yes` or `no`.
    pub(super) run: Option<String>,
    /// Of each model that was checked.
    pub(super) models: Vec<Judgement>,
}

impl Judged {
    /// Reads the verdict. What it does not know it leaves out.
    pub(super) fn read(json: &Json) -> Self {
        let run = json.get("verdict").and_then(Json::as_str);
        let checks = json.get("checks").and_then(Json::as_array);
        Self {
            run: run.map(str::to_owned),
            models: checks.into_iter().flatten().filter_map(judgement).collect(),
        }
    }

    /// Whether an operation with this line and place belongs to a counter-example.
    pub(super) fn names(&self, line: usize, place: usize) -> bool {
        self.models.iter().any(|model| model.names(line, place))
    }
}

fn judgement(json: &Json) -> Option<Judgement> {
    let text = |json: &Json, name: &str| Some(json.get(name)?.as_str()?.to_owned());
    let example = json.get("counter_example");
    let words = example.and_then(|example| text(example, "words"));
    let reasons = [text(json, "why"), words].into_iter().flatten();
    let operations = example.and_then(|example| example.get("operations")?.as_array());
    let named = |operation: &Json| {
        let number = |name: &str| usize::try_from(operation.get(name)?.as_u64()?).ok();
        let line = number("line").filter(|line| *line > 0).map(Named::Line);
        line.or_else(|| number("place").map(Named::Place))
    };
    Some(Judgement {
        model: text(json, "model")?,
        verdict: text(json, "verdict")?,
        reasons: reasons
            .flat_map(|text| text.lines().map(str::to_owned).collect::<Vec<_>>())
            .collect(),
        example: operations.into_iter().flatten().filter_map(named).collect(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_counter_example_names_its_lines() {
        let judged = Judged::read(&json!({
            "verdict": "no",
            "orders": {"same": true},
            "checks": [
                {"model": "sequential", "verdict": "yes", "notes": []},
                {"model": "linearizable", "verdict": "no", "counter_example": {
                    "words": "The read is stale.\nSee.",
                    "operations": [{"line": 4, "place": 1}, {"line": 0, "place": 9}]}},
                {"model": "eventual", "verdict": "unknown", "why": "Time is up."},
            ],
        }));
        assert_eq!(judged.run.as_deref(), Some("no"));
        let [sequential, linearizable, eventual] = &judged.models[..] else {
            panic!("{judged:?}");
        };
        assert!(sequential.example.is_empty());
        assert_eq!(linearizable.reasons, ["The read is stale.", "See."]);
        assert_eq!(eventual.reasons, ["Time is up."]);
        assert!(judged.names(4, 3) && judged.names(18, 9));
        assert!(!judged.names(9, 4) && !judged.names(3, 1));
        assert_eq!(Judged::read(&json!([1, null])), Judged::default());
    }
}
