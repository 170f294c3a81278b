//! The replicas, a row each.

use super::cell::Cell;
use super::report::Report;
use super::view::{Health, Replica, View, usual};
use crate::replicas::head::Head;
use crate::text::style::{Palette, Role};
use crate::text::units;

/// Digits of a digest that are shown.
const DIGITS: usize = 6;

/// A column. Where there is no room for all, those with the lowest rank are left out first.
struct Column {
    name: &'static str,
    rank: u8,
    cell: fn(&Row<'_>) -> Cell,
}

static COLUMNS: [Column; 13] = [
    column("", 12, |row| Cell::plain(row.replica.id.to_string())),
    column("address", 1, |row| Cell::plain(&row.replica.address)),
    column("role", 11, role),
    column("position", 9, |row| {
        row.number(|report| report.position.to_string())
    }),
    column("digest", 6, digest),
    column("held", 10, held),
    column("oldest", 8, oldest),
    column("ops/s", 5, |row| row.rate(0)),
    column("frames/s", 3, |row| row.rate(1)),
    column("p50", 4, |row| row.latency(0)),
    column("p99", 7, |row| row.latency(1)),
    column("memory", 2, |row| {
        row.number(|report| units::bytes(report.memory))
    }),
    column("keys", 0, |row| {
        row.number(|report| report.keys.to_string())
    }),
];

const fn column(name: &'static str, rank: u8, cell: fn(&Row<'_>) -> Cell) -> Column {
    Column { name, rank, cell }
}

/// A replica, and what its cells depend on beside it.
struct Row<'a> {
    view: &'a View,
    replica: &'a Replica,
    health: Health,
    /// The digest of most replicas.
    digest: Option<&'a str>,
    own_digest: Option<&'a str>,
}

impl Row<'_> {
    fn report(&self) -> Option<&Report> {
        self.replica.report.as_ref()
    }

    /// A number that is faint if it is old.
    fn number(&self, text: impl Fn(&Report) -> String) -> Cell {
        self.aged(self.report().map(text), None)
    }

    fn rate(&self, which: usize) -> Cell {
        let answers = self.health == Health::Answers;
        let rate = self.replica.rates.filter(|_| answers);
        self.aged(rate.map(|rates| units::count(rates[which])), None)
    }

    fn latency(&self, which: usize) -> Cell {
        let latency = self.report().and_then(|report| report.latency);
        self.aged(latency.map(|shares| units::time(shares[which])), None)
    }

    fn aged(&self, text: Option<String>, role: Option<Role>) -> Cell {
        let old = self.health != Health::Answers;
        let faint = old || text.is_none();
        let text = text.unwrap_or_else(|| "-".to_owned());
        Cell::new(text, if faint { Some(Role::Faint) } else { role })
    }
}

/// What the replica does in its model just now.
fn role(row: &Row<'_>) -> Cell {
    let (text, role) = match &row.health {
        Health::Unknown => ("asking".to_owned(), Role::Faint),
        Health::Down(_) => ("down".to_owned(), Role::Bad),
        Health::Silent(silence) => (format!("silent {}", units::time(*silence)), Role::Bad),
        Health::Answers => return row.report().map_or(Cell::plain(""), |said| busy(row, said)),
    };
    Cell::new(text, role)
}

fn busy(row: &Row<'_>, report: &Report) -> Cell {
    let id = row.replica.id;
    match &report.unready {
        Some(why) if why.starts_with("refused") => return Cell::new("refused", Role::Bad),
        Some(_) => return Cell::new("not joined", Role::Bad),
        None => {}
    }
    if let Some(whom) = report.head.as_ref().and_then(Head::whom) {
        return Cell::new(format!("waits for {whom}"), Role::Notable);
    }
    let others = row.view.replicas.iter();
    let is_waited_for = others
        .filter_map(|other| other.fresh(row.view.now)?.head.as_ref())
        .any(|head| head.waits_for.contains(&id));
    if is_waited_for {
        return Cell::new("waited for", Role::Notable);
    }
    let linked = report.links.values().any(|link| link.state == "up");
    if !linked && !report.links.is_empty() {
        return Cell::new("alone", Role::Notable);
    }
    Cell::new("serves", Role::Good)
}

fn digest(row: &Row<'_>) -> Cell {
    let Some(own) = row.own_digest else {
        return Cell::new("-", Role::Faint);
    };
    let digits: String = own.chars().take(DIGITS).collect();
    let (sign, role) = match (Some(own) == row.digest, row.view.is_eventual()) {
        (true, _) => ('=', Role::Good),
        (false, true) => ('\u{2260}', Role::Notable),
        (false, false) => ('\u{2260}', Role::Bad),
    };
    Cell::new(format!("{sign}{digits}"), role)
}

fn held(row: &Row<'_>) -> Cell {
    let held = row.report().map(|report| report.held);
    let role = held.filter(|held| *held > 0).map(|_| Role::Notable);
    row.aged(held.map(|held| units::count(held as f64)), role)
}

fn oldest(row: &Row<'_>) -> Cell {
    let waiting = row.report().filter(|report| report.held > 0);
    row.aged(
        waiting.map(|report| units::time(report.oldest)),
        Some(Role::Notable),
    )
}

