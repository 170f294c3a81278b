//! What the line editor asks while a line is typed: completion, hints and [`colours`].

mod colours;
pub(crate) mod preferences;

use crate::commands::help::GROUPS;
use crate::commands::local::{self, LOCALS, Local, names};
use crate::commands::syntax;
use crate::commands::words::{self, Words, is_count, may_become};
use crate::text::style::{Palette, Role};
use crossterm::terminal;
use holdback::command::table::COMMANDS;
use holdback::command::{CommandSpec, Name, lookup};
use rustyline::completion::{Completer, Pair};
use rustyline::highlight::{CmdKind, Highlighter};
use rustyline::hint::{Hint, Hinter};
use rustyline::validate::Validator;
use rustyline::{Context, Helper};
use std::borrow::Cow;

/// The helper.
#[derive(Debug)]
pub(crate) struct LineHelper {
    /// The colours of the line.
    pub(crate) palette: Palette,
    /// Whether hints are wanted.
    pub(crate) hints: bool,
    /// Columns that the line cannot have.
    pub(crate) prompt_width: usize,
    /// The replicas' addresses, for `@2` and `connect`.
    pub(crate) addresses: Vec<String>,
}

impl LineHelper {
    /// A helper that does not know the cluster yet.
    pub(crate) fn new(palette: Palette) -> Self {
        Self {
            palette,
            hints: true,
            prompt_width: 0,
            addresses: Vec::new(),
        }
    }

    /// Where the word at the end of `typed` begins, and what it may become.
    pub(crate) fn candidates(&self, typed: &str) -> (usize, Vec<String>) {
        let word_at = typed
            .rfind(|character: char| character.is_ascii_whitespace())
            .map_or(0, |blank| blank + 1);
        let (before, word) = typed.split_at(word_at);
        let Some(Words {
            words,
            unfinished: false,
        }) = words::split(before)
        else {
            return (word_at, Vec::new());
        };
        let all = match command_of(&words) {
            None if word.starts_with('@') && words.iter().all(|word| is_count(word)) => {
                self.targets()
            }
            None => commands(words.is_empty()),
            Some(command) => self.arguments(command),
        };
        let lower = !word.is_empty() && !word.bytes().any(|byte| byte.is_ascii_uppercase());
        let fits = |candidate: &String| may_become(word, candidate);
        let cased = |candidate: String| {
            if lower {
                candidate.to_ascii_lowercase()
            } else {
                candidate
            }
        };
        (word_at, all.into_iter().filter(fits).map(cased).collect())
    }

    fn targets(&self) -> Vec<String> {
        let ids = (1..=self.addresses.len()).map(|id| format!("@{id} "));
        std::iter::once("@all ".to_owned()).chain(ids).collect()
    }

    /// What may stand behind a command's name and its whole arguments.
    fn arguments(&self, command: &[String]) -> Vec<String> {
        let (name, arguments) = (command[0].as_bytes(), &command[1..]);
        let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect();
        let own = local::lookup(name).map(|spec| spec.local);
        match (own, lookup(name)) {
            (Some(Local::Help), _) if arguments.is_empty() => topics(),
            (Some(Local::Set), _) => settings(arguments),
            (Some(Local::Connect), _) if arguments.is_empty() => {
                let ids = (1..=self.addresses.len()).map(|id| format!("@{id}"));
                self.addresses.iter().cloned().chain(ids).collect()
            }
            (_, Some(spec)) if spec.id == Name::Consistency && arguments.is_empty() => {
                words(&["sequential", "linearizable"])
            }
            (None, Some(spec)) => options(spec, arguments),
            _ => Vec::new(),
        }
    }

    /// What remains to be typed of the command's syntax.
    fn hint_for(typed: &str) -> Option<String> {
        let Words { words, unfinished } = words::split(typed)?;
        let command = command_of(&words)?;
        let (name, arguments) = (command[0].as_bytes(), &command[1..]);
        // Half a name may become another command's.
        if arguments.is_empty() && unfinished && !is_name(name) {
            return None;
        }
        let own = local::lookup(name).filter(|_| words.len() == command.len());
        let syntax = match own {
            Some(spec) => spec.arguments,
            None => lookup(name)?.arguments,
        };
        let remaining = syntax::remaining(syntax, arguments, unfinished && !arguments.is_empty())?;
        let blank = if unfinished { " " } else { "" };
        (!remaining.is_empty()).then(|| format!("{blank}{remaining}"))
    }
}

