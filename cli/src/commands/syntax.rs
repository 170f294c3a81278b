//! What may follow the arguments typed so far: hints and the completion of options, from the tree that
//! [`holdback::command::syntax`] makes of a command's syntax.

use crate::commands::words::may_become;
use holdback::command::syntax::{Argument, Shape, parse, show};

/// What may remain to be typed, argument by argument.
type Rest = Vec<Argument>;

/// An argument on its way into a syntax.
#[derive(Clone, Copy, Debug)]
struct Typed<'a> {
    text: &'a str,
    /// The last one, with no blank behind it yet.
    unfinished: bool,
}

/// What remains of `syntax` after the arguments `typed` (without the command's name); `unfinished` says
/// that the last one may be going on. `None` if they do not fit.
pub(crate) fn remaining(syntax: &str, typed: &[String], unfinished: bool) -> Option<String> {
    let rests = rests(syntax, typed, unfinished);
    if rests.is_empty() {
        return None;
    }
    let mut texts: Vec<String> = Vec::new();
    for text in rests.iter().map(|rest| show(rest)) {
        if !text.is_empty() && !texts.contains(&text) {
            texts.push(text);
        }
    }
    let text = texts.join(" | ");
    let may_end_here = rests.iter().any(Vec::is_empty);
    Some(if may_end_here && !text.is_empty() {
        format!("[{text}]")
    } else {
        text
    })
}

/// The words that stand for themselves and may come next, after the whole arguments `typed`.
pub(crate) fn next_keywords(syntax: &str, typed: &[String]) -> Vec<String> {
    let mut keywords: Vec<String> = Vec::new();
    for rest in rests(syntax, typed, false) {
        for argument in &rest {
            for keyword in first_keywords(&argument.shape) {
                if !keywords.iter().any(|known| known == keyword) {
                    keywords.push(keyword.to_owned());
                }
            }
            if !argument.optional {
                break;
            }
        }
    }
    keywords
}

/// What remains in each way in which the arguments fit.
fn rests(syntax: &str, typed: &[String], unfinished: bool) -> Vec<Rest> {
    let mut rests = vec![parse(syntax)];
    for (index, text) in typed.iter().enumerate() {
        let unfinished = unfinished && index + 1 == typed.len();
        let typed = Typed { text, unfinished };
        rests = rests.iter().flat_map(|rest| consume(rest, typed)).collect();
    }
    rests
}

/// What is left of `rest` behind one more argument, in each way in which it fits.
fn consume(rest: &[Argument], typed: Typed) -> Vec<Rest> {
    let Some(first) = rest.first() else {
        return Vec::new();
    };
    let chosen = if first.optional {
        match choose_option(rest, typed) {
            Some(chosen) => chosen,
            // Half an option may become a whole one.
            None if typed.unfinished => return vec![rest.to_vec()],
            None => return Vec::new(),
        }
    } else {
        0
    };
    let within = enter(&rest[chosen], typed);
    let others = rest[..chosen].iter().chain(&rest[chosen + 1..]);
    let with_others = |mut rest: Rest| {
        rest.extend(others.clone().cloned());
        rest
    };
    within.into_iter().map(with_others).collect()
}

/// Which of the leading options an argument enters: one whose keyword it is, else the first that begins
/// with a value. Options come in any order.
fn choose_option(rest: &[Argument], typed: Typed) -> Option<usize> {
    let mut value = None;
    for (index, argument) in rest.iter().enumerate() {
        if !argument.optional {
            break;
        }
        let is_typed = |keyword: &str| keyword.eq_ignore_ascii_case(typed.text);
        let mut keywords = first_keywords(&argument.shape).into_iter().peekable();
        if keywords.peek().is_none() {
            value = value.or(Some(index));
        } else if keywords.any(is_typed) {
            return Some(index);
        }
    }
    value
}

/// What is left of one argument of a syntax behind the first word of it.
fn enter(argument: &Argument, typed: Typed) -> Vec<Rest> {
    let again = argument.multiple.then(|| Argument {
        optional: true,
        ..argument.clone()
    });
    let mut within = match &argument.shape {
        Shape::Value(_) => vec![Vec::new()],
        Shape::Token(token, _) if !accepts(token, typed) => Vec::new(),
        Shape::Token(_, None) => vec![Vec::new()],
        Shape::Token(_, Some(value)) => {
            let shape = Shape::Value(value.clone());
            let multiple = argument.multiple;
            return vec![vec![Argument {
                shape,
                optional: false,
                multiple,
            }]];
        }
        Shape::Block(inner) => consume(inner, typed),
        Shape::OneOf(each) => {
            let consume_one = |one| consume(std::slice::from_ref(one), typed);
            each.iter().flat_map(consume_one).collect()
        }
    };
    for rest in &mut within {
        rest.extend(again.clone());
    }
    within
}

