//! Stores and orders, the replicas side by side.

use super::outcome::{Shown, heading};
use crate::cases::verdict::quoted;
use crate::kit::collect::Final;
use crate::kit::print::table::{Align, Cell, Table};
use crate::kit::print::{BAD, PLAIN};
use crate::order::Entry;

/// One line for each key, one column for each replica.
pub(super) fn stores(shown: &Shown<'_>) -> String {
    let mut keys: Vec<&Vec<u8>> = shown
        .finals
        .iter()
        .flat_map(|last| last.store.keys())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    if keys.is_empty() {
        return heading("stores", "empty everywhere");
    }
    let mut table = Table::new(&[("key", Align::Left)]);
    replica_columns(&mut table, shown.finals);
    for key in keys {
        let value = |last: &Final| last.store.get(key).map(|value| quoted(value));
        let values = shown.finals.iter().map(value).collect();
        table.row(side_by_side(quoted(key), shown.finals, values, true));
    }
    heading("stores", "") + &table.render(shown.width)
}

/// One line for each position, one column for each replica.
pub(super) fn orders(shown: &Shown<'_>) -> String {
    let ordered = shown.case.consistency.is_ordered();
    let (title, about) = if ordered {
        ("order", "stamp and command, as each replica committed them")
    } else {
        (
            "updates",
            "as each replica applied them; the eventual model has no common order",
        )
    };
    let mut rows: Vec<Row<'_>> = Vec::new();
    loop {
        let entry = |last| Final::order_at(last, rows.len());
        let row: Row<'_> = shown.finals.iter().map(entry).collect();
        if row.iter().all(Option::is_none) {
            break;
        }
        rows.push(row);
    }
    if rows.is_empty() {
        return heading(title, about) + "  nothing\n";
    }
    let table = full_table(shown.finals, &rows, ordered);
    let table = match shown.width {
        Some(width) if ordered && !table.fits(width) => narrow_table(shown.finals, &rows),
        _ => table,
    };
    heading(title, about) + &table.render(shown.width)
}

/// The entries of one position, a place for each replica.
type Row<'a> = Vec<Option<&'a Entry>>;

fn position(row: &Row<'_>) -> String {
    let position = row.iter().flatten().map(|entry| entry.position).min();
    position.unwrap_or_default().to_string()
}

/// Stamp and command in each replica's column.
fn full_table(finals: &[Final], rows: &[Row<'_>], ordered: bool) -> Table {
    let entries = || rows.iter().flatten().flatten();
    let width = entries().map(|entry| entry.stamp.len()).max().unwrap_or(0);
    let cell = |entry: &Entry| {
        // Stamps of the eventual model are times of day to the microsecond, which say nothing here.
        if ordered {
            format!("{:>width$}  {}", entry.stamp, entry.body())
        } else {
            entry.body()
        }
    };
    let mut table = Table::new(&[("position", Align::Right)]);
    replica_columns(&mut table, finals);
    for row in rows {
        let cells = row.iter().map(|entry| entry.map(cell)).collect();
        table.row(side_by_side(position(row), finals, cells, ordered));
    }
    table
}

/// For a terminal too narrow for commands in all columns: each replica's stamp, and the command once.
fn narrow_table(finals: &[Final], rows: &[Row<'_>]) -> Table {
    let mut table = Table::new(&[("position", Align::Right)]);
    replica_columns(&mut table, finals);
    table.column("command", Align::Left);
    for row in rows {
        let stamps = row
            .iter()
            .map(|entry| entry.map(|entry| entry.stamp.clone()))
            .collect();
        let mut cells = side_by_side(position(row), finals, stamps, true);
        let mut commands: Vec<String> = row.iter().flatten().map(|entry| entry.body()).collect();
        commands.dedup();
        cells.push(commands.join(" | ").into());
        table.row(cells);
    }
    table
}

fn replica_columns(table: &mut Table, finals: &[Final]) {
    for last in finals {
        table.column(format!("replica {}", last.replica), Align::Left);
    }
}

/// A row that is marked if it should be the same at every replica and is not.
fn side_by_side(
    first: String,
    finals: &[Final],
    cells: Vec<Option<String>>,
    should_agree: bool,
) -> Vec<Cell> {
    let asked = |last: &Final| last.problem.is_none();
    let mut reached = finals.iter().zip(&cells).filter(|(last, _)| asked(last));
    let expected = reached.next().map(|(_, cell)| cell);
    let agree = reached.all(|(_, cell)| Some(cell) == expected);
    let style = if should_agree && !agree { BAD } else { PLAIN };
    let mut row: Vec<Cell> = vec![first.into()];
    for (last, cell) in finals.iter().zip(cells) {
        let missing = if asked(last) { "-" } else { "?" };
        row.push(Cell::from(cell.unwrap_or_else(|| missing.into())).styled(style));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    fn last(replica: usize, lines: &[&str]) -> Final {
        let entry = |line: &&str| Entry::parse(line.as_bytes()).unwrap();
        Final {
            replica,
            order: lines.iter().map(entry).collect(),
            ..Final::default()
        }
    }

    #[test]
    fn rows_that_differ_are_marked_and_a_narrow_table_has_the_command_once() {
        let finals = [
            last(1, &["1 1.1 SET x 1", "2 10.1 SET x 2"]),
            last(2, &["1 1.1 SET x 1", "2 10.2 SET x 3"]),
        ];
        let row = |at: usize| finals.iter().map(|last| last.order_at(at)).collect();
        let rows: Vec<Row<'_>> = vec![row(0), row(1)];
        let full = full_table(&finals, &rows, true).render(None);
        let marked = |line: &str| line.contains(&BAD.render().to_string());
        assert_eq!(
            full.lines().map(marked).collect::<Vec<_>>(),
            [false, false, true]
        );
        let plain = |text: &str| anstream::adapter::strip_str(text).to_string();
        let expected = [
            "  position  replica 1      replica 2",
            "         1   1.1  SET x 1   1.1  SET x 1",
            "         2  10.1  SET x 2  10.2  SET x 3",
        ];
        assert_eq!(plain(&full).lines().collect::<Vec<_>>(), expected);
        let narrow = plain(&narrow_table(&finals, &rows).render(Some(60)));
        let expected = [
            "  position  replica 1  replica 2  command",
            "         1  1.1        1.1        SET x 1",
            "         2  10.1       10.2       SET x 2 | SET x 3",
        ];
        assert_eq!(narrow.lines().collect::<Vec<_>>(), expected);
    }
}
