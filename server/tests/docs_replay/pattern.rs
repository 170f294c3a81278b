//! Lines in which some values differ from run to run.

use std::collections::BTreeMap;

/// The values of the named placeholders of one example.
pub(crate) type Bindings = BTreeMap<String, String>;

/// What a placeholder stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Number,
    Hex,
    Text,
}

/// A piece of an expected line.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Literal(&'a str),
    Placeholder(Kind, Option<&'a str>),
}

/// Cuts `a <number:n> b` into its pieces. Anything else in angle brackets is literal.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let (mut literal, mut at) = (0, 0);
    while let Some(found) = line[at..].find('<') {
        let start = at + found;
        at = start + 1;
        let Some(end) = line[start..].find('>').map(|length| start + length) else {
            break;
        };
        let inside = &line[start + 1..end];
        let (kind, name) = match inside.split_once(':') {
            Some((kind, name)) => (kind, Some(name)),
            None => (inside, None),
        };
        let kind = match kind {
            "number" => Kind::Number,
            "hex" => Kind::Hex,
            "text" => Kind::Text,
            _ => continue,
        };
        pieces.push(Piece::Literal(&line[literal..start]));
        pieces.push(Piece::Placeholder(kind, name));
        (literal, at) = (end + 1, end + 1);
    }
    pieces.push(Piece::Literal(&line[literal..]));
    pieces
}

/// Whether a line is the expected one. Named placeholders must have the value they had before; those that are
/// new get it, if the whole line fits.
pub(crate) fn matches(expected: &str, line: &str, bindings: &mut Bindings) -> bool {
    let mut bound = bindings.clone();
    let pieces = pieces(expected);
    let mut rest = line;
    for (at, piece) in pieces.iter().enumerate() {
        match piece {
            Piece::Literal(text) => match rest.strip_prefix(text) {
                Some(behind) => rest = behind,
                None => return false,
            },
            Piece::Placeholder(kind, name) => {
                let next = match pieces.get(at + 1) {
                    Some(Piece::Literal(text)) => text,
                    _ => "",
                };
                let value = take_value(*kind, rest, next);
                if value.is_empty() {
                    return false;
                }
                rest = &rest[value.len()..];
                if let Some(name) = name {
                    let known = bound.entry((*name).to_owned()).or_insert(value.to_owned());
                    if known != value {
                        return false;
                    }
                }
            }
        }
    }
    if !rest.is_empty() {
        return false;
    }
    *bindings = bound;
    true
}

/// What a placeholder stands for at the start of `rest`, in front of `next`.
fn take_value<'a>(kind: Kind, rest: &'a str, next: &str) -> &'a str {
    let belongs: fn(char) -> bool = match kind {
        Kind::Number => |c| c.is_ascii_digit(),
        Kind::Hex => |c| matches!(c, '0'..='9' | 'a'..='f'),
        Kind::Text if next.is_empty() => return rest,
        Kind::Text => return rest.find(next).map_or("", |end| &rest[..end]),
    };
    let end = rest.find(|c| !belongs(c)).unwrap_or(rest.len());
    &rest[..end]
}

/// A line to be typed, with the values of its placeholders.
pub(crate) fn fill(line: &str, bindings: &Bindings) -> Result<String, String> {
    let mut filled = String::new();
    for piece in pieces(line) {
        match piece {
            Piece::Literal(text) => filled.push_str(text),
            Piece::Placeholder(_, name) => {
                let value = name.and_then(|name| bindings.get(name));
                filled.push_str(value.ok_or_else(|| format!("'{line}' has no value yet"))?);
            }
        }
    }
    Ok(filled)
}

#[test]
fn placeholders_match_and_are_remembered() {
    let mut bindings = Bindings::new();
    assert!(matches(":<number>", ":42", &mut bindings));
    assert!(!matches(":<number>", ":x", &mut bindings));
    assert!(!matches(":<number>", ":", &mut bindings));
    assert!(matches(
        "<number:t>.1 <hex:d> <text>",
        "7.1 0af anything",
        &mut bindings
    ));
    assert!(matches("<number:t>", "7", &mut bindings));
    assert!(!matches("<number:t>", "8", &mut bindings));
    assert!(matches("a <text> b", "a c d b", &mut bindings));
    assert!(!matches("<x> <number>", "<y> 1", &mut bindings));
    assert_eq!(
        fill("ACK <number:t>.2", &bindings),
        Ok("ACK 7.2".to_owned())
    );
    assert!(fill("ACK <number:unknown>.2", &bindings).is_err());
}
