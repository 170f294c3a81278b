//! What a plan says, and that the page in the documentation says the same.

use super::*;

#[test]
fn an_ordered_write_takes_a_frame_from_each_replica_to_each_other() {
    let measured = measure(Consistency::Linearizable, 3, &Latency::wan(), 1);
    assert!((measured.frames - 6.0).abs() < 0.2, "{measured:?}");
    assert!(measured.frames_burst < 1.0, "{measured:?}");
    // Virginia: a round trip to Ireland, 34 ms away, and the way to the replica.
    let (half, read) = (measured.writes.at(0, 50), measured.reads.at(0, 50));
    assert!(half > Some(68_000) && read > Some(68_000), "{measured:?}");
    assert_eq!(measured.writes.at(3, 50), None);
}

#[test]
fn a_sequential_read_does_not_leave_the_site() {
    let measured = measure(Consistency::Sequential, 5, &Latency::wan(), 1);
    assert!(measured.reads.everywhere(99) < 10_000, "{measured:?}");
    assert!(measured.writes.everywhere(50) > 100_000, "{measured:?}");
}

const PAGE: &str = include_str!("../../../../docs/planning.md");

/// The rows of all tables below a heading of the page, or of a table, as their cells.
fn rows(text: &str) -> Vec<Vec<&str>> {
    let rows = text.lines().filter(|line| line.starts_with('|'));
    rows.map(|row| row.split('|').map(str::trim).collect())
        .collect()
}

fn section(heading: &str) -> &'static str {
    let found = PAGE.split("\n## ").find(|part| part.starts_with(heading));
    found.unwrap_or_else(|| panic!("the page has no section {heading}"))
}

/// The groups of 3 and 5 replicas stand for all of them, which take too long here; scripts/planning_page.sh compares
/// the whole page and its chart.
#[test]
fn the_page_shows_what_is_measured() {
    for latency in [Latency::wan(), Latency::lan()] {
        let measured: Vec<Measured> = MODELS
            .into_iter()
            .flat_map(|model| [3, 5].map(|replicas| measure(model, replicas, &latency, 1)))
            .collect();
        let mut tables = vec![(
            section(&format!("Latencies, `{}`", latency.name)),
            table::latencies(&latency, &measured),
        )];
        if latency.name == "wan" {
            tables.push((section("Frames and bytes, `wan`"), table::costs(&measured)));
        }
        for (shown, table) in tables {
            let shown = rows(shown);
            // The line of dashes is as wide as the widest cells.
            for row in rows(&table).iter().filter(|row| !row[1].starts_with('-')) {
                assert!(shown.contains(row), "the page does not have {row:?}");
            }
        }
    }
}
