//! The syntax column of the command table as a tree, for `COMMAND DOCS` and for the hints of the REPL.
//!
//! `key value [NX|XX] [GET]`, `[key ...]`, `[MATCH pattern]`, `GET pattern | SET name value`: blanks
//! separate, brackets are optional, bars are alternatives, an ellipsis repeats, and upper-case words
//! stand for themselves.

use std::fmt;

/// One argument. Displayed, it is the text that it was parsed from.
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
    /// A word that stands for itself, and the value behind it if there is one. If the argument may be
    /// repeated, it is the value that is.
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

impl fmt::Display for Argument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let dots = if self.multiple { " ..." } else { "" };
        if self.optional {
            write!(f, "[{}{dots}]", self.shape)
        } else {
            write!(f, "{}{dots}", self.shape)
        }
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(name) | Self::Token(name, None) => f.write_str(name),
            Self::Token(token, Some(value)) => write!(f, "{token} {value}"),
            Self::Block(arguments) => f.write_str(&show(arguments)),
            Self::OneOf(each) => {
                let each: Vec<String> = each.iter().map(Argument::to_string).collect();
                let is_word = |text: &String| !text.contains(' ');
                let bar = if each.iter().all(is_word) { "|" } else { " | " };
                f.write_str(&each.join(bar))
            }
        }
    }
}

/// Arguments in a row, as a syntax column has them.
#[must_use]
pub fn show(arguments: &[Argument]) -> String {
    let each: Vec<String> = arguments.iter().map(Argument::to_string).collect();
    each.join(" ")
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
    use crate::command::table::COMMANDS;

    fn tree(arguments: &[Argument]) -> String {
        let one = |argument: &Argument| {
            let inner = match &argument.shape {
                Shape::Value(name) => name.clone(),
                Shape::Token(token, None) => token.clone(),
                Shape::Token(token, Some(value)) => format!("{token}={value}"),
                Shape::Block(inner) => format!("({})", tree(inner)),
                Shape::OneOf(inner) => format!("<{}>", tree(inner)),
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
            ("[LEN | INFO [a ...]]", "<LEN (INFO a?*)>?"),
            ("GETKEYS command ...", "GETKEYS=command*"),
            ("", ""),
        ] {
            assert_eq!(tree(&parse(syntax)), expected, "{syntax}");
        }
    }

    #[test]
    fn a_tree_is_shown_as_it_was_written() {
        for spec in COMMANDS {
            assert_eq!(
                show(&parse(spec.arguments)),
                spec.arguments,
                "{}",
                spec.name
            );
        }
    }

    #[test]
    fn a_word_does_not_stand_among_others_names() {
        // `ID id|ADDR address` would say: ID, then a value or ADDR, then a value.
        fn check(argument: &Argument) {
            if let Shape::OneOf(each) | Shape::Block(each) = &argument.shape {
                each.iter().for_each(check);
            }
            if let Shape::OneOf(each) = &argument.shape {
                let is_value = |argument: &Argument| matches!(argument.shape, Shape::Value(_));
                let values = each.iter().filter(|argument| is_value(argument)).count();
                assert!(values == 0 || values == each.len(), "{argument}");
            }
        }
        for spec in COMMANDS {
            parse(spec.arguments).iter().for_each(check);
        }
    }
}
