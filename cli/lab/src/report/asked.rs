//! Commands, whoever speaks of them: a trace, or a history.

use crate::history::Call;
use holdback::wire::inline::quote_all;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The longest command or reply that a picture shows, in characters.
const CLIP: usize = 96;

/// A command, or those of a transaction: as a person reads it, and a number that tells it from others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// The name of the first command, in capitals.
    pub(super) name: Box<str>,
    /// As `ORDER` prints it, clipped.
    pub(super) text: Box<str>,
    /// Equal for commands that ask for the same.
    pub(super) fingerprint: u64,
}

impl Command {
    /// Takes the words of one or more commands.
    pub(super) fn new<A: AsRef<str>>(commands: &[Vec<A>]) -> Self {
        let parts: Vec<Self> = commands.iter().map(|words| Self::single(words)).collect();
        Self::of_parts(&parts)
    }

    fn single<A: AsRef<str>>(words: &[A]) -> Self {
        let words: Vec<&[u8]> = words.iter().map(|word| word.as_ref().as_bytes()).collect();
        let mut hasher = DefaultHasher::new();
        match Call::of_command(&words) {
            Some(call) => call.hash(&mut hasher),
            None => words.hash(&mut hasher),
        }
        let name = words.first().map(|name| name.escape_ascii().to_string());
        let shown = words.iter().map(|word| &word[..word.len().min(4 * CLIP)]);
        Self {
            name: name.unwrap_or_default().to_ascii_uppercase().into(),
            text: clip(&quote_all(shown)).into(),
            fingerprint: hasher.finish(),
        }
    }

    /// The transaction that is made of commands. One of a single command is that command.
    pub(super) fn of_parts(parts: &[Self]) -> Self {
        if let [only] = parts {
            return only.clone();
        }
        let mut hasher = DefaultHasher::new();
        let mut text = String::new();
        for part in parts {
            part.fingerprint.hash(&mut hasher);
            if text.len() < 4 * CLIP {
                text += if text.is_empty() { "" } else { " ; " };
                text += &part.text;
            }
        }
        Self {
            name: parts
                .first()
                .map_or_else(Box::default, |part| part.name.clone()),
            text: clip(&text).into(),
            fingerprint: hasher.finish(),
        }
    }

    /// The command that a call of a history makes, as a trace would have it.
    pub(super) fn of_call(call: &Call) -> Self {
        let text = |word: Vec<u8>| match String::from_utf8(word) {
            Ok(text) => text,
            // A trace escapes what is not text.
            Err(error) => error.as_bytes().escape_ascii().to_string(),
        };
        let commands = call.commands().into_iter();
        let commands = commands.map(|command| command.into_iter().map(text).collect());
        Self::new(&commands.collect::<Vec<Vec<String>>>())
    }
}

/// Shortens a text that is longer than a picture shows.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(CLIP) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_call_is_the_command_that_makes_it() {
        let call = Call::SetNx(b"k\xff".to_vec(), b"1".to_vec());
        let traced = Command::new(&[vec!["set", "k\\xff", "1", "nx"]]);
        assert_eq!(Command::of_call(&call).fingerprint, traced.fingerprint);
        let long = Command::new(&[vec!["SET", "x", &"v".repeat(1000)]]);
        assert_eq!(long.text.chars().count(), CLIP + 1);
    }
}
