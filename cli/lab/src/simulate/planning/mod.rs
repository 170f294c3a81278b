//! Planning questions: what a cluster costs, by model, number of replicas and distances, without building one.

mod chart;
mod measure;
mod table;

use crate::kit::failure::Failure;
use chart::Chart;
use holdback::consistency::Consistency;
use measure::{Measured, measure};
use std::path::Path;

use super::Latency;

/// The numbers of replicas that are looked at.
const REPLICAS: [usize; 6] = [3, 5, 7, 9, 15, 25];

/// The models that are looked at.
const MODELS: [Consistency; 3] = [
    Consistency::Sequential,
    Consistency::Linearizable,
    Consistency::Eventual,
];

/// Measures every model with every number of replicas, prints tables, and draws a chart if a file is named.
///
/// # Errors
/// [`Failure::Other`] if the chart cannot be written.
pub(super) fn plan(latency: &Latency, seed: u64, file: Option<&Path>) -> Result<(), Failure> {
    let measured: Vec<Measured> = MODELS
        .into_iter()
        .flat_map(|model| REPLICAS.map(|replicas| (model, replicas)))
        .map(|(model, replicas)| measure(model, replicas, latency, seed))
        .collect();
    print!("{}", table::latencies(latency, &measured));
    println!();
    print!("{}", table::costs(&measured));
    if let Some(file) = file {
        let writing = Failure::doing(format!("cannot write {}", file.display()));
        std::fs::write(file, draw(latency, &measured)).map_err(writing)?;
    }
    Ok(())
}

/// Two panels side by side: how long a write takes, and how many frames.
fn draw(latency: &Latency, measured: &[Measured]) -> String {
    let series = |model: Consistency, value: &dyn Fn(&Measured) -> f64| {
        let of_model = measured.iter().filter(|m| m.model == model);
        of_model.map(|m| (m.replicas as f64, value(m))).collect()
    };
    let ordered = Consistency::Linearizable;
    let half = |m: &Measured| milliseconds(m.writes.everywhere(50));
    let most = |m: &Measured| milliseconds(m.writes.everywhere(99));
    let here = |m: &Measured| milliseconds(m.reads.everywhere(50));
    let waits = Chart {
        title: format!("Latency at a client ({})", latency.name),
        unit: "ms",
        series: vec![
            ("ordered write, p99", series(ordered, &most)),
            ("ordered write, p50", series(ordered, &half)),
            (
                "sequential read, p50",
                series(Consistency::Sequential, &here),
            ),
        ],
    };
    let frames = Chart {
        title: "Frames for each write".into(),
        unit: "",
        series: vec![
            ("ordered, one at a time", series(ordered, &|m| m.frames)),
            (
                "ordered, 16 at a time",
                series(ordered, &|m| m.frames_burst),
            ),
            ("eventual", series(Consistency::Eventual, &|m| m.frames)),
        ],
    };
    chart::svg(&[waits, frames])
}

/// Microseconds as milliseconds.
fn milliseconds(micros: u64) -> f64 {
    micros as f64 / 1000.0
}

#[cfg(test)]
mod tests;
