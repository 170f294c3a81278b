//! The tables of a plan, in Markdown.

use super::measure::Measured;
use super::milliseconds;
use crate::simulate::Latency;
use comfy_table::{Table, presets};

/// By model and number of replicas: p50 and p99 of writes and reads at each site.
pub(super) fn latencies(latency: &Latency, measured: &[Measured]) -> String {
    let mut header = vec!["model".to_owned(), "replicas".into(), "p50/p99 of".into()];
    header.extend(latency.sites.iter().map(|site| format!("{site}, ms")));
    let mut table = new_table(header);
    for row in measured {
        for (name, times) in [("commit", &row.writes), ("read", &row.reads)] {
            let mut cells = vec![row.model.to_string(), row.replicas.to_string(), name.into()];
            let cell = |site| match (times.at(site, 50), times.at(site, 99)) {
                (Some(half), Some(most)) => {
                    format!("{:.1} / {:.1}", milliseconds(half), milliseconds(most))
                }
                _ => "-".into(),
            };
            cells.extend((0..latency.sites.len()).map(cell));
            table.add_row(cells);
        }
    }
    format!("{table}\n")
}

/// By model and number of replicas: what a write costs the network, and how that grows.
pub(super) fn costs(measured: &[Measured]) -> String {
    let mut table = new_table(
        [
            "model",
            "replicas",
            "frames/op",
            "bytes/op",
            "frames/op, 16 at a time",
            "bytes/op, 16 at a time",
            "frames, against 3 replicas",
        ]
        .map(str::to_owned)
        .into(),
    );
    for row in measured {
        let first = measured.iter().find(|other| other.model == row.model);
        let growth = first.map_or(1.0, |first| row.frames / first.frames);
        table.add_row([
            row.model.to_string(),
            row.replicas.to_string(),
            format!("{:.1}", row.frames),
            format!("{:.0}", row.bytes),
            format!("{:.2}", row.frames_burst),
            format!("{:.0}", row.bytes_burst),
            format!("{growth:.1} x"),
        ]);
    }
    format!("{table}\n")
}

fn new_table(header: Vec<String>) -> Table {
    let mut table = Table::new();
    table.load_style(presets::ASCII_MARKDOWN);
    table.set_header(header);
    table
}
