//! Reading an entry.

use super::shape::{number, single_command, split_shape};
use crate::wire::arguments::{Arguments, BulkStrings, parse_unsigned};

/// Reads a body: first the watches, then [`EntryReader::commands`].
#[derive(Clone, Debug)]
pub struct EntryReader<'a> {
    words: BulkStrings<'a>,
    watches: usize,
    shape: &'a [u8],
}

impl<'a> EntryReader<'a> {
    /// Begins to read canonical bytes.
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let mut words = BulkStrings::new(bytes);
        let (watches, shape) = words
            .next()
            .and_then(split_shape)
            .unwrap_or((0, b"0".as_slice()));
        Self {
            words,
            watches,
            shape,
        }
    }

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
