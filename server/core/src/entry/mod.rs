//! Entries: what the multicast carries, in canonical form.
//!
//! The canonical form of an entry is a run of RESP bulk strings: the *shape*, then the words it counts.
//! The shape `3` is one command of three words; `3+2` is a transaction of two commands; `2w3+2` is the same
//! depending on two watched keys, whose `key position` pairs come first. `0` stands for no command. The
//! same bytes travel in `MCAST`, go into the digest and lie in the queue.

pub mod line;
mod reader;
mod shape;

pub use reader::EntryReader;

use crate::ids::{ReplicaId, Stamp};
use crate::wire::arguments::{
    Arguments, BulkStrings, OwnedArguments, parse_unsigned, push_bulk, push_bulk_decimal,
    push_decimal,
};
use crate::wire::frame::{Decoder, Frame, FrameLimits};
use shape::{counted_words, counts, single_command, split_shape};
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
/// or checked by [`EntryBody::take_all`]. The entries of one frame share one piece of memory.
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

    /// The entry that `fill` writes: into a buffer that is used again and again, from where it is copied once into
    /// memory of the right size.
    fn build(fill: impl FnOnce(&mut Vec<u8>)) -> Self {
        thread_local! {
            static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
        }
        /// A buffer that grew beyond this is given back.
        const BUFFER_KEPT: usize = 2 << 20;
        BUFFER.with_borrow_mut(|buffer| {
            buffer.clear();
            fill(buffer);
            let body = Self::from_canonical(buffer);
            if buffer.capacity() > BUFFER_KEPT {
                *buffer = Vec::new();
            }
            body
        })
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

    /// Takes all words of a frame from number `first` on: entries, each behind its time. They share one piece of
    /// memory, a copy of what came in.
    ///
    /// # Errors
    /// [`MalformedEntry`] if one of them is none, or a time is no number.
    pub fn take_all(frame: Frame<'_>, first: usize) -> Result<Vec<(u64, Self)>, MalformedEntry> {
        match frame.canonical(first) {
            Some(bytes) => take_from(frame, first, bytes),
            // Typed by a person, perhaps. It is put into the form first in which entries are kept.
            None => {
                let bytes = encode(&frame.words());
                let mut decoder = Decoder::new(FrameLimits::none());
                let whole = decoder.decode(&bytes).is_ok_and(|whole| whole.is_some());
                let frame = decoder.frame(&bytes);
                let bytes = frame.canonical(first).filter(|_| whole);
                take_from(frame, first, bytes.ok_or(MalformedEntry)?)
            }
        }
    }

    /// The canonical bytes.
    #[must_use]
    #[inline]
    pub fn bytes(&self) -> &[u8] {
        &self.buffer[self.start as usize..self.end as usize]
    }

    /// How many canonical bytes there are.
    #[must_use]
    #[inline]
    pub fn size(&self) -> usize {
        (self.end - self.start) as usize
    }

    /// Bytes of the memory it lies in, perhaps together with others.
    #[must_use]
    #[inline]
    pub fn memory(&self) -> usize {
        self.buffer.len()
    }

    /// The first argument of a single command.
    #[must_use]
    pub fn first_key(&self) -> Option<&[u8]> {
        let mut words = BulkStrings::new(self.bytes());
        words
            .next()
            .filter(|shape| single_command(shape).is_some())?;
        words.nth(1)
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

    /// The words of the command, if it is a single one, of few words.
    #[must_use]
    #[inline]
    pub fn single_command(&self) -> Option<Arguments<'_>> {
        let mut words = BulkStrings::new(self.bytes());
        let count = single_command(words.next()?).filter(|count| *count > 0)?;
        let mut arguments = Arguments::new();
        for _ in 0..count {
            arguments.push(words.next()?);
        }
        Some(arguments)
    }

    /// Whether it certainly is a `GET`, in capitals as most clients send it: seen without reading it.
    #[must_use]
    #[inline]
    pub fn is_plain_get(&self) -> bool {
        self.bytes().starts_with(b"$1\r\n2\r\n$3\r\nGET\r\n")
    }

    /// Reads the watches, then the commands.
    #[must_use]
    pub fn read(&self) -> EntryReader<'_> {
        EntryReader::new(self.bytes())
    }
}

