//! Entries: what the multicast carries, in canonical form.
//!
//! The canonical form of an entry is a run of RESP bulk strings: the *shape*, then the words it counts.
//! The shape `3` is one command of three words; `3+2` is a transaction of two commands; `2w3+2` is the same
//! depending on two watched keys, whose `key position` pairs come first. `0` stands for no command. The
//! same bytes travel in `MCAST`, go into the digest and lie in the queue.

use super::{ReplicaId, Stamp};
use crate::protocol::arguments::{
    Arguments, BulkStrings, OwnedArguments, parse_unsigned, push_bulk, push_bulk_decimal,
};
use crate::protocol::inline;
use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt;
use std::rc::Rc;

/// One command or one transaction with its own stamp.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its place in the order.
    pub stamp: Stamp,
    /// What it does.
    pub body: EntryBody,
}

impl Entry {
    /// The replica that accepted it from a client.
    #[must_use]
    pub fn origin(&self) -> ReplicaId {
        self.stamp.replica
    }
}

/// The canonical form of an entry. Shared, never changed. Always well-formed: it is built from commands,
/// or checked by [`EntryBody::take`]. The entries of one frame share one piece of memory.
#[derive(Clone)]
pub struct EntryBody {
    buffer: Rc<[u8]>,
    start: u32,
    end: u32,
}

impl PartialEq for EntryBody {
    fn eq(&self, other: &Self) -> bool {
        self.bytes() == other.bytes()
    }
}

impl Eq for EntryBody {}

/// Words that do not form an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MalformedEntry;

impl EntryBody {
    /// The entry of a single command.
    #[must_use]
    pub fn command(words: &[&[u8]]) -> Self {
        Self::build(|bytes| {
            push_bulk_decimal(bytes, words.len() as u64);
            words.iter().for_each(|word| push_bulk(bytes, word));
        })
    }

    /// The entry whose canonical form is `bytes`, which must be that of an entry.
    pub(crate) fn from_canonical(bytes: &[u8]) -> Self {
        Self {
            buffer: bytes.into(),
            start: 0,
            end: offset(bytes.len()),
        }
    }

    /// The entry that `fill` writes.
    fn build(fill: impl FnOnce(&mut Vec<u8>)) -> Self {
        let (buffer, ()) = build(fill);
        let end = offset(buffer.len());
        Self {
            buffer,
            start: 0,
            end,
        }
    }

    /// The entry of a transaction that depends on `watches`: keys with the position of their last change.
    #[must_use]
    pub fn transaction(watches: &BTreeMap<Vec<u8>, u64>, commands: &[OwnedArguments]) -> Self {
        let counts: Vec<String> = commands
            .iter()
            .map(|command| command.get().len().to_string())
            .collect();
        let counts = if counts.is_empty() {
            "0".to_owned()
        } else {
            counts.join("+")
        };
        let shape = if watches.is_empty() {
            counts
        } else {
            format!("{}w{counts}", watches.len())
        };
        Self::build(|bytes| {
            push_bulk(bytes, shape.as_bytes());
            for (key, position) in watches {
                push_bulk(bytes, key);
                push_bulk_decimal(bytes, *position);
            }
            commands
                .iter()
                .for_each(|command| bytes.extend_from_slice(command.bytes()));
        })
    }

    /// Takes one entry (its shape and the words it counts) off the front of `words`.
    ///
    /// # Errors
    /// [`MalformedEntry`] if the shape is none, counts more words than there are, or a watched position is
    /// no number.
    pub fn take(words: &mut &[&[u8]]) -> Result<Self, MalformedEntry> {
        let (buffer, taken) = build(|bytes| take_into(words, bytes));
        taken?;
        let end = offset(buffer.len());
        Ok(Self {
            buffer,
            start: 0,
            end,
        })
    }

    /// Takes all of `words`: entries, each behind its time.
    ///
    /// # Errors
    /// [`MalformedEntry`] if one of them is none, or a time is no number.
    pub fn take_all(mut words: &[&[u8]]) -> Result<Vec<(u64, Self)>, MalformedEntry> {
        // Their times and where they end.
        let mut places = Vec::new();
        let (buffer, taken) = build(|bytes| {
            while let Some((time, rest)) = words.split_first() {
                words = rest;
                let time = parse_unsigned(time).ok_or(MalformedEntry)?;
                take_into(&mut words, bytes)?;
                places.push((time, offset(bytes.len())));
            }
            Ok(())
        });
        taken?;
        let mut start = 0;
        let body = |(time, end)| {
            let buffer = Rc::clone(&buffer);
            let start = std::mem::replace(&mut start, end);
            (time, Self { buffer, start, end })
        };
        Ok(places.into_iter().map(body).collect())
    }

