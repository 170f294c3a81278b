//! An answer cut into rows, for [`crate::print::tables`].

use crate::commands::effects;
use crate::print::format::{self, Shape, line};
use crate::replicas::fanout::Asked;
use crate::replicas::status::Status;
use crate::text::printable;
use crate::text::style::Palette;
use holdback::command::Name;
use holdback::wire::value::Value;
use std::collections::{HashMap, HashSet};

/// An answer cut into rows: what each row is called, and its text.
pub(crate) type Rows = Vec<(String, String)>;

/// A replica's answer as rows.
pub(crate) fn rows_of(command: &[Vec<u8>], asked: &Asked) -> Rows {
    let Ok(value) = &asked.answer else {
        return Rows::new();
    };
    let shape = Shape::of(command);
    let cell = |value: &Value| format::terminal(value, shape, Palette::plain());
    match (shape, value) {
        (Shape::Text, Value::Bulk(text)) => {
            let status = Status::parse(text);
            let own = |(name, value): (&str, &str)| {
                let value = printable(value);
                // A list of addresses is easier to read a line each.
                let value = if name == "cluster" {
                    value.replace(',', "\n")
                } else {
                    value
                };
                (name.to_owned(), value)
            };
            status.fields().map(own).collect()
        }
        (Shape::Pairs, Value::Array(flat)) => {
            let pair = |pair: &[Value]| (cell(&pair[0]), cell(&pair[1]));
            flat.chunks_exact(2).map(pair).collect()
        }
        (Shape::Lines, Value::Array(values)) if effects::is(command, Name::Order) => {
            values.iter().filter_map(line).map(by_position).collect()
        }
        (_, Value::Array(values)) if !values.is_empty() => {
            let text = |value: &Value| match shape {
                Shape::Lines => line(value).unwrap_or_else(|| cell(value)),
                _ => cell(value),
            };
            let numbered = |(index, value)| (format!("{})", index + 1), text(value));
            values.iter().enumerate().map(numbered).collect()
        }
        _ => vec![(String::new(), cell(value))],
    }
}

/// An entry of the order: its position names the row, so that replicas that are not equally far still
/// stand side by side.
fn by_position(entry: String) -> (String, String) {
    match entry.split_once(' ') {
        Some((position, rest)) => (position.to_owned(), rest.to_owned()),
        None => (String::new(), entry),
    }
}

/// The rows' names over all replicas: as the replicas order them; what concerns a peer behind the rest,
/// and by peer; positions by number.
pub(crate) fn row_names(columns: &[Rows]) -> Vec<String> {
    let mut seen = HashSet::new();
    let all = columns.iter().flatten();
    let mut names: Vec<String> = all
        .map(|(name, _)| name.clone())
        .filter(|name| seen.insert(name.clone()))
        .collect();
    if names.iter().all(|name| name.parse::<u64>().is_ok()) {
        names.sort_by_key(|name| name.parse::<u64>().unwrap_or(0));
    } else if names.iter().all(|name| name.starts_with('"')) {
        names.sort();
    }
    let mut first_places = HashMap::new();
    for (place, name) in names.iter().enumerate() {
        first_places
            .entry(peer_field(name).0.to_owned())
            .or_insert(place);
    }
    names.sort_by_cached_key(|name| {
        let (field, peer) = peer_field(name);
        peer.map(|peer| (first_places.get(field).copied(), peer))
    });
    names
}

/// `link.2` is field `link` of peer 2.
pub(crate) fn peer_field(name: &str) -> (&str, Option<u64>) {
    let parts = name.split_once('.');
    let peer = parts.and_then(|(field, peer)| Some((field, Some(peer.parse().ok()?))));
    peer.unwrap_or((name, None))
}
