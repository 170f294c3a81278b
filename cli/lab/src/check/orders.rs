//! The orders of all replicas as one, if they agree.

use crate::kit::failure::Failure;
use crate::order::{Entry, from_json};
use std::fs::File;
use std::io::{BufRead as _, BufReader};
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

/// The replicas' orders as one, and what is against taking it as the one of all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// The entries.
    pub entries: Vec<Entry>,
    /// The last position of each replica.
    pub reached: Vec<(u64, u64)>,
    /// The first place where orders differ.
    pub disagreement: Option<Box<Disagreement>>,
    /// Why the entries are not a whole order, in words.
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
        merged.begin(longest.replica, longest.entries.clone());
        for order in orders
            .iter()
            .filter(|order| order.replica != longest.replica)
        {
            for entry in &order.entries {
                merged.take(longest.replica, order.replica, entry);
            }
            let last = order.entries.last();
            let last = last.map_or(0, |entry| entry.position);
            merged.reached.push((order.replica, last));
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
        let entries = lines(longest)?
            .map(|line| line.and_then(|(number, line)| parse(longest, number, &line)));
        merged.begin(*first, entries.collect::<Result<_, _>>()?);
        for (replica, path) in files.iter().filter(|(replica, _)| replica != first) {
            let last = merged.follow((*first, longest), (*replica, path))?;
            merged.reached.push((*replica, last));
        }
        merged.reached.sort_unstable();
        Ok(merged)
    }

    /// The position before the first entry: 0, unless the cluster was not new.
    #[must_use]
    pub fn base(&self) -> u64 {
        let first = self.entries.first();
        first.map_or(0, |entry| entry.position.saturating_sub(1))
    }

    fn begin(&mut self, replica: u64, entries: Vec<Entry>) {
        let gap = entries
            .windows(2)
            .find(|pair| pair[1].position != pair[0].position + 1);
        self.incomplete = gap.map(|pair| {
            let (one, other) = (pair[0].position, pair[1].position);
            format!("in the order of replica {replica} position {one} is followed by {other}")
        });
        self.reached
            .push((replica, entries.last().map_or(0, |entry| entry.position)));
        self.entries = entries;
    }

    /// Compares another replica's entry with the one at its position.
    fn take(&mut self, first: u64, replica: u64, entry: &Entry) {
        if self.entries.is_empty() {
            self.entries.push(entry.clone());
            return;
        }
        let Some(index) = entry.position.checked_sub(self.base() + 1) else {
            // It was delivered before the order that is compared with begins.
            return;
        };
        match self.entries.get(index as usize) {
            Some(ours) => {
                if !same(ours, entry) {
                    let ours = ours.clone();
                    self.differ((first, ours), (replica, entry.clone()));
                }
            }
            None if index as usize == self.entries.len() => self.entries.push(entry.clone()),
            None => {
                let position = entry.position;
                let text =
                    format!("the order of replica {replica} has a gap before position {position}");
                self.incomplete.get_or_insert(text);
            }
        }
    }

    /// Compares another replica's file with the longest, line by line. Returns its last position.
    fn follow(
        &mut self,
        (first, longest): (u64, &Path),
        (replica, path): (u64, &Path),
    ) -> Result<u64, Failure> {
        let (mut ours, mut theirs) = (lines(longest)?, lines(path)?);
        let (mut index, mut last) = (0, 0);
        while let Some(their) = theirs.next().transpose()? {
            let our = ours.next().transpose()?;
            match (our, self.entries.get(index)) {
                (Some((_, our)), Some(entry)) if our == their.1 => last = entry.position,
                _ => {
                    let entry = parse(path, their.0, &their.1)?;
                    last = entry.position;
                    self.take(first, replica, &entry);
                }
            }
            index += 1;
        }
        Ok(last)
    }

    fn differ(&mut self, one: (u64, Entry), other: (u64, Entry)) {
        let found = self.disagreement.as_ref();
        if found.is_none_or(|found| one.1.position < found.one.1.position) {
            self.disagreement = Some(Box::new(Disagreement { one, other }));
        }
    }
}

fn same(ours: &Entry, theirs: &Entry) -> bool {
    ours.position == theirs.position && ours.stamp == theirs.stamp && ours.does_the_same(theirs)
}

fn parse(path: &Path, number: usize, line: &str) -> Result<Entry, Failure> {
    from_json(line).map_err(|what| wrong(path, Some(number), &what))
}

fn wrong(path: &Path, line: Option<usize>, what: &dyn std::fmt::Display) -> Failure {
    let line = line.map_or(String::new(), |number| format!("line {number}: "));
    Failure::Usage(format!("{}: {line}{what}", path.display()))
}

/// The lines of a file that are not empty, with their numbers, from 1.
fn lines(
    path: &Path,
) -> Result<impl Iterator<Item = Result<(usize, String), Failure>> + '_, Failure> {
    let file = File::open(path).map_err(|error| wrong(path, None, &error))?;
    let lines = BufReader::with_capacity(1 << 18, file).lines().zip(1..);
    Ok(lines.filter_map(move |(line, number)| match line {
        Ok(line) => (!line.trim().is_empty()).then_some(Ok((number, line))),
        Err(error) => Some(Err(wrong(path, Some(number), &error))),
    }))
}
