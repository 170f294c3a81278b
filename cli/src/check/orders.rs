//! The orders of all replicas as one, if they agree.

use crate::lab::failure::Failure;
use crate::order::{Entry, same_commands};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};

/// The order in which one replica delivered entries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderOfReplica {
    /// The replica's id.
    pub replica: u64,
    /// Its entries, the oldest first.
    pub entries: Vec<Entry>,
}

/// A place where two replicas' orders are not the same.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// One replica, and what it delivered there.
    pub one: (u64, Entry),
    /// Another one, and what it delivered there.
    pub other: (u64, Entry),
}

/// The longest of the replicas' orders, and what is against taking it as the one of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The entries.
    pub entries: Vec<Entry>,
    /// How many entries each replica delivered.
    pub lengths: Vec<(u64, usize)>,
    /// The first place where orders differ.
    pub disagreement: Option<Box<Disagreement>>,
    /// Why the entries are not a whole order from its beginning, in words.
    pub incomplete: Option<String>,
}

impl Order {
    /// Brings the orders of replicas together.
    #[must_use]
    pub fn of(orders: &[OrderOfReplica]) -> Self {
        let mut merged = Self::default();
        let Some(longest) = orders.iter().max_by_key(|order| order.entries.len()) else {
            merged.incomplete = Some("there is no order".into());
            return merged;
        };
        merged.entries.clone_from(&longest.entries);
        for order in orders {
            merged.lengths.push((order.replica, order.entries.len()));
            merged.note_gaps(order.replica, order.entries.iter());
            for (ours, theirs) in longest.entries.iter().zip(&order.entries) {
                merged.compare(longest.replica, ours, order.replica, theirs);
            }
        }
        merged
    }

    /// Reads `replica-N.order.jsonl` files. Lines that are the same text as the longest file's are not parsed
    /// again.
    ///
    /// # Errors
    /// [`Failure::Usage`] with the file and the line that cannot be read.
    pub fn read(files: &[(u64, PathBuf)]) -> Result<Self, Failure> {
        let mut merged = Self::default();
        let size = |path: &Path| std::fs::metadata(path).map_or(0, |metadata| metadata.len());
        let Some((first, longest)) = files.iter().max_by_key(|(_, path)| size(path)) else {
            merged.incomplete = Some("there is no order".into());
            return Ok(merged);
        };
        for line in Lines::open(longest)? {
            let (number, line) = line?;
            if !line.trim().is_empty() {
                merged.entries.push(parse(longest, number, &line)?);
            }
        }
        let entries = std::mem::take(&mut merged.entries);
        merged.lengths.push((*first, entries.len()));
        merged.note_gaps(*first, entries.iter());
        for (replica, path) in files.iter().filter(|(replica, _)| replica != first) {
            let length = merged.follow(&entries, (*first, longest), (*replica, path))?;
            merged.lengths.push((*replica, length));
        }
        merged.lengths.sort_unstable();
        merged.entries = entries;
        Ok(merged)
    }

    /// Compares another replica's file with the longest, line by line. Returns how many entries it has.
    fn follow(
        &mut self,
        entries: &[Entry],
        (first, longest): (u64, &Path),
        (replica, path): (u64, &Path),
    ) -> Result<usize, Failure> {
        let (mut ours, mut theirs) = (Lines::open(longest)?, Lines::open(path)?);
        let mut length = 0;
        loop {
            let Some(their) = theirs.next_entry()? else {
                return Ok(length);
            };
            let our = ours.next_entry()?;
            let same_text = our.as_ref().is_some_and(|(_, our)| *our == their.1);
            if !same_text {
                let entry = parse(path, their.0, &their.1)?;
                match entries.get(length) {
                    Some(our) => self.compare(first, our, replica, &entry),
                    None => {
                        let text = format!("the order of replica {replica} is longer in entries");
                        self.incomplete.get_or_insert(text);
                    }
                }
            }
            length += 1;
        }
    }

    fn compare(&mut self, one: u64, ours: &Entry, other: u64, theirs: &Entry) {
        let same = ours.position == theirs.position
            && ours.stamp == theirs.stamp
            && same_commands(&ours.commands, &theirs.commands);
        let earlier = self
            .disagreement
            .as_ref()
            .is_none_or(|found| ours.position < found.one.1.position);
        if !same && earlier {
            self.disagreement = Some(Box::new(Disagreement {
                one: (one, ours.clone()),
                other: (other, theirs.clone()),
            }));
        }
    }

    fn note_gaps<'a>(&mut self, replica: u64, entries: impl Iterator<Item = &'a Entry>) {
        for (entry, expected) in entries.zip(1..) {
            if entry.position == expected {
                continue;
            }
            let position = entry.position;
            let text = if expected == 1 {
                format!(
                    "the order of replica {replica} begins at position {position}: what came before is not on record"
                )
            } else {
                format!(
                    "in the order of replica {replica} position {expected} is followed by {position}",
                    expected = expected - 1
                )
            };
            self.incomplete.get_or_insert(text);
            return;
        }
    }
}

fn parse(path: &Path, number: usize, line: &str) -> Result<Entry, Failure> {
    Entry::from_json(line)
        .map_err(|what| Failure::Usage(format!("{}: line {number}: {what}", path.display())))
}

/// The lines of a file with their numbers, from 1.
struct Lines<'a> {
    path: &'a Path,
    reader: BufReader<File>,
    number: usize,
}

impl<'a> Lines<'a> {
    fn open(path: &'a Path) -> Result<Self, Failure> {
        let file = File::open(path)
            .map_err(|error| Failure::Usage(format!("{}: {error}", path.display())))?;
        Ok(Self {
            path,
            reader: BufReader::with_capacity(1 << 18, file),
            number: 0,
        })
    }

    /// The next line that is not empty.
    fn next_entry(&mut self) -> Result<Option<(usize, String)>, Failure> {
        self.find(|line| {
            line.as_ref()
                .map_or(true, |(_, line)| !line.trim().is_empty())
        })
        .transpose()
    }
}

impl Iterator for Lines<'_> {
    type Item = Result<(usize, String), Failure>;

    fn next(&mut self) -> Option<Self::Item> {
        self.number += 1;
        let mut line = String::new();
        match self.reader.read_line(&mut line) {
            Ok(0) => None,
            Ok(_) => Some(Ok((self.number, line))),
            Err(error) => Some(Err(Failure::Usage(format!(
                "{}: line {}: {error}",
                self.path.display(),
                self.number
            )))),
        }
    }
}