fn is_name(name: &[u8]) -> bool {
    lookup(name).is_some() || local::lookup(name).is_some()
}

/// The command among whole words: what follows a count and a target. `None` while there is no name yet.
fn command_of(words: &[String]) -> Option<&[String]> {
    let counted = is_count(words.first()?);
    let words = &words[usize::from(counted)..];
    let targeted = words.first()?.starts_with('@');
    let command = &words[usize::from(targeted)..];
    (!command.is_empty()).then_some(command)
}

/// Names of commands; the REPL's own only where they are understood. A name that wants arguments comes
/// with a blank.
fn commands(local_too: bool) -> Vec<String> {
    let own = LOCALS.iter().filter(|_| local_too);
    // HELP and QUIT are in the table already.
    let own = own.filter(|spec| lookup(spec.name.as_bytes()).is_none());
    let own = own.map(|spec| (spec.name, spec.arguments));
    let all = COMMANDS.iter().map(|spec| (spec.name, spec.arguments));
    let with_blank = |(name, arguments): (&str, &str)| match arguments {
        "" => name.to_owned(),
        _ => format!("{name} "),
    };
    all.chain(own).map(with_blank).collect()
}

/// Options that may follow; one that is not the end comes with a blank.
fn options(spec: &CommandSpec, arguments: &[String]) -> Vec<String> {
    let with_blank = |keyword: &str| {
        let mut typed = arguments.to_vec();
        typed.push(keyword.to_owned());
        let rest = syntax::remaining(spec.arguments, &typed, false).unwrap_or_default();
        format!("{keyword}{}", if rest.is_empty() { "" } else { " " })
    };
    let keywords = syntax::next_keywords(spec.arguments, arguments);
    keywords.iter().map(|keyword| with_blank(keyword)).collect()
}

