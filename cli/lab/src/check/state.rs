//! Where a search stands: what every key holds, which operations have been taken, who needs what; and the way
//! back.
//!
//! Every change leaves a mark on a trail, so that [`SearchState::undo_to`] restores any earlier state exactly.

use super::hash::{mix, wide};
use super::lists::Lists;
use super::model::{Key, take_all};
use super::needs::{Counter, Needs, SOMETHING, Slot};
use super::problem::{Op, Problem};
use super::values::{ABSENT, Value, Values};
use crate::history::Moment;

const NONE: u32 = u32::MAX;

/// One change, and how to undo it.
#[derive(Clone, Copy, Debug)]
enum Change {
    Opened(Op),
    Taken(Op),
    /// The key and the value before.
    Wrote(Key, Value),
    /// A queue moved on; where it was before.
    NeedMoved(Slot, u32),
    SupplyMoved(Counter, u32),
}

/// Lists of operations, each in the order in which they become urgent or possible, and how far each is done:
/// everything before that place was taken.
#[derive(Clone, Debug, Default)]
struct Queues {
    lists: Lists<Op>,
    next: Vec<u32>,
}

impl Queues {
    fn new(count: usize, mut members: Vec<(u32, Op)>, moment: impl Fn(Op) -> Moment) -> Self {
        members.sort_unstable_by_key(|&(_, op)| (moment(op), op));
        Self {
            lists: Lists::of(count, members),
            next: vec![0; count],
        }
    }

    /// The first that was not taken.
    fn first(&self, queue: u32) -> Option<Op> {
        let next = self.next[queue as usize];
        self.lists[queue].get(next as usize).copied()
    }

    /// Moves on behind what was taken; where it was before, if it moved.
    fn advance(&mut self, queue: u32, taken: &[bool]) -> Option<u32> {
        let before = self.next[queue as usize];
        while self.first(queue).is_some_and(|op| taken[op as usize]) {
            self.next[queue as usize] += 1;
        }
        (self.next[queue as usize] > before).then_some(before)
    }
}

/// The operations that are open and not taken, listed for each of their keys.
///
/// The lists are doubly linked through the places of [`Problem::key_places`]. A place that was unlinked keeps
/// its own links; as changes are undone in the opposite order, linking it back takes no search.
#[derive(Clone, Debug)]
struct OpenLists {
    first: Vec<u32>,
    last: Vec<u32>,
    next: Vec<u32>,
    previous: Vec<u32>,
    owner: Vec<Op>,
}

impl OpenLists {
    fn new(problem: &Problem) -> Self {
        let places = problem.key_places_count();
        let keys = problem.key_names.len();
        let mut owner = vec![0; places];
        for op in problem.ops() {
            problem
                .key_places(op)
                .for_each(|(_, place)| owner[place] = op);
        }
        Self {
            first: vec![NONE; keys],
            last: vec![NONE; keys],
            next: vec![NONE; places],
            previous: vec![NONE; places],
            owner,
        }
    }

    fn append(&mut self, key: Key, place: usize) {
        self.previous[place] = self.last[key.0 as usize];
        self.next[place] = NONE;
        self.relink(key, place);
    }

    fn unlink(&mut self, key: Key, place: usize) {
        self.lead(key, place, self.next[place], self.previous[place]);
    }

    fn relink(&mut self, key: Key, place: usize) {
        self.lead(key, place, place as u32, place as u32);
    }

    /// Lets the place before this one lead on to `next`, and the one behind it back to `previous`.
    fn lead(&mut self, key: Key, place: usize, next: u32, previous: u32) {
        match self.previous[place] {
            NONE => self.first[key.0 as usize] = next,
            before => self.next[before as usize] = next,
        }
        match self.next[place] {
            NONE => self.last[key.0 as usize] = previous,
            behind => self.previous[behind as usize] = previous,
        }
    }
}

