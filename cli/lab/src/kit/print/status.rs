//! The table that `status` prints.

use super::table::{Align, Cell, Table};
use super::{BAD, PLAIN};
use crate::kit::cluster::Cluster;
use crate::kit::settle::short;
use crate::kit::status::{Answers, Status};
use std::time::Duration;

/// One line for each replica.
#[must_use]
pub fn table(cluster: &Cluster, answers: &Answers, width: Option<usize>) -> String {
    let mut table = Table::new(&[
        ("id", Align::Right),
        ("address", Align::Left),
        ("model", Align::Left),
        ("position", Align::Right),
        ("digest", Align::Left),
        ("holdback", Align::Right),
        ("oldest wait", Align::Right),
        ("links", Align::Left),
    ]);
    for (replica, answer) in cluster.replicas.iter().zip(answers) {
        let mut row: Vec<Cell> = vec![
            replica.id.to_string().into(),
            replica.address.clone().into(),
        ];
        match answer {
            Ok(status) => row.extend(cells(status)),
            Err(reason) => {
                row.extend(std::iter::repeat_n(Cell::from("-"), 5));
                row.push(Cell::from(reason.clone()).styled(BAD));
            }
        }
        table.row(row);
    }
    table.render(width)
}

fn cells(status: &Status) -> [Cell; 6] {
    let text = |name: &str| Cell::from(status.get(name).unwrap_or("?"));
    [
        text("consistency"),
        text("position"),
        short(status.digest()).into(),
        text("holdback"),
        oldest_wait(status).into(),
        links(status),
    ]
}

fn oldest_wait(status: &Status) -> String {
    match (status.number("oldest_wait_ms"), status.holdback()) {
        (_, 0) => "-".into(),
        (milliseconds, _) => super::show::duration(Duration::from_millis(milliseconds)),
    }
}

/// `2 up, 3 down`, or why the replica serves nothing.
fn links(status: &Status) -> Cell {
    let links = status.links();
    let shown: Vec<String> = links
        .iter()
        .map(|(peer, state)| format!("{peer} {state}"))
        .collect();
    let all_up = links.iter().all(|(_, state)| *state == "up");
    let shown = if shown.is_empty() {
        "none".into()
    } else {
        shown.join(", ")
    };
    match status.get("ready") {
        Some("yes") => Cell::from(shown).styled(if all_up { PLAIN } else { BAD }),
        other => {
            let reason = other.unwrap_or("no").trim_start_matches("no").trim();
            Cell::from(format!("{shown}; not ready {reason}")).styled(BAD)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_replica_has_its_line() {
        let cluster = Cluster::at(&["127.0.0.1:20200".into(), "127.0.0.1:20201".into()]);
        let status = Status::parse(
            "consistency:sequential\nready:yes\nposition:17\ndigest:0123456789abcdef\nholdback:2\n\
             oldest_wait_ms:1200\nlink.2:silent 2.1s",
        );
        let text = table(
            &cluster,
            &vec![Ok(status), Err("connection refused".into())],
            None,
        );
        let text = anstream::adapter::strip_str(&text).to_string();
        let expected = [
            "  id  address          model       position  digest    holdback  oldest wait  links",
            "   1  127.0.0.1:20200  sequential        17  01234567         2       1.20 s  2 silent 2.1s",
            "   2  127.0.0.1:20201  -                  -  -                -            -  connection refused",
            "",
        ];
        assert_eq!(text, expected.join("\n"));
    }
}
