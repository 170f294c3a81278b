//! The search for a linearization: just in time, with a memory of dead ends.
//!
//! After Wing and Gong ("Testing and verifying concurrent objects", 1993) and Lowe ("Testing for
//! linearizability", 2017). At any moment one operation is the most urgent: of those not taken, the one that
//! completed first. It has to be taken before anything that was invoked after that. So the search asks only
//! what has to happen before the most urgent operation, takes that, and goes on; on a dead end it goes back
//! to a choice that can have been the reason. What keeps this quick:
//!
//! - *What can change nothing is taken at once* when its answer fits. It could be moved here from anywhere
//!   later, so this needs no alternative.
//! - *Only what is connected matters.* Of the open operations, those connected with the most urgent one
//!   through keys (and program order) are the candidates. Any other commutes with all of these and is
//!   connected to none, so an order that begins with it can begin with a candidate as well.
//! - *A value that is still needed is not overwritten* unless it can come again; see [`super::needs`].
//! - *A dead end is blamed on keys*: those of the candidates. Choices that touched none of them cannot be the
//!   reason and are skipped on the way back.
//! - *Dead ends are remembered* by what was taken and what the keys hold, with the keys to blame.
//! - *What need not happen is taken only right before something that looks at it*, or together with more of
//!   its kind; and of several alike only the first.

mod candidates;
mod times;

pub(super) use times::times;

use super::Deadline;
use super::hash::{QuickMap, QuickSet};
use super::model::Key;
use super::problem::Op;
use super::state::SearchState;
use super::unseen::Unseen;
use crate::history::Moment;

/// What a search found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// There is an order. The state's trail holds it.
    Order,
    /// There is none, even if nothing had been invoked after this moment.
    Nothing(Moment),
    /// Time or memory was up; why, in words.
    GaveUp(String),
}

/// What an order has to keep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Keep {
    /// Real time, and program order where real time does not imply it: linearizable.
    RealTime,
    /// Program order, and real time between writes. A store that delivers writes in one order and reads locally
    /// keeps this. It is more than sequential asks for, so a "no" means nothing.
    RealTimeOfWrites,
}

/// A choice among candidates.
#[derive(Debug)]
struct Choice {
    /// The state's mark before it.
    mark: usize,
    fingerprint: u128,
    opened: usize,
    frontier: usize,
    unseen: Unseen,
    /// The candidates: a range of the search's list of them, and the next to try.
    candidates: (usize, usize),
    next: usize,
    /// The keys of everything connected: a range of the search's list.
    keys: (usize, usize),
    /// Keys that were blamed below.
    blamed: QuickSet<u32>,
}

/// Searches one group after the other in one state.
#[derive(Debug)]
pub(super) struct Search<'a, 'b> {
    state: &'b mut SearchState<'a>,
    deadline: &'b Deadline,
    keep: Keep,
    is_open: Vec<bool>,
    /// The next ok operation of the same process, if it may be invoked before this one completes.
    behind: Vec<Option<Op>>,
    by_invocation: Vec<Op>,
    by_deadline: Vec<Op>,
    opened: usize,
    frontier: usize,
    unseen: Unseen,
    choices: Vec<Choice>,
    candidates: Vec<Op>,
    keys: Vec<Key>,
    dead_ends: QuickMap<u128, Box<[u32]>>,
    /// The latest moment that any dead end looked at.
    horizon: Moment,
    steps: u64,
    steps_max: u64,
    visited_ops: Vec<u32>,
    visited_keys: Vec<u32>,
    visit: u32,
}

/// Dead ends remembered before a search gives up: about 100 bytes each.
const DEAD_ENDS_MAX: usize = 8_000_000;

