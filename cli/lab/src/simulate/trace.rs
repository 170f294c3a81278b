//! What happened in a run: lines for people, and a number that any difference between two runs changes.

use super::agenda::Time;
use std::collections::VecDeque;

/// How much of a trace is kept as text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Only the number.
    Nothing,
    /// The last so many lines.
    Last(usize),
    /// Every line.
    All,
}

/// The trace of one run.
#[derive(Debug)]
pub(super) struct Trace {
    keep: Keep,
    lines: VecDeque<String>,
    hash: u64,
}

impl Trace {
    pub(super) fn new(keep: Keep) -> Self {
        Self {
            keep,
            lines: VecDeque::new(),
            hash: 0xcbf2_9ce4_8422_2325,
        }
    }

    /// Notes what happened: `who` and `bytes` go into the number, `text` becomes the line.
    pub(super) fn note(
        &mut self,
        at: Time,
        who: usize,
        bytes: &[u8],
        text: impl FnOnce() -> String,
    ) {
        self.mix(at);
        self.mix(who as u64);
        let mut chunks = bytes.chunks_exact(8);
        for chunk in &mut chunks {
            self.mix(u64::from_le_bytes(chunk.try_into().unwrap_or_default()));
        }
        for byte in chunks.remainder() {
            self.mix(u64::from(*byte));
        }
        if self.keep == Keep::Nothing {
            return;
        }
        self.lines.push_back(format!(
            "{}.{:06} {}",
            at / 1_000_000,
            at % 1_000_000,
            text()
        ));
        if let Keep::Last(count) = self.keep
            && self.lines.len() > count
        {
            self.lines.pop_front();
        }
    }

    /// Differs between runs that differ.
    pub(super) fn hash(&self) -> u64 {
        self.hash
    }

    pub(super) fn into_lines(self) -> Vec<String> {
        self.lines.into()
    }

    fn mix(&mut self, number: u64) {
        self.hash = (self.hash ^ number)
            .wrapping_mul(0x0000_0100_0000_01b3)
            .rotate_left(23);
    }
}
