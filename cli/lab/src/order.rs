//! The lines that `ORDER` answers with, read back into entries.

use holdback::wire::arguments::parse_unsigned;
use holdback::wire::inline::{quote_all, split_owned};
use holdback_client::json;
use serde_json::{Value as Json, json};

/// A command: its name and its arguments.
pub type Command = Vec<Vec<u8>>;

/// One delivered entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
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

/// Stands before what a transaction watches. No command has this name.
const WATCHED: &[u8] = b"WATCHED";

impl Entry {
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
        let stamp = json::key(stamp.ok_or_else(|| wrong("no stamp"))?);
        let mut commands = match rest.ok_or_else(|| wrong("no command"))? {
            b"" => Vec::new(),
            rest => split_commands(rest).map_err(|what| wrong(&what))?,
        };
        let watched = match commands.first() {
            Some(first) if first[0] == WATCHED => commands.remove(0),
            _ => Vec::new(),
        };
        Ok(Self {
            position,
            stamp,
            watched: pairs(&watched).ok_or_else(|| wrong("a key without a position"))?,
            commands,
        })
    }

    /// Reads a line of `order.jsonl`.
    ///
    /// # Errors
    /// What is wrong with the line.
    pub fn from_json(line: &str) -> Result<Self, String> {
        let value: Json = serde_json::from_str(line).map_err(|error| error.to_string())?;
        let words = |command: &Json| -> Option<Command> {
            command.as_array()?.iter().map(json::bytes_of).collect()
        };
        let pair = |pair: &Json| -> Option<(Vec<u8>, u64)> {
            Some((json::bytes_of(pair.get(0)?)?, pair.get(1)?.as_u64()?))
        };
        let read = || {
            let commands = value.get("commands")?.as_array()?.iter().map(words);
            let watched = match value.get("watched") {
                None => Vec::new(),
                Some(pairs) => pairs.as_array()?.iter().map(pair).collect::<Option<_>>()?,
            };
            Some(Self {
                position: value.get("position")?.as_u64()?,
                stamp: value.get("stamp")?.as_str()?.to_owned(),
                watched,
                commands: commands.collect::<Option<_>>()?,
            })
        };
        read().ok_or_else(|| "not {\"position\":..,\"stamp\":..,\"commands\":[[..]]}".into())
    }

    /// The entry as `ORDER` prints it, without position and stamp.
    #[must_use]
    pub fn line(&self) -> String {
        let mut watched = vec![WATCHED.to_vec()];
        for (key, changed) in &self.watched {
            watched.extend([key.clone(), changed.to_string().into_bytes()]);
        }
        let watched = Some(watched).filter(|_| !self.watched.is_empty());
        join_commands(watched.iter().chain(&self.commands))
    }

    /// The entry as a line of `order.jsonl`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let words = |command: &Command| command.iter().map(|word| json::bytes(word)).collect();
        let commands: Json = self
            .commands
            .iter()
            .map(words)
            .collect::<Vec<Json>>()
            .into();
        let pair = |(key, at): &(Vec<u8>, u64)| json!([json::bytes(key), at]);
        let watched = match self.watched.as_slice() {
            [] => String::new(),
            pairs => format!(r#""watched":{},"#, pairs.iter().map(pair).collect::<Json>()),
        };
        // Written by hand, because the fields have an order that reads well.
        format!(
            r#"{{"position":{},"stamp":{},{watched}"commands":{commands}}}"#,
            self.position,
            json!(self.stamp)
        )
    }

    /// Whether two entries are the same but for stamp, position and the case of commands' names.
    #[must_use]
    pub fn does_the_same(&self, other: &Self) -> bool {
        self.watched == other.watched && same_commands(&self.commands, &other.commands)
    }
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

