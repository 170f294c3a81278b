//! Orders that are forced: what must precede what, whatever else is true.
//!
//! If one value at a key has one writer only, a read that found it came behind that writer, and no other
//! write of the key lies between the two. So (after Gibbons and Korach, "Testing shared memories", 1997): what
//! follows the writer and overwrites the key follows the read too; and what precedes the read and overwrites
//! the key precedes the writer too. Together with program order (and real time, for linearizable) these rules
//! are applied until nothing new follows. A cycle proves that there is no order. That there is none proves
//! nothing, but it narrows the search.
//!
//! Operations lie in *chains*, each of which is in order: one for each process, one for each indeterminate
//! operation that must have happened, and, for real time, one of moments. For each operation it is enough to
//! know how much of each chain precedes it and follows it.

mod graph;
mod reads_from;

pub(super) use reads_from::{overwrites, reads_from};

use super::limits::Deadline;
use super::model::Key;
use super::needs::Needs;
use super::problem::{Op, Problem};
use reads_from::ReadFrom;
use std::collections::{BTreeSet, HashMap, HashSet};

/// An operation or a moment in the graph.
type Node = u32;

/// Why one operation precedes another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    /// The same process called it before.
    Program,
    /// It was completed before the other was invoked.
    RealTime,
    /// The second read what the first wrote.
    ReadsFrom(Key),
    /// The first read a value that `writer` (or, if none, nobody) wrote, and the second overwrote that.
    Overwritten(Key, Option<Op>),
    /// The first overwrote the key and precedes `reader`, which read what the second wrote.
    Replaced(Key, Op),
}

/// One operation precedes another, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Edge {
    pub(super) from: Op,
    pub(super) to: Op,
    pub(super) reason: Reason,
}

/// Operations times chains above which it is not tried.
const CELLS_MAX: usize = 60_000_000;

/// What precedes what.
#[derive(Clone, Debug, Default)]
pub(super) struct Forced {
    /// The node of each operation, and the operation of each node; moments have none.
    node_of: HashMap<Op, Node>,
    op_of: Vec<Option<Op>>,
    /// The chain of each node and its place there; and the nodes of each chain.
    place: Vec<(u32, u32)>,
    chain_nodes: Vec<Vec<Node>>,
    chains: usize,
    /// Of each node and chain: how many of the chain precede it.
    before: Vec<u32>,
    /// Of each node and chain: the first of the chain that follows it.
    after: Vec<u32>,
    out: Vec<Vec<(Node, Reason)>>,
    into: Vec<Vec<Node>>,
    cycle: Option<Vec<Edge>>,
}

impl Forced {
    /// Follows the rules for some operations of a problem, in the order of their invocations. Finds nothing if
    /// there are too many of them, or too little time.
    pub(super) fn new(
        problem: &Problem,
        needs: &Needs,
        operations: &[Op],
        real_time: bool,
        deadline: &Deadline,
    ) -> Self {
        Self::followed(problem, needs, operations, real_time, deadline).unwrap_or_default()
    }

    fn followed(
        problem: &Problem,
        needs: &Needs,
        operations: &[Op],
        real_time: bool,
        deadline: &Deadline,
    ) -> Option<Self> {
        let mut forced = Self::default();
        let reads_from = reads_from(needs, operations);
        let must: HashSet<Op> = reads_from.iter().filter_map(|found| found.writer).collect();
        let certain = |op: &Op| problem[*op].is_ok || must.contains(op);
        let operations: Vec<Op> = operations.iter().copied().filter(certain).collect();
        let edges = forced.lay_out(problem, &operations, real_time);
        if forced.op_of.len() * forced.chains > CELLS_MAX {
            return None;
        }
        forced.before = vec![0; forced.op_of.len() * forced.chains];
        forced.after = vec![u32::MAX; forced.op_of.len() * forced.chains];
        for (index, (from, to, reason)) in edges.into_iter().enumerate() {
            forced.precede(from, to, reason);
            if index % 64 == 0 && deadline.has_passed() {
                return None;
            }
        }
        for found in &reads_from {
            if deadline.has_passed() {
                return None;
            }
            if let Some(writer) = found.writer {
                let reason = Reason::ReadsFrom(found.key);
                forced.precede(
                    forced.node_of[&writer],
                    forced.node_of[&found.reader],
                    reason,
                );
            }
        }
        let writers = forced.writers(problem, &operations);
        let mut changed = true;
        while changed && forced.cycle.is_none() && !deadline.has_passed() {
            changed = false;
            for found in &reads_from {
                changed |= forced.follow(found, &writers);
                if forced.cycle.is_some() || deadline.has_passed() {
                    break;
                }
            }
        }
        Some(forced)
    }

