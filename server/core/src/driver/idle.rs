//! Clients that neither send anything nor wait for anything.

use super::Driver;
use crate::endpoint::Environment;
use crate::turn::Now;
use std::time::Duration;

/// Clients that are looked at in one turn, at the most; if more are due, the next turn comes at once.
const LOOKS_PER_TURN: usize = 128;
/// When a client is looked at again that waits for something.
const AGAIN: Duration = Duration::from_secs(1);

impl<E: Environment> Driver<E> {
    /// Closes clients that were idle for too long, without a word, as Redis does.
    #[cold]
    pub(super) fn close_idle(&mut self, timeout: Duration, now: Now) {
        self.endpoints.set_idle_timeout(timeout, now.monotonic);
        for _ in 0..LOOKS_PER_TURN {
            let Some(slot) = self.endpoints.next_idle(now.monotonic) else {
                return;
            };
            let client = self.endpoints.at(slot);
            let client = client.filter(|client| client.is_open() && !client.is_link());
            let Some(client) = client else {
                continue;
            };
            let (id, since) = (client.id, client.quiet_since());
            let due = if self.replica.client_waits(id) {
                now.monotonic + AGAIN
            } else {
                since + timeout
            };
            if due > now.monotonic {
                self.endpoints.look_whether_idle(slot, due);
            } else {
                self.broken(id, "idle", now);
            }
        }
    }
}
