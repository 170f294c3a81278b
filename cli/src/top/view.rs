//! What is known of the whole cluster at one moment.

use super::snapshot::{Link, Snapshot};
use std::time::{Duration, Instant};

/// A replica that leaves a question open for so long is called silent.
pub(super) const SILENT: Duration = Duration::from_secs(1);

/// One replica, as far as it is known.
#[derive(Clone, Debug)]
pub(super) struct Replica {
    pub(super) id: usize,
    pub(super) address: String,
    /// What it said last.
    pub(super) snapshot: Option<Snapshot>,
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
            snapshot: None,
            rates: None,
            asked: false,
            open_since: None,
            down: None,
        }
    }

    /// A question goes out.
    pub(super) fn ask(&mut self, at: Instant) {
        self.asked = true;
        self.open_since.get_or_insert(at);
    }

    /// It answered.
    pub(super) fn answered(&mut self, snapshot: Snapshot) {
        self.asked = false;
        self.open_since = None;
        self.down = None;
        self.rates = self
            .snapshot
            .as_ref()
            .map(|before| rates(before, &snapshot));
        self.snapshot = Some(snapshot);
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
        let open = self
            .open_since
            .map(|since| now.saturating_duration_since(since));
        match (&self.down, open, &self.snapshot) {
            (Some(why), ..) => Health::Down(why.clone()),
            (None, Some(open), _) if open >= SILENT => Health::Silent(open),
            (None, _, Some(_)) => Health::Answers,
            (None, _, None) => Health::Unknown,
        }
    }

    /// What it said last, if it still answers.
    pub(super) fn fresh(&self, now: Instant) -> Option<&Snapshot> {
        let answers = self.health(now) == Health::Answers;
        self.snapshot.as_ref().filter(|_| answers)
    }
}

/// Commands and frames a second. The questions that were asked from here do not count.
fn rates(before: &Snapshot, snapshot: &Snapshot) -> [f64; 2] {
    let seconds = snapshot
        .at
        .saturating_duration_since(before.at)
        .as_secs_f64();
    let commands = snapshot
        .commands
        .saturating_sub(before.commands)
        .saturating_sub(before.questions);
    let frames = snapshot.frames.saturating_sub(before.frames);
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
    pub(super) fn link(&self, from: usize, to: usize, now: Instant) -> Option<&Link> {
        self.replica(from)?.fresh(now)?.links.get(&to)
    }

    /// The cluster's model, as far as anybody said.
    pub(super) fn model(&self) -> &str {
        let mut snapshots = self
            .replicas
            .iter()
            .filter_map(|seen| seen.snapshot.as_ref());
        snapshots
            .next()
            .map_or("", |snapshot| snapshot.model.as_str())
    }

    pub(super) fn is_eventual(&self) -> bool {
        self.model() == "eventual"
    }

    /// A position that every replica which answers and serves data has reached.
    pub(super) fn common_position(&self, now: Instant) -> Option<u64> {
        if self.is_eventual() {
            return None;
        }
        let serving = self.serving(now);
        serving.map(|(_, snapshot)| snapshot.position).min()
    }

    /// Each replica's digest to be compared, if it has one.
    pub(super) fn digests(&self, now: Instant) -> (Option<u64>, Vec<(usize, &str)>) {
        if self.is_eventual() {
            let digests = self.serving(now);
            return (
                None,
                digests
                    .map(|(id, snapshot)| (id, snapshot.digest.as_str()))
                    .collect(),
            );
        }
        let at = self
            .serving(now)
            .filter_map(|(_, snapshot)| Some(snapshot.digest_at.as_ref()?.0))
            .max();
        let digests = self.serving(now).filter_map(|(id, snapshot)| {
            let (position, digest) = snapshot.digest_at.as_ref()?;
            (Some(*position) == at).then_some((id, digest.as_str()))
        });
        (at, digests.collect())
    }

    pub(super) fn agreement(&self, now: Instant) -> Agreement {
        let (position, digests) = self.digests(now);
        let usual = usual(&digests);
        let other = digests.iter().filter(|(_, digest)| Some(*digest) != usual);
        let other: Vec<_> = other.map(|(id, _)| *id).collect();
        match (digests.len(), other.is_empty()) {
            (0 | 1, _) => Agreement::Unknown,
            (compared, true) => Agreement::Agree(position, compared),
            (_, false) => Agreement::Differ(position, other),
        }
    }

    fn serving(&self, now: Instant) -> impl Iterator<Item = (usize, &Snapshot)> {
        let fresh = self
            .replicas
            .iter()
            .filter_map(move |seen| Some((seen.id, seen.fresh(now)?)));
        fresh.filter(|(_, snapshot)| snapshot.unready.is_none())
    }
}
