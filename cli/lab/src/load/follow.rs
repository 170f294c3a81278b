//! Following every replica's order while a load runs, so that nothing is dropped before it was read.

use crate::kit::ask::{PATIENCE, words};
use crate::kit::cluster::Replica;
use crate::kit::collect::entry;
use crate::kit::failure::Failure;
use crate::order::to_json;
use holdback::wire::value::Value;
use holdback_client::Connection;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Entries asked for at once.
const BATCH: u64 = 5000;
/// How often a replica is asked when it has nothing new, or does not answer.
const INTERVAL: Duration = Duration::from_millis(20);

/// Follows one replica's order and writes it to a file.
#[derive(Debug)]
pub(super) struct Follower {
    replica: Replica,
    connection: Option<Connection>,
    file: BufWriter<File>,
    writing: String,
    /// The position to ask for next.
    next: u64,
    /// Positions that the replica had dropped before they were read.
    dropped: Vec<(u64, u64)>,
}

/// What a follower brought home.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Followed {
    /// How many entries.
    pub(super) entries: u64,
    /// What is missing, in words.
    pub(super) problems: Vec<String>,
}

/// Where a follower has to get to before it ends; [`GOING`] as long as that is not known.
pub(super) type Destination = AtomicU64;

/// The load still runs.
pub(super) const GOING: u64 = u64::MAX;

impl Follower {
    /// Follows from behind position `before`, into a file of the folder.
    ///
    /// # Errors
    /// [`Failure::Other`] if the file cannot be made.
    pub(super) fn new(replica: &Replica, before: u64, folder: &Path) -> Result<Self, Failure> {
        let path = folder.join(format!("replica-{}.order.jsonl", replica.id));
        let writing = format!("cannot write {}", path.display());
        let file = File::create(path).map_err(Failure::doing(&writing))?;
        Ok(Self {
            replica: replica.clone(),
            connection: None,
            file: BufWriter::new(file),
            writing,
            next: before + 1,
            dropped: Vec::new(),
        })
    }

    /// Follows until the destination is reached. A replica that is paused or gone for a while is asked
    /// again and again; once the destination is known, it has to answer.
    ///
    /// # Errors
    /// [`Failure::Other`] if the file cannot be written.
    pub(super) fn run(mut self, destination: &Destination) -> Result<Followed, Failure> {
        let first = self.next;
        let mut problems = Vec::new();
        loop {
            let until = destination.load(Ordering::Acquire);
            if until != GOING && self.next > until {
                break;
            }
            match self.ask() {
                Ok(0) if until != GOING => {
                    let next = self.next;
                    problems.push(format!("its order ends before position {next}"));
                    break;
                }
                Ok(count) if count < BATCH => std::thread::sleep(INTERVAL),
                Ok(_) => {}
                Err(Stopped::Wrote(error)) => return Err(Failure::doing(&self.writing)(error)),
                Err(Stopped::Asked(problem)) => {
                    self.connection = None;
                    if until != GOING {
                        problems.push(problem);
                        break;
                    }
                    std::thread::sleep(INTERVAL);
                }
            }
        }
        self.file.flush().map_err(Failure::doing(&self.writing))?;
        let missing: u64 = self.dropped.iter().map(|(from, to)| to + 1 - from).sum();
        for (from, to) in &self.dropped {
            problems.push(format!(
                "positions {from} to {to} were dropped before they could be read (--order-entries keeps more)"
            ));
        }
        Ok(Followed {
            entries: self.next - first - missing,
            problems,
        })
    }

    /// Asks for what comes next, and writes it. How many entries there were.
    fn ask(&mut self) -> Result<u64, Stopped> {
        let connection = match &mut self.connection {
            Some(connection) => connection,
            none => {
                let opened = Connection::open(&self.replica.address, PATIENCE);
                none.insert(opened.map_err(|error| Stopped::Asked(words(&error)))?)
            }
        };
        let request = ["ORDER", &BATCH.to_string(), &self.next.to_string()];
        let reply = connection.call(&request, Some(PATIENCE));
        match reply.map_err(|error| Stopped::Asked(words(&error)))? {
            Value::Array(lines) => self.write(lines),
            Value::Error(error) => {
                let oldest = oldest_kept(&error).filter(|oldest| *oldest > self.next);
                let oldest = oldest.ok_or(Stopped::Asked(error))?;
                self.dropped.push((self.next, oldest - 1));
                self.next = oldest;
                // There is more to be read, and no time to lose.
                Ok(BATCH)
            }
            other => Err(Stopped::Asked(format!("ORDER is answered with {other:?}"))),
        }
    }

    fn write(&mut self, lines: Vec<Value>) -> Result<u64, Stopped> {
        let count = lines.len() as u64;
        for line in lines {
            let entry = entry(line).map_err(Stopped::Asked)?;
            writeln!(self.file, "{}", to_json(&entry)).map_err(Stopped::Wrote)?;
            self.next = entry.position + 1;
        }
        Ok(count)
    }
}

/// Why asking came to nothing.
#[derive(Debug)]
enum Stopped {
    /// The replica does not answer, or nonsense.
    Asked(String),
    /// The file cannot be written.
    Wrote(std::io::Error),
}

/// The oldest position that an `OUTOFRANGE` names: its last word.
fn oldest_kept(error: &str) -> Option<u64> {
    let rest = error.strip_prefix("OUTOFRANGE ")?;
    rest.rsplit(' ').next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_position_is_read_from_the_error() {
        let error = "OUTOFRANGE the position was dropped; the oldest one kept is 57";
        assert_eq!(oldest_kept(error), Some(57));
        assert_eq!(oldest_kept("ERR 57"), None);
    }
}
