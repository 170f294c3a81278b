//! Lines of ORDER and MONITOR ORDER: `POSITION STAMP command args... ; command args...`, written and read back.
//!
//! `WATCHED key position ...` stands before the commands of a transaction that depends on keys, and a transaction can
//! have no commands.

use super::{Entry, EntryBody};
use crate::wire::arguments::parse_unsigned;
use crate::wire::inline::{quote_all, split_owned};

/// A command: its name and its arguments.
pub type Command = Vec<Vec<u8>>;

/// Stands before what a transaction watches. No command has this name, so that a line says without doubt what every
/// replica compares at delivery.
const WATCHED: &[u8] = b"WATCHED";

/// The line of a delivered entry.
#[must_use]
pub fn delivery(position: u64, entry: &Entry) -> String {
    format!("{position} {} {}", entry.stamp, entry.body.line())
}

/// A delivered entry, as its line tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The first delivered entry has position 1.
    pub position: u64,
    /// When and where it was stamped, as the server prints it: `17.2`.
    pub stamp: String,
    /// What a transaction watches: keys, and the positions that their last changes must have at delivery (0 of
    /// an absent key). If one has another, the transaction changes nothing.
    pub watched: Vec<(Vec<u8>, u64)>,
    /// One command, or those of a transaction.
    pub commands: Vec<Command>,
}

impl Line {
    /// Reads a line of `ORDER`: `POSITION STAMP command args... ; command args...`, where `WATCHED key position ...`
    /// can stand before the commands, and a transaction can have none.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn parse(line: &[u8]) -> Result<Self, String> {
        let wrong = |what: &str| format!("{what} in the ORDER line `{}`", line.escape_ascii());
        let mut parts = line.splitn(3, |&byte| byte == b' ');
        let position = parts.next().and_then(parse_unsigned);
        let stamp = parts.next().filter(|stamp| !stamp.is_empty());
        let rest = parts.next();
        let position = position.ok_or_else(|| wrong("no position"))?;
        let stamp = String::from_utf8_lossy(stamp.ok_or_else(|| wrong("no stamp"))?).into_owned();
        let mut commands = match rest.ok_or_else(|| wrong("no command"))? {
            b"" => Vec::new(),
            rest => split_commands(rest).map_err(|what| wrong(&what))?,
        };
        let watched = match commands.first().map(Vec::as_slice) {
            Some([name]) if name == WATCHED => return Err(wrong("WATCHED without a key")),
            Some([name, ..]) if name == WATCHED => commands.remove(0),
            _ => Vec::new(),
        };
        Ok(Self {
            position,
            stamp,
            watched: pairs(&watched).ok_or_else(|| wrong("a key without a position"))?,
            commands,
        })
    }

    /// The line without position and stamp.
    #[must_use]
    pub fn body(&self) -> String {
        let watched = self.watched.iter();
        let watched = watched.map(|(key, changed)| (key.as_slice(), *changed));
        body(watched, self.commands.iter().map(words_of))
    }

    /// Whether two entries are the same but for stamp, position and the case of commands' names.
    #[must_use]
    pub fn does_the_same(&self, other: &Self) -> bool {
        self.watched == other.watched && same_commands(&self.commands, &other.commands)
    }
}

impl EntryBody {
    /// The commands as lines of the inline grammar, joined by ` ; `.
    #[must_use]
    pub fn describe(&self) -> String {
        body(std::iter::empty(), self.read().commands())
    }

    /// As [`describe`](Self::describe), behind what a transaction watches.
    #[must_use]
    pub fn line(&self) -> String {
        let mut reader = self.read();
        let watched: Vec<_> = std::iter::from_fn(|| reader.next_watch()).collect();
        body(watched.into_iter(), reader.commands())
    }
}