/// What `:set` may set, and to what.
fn settings(arguments: &[String]) -> Vec<String> {
    let names = preferences::NAMES.into_iter();
    match arguments {
        [] => names.map(|(name, ..)| format!("{name} ")).collect(),
        [wanted] => names
            .filter(|(name, ..)| name == wanted)
            .flat_map(|(_, values, _)| values.map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

fn topics() -> Vec<String> {
    let groups = GROUPS.iter().map(|(group, _)| format!("@{}", group.name()));
    names().map(str::to_owned).chain(groups).collect()
}

impl Helper for LineHelper {}

impl Validator for LineHelper {}

impl Completer for LineHelper {
    type Candidate = Pair;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<Pair>)> {
        let typed = line.get(..position).unwrap_or(line);
        let (start, candidates) = self.candidates(typed);
        let pair = |replacement: String| Pair {
            display: replacement.trim_end().to_owned(),
            replacement,
        };
        Ok((start, candidates.into_iter().map(pair).collect()))
    }
}

/// A hint that is shown, and never taken over into the line: it names arguments, it is none.
#[derive(Debug)]
pub(crate) struct SyntaxHint(String);

impl Hint for SyntaxHint {
    fn display(&self) -> &str {
        &self.0
    }

    fn completion(&self) -> Option<&str> {
        None
    }
}

impl Hinter for LineHelper {
    type Hint = SyntaxHint;

    fn hint(&self, line: &str, position: usize, _context: &Context<'_>) -> Option<SyntaxHint> {
        if position < line.len() || !self.hints {
            return None;
        }
        let columns = terminal::size().map_or(0, |(columns, _)| usize::from(columns));
        let hint = Self::hint_for(line)?;
        if columns == 0 {
            return Some(SyntaxHint(hint));
        }
        // A hint that goes on in the next line would be taken for something that was typed.
        let used = (self.prompt_width + line.chars().count()) % columns;
        clipped(&hint, columns - used - 1).map(SyntaxHint)
    }
}

/// As many of the hint's words as there is room for.
fn clipped(hint: &str, room: usize) -> Option<String> {
    const MORE: &str = " ...";
    if hint.len() <= room {
        return Some(hint.to_owned());
    }
    let room = room.checked_sub(MORE.len())?;
    let end = hint.get(..=room)?.rfind(' ').filter(|end| *end > 0)?;
    Some(format!("{}{MORE}", &hint[..end]))
}

impl Highlighter for LineHelper {
    fn highlight<'l>(&self, line: &'l str, _position: usize) -> Cow<'l, str> {
        Cow::Owned(colours::colour(line, self.palette))
    }

    fn highlight_char(&self, _line: &str, _position: usize, _kind: CmdKind) -> bool {
        self.palette.on
    }

    fn highlight_hint<'h>(&self, hint: &'h str) -> Cow<'h, str> {
        Cow::Owned(self.palette.paint(Role::Faint, hint))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn complete(typed: &str) -> Vec<String> {
        let mut helper = LineHelper::new(Palette::plain());
        helper.addresses = vec!["h:1".into(), "h:2".into()];
        let (start, candidates) = helper.candidates(typed);
        let whole = |candidate: String| format!("{}{candidate}", &typed[..start]);
        candidates.into_iter().map(whole).collect()
    }

    #[test]
    fn names_are_completed_in_the_case_typed() {
        assert_eq!(complete("HOLD"), ["HOLDBACK "]);
        assert_eq!(complete("ge"), ["get ", "getdel ", "getrange ", "getset "]);
        assert_eq!(complete("@2 GETD"), ["@2 GETDEL "]);
        assert_eq!(complete("conn"), ["connect "]);
        assert_eq!(complete("cle"), ["clear"]);
        assert_eq!(complete("hel"), ["hello ", "help "]);
        assert!(
            complete("@2 clea").is_empty(),
            "only here, not at a replica"
        );
        assert!(complete("").len() > COMMANDS.len());
    }

    #[test]
    fn targets_topics_and_options_are_completed() {
        assert_eq!(complete("@"), ["@all ", "@1 ", "@2 "]);
        assert_eq!(complete("help @st"), ["help @string"]);
        assert_eq!(complete("help sto"), ["help store"]);
        assert_eq!(complete("connect h"), ["connect h:1", "connect h:2"]);
        assert_eq!(complete("connect @"), ["connect @1", "connect @2"]);
        assert_eq!(complete("SET a 1 n"), ["SET a 1 nx "]);
        assert_eq!(complete("@all MONITOR F"), ["@all MONITOR FRAMES"]);
        assert_eq!(complete("FAULT de"), ["FAULT delay "]);
        assert_eq!(complete("CONSISTENCY l"), ["CONSISTENCY linearizable"]);
        assert_eq!(complete(":s"), [":set "]);
        assert_eq!(complete(":set e"), [":set editing "]);
        assert_eq!(
            complete(":set editing "),
            [":set editing vi", ":set editing emacs"]
        );
        assert_eq!(complete("3 @al"), ["3 @all "]);
        assert_eq!(complete("3 GETD"), ["3 GETDEL "]);
        assert!(complete("GET k").is_empty());
        assert!(complete("SET \"a b").is_empty(), "within quotes");
    }

    #[test]
    fn a_hint_ends_with_the_line() {
        let hint = " key value [NX|XX] [GET]";
        assert_eq!(clipped(hint, 24).as_deref(), Some(hint));
        assert_eq!(clipped(hint, 23).as_deref(), Some(" key value [NX|XX] ..."));
        assert_eq!(clipped(hint, 14).as_deref(), Some(" key value ..."));
        assert_eq!(clipped(hint, 13).as_deref(), Some(" key ..."));
        assert_eq!(clipped(hint, 5), None);
        assert_eq!(clipped(hint, 0), None);
    }

    #[test]
    fn hints_show_what_is_missing() {
        let hint = |typed| LineHelper::hint_for(typed).unwrap_or_default();
        assert_eq!(hint("SET"), " key value [NX|XX] [GET]");
        assert_eq!(hint("SET "), "key value [NX|XX] [GET]");
        assert_eq!(hint("set a"), " value [NX|XX] [GET]");
        assert_eq!(hint("set \"a b"), " value [NX|XX] [GET]");
        assert_eq!(hint("@2 SET a 1 "), "[NX|XX] [GET]");
        assert_eq!(hint("@all HELP "), "[command|@group]");
        assert_eq!(hint("connect "), "host:port | host port | @replica");
        assert_eq!(hint("GET a b"), "");
        assert_eq!(hint("SE"), "");
        assert_eq!(hint(""), "");
        assert_eq!(hint("@2 "), "");
    }
}
