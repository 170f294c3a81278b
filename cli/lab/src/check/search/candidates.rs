//! Which operations can be next, and which of them is the most promising.

use super::Search;
use crate::check::hash::QuickSet;
use crate::check::model::{Act, Key, Part, Reply};
use crate::check::problem::Op;
use crate::check::values::{ABSENT, Value};

impl Search<'_, '_> {
    /// Whether the operation needs something that is not there and cannot come again.
    pub(super) fn is_hopeless(&self, op: Op) -> bool {
        let needs = self.state.needs;
        needs.required(op).iter().any(|&slot| {
            let (key, value) = needs.wanted[slot as usize];
            self.state.held(key) != value && !self.state.can_be_supplied(slot, op)
        })
    }

    /// The open operations that are connected with one, itself included. Appends all their keys to the list.
    pub(super) fn connected(&mut self, urgent: Op) -> Vec<Op> {
        self.visit += 1;
        let visit = self.visit;
        let problem = self.state.problem;
        let mut found = vec![urgent];
        self.visited_ops[urgent as usize] = visit;
        let mut at = 0;
        while at < found.len() {
            let op = found[at];
            at += 1;
            let compiled = &problem[op];
            if let Some(before) = compiled.before.filter(|_| !self.is_next(op))
                && self.visited_ops[before as usize] != visit
            {
                self.visited_ops[before as usize] = visit;
                found.push(before);
            }
            for &key in problem.keys(op) {
                if self.visited_keys[key.0 as usize] == visit {
                    continue;
                }
                self.visited_keys[key.0 as usize] = visit;
                self.keys.push(key);
                for other in self.state.open_at(key) {
                    if self.visited_ops[other as usize] != visit {
                        self.visited_ops[other as usize] = visit;
                        found.push(other);
                    }
                }
            }
        }
        found
    }

    /// Leaves the candidates that can be next in their process, the most promising first.
    pub(super) fn rank(&mut self, urgent: Op, candidates: &mut Vec<Op>) {
        let problem = self.state.problem;
        let needs = self.state.needs;
        candidates.retain(|&op| self.is_next(op));
        let mut kinds: QuickSet<&[Part]> = QuickSet::default();
        candidates.sort_unstable();
        candidates.retain(|&op| problem[op].is_ok || kinds.insert(problem.parts(op)));
        if candidates.len() < 2 {
            return;
        }
        let missing: Vec<(Key, Value)> = needs
            .required(urgent)
            .iter()
            .map(|&slot| needs.wanted[slot as usize])
            .filter(|&(key, value)| self.state.held(key) != value)
            .collect();
        candidates.sort_by_cached_key(|&op| {
            let class = match op {
                _ if op == urgent => 0,
                _ if missing.iter().any(|want| self.leads_to(op, *want)) => 1,
                _ if problem[op].is_ok => 2,
                _ => 3,
            };
            (class, self.state.times(op).1)
        });
    }

    /// Whether an operation makes, or begins to make, a value at a key.
    fn leads_to(&mut self, op: Op, (key, value): (Key, Value)) -> bool {
        let parts = self.state.problem.parts(op);
        let mut parts = parts.iter().filter(|part| part.key == key);
        parts.any(|part| match (part.act, part.reply) {
            (Act::Set(new) | Act::SetNx(new) | Act::GetSet(new) | Act::Cas(_, new), _) => {
                new == value
            }
            (Act::Incr, Reply::Number(number)) => self.state.values.of_number(number) == value,
            (Act::Append(suffix), _) => {
                let held = self.state.held(key);
                let new = self.state.values.join(held, suffix);
                self.state.values.begins_with(value, new)
            }
            (Act::Del, _) => value == ABSENT,
            _ => false,
        })
    }
}
