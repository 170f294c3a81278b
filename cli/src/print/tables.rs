//! Every replica's answer side by side: a column for each replica.

use crate::commands::effects;
use crate::print::SLOW;
use crate::print::rows::{peer_field, row_names, rows_of};
use crate::replicas::fanout::Asked;
use crate::replicas::target::count;
use crate::text::style::{Palette, Role};
use comfy_table::{Cell, Color, ContentArrangement, Table, presets};
use holdback::command::{Kind, Name};
use std::collections::HashMap;

/// Where a replica has nothing to put in a row.
const NOTHING: &str = "\u{b7}";

/// How wide a terminal is that does not say.
const WIDTH_UNKNOWN: u16 = 80;

/// The answers as a table, with a line beneath that says whether they agree.
pub(crate) fn side_by_side(command: &[Vec<u8>], asked: &[Asked], palette: Palette) -> String {
    let columns: Vec<_> = asked.iter().map(|asked| rows_of(command, asked)).collect();
    let names = row_names(&columns);
    let columns = columns.into_iter().map(HashMap::from_iter);
    let columns: Vec<HashMap<String, String>> = columns.collect();
    let compared = is_compared(command);
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Dynamic);
    if palette.on {
        table.enforce_styling();
    }
    // A terminal that does not know how wide it is says so.
    if table.width() == Some(0) {
        table.set_width(WIDTH_UNKNOWN);
    }
    let named = names.iter().any(|name| !name.is_empty());
    let mut header = Vec::new();
    header.extend(named.then(|| Cell::new("")));
    header.extend(asked.iter().map(|asked| heading(asked, palette)));
    table.set_header(header);
    let mut counts = Counts::default();
    for name in &names {
        let texts: Vec<_> = columns
            .iter()
            .map(|column| column.get(name).map(String::as_str))
            .collect();
        let differs = compared && counts.look(asked, &texts, effects::is(command, Name::Order));
        let mut row = Vec::new();
        row.extend(named.then(|| label(name, differs, palette)));
        for (asked, text) in asked.iter().zip(texts) {
            row.push(cell(asked, name, text, differs, palette));
        }
        table.add_row(row);
    }
    let mut text = table.trim_fmt();
    if compared {
        let (role, words) = summary(asked, &counts);
        text.push('\n');
        text.push_str(&palette.paint(role, &words));
    }
    text
}

/// Whether replicas that hold the same data answer the same.
fn is_compared(command: &[Vec<u8>]) -> bool {
    effects::spec_of(command).is_some_and(|spec| match spec.kind {
        // A cursor, or what chance picks, is each replica's own.
        Kind::Read => !matches!(spec.id, Name::Scan | Name::Randomkey),
        Kind::Inspect => !matches!(
            spec.id,
            Name::Holdback | Name::Position | Name::Await | Name::Wait
        ),
        _ => false,
    })
}

/// What was seen of the rows, for the line beneath the table.
#[derive(Debug, Default)]
struct Counts {
    rows: usize,
    differing: usize,
    /// Rows that a replica which replied does not have.
    lacking: usize,
}

impl Counts {
    /// Looks at one row; returns whether the replicas differ in it. That one lacks an entry of the order
    /// is no difference: it may not be so far, or no longer keep it.
    fn look(&mut self, asked: &[Asked], texts: &[Option<&str>], is_order: bool) -> bool {
        let mut present = texts.iter().flatten();
        let first = present.next();
        let mut cells = asked.iter().zip(texts);
        let lacking = cells.any(|(asked, text)| asked.is_data() && text.is_none());
        let differs = present.any(|text| Some(text) != first) || (lacking && !is_order);
        self.rows += 1;
        self.differing += usize::from(differs);
        self.lacking += usize::from(lacking);
        differs
    }
}

fn heading(asked: &Asked, palette: Palette) -> Cell {
    let (remark, colour) = match &asked.answer {
        Err(why) => (format!("\n{why}"), Some(Color::Red)),
        Ok(_) if asked.took > SLOW => (format!("\n({:.2}s)", asked.took.as_secs_f64()), None),
        Ok(_) => (String::new(), None),
    };
    let text = format!("replica {}\n{}{remark}", asked.id, asked.address);
    coloured(Cell::new(text), colour, palette)
}

fn label(name: &str, differs: bool, palette: Palette) -> Cell {
    let (sign, colour) = match differs {
        true => ("\u{2260} ", Color::Yellow),
        false => ("", Color::DarkGrey),
    };
    coloured(Cell::new(format!("{sign}{name}")), Some(colour), palette)
}

fn cell(asked: &Asked, name: &str, text: Option<&str>, differs: bool, palette: Palette) -> Cell {
    let Some(text) = text else {
        return coloured(Cell::new(NOTHING), Some(Color::DarkGrey), palette);
    };
    let (field, peer) = peer_field(name);
    let colour = match (field, text) {
        _ if asked.is_refused() => Some(Color::Red),
        _ if differs => Some(Color::Yellow),
        ("ready", "yes") => Some(Color::Green),
        ("ready", _) => Some(Color::Red),
        ("link", "up") if peer.is_some() => Some(Color::Green),
        ("link", _) if peer.is_some() => Some(Color::Red),
        _ => None,
    };
    coloured(Cell::new(text), colour, palette)
}

fn coloured(cell: Cell, colour: Option<Color>, palette: Palette) -> Cell {
    match colour {
        Some(colour) if palette.on => cell.fg(colour),
        _ => cell,
    }
}

