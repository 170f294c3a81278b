//! The hold-back queue: a binary min-heap of entries, by stamp.

use super::{Entry, Stamp};
use crate::bugs::{Bug, planted};
use std::time::Duration;

/// An entry in the queue, and since when.
#[derive(Clone, Debug)]
struct Held {
    entry: Entry,
    since: Duration,
}

/// Entries received and not yet delivered, the smallest stamp at the head.
///
/// *Invariant (the heap property):* the stamp at index `i > 0` is larger than the one at its parent,
/// `(i - 1) / 2`. Stamps are unique.
///
/// Pushing and popping take a logarithmic number of steps, looking at the head takes one.
#[derive(Clone, Debug, Default)]
pub struct HoldbackQueue {
    heap: Vec<Held>,
}

impl HoldbackQueue {
    /// How many entries are held back.
    #[must_use]
    pub fn len(&self) -> usize {
        self.heap.len()
    }

    /// Whether none is.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.heap.is_empty()
    }

    /// Adds an entry that arrived at the monotonic time `since`.
    pub fn push(&mut self, entry: Entry, since: Duration) {
        self.heap.push(Held { entry, since });
        self.sift_up(self.heap.len() - 1);
    }

    /// The entry with the smallest stamp.
    #[must_use]
    pub fn head(&self) -> Option<&Entry> {
        self.heap.first().map(|held| &held.entry)
    }

    /// When the head arrived, in monotonic time.
    #[must_use]
    pub fn head_since(&self) -> Option<Duration> {
        self.heap.first().map(|held| held.since)
    }

    /// Takes the entry with the smallest stamp out.
    pub fn pop(&mut self) -> Option<Entry> {
        if self.heap.len() > 1 {
            let head = self.heap.swap_remove(0);
            self.sift_down(0);
            return Some(head.entry);
        }
        self.heap.pop().map(|held| held.entry)
    }

    /// The `count` entries at the front, in stamp order, without taking them out. A sort: for people, not
    /// for the path of a request.
    #[must_use]
    pub fn first(&self, count: usize) -> Vec<&Entry> {
        let mut entries: Vec<&Entry> = self.heap.iter().map(|held| &held.entry).collect();
        entries.sort_unstable_by_key(|entry| entry.stamp);
        entries.truncate(count);
        entries
    }

    /// Checks the heap property; the index of an entry that breaks it.
    ///
    /// # Errors
    /// The first index whose stamp is not larger than its parent's.
    pub fn check(&self) -> Result<(), usize> {
        let stamp = |at: usize| self.heap[at].entry.stamp;
        match (1..self.heap.len()).find(|&at| stamp(at) <= stamp(parent(at))) {
            None => Ok(()),
            Some(at) => Err(at),
        }
    }

    fn stamp(&self, at: usize) -> Stamp {
        let stamp = self.heap[at].entry.stamp;
        if planted(Bug::TiesBrokenByArrival) {
            return Stamp::new(stamp.time, super::ReplicaId(0));
        }
        stamp
    }

    /// See [`Bug::PipelinedWritesSwapped`].
    #[cfg(feature = "deliberate-bugs")]
    pub(super) fn swap_bodies(&mut self, first: Stamp, second: Stamp) {
        let at = |stamp| self.heap.iter().position(|held| held.entry.stamp == stamp);
        if let (Some(first), Some(second)) = (at(first), at(second)) {
            let body = self.heap[first].entry.body.clone();
            let other = std::mem::replace(&mut self.heap[second].entry.body, body);
            self.heap[first].entry.body = other;
        }
    }

    /// Moves the entry at `at` towards the head until its parent is smaller.
    fn sift_up(&mut self, mut at: usize) {
        let stamp = self.stamp(at);
        while at > 0 && stamp < self.stamp(parent(at)) {
            self.heap.swap(at, parent(at));
            at = parent(at);
        }
    }

    /// Moves the entry at `at` away from the head until both its children are larger.
    fn sift_down(&mut self, mut at: usize) {
        let stamp = self.stamp(at);
        loop {
            let (left, right) = (2 * at + 1, 2 * at + 2);
            if left >= self.heap.len() {
                return;
            }
            let is_right = right < self.heap.len() && self.stamp(right) < self.stamp(left);
            let smaller = if is_right { right } else { left };
            if stamp < self.stamp(smaller) {
                return;
            }
            self.heap.swap(at, smaller);
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
    use crate::multicast::{EntryBody, ReplicaId};
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
            self.heap
                .iter()
                .find(|held| held.entry.stamp == stamp)
                .map_or(Duration::MAX, |h| h.since)
        }
    }
}
