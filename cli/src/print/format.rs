//! Replies as text: for a person, as redis-cli prints them on a terminal, or raw.

use crate::text::printable;
use crate::text::style::{Palette, Role};
use holdback::wire::inline::escape_into;
use holdback::wire::value::Value;

/// How a command's reply is best read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    /// As redis-cli prints it.
    Plain,
    /// A bulk string of lines, each a `name:value` pair or a heading.
    Text,
    /// A bulk string of lines.
    Prose,
    /// An array of lines.
    Lines,
    /// A flat array of keys and values.
    Pairs,
}

/// Commands that explain their subcommands.
const HAVE_HELP: [&[u8]; 7] = [
    b"CLIENT", b"COMMAND", b"CONFIG", b"LATENCY", b"MEMORY", b"OBJECT", b"SLOWLOG",
];

impl Shape {
    /// The shape of the reply to a command.
    pub(crate) fn of(arguments: &[Vec<u8>]) -> Self {
        let upper = |at: usize| arguments.get(at).map(|word| word.to_ascii_uppercase());
        match (upper(0).as_deref(), upper(1).as_deref()) {
            (Some(b"STATUS" | b"INFO"), _) => Self::Text,
            (Some(b"CLIENT"), Some(b"LIST" | b"INFO")) => Self::Prose,
            (Some(b"LATENCY" | b"MEMORY"), Some(b"DOCTOR")) => Self::Prose,
            (Some(b"HELP" | b"ORDER" | b"HOLDBACK" | b"FAULT"), _) => Self::Lines,
            (Some(name), Some(b"HELP")) if HAVE_HELP.contains(&name) => Self::Lines,
            (Some(b"STORE"), _) | (Some(b"CONFIG"), Some(b"GET")) => Self::Pairs,
            _ => Self::Plain,
        }
    }
}

/// A reply for a person, without the last line end.
pub(crate) fn terminal(value: &Value, shape: Shape, palette: Palette) -> String {
    match (shape, value) {
        (Shape::Text | Shape::Prose, Value::Bulk(text)) => lines_of(text).join("\n"),
        (Shape::Lines, Value::Array(values)) if !values.is_empty() => {
            let lines: Option<Vec<_>> = values.iter().map(line).collect();
            lines.map_or_else(|| nested(value, palette), |lines| lines.join("\n"))
        }
        (Shape::Pairs, Value::Array(flat)) if !flat.is_empty() && flat.len() % 2 == 0 => {
            let pairs = flat.chunks_exact(2);
            let pairs = pairs.map(|pair| (pair[0].clone(), pair[1].clone()));
            nested(&Value::Map(pairs.collect()), palette)
        }
        _ => nested(value, palette),
    }
}

/// A single string as a line of text.
pub(crate) fn line(value: &Value) -> Option<String> {
    match value {
        Value::Simple(text) => Some(printable(text)),
        Value::Bulk(bytes) => Some(printable(&String::from_utf8_lossy(bytes))),
        _ => None,
    }
}

/// The lines of a text, whatever ends them, without blank ones at the end.
pub(crate) fn lines_of(text: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(text);
    text.trim_end().lines().map(printable).collect()
}

fn nested(value: &Value, palette: Palette) -> String {
    let mut text = String::new();
    write(value, 0, palette, &mut text);
    text
}

/// Appends `value`, whose later lines are to be indented by `indent` columns.
fn write(value: &Value, indent: usize, palette: Palette, text: &mut String) {
    let tagged = |text: &mut String, tag: &str, rest: &str| {
        text.push_str(&palette.paint(Role::Faint, tag));
        text.push_str(rest);
    };
    match value {
        Value::Simple(simple) => text.push_str(&printable(simple)),
        Value::Error(error) => {
            let error = format!("(error) {}", printable(error));
            text.push_str(&palette.paint(Role::Bad, &error));
        }
        Value::Integer(number) => tagged(text, "(integer) ", &number.to_string()),
        Value::Double(number) => tagged(text, "(double) ", &printable(number)),
        Value::Boolean(truth) => tagged(text, if *truth { "(true)" } else { "(false)" }, ""),
        Value::Null => tagged(text, "(nil)", ""),
        Value::Bulk(bytes) => escape_into(bytes, text),
        Value::Array(values) if values.is_empty() => tagged(text, "(empty array)", ""),
        Value::Map(pairs) if pairs.is_empty() => tagged(text, "(empty hash)", ""),
        Value::Array(values) => {
            let width = values.len().to_string().len();
            for (index, value) in values.iter().enumerate() {
                let number = format!("{:>width$}) ", index + 1);
                start_line(index, indent, text);
                text.push_str(&palette.paint(Role::Faint, &number));
                write(value, indent + number.len(), palette, text);
            }
        }
        Value::Map(pairs) => {
            let width = pairs.len().to_string().len();
            for (index, (key, value)) in pairs.iter().enumerate() {
                let number = format!("{:>width$}# ", index + 1);
                start_line(index, indent, text);
                text.push_str(&palette.paint(Role::Faint, &number));
                let mut plain_key = String::new();
                write(key, 0, Palette::plain(), &mut plain_key);
                write(key, indent + number.len(), palette, text);
                text.push_str(" => ");
                let used = number.len() + plain_key.chars().count() + 4;
                write(value, indent + used, palette, text);
            }
        }
    }
}

fn start_line(index: usize, indent: usize, text: &mut String) {
    if index > 0 {
        text.push('\n');
        text.extend(std::iter::repeat_n(' ', indent));
    }
}

