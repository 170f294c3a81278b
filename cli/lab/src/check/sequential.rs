//! Sequential, from the history alone.
//!
//! Sequential consistency is not local: keys cannot be judged one by one. So first the question that is
//! easier: what is linearizable is sequential. Then what is forced (see [`super::forced`]): a cycle is a "no".
//! Only then a search, which may take for ever and says "unknown" when time is up.

use super::forced::Forced;
use super::hash::{QuickSet, wide};
use super::limits::Deadline;
use super::problem::Op;
use super::search::Found;
use super::state::SearchState;
use super::unseen::Unseen;
use crate::history::Moment;
use std::collections::HashMap;

/// Dead ends remembered before the search gives up.
const DEAD_ENDS_MAX: usize = 20_000_000;

/// A choice among the operations that can be next.
#[derive(Debug)]
struct Choice {
    mark: usize,
    fingerprint: u128,
    /// What could be next, in the order in which it is tried; and what is tried next.
    heads: Vec<Op>,
    next: usize,
    unseen: Unseen,
}

/// The search for an order that keeps program order.
pub(super) struct SequentialSearch<'a, 'b> {
    state: &'b mut SearchState<'a>,
    forced: &'b Forced,
    deadline: &'b Deadline,
    /// Of each operation those that wait only for it in their process.
    behind: HashMap<Option<Op>, Vec<Op>>,
    /// What can be next in its process.
    heads: Vec<Op>,
    left: usize,
    unseen: Unseen,
    choices: Vec<Choice>,
    dead_ends: QuickSet<u128>,
    steps: u64,
}

impl<'a, 'b> SequentialSearch<'a, 'b> {
    pub(super) fn new(
        state: &'b mut SearchState<'a>,
        forced: &'b Forced,
        deadline: &'b Deadline,
    ) -> Self {
        let (problem, needs) = (state.problem, state.needs);
        let mut behind: HashMap<Option<Op>, Vec<Op>> = HashMap::new();
        let mut left = 0;
        for op in problem.ops() {
            let compiled = &problem[op];
            if problem.keys(op).is_empty() || !(compiled.is_ok || needs.can_matter(problem, op)) {
                continue;
            }
            behind.entry(compiled.before).or_default().push(op);
            left += usize::from(compiled.is_ok);
        }
        Self {
            state,
            forced,
            deadline,
            behind,
            heads: Vec::new(),
            left,
            unseen: Unseen::default(),
            choices: Vec::new(),
            dead_ends: QuickSet::default(),
            steps: 0,
        }
    }

    /// Searches for an order of all operations.
    pub(super) fn run(&mut self) -> Found {
        self.let_in(None);
        self.take_for_nothing();
        loop {
            if self.left == 0 {
                return Found::Order;
            }
            self.steps += 1;
            if self.steps.is_multiple_of(64) && self.deadline.has_passed() {
                return Found::GaveUp(self.deadline.words());
            }
            if self.dead_ends.len() > DEAD_ENDS_MAX {
                return Found::GaveUp(format!("more than {DEAD_ENDS_MAX} dead ends were found"));
            }
            if !self.go_on() {
                return Found::Nothing(Moment::MAX);
            }
        }
    }

    /// Makes the next choice, or goes back to another one; false if there is none left.
    fn go_on(&mut self) -> bool {
        let heads = wide(self.left as u64, 3) ^ self.unseen.fingerprint();
        let fingerprint = self.state.fingerprint() ^ heads;
        if !self.dead_ends.contains(&fingerprint) {
            let mut heads = std::mem::take(&mut self.heads);
            self.rank(&mut heads);
            self.choices.push(Choice {
                mark: self.state.mark(),
                fingerprint,
                heads,
                next: 0,
                unseen: self.unseen.clone(),
            });
        }
        while let Some(mut choice) = self.choices.pop() {
            self.left += self.state.undo_to(choice.mark);
            while let Some(&op) = choice.heads.get(choice.next) {
                choice.next += 1;
                self.unseen.clone_from(&choice.unseen);
                self.heads.clone_from(&choice.heads);
                let allowed = self.unseen.allows(self.state.problem, op);
                if !allowed || self.repeats(&choice, op) || !self.take(op) {
                    continue;
                }
                self.choices.push(choice);
                self.take_for_nothing();
                return true;
            }
            self.dead_ends.insert(choice.fingerprint);
        }
        false
    }

    /// Whether an operation that does the same and need not happen was tried in this choice.
    fn repeats(&self, choice: &Choice, op: Op) -> bool {
        let problem = self.state.problem;
        let alike =
            |other: &Op| !problem[*other].is_ok && problem.parts(*other) == problem.parts(op);
        !problem[op].is_ok && choice.heads[..choice.next - 1].iter().any(alike)
    }

    /// The most promising first: what happened, by the moments of completion. The store delivers writes in an
    /// order that is close to that.
    fn rank(&self, heads: &mut [Op]) {
        heads.sort_by_key(|&op| {
            let compiled = &self.state.problem[op];
            (!compiled.is_ok, compiled.deadline, op)
        });
    }

    /// Adds what waits only for an operation to what can be next.
    fn let_in(&mut self, op: Option<Op>) {
        if let Some(behind) = self.behind.get(&op) {
            self.heads.extend(behind.iter().copied());
        }
    }

    /// Takes an operation and lets in what waits for it; false if something else has to be before, or its answer
    /// does not fit.
    fn take(&mut self, op: Op) -> bool {
        let problem = self.state.problem;
        let ready = self.forced.is_ready(op, |other| self.state.is_taken(other));
        if !ready || !self.state.take_unopened(op) {
            return false;
        }
        self.unseen.take(problem, op);
        self.heads.retain(|head| *head != op);
        if problem[op].is_ok {
            self.left -= 1;
            self.let_in(Some(op));
        }
        true
    }

    /// Takes everything that can change nothing and that can be next.
    fn take_for_nothing(&mut self) {
        let mut again = true;
        while again {
            again = false;
            for op in self.heads.clone() {
                let compiled = &self.state.problem[op];
                again |= compiled.is_ok && compiled.changes_nothing && self.take(op);
            }
        }
    }
}