impl<'a, 'b> Search<'a, 'b> {
    pub(super) fn new(state: &'b mut SearchState<'a>, keep: Keep, deadline: &'b Deadline) -> Self {
        let problem = state.problem;
        let count = problem.operations.len();
        let mut behind = vec![None; count];
        for op in problem.ops() {
            let compiled = &problem[op];
            if let (true, true, Some(before)) = (compiled.is_ok, compiled.overlaps, compiled.before)
            {
                behind[before as usize] = Some(op);
            }
        }
        let keys = problem.key_names.len();
        Self {
            state,
            deadline,
            keep,
            is_open: vec![false; count],
            behind,
            by_invocation: Vec::new(),
            by_deadline: Vec::new(),
            opened: 0,
            frontier: 0,
            unseen: Unseen::default(),
            choices: Vec::new(),
            candidates: Vec::new(),
            keys: Vec::new(),
            dead_ends: QuickMap::default(),
            horizon: 0,
            steps: 0,
            steps_max: u64::MAX,
            visited_ops: vec![0; count],
            visited_keys: vec![0; keys],
            visit: 0,
        }
    }

    /// Searches for an order of a group of operations, which are in the order of their invocations; for so many
    /// steps at most. If there is none, or none was found, nothing of the group is taken.
    pub(super) fn group(&mut self, operations: &[Op], steps_max: u64) -> Found {
        let mark = self.state.mark();
        let problem = self.state.problem;
        let needs = self.state.needs;
        let is_ok = |op: &Op| problem[*op].is_ok;
        self.by_invocation = operations
            .iter()
            .copied()
            .filter(|op| is_ok(op) || needs.can_matter(problem, *op))
            .collect();
        self.by_deadline = operations.iter().copied().filter(is_ok).collect();
        let state = &self.state;
        self.by_invocation.sort_by_key(|op| state.times(*op).0);
        self.by_deadline.sort_by_key(|op| state.times(*op).1);
        (self.opened, self.frontier) = (0, 0);
        self.unseen.clear();
        self.choices.clear();
        self.candidates.clear();
        self.keys.clear();
        self.dead_ends.clear();
        self.horizon = 0;
        self.steps = 0;
        self.steps_max = steps_max;
        let found = self.run();
        if found != Found::Order {
            self.state.undo_to(mark);
            for op in &self.by_invocation {
                self.is_open[*op as usize] = false;
            }
        }
        found
    }

    fn run(&mut self) -> Found {
        loop {
            let Some(urgent) = self.advance() else {
                return Found::Order;
            };
            if let Some(reason) = self.is_over() {
                return Found::GaveUp(reason);
            }
            let fingerprint = self.state.fingerprint() ^ self.unseen.fingerprint();
            let known = self.dead_ends.get(&fingerprint);
            let known: Option<Vec<u32>> = known.map(|keys| keys.to_vec());
            if let Some(blamed) = known.or_else(|| self.choose(urgent, fingerprint))
                && !self.back(blamed)
            {
                return Found::Nothing(self.horizon);
            }
        }
    }

    /// Opens what was invoked before the most urgent operation completed, and takes what can be taken without
    /// a choice. Returns the most urgent operation, or none if all are taken.
    fn advance(&mut self) -> Option<Op> {
        loop {
            let urgent = loop {
                let &op = self.by_deadline.get(self.frontier)?;
                if !self.state.is_taken(op) {
                    break op;
                }
                self.frontier += 1;
            };
            let (_, deadline) = self.state.times(urgent);
            while let Some(&op) = self.by_invocation.get(self.opened)
                && self.state.times(op).0 <= deadline
            {
                self.opened += 1;
                self.is_open[op as usize] = true;
                self.state.open(op);
                self.take_for_nothing(op);
            }
            if !self.state.is_taken(urgent) {
                return Some(urgent);
            }
        }
    }

    /// Whether the operation that must precede this one has been taken.
    fn is_next(&self, op: Op) -> bool {
        let compiled = &self.state.problem[op];
        (!compiled.overlaps && self.keep == Keep::RealTime)
            || compiled
                .before
                .is_none_or(|before| self.state.is_taken(before))
    }

    /// Takes an operation that can change nothing, if it can be taken now, and those that this lets in.
    fn take_for_nothing(&mut self, op: Op) {
        let mut next = Some(op);
        while let Some(op) = next {
            let compiled = &self.state.problem[op];
            let can = compiled.changes_nothing && compiled.is_ok && self.is_open[op as usize];
            if !can || self.state.is_taken(op) || !self.is_next(op) || !self.state.take(op) {
                return;
            }
            self.unseen.take(self.state.problem, op);
            next = self.behind[op as usize];
        }
    }