/// Commands as `ORDER` prints them: joined by ` ; `, with an argument `;` in quotes.
#[must_use]
pub fn join_commands<'a>(commands: impl IntoIterator<Item = &'a Command>) -> String {
    let quote = |word: &Vec<u8>| match word.as_slice() {
        b";" => "\";\"".into(),
        word => quote_all([word]),
    };
    let line = |command: &Command| command.iter().map(quote).collect::<Vec<_>>().join(" ");
    commands
        .into_iter()
        .map(line)
        .collect::<Vec<_>>()
        .join(" ; ")
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
    use proptest::prelude::*;

    fn command(words: &[&str]) -> Command {
        words.iter().map(|word| word.as_bytes().to_vec()).collect()
    }

    #[test]
    fn a_line_becomes_an_entry() {
        let entry = Entry::parse(br#"12 17.2 SET x "a b""#).unwrap();
        assert_eq!((entry.position, entry.stamp.as_str()), (12, "17.2"));
        assert_eq!(entry.commands, [command(&["SET", "x", "a b"])]);
        assert_eq!(
            entry.to_json(),
            r#"{"position":12,"stamp":"17.2","commands":[["SET","x","a b"]]}"#
        );
        assert_eq!(Entry::from_json(&entry.to_json()), Ok(entry));
        assert!(Entry::from_json(r#"{"position":12,"stamp":"17.2","commands":[[1]]}"#).is_err());
    }

    #[test]
    fn a_bare_semicolon_separates_and_a_quoted_one_is_an_argument() {
        let entry = Entry::parse(br#"3 4.1 SET x ";" ; INCR y ; SET z a;b"#).unwrap();
        assert_eq!(
            entry.commands,
            [
                command(&["SET", "x", ";"]),
                command(&["INCR", "y"]),
                command(&["SET", "z", "a;b"])
            ]
        );
        assert_eq!(entry.line(), r#"SET x ";" ; INCR y ; SET z a;b"#);
        let quoted = Entry::parse(br#"3 4.1 SET x " ; " ; SET y "\" ; \"""#).unwrap();
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
        for (line, commands, json) in [
            (
                r#"WATCHED x 7 "a b" 0 ; SET x 1"#,
                vec![command(&["SET", "x", "1"])],
                r#"{"position":9,"stamp":"9.1","watched":[["x",7],["a b",0]],"commands":[["SET","x","1"]]}"#,
            ),
            (
                r#"WATCHED x 7 "a b" 0"#,
                vec![],
                r#"{"position":9,"stamp":"9.1","watched":[["x",7],["a b",0]],"commands":[]}"#,
            ),
        ] {
            let entry = Entry::parse(format!("9 9.1 {line}").as_bytes()).unwrap();
            assert_eq!(entry.watched, [(b"x".to_vec(), 7), (b"a b".to_vec(), 0)]);
            assert_eq!(entry.commands, commands);
            assert_eq!(
                (entry.line().as_str(), entry.to_json().as_str()),
                (line, json)
            );
            assert_eq!(Entry::from_json(json), Ok(entry));
        }
    }

    #[test]
    fn a_transaction_of_nothing_is_an_entry_too() {
        let entry = Entry::parse(b"9 9.1 ").unwrap();
        assert!(entry.commands.is_empty() && entry.watched.is_empty());
        assert_eq!(entry.line(), "");
        assert_eq!(Entry::from_json(&entry.to_json()), Ok(entry));
    }

    #[test]
    fn nonsense_is_an_error_that_shows_the_line() {
        for line in [
            "",
            "x 1.1 SET a 1",
            "1",
            "1 ",
            "1 1.1",
            "1 1.1 WATCHED x",
            "1 1.1 WATCHED x y ; SET a 1",
            "1 1.1 SET a 1 ;",
            "1 1.1 ; SET a 1",
            "1 1.1 SET a \"1",
        ] {
            let error = Entry::parse(line.as_bytes()).expect_err(line);
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
        fn what_is_joined_splits_back(
            commands in proptest::collection::vec(
                proptest::collection::vec(
                    prop_oneof![any::<Vec<u8>>(), Just(b";".to_vec())], 1..5), 1..4)
        ) {
            let line = join_commands(&commands);
            prop_assert_eq!(split_commands(line.as_bytes()), Ok(commands));
        }
    }
}