/// Writes what a line has behind the stamp.
fn body<'a, C: IntoIterator<Item = &'a [u8]>>(
    watched: impl Iterator<Item = (&'a [u8], u64)>,
    commands: impl Iterator<Item = C>,
) -> String {
    let mut head = String::new();
    for (key, changed) in watched {
        let name = if head.is_empty() { "WATCHED" } else { "" };
        head += &format!("{name} {} {changed}", quote_all([key]));
    }
    let head = Some(head).filter(|head| !head.is_empty());
    let lines = head.into_iter().chain(commands.map(quote_all));
    lines.collect::<Vec<_>>().join(" ; ")
}

fn words_of(command: &Command) -> impl Iterator<Item = &[u8]> {
    command.iter().map(Vec::as_slice)
}

/// Reads `WATCHED key position ...`, or nothing at all.
fn pairs(watched: &[Vec<u8>]) -> Option<Vec<(Vec<u8>, u64)>> {
    let pairs = watched.get(1..).unwrap_or_default().chunks(2);
    let pair = |pair: &[Vec<u8>]| Some((pair[0].clone(), parse_unsigned(pair.get(1)?)?));
    pairs.map(pair).collect()
}

/// Splits a line of commands at each bare `;`. One in quotes is an argument.
///
/// # Errors
/// In words, if quotes do not match or there is no command where one has to be.
pub fn split_commands(line: &[u8]) -> Result<Vec<Command>, String> {
    let mut commands = Vec::new();
    for piece in split_at_separators(line) {
        let command = split_owned(piece).map_err(|_| "unbalanced quotes".to_owned())?;
        if command.is_empty() {
            return Err("a missing command".into());
        }
        commands.push(command);
    }
    Ok(commands)
}

/// The pieces of a line between its bare `;` words.
fn split_at_separators(line: &[u8]) -> Vec<&[u8]> {
    let mut pieces = Vec::new();
    let (mut piece_start, mut word_start) = (0, 0);
    let mut quote = None;
    let mut escaped = false;
    for (at, &byte) in line.iter().enumerate() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if byte == b'\\' => escaped = true,
            Some(open) if byte == open => quote = None,
            Some(_) => {}
            None if byte == b'"' || byte == b'\'' => quote = Some(byte),
            None if byte.is_ascii_whitespace() => {
                if &line[word_start..at] == b";" {
                    pieces.push(&line[piece_start..word_start]);
                    piece_start = at;
                }
                word_start = at + 1;
            }
            None => {}
        }
    }
    if quote.is_none() && &line[word_start..] == b";" {
        pieces.push(&line[piece_start..word_start]);
        piece_start = line.len();
    }
    pieces.push(&line[piece_start..]);
    pieces
}

/// Commands as a line has them: joined by ` ; `, with an argument `;` in quotes.
#[must_use]
pub fn join_commands<'a>(commands: impl IntoIterator<Item = &'a Command>) -> String {
    body(std::iter::empty(), commands.into_iter().map(words_of))
}

/// Whether two commands are the same but for the case of their names.
#[must_use]
pub fn same_command<A: AsRef<[u8]>>(a: &[A], b: &Command) -> bool {
    let mut words = a.iter().map(AsRef::as_ref).zip(b).enumerate();
    a.len() == b.len() && words.all(|(at, (a, b))| a == b || (at == 0 && a.eq_ignore_ascii_case(b)))
}