/// The words that stand for themselves with which something of this shape may begin.
fn first_keywords(shape: &Shape) -> Vec<&str> {
    match shape {
        Shape::Value(_) => Vec::new(),
        Shape::Token(token, _) => vec![token],
        Shape::Block(inner) => match inner.first() {
            Some(first) => first_keywords(&first.shape),
            None => Vec::new(),
        },
        Shape::OneOf(each) => {
            let each = each.iter();
            each.flat_map(|one| first_keywords(&one.shape)).collect()
        }
    }
}

/// Whether a keyword is what was typed, or may become so.
fn accepts(keyword: &str, typed: Typed) -> bool {
    if typed.unfinished {
        may_become(typed.text, keyword)
    } else {
        keyword.eq_ignore_ascii_case(typed.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The hint behind `typed`; a blank at its end finishes the last argument.
    fn hint(syntax: &str, typed: &str) -> Option<String> {
        let arguments: Vec<_> = typed.split_whitespace().map(str::to_owned).collect();
        remaining(
            syntax,
            &arguments,
            !typed.is_empty() && !typed.ends_with(' '),
        )
    }

    fn check(syntax: &str, cases: &[(&str, Option<&str>)]) {
        for (typed, expected) in cases {
            assert_eq!(
                hint(syntax, typed).as_deref(),
                *expected,
                "{syntax}: {typed:?}"
            );
        }
    }

    #[test]
    fn what_was_typed_leaves_the_hint() {
        check(
            "key value [NX|XX] [GET]",
            &[
                ("", Some("key value [NX|XX] [GET]")),
                ("a", Some("value [NX|XX] [GET]")),
                ("a 1 ", Some("[NX|XX] [GET]")),
                ("a 1 get", Some("[NX|XX]")),
                ("a 1 G", Some("[NX|XX] [GET]")),
                ("a 1 GET xx ", Some("")),
                ("a 1 EX ", None),
                ("a 1 NX XX ", None),
            ],
        );
        check("key", &[("a", Some("")), ("a b", None)]);
    }

    #[test]
    fn groups_repeat_and_nest() {
        check(
            "key value [key value ...]",
            &[
                ("a 1", Some("[key value ...]")),
                ("a 1 b", Some("value [key value ...]")),
                ("a 1 b 2 ", Some("[key value ...]")),
            ],
        );
        check("key [key ...]", &[("a b c", Some("[key ...]"))]);
        check(
            "[count [from]]",
            &[
                ("", Some("[count [from]]")),
                ("5", Some("[from]")),
                ("5 6 7", None),
            ],
        );
        check("name=value ...", &[("a=1 b=2 ", Some("[name=value ...]"))]);
        check(
            "cursor [MATCH pattern] [COUNT count]",
            &[
                ("0 count ", Some("count [MATCH pattern]")),
                ("0 COUNT 5 ", Some("[MATCH pattern]")),
            ],
        );
    }

    #[test]
    fn alternatives_are_told_apart_by_their_keyword() {
        let fault = "DELAY peer|* min_ms max_ms | CUT peer|* | LIST";
        check(
            fault,
            &[
                ("", Some(fault)),
                ("c", Some("peer|*")),
                ("cut 2 ", Some("")),
                ("delay 2 ", Some("min_ms max_ms")),
                ("list ", Some("")),
                ("x ", None),
            ],
        );
        assert_eq!(next_keywords(fault, &[]), ["DELAY", "CUT", "LIST"]);
    }

    #[test]
    fn options_that_may_follow() {
        let next = |syntax, typed: &[&str]| {
            let typed: Vec<_> = typed.iter().map(|&word| word.to_owned()).collect();
            next_keywords(syntax, &typed)
        };
        let set = "key value [NX|XX] [GET]";
        assert_eq!(next(set, &["a"]), Vec::<&str>::new());
        assert_eq!(next(set, &["a", "1"]), ["NX", "XX", "GET"]);
        assert_eq!(next(set, &["a", "1", "nx"]), ["GET"]);
        assert_eq!(
            next("[COMMANDS|ORDER|FRAMES]", &[]),
            ["COMMANDS", "ORDER", "FRAMES"]
        );
    }

    #[test]
    fn subcommands_have_hints_of_their_own() {
        check(
            "[LEN | INFO [name ...] | GETKEYS command ... | KILL ID id | KILL ADDR address]",
            &[
                ("LEN ", Some("")),
                ("info ", Some("[name ...]")),
                ("info a ", Some("[name ...]")),
                ("GETKEYS", Some("command ...")),
                ("GETKEYS get ", Some("[command ...]")),
                ("KILL ", Some("ID id | ADDR address")),
                ("KILL ID ", Some("id")),
                ("NOSUCH ", None),
            ],
        );
        check(
            "host:port | host port | @replica",
            &[("h", Some("[port]")), ("h 1 ", Some("")), ("h 1 2 ", None)],
        );
    }

    #[test]
    fn every_command_of_the_table_has_hints() {
        for spec in holdback::command::table::COMMANDS {
            let hint = remaining(spec.arguments, &[], false);
            assert_eq!(hint.as_deref(), Some(spec.arguments), "{}", spec.name);
        }
    }
}
