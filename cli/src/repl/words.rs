//! An input line that is still being typed, as words.

use holdback::protocol::inline::split_owned;

/// The words of a line up to the cursor.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Words {
    /// The words, unquoted.
    pub(crate) words: Vec<String>,
    /// Whether the last word may be going on: no blank is behind it, or its quote is open.
    pub(crate) unfinished: bool,
}

/// Splits what was typed so far; an open quote ends at the cursor. `None` if quotes are wrong.
pub(crate) fn split(line: &str) -> Option<Words> {
    let ended = |end: &str| split_owned(format!("{line}{end}").as_bytes()).ok();
    let (arguments, open) = match ended("") {
        Some(arguments) => (arguments, false),
        None => (ended("\"").or_else(|| ended("'"))?, true),
    };
    let text = |argument: &Vec<u8>| String::from_utf8_lossy(argument).into_owned();
    Some(Words {
        words: arguments.iter().map(text).collect(),
        unfinished: open || !(line.is_empty() || line.ends_with(|c: char| c.is_ascii_whitespace())),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_word_may_be_unfinished() {
        let split = |line| split(line).map(|words| (words.words.join("|"), words.unfinished));
        let is = |words: &str, unfinished| Some((words.to_owned(), unfinished));
        assert_eq!(split(""), is("", false));
        assert_eq!(split("SET a"), is("SET|a", true));
        assert_eq!(split("SET a "), is("SET|a", false));
        assert_eq!(split("SET \"a b"), is("SET|a b", true));
        assert_eq!(split("SET 'a "), is("SET|a ", true));
        assert_eq!(split("SET \"a\"b"), None);
    }
}
