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
            at: timeout.and_then(|timeout| crate::clock::now().checked_add(timeout)),
            timeout: timeout.unwrap_or_default(),
        }
    }

    pub(super) fn has_passed(&self) -> bool {
        self.at.is_some_and(|at| crate::clock::now() >= at)
    }

    /// Why a search gave up.
    pub(super) fn words(&self) -> String {
        format!("no verdict within {:?}", self.timeout)
    }
}
