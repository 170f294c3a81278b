//! A line in colours while it is typed.

use crate::commands::words::{self, may_become};
use crate::commands::{local, syntax};
use crate::replicas::target::Target;
use crate::text::style::{Palette, Role};
use holdback::command::lookup;

/// The line with colours in it; what is seen is the same text. Behind a line end begins another command.
pub(crate) fn colour(line: &str, palette: Palette) -> String {
    if !palette.on {
        return line.to_owned();
    }
    let mut text = String::with_capacity(line.len() * 2);
    let mut before: Vec<&str> = Vec::new();
    for (piece, finished) in pieces(line) {
        if piece.trim_start().is_empty() {
            if piece.contains('\n') {
                before.clear();
            }
            text.push_str(piece);
            continue;
        }
        match role(piece, &before, finished) {
            Some(role) => text.push_str(&palette.paint(role, piece)),
            None => text.push_str(piece),
        }
        before.push(piece);
    }
    text
}

/// Blanks and words in turn, a quoted word with its quotes; each with whether something stands behind it.
fn pieces(line: &str) -> impl Iterator<Item = (&str, bool)> {
    let mut rest = line;
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let length = piece_length(rest);
        let (piece, behind) = rest.split_at(length);
        rest = behind;
        Some((piece, !behind.is_empty()))
    })
}

fn piece_length(text: &str) -> usize {
    let is_blank = |character: char| character.is_ascii_whitespace();
    if text.starts_with(is_blank) {
        return text
            .find(|character| !is_blank(character))
            .unwrap_or(text.len());
    }
    let mut quote = None;
    let mut escaped = false;
    for (at, character) in text.char_indices() {
        match (quote, character) {
            _ if escaped => escaped = false,
            (Some(_), '\\') => escaped = true,
            (Some(open), _) if character == open => quote = None,
            (None, '"' | '\'') => quote = Some(character),
            (None, _) if is_blank(character) => return at,
            _ => {}
        }
    }
    text.len()
}

/// What a word is, behind the words `before`.
fn role(word: &str, before: &[&str], finished: bool) -> Option<Role> {
    let at = before
        .iter()
        .position(|word| !is_prefix(word))
        .unwrap_or(before.len());
    if at == before.len() {
        return name_role(word, before, finished);
    }
    if word.starts_with(['"', '\'']) {
        // What is open may yet be closed; what follows a closing quote at once is wrong.
        let wrong = words::split(word).is_none();
        return Some(if wrong { Role::Bad } else { Role::Text });
    }
    if word.parse::<f64>().is_ok() {
        return Some(Role::Number);
    }
    let spec = lookup(before[at].as_bytes())?;
    let arguments: Vec<_> = before[at + 1..]
        .iter()
        .map(|&word| word.to_owned())
        .collect();
    let keywords = syntax::next_keywords(spec.arguments, &arguments);
    let is_keyword = keywords
        .iter()
        .any(|keyword| keyword.eq_ignore_ascii_case(word));
    is_keyword.then_some(Role::Keyword)
}

/// What may stand before a command: how often, and where.
fn is_prefix(word: &str) -> bool {
    word.starts_with('@') || words::is_count(word)
}

fn name_role(word: &str, before: &[&str], finished: bool) -> Option<Role> {
    if let Some(target) = word.strip_prefix('@') {
        let is_one = Target::parse(target).is_some() || (!finished && "all".starts_with(target));
        return Some(if is_one { Role::Notable } else { Role::Bad });
    }
    if words::is_count(word) {
        return Some(Role::Number);
    }
    let own = before.is_empty() && (local::lookup(word.as_bytes()).is_some());
    if own || lookup(word.as_bytes()).is_some() {
        return Some(Role::Command);
    }
    let unknown = finished || !local::names().any(|name| may_become(word, name));
    unknown.then_some(Role::Bad)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The words with the role of each.
    fn roles(line: &str) -> Vec<(&str, Option<Role>)> {
        let mut before = Vec::new();
        let mut all = Vec::new();
        for (piece, finished) in pieces(line).filter(|(piece, _)| !piece.trim().is_empty()) {
            all.push((piece, role(piece, &before, finished)));
            before.push(piece);
        }
        all
    }

    #[test]
    fn words_are_told_apart() {
        assert_eq!(
            roles(r#"3 @2 set k "a \" b" nx 5"#),
            [
                ("3", Some(Role::Number)),
                ("@2", Some(Role::Notable)),
                ("set", Some(Role::Command)),
                ("k", None),
                (r#""a \" b""#, Some(Role::Text)),
                ("nx", Some(Role::Keyword)),
                ("5", Some(Role::Number)),
            ]
        );
        assert_eq!(roles("GE"), [("GE", None)]);
        assert_eq!(roles("GEX"), [("GEX", Some(Role::Bad))]);
        assert_eq!(roles("GE x")[0], ("GE", Some(Role::Bad)));
        assert_eq!(roles("@x PING")[0], ("@x", Some(Role::Bad)));
        assert_eq!(roles("GET \"a")[1], ("\"a", Some(Role::Text)));
        assert_eq!(roles("GET \"a\"b")[1], ("\"a\"b", Some(Role::Bad)));
        assert_eq!(roles("connect @2")[0], ("connect", Some(Role::Command)));
    }

    #[test]
    fn nothing_but_colours_is_added() {
        let on = Palette::coloured();
        for line in [
            "",
            "  GET  x ",
            "SET \"ü b\n c\" 'x\nPING",
            "@a \\ \"",
            "GET x\nGTE y",
        ] {
            let text = colour(line, on);
            assert_eq!(anstream::adapter::strip_str(&text).to_string(), line);
            assert_eq!(colour(line, Palette::plain()), line);
        }
        assert_ne!(colour("GET x", on), "GET x");
    }
}
