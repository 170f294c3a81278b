//! What can be said against a data command before it is stamped, without looking at the data.
//!
//! Only what every replica would refuse alike is admitted nowhere, so an entry that one replica admitted
//! is never refused by another: the limits are compared in the handshake.

use super::context::Answer;
use crate::wire::arguments::parse_integer;
use crate::wire::error::ErrorReply;
use std::fmt;

/// Limits of what may be stored. Every replica of a cluster has the same.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of a key.
    pub key_bytes: usize,
    /// Bytes of a value.
    pub value_bytes: usize,
    /// Bytes of an entry: all words of a command or transaction with their headers.
    pub entry_bytes: usize,
}

impl Limits {
    /// Bytes that a transaction may have to move or fill, what each of its commands costs beside among them.
    #[must_use]
    pub fn work_bytes(&self) -> usize {
        self.entry_bytes.saturating_mul(16)
    }
}

impl fmt::Display for Limits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            key_bytes,
            value_bytes,
            entry_bytes,
        } = self;
        write!(
            f,
            "max-key={key_bytes} max-value={value_bytes} max-entry={entry_bytes}"
        )
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            key_bytes: 64 << 10,
            value_bytes: 16 << 20,
            entry_bytes: 64 << 20,
        }
    }
}

/// The longest pattern: matching takes up to the product of its length and the key's.
const PATTERN_BYTES: usize = 1024;

/// The options of SET.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SetOptions {
    /// Only if the key does not exist.
    pub if_absent: bool,
    /// Only if the key exists.
    pub if_present: bool,
    /// Answer with the old value.
    pub get: bool,
}

impl SetOptions {
    /// Reads what follows the value.
    ///
    /// # Errors
    /// A syntax error, or that the option is not supported.
    pub fn parse(options: &[&[u8]]) -> Result<Self, ErrorReply> {
        let mut parsed = Self::default();
        for option in options {
            match option.to_ascii_uppercase().as_slice() {
                b"NX" if !parsed.if_present => parsed.if_absent = true,
                b"XX" if !parsed.if_absent => parsed.if_present = true,
                b"GET" => parsed.get = true,
                expiry @ (b"EX" | b"PX" | b"EXAT" | b"PXAT" | b"KEEPTTL") => {
                    return Err(ErrorReply::err(format!(
                        "option {} is not supported: keys do not expire",
                        expiry.escape_ascii()
                    )));
                }
                _ => return Err(ErrorReply::syntax()),
            }
        }
        Ok(parsed)
    }
}

/// Checks the size of a data command, its keys and its values.
///
/// # Errors
/// The error to answer with; the command must not be stamped.
pub fn check_sizes<'a>(
    words: &[&[u8]],
    keys: impl FnOnce() -> Vec<&'a [u8]>,
    limits: &Limits,
) -> Answer {
    let (mut size, mut longest) = (32, 0);
    for word in words {
        longest = longest.max(word.len());
        size += word.len() + 16;
    }
    // Words that are shorter than a key may be need no closer look.
    if longest > limits.key_bytes.min(limits.value_bytes) {
        check_lengths(&keys(), words, limits)?;
    }
    check_entry_size(size, limits)
}

/// SET: its options.
pub fn set(words: &[&[u8]]) -> Answer {
    match words.len() {
        3 => Ok(()),
        _ => SetOptions::parse(&words[3..]).map(|_| ()),
    }
}

/// KEYS: its pattern.
pub fn keys(words: &[&[u8]]) -> Answer {
    check_patterns(&words[1..])
}

/// SCAN: its pattern.
pub fn scan(words: &[&[u8]]) -> Answer {
    check_patterns(&words[2..])
}

fn check_patterns(words: &[&[u8]]) -> Answer {
    if words.iter().any(|word| word.len() > PATTERN_BYTES) {
        return Err(ErrorReply::err(format!(
            "pattern is larger than {PATTERN_BYTES} bytes"
        )));
    }
    Ok(())
}

/// MSET: keys with values.
pub fn mset(words: &[&[u8]]) -> Answer {
    check_pairs("mset", words)
}

/// MSETNX: keys with values.
pub fn msetnx(words: &[&[u8]]) -> Answer {
    check_pairs("msetnx", words)
}

fn check_pairs(name: &str, words: &[&[u8]]) -> Answer {
    if words.len().is_multiple_of(2) {
        return Err(ErrorReply::wrong_arity(name));
    }
    Ok(())
}

/// INCRBY: its number.
pub fn incrby(words: &[&[u8]]) -> Answer {
    let amount = parse_integer(words[2]);
    amount.map(|_| ()).ok_or_else(ErrorReply::not_an_integer)
}

/// DECRBY: its number.
pub fn decrby(words: &[&[u8]]) -> Answer {
    match parse_integer(words[2]) {
        None => Err(ErrorReply::not_an_integer()),
        Some(i64::MIN) => Err(ErrorReply::err("decrement would overflow")),
        Some(_) => Ok(()),
    }
}

/// INCRBYFLOAT: its number.
pub fn incrbyfloat(words: &[&[u8]]) -> Answer {
    if super::float::is_number(words[2]) {
        return Ok(());
    }
    Err(ErrorReply::err("value is not a valid float"))
}

/// SETRANGE: its offset.
pub fn setrange(words: &[&[u8]]) -> Answer {
    match parse_integer(words[2]) {
        None => Err(ErrorReply::not_an_integer()),
        Some(..0) => Err(ErrorReply::err("offset is out of range")),
        Some(_) => Ok(()),
    }
}

/// FLUSHALL and FLUSHDB: how.
pub fn flushall(words: &[&[u8]]) -> Answer {
    match words {
        [_] => Ok(()),
        [_, mode] if mode.eq_ignore_ascii_case(b"async") => Ok(()),
        [_, mode] if mode.eq_ignore_ascii_case(b"sync") => Ok(()),
        _ => Err(ErrorReply::syntax()),
    }
}

/// Checks each key and each word.
fn check_lengths(keys: &[&[u8]], words: &[&[u8]], limits: &Limits) -> Answer {
    if keys.iter().any(|key| key.len() > limits.key_bytes) {
        let limit = limits.key_bytes;
        return Err(ErrorReply::err(format!("key is larger than {limit} bytes")));
    }
    if words.iter().any(|word| word.len() > limits.value_bytes) {
        let limit = limits.value_bytes;
        return Err(ErrorReply::err(format!(
            "value is larger than {limit} bytes"
        )));
    }
    Ok(())
}

/// Checks the size of a whole entry.
///
/// # Errors
/// That it is too large.
pub fn check_entry_size(size: usize, limits: &Limits) -> Answer {
    if size > limits.entry_bytes {
        let limit = limits.entry_bytes;
        return Err(ErrorReply::err(format!(
            "command or transaction is larger than {limit} bytes"
        )));
    }
    Ok(())
}

/// COPY: its keys and options.
pub fn copy(words: &[&[u8]]) -> Answer {
    if words[1] == words[2] {
        return Err(ErrorReply::err(
            "source and destination objects are the same",
        ));
    }
    let mut options = words[3..].iter();
    while let Some(option) = options.next() {
        match option.to_ascii_uppercase().as_slice() {
            b"REPLACE" => {}
            b"DB" => match options.next().map(|database| parse_integer(database)) {
                Some(Some(0)) => {}
                Some(Some(_)) => return Err(ErrorReply::err("DB index is out of range")),
                Some(None) => return Err(ErrorReply::not_an_integer()),
                None => return Err(ErrorReply::syntax()),
            },
            _ => return Err(ErrorReply::syntax()),
        }
    }
    Ok(())
}
