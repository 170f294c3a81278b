//! The syntax column of the command table as a tree, for `COMMAND DOCS`.
//!
//! `key value [NX|XX] [GET]`, `[key ...]`, `[MATCH pattern]`, `GET pattern | SET name value`: blanks
//! separate, brackets are optional, bars are alternatives, an ellipsis repeats, and upper-case words
//! stand for themselves.

/// One argument.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument {
    /// What it is.
    pub shape: Shape,
    /// It may be left out.
    pub optional: bool,
    /// It may be repeated.
    pub multiple: bool,
}

/// What an argument is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A value with this name.
    Value(String),
    /// A word that stands for itself, and the value behind it if there is one.
    Token(String, Option<String>),
    /// Several arguments in a row.
    Block(Vec<Argument>),
    /// One of several.
    OneOf(Vec<Argument>),
}

impl Argument {
    fn one(shape: Shape) -> Self {
        Self {
            shape,
            optional: false,
            multiple: false,
        }
    }
}

/// Parses a syntax column.
#[must_use]
pub fn parse(syntax: &str) -> Vec<Argument> {
    let alternatives: Vec<&str> = split(syntax, " | ");
    if alternatives.len() > 1 {
        let each = alternatives.iter().map(|text| group(parse(text))).collect();
        return vec![Argument::one(Shape::OneOf(each))];
    }
    let words = split(syntax, " ");
    let mut arguments: Vec<Argument> = Vec::new();
    for word in words {
        if word == "..." {
            if let Some(last) = arguments.last_mut() {
                last.multiple = true;
            }
            continue;
        }
        let argument = parse_word(word);
        // A token takes the value behind it along.
        if let (
            Shape::Value(name),
            Some(Argument {
                shape: Shape::Token(_, value),
                ..
            }),
        ) = (&argument.shape, arguments.last_mut())
            && value.is_none()
            && !argument.optional
        {
            *value = Some(name.clone());
            continue;
        }
        arguments.push(argument);
    }
    arguments
}

fn parse_word(word: &str) -> Argument {
    if let Some(inner) = word
        .strip_prefix('[')
        .and_then(|word| word.strip_suffix(']'))
    {
        let (inner, multiple) = match inner.strip_suffix(" ...") {
            Some(inner) => (inner, true),
            None => (inner, false),
        };
        return Argument {
            optional: true,
            multiple,
            ..group(parse(inner))
        };
    }
    let alternatives: Vec<&str> = split(word, "|");
    if alternatives.len() > 1 {
        let each = alternatives.into_iter().map(parse_word).collect();
        return Argument::one(Shape::OneOf(each));
    }
    let is_token = word.chars().any(|c| c.is_ascii_uppercase());
    Argument::one(if is_token {
        Shape::Token(word.to_owned(), None)
    } else {
        Shape::Value(word.to_owned())
    })
}

/// Several arguments as one.
fn group(mut arguments: Vec<Argument>) -> Argument {
    if arguments.len() == 1 {
        return arguments.remove(0);
    }
    Argument::one(Shape::Block(arguments))
}

/// Splits at a separator outside brackets; empty parts are left out.
fn split<'a>(text: &'a str, separator: &str) -> Vec<&'a str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (at, byte) in text.bytes().enumerate() {
        match byte {
            b'[' => depth += 1,
            b']' => depth -= 1,
            _ => {}
        }
        if depth == 0 && at >= start && text[at..].starts_with(separator) {
            parts.push(&text[start..at]);
            start = at + separator.len();
        }
    }
    parts.push(&text[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::protocol::table::COMMANDS;

    fn show(arguments: &[Argument]) -> String {
        let one = |argument: &Argument| {
            let inner = match &argument.shape {
                Shape::Value(name) => name.clone(),
                Shape::Token(token, None) => token.clone(),
                Shape::Token(token, Some(value)) => format!("{token}={value}"),
                Shape::Block(inner) => format!("({})", show(inner)),
                Shape::OneOf(inner) => format!("<{}>", show(inner)),
            };
            let optional = if argument.optional { "?" } else { "" };
            let multiple = if argument.multiple { "*" } else { "" };
            format!("{inner}{optional}{multiple}")
        };
        arguments.iter().map(one).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn columns_are_understood() {
        for (syntax, expected) in [
            ("key value [NX|XX] [GET]", "key value <NX XX>? GET?"),
            ("key [key ...]", "key key?*"),
            ("key value [key value ...]", "key value (key value)?*"),
            (
                "cursor [MATCH pattern] [COUNT count]",
                "cursor MATCH=pattern? COUNT=count?",
            ),
            ("[count [from]]", "(count from?)?"),
            ("CUT peer|* | LIST", "<(CUT <peer *>) LIST>"),
            ("", ""),
        ] {
            assert_eq!(show(&parse(syntax)), expected, "{syntax}");
        }
        for spec in COMMANDS {
            assert_eq!(parse(spec.arguments).is_empty(), spec.arguments.is_empty());
        }
    }
}