/// A reply as it is, without the last line end: every value on a line of its own.
pub(crate) fn raw(value: &Value, shape: Shape) -> Vec<u8> {
    match (shape, value) {
        // Scripts that cut fields out of these lines would find the carriage returns in the values.
        (Shape::Text | Shape::Prose, Value::Bulk(text)) => {
            let text = String::from_utf8_lossy(text).replace("\r\n", "\n");
            text.trim_end_matches('\n').as_bytes().to_vec()
        }
        _ => {
            let mut bytes = Vec::new();
            write_raw(value, &mut bytes);
            bytes.pop();
            bytes
        }
    }
}

/// Appends the values in `value`, each with a line end.
fn write_raw(value: &Value, bytes: &mut Vec<u8>) {
    match value {
        Value::Simple(text) | Value::Error(text) | Value::Double(text) => {
            bytes.extend_from_slice(text.as_bytes());
        }
        Value::Integer(number) => bytes.extend_from_slice(number.to_string().as_bytes()),
        Value::Boolean(truth) => {
            bytes.extend_from_slice(if *truth { b"true" } else { b"false" });
        }
        Value::Null => {}
        Value::Bulk(bulk) => bytes.extend_from_slice(bulk),
        Value::Array(values) if !values.is_empty() => {
            return values.iter().for_each(|value| write_raw(value, bytes));
        }
        Value::Map(pairs) if !pairs.is_empty() => {
            let flat = pairs.iter().flat_map(|(key, value)| [key, value]);
            return flat.for_each(|value| write_raw(value, bytes));
        }
        Value::Array(_) | Value::Map(_) => {}
    }
    bytes.push(b'\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::Bulk(text.into())
    }

    fn shown(value: &Value) -> String {
        terminal(value, Shape::Plain, Palette::plain())
    }

    #[test]
    fn single_values_as_redis_cli_prints_them() {
        for (value, expected) in [
            (Value::Simple("OK".into()), "OK"),
            (bulk("a \"b\"\n"), r#""a \"b\"\n""#),
            (Value::Bulk(vec![0, 0xff]), r#""\x00\xff""#),
            (bulk(""), "\"\""),
            (Value::Integer(-1), "(integer) -1"),
            (Value::Double("1.5".into()), "(double) 1.5"),
            (Value::Boolean(true), "(true)"),
            (Value::Null, "(nil)"),
            (Value::Error("ERR no".into()), "(error) ERR no"),
            (Value::Array(vec![]), "(empty array)"),
            (Value::Map(vec![]), "(empty hash)"),
        ] {
            assert_eq!(shown(&value), expected);
        }
    }

    #[test]
    fn nested_arrays_and_maps_are_aligned() {
        let inner = Value::Array(vec![bulk("x"), Value::Null]);
        let mut values = vec![bulk("a"), inner.clone()];
        values.resize(10, Value::Integer(1));
        let lines = shown(&Value::Array(values));
        let lines: Vec<_> = lines.lines().collect();
        assert_eq!(
            lines[..4],
            [
                " 1) \"a\"",
                " 2) 1) \"x\"",
                "    2) (nil)",
                " 3) (integer) 1"
            ]
        );
        assert_eq!(lines[10], "10) (integer) 1");
        let map = Value::Map(vec![(bulk("k"), inner), (bulk("l"), Value::Integer(2))]);
        assert_eq!(
            shown(&map),
            "1# \"k\" => 1) \"x\"\n          2) (nil)\n2# \"l\" => (integer) 2"
        );
    }

    #[test]
    fn texts_lines_and_pairs_are_printed_for_reading() {
        let show = |value, shape| terminal(&value, shape, Palette::plain());
        assert_eq!(
            show(bulk("id:1\r\nclock:7\r\n"), Shape::Text),
            "id:1\nclock:7"
        );
        let order = Value::Array(vec![bulk("1 1.1 SET a \"b c\""), bulk("2 2.1 DEL a")]);
        assert_eq!(
            show(order, Shape::Lines),
            "1 1.1 SET a \"b c\"\n2 2.1 DEL a"
        );
        let store = Value::Array(vec![bulk("a"), bulk("1"), bulk("b"), bulk("2")]);
        assert_eq!(
            show(store, Shape::Pairs),
            "1# \"a\" => \"1\"\n2# \"b\" => \"2\""
        );
        assert_eq!(show(Value::Array(vec![]), Shape::Lines), "(empty array)");
        assert_eq!(show(Value::Simple("QUEUED".into()), Shape::Text), "QUEUED");
    }

    #[test]
    fn raw_is_the_bytes_a_value_a_line() {
        let raw = |value| raw(&value, Shape::Plain);
        assert_eq!(raw(Value::Bulk(vec![0xff, b'\n'])), b"\xff\n");
        assert_eq!(raw(Value::Null), b"");
        let nested = Value::Array(vec![bulk("b"), Value::Null, Value::Array(vec![])]);
        assert_eq!(
            raw(Value::Array(vec![Value::Integer(1), nested])),
            b"1\nb\n\n"
        );
        assert_eq!(
            super::raw(&bulk("id:1\r\nclock:7\r\n"), Shape::Text),
            b"id:1\nclock:7"
        );
    }

    #[test]
    fn a_server_cannot_drive_the_terminal() {
        assert_eq!(shown(&Value::Simple("a\x1b[2J".into())), r"a\u{1b}[2J");
    }
}
