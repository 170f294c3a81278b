//! How long a check may take.

use std::time::{Duration, Instant};

/// What a check may cost before it says "unknown".
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// Time for the verdict. None: as long as it takes.
    pub timeout: Option<Duration>,
    /// Time for making a counter-example smaller, once the verdict is there.
    pub shrinking: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            timeout: Some(Duration::from_secs(60)),
            shrinking: Duration::from_secs(10),
        }
    }
}

impl Limits {
    /// Limits with this timeout.
    #[must_use]
    pub fn within(timeout: Duration) -> Self {
        Self {
            timeout: Some(timeout),
            ..Self::default()
        }
    }
}

/// A moment to stop at.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deadline {
    at: Option<Instant>,
    timeout: Duration,
}

impl Deadline {
    pub(super) fn after(timeout: Option<Duration>) -> Self {
        Self {
            at: timeout.and_then(|timeout| holdback_client::clock::now().checked_add(timeout)),
            timeout: timeout.unwrap_or_default(),
        }
    }

    /// A deadline after a part of the time that is left: a half, a third, and so on.
    pub(super) fn part(&self, divisor: u32) -> Self {
        let now = holdback_client::clock::now();
        let left = self.at.map_or(Duration::from_secs(40), |at| {
            at.saturating_duration_since(now)
        });
        Self {
            at: now.checked_add(left / divisor),
            timeout: left / divisor,
        }
    }

    /// The same deadline, or one after `time` if that is earlier.
    pub(super) fn at_most(&self, time: Duration) -> Self {
        let soon = Self::after(Some(time));
        match (self.at, soon.at) {
            (Some(at), Some(other)) if at < other => *self,
            _ => soon,
        }
    }

    pub(super) fn has_passed(&self) -> bool {
        self.at
            .is_some_and(|at| holdback_client::clock::now() >= at)
    }

    /// Why a search gave up.
    pub(super) fn words(&self) -> String {
        format!("no verdict within {:?}", self.timeout)
    }
}
