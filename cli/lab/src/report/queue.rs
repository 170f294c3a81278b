//! Holdback queues: when each entry came into each replica's queue, when it left, and what it waited for.

use super::entries::{Entries, EntryId};
use super::trace::{FrameKind, Trace, What};
use holdback::ids::Stamp;
use std::collections::HashMap;

/// An entry's time in one replica's holdback queue. Times are wall times, in nanoseconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Stay {
    pub(super) replica: u16,
    pub(super) entry: EntryId,
    /// When it came in.
    pub(super) came: u64,
    /// When it was delivered. None if it never was.
    pub(super) left: Option<u64>,
    /// The replica's logical clock after it came in.
    pub(super) clock: u64,
    /// Since when the replica knew of each other replica, by id, that it holds the entry.
    pub(super) known: Vec<(u16, Option<u64>)>,
}

/// The stays in the queues of all replicas, by replica and time. Only entries of the multicast have any.
pub(super) fn stays(traces: &[Trace], entries: &Entries, replicas: &[u16]) -> Vec<Stay> {
    let mut all = Vec::new();
    for trace in traces {
        let mut queue = Queue {
            replica: trace.replica,
            entries,
            came: HashMap::new(),
            left: HashMap::new(),
            acks: HashMap::new(),
        };
        for event in &trace.events {
            queue.take(event.wall, event.clock, &event.what);
        }
        all.extend(queue.finish(replicas));
    }
    all
}

/// One replica's queue, while its trace is read.
struct Queue<'a> {
    replica: u16,
    entries: &'a Entries,
    /// Of each entry: when and at which clock it came in, and when it left.
    came: HashMap<EntryId, (u64, u64)>,
    left: HashMap<EntryId, u64>,
    /// Of each other replica and origin: the acks as they came, each higher than the last.
    acks: HashMap<(u16, u16), Vec<(u64, u64)>>,
}

impl Queue<'_> {
    fn take(&mut self, wall: u64, clock: u64, what: &What) {
        match what {
            What::Receive(frame) | What::Send(frame) if frame.kind == FrameKind::Mcast => {
                // What is sent is the replica's own, and came in when it was stamped.
                if let Some(id) = frame.stamp.and_then(|stamp| self.entries.id(stamp)) {
                    self.comes(id, wall, clock);
                }
            }
            What::Receive(frame) if frame.kind == FrameKind::Ack => {
                if let Some(Stamp { time, replica }) = frame.stamp {
                    let acks = self.acks.entry((frame.peer, replica.0)).or_default();
                    if acks.last().is_none_or(|(last, _)| *last < time) {
                        acks.push((time, wall));
                    }
                }
            }
            What::Deliver {
                stamp,
                was_held: true,
                ..
            } => {
                if let Some(id) = self.entries.id(*stamp) {
                    self.comes(id, wall, clock);
                    self.left.entry(id).or_insert(wall);
                }
            }
            _ => {}
        }
    }

    fn comes(&mut self, id: EntryId, wall: u64, clock: u64) {
        let entry = self.entries.get(id);
        let own = entry.stamp.replica.0 == self.replica;
        let came = if own { entry.stamped } else { wall };
        // An own entry raised the clock to its time, and later events may have raised it since; one that is
        // received is merged after the event.
        let time = entry.stamp.time;
        let clock = if own { time } else { clock.max(time) };
        self.came.entry(id).or_insert((came, clock));
    }

    fn finish(self, replicas: &[u16]) -> Vec<Stay> {
        let stay = |(id, (came, clock)): (&EntryId, &(u64, u64))| Stay {
            replica: self.replica,
            entry: *id,
            came: *came,
            left: self.left.get(id).copied(),
            clock: *clock,
            known: self.known(*id, *came, replicas),
        };
        let mut stays: Vec<Stay> = self.came.iter().map(stay).collect();
        stays.sort_by_key(|stay| (stay.came, stay.entry));
        stays
    }

    fn known(&self, id: EntryId, came: u64, replicas: &[u16]) -> Vec<(u16, Option<u64>)> {
        let Stamp { time, replica } = self.entries.get(id).stamp;
        let since = |other: &u16| {
            if *other == replica.0 {
                return Some(came);
            }
            let acks = self.acks.get(&(*other, replica.0))?;
            let first = acks.partition_point(|(acked, _)| *acked < time);
            acks.get(first).map(|(_, wall)| *wall)
        };
        let others = replicas.iter().filter(|other| **other != self.replica);
        others.map(|other| (*other, since(other))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::fixture::trace;

    /// The case `hold_back`, as replica 2 lives through it: m2 arrives first and has to wait.
    #[test]
    fn an_entry_waits_until_everybody_is_known_to_hold_it() {
        let traces = [trace(
            2,
            &[
                ("receive MCAST 3", "2.3", 10),
                ("receive ACK 3", "1.1", 11),
                ("receive MCAST 1", "1.1", 100),
                ("deliver 1", "1.1", 100),
                ("receive ACK 1", "2.3", 110),
                ("deliver 2", "2.3", 110),
            ],
        )];
        let entries = Entries::gather(&traces, &[]);
        let stays = stays(&traces, &entries, &[1, 2, 3]);
        let [m2, m1] = &stays[..] else {
            panic!("{stays:?}");
        };
        assert_eq!(entries.get(m2.entry).stamp.to_string(), "2.3");
        assert_eq!((m2.came, m2.left), (10, Some(110)));
        assert_eq!(m2.known, [(1, Some(110)), (3, Some(10))]);
        assert_eq!((m1.came, m1.left), (100, Some(100)));
        assert_eq!(
            m1.known,
            [(1, Some(100)), (3, Some(11))],
            "an early ack is kept"
        );
    }

    #[test]
    fn acks_are_cumulative_and_what_is_never_acked_stays() {
        let traces = [trace(
            1,
            &[
                ("send MCAST 2", "1.1", 1),
                ("send MCAST 2", "2.1", 2),
                ("receive ACK 2", "2.1", 5),
                ("deliver 1", "1.1", 5),
                ("send MCAST 2", "7.1", 8),
            ],
        )];
        let entries = Entries::gather(&traces, &[]);
        let stays = stays(&traces, &entries, &[1, 2]);
        let known: Vec<_> = stays.iter().map(|stay| stay.known[0].1).collect();
        assert_eq!(known, [Some(5), Some(5), None]);
        let left: Vec<_> = stays.iter().map(|stay| stay.left).collect();
        assert_eq!(left, [Some(5), None, None]);
    }
}
