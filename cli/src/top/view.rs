//! What is known of the whole cluster at one moment.

use super::report::{Link, Report};
use std::time::{Duration, Instant};

/// A replica that leaves a question open for so long is called silent.
pub(super) const SILENT: Duration = Duration::from_secs(1);

/// One replica, as far as it is known.
#[derive(Clone, Debug, Default)]
pub(super) struct Replica {
    pub(super) id: usize,
    pub(super) address: String,
    /// What it said last.
    pub(super) report: Option<Report>,
    /// Commands and frames a second, between its last two answers.
    pub(super) rates: Option<[f64; 2]>,
    /// A question is out.
    pub(super) asked: bool,
    /// Since when nothing is answered.
    open_since: Option<Instant>,
    /// Why there is no connection.
    down: Option<String>,
}

/// How a replica is, seen from here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Health {
    /// It has not been heard of yet.
    Unknown,
    /// It answers.
    Answers,
    /// It takes connections and does not answer.
    Silent(Duration),
    /// It takes no connection, and why.
    Down(String),
}

impl Replica {
    pub(super) fn new(id: usize, address: String) -> Self {
        Self {
            id,
            address,
            ..Self::default()
        }
    }

    /// A question goes out.
    pub(super) fn ask(&mut self, at: Instant) {
        self.asked = true;
        self.open_since.get_or_insert(at);
    }

    /// It answered.
    pub(super) fn answered(&mut self, report: Report) {
        self.asked = false;
        self.open_since = None;
        self.down = None;
        self.rates = self.report.as_ref().map(|before| rates(before, &report));
        self.report = Some(report);
    }

    /// It took no connection.
    pub(super) fn is_down(&mut self, why: String) {
        self.asked = false;
        self.open_since = None;
        self.down = Some(why);
    }

    /// It did not answer in time, and is to be asked again.
    pub(super) fn is_silent(&mut self) {
        self.asked = false;
        self.down = None;
    }

    pub(super) fn health(&self, now: Instant) -> Health {
        let open = self.open_since;
        let open = open.map(|since| now.saturating_duration_since(since));
        match (&self.down, open, &self.report) {
            (Some(why), ..) => Health::Down(why.clone()),
            (None, Some(open), _) if open >= SILENT => Health::Silent(open),
            (None, _, Some(_)) => Health::Answers,
            (None, _, None) => Health::Unknown,
        }
    }

    /// What it said last, if it still answers.
    pub(super) fn fresh(&self, now: Instant) -> Option<&Report> {
        let answers = self.health(now) == Health::Answers;
        self.report.as_ref().filter(|_| answers)
    }
}

/// Commands and frames a second. The questions that were asked from here do not count.
fn rates(before: &Report, report: &Report) -> [f64; 2] {
    let seconds = report.at.saturating_duration_since(before.at).as_secs_f64();
    let commands = report.commands.saturating_sub(before.commands);
    let commands = commands.saturating_sub(before.questions);
    let frames = report.frames.saturating_sub(before.frames);
    [commands, frames].map(|number| number as f64 / seconds.max(0.001))
}

/// The digest that most replicas have; of several the first.
pub(super) fn usual<'a>(digests: &[(usize, &'a str)]) -> Option<&'a str> {
    let count = |digest: &str| digests.iter().filter(|(_, other)| *other == digest).count();
    let digests = digests.iter().rev().map(|(_, digest)| *digest);
    digests.max_by_key(|digest| count(digest))
}

/// All replicas, in the order of their ids.
#[derive(Clone, Debug)]
pub(super) struct View {
    pub(super) replicas: Vec<Replica>,
    pub(super) now: Instant,
}

/// What comparing digests showed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Agreement {
    /// Fewer than two replicas could be compared.
    Unknown,
    /// Equal digests, at this position (none in the eventual model), of so many replicas.
    Agree(Option<u64>, usize),
    /// These replicas' digests are not that of most.
    Differ(Option<u64>, Vec<usize>),
}

impl View {
    pub(super) fn replica(&self, id: usize) -> Option<&Replica> {
        self.replicas.get(id.checked_sub(1)?)
    }

    /// One end of a link, if that replica still answers.
    pub(super) fn link(&self, from: usize, to: usize) -> Option<&Link> {
        self.replica(from)?.fresh(self.now)?.links.get(&to)
    }

    /// The cluster's model, as far as anybody said.
    pub(super) fn model(&self) -> &str {
        let mut reports = self.reports();
        reports.next().map_or("", |report| &report.model)
    }

    /// What each replica said last.
    pub(super) fn reports(&self) -> impl Iterator<Item = &Report> {
        self.replicas
            .iter()
            .filter_map(|replica| replica.report.as_ref())
    }

    pub(super) fn is_eventual(&self) -> bool {
        self.model() == "eventual"
    }

    /// A position that every replica which answers and serves data has reached.
    pub(super) fn common_position(&self) -> Option<u64> {
        if self.is_eventual() {
            return None;
        }
        let serving = self.serving();
        serving.map(|(_, report)| report.position).min()
    }

    /// Each replica's digest to be compared, if it has one.
    pub(super) fn digests(&self) -> (Option<u64>, Vec<(usize, &str)>) {
        if self.is_eventual() {
            let digests = self.serving().map(|(id, report)| (id, &*report.digest));
            return (None, digests.collect());
        }
        let at = self
            .serving()
            .filter_map(|(_, report)| Some(report.digest_at.as_ref()?.0))
            .max();
        let digests = self.serving().filter_map(|(id, report)| {
            let (position, digest) = report.digest_at.as_ref()?;
            (Some(*position) == at).then_some((id, digest.as_str()))
        });
        (at, digests.collect())
    }

    pub(super) fn agreement(&self) -> Agreement {
        let (position, digests) = self.digests();
        let usual = usual(&digests);
        let other = digests.iter().filter(|(_, digest)| Some(*digest) != usual);
        let other: Vec<_> = other.map(|(id, _)| *id).collect();
        match (digests.len(), other.is_empty()) {
            (0 | 1, _) => Agreement::Unknown,
            (compared, true) => Agreement::Agree(position, compared),
            (_, false) => Agreement::Differ(position, other),
        }
    }

    /// Those that answer and serve data.
    pub(super) fn serving(&self) -> impl Iterator<Item = (usize, &Report)> {
        let fresh = self
            .replicas
            .iter()
            .filter_map(move |replica| Some((replica.id, replica.fresh(self.now)?)));
        fresh.filter(|(_, report)| report.unready.is_none())
    }
}
