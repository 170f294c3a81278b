//! The hold-back queue: a line of entries for each origin, and a binary min-heap of the first stamps of these lines.
//!
//! An origin's entries come in the order of its times, so a line needs no more than its two ends: a push puts an entry
//! behind the last one, and a pop takes one from the line whose head is at the top of the heap. The heap has as many
//! elements as there are origins with entries, however many entries are held back.

use crate::bugs::{Bug, planted};
use crate::entry::Entry;
use crate::ids::{ReplicaId, Stamp};
use std::collections::VecDeque;
use std::time::Duration;

/// An entry in the queue, and since when.
#[derive(Clone, Debug)]
struct Held {
    entry: Entry,
    since: Duration,
}

/// Entries received and not yet delivered, the smallest stamp at the head.
///
/// *Invariants.* Each line is in stamp order. `heads` has the first stamp of each line that is not empty, and no other.
/// *The heap property:* the stamp at index `i > 0` of `heads` is larger than the one at its parent, `(i - 1) / 2`. Stamps
/// are unique.
///
/// Pushing an entry of an origin that has entries here takes one step, any other push and a pop take a number of steps
/// logarithmic in the number of origins, and looking at the head takes one.
#[derive(Clone, Debug, Default)]
pub struct HoldbackQueue {
    /// By the origin's index.
    lines: Vec<VecDeque<Held>>,
    heads: Vec<Stamp>,
    len: usize,
    /// Bytes of the entries.
    bytes: usize,
}

/// An empty line with room for more entries than this gives it back.
const LINE_KEPT: usize = 4096;

impl HoldbackQueue {
    /// How many entries are held back.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Bytes of the entries that are held back.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Bytes that it takes, roughly, whoever the entries are from.
    #[must_use]
    pub fn memory(&self) -> usize {
        let room: usize = self.lines.iter().map(VecDeque::capacity).sum();
        self.bytes + room * size_of::<Held>()
    }

    /// Adds an entry that arrived at the monotonic time `since`.
    pub fn push(&mut self, entry: Entry, since: Duration) {
        let stamp = entry.stamp;
        let origin = stamp.replica.index();
        if origin >= self.lines.len() {
            self.lines.resize_with(origin + 1, VecDeque::new);
        }
        self.len += 1;
        self.bytes += entry.body.size();
        let held = Held { entry, since };
        let line = &mut self.lines[origin];
        match line.back() {
            Some(last) if last.entry.stamp > stamp => self.push_within(held),
            Some(_) => line.push_back(held),
            None => {
                line.push_back(held);
                self.heads.push(stamp);
                self.sift_up(self.heads.len() - 1);
            }
        }
    }

    /// The entry with the smallest stamp.
    #[must_use]
    pub fn head(&self) -> Option<&Entry> {
        self.first_held().map(|held| &held.entry)
    }

    /// The smallest stamp.
    #[must_use]
    #[inline]
    pub fn head_stamp(&self) -> Option<Stamp> {
        self.heads.first().copied()
    }

    /// When the head arrived, in monotonic time.
    #[must_use]
    pub fn head_since(&self) -> Option<Duration> {
        self.first_held().map(|held| held.since)
    }

    /// Takes the entry with the smallest stamp out.
    pub fn pop(&mut self) -> Option<Entry> {
        let line = self.lines.get_mut(self.heads.first()?.replica.index())?;
        let held = line.pop_front()?;
        self.len -= 1;
        self.bytes -= held.entry.body.size();
        match line.front() {
            Some(next) => self.heads[0] = next.entry.stamp,
            None => {
                if line.capacity() > LINE_KEPT {
                    *line = VecDeque::new();
                }
                self.heads.swap_remove(0);
            }
        }
        self.sift_down(0);
        Some(held.entry)
    }

    /// The `count` entries at the front, in stamp order, without taking them out. A sort: for people, not
    /// for the path of a request.
    #[must_use]
    pub fn first(&self, count: usize) -> Vec<&Entry> {
        let held = self.lines.iter().flatten();
        let mut entries: Vec<&Entry> = held.map(|held| &held.entry).collect();
        entries.sort_unstable_by_key(|entry| entry.stamp);
        entries.truncate(count);
        entries
    }

    /// Checks the invariants.
    ///
    /// # Errors
    /// What is broken.
    pub fn check(&self) -> Result<(), String> {
        for (origin, line) in self.lines.iter().enumerate() {
            let stamps = || line.iter().map(|held| held.entry.stamp);
            if !stamps().is_sorted_by(|first, second| first < second) {
                return Err(format!("line {origin} is not in stamp order"));
            }
            let own = |stamp: &&Stamp| stamp.replica.index() == origin;
            let heads: Vec<Stamp> = self.heads.iter().filter(own).copied().collect();
            if heads != Vec::from_iter(stamps().next()) {
                return Err(format!("line {origin} has the heads {heads:?}"));
            }
        }
        match (1..self.heads.len()).find(|&at| self.heads[at] <= self.heads[parent(at)]) {
            None => Ok(()),
            Some(at) => Err(format!("the head at {at} is before its parent")),
        }
    }

