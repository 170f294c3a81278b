//! What is going to happen, in the order of virtual time.

use holdback_testkit::End;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::time::Duration;

/// Virtual time in microseconds since the start of the run.
pub(super) type Time = u64;

/// One millisecond.
pub(super) const MILLISECOND: Time = 1_000;
/// One second.
pub(super) const SECOND: Time = 1_000_000;

/// The first microsecond that is not before this time.
pub(super) fn micros(time: Duration) -> Time {
    Time::try_from(time.as_nanos().div_ceil(1000)).unwrap_or(Time::MAX)
}

/// Something that happens at a moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Happening {
    /// Whatever an end of a connection has sent and is due arrives at the other.
    Arrival { end: End },
    /// A request to connect reaches the party that is dialled.
    Knock { wire: usize },
    /// The party that dialled learns that it is connected.
    Connected { wire: usize },
    /// The party that dialled learns that nobody listens.
    Refused { wire: usize },
    /// A replica's process runs.
    Turn { host: usize },
    /// A client's program goes on; stale if the client has been woken otherwise since.
    Client { client: usize, ticket: u64 },
    /// The fault with this index begins.
    Fault { index: usize },
    /// The fault with this index ends.
    Heal { index: usize },
    /// A replica's process starts.
    Start { host: usize },
    /// Whether everything has settled is looked at.
    Inspect,
}

/// The happenings to come. Those at one moment happen in the order they were put in.
#[derive(Debug, Default)]
pub(super) struct Agenda {
    now: Time,
    heap: BinaryHeap<Reverse<(Time, u64, Happening)>>,
    count: u64,
}

impl Agenda {
    /// The present moment.
    pub(super) fn now(&self) -> Time {
        self.now
    }

    /// Puts a happening in; one in the past happens now.
    pub(super) fn at(&mut self, time: Time, happening: Happening) {
        self.count += 1;
        let time = time.max(self.now);
        self.heap.push(Reverse((time, self.count, happening)));
    }

    /// Puts a happening in that is so far away.
    pub(super) fn after(&mut self, delay: Time, happening: Happening) {
        self.at(self.now + delay, happening);
    }

    /// Goes on to the next happening.
    pub(super) fn next(&mut self) -> Option<Happening> {
        let Reverse((time, _, happening)) = self.heap.pop()?;
        self.now = time;
        Some(happening)
    }
}