    /// Takes a candidate and whatever then goes without a choice; false if it cannot be taken.
    fn take(&mut self, op: Op) -> bool {
        let problem = self.state.problem;
        if !self.unseen.allows(problem, op) || !self.state.take(op) {
            return false;
        }
        self.unseen.take(problem, op);
        for &key in problem.keys(op) {
            let at_key: Vec<Op> = self.state.open_at(key).collect();
            for reader in at_key {
                self.take_for_nothing(reader);
            }
        }
        if let Some(behind) = self.behind[op as usize] {
            self.take_for_nothing(behind);
        }
        true
    }

    /// Makes a choice for the most urgent operation; the keys to blame if there is nothing to choose.
    fn choose(&mut self, urgent: Op, fingerprint: u128) -> Option<Vec<u32>> {
        self.horizon = self.horizon.max(self.state.times(urgent).1);
        let first_key = self.keys.len();
        let mut connected = self.connected(urgent);
        let is_hopeless = self.is_hopeless(urgent);
        if !is_hopeless {
            self.rank(urgent, &mut connected);
            let first = self.candidates.len();
            self.candidates.extend(connected);
            self.choices.push(Choice {
                mark: self.state.mark(),
                fingerprint,
                opened: self.opened,
                frontier: self.frontier,
                unseen: self.unseen.clone(),
                candidates: (first, self.candidates.len()),
                next: first,
                keys: (first_key, self.keys.len()),
                blamed: QuickSet::default(),
            });
            if self.try_next() {
                return None;
            }
            self.choices.pop();
            self.candidates.truncate(first);
        }
        let blamed: Vec<u32> = self.keys.drain(first_key..).map(|key| key.0).collect();
        if !is_hopeless {
            self.dead_ends.insert(fingerprint, blamed.clone().into());
        }
        Some(blamed)
    }

    /// Takes the next candidate of the newest choice that can be taken.
    fn try_next(&mut self) -> bool {
        while let Some(choice) = self.choices.last_mut()
            && choice.next < choice.candidates.1
        {
            let op = self.candidates[choice.next];
            choice.next += 1;
            if self.take(op) {
                return true;
            }
        }
        false
    }

    /// Goes back from a dead end to a choice that can have led into it, and takes its next candidate. False
    /// if there is none.
    fn back(&mut self, mut blamed: Vec<u32>) -> bool {
        while let Some(choice) = self.choices.last_mut() {
            let (first, last) = choice.keys;
            let guilty = self.keys[first..last]
                .iter()
                .any(|key| blamed.contains(&key.0));
            if guilty {
                choice.blamed.extend(blamed.iter().copied());
            }
            let (mark, candidates) = (choice.mark, choice.candidates.0);
            let closed = choice.opened..self.opened;
            for op in &self.by_invocation[closed] {
                self.is_open[*op as usize] = false;
            }
            (self.opened, self.frontier) = (choice.opened, choice.frontier);
            self.unseen.clone_from(&choice.unseen);
            self.state.undo_to(mark);
            self.candidates.truncate(choice.candidates.1);
            self.keys.truncate(last);
            if guilty && self.try_next() {
                return true;
            }
            let Some(mut choice) = self.choices.pop() else {
                return false;
            };
            if guilty {
                choice
                    .blamed
                    .extend(self.keys[first..last].iter().map(|key| key.0));
                blamed = choice.blamed.into_iter().collect();
            }
            self.candidates.truncate(candidates);
            self.keys.truncate(first);
            self.dead_ends
                .insert(choice.fingerprint, blamed.clone().into());
        }
        false
    }

    fn is_over(&mut self) -> Option<String> {
        self.steps += 1;
        if self.steps.is_multiple_of(256) && self.deadline.has_passed() {
            return Some(self.deadline.words());
        }
        if self.steps > self.steps_max {
            return Some("too many steps".into());
        }
        (self.dead_ends.len() > DEAD_ENDS_MAX)
            .then(|| format!("more than {DEAD_ENDS_MAX} dead ends were found"))
    }
}
