//! Linearizable, from the history alone.

use super::board::Board;
use super::needs::Needs;
use super::problem::{Op, Problem, groups};
use super::search::{Found, Search};
use super::verdict::{Blame, CounterExample, Kind};
use super::{Deadline, Limits, Verdict};
use crate::history::History;
use holdback::consistency::Consistency;

/// What was found of a history, before anybody explains it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Finding {
    /// In this order of the operations.
    Yes(Vec<usize>),
    /// These operations of the history cannot be ordered.
    No(Kind, Vec<usize>),
    Unknown(String),
}

/// Whether a history is linearizable.
#[must_use]
pub fn linearizable(history: &History, limits: &Limits) -> Verdict {
    let deadline = Deadline::after(limits.timeout);
    match find(history, &deadline) {
        Finding::Yes(_) => Verdict::Yes,
        Finding::Unknown(why) => Verdict::Unknown(why),
        Finding::No(kind, operations) => Verdict::No(Box::new(CounterExample {
            model: Consistency::Linearizable,
            kind,
            operations,
            words: String::new(),
            positions: Vec::new(),
            is_minimal: false,
            blame: Blame::History,
        })),
    }
}

/// Whether a history is linearizable; if not, a group of operations that is not.
pub(super) fn find(history: &History, deadline: &Deadline) -> Finding {
    let mut problem = Problem::new(history);
    let needs = Needs::new(&mut problem);
    let sources = |operations: &[Op]| {
        let operations = operations.iter();
        operations
            .map(|op| problem.operations[*op as usize].source)
            .collect()
    };
    let mut board = Board::new(&problem, &needs, problem.ops());
    let mut search = Search::new(&mut board, deadline);
    let mut unknown = None;
    for group in groups(&problem) {
        match search.group(&group) {
            Found::Order => {}
            Found::Nothing(_) => return Finding::No(Kind::NoOrder, sources(&group)),
            Found::GaveUp(why) => unknown = Some(why),
        }
    }
    match unknown {
        Some(why) => Finding::Unknown(why),
        None => Finding::Yes(sources(&board.order())),
    }
}
