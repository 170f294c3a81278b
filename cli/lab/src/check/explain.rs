//! Why a few operations cannot be ordered, in words.

use super::attempt;
use super::describe;
use super::forced::{Edge, Forced, Reason};
use super::limits::Deadline;
use super::model::Key;
use super::needs::Needs;
use super::problem::{Op, Problem};
use crate::history::History;
use holdback::consistency::Consistency;

/// Explains a history of a few operations that do not satisfy a model. `#1` is the first of them.
pub(super) fn explain(history: &History, model: Consistency) -> String {
    let mut problem = Problem::new(history);
    let needs = Needs::new(&mut problem);
    let real_time = model == Consistency::Linearizable;
    let operations = problem.ops_with_keys();
    let deadline = Deadline::after(None);
    let forced = Forced::new(&problem, &needs, &operations, real_time, &deadline);
    if let Some(cycle) = forced.cycle() {
        let explanation = Explanation {
            problem: &problem,
            needs: &needs,
            forced: &forced,
        };
        return explanation.cycle(cycle);
    }
    let kept = match real_time {
        true => "real time and the program order of each process",
        false => "the program order of each process",
    };
    let words = format!("Whatever order keeps {kept}, some answer is wrong.");
    match attempt::longest(&problem, real_time) {
        Some(end) => format!("{words}\n{end}"),
        None => words,
    }
}

struct Explanation<'a> {
    problem: &'a Problem,
    needs: &'a Needs,
    forced: &'a Forced,
}

impl Explanation<'_> {
    fn cycle(&self, cycle: &[Edge]) -> String {
        let mut sentences: Vec<String> = Vec::new();
        for edge in self.forced.story(cycle) {
            let sentence = self.edge(&edge);
            if !sentences.contains(&sentence) {
                sentences.push(sentence);
            }
        }
        let mut around: Vec<String> = cycle.iter().map(|edge| self.name(edge.from)).collect();
        around.extend(cycle.first().map(|edge| self.name(edge.from)));
        sentences.push(format!(
            "So they would have to happen in a circle: {}.",
            around.join(" before ")
        ));
        sentences.join("\n")
    }

    /// `#2`
    fn name(&self, op: Op) -> String {
        format!("#{}", self.problem[op].source + 1)
    }

    /// What an operation found at a key.
    fn found(&self, reader: Op, key: Key) -> String {
        let slots = self.needs.required(reader).iter();
        let mut wanted = slots.map(|slot| self.needs.wanted[*slot as usize]);
        let value = wanted.find(|(of, _)| *of == key).map(|(_, value)| value);
        let value = value.map_or("?".into(), |value| {
            describe::value(&self.problem.values, value)
        });
        format!("`{}` = {value}", describe::key(self.problem, key))
    }

    fn edge(&self, edge: &Edge) -> String {
        let (from, to) = (self.name(edge.from), self.name(edge.to));
        let why = match edge.reason {
            Reason::Program => {
                let process = self.problem[edge.to].process;
                format!("process {process} called them in this order")
            }
            Reason::RealTime => format!("it was completed before {to} was invoked"),
            Reason::ReadsFrom(key) => {
                let found = self.found(edge.to, key);
                format!("{to} found {found}, which only {from} wrote")
            }
            Reason::Overwritten(key, None) => {
                let found = self.found(edge.from, key);
                let key = describe::key(self.problem, key);
                format!("{from} found {found}, and {to} wrote `{key}`")
            }
            Reason::Overwritten(key, Some(writer)) => {
                let (found, writer) = (self.found(edge.from, key), self.name(writer));
                format!("{from} found {found} as {writer} left it, and {to} overwrote that later")
            }
            Reason::Replaced(key, reader) => {
                let (found, reader) = (self.found(reader, key), self.name(reader));
                let key = describe::key(self.problem, key);
                format!(
                    "{reader}, which comes after {from}, still found {found} as {to} left it, although {from} \
                     wrote `{key}` too"
                )
            }
        };
        format!("{from} comes before {to}: {why}.")
    }
}
