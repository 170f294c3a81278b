//! What the checkers said of a run (`verdict.json`), as far as a picture shows it.
//!
//! Every object with a `model` and a `verdict` is one judgement, wherever it stands. The operations of its
//! counter-example are those whose lines in the history it names (`line`, `lines`).

use serde_json::Value as Json;
use std::collections::BTreeSet;

/// What was said of one consistency model.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judgement {
    /// The model.
    pub model: String,
    /// `yes`, `no` or `unknown`.
    pub verdict: String,
    /// Why, line by line.
    pub reasons: Vec<String>,
    /// The lines of the counter-example's operations in the history, if there is one.
    pub lines: BTreeSet<usize>,
}

/// Everything that was said.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Judged {
    /// Whether the run was what it had to be, if that was said: `yes` or `no`.
    pub run: Option<String>,
    /// Of each model that was checked.
    pub models: Vec<Judgement>,
}

impl Judged {
    /// Reads the verdict. What it does not know it leaves out.
    #[must_use]
    pub fn read(json: &Json) -> Self {
        let run = json.get("verdict").and_then(Json::as_str);
        let mut judged = Self {
            run: run.map(str::to_owned),
            models: Vec::new(),
        };
        find(json, &mut judged.models);
        judged
    }

    /// The lines of all counter-examples.
    #[must_use]
    pub fn lines(&self) -> BTreeSet<usize> {
        let models = self.models.iter();
        models
            .flat_map(|model| model.lines.iter().copied())
            .collect()
    }
}

fn find(json: &Json, judgements: &mut Vec<Judgement>) {
    match json {
        Json::Array(items) => items.iter().for_each(|item| find(item, judgements)),
        Json::Object(fields) => {
            let text = |name: &str| fields.get(name).and_then(Json::as_str);
            if let (Some(model), Some(verdict)) = (text("model"), text("verdict")) {
                let mut lines = BTreeSet::new();
                collect_lines(json, &mut lines);
                let reasons = ["reason", "reasons", "why", "explanation", "text"];
                let reasons = reasons.iter().filter_map(|name| fields.get(*name));
                judgements.push(Judgement {
                    model: model.to_owned(),
                    verdict: verdict.to_owned(),
                    reasons: reasons.flat_map(sentences).collect(),
                    lines,
                });
            } else {
                fields.values().for_each(|field| find(field, judgements));
            }
        }
        _ => {}
    }
}

fn sentences(json: &Json) -> Vec<String> {
    match json {
        Json::String(text) => text.lines().map(str::to_owned).collect(),
        Json::Array(items) => items.iter().flat_map(sentences).collect(),
        _ => Vec::new(),
    }
}

fn collect_lines(json: &Json, lines: &mut BTreeSet<usize>) {
    let number = |json: &Json| json.as_u64().and_then(|line| usize::try_from(line).ok());
    match json {
        Json::Array(items) => items.iter().for_each(|item| collect_lines(item, lines)),
        Json::Object(fields) => {
            for (name, field) in fields {
                match (name.as_str(), field) {
                    ("line", line) => lines.extend(number(line)),
                    ("lines", Json::Array(items)) => lines.extend(items.iter().filter_map(number)),
                    _ => collect_lines(field, lines),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn judgements_are_found_wherever_they_stand() {
        let judged = Judged::read(&json!({
            "verdict": "no",
            "orders": {"same": true},
            "models": [
                {"model": "sequential", "verdict": "yes"},
                {"model": "linearizable", "verdict": "no", "reason": "The read is stale.\nSee.",
                 "counter_example": {"operations": [{"line": 4}, {"line": 9, "call": "GET x"}]}},
            ],
        }));
        assert_eq!(judged.run.as_deref(), Some("no"));
        let [sequential, linearizable] = &judged.models[..] else {
            panic!("{judged:?}");
        };
        assert!(sequential.lines.is_empty());
        assert_eq!(linearizable.reasons, ["The read is stale.", "See."]);
        assert_eq!(judged.lines(), [4, 9].into());
        assert_eq!(Judged::read(&json!([1, null])), Judged::default());
    }
}
