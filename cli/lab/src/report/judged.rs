//! What the checkers said of a run (`checks` in `verdict.json`), as far as a picture shows it.

use serde::Deserialize;
use serde_json::Value as Json;

/// What was said of one consistency model.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Judgement {
    pub(super) model: String,
    /// `yes`, `no` or `unknown`.
    pub(super) verdict: String,
    #[serde(default)]
    why: String,
    #[serde(default)]
    counter_example: Example,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
struct Example {
    words: String,
    operations: Vec<Named>,
}

/// What names an operation: its line in the history, from 1, or else its place among the operations, from 0.
/// One that was judged before it was written to a file has no line yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
struct Named {
    #[serde(default)]
    line: usize,
    place: Option<usize>,
}

impl Judgement {
    /// Why, line by line.
    pub(super) fn reasons(&self) -> impl Iterator<Item = &str> {
        self.why.lines().chain(self.counter_example.words.lines())
    }

    /// Whether an operation with this line and place belongs to the counter-example.
    pub(super) fn names(&self, line: usize, place: usize) -> bool {
        let mut named = self.counter_example.operations.iter();
        named.any(|named| match named.line {
            0 => named.place == Some(place),
            known => known == line,
        })
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
        let checks = json.get("checks").and_then(Json::as_array);
        let models = checks.into_iter().flatten().map(Judgement::deserialize);
        Self {
            run: json["verdict"].as_str().map(str::to_owned),
            models: models.filter_map(Result::ok).collect(),
        }
    }

    /// Whether an operation with this line and place belongs to a counter-example.
    pub(super) fn names(&self, line: usize, place: usize) -> bool {
        self.models.iter().any(|model| model.names(line, place))
    }
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
        assert_eq!(sequential.counter_example, Example::default());
        let reasons = linearizable.reasons().chain(eventual.reasons());
        assert!(reasons.eq(["The read is stale.", "See.", "Time is up."]));
        assert!(judged.names(4, 3) && judged.names(18, 9));
        assert!(!judged.names(9, 4) && !judged.names(3, 1));
        assert_eq!(Judged::read(&json!([1, null])), Judged::default());
    }
}
