//! What may follow the arguments typed so far, read from the syntax in the command table: hints and the
//! completion of options.
//!
//! A syntax is a sequence of words and of optional groups in brackets, as in `key value [NX|XX] [GET]`.
//! A word in upper case stands for itself; any other one for an argument. A group that ends in `...` may
//! be repeated. ` | ` separates whole alternatives.

/// A piece of a syntax.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Node<'a> {
    Word(&'a str),
    Group { nodes: Vec<Node<'a>>, repeats: bool },
}

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
    let texts: Vec<_> = rests.iter().map(|rest| render(rest)).collect();
    (!texts.is_empty()).then(|| texts.join(" | "))
}

/// The words in upper case that may stand next, after the whole arguments `typed`.
pub(crate) fn next_keywords<'a>(syntax: &'a str, typed: &[String]) -> Vec<&'a str> {
    let mut keywords = Vec::new();
    for rest in rests(syntax, typed, false) {
        for node in &rest {
            let (word, optional) = match node {
                Node::Word(word) => (Some(*word), false),
                Node::Group { nodes, .. } => (first_word(nodes), true),
            };
            keywords.extend(word.iter().flat_map(|word| keywords_in(word)));
            if !optional {
                break;
            }
        }
    }
    keywords
}

/// What remains of each alternative that the arguments fit.
fn rests<'a>(syntax: &'a str, typed: &[String], unfinished: bool) -> Vec<Vec<Node<'a>>> {
    let fits = |alternative| {
        let mut rest = parse(alternative);
        for (index, text) in typed.iter().enumerate() {
            let unfinished = unfinished && index + 1 == typed.len();
            rest = consume(rest, Typed { text, unfinished })?;
        }
        Some(rest)
    };
    syntax.split(" | ").filter_map(fits).collect()
}

/// Words, `[` and `]`.
fn tokens(syntax: &str) -> Vec<&str> {
    let mut tokens = Vec::new();
    for mut word in syntax.split_whitespace() {
        while let Some(rest) = word.strip_prefix('[') {
            tokens.push("[");
            word = rest;
        }
        let bare = word.trim_end_matches(']');
        tokens.extend((!bare.is_empty()).then_some(bare));
        tokens.extend(std::iter::repeat_n("]", word.len() - bare.len()));
    }
    tokens
}

/// Reads a whole syntax.
fn parse(syntax: &str) -> Vec<Node<'_>> {
    let mut nodes = parse_group(&mut tokens(syntax).into_iter());
    // `name=value ...`: the word itself may be repeated.
    if nodes.last() == Some(&Node::Word("...")) {
        nodes.pop();
        let last = nodes.last().cloned();
        nodes.push(Node::Group {
            nodes: Vec::from_iter(last),
            repeats: true,
        });
    }
    nodes
}

/// Reads nodes up to the closing bracket or the end.
fn parse_group<'a>(tokens: &mut impl Iterator<Item = &'a str>) -> Vec<Node<'a>> {
    let mut nodes = Vec::new();
    while let Some(token) = tokens.next() {
        match token {
            "]" => break,
            "[" => {
                let mut inner = parse_group(tokens);
                let repeats = inner.last() == Some(&Node::Word("..."));
                inner.truncate(inner.len() - usize::from(repeats));
                nodes.push(Node::Group {
                    nodes: inner,
                    repeats,
                });
            }
            word => nodes.push(Node::Word(word)),
        }
    }
    nodes
}

/// What is left of `rest` behind one more argument, or `None` if it does not fit.
fn consume<'a>(mut rest: Vec<Node<'a>>, typed: Typed) -> Option<Vec<Node<'a>>> {
    if let Node::Word(word) = rest.first()? {
        let fits = !is_keyword(word) || accepts(word, typed);
        return fits.then(|| rest.split_off(1));
    }
    let Some(chosen) = choose_group(&rest, typed) else {
        // Half an option may become a whole one.
        return typed.unfinished.then_some(rest);
    };
    let Node::Group { mut nodes, repeats } = rest.remove(chosen) else {
        return None;
    };
    let again = repeats.then(|| Node::Group {
        nodes: nodes.clone(),
        repeats,
    });
    nodes.remove(0);
    nodes.extend(again);
    nodes.extend(rest);
    Some(nodes)
}

/// Which of the leading groups an argument enters: one whose option it is, else the first that begins
/// with an argument.
fn choose_group(rest: &[Node], typed: Typed) -> Option<usize> {
    let mut positional = None;
    for (index, node) in rest.iter().enumerate() {
        let Node::Group { nodes, .. } = node else {
            break;
        };
        let word = first_word(nodes)?;
        if !is_keyword(word) {
            positional = positional.or(Some(index));
        } else if keywords_in(word).any(|keyword| keyword.eq_ignore_ascii_case(typed.text)) {
            return Some(index);
        }
    }
    positional
}

fn first_word<'a>(nodes: &[Node<'a>]) -> Option<&'a str> {
    match nodes.first()? {
        Node::Word(word) => Some(word),
        Node::Group { nodes, .. } => first_word(nodes),
    }
}

/// Whether `word` stands for itself: it has no lower case letter, as in `NX|XX`.
fn is_keyword(word: &str) -> bool {
    keywords_in(word).count() == word.split('|').count()
}

fn keywords_in(word: &str) -> impl Iterator<Item = &str> {
    let upper =
        |word: &&str| !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_uppercase());
    word.split('|').filter(upper)
}

/// Whether a keyword is what was typed, or may become so.
fn accepts(word: &str, typed: Typed) -> bool {
    word.split('|').any(|keyword| {
        let typed_part = if typed.unfinished {
            keyword.get(..typed.text.len())
        } else {
            Some(keyword)
        };
        typed_part.is_some_and(|part| part.eq_ignore_ascii_case(typed.text))
    })
}

fn render(nodes: &[Node]) -> String {
    let mut text = String::new();
    for node in nodes {
        if !text.is_empty() {
            text.push(' ');
        }
        match node {
            Node::Word(word) => text.push_str(word),
            Node::Group { nodes, repeats } => {
                let dots = if *repeats { " ..." } else { "" };
                text.push_str(&format!("[{}{dots}]", render(nodes)));
            }
        }
    }
    text
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
    fn every_syntax_of_the_table_is_understood() {
        for spec in holdback::protocol::table::COMMANDS {
            let hint = remaining(spec.arguments, &[], false).expect(spec.name);
            let repeated = spec.arguments.replace(" ...", "");
            assert!(hint.starts_with(repeated.trim_end_matches(']')), "{hint}");
        }
    }
}