    fn first_held(&self) -> Option<&Held> {
        let line = self.lines.get(self.heads.first()?.replica.index());
        line?.front()
    }

    /// Adds an entry to its line, before later ones of its origin. No replica sends its entries in such an order.
    #[cold]
    fn push_within(&mut self, held: Held) {
        let stamp = held.entry.stamp;
        let line = &mut self.lines[stamp.replica.index()];
        let place = line.partition_point(|before| before.entry.stamp <= stamp);
        line.insert(place, held);
        let own = |head: &Stamp| head.replica == stamp.replica;
        if place == 0
            && let Some(at) = self.heads.iter().position(own)
        {
            self.heads[at] = stamp;
            self.sift_up(at);
        }
    }

    /// What the heap is ordered by.
    #[inline]
    fn key(&self, at: usize) -> Stamp {
        let stamp = self.heads[at];
        if planted(Bug::TiesBrokenByArrival) {
            return Stamp::new(stamp.time, ReplicaId(0));
        }
        stamp
    }

    /// See [`Bug::PipelinedWritesSwapped`].
    #[cfg(feature = "deliberate-bugs")]
    pub(super) fn swap_bodies(&mut self, first: Stamp, second: Stamp) {
        let Some(line) = self.lines.get_mut(first.replica.index()) else {
            return;
        };
        let at = |stamp| line.iter().position(|held| held.entry.stamp == stamp);
        if let (Some(first), Some(second)) = (at(first), at(second)) {
            let body = line[first].entry.body.clone();
            line[first].entry.body = std::mem::replace(&mut line[second].entry.body, body);
        }
    }

    /// Moves the head at `at` towards the top until its parent is smaller.
    fn sift_up(&mut self, mut at: usize) {
        while at > 0 && self.key(at) < self.key(parent(at)) {
            self.heads.swap(at, parent(at));
            at = parent(at);
        }
    }

    /// Moves the head at `at` away from the top until both its children are larger.
    fn sift_down(&mut self, mut at: usize) {
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.heads.len() {
                return;
            }
            let is_right = right < self.heads.len() && self.key(right) < self.key(left);
            let smaller = if is_right { right } else { left };
            if self.key(at) < self.key(smaller) {
                return;
            }
            self.heads.swap(at, smaller);
            at = smaller;
        }
    }
}

fn parent(at: usize) -> usize {
    (at - 1) / 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::entry::EntryBody;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    fn entry(time: u64, replica: u16) -> Entry {
        let stamp = Stamp::new(time, ReplicaId(replica));
        Entry {
            stamp,
            body: EntryBody::command(&[stamp.to_string().as_bytes()]),
        }
    }

    #[derive(Clone, Debug)]
    enum Step {
        Push(u64, u16),
        Pop,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let push = (0..200u64, 1..6u16).prop_map(|(time, replica)| Step::Push(time, replica));
        proptest::collection::vec(prop_oneof![3 => push, 2 => Just(Step::Pop)], 0..400)
    }

    proptest! {
        #[test]
        fn behaves_as_a_sorted_map(steps in steps()) {
            let mut queue = HoldbackQueue::default();
            let mut model = BTreeMap::new();
            for (step, now) in steps.into_iter().zip(0..) {
                let now = Duration::from_secs(now);
                match step {
                    Step::Push(time, replica) => {
                        let entry = entry(time, replica);
                        if model.insert(entry.stamp, now).is_none() {
                            queue.push(entry, now);
                        } else {
                            model.insert(entry.stamp, queue.since_of(entry.stamp));
                        }
                    }
                    Step::Pop => {
                        let popped = queue.pop();
                        let expected = model.pop_first().map(|(stamp, _)| stamp);
                        prop_assert_eq!(popped.as_ref().map(|entry| entry.stamp), expected);
                        if let Some(entry) = popped {
                            prop_assert_eq!(entry.body.describe(), entry.stamp.to_string());
                        }
                    }
                }
                prop_assert_eq!(queue.check(), Ok(()));
                prop_assert_eq!(queue.len(), model.len());
                prop_assert_eq!(queue.is_empty(), model.is_empty());
                let first = model.first_key_value();
                prop_assert_eq!(queue.head().map(|entry| entry.stamp), first.map(|(s, _)| *s));
                prop_assert_eq!(queue.head_since(), first.map(|(_, since)| *since));
            }
            let sorted: Vec<Stamp> = queue.first(7).iter().map(|entry| entry.stamp).collect();
            prop_assert_eq!(sorted, model.keys().copied().take(7).collect::<Vec<_>>());
        }
    }

    impl HoldbackQueue {
        fn since_of(&self, stamp: Stamp) -> Duration {
            self.lines
                .iter()
                .flatten()
                .find(|held| held.entry.stamp == stamp)
                .map_or(Duration::MAX, |h| h.since)
        }
    }
}
