//! The only place that reads the time.

use holdback::turn::Now;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Time since the process began to serve.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    started: Instant,
}

#[allow(
    clippy::disallowed_methods,
    reason = "the edge of the core: time comes from here"
)]
impl Clock {
    pub(super) fn start() -> Self {
        Self {
            started: Instant::now(),
        }
    }

    pub(super) fn monotonic(self) -> Duration {
        self.started.elapsed()
    }

    pub(super) fn now(self) -> Now {
        Now {
            monotonic: self.monotonic(),
            wall: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .unwrap_or_default(),
        }
    }
}
