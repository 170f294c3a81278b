//! How often the same kind of thing is said.

use crate::turn::Now;
use std::time::Duration;

/// The least time between two lines of the log of one kind that others can cause as often as they like.
pub(super) const SAID_AGAIN_AFTER: Duration = Duration::from_secs(1);

/// Lets one line pass in a while, and counts those left out between.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    due: Duration,
    left_out: u64,
}

impl Pace {
    /// The text, if something may be said by now; the next one is due after a `pause`.
    pub(crate) fn say(&mut self, text: String, pause: Duration, now: Now) -> Option<String> {
        if now.monotonic < self.due {
            self.left_out += 1;
            return None;
        }
        self.due = now.monotonic + pause;
        Some(match std::mem::take(&mut self.left_out) {
            0 => text,
            count => format!("{text} ({count} more of the kind before)"),
        })
    }
}
