//! An input line that is still being typed, as words.

use holdback::wire::inline::split_owned;

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
    Some(Words {
        words: texts(&arguments),
        unfinished: open || !(line.is_empty() || line.ends_with(|c: char| c.is_ascii_whitespace())),
    })
}

/// The words of a command as text.
pub(crate) fn texts(arguments: &[Vec<u8>]) -> Vec<String> {
    let text = |argument: &Vec<u8>| String::from_utf8_lossy(argument).into_owned();
    arguments.iter().map(text).collect()
}

/// Whether what was typed may become this word, in any case.
pub(crate) fn may_become(typed: &str, word: &str) -> bool {
    word.get(..typed.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(typed))
}

/// Whether a word before a command says how often.
pub(crate) fn is_count(word: &str) -> bool {
    word.len() <= 9 && !word.is_empty() && word.bytes().all(|byte| byte.is_ascii_digit())
}

/// The commands in a text of several lines, as it is when pasted. A quoted argument may go on over lines;
/// if its quote is never closed, only the line it is in is wrong.
pub(crate) fn commands(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.split(['\n', '\r']).collect();
    let mut commands = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let whole = (at + 1..=lines.len())
            .map(|end| (end, lines[at..end].join("\n")))
            .find(|(_, command)| split_owned(command.as_bytes()).is_ok());
        let (end, command) = whole.unwrap_or_else(|| (at + 1, lines[at].to_owned()));
        if !command.trim().is_empty() {
            commands.push(command);
        }
        at = end;
    }
    commands
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pasted_lines_are_commands_and_quotes_go_on_over_lines() {
        assert_eq!(commands("GET a"), ["GET a"]);
        assert_eq!(commands("\nGET a\r\n\n  PING\n"), ["GET a", "  PING"]);
        assert_eq!(
            commands("SET a \"1\n2\"\nGET a"),
            ["SET a \"1\n2\"", "GET a"]
        );
        assert_eq!(commands("SET a it's\nGET a"), ["SET a it's", "GET a"]);
        assert_eq!(commands(" \n "), Vec::<String>::new());
    }

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
