//! Verdicts from the history alone.

use super::counter_example;
use super::eventual::never_written;
use super::forced::Forced;
use super::needs::Needs;
use super::problem::{Op, Problem, groups};
use super::search::{self, Found, Keep, Search};
use super::sequential::SequentialSearch;
use super::stale;
use super::state::SearchState;
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

/// Whether a history satisfies an ordered model.
pub(super) fn verdict(history: &History, limits: &Limits, model: Consistency) -> Verdict {
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
    for op in problem.ops() {
        let until = match real_time {
            true => problem[op].deadline,
            false => Moment::MAX,
        };
        if let Some(words) = never_written(history, &problem, &needs, op, until) {
            let operations = problem.sources([op]);
            return Finding::No(Kind::NeverWritten, operations, Some(words));
        }
    }
    let found = match real_time.then(|| stale::find(&problem, &needs)) {
        Some(Some(operations)) => Err(Stuck::Nothing(operations)),
        Some(None) => find_linearizable(&problem, &needs, deadline),
        None => find_sequential(&problem, &needs, deadline),
    };
    match found {
        Ok(order) => Finding::Yes(problem.sources(order)),
        Err(Stuck::Nothing(operations)) => {
            Finding::No(Kind::NoOrder, problem.sources(operations), None)
        }
        Err(Stuck::GaveUp(why)) => Finding::Unknown(why),
    }
}

/// Why there is no order, or none was found.
enum Stuck {
    Nothing(Vec<Op>),
    GaveUp(String),
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
                // The whole group, if what is forced does not show which few of it are wrong.
                let forced = Forced::new(problem, needs, &group, true, deadline);
                return Err(Stuck::Nothing(forced.proof().unwrap_or(group)));
            }
            Found::GaveUp(_) => {}
        }
        let forced = Forced::new(problem, needs, &group, true, deadline);
        if let Some(proof) = forced.proof() {
            return Err(Stuck::Nothing(proof));
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

fn find_sequential(
    problem: &Problem,
    needs: &Needs,
    deadline: &Deadline,
) -> Result<Vec<Op>, Stuck> {
    if let Ok(order) = find_linearizable(problem, needs, &deadline.part(4)) {
        return Ok(order);
    }
    let all = problem.ops_with_keys();
    let forced = Forced::new(problem, needs, &all, false, deadline);
    if let Some(proof) = forced.proof() {
        return Err(Stuck::Nothing(proof));
    }
    let times = search::times(problem, Keep::RealTimeOfWrites);
    let mut state = SearchState::new(problem, needs, times);
    let soon = deadline.part(2);
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
