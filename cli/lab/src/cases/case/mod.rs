//! Case files: what they contain, and how one is read.
//!
//! Reading has two steps. serde gives every field its type; `validate` checks what types cannot say.
//! Both report a [`Problem`] with its place in the file: line, column and path.

mod expected;
mod place;
mod seconds;
mod validate;

pub use expected::Expected;
pub use place::{Path, Step};
pub use seconds::Seconds;

use crate::kit::cluster::Cluster;
use crate::kit::failure::Failure;
use crate::kit::ports::DEFAULT_FIRST_PORT;
use holdback::consistency::Consistency;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;

/// A test case.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Case {
    /// Names the run folder; the file's name without `.json`.
    pub name: String,
    /// What the case shows, for a person.
    #[serde(default)]
    pub description: String,
    /// The model that the cluster has to run.
    pub consistency: Consistency,
    /// The number of replicas.
    pub num_processes: usize,
    /// The replicas' ports on 127.0.0.1; left out, 8081 and following.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ports: Option<Vec<u16>>,
    /// The most seconds that a run waits until the replicas have settled.
    #[serde(default = "default_output_sleep")]
    pub output_sleep: f64,
    /// What random delays are drawn from; left out, every run draws another seed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seed: Option<u64>,
    /// Delays of frames between replicas, from before the clients start until everything is settled.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub delays: Vec<LinkDelay>,
    /// Links that are cut, healed or delayed while the clients run.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<Fault>,
    /// The clients. Each has its own connection; all run concurrently.
    pub clients: Vec<Client>,
    /// What has to come out.
    #[serde(default, skip_serializing_if = "Expect::is_empty")]
    pub expect: Expect,
}

fn default_output_sleep() -> f64 {
    5.0
}

/// Frames from one replica to another are held for some seconds.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LinkDelay {
    /// The replica that sends the frames.
    pub from: usize,
    /// The replica that receives them.
    pub to: usize,
    /// How long each frame is held.
    pub seconds: Seconds,
}

/// Something that happens to a link at a time: exactly one of `cut`, `heal` and `delay`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Seconds from the start of the clients.
    pub at: f64,
    /// The two replicas whose link is cut.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cut: Option<[usize; 2]>,
    /// The two replicas whose link is healed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub heal: Option<[usize; 2]>,
    /// Frames that are delayed from now on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delay: Option<LinkDelay>,
}

/// What a [`Fault`] does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum FaultKind {
    /// The link between two replicas is cut.
    Cut([usize; 2]),
    /// The link between two replicas is healed.
    Heal([usize; 2]),
    /// Frames are delayed.
    Delay(LinkDelay),
}

impl Fault {
    /// What the fault does; `None` if the case did not pass `validate`.
    #[must_use]
    pub fn kind(&self) -> Option<FaultKind> {
        match (self.cut, self.heal, self.delay) {
            (Some(pair), None, None) => Some(FaultKind::Cut(pair)),
            (None, Some(pair), None) => Some(FaultKind::Heal(pair)),
            (None, None, Some(delay)) => Some(FaultKind::Delay(delay)),
            _ => None,
        }
    }
}

/// Whether a link joins two replicas, whichever is named first.
#[must_use]
pub fn joins(link: [usize; 2], a: usize, b: usize) -> bool {
    link == [a, b] || link == [b, a]
}

/// One connection to a replica, and what is sent on it: each request after the reply to the last.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The replica's id.
    pub process: usize,
    /// The requests, in order.
    pub requests: Vec<Request>,
}

/// One command.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// Slept before the command is sent.
    #[serde(default)]
    pub delay: Seconds,
    /// The command's name.
    pub op: String,
    /// Its arguments.
    #[serde(default)]
    pub args: Vec<String>,
}

impl Request {
    /// The name and the arguments.
    #[must_use]
    pub fn arguments(&self) -> Vec<&[u8]> {
        std::iter::once(self.op.as_bytes())
            .chain(self.args.iter().map(String::as_bytes))
            .collect()
    }

    /// The request as one line of the inline grammar.
    #[must_use]
    pub fn line(&self) -> String {
        holdback::wire::inline::quote_all(self.arguments())
    }
}

/// What has to come out of a run. What is left out is not compared.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Expect {
    /// The allowed orders, each a list of commands without positions and stamps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub orders: Option<Vec<Vec<String>>>,
    /// For each client, for each request, the reply.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replies: Option<Vec<Vec<Expected>>>,
    /// The whole store at every replica.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store: Option<BTreeMap<String, Expected>>,
}