/// Takes the entries of a frame whose words from number `first` on are `bytes`, in canonical form.
fn take_from(
    frame: Frame<'_>,
    first: usize,
    bytes: &[u8],
) -> Result<Vec<(u64, EntryBody)>, MalformedEntry> {
    /// Most entries have a time, a shape and at least a name and a key.
    const USUAL_WORDS: usize = 4;
    let buffer: Rc<[u8]> = bytes.into();
    let base = frame.end_of(first - 1);
    let mut entries = Vec::with_capacity(frame.len() / USUAL_WORDS);
    let mut at = first;
    while at < frame.len() {
        let time = parse_unsigned(frame.word(at)).ok_or(MalformedEntry)?;
        let body = at + 2;
        let behind = frame.len().checked_sub(body).ok_or(MalformedEntry)?;
        let count = counted_words(frame.word(at + 1), behind, |word| frame.word(body + word));
        let next = body + count.ok_or(MalformedEntry)?;
        let entry = EntryBody {
            buffer: Rc::clone(&buffer),
            start: offset(frame.end_of(at) - base),
            end: offset(frame.end_of(next - 1) - base),
        };
        entries.push((time, entry));
        at = next;
    }
    Ok(entries)
}

/// A frame of these words.
fn encode(words: &[&[u8]]) -> Vec<u8> {
    let mut bytes = vec![b'*'];
    push_decimal(&mut bytes, words.len() as u64);
    bytes.extend_from_slice(b"\r\n");
    words.iter().for_each(|word| push_bulk(&mut bytes, word));
    bytes
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

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&[u8]> {
        line.split(' ').map(str::as_bytes).collect()
    }

    /// What the entries of a frame are taken for, the frame sent as a line and as an array in turn.
    fn take(line: &str) -> Result<Vec<(u64, EntryBody)>, MalformedEntry> {
        let line = format!("MCAST {line}");
        let array = encode(&words(&line));
        let taken = take_bytes(&array);
        // Zeros before a length make no difference.
        let odd = String::from_utf8(array)
            .unwrap()
            .replacen("$1\r", "$001\r", 1);
        assert_eq!(take_bytes(odd.as_bytes()), taken, "{line}");
        assert_eq!(
            take_bytes(format!("{line}\r\n").as_bytes()),
            taken,
            "{line}"
        );
        taken
    }

    fn take_bytes(bytes: &[u8]) -> Result<Vec<(u64, EntryBody)>, MalformedEntry> {
        let mut decoder = Decoder::new(FrameLimits::default());
        assert_eq!(decoder.decode(bytes), Ok(Some(bytes.len())));
        EntryBody::take_all(decoder.frame(bytes), 1)
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

        let taken = take("5 3 SET x 1 6 1w3+2 k 7 SET x ; GET y 8 0").unwrap();
        assert_eq!(taken[0], (5, single));
        assert_eq!(taken[1], (6, both));
        assert_eq!((taken[2].0, taken[2].1.describe()), (8, String::new()));
        assert_eq!(taken.len(), 3);
    }

    #[test]
    fn entries_of_one_frame_are_told_apart() {
        let taken = take("7 3 SET x 1 9 2 GET y").unwrap();
        let shown: Vec<_> = taken
            .iter()
            .map(|(time, body)| (*time, body.describe()))
            .collect();
        assert_eq!(shown, [(7, "SET x 1".to_owned()), (9, "GET y".to_owned())]);
        assert_eq!(taken[1].1, EntryBody::command(&words("GET y")));
        assert_ne!(taken[0].1, taken[1].1);
        assert_eq!(take_bytes(b"MCAST\r\n"), Ok(Vec::new()));
        for wrong in ["7", "x 2 GET y", "7 3 SET x", "7 2 GET y 8"] {
            assert_eq!(take(wrong), Err(MalformedEntry), "{wrong}");
        }
    }

    #[test]
    fn malformed_entries_are_refused() {
        for line in [
            "\"\"",
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
            assert_eq!(take(&format!("7 {line}")), Err(MalformedEntry), "{line}");
        }
    }
}