/// Where a search stands.
#[derive(Debug)]
pub(super) struct SearchState<'a> {
    pub(super) problem: &'a Problem,
    pub(super) needs: &'a Needs,
    pub(super) values: Values,
    held: Vec<Value>,
    taken: Vec<bool>,
    open: OpenLists,
    /// When each operation can be taken first, and when it must have been.
    times: Vec<(Moment, Moment)>,
    /// Of each slot who needs it, by deadlines; of each counter who supplies it, by invocations.
    needed: Queues,
    supply: Queues,
    fingerprint: u128,
    trail: Vec<Change>,
    /// Scratch: what the operation being taken leaves at its keys.
    written: Vec<(Key, Value)>,
}

impl<'a> SearchState<'a> {
    /// A state in which nothing has been taken.
    pub(super) fn new(
        problem: &'a Problem,
        needs: &'a Needs,
        times: Vec<(Moment, Moment)>,
    ) -> Self {
        let mut needed = Vec::new();
        let mut supply = Vec::new();
        for op in problem.ops() {
            needed.extend(needs.required(op).iter().map(|&slot| (slot, op)));
            supply.extend(needs.supplied(op).iter().map(|&counter| (counter, op)));
        }
        Self {
            problem,
            needs,
            values: problem.values.clone(),
            held: vec![ABSENT; problem.key_names.len()],
            taken: vec![false; problem.operations.len()],
            open: OpenLists::new(problem),
            needed: Queues::new(needs.slot_count(), needed, |op| times[op as usize].1),
            supply: Queues::new(needs.counter_count(), supply, |op| times[op as usize].0),
            times,
            fingerprint: 0,
            trail: Vec::new(),
            written: Vec::new(),
        }
    }

    /// When an operation can be taken first, and when it must have been.
    pub(super) fn times(&self, op: Op) -> (Moment, Moment) {
        self.times[op as usize]
    }

    pub(super) fn mark(&self) -> usize {
        self.trail.len()
    }

    /// A fingerprint of what was taken and what all keys hold. 128 bits: that two states of one search
    /// share it by chance is less likely than a fault of the machine.
    pub(super) fn fingerprint(&self) -> u128 {
        self.fingerprint
    }

    pub(super) fn held(&self, key: Key) -> Value {
        self.held[key.0 as usize]
    }

    pub(super) fn is_taken(&self, op: Op) -> bool {
        self.taken[op as usize]
    }

    /// All that was taken, in this order.
    pub(super) fn order(&self) -> Vec<Op> {
        let taken = |change: &Change| match change {
            Change::Taken(op) => Some(*op),
            _ => None,
        };
        self.trail.iter().filter_map(taken).collect()
    }

    /// Adds an operation to the open ones.
    pub(super) fn open(&mut self, op: Op) {
        for (key, place) in self.problem.key_places(op) {
            self.open.append(key, place);
        }
        self.trail.push(Change::Opened(op));
    }