impl Expect {
    fn is_empty(&self) -> bool {
        self.orders.is_none() && self.replies.is_none() && self.store.is_none()
    }
}

impl Case {
    /// The replicas' ports.
    #[must_use]
    pub fn ports(&self) -> Vec<u16> {
        let usual = || (DEFAULT_FIRST_PORT..).take(self.num_processes).collect();
        self.ports.clone().unwrap_or_else(usual)
    }

    /// The cluster that the case describes, on 127.0.0.1.
    #[must_use]
    pub fn cluster(&self) -> Cluster {
        Cluster::at_ports(&self.ports())
    }

    /// What the faults do and at which second, earliest first.
    #[must_use]
    pub fn faults_in_time(&self) -> Vec<(f64, FaultKind)> {
        let timed = |fault: &Fault| Some((fault.at, fault.kind()?));
        let mut faults: Vec<_> = self.faults.iter().filter_map(timed).collect();
        faults.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        faults
    }

    /// Whether replicas have to be started with `--allow-faults`.
    #[must_use]
    pub fn needs_faults(&self) -> bool {
        !self.delays.is_empty() || !self.faults.is_empty()
    }

    /// Reads and checks a case file.
    ///
    /// # Errors
    /// [`Failure::Usage`] with every problem found, each with its place.
    pub fn load(file: &std::path::Path) -> Result<Self, Failure> {
        let text = std::fs::read_to_string(file).map_err(Failure::in_file(file))?;
        Self::parse(&text).map_err(|problems| {
            let line = |problem: &Problem| format!("{}:{problem}", file.display());
            let lines: Vec<String> = problems.iter().map(line).collect();
            Failure::Usage(lines.join("\n"))
        })
    }

    /// Reads and checks a case.
    ///
    /// # Errors
    /// Every problem found: the first one of syntax and types, or else all others.
    pub fn parse(text: &str) -> Result<Self, Vec<Problem>> {
        let mut deserializer = serde_json::Deserializer::from_str(text);
        let case: Self = serde_path_to_error::deserialize(&mut deserializer)
            .map_err(|error| vec![Problem::of_serde(&error)])?;
        deserializer
            .end()
            .map_err(|error| vec![Problem::of_json(&error, String::new())])?;
        let located = |(path, message): (Path, String)| {
            let (line, column) = place::locate(text, &path).unwrap_or((1, 1));
            let path = path.to_string();
            Problem {
                line,
                column,
                path,
                message,
            }
        };
        match validate::problems(&case) {
            problems if problems.is_empty() => Ok(case),
            problems => Err(problems.into_iter().map(located).collect()),
        }
    }
}

/// Something wrong with a case file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The line in the file, from 1.
    pub line: usize,
    /// The column in the line, in bytes from 1.
    pub column: usize,
    /// The place in the case: `clients[1].requests[0].delay`; empty for the whole.
    pub path: String,
    /// What is wrong.
    pub message: String,
}

impl Problem {
    fn of_serde(error: &serde_path_to_error::Error<serde_json::Error>) -> Self {
        // Where serde does not know the way it says `.` or `?`.
        let path = error.path().to_string();
        let known = path.trim_end_matches(['.', '?']);
        Self::of_json(error.inner(), known.into())
    }

    fn of_json(error: &serde_json::Error, path: String) -> Self {
        let (line, column) = (error.line(), error.column());
        let whole = error.to_string();
        let message = whole
            .strip_suffix(&format!(" at line {line} column {column}"))
            .unwrap_or(&whole);
        Self {
            line,
            column,
            path,
            message: plain_words(message),
        }
    }
}

/// Names Rust's types as a person would who has never seen Rust.
fn plain_words(message: &str) -> String {
    let words = [
        ("expected usize", "expected a whole number"),
        ("expected u64", "expected a whole number"),
        ("expected u16", "expected a whole number up to 65535"),
        ("expected f64", "expected a number"),
        ("expected a sequence", "expected a list"),
        ("expected an array of length 2", "expected a list of two"),
        ("invalid type: sequence", "invalid type: list"),
        ("invalid type: map", "invalid type: object"),
    ];
    let mut message = message.to_owned();
    for (rust, plain) in words {
        message = message.replace(rust, plain);
    }
    if let Some(start) = message.find("expected struct ") {
        message.truncate(start);
        message.push_str("expected an object");
    }
    message
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.line, self.column)?;
        if !self.path.is_empty() {
            write!(f, "{}: ", self.path)?;
        }
        f.write_str(&self.message)
    }
}

#[cfg(test)]
mod tests;
