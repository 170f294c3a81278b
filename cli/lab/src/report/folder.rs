//! A run folder, read: whatever of its files is there.

use super::trace::{self, Trace};
use crate::history::{self, History};
use crate::kit::cluster::Cluster;
use crate::kit::failure::Failure;
use serde::Deserialize;
use serde_json::Value as Json;
use std::path::{Path, PathBuf};

/// What a run left behind.
#[derive(Clone, Debug, Default)]
pub(super) struct Run {
    pub(super) name: String,
    /// The replicas, if they are known.
    pub(super) cluster: Option<Cluster>,
    /// What was run, for a person.
    pub(super) description: String,
    /// What the clients saw, if it was recorded.
    pub(super) history: Option<History>,
    /// What the replicas traced, by replica; empty if they did not.
    pub(super) traces: Vec<Trace>,
    /// When replicas were paused and went on.
    pub(super) pauses: Vec<Pause>,
    /// What the checkers said, if they were asked.
    pub(super) verdict: Option<Json>,
}

/// A replica's process was paused, or went on. Its own trace cannot tell.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pause {
    pub(super) replica: u16,
    /// When: wall time, in nanoseconds.
    pub(super) wall: u64,
    /// Whether it was paused.
    pub(super) begins: bool,
}

impl Run {
    /// Reads a run folder, or a history file that stands alone.
    ///
    /// # Errors
    /// [`Failure::Usage`] if there is neither a history nor a trace, or a file is malformed; it names the
    /// file and the line.
    pub(super) fn load(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let full = std::fs::canonicalize(path)
            .map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
        let name = full.file_name().unwrap_or_default();
        let name = name.to_string_lossy().into_owned();
        if full.is_file() {
            return Ok(Self {
                name,
                history: Some(history::read_file(path)?),
                ..Self::default()
            });
        }
        let there = |file: &str| Some(path.join(file)).filter(|path| path.is_file());
        let cluster = there("cluster.json").map(|_| Cluster::of_run(path));
        let case = there("case.json").map(|file| json(&file)).transpose()?;
        let text = |field: &str| Some(case.as_ref()?.get(field)?.as_str()?.to_owned());
        let history = there("history.jsonl").map(|file| history::read_file(&file));
        let verdict = there("verdict.json").map(|file| json(&file)).transpose()?;
        let description = text("description").or_else(|| broken(verdict.as_ref()?));
        let run = Self {
            name,
            cluster: cluster.transpose()?,
            description: description.unwrap_or_default(),
            history: history.transpose()?,
            traces: traces(path)?,
            pauses: there("faults.jsonl").map_or(Ok(Vec::new()), |file| pauses(&file))?,
            verdict,
        };
        if run.history.is_none() && run.traces.is_empty() {
            return Err(Failure::Usage(format!(
                "{shown}: there is no history.jsonl and no replica-N.trace.jsonl, so there is nothing to show"
            )));
        }
        Ok(run)
    }
}

/// What a simulated run broke, which is the reason why it was written.
fn broken(verdict: &Json) -> Option<String> {
    let text = |field: &str| verdict.get(field)?.as_str();
    Some(format!(
        "This run broke an invariant: {}. {}",
        text("invariant")?,
        text("detail")?
    ))
}

/// The traces that are there, by replica.
fn traces(folder: &Path) -> Result<Vec<Trace>, Failure> {
    let unreadable = |error| Failure::Usage(format!("{}: {error}", folder.display()));
    let mut found: Vec<(u16, PathBuf)> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        let number = name
            .strip_prefix("replica-")
            .and_then(|name| name.strip_suffix(".trace.jsonl"));
        if let Some(id) = number.and_then(|id| id.parse().ok()) {
            found.push((id, path));
        }
    }
    found.sort();
    let read = found.iter().map(|(id, path)| trace::read_file(path, *id));
    read.collect()
}

/// The pauses among the faults that a load noted; all others are in the traces.
fn pauses(path: &Path) -> Result<Vec<Pause>, Failure> {
    let shown = path.display();
    let text = std::fs::read_to_string(path)
        .map_err(|error| Failure::Usage(format!("{shown}: {error}")))?;
    let lines = text.lines().zip(1..).map(|(line, number)| {
        pause(line).map_err(|what| Failure::Usage(format!("{shown}: line {number}: {what}")))
    });
    lines.filter_map(Result::transpose).collect()
}

fn pause(line: &str) -> Result<Option<Pause>, String> {
    #[derive(Deserialize)]
    struct Fault {
        replica: u16,
        wall_ns: u64,
        command: Vec<String>,
    }
    let fault: Fault = trace::of_json(line.as_bytes())?;
    let begins = match fault.command.first().map(String::as_str) {
        Some("PAUSE") => true,
        Some("RESUME") => false,
        _ => return Ok(None),
    };
    Ok(Some(Pause {
        replica: fault.replica,
        wall: fault.wall_ns,
        begins,
    }))
}

fn json(path: &Path) -> Result<Json, Failure> {
    let wrong =
        |error: &dyn std::fmt::Display| Failure::Usage(format!("{}: {error}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| wrong(&error))?;
    serde_json::from_str(&text).map_err(|error| wrong(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_there_is_read_and_what_is_malformed_named() {
        let folder = tempfile::tempdir().unwrap();
        let write =
            |file: &str, text: &str| std::fs::write(folder.path().join(file), text).unwrap();
        let message = |error: Failure| error.to_string();
        assert!(message(Run::load(folder.path()).unwrap_err()).contains("nothing to show"));

        let link = r#"{"event":"link_up","peer":1,"replica":2,"wall_ns":1}"#;
        write("replica-2.trace.jsonl", &format!("{link}\n"));
        write("case.json", r#"{"description":"What for."}"#);
        let run = Run::load(folder.path()).unwrap();
        assert_eq!(run.traces.len(), 1);
        assert_eq!(run.traces[0].replica, 2);
        assert_eq!(run.description, "What for.");

        let faults = [
            r#"{"event":"fault","replica":2,"wall_ns":7,"command":["FAULT","HEAL","*"]}"#,
            r#"{"event":"fault","replica":2,"wall_ns":8,"command":["PAUSE"]}"#,
        ];
        write("faults.jsonl", &faults.join("\n"));
        let pause = Pause {
            replica: 2,
            wall: 8,
            begins: true,
        };
        assert_eq!(Run::load(folder.path()).unwrap().pauses, [pause]);
        write("faults.jsonl", &(faults.join("\n") + "\n{}"));
        let error = message(Run::load(folder.path()).unwrap_err());
        assert!(error.contains("faults.jsonl: line 3:"), "{error}");
        write("faults.jsonl", "");

        write("replica-1.trace.jsonl", &format!("{link}\n"));
        let error = message(Run::load(folder.path()).unwrap_err());
        assert!(error.contains("replica-1.trace.jsonl: line 1:"), "{error}");
    }
}