/// Whether two entries' commands are the same but for the case of their names.
#[must_use]
pub fn same_commands(a: &[Command], b: &[Command]) -> bool {
    a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same_command(a, b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{ReplicaId, Stamp};
    use crate::wire::arguments::OwnedArguments;
    use proptest::prelude::*;

    fn command(words: &[&str]) -> Command {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_line_becomes_an_entry() {
        let entry = Line::parse(br#"12 17.2 SET x "a b""#).unwrap();
        assert_eq!((entry.position, entry.stamp.as_str()), (12, "17.2"));
        assert_eq!(entry.commands, [command(&["SET", "x", "a b"])]);
    }

    #[test]
    fn a_bare_semicolon_separates_and_a_quoted_one_is_an_argument() {
        let entry = Line::parse(br#"3 4.1 SET x ";" ; INCR y ; SET z a;b"#).unwrap();
        assert_eq!(
            entry.commands,
            [
                command(&["SET", "x", ";"]),
                command(&["INCR", "y"]),
                command(&["SET", "z", "a;b"])
            ]
        );
        assert_eq!(entry.body(), r#"SET x ";" ; INCR y ; SET z a;b"#);
        let quoted = Line::parse(br#"3 4.1 SET x " ; " ; SET y "\" ; \"""#).unwrap();
        assert_eq!(
            quoted.commands,
            [
                command(&["SET", "x", " ; "]),
                command(&["SET", "y", "\" ; \""])
            ]
        );
    }

    #[test]
    fn what_is_watched_stands_before_the_commands() {
        let set = command(&["SET", "x", "1"]);
        for (line, commands) in [
            (r#"WATCHED x 7 "a b" 0 ; SET x 1"#, vec![set]),
            (r#"WATCHED x 7 "a b" 0"#, vec![]),
        ] {
            let entry = Line::parse(format!("9 9.1 {line}").as_bytes()).unwrap();
            assert_eq!(entry.watched, [(b"x".to_vec(), 7), (b"a b".to_vec(), 0)]);
            assert_eq!(entry.commands, commands);
            assert_eq!(entry.body(), line);
        }
    }

    #[test]
    fn a_transaction_of_nothing_is_an_entry_too() {
        let entry = Line::parse(b"9 9.1 ").unwrap();
        assert!(entry.commands.is_empty() && entry.watched.is_empty());
        assert_eq!(entry.body(), "");
    }

    #[test]
    fn nonsense_is_an_error_that_shows_the_line() {
        for line in [
            "",
            "x 1.1 SET a 1",
            "1",
            "1 ",
            "1 1.1",
            "1 1.1 WATCHED ; SET a 1",
            "1 1.1 WATCHED x",
            "1 1.1 WATCHED x y ; SET a 1",
            "1 1.1 SET a 1 ;",
            "1 1.1 ; SET a 1",
            "1 1.1 SET a \"1",
        ] {
            let error = Line::parse(line.as_bytes()).expect_err(line);
            assert!(
                error.contains(&format!("`{}`", line.escape_debug())),
                "{error}"
            );
        }
    }

    #[test]
    fn names_are_the_same_in_any_case_and_arguments_are_not() {
        let set = command(&["SET", "x"]);
        assert!(same_command(&["set", "x"], &set));
        assert!(!same_command(&["SET", "X"], &set));
    }

    proptest! {
        #[test]
        fn what_is_delivered_is_read_back_from_its_line(
            watched in proptest::collection::btree_map(any::<Vec<u8>>(), any::<u64>(), 0..3),
            commands in proptest::collection::vec(
                proptest::collection::vec(
                    prop_oneof![any::<Vec<u8>>(), Just(b";".to_vec())], 1..5), 1..4),
            position in any::<u64>(),
            time in any::<u64>(),
        ) {
            let owned = |words: &Command| OwnedArguments::new(&words_of(words).collect::<Vec<_>>());
            let bodies: Vec<OwnedArguments> = commands.iter().map(owned).collect();
            let body = EntryBody::transaction(&watched, &bodies);
            let entry = Entry { stamp: Stamp::new(time, ReplicaId(2)), body };
            let line = delivery(position, &entry);
            let read = Line { position, stamp: format!("{time}.2"), watched: watched.into_iter().collect(), commands };
            prop_assert_eq!(Line::parse(line.as_bytes()), Ok(read.clone()));
            prop_assert_eq!(read.body(), entry.body.line());
            prop_assert_eq!(split_commands(join_commands(&read.commands).as_bytes()), Ok(read.commands));
        }
    }
}
