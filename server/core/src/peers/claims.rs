//! Two processes that claim to be the same replica.

use super::pace::Pace;
use crate::turn::Now;
use std::collections::VecDeque;
use std::time::Duration;

/// Incarnations that are remembered.
const REMEMBERED: usize = 8;
/// The least time between two complaints.
const SAID_AGAIN_AFTER: Duration = Duration::from_secs(60);

/// How often an incarnation has to come back: once it may be a last handshake that was under way when its process ended.
const RETURNS: u32 = 2;

/// The incarnations in which one peer came, the latest last, and how often each came back after another one.
#[derive(Debug, Default)]
pub(super) struct Claims {
    incarnations: VecDeque<(u64, u32)>,
    pace: Pace,
}

impl Claims {
    /// A peer has come in an incarnation. If it takes turns with another one, which that is: both live, as a process that
    /// ended does not come back.
    pub(super) fn come(&mut self, incarnation: u64) -> Option<u64> {
        let latest = self.incarnations.back().map(|(latest, _)| *latest);
        if latest == Some(incarnation) {
            return None;
        }
        let mut incarnations = self.incarnations.iter();
        let known = incarnations.position(|(known, _)| *known == incarnation);
        let known = known.and_then(|place| self.incarnations.remove(place));
        let returns = known.map_or(0, |(_, returns)| returns.saturating_add(1));
        self.incarnations.push_back((incarnation, returns));
        if self.incarnations.len() > REMEMBERED {
            self.incarnations.pop_front();
        }
        latest.filter(|_| returns >= RETURNS)
    }

    /// A complaint, if it was not made for a while.
    pub(super) fn say(&mut self, text: String, now: Now) -> Option<String> {
        self.pace.say(text, SAID_AGAIN_AFTER, now)
    }
}
