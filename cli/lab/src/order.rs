//! The lines that `ORDER` answers with, read back into entries.

use holdback::protocol::inline::{quote_all, split_owned};
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
        let position = parts
            .next()
            .and_then(|part| std::str::from_utf8(part).ok()?.parse().ok())
            .ok_or_else(|| wrong("no position"))?;
        let stamp = parts
            .next()
            .filter(|stamp| !stamp.is_empty())
            .ok_or_else(|| wrong("no stamp"))?;
        let rest = parts.next().ok_or_else(|| wrong("no command"))?;
        let mut commands = match rest {
            b"" => Vec::new(),
            rest => split_commands(rest).map_err(|what| wrong(&what))?,
        };
        let watches = commands
            .first()
            .is_some_and(|command| command[0] == WATCHED);
        let watched = if watches {
            commands.remove(0)
        } else {
            Vec::new()
        };
        Ok(Self {
            position,
            stamp: String::from_utf8_lossy(stamp).into_owned(),
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
        if self.watched.is_empty() {
            return join_commands(&self.commands);
        }
        let mut first = vec![WATCHED.to_vec()];
        for (key, changed) in &self.watched {
            first.extend([key.clone(), changed.to_string().into_bytes()]);
        }
        let mut all = vec![first];
        all.extend_from_slice(&self.commands);
        join_commands(&all)
    }

    /// The entry as a line of `order.jsonl`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let commands: Json = self
            .commands
            .iter()
            .map(|command| {
                command
                    .iter()
                    .map(|part| json::bytes(part))
                    .collect::<Json>()
            })
            .collect();
        let watched = if self.watched.is_empty() {
            String::new()
        } else {
            let pairs = self.watched.iter();
            let pairs: Json = pairs
                .map(|(key, at)| json!([json::bytes(key), at]))
                .collect();
            format!(r#""watched":{pairs},"#)
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
    let pair = |pair: &[Vec<u8>]| {
        let position = std::str::from_utf8(pair.get(1)?).ok()?;
        Some((pair[0].clone(), position.parse().ok()?))
    };
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
pub fn join_commands(commands: &[Command]) -> String {
    let lines: Vec<String> = commands
        .iter()
        .map(|command| {
            let words: Vec<String> = command.iter().map(|part| quote(part)).collect();
            words.join(" ")
        })
        .collect();
    lines.join(" ; ")
}

fn quote(part: &[u8]) -> String {
    if part == b";" {
        return "\";\"".into();
    }
    quote_all([part])
}

/// Whether two commands are the same but for the case of their names.
#[must_use]
pub fn same_command(a: &Command, b: &Command) -> bool {
    match (a.split_first(), b.split_first()) {
        (Some((name_a, rest_a)), Some((name_b, rest_b))) => {
            name_a.eq_ignore_ascii_case(name_b) && rest_a == rest_b
        }
        _ => a == b,
    }
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
        assert!(same_command(
            &command(&["set", "x"]),
            &command(&["SET", "x"])
        ));
        assert!(!same_command(
            &command(&["SET", "X"]),
            &command(&["SET", "x"])
        ));
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