    /// The canonical bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start as usize..self.end as usize]
    }

    /// How many bulk strings the canonical form has, the shape included.
    #[must_use]
    pub fn words(&self) -> usize {
        let shape = BulkStrings::new(self.bytes()).next().unwrap_or(b"0");
        if let Some(count) = single_command(shape) {
            return 1 + count;
        }
        let (watches, commands) = split_shape(shape).unwrap_or((0, b"0"));
        1 + 2 * watches + counts(commands).flatten().sum::<usize>()
    }

    /// Reads the watches, then the commands.
    #[must_use]
    pub fn read(&self) -> EntryReader<'_> {
        let mut words = BulkStrings::new(self.bytes());
        let (watches, shape) = words
            .next()
            .and_then(split_shape)
            .unwrap_or((0, b"0".as_slice()));
        EntryReader {
            words,
            watches,
            shape,
        }
    }

    /// The commands as lines of the inline grammar, joined by ` ; `.
    #[must_use]
    pub fn describe(&self) -> String {
        let lines: Vec<String> = self.read().commands().map(inline::quote_all).collect();
        lines.join(" ; ")
    }

    /// As [`describe`](Self::describe), behind what a transaction watches: `WATCHED key position ... ; `. No
    /// command has that name, so a line says without doubt what every replica compares at delivery.
    #[must_use]
    pub fn line(&self) -> String {
        let mut reader = self.read();
        let mut watched = String::new();
        while let Some((key, changed)) = reader.next_watch() {
            let separator = if watched.is_empty() { "WATCHED" } else { "" };
            watched.push_str(&format!(
                "{separator} {} {changed}",
                inline::quote_all([key])
            ));
        }
        let commands = self.describe();
        let separator = if watched.is_empty() || commands.is_empty() {
            ""
        } else {
            " ; "
        };
        watched + separator + &commands
    }
}

/// Fills a buffer that is used again and again, and copies it once into memory of the right size.
fn build<T>(fill: impl FnOnce(&mut Vec<u8>) -> T) -> (Rc<[u8]>, T) {
    thread_local! {
        static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
    }
    /// A buffer that grew beyond this is given back.
    const BUFFER_KEPT: usize = 128 << 10;
    BUFFER.with_borrow_mut(|buffer| {
        buffer.clear();
        let result = fill(buffer);
        let bytes = buffer.as_slice().into();
        if buffer.capacity() > BUFFER_KEPT {
            *buffer = Vec::new();
        }
        (bytes, result)
    })
}

/// Takes one entry off the front of `words`, in canonical form.
fn take_into(words: &mut &[&[u8]], bytes: &mut Vec<u8>) -> Result<(), MalformedEntry> {
    let (shape, rest) = words.split_first().ok_or(MalformedEntry)?;
    let total = match single_command(shape) {
        Some(count) => count,
        None => counted_words(shape, rest)?,
    };
    let (body, rest) = rest.split_at_checked(total).ok_or(MalformedEntry)?;
    *words = rest;
    push_bulk(bytes, shape);
    body.iter().for_each(|word| push_bulk(bytes, word));
    Ok(())
}

/// Frames are far smaller than 4 GiB: the limits of what a peer may send see to it.
fn offset(position: usize) -> u32 {
    u32::try_from(position).unwrap_or(u32::MAX)
}

impl fmt::Debug for EntryBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.describe())
    }
}

/// Reads a body: first the watches, then [`EntryReader::commands`].
#[derive(Clone, Debug)]
pub struct EntryReader<'a> {
    words: BulkStrings<'a>,
    watches: usize,
    shape: &'a [u8],
}

impl<'a> EntryReader<'a> {
    /// Whether it is a transaction of several commands, or one with watches.
    #[must_use]
    pub fn is_transaction(&self) -> bool {
        self.watches > 0 || self.shape.contains(&b'+')
    }

    /// The next watched key and the position its last change must have; `None` when all are read.
    pub fn next_watch(&mut self) -> Option<(&'a [u8], u64)> {
        self.watches = self.watches.checked_sub(1)?;
        Some((self.words.next()?, parse_unsigned(self.words.next()?)?))
    }

    /// The words of all commands in a row.
    pub fn words(mut self) -> BulkStrings<'a> {
        while self.next_watch().is_some() {}
        self.words
    }

    /// The words of the next command. Skips watches that were not read.
    pub fn next_command(&mut self) -> Option<Arguments<'a>> {
        while self.next_watch().is_some() {}
        loop {
            let count = match single_command(self.shape) {
                Some(count) => {
                    self.shape = b"";
                    count
                }
                None if self.shape.is_empty() => return None,
                None => {
                    let end = memchr::memchr(b'+', self.shape).unwrap_or(self.shape.len());
                    let (count, rest) = self.shape.split_at(end);
                    self.shape = rest.get(1..).unwrap_or_default();
                    number(count)?
                }
            };
            if count > 0 {
                let mut words = Arguments::new();
                for _ in 0..count {
                    words.push(self.words.next()?);
                }
                return Some(words);
            }
        }
    }

    /// The commands, each as its words. Skips watches that were not read.
    pub fn commands(mut self) -> impl Iterator<Item = Arguments<'a>> {
        std::iter::from_fn(move || self.next_command())
    }
}

