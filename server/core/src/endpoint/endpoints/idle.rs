//! When to look whether a client is idle. There is one moment for each slot at the most, and it may be too early: whoever
//! looks then sets the next. So a client that is busy costs nothing meanwhile.

use super::{Endpoints, Environment};
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// The moments, by slot.
#[derive(Debug, Default)]
pub(super) struct IdleTimers {
    /// How long a client may be idle; zero: for ever.
    timeout: Duration,
    due: BinaryHeap<Reverse<(Duration, usize)>>,
    /// Slots that are in `due`.
    is_set: Vec<bool>,
}

impl IdleTimers {
    pub(super) fn timeout(&self) -> Duration {
        self.timeout
    }

    /// Sets another timeout, and forgets all moments.
    pub(super) fn restart(&mut self, timeout: Duration) {
        *self = Self {
            timeout,
            ..Self::default()
        };
    }

    /// Has a slot looked at, if it is not going to be anyway.
    pub(super) fn set(&mut self, slot: usize, due: Duration) {
        if self.timeout.is_zero() {
            return;
        }
        if slot >= self.is_set.len() {
            self.is_set.resize(slot + 1, false);
        }
        if !std::mem::replace(&mut self.is_set[slot], true) {
            self.due.push(Reverse((due, slot)));
        }
    }

    /// The next slot to be looked at, if it is time.
    pub(super) fn take_due(&mut self, now: Duration) -> Option<usize> {
        self.due.peek().filter(|Reverse((due, _))| *due <= now)?;
        let Reverse((_, slot)) = self.due.pop()?;
        self.is_set[slot] = false;
        Some(slot)
    }

    pub(super) fn deadline(&self) -> Option<Duration> {
        self.due.peek().map(|Reverse((due, _))| *due)
    }
}

impl<E: Environment> Endpoints<E> {
    /// Whether [`Endpoints::next_idle`] has something, or clients may be idle for another time than before.
    #[inline]
    pub(crate) fn is_idle_time(&self, timeout: Duration, now: Duration) -> bool {
        self.idle.timeout() != timeout || self.idle.deadline().is_some_and(|due| due <= now)
    }

    /// Sets how long a client may be idle; zero: for ever.
    pub(crate) fn set_idle_timeout(&mut self, timeout: Duration, now: Duration) {
        if timeout != self.idle.timeout() {
            self.idle.restart(timeout);
            let slots = self.slots.iter().map(|(slot, _)| slot);
            slots.for_each(|slot| self.idle.set(slot, now));
        }
    }

    /// The next slot to look at whether there is an idle client, if it is time.
    pub(crate) fn next_idle(&mut self, now: Duration) -> Option<usize> {
        self.idle.take_due(now)
    }

    /// Has a slot looked at then.
    pub(crate) fn look_whether_idle(&mut self, slot: usize, due: Duration) {
        self.idle.set(slot, due);
    }
}