    /// Of each key and chain the operations that certainly overwrite the key, by their places.
    fn writers(&self, problem: &Problem, operations: &[Op]) -> HashMap<Key, Vec<Vec<u32>>> {
        let mut writers: HashMap<Key, Vec<Vec<u32>>> = HashMap::new();
        for &op in operations {
            let (chain, index) = self.place[self.node_of[&op] as usize];
            for &key in problem.keys(op) {
                if overwrites(problem, op, key) {
                    let of_key = writers
                        .entry(key)
                        .or_insert_with(|| vec![Vec::new(); self.chains]);
                    of_key[chain as usize].push(index);
                }
            }
        }
        writers
    }

    /// Applies the rules to one read. Whether anything new followed.
    fn follow(&mut self, found: &ReadFrom, writers: &HashMap<Key, Vec<Vec<u32>>>) -> bool {
        let Some(of_key) = writers.get(&found.key) else {
            return false;
        };
        let reader = self.node_of[&found.reader];
        let writer = found.writer.map(|writer| self.node_of[&writer]);
        let mut changed = false;
        for (chain, indices) in of_key.iter().enumerate() {
            if indices.is_empty() {
                continue;
            }
            let own = |index: u32| {
                let place = (chain as u32, index);
                self.place[reader as usize] == place
                    || writer.is_some_and(|writer| self.place[writer as usize] == place)
            };
            let follows = writer.map_or(0, |writer| self.after[self.cell(writer, chain)]);
            let from = indices.partition_point(|index| *index < follows);
            let next = indices[from..].iter().copied().find(|index| !own(*index));
            let precedes = self.before[self.cell(reader, chain)];
            let until = indices.partition_point(|index| *index < precedes);
            let last = indices[..until]
                .iter()
                .rev()
                .copied()
                .find(|index| !own(*index));
            if let Some(index) = next {
                let other = self.at(chain, index);
                let reason = Reason::Overwritten(found.key, found.writer);
                changed |= self.precede(reader, other, reason);
            }
            if let (Some(index), Some(writer)) = (last, writer)
                && self.cycle.is_none()
            {
                let other = self.at(chain, index);
                let reason = Reason::Replaced(found.key, found.reader);
                changed |= self.precede(other, writer, reason);
            }
            if self.cycle.is_some() {
                return true;
            }
        }
        changed
    }

    /// Whether all that must precede an operation has been taken.
    pub(super) fn is_ready(&self, op: Op, taken: impl Fn(Op) -> bool) -> bool {
        let Some(&node) = self.node_of.get(&op) else {
            return true;
        };
        self.into[node as usize]
            .iter()
            .all(|from| self.op_of[*from as usize].is_none_or(&taken))
    }

    /// The edges that lead from an operation back to itself, if there are such.
    pub(super) fn cycle(&self) -> Option<&[Edge]> {
        self.cycle.as_deref()
    }

    /// The operations that a cycle's edges rest on, if there is a cycle: they cannot be ordered.
    pub(super) fn proof(&self) -> Option<Vec<Op>> {
        let mut found: BTreeSet<Op> = BTreeSet::new();
        for Edge { from, to, reason } in self.story(self.cycle()?) {
            found.extend([from, to]);
            if let Reason::Overwritten(_, Some(other)) | Reason::Replaced(_, other) = reason {
                found.insert(other);
            }
        }
        Some(found.into_iter().collect())
    }

    /// The edges of a cycle, each behind those of the way that made its rule apply.
    pub(super) fn story(&self, cycle: &[Edge]) -> Vec<Edge> {
        let mut story: Vec<Edge> = Vec::new();
        let mut seen: HashSet<(Op, Op)> = HashSet::new();
        // An edge is told when it comes up again, behind what it rests on.
        let mut open: Vec<(Edge, bool)> = cycle.iter().rev().map(|edge| (*edge, false)).collect();
        while let Some((edge, is_ready)) = open.pop() {
            if is_ready {
                story.push(edge);
                continue;
            }
            if !seen.insert((edge.from, edge.to)) {
                continue;
            }
            open.push((edge, true));
            let way = match edge.reason {
                Reason::Overwritten(_, Some(writer)) => self.way(writer, edge.to),
                Reason::Replaced(_, reader) => self.way(edge.from, reader),
                _ => Vec::new(),
            };
            open.extend(way.into_iter().rev().map(|edge| (edge, false)));
        }
        story
    }

    /// The shortest way from one operation to another.
    fn way(&self, from: Op, to: Op) -> Vec<Edge> {
        let (from, to) = (self.node_of[&from], self.node_of[&to]);
        self.operations_on(self.steps(from, to))
    }
}