/// The number of words of a shape that is nothing but one command of less than ten.
#[inline]
fn single_command(shape: &[u8]) -> Option<usize> {
    match shape {
        [count @ b'0'..=b'9'] => Some(usize::from(count - b'0')),
        _ => None,
    }
}

/// How many words a shape counts; those of watches, at the front of `words`, must be well-formed.
fn counted_words(shape: &[u8], words: &[&[u8]]) -> Result<usize, MalformedEntry> {
    let (watches, commands) = split_shape(shape).ok_or(MalformedEntry)?;
    let watched = watches.checked_mul(2).ok_or(MalformedEntry)?;
    let mut total = watched;
    for count in counts(commands) {
        total = count
            .and_then(|count| total.checked_add(count))
            .ok_or(MalformedEntry)?;
    }
    let pairs = words.get(..watched).ok_or(MalformedEntry)?;
    let mut positions = pairs.iter().skip(1).step_by(2);
    if positions.any(|position| parse_unsigned(position).is_none()) {
        return Err(MalformedEntry);
    }
    Ok(total)
}

/// Splits `2w3+2` into the number of watches and the counts of the commands.
fn split_shape(shape: &[u8]) -> Option<(usize, &[u8])> {
    match shape.iter().position(|&byte| byte == b'w') {
        None => Some((0, shape)),
        Some(at) => Some((number(&shape[..at])?, &shape[at + 1..])),
    }
}

/// The counts in `3+2`; an item that is no number is `None`.
fn counts(shape: &[u8]) -> impl Iterator<Item = Option<usize>> + '_ {
    shape.split(|&byte| byte == b'+').map(number)
}

fn number(digits: &[u8]) -> Option<usize> {
    parse_unsigned(digits).and_then(|number| usize::try_from(number).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&[u8]> {
        line.split(' ').map(str::as_bytes).collect()
    }

    #[test]
    fn what_is_built_is_taken_back() {
        let single = EntryBody::command(&words("SET x 1"));
        assert_eq!(
            single.bytes(),
            b"$1\r\n3\r\n$3\r\nSET\r\n$1\r\nx\r\n$1\r\n1\r\n"
        );
        assert_eq!(single.describe(), "SET x 1");
        let commands = [
            OwnedArguments::new(&words("SET x ;")),
            OwnedArguments::new(&words("GET y")),
        ];
        let watches = BTreeMap::from([(b"k".to_vec(), 7)]);
        let both = EntryBody::transaction(&watches, &commands);
        assert_eq!(both.describe(), "SET x \";\" ; GET y");
        assert_eq!(both.line(), "WATCHED k 7 ; SET x \";\" ; GET y");
        assert_eq!(single.line(), single.describe());
        let two = BTreeMap::from([(b"a b".to_vec(), 0), (b"k".to_vec(), 12)]);
        let empty = EntryBody::transaction(&two, &[]);
        assert_eq!(empty.line(), "WATCHED \"a b\" 0 k 12");
        let mut reader = both.read();
        assert!(reader.is_transaction());
        assert_eq!(reader.next_watch(), Some((&b"k"[..], 7)));
        assert_eq!(reader.next_watch(), None);

        let wire = words("3 SET x 1 1w3+2 k 7 SET x ; GET y 0 rest");
        let mut rest = wire.as_slice();
        assert_eq!(EntryBody::take(&mut rest), Ok(single));
        assert_eq!(EntryBody::take(&mut rest), Ok(both));
        assert_eq!(
            EntryBody::take(&mut rest).map(|body| body.describe()),
            Ok(String::new())
        );
        assert_eq!(rest, words("rest"));
    }

    #[test]
    fn entries_of_one_frame_are_told_apart() {
        let wire = words("7 3 SET x 1 9 2 GET y");
        let taken = EntryBody::take_all(&wire).unwrap();
        let shown: Vec<_> = taken
            .iter()
            .map(|(time, body)| (*time, body.describe()))
            .collect();
        assert_eq!(shown, [(7, "SET x 1".to_owned()), (9, "GET y".to_owned())]);
        assert_eq!(taken[1].1, EntryBody::command(&words("GET y")));
        assert_ne!(taken[0].1, taken[1].1);
        assert_eq!(EntryBody::take_all(&[]), Ok(Vec::new()));
        for wrong in ["7", "x 2 GET y", "7 3 SET x", "7 2 GET y 8"] {
            assert_eq!(
                EntryBody::take_all(&words(wrong)),
                Err(MalformedEntry),
                "{wrong}"
            );
        }
    }

    #[test]
    fn malformed_entries_are_refused() {
        for line in [
            "",
            "x",
            "3 SET x",
            "1w1 k",
            "1w1 k x GET",
            "3+ a b c",
            "w1 a",
            "99999999999999999999 a",
            "18446744073709551615+2 a b",
            "9223372036854775808w1 a",
        ] {
            let wire = words(line);
            assert_eq!(
                EntryBody::take(&mut wire.as_slice()),
                Err(MalformedEntry),
                "{line}"
            );
        }
    }
}
