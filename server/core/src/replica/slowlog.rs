//! SLOWLOG and LATENCY: which commands took long, and how long commands take.
//!
//! A command's time is from its arrival to its reply: what its client waited for, the order's share
//! included. (Redis counts execution alone, which here says little.)

use crate::command::CommandSpec;
use crate::store::{subcommand_help, wrong_subcommand};
use crate::turn::Now;
use crate::wire::arguments::parse_integer;
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;
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
pub(super) struct SlowLog {
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
    pub(super) fn is_slow(&self, took: Duration) -> bool {
        self.threshold.is_some_and(|threshold| took >= threshold)
    }

    /// Notes a command.
    pub(super) fn note<'a>(
        &mut self,
        words: impl Iterator<Item = &'a [u8]>,
        client: (&str, &str),
        took: Duration,
        now: Now,
    ) {
        let mut words: Vec<&[u8]> = words.collect();
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
    pub(super) fn answer(
        &mut self,
        spec: &CommandSpec,
        words: &[&[u8]],
        reply: &mut ReplyWriter<'_>,
    ) -> Result<(), ErrorReply> {
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
            (b"HELP", []) => subcommand_help(spec, reply),
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

/// LATENCY: tools ask for events; none are kept, as SLOWLOG and INFO say what there is to say.
pub(super) fn latency(
    spec: &CommandSpec,
    words: &[&[u8]],
    reply: &mut ReplyWriter<'_>,
) -> Result<(), ErrorReply> {
    match (words[1].to_ascii_uppercase().as_slice(), &words[2..]) {
        (b"LATEST", []) | (b"HISTORY", [_]) => reply.array(0),
        (b"RESET", _) => reply.integer(0),
        (b"DOCTOR", []) => reply.verbatim("No latency events are kept; see SLOWLOG GET and INFO."),
        (b"HELP", []) => subcommand_help(spec, reply),
        _ => return Err(wrong_subcommand("LATENCY", words[1])),
    }
    Ok(())
}

/// Buckets of [`Latencies`]: four to each power of two of microseconds, up to about an hour.
const BUCKETS: usize = 128;
/// How long one window of [`Latencies`] lasts.
const WINDOW: Duration = Duration::from_secs(5);

/// How long commands took in the last seconds: two windows of buckets, each a quarter of a power of two.
#[derive(Debug)]
pub(super) struct Latencies {
    current: [u32; BUCKETS],
    previous: [u32; BUCKETS],
    begun: Duration,
    /// Commands counted in the current window.
    counted: u32,
}

/// Commands of a window that [`Latencies::wants`] wants without exception.
const ALL_OF_THE_FIRST: u32 = 64;
/// Of the commands behind those it wants one in so many: reading the clock takes longer than a look at a key.
const ONE_OF: u64 = 16;

impl Default for Latencies {
    fn default() -> Self {
        Self {
            current: [0; BUCKETS],
            previous: [0; BUCKETS],
            begun: Duration::ZERO,
            counted: 0,
        }
    }
}

impl Latencies {
    /// Whether a command is to be counted, if a sample of them is enough; `number` is the command's.
    pub(super) fn wants(&self, number: u64, now: Now) -> bool {
        self.counted < ALL_OF_THE_FIRST
            || number.is_multiple_of(ONE_OF)
            || now.monotonic >= self.begun + WINDOW
    }

    /// Counts a command.
    pub(super) fn note(&mut self, took: Duration, now: Now) {
        if now.monotonic >= self.begun + WINDOW {
            self.turn(now);
        }
        // Not `as_micros`, which divides 128 bits.
        let micros = took
            .as_secs()
            .saturating_mul(1_000_000)
            .saturating_add(u64::from(took.subsec_micros()))
            .saturating_add(4);
        let power = 63 - micros.leading_zeros() as usize;
        let quarter = usize::try_from(micros >> (power - 2)).unwrap_or(0) & 3;
        let bucket = ((power - 2) * 4 + quarter).min(BUCKETS - 1);
        self.current[bucket] = self.current[bucket].saturating_add(1);
        self.counted = self.counted.saturating_add(1);
    }

    /// The time that a share of the commands (0.5: half of them) did not exceed, in microseconds; 0 if
    /// there were none.
    pub(super) fn percentile_us(&self, share: f64, now: Now) -> u64 {
        let age = now.monotonic.saturating_sub(self.begun);
        let counts: Vec<u64> = (0..BUCKETS)
            .map(|at| {
                let current = if age < 2 * WINDOW {
                    self.current[at]
                } else {
                    0
                };
                let previous = if age < WINDOW { self.previous[at] } else { 0 };
                u64::from(current) + u64::from(previous)
            })
            .collect();
        let total: u64 = counts.iter().sum();
        let (mut seen, wanted) = (0, (total as f64 * share).ceil() as u64);
        for (bucket, count) in counts.into_iter().enumerate() {
            seen += count;
            if count > 0 && seen >= wanted {
                let (power, quarter) = (bucket / 4 + 2, bucket as u64 % 4);
                // The upper end of the bucket.
                return ((4 + quarter + 1) << (power - 2)).saturating_sub(5);
            }
        }
        0
    }

    fn turn(&mut self, now: Now) {
        let skipped = now.monotonic >= self.begun + 2 * WINDOW;
        self.previous = if skipped { [0; BUCKETS] } else { self.current };
        self.current = [0; BUCKETS];
        self.counted = 0;
        self.begun = now.monotonic;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_a_quarter_and_old_ones_fade() {
        let at = |seconds| Now {
            monotonic: Duration::from_secs(seconds),
            ..Now::default()
        };
        let mut latencies = Latencies::default();
        for micros in 1..=1000 {
            latencies.note(Duration::from_micros(micros), at(1));
        }
        for (share, exact) in [(0.5, 500.0), (0.99, 990.0)] {
            let found = latencies.percentile_us(share, at(1)) as f64;
            assert!((0.99..1.26).contains(&(found / exact)), "{share}: {found}");
        }
        latencies.note(Duration::from_micros(7), at(7));
        assert!(latencies.percentile_us(0.5, at(7)) > 300);
        assert_eq!(latencies.percentile_us(0.5, at(13)), 7);
        assert_eq!(latencies.percentile_us(0.5, at(30)), 0);
        latencies.note(Duration::MAX, at(31));
        assert!(latencies.percentile_us(0.5, at(31)) > 1_000_000_000);
    }

    #[test]
    fn few_are_counted_all_and_many_by_a_sample() {
        let now = Now::default();
        let mut latencies = Latencies::default();
        for number in 0..1664 {
            if latencies.wants(number, now) {
                latencies.note(Duration::ZERO, now);
            }
        }
        assert_eq!(latencies.counted, ALL_OF_THE_FIRST + 100);
    }
}
