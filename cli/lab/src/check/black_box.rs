//! Verdicts from the history alone.

use super::counter_example;
use super::eventual::{Firsts, never_written};
use super::forced::{self, Forced};
use super::needs::Needs;
use super::problem::{Op, Problem, groups};
use super::search::{self, Found, Keep, Search};
use super::sequential::{self, SequentialSearch};
use super::stale;
use super::state::SearchState;
use super::values::ABSENT;
use super::verdict::Kind;
use super::{Deadline, Limits, Verdict};
use crate::history::{History, Moment};
use holdback::consistency::Consistency;

/// Steps of a search for each operation before it is asked first what is forced.
const STEPS_PER_OPERATION: u64 = 20;

/// What was found of a history, before anybody explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// In this order of the operations.
    Yes(Vec<usize>),
    /// These operations of the history cannot be ordered, or one of them was answered with what nobody wrote;
    /// then why, in words.
    No(Kind, Vec<usize>, Option<String>),
    Unknown(String),
}

/// Whether a history is linearizable.
#[must_use]
pub fn linearizable(history: &History, limits: &Limits) -> Verdict {
    verdict(history, limits, Consistency::Linearizable)
}

/// Whether a history is sequentially consistent.
#[must_use]
pub fn sequential(history: &History, limits: &Limits) -> Verdict {
    verdict(history, limits, Consistency::Sequential)
}

fn verdict(history: &History, limits: &Limits, model: Consistency) -> Verdict {
    let deadline = Deadline::after(limits.timeout);
    match find(history, model, &deadline) {
        Finding::Yes(_) => Verdict::Yes,
        Finding::Unknown(why) => Verdict::Unknown(why),
        Finding::No(kind, operations, words) => {
            let found = counter_example::Seed {
                history,
                model,
                kind,
                operations,
                words,
            };
            Verdict::No(Box::new(found.shrink(limits)))
        }
    }
}

/// Whether a history satisfies an ordered model; if not, operations that do not.
pub(super) fn find(history: &History, model: Consistency, deadline: &Deadline) -> Finding {
    let mut problem = Problem::new(history);
    let needs = Needs::new(&mut problem);
    let real_time = model == Consistency::Linearizable;
    if let Some(found) = unwritten(history, &problem, &needs, real_time) {
        return found;
    }
    if real_time && let Some(operations) = stale::find(&problem, &needs) {
        let sources = operations.into_iter();
        let sources = sources.map(|op| problem.operations[op as usize].source);
        return Finding::No(Kind::NoOrder, sources.collect(), None);
    }
    let found = if real_time {
        find_linearizable(&problem, &needs, deadline)
    } else {
        find_sequential(&problem, &needs, deadline)
    };
    let sources = |operations: Vec<Op>| {
        let operations = operations.into_iter();
        let sources = operations.map(|op| problem.operations[op as usize].source);
        sources.collect()
    };
    match found {
        Ok(order) => Finding::Yes(sources(order)),
        Err(Stuck::Nothing(operations)) => Finding::No(Kind::NoOrder, sources(operations), None),
        Err(Stuck::GaveUp(why)) => Finding::Unknown(why),
    }
}

/// Why there is no order, or none was found.
enum Stuck {
    Nothing(Vec<Op>),
    GaveUp(String),
}

/// A read of what nobody wrote, or nobody had written by then.
fn unwritten(
    history: &History,
    problem: &Problem,
    needs: &Needs,
    real_time: bool,
) -> Option<Finding> {
    let firsts = Firsts::new(problem, needs);
    for op in problem.ops() {
        let compiled = &problem.operations[op as usize];
        for slot in needs.found(op) {
            let (key, value) = needs.wanted[slot as usize];
            let first = firsts.of(needs, slot, op);
            let limit = if real_time {
                compiled.deadline
            } else {
                Moment::MAX - 1
            };
            if value != ABSENT && first > limit {
                let at = compiled.source;
                let words = never_written(history, problem, at, (key, value), first);
                return Some(Finding::No(Kind::NeverWritten, vec![at], Some(words)));
            }
        }
    }
    None
}

fn find_linearizable(
    problem: &Problem,
    needs: &Needs,
    deadline: &Deadline,
) -> Result<Vec<Op>, Stuck> {
    let times = search::times(problem, Keep::RealTime);
    let mut state = SearchState::new(problem, needs, times);
    let mut search = Search::new(&mut state, Keep::RealTime, deadline);
    let mut unknown = None;
    for group in groups(problem) {
        match search.group(&group, STEPS_PER_OPERATION * group.len() as u64 + 1000) {
            Found::Order => continue,
            Found::Nothing(_) => {
                return Err(Stuck::Nothing(proof(problem, needs, group, deadline)));
            }
            Found::GaveUp(_) => {}
        }
        let (forced, outcome) = Forced::new(problem, needs, &group, true, deadline);
        if let forced::Outcome::Cycle(cycle) = outcome {
            return Err(Stuck::Nothing(forced.support(&cycle)));
        }
        match search.group(&group, u64::MAX) {
            Found::Order => {}
            Found::Nothing(_) => return Err(Stuck::Nothing(group)),
            Found::GaveUp(why) => unknown = Some(why),
        }
    }
    match unknown {
        Some(why) => Err(Stuck::GaveUp(why)),
        None => Ok(state.order()),
    }
}

/// A few operations of a group that cannot be ordered; the whole group, if what is forced does not show it.
fn proof(problem: &Problem, needs: &Needs, group: Vec<Op>, deadline: &Deadline) -> Vec<Op> {
    match Forced::new(problem, needs, &group, true, deadline) {
        (forced, forced::Outcome::Cycle(cycle)) => forced.support(&cycle),
        _ => group,
    }
}

fn find_sequential(
    problem: &Problem,
    needs: &Needs,
    deadline: &Deadline,
) -> Result<Vec<Op>, Stuck> {
    if let Ok(order) = find_linearizable(problem, needs, &deadline.part(4)) {
        return Ok(order);
    }
    let (forced, outcome) = sequential::follow(problem, needs, deadline);
    if let forced::Outcome::Cycle(cycle) = outcome {
        return Err(Stuck::Nothing(forced.support(&cycle)));
    }
    let times = search::times(problem, Keep::RealTimeOfWrites);
    let mut state = SearchState::new(problem, needs, times);
    let soon = deadline.part(2);
    let all: Vec<Op> = problem
        .ops()
        .filter(|op| !problem.keys(*op).is_empty())
        .collect();
    let likely = Search::new(&mut state, Keep::RealTimeOfWrites, &soon).group(&all, u64::MAX);
    if likely == Found::Order {
        return Ok(state.order());
    }
    let whenever = vec![(0, Moment::MAX); problem.operations.len()];
    let mut state = SearchState::new(problem, needs, whenever);
    match SequentialSearch::new(&mut state, &forced, deadline).run() {
        Found::Order => Ok(state.order()),
        Found::Nothing(_) => Err(Stuck::Nothing(problem.ops().collect())),
        Found::GaveUp(why) => Err(Stuck::GaveUp(why)),
    }
}