    /// The open operations at a key, in the order in which they were opened.
    pub(super) fn open_at(&self, key: Key) -> impl Iterator<Item = Op> + '_ {
        let mut place = self.open.first[key.0 as usize];
        std::iter::from_fn(move || {
            let at = (place != NONE).then_some(place)? as usize;
            place = self.open.next[at];
            Some(self.open.owner[at])
        })
    }

    /// Whether a value that somebody still needs at a key cannot be there again in time once it is
    /// overwritten.
    fn is_last_of(&self, key: Key, value: Value) -> bool {
        let slot = self.needs.slot(key, value);
        let needing = slot.and_then(|slot| Some((slot, self.needed.first(slot)?)));
        needing.is_some_and(|(slot, op)| !self.can_be_supplied(slot, op))
    }

    /// Whether what a slot stands for may still be written, by something other than `op` and early enough for it.
    pub(super) fn can_be_supplied(&self, slot: Slot, op: Op) -> bool {
        let deadline = self.times[op as usize].1;
        let counters = self.needs.counters_of(slot).iter();
        let mut first = counters.filter_map(|&counter| self.supply.first(counter));
        first.any(|supplier| self.times[supplier as usize].0 <= deadline)
    }

    /// Finds what an operation leaves at its keys, if its answers fit.
    fn evaluate(&mut self, op: Op) -> bool {
        let held = |key: Key| self.held[key.0 as usize];
        take_all(
            self.problem.parts(op),
            self.problem[op].in_transaction,
            &mut self.values,
            held,
            &mut self.written,
        )
        .is_ok()
    }

    /// Takes an operation that was not opened: see [`SearchState::take`].
    pub(super) fn take_unopened(&mut self, op: Op) -> bool {
        let mark = self.mark();
        self.open(op);
        let took = self.take(op);
        if !took {
            self.undo_to(mark);
        }
        took
    }

    /// Takes an operation: it happens next. False, and nothing is changed, if its answer does not fit, or if
    /// it overwrites what somebody still needs and nobody can supply again.
    pub(super) fn take(&mut self, op: Op) -> bool {
        if !self.evaluate(op) {
            return false;
        }
        let mark = self.mark();
        let needs = self.needs;
        self.taken[op as usize] = true;
        for (key, place) in self.problem.key_places(op) {
            self.open.unlink(key, place);
        }
        self.fingerprint ^= wide(op.into(), 1);
        self.trail.push(Change::Taken(op));
        for &slot in needs.required(op) {
            let moved = self.needed.advance(slot, &self.taken);
            self.trail
                .extend(moved.map(|from| Change::NeedMoved(slot, from)));
        }
        for &counter in needs.supplied(op) {
            let moved = self.supply.advance(counter, &self.taken);
            self.trail
                .extend(moved.map(|from| Change::SupplyMoved(counter, from)));
        }
        for at in 0..self.written.len() {
            let (key, new) = self.written[at];
            let old = self.held(key);
            if old == new {
                continue;
            }
            self.write(key, new);
            self.trail.push(Change::Wrote(key, old));
            if self.is_last_of(key, old) {
                self.undo_to(mark);
                return false;
            }
        }
        if self.is_wasted(op) {
            self.undo_to(mark);
            return false;
        }
        true
    }

    /// Whether an operation was the last that could supply what somebody needs, and did not: an append to the
    /// wrong value.
    fn is_wasted(&self, op: Op) -> bool {
        let counters = self.needs.supplied(op).iter();
        let mut slots = counters.flat_map(|&counter| self.needs.slots_of(counter));
        slots.any(|&slot| {
            let (key, value) = self.needs.wanted[slot as usize];
            self.held(key) != value
                && value != SOMETHING
                && self
                    .needed
                    .first(slot)
                    .is_some_and(|needing| !self.can_be_supplied(slot, needing))
        })
    }

    fn write(&mut self, key: Key, new: Value) {
        let of = |value: Value| match value {
            ABSENT => 0,
            value => wide(mix(key.0.into()), value.0.into()),
        };
        self.fingerprint ^= of(self.held(key)) ^ of(new);
        self.held[key.0 as usize] = new;
    }

    /// Goes back to the state at a mark. Returns how many operations that happened were put back.
    pub(super) fn undo_to(&mut self, mark: usize) -> usize {
        let mut put_back = 0;
        while self.trail.len() > mark {
            match self.trail.pop() {
                Some(Change::Opened(op)) => {
                    for (key, place) in self.problem.key_places(op).rev() {
                        self.open.unlink(key, place);
                    }
                }
                Some(Change::Taken(op)) => {
                    put_back += usize::from(self.problem[op].is_ok);
                    self.put_back(op);
                }
                Some(Change::Wrote(key, old)) => self.write(key, old),
                Some(Change::NeedMoved(slot, from)) => self.needed.next[slot as usize] = from,
                Some(Change::SupplyMoved(counter, from)) => {
                    self.supply.next[counter as usize] = from;
                }
                None => break,
            }
        }
        put_back
    }

    fn put_back(&mut self, op: Op) {
        self.taken[op as usize] = false;
        for (key, place) in self.problem.key_places(op).rev() {
            self.open.relink(key, place);
        }
        self.fingerprint ^= wide(op.into(), 1);
    }
}
