//! SLOWLOG: which commands took long.
//!
//! A command's time is from its arrival to its reply: what its client waited for, the order's share
//! included. (Redis counts execution alone, which here says little.)

use crate::command::subcommands::{subcommand_help, wrong_subcommand};
use crate::store::Answer;
use crate::turn::Now;
use crate::wire::arguments::parse_integer;
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;
use crate::wire::secrets::redacted;
use std::collections::VecDeque;
use std::time::Duration;

/// Words of a command that are kept, and bytes of each.
const WORDS_KEPT: usize = 32;
const WORD_BYTES_KEPT: usize = 128;
/// Entries that SLOWLOG GET lists if no count is given.
const LISTED: usize = 10;

/// One slow command.
#[derive(Debug)]
struct SlowCommand {
    id: u64,
    wall: Duration,
    took: Duration,
    words: Vec<Vec<u8>>,
    address: String,
    name: String,
}

/// The most recent slow commands.
#[derive(Debug)]
pub(crate) struct SlowLog {
    /// From how much time on a command is slow; `None` keeps the log off.
    pub(super) threshold: Option<Duration>,
    pub(super) length_max: usize,
    entries: VecDeque<SlowCommand>,
    next_id: u64,
}

impl Default for SlowLog {
    fn default() -> Self {
        Self {
            threshold: Some(Duration::from_millis(10)),
            length_max: 128,
            entries: VecDeque::new(),
            next_id: 0,
        }
    }
}

impl SlowLog {
    /// Whether a command that took so long is to be noted.
    pub(crate) fn is_slow(&self, took: Duration) -> bool {
        self.threshold.is_some_and(|threshold| took >= threshold)
    }

    /// Notes a command, without passwords.
    pub(crate) fn note<'a>(
        &mut self,
        words: impl Iterator<Item = &'a [u8]>,
        client: (&str, &str),
        took: Duration,
        now: Now,
    ) {
        let words: Vec<&[u8]> = words.collect();
        let mut words = redacted(&words).unwrap_or(words);
        let dropped = words.len().saturating_sub(WORDS_KEPT);
        words.truncate(if dropped > 0 {
            WORDS_KEPT - 1
        } else {
            WORDS_KEPT
        });
        let mut kept: Vec<Vec<u8>> = words.into_iter().map(clip).collect();
        if dropped > 0 {
            kept.push(format!("... ({} more arguments)", dropped + 1).into_bytes());
        }
        self.entries.push_front(SlowCommand {
            id: self.next_id,
            wall: now.wall,
            took,
            words: kept,
            address: client.0.to_owned(),
            name: client.1.to_owned(),
        });
        self.next_id += 1;
        self.entries.truncate(self.length_max);
    }

    /// SLOWLOG.
    pub(crate) fn answer(&mut self, words: &[&[u8]], reply: &mut ReplyWriter<'_>) -> Answer {
        match (words[1].to_ascii_uppercase().as_slice(), &words[2..]) {
            (b"LEN", []) => reply.count(self.entries.len()),
            (b"RESET", []) => {
                self.entries.clear();
                reply.ok();
            }
            (b"GET", []) => self.list(LISTED, reply),
            (b"GET", [count]) => {
                let count = parse_integer(count).filter(|count| *count >= -1);
                let wrong = || ErrorReply::err("count should be greater than or equal to -1");
                let count = count.ok_or_else(wrong)?;
                self.list(usize::try_from(count).unwrap_or(usize::MAX), reply);
            }
            (b"HELP", []) => subcommand_help("SLOWLOG", reply),
            _ => return Err(wrong_subcommand("SLOWLOG", words[1])),
        }
        Ok(())
    }

    fn list(&self, count: usize, reply: &mut ReplyWriter<'_>) {
        let count = count.min(self.entries.len());
        reply.array(count);
        for entry in self.entries.iter().take(count) {
            reply.array(6);
            reply.position(entry.id);
            reply.position(entry.wall.as_secs());
            reply.position(u64::try_from(entry.took.as_micros()).unwrap_or(u64::MAX));
            reply.array(entry.words.len());
            entry.words.iter().for_each(|word| reply.bulk(word));
            reply.text(&entry.address);
            reply.text(&entry.name);
        }
    }
}

fn clip(word: &[u8]) -> Vec<u8> {
    match word.len().checked_sub(WORD_BYTES_KEPT) {
        None | Some(0) => word.to_vec(),
        Some(more) => {
            let mut clipped = word[..WORD_BYTES_KEPT].to_vec();
            clipped.extend_from_slice(format!("... ({more} more bytes)").as_bytes());
            clipped
        }
    }
}