/// Whether the replicas that answered agree, in words.
fn summary(asked: &[Asked], counts: &Counts) -> (Role, String) {
    let replied = |asked: &&Asked| asked.answer.is_ok();
    let answered = asked.iter().filter(replied).count();
    let silent = match asked.len() - answered {
        0 => String::new(),
        silent => format!("; {} did not answer", count(silent)),
    };
    let data = asked.iter().filter(|asked| asked.is_data()).count();
    let (role, words) = if data == 0 || answered < 2 {
        (Role::Faint, format!("{} answered", count(answered)))
    } else if counts.differing == 0 && counts.lacking == 0 {
        (Role::Good, format!("{} agree", count(answered)))
    } else if counts.differing == 0 {
        (
            Role::Good,
            "the orders agree wherever they overlap".to_owned(),
        )
    } else if counts.rows == 1 {
        (Role::Notable, "the answers differ".to_owned())
    } else {
        let rows = if counts.differing == 1 { "row" } else { "rows" };
        (
            Role::Notable,
            format!("the answers differ in {} {rows}", counts.differing),
        )
    };
    let role = if silent.is_empty() {
        role
    } else {
        Role::Notable
    };
    (role, words + &silent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::replicas::fanout::Silence;
    use holdback::wire::value::Value;
    use std::time::Duration;

    fn asked(id: usize, answer: Result<Value, Silence>) -> Asked {
        Asked {
            id,
            address: format!("h:{id}"),
            answer,
            took: Duration::ZERO,
        }
    }

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    fn table(command: &str, answers: Vec<Result<Value, Silence>>) -> String {
        let command: Vec<_> = command.split(' ').map(|word| word.into()).collect();
        let asked: Vec<_> = (1..)
            .zip(answers)
            .map(|(id, answer)| asked(id, answer))
            .collect();
        side_by_side(&command, &asked, Palette::plain())
    }

    fn replies<const N: usize>(values: [Value; N]) -> Vec<Result<Value, Silence>> {
        values.into_iter().map(Ok).collect()
    }

    #[test]
    fn single_answers_stand_side_by_side() {
        let mut answers = replies([bulk("1"), Value::Null]);
        answers.push(Err(Silence::TimedOut(Duration::from_secs(3))));
        assert_eq!(
            table("GET x", answers),
            "\
┌───────────┬───────────┬─────────────────┐
│ replica 1 ┆ replica 2 ┆ replica 3       │
│ h:1       ┆ h:2       ┆ h:3             │
│           ┆           ┆ no answer in 3s │
╞═══════════╪═══════════╪═════════════════╡
│ \"1\"       ┆ (nil)     ┆ ·               │
└───────────┴───────────┴─────────────────┘
the answers differ; 1 replica did not answer"
        );
        let same = table("GET x", replies([bulk("1"), bulk("1")]));
        assert!(same.ends_with("2 replicas agree"), "{same}");
        let error = Value::Error("NOTREADY no".into());
        let refused = table("GET x", replies([error.clone(), error]));
        assert!(refused.ends_with("2 replicas answered"), "{refused}");
    }

    #[test]
    fn orders_are_set_side_by_side_by_position() {
        let order = |lines: &[&str]| Value::Array(lines.iter().map(|line| bulk(line)).collect());
        let behind = order(&["1 1.1 SET a 1", "2 1.2 SET b 2"]);
        let ahead = order(&["2 1.2 SET b 2", "3 2.2 DEL a"]);
        let text = table("ORDER 2", replies([ahead.clone(), behind]));
        let rows: Vec<_> = text
            .lines()
            .filter(|line| line.contains('1') && line.starts_with('│'))
            .collect();
        assert!(
            rows.iter()
                .any(|row| row.starts_with("│ 1 ┆ ·           ┆ 1.1 SET a 1")),
            "{text}"
        );
        assert!(text.ends_with("wherever they overlap"), "{text}");
        let other = order(&["2 1.2 SET b 2", "3 3.2 DEL b"]);
        let text = table("ORDER 2", replies([ahead, other]));
        assert!(text.contains("│ ≠ 3 ┆ 2.2 DEL a"), "{text}");
        assert!(text.ends_with("the answers differ in 1 row"), "{text}");
    }

    #[test]
    fn status_is_a_row_a_field_and_peers_stand_in_order() {
        let first = bulk("id:1\r\nready:yes\r\nlink.2:up\r\nrtt_us.2:9\r\nlink.3:down\r\n");
        let second = bulk("id:2\r\nready:yes\r\nlink.1:up\r\nrtt_us.1:9\r\nlink.3:up\r\n");
        let text = table("STATUS", replies([first, second]));
        let names: Vec<_> = text
            .lines()
            .filter_map(|line| line.strip_prefix("│ ")?.split(' ').next())
            .filter(|name| !name.is_empty())
            .collect();
        assert_eq!(
            names,
            [
                "id", "ready", "link.1", "link.2", "link.3", "rtt_us.1", "rtt_us.2"
            ]
        );
        assert!(!text.contains("agree"), "{text}");
    }

    #[test]
    fn stores_are_compared_by_key() {
        let store = |pairs: &[&str]| Value::Array(pairs.iter().map(|text| bulk(text)).collect());
        let text = table(
            "STORE",
            replies([store(&["b", "1"]), store(&["a", "1", "b", "2"])]),
        );
        let (a, b) = (text.find("\"a\"").unwrap(), text.find("≠ \"b\"").unwrap());
        assert!(a < b, "{text}");
    }
}
