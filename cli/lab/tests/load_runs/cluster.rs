//! A cluster that is up as long as a test runs, and what a load of it left behind.

use crate::place::{Answer, Place};
use holdback_lab::history::{History, read_file};
use holdback_lab::order::{Entry, from_json};
use std::path::PathBuf;

/// A cluster of three.
pub(crate) struct Cluster {
    pub(crate) place: Place,
    pub(crate) run: PathBuf,
}

impl Cluster {
    pub(crate) fn up(model: &str) -> Self {
        let place = Place::new();
        place.up(&format!("-c {model} --allow-faults")).exits(0);
        let run = place.runs.path().join("latest").canonicalize().unwrap();
        Self { place, run }
    }

    /// Loads it.
    pub(crate) fn load(&self, arguments: &str) -> Answer {
        let run = self.run.display();
        let line = format!("load --run {run} --seed 7 {arguments}");
        self.place.lab(&line)
    }

    pub(crate) fn history(&self) -> History {
        read_file(&self.run.join("history.jsonl")).unwrap()
    }

    /// The order of a replica, as it was followed.
    pub(crate) fn order(&self, id: usize) -> Vec<Entry> {
        let path = self.run.join(format!("replica-{id}.order.jsonl"));
        let text = std::fs::read_to_string(path).unwrap();
        text.lines().map(|line| from_json(line).unwrap()).collect()
    }
}