/// The table, beneath its heading, in at most `width` columns.
pub(super) fn lines(view: &View, width: usize, palette: Palette) -> Vec<String> {
    let (_, digests) = view.digests();
    let digest_of = |wanted| digests.iter().find(|(id, _)| *id == wanted);
    let row = |replica| Row {
        view,
        replica,
        health: replica.health(view.now),
        digest: usual(&digests),
        own_digest: digest_of(replica.id).map(|(_, digest)| *digest),
    };
    let rows: Vec<_> = view.replicas.iter().map(row).collect();
    let column = |column: &'static Column| {
        let heading = Cell::new(column.name, Role::Name);
        let cells = rows.iter().map(column.cell);
        (column, std::iter::once(heading).chain(cells).collect())
    };
    let mut columns: Vec<(&Column, Vec<Cell>)> = COLUMNS.iter().map(column).collect();
    let mut gap = 2;
    while columns.len() > 1 && total(&columns, gap) > width {
        // A narrower gap comes before the loss of a column that is worth something.
        let least = columns.iter().map(|(column, _)| column.rank).min();
        if gap == 2 && least >= Some(2) && total(&columns, 1) <= width {
            gap = 1;
        } else {
            columns.retain(|(column, _)| Some(column.rank) != least);
        }
    }
    let line = |at: usize| {
        let cells = columns
            .iter()
            .map(|(_, cells)| cells[at].padded(width_of(cells), palette));
        let line = cells.collect::<Vec<_>>().join(&" ".repeat(gap));
        line.trim_end().to_owned()
    };
    (0..=rows.len()).map(line).collect()
}

fn width_of(cells: &[Cell]) -> usize {
    cells.iter().map(Cell::width).max().unwrap_or(0)
}

fn total(columns: &[(&Column, Vec<Cell>)], gap: usize) -> usize {
    let widths = columns.iter().map(|(_, cells)| width_of(cells) + gap);
    widths.sum::<usize>().saturating_sub(gap)
}

#[cfg(test)]
mod tests {
    use super::super::fixture::{cluster, head, silence};
    use super::*;
    use std::time::Duration;

    fn drawn(view: &View, width: usize) -> String {
        lines(view, width, Palette::plain()).join("\n")
    }

    #[test]
    fn a_wide_window_shows_everything() {
        let mut view = cluster(3, "sequential");
        head(&mut view, 1, "18.1", &[3], 3_240);
        view.replicas[0].rates = Some([12_345.0, 7.0]);
        assert_eq!(
            drawn(&view, 120),
            "   address         role         position  digest   held  oldest  ops/s  frames/s  p50     p99     memory  keys\n\
             1  127.0.0.1:8081  waits for 3  17        =7c4eb9  1     3.2s    12.3k  7         0.31ms  1.20ms  1.2M    3\n\
             2  127.0.0.1:8082  serves       17        =7c4eb9  0     -       -      -         0.31ms  1.20ms  1.2M    3\n\
             3  127.0.0.1:8083  waited for   17        =7c4eb9  0     -       -      -         0.31ms  1.20ms  1.2M    3"
        );
    }

    #[test]
    fn eighty_columns_have_room_for_all_that_matters_and_forty_for_the_reason() {
        let mut view = cluster(3, "sequential");
        head(&mut view, 1, "18.1", &[2, 3], 3_240);
        let heading = |width| drawn(&view, width).lines().next().unwrap().to_owned();
        let usual = heading(80);
        for name in [
            "role", "position", "digest", "held", "oldest", "ops/s", "frames/s", "p50", "p99",
            "memory",
        ] {
            assert!(usual.contains(name), "{usual}");
        }
        assert_eq!(
            heading(40).split_whitespace().collect::<Vec<_>>(),
            ["role", "position", "held", "oldest"]
        );
        assert!(drawn(&view, 40).contains("waits for 2,3"));
        for width in 1..130 {
            let widest = lines(&view, width, Palette::plain());
            assert!(
                widest
                    .iter()
                    .all(|line| line.chars().count() <= width.max(2))
            );
        }
    }

    #[test]
    fn what_a_silent_replica_said_last_is_faint() {
        let mut view = cluster(2, "sequential");
        silence(&mut view, 2);
        view.now += Duration::from_millis(4_200);
        let row = &lines(&view, 120, Palette::coloured())[2];
        assert!(row.contains("silent 4.2s"), "{row}");
        assert!(row.contains("\x1b[2m17\x1b[0m"), "{row:?}");
        view.replicas[1].is_down("Connection refused".to_owned());
        assert!(drawn(&view, 120).contains("2  127.0.0.1:8082  down"));
    }

    #[test]
    fn replicas_of_an_eventual_cluster_may_differ_for_a_while() {
        let mut view = cluster(3, "eventual");
        let first = view.replicas[0].report.as_mut().unwrap();
        first.digest = "ffffffffff".to_owned();
        for link in first.links.values_mut() {
            link.state = "cut".to_owned();
        }
        let drawn = drawn(&view, 120);
        assert_eq!(drawn.matches("=7c4eb9").count(), 2);
        assert!(
            drawn.contains("\u{2260}ffffff") && drawn.contains("alone"),
            "{drawn}"
        );
    }
}
