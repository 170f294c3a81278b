//! The graph of what precedes what, in chains, and ways through it.

use super::{Edge, Forced, Node, Reason};
use crate::check::problem::{Op, Problem};
use crate::history::Moment;
use std::collections::{HashMap, VecDeque};

impl Forced {
    /// Puts operations into chains. Returns the edges of program order and real time.
    pub(super) fn lay_out(
        &mut self,
        problem: &Problem,
        operations: &[Op],
        real_time: bool,
    ) -> Vec<(Node, Node, Reason)> {
        let mut edges = Vec::new();
        let mut lengths: Vec<u32> = Vec::new();
        let mut last_ok: HashMap<u64, Node> = HashMap::new();
        for &op in operations {
            let compiled = &problem[op];
            let before = last_ok.get(&compiled.process).copied();
            let node = self.op_of.len() as Node;
            let chain = match before.filter(|_| compiled.is_ok) {
                Some(before) => self.place[before as usize].0,
                None => {
                    lengths.push(0);
                    lengths.len() as u32 - 1
                }
            };
            self.place.push((chain, lengths[chain as usize]));
            lengths[chain as usize] += 1;
            self.node_of.insert(op, node);
            self.op_of.push(Some(op));
            edges.extend(before.map(|before| (before, node, Reason::Program)));
            if compiled.is_ok {
                last_ok.insert(compiled.process, node);
            }
        }
        if real_time {
            edges.extend(self.lay_out_moments(problem, operations, lengths.len() as u32));
            lengths.push(0);
        }
        self.chains = lengths.len();
        self.chain_nodes = vec![Vec::new(); self.chains];
        for (node, (chain, _)) in (0..).zip(&self.place) {
            self.chain_nodes[*chain as usize].push(node);
        }
        self.out = vec![Vec::new(); self.op_of.len()];
        self.into = vec![Vec::new(); self.op_of.len()];
        edges
    }

    /// Adds a node for each moment of an invocation: all that was completed before precedes it, and it
    /// precedes what was invoked then and later.
    fn lay_out_moments(
        &mut self,
        problem: &Problem,
        operations: &[Op],
        chain: u32,
    ) -> Vec<(Node, Node, Reason)> {
        let invoked = |op: &Op| problem[*op].invoked;
        let mut moments: Vec<Moment> = operations.iter().map(invoked).collect();
        moments.sort_unstable();
        moments.dedup();
        let first = self.op_of.len() as Node;
        let mut edges = Vec::new();
        for index in 0..moments.len() as u32 {
            self.op_of.push(None);
            self.place.push((chain, index));
            if index > 0 {
                edges.push((first + index - 1, first + index, Reason::RealTime));
            }
        }
        for op in operations {
            let node = self.node_of[op];
            let compiled = &problem[*op];
            let own = moments.partition_point(|moment| *moment < compiled.invoked);
            edges.push((first + own as Node, node, Reason::RealTime));
            let next = moments.partition_point(|moment| *moment <= compiled.deadline);
            if next < moments.len() {
                edges.push((node, first + next as Node, Reason::RealTime));
            }
        }
        edges
    }

    pub(super) fn cell(&self, node: Node, chain: usize) -> usize {
        node as usize * self.chains + chain
    }

    pub(super) fn at(&self, chain: usize, index: u32) -> Node {
        self.chain_nodes[chain][index as usize]
    }

    /// Whether one node precedes another for all that is known.
    fn is_before(&self, a: Node, b: Node) -> bool {
        let (chain, index) = self.place[a as usize];
        self.before[self.cell(b, chain as usize)] > index
    }

    /// Notes that one node precedes another. Whether that is new; a cycle is kept.
    pub(super) fn precede(&mut self, from: Node, to: Node, reason: Reason) -> bool {
        if self.cycle.is_some() || (from != to && self.is_before(from, to)) {
            return false;
        }
        if from == to || self.is_before(to, from) {
            self.cycle = Some(self.close(from, to, reason));
            return true;
        }
        self.out[from as usize].push((to, reason));
        self.into[to as usize].push(from);
        self.spread_forwards(from, to);
        self.spread_backwards(from, to);
        true
    }

    fn spread_forwards(&mut self, from: Node, to: Node) {
        let mut queue = VecDeque::from([(from, to)]);
        while let Some((from, to)) = queue.pop_front() {
            let (chain, index) = self.place[from as usize];
            let mut changed = false;
            for at in 0..self.chains {
                let mut known = self.before[self.cell(from, at)];
                if at == chain as usize {
                    known = known.max(index + 1);
                }
                let cell = self.cell(to, at);
                if self.before[cell] < known {
                    self.before[cell] = known;
                    changed = true;
                }
            }
            if changed {
                queue.extend(self.out[to as usize].iter().map(|(next, _)| (to, *next)));
            }
        }
    }

    fn spread_backwards(&mut self, from: Node, to: Node) {
        let mut queue = VecDeque::from([(from, to)]);
        while let Some((from, to)) = queue.pop_front() {
            let (chain, index) = self.place[to as usize];
            let mut changed = false;
            for at in 0..self.chains {
                let mut known = self.after[self.cell(to, at)];
                if at == chain as usize {
                    known = known.min(index);
                }
                let cell = self.cell(from, at);
                if self.after[cell] > known {
                    self.after[cell] = known;
                    changed = true;
                }
            }
            if changed {
                queue.extend(self.into[from as usize].iter().map(|last| (*last, from)));
            }
        }
    }

    /// The edges of a cycle that a new edge closes: the shortest way from its end to its start.
    fn close(&self, from: Node, to: Node, reason: Reason) -> Vec<Edge> {
        let mut steps = self.steps(to, from);
        steps.push((from, to, reason));
        let first = steps
            .iter()
            .position(|(from, ..)| self.op_of[*from as usize].is_some());
        steps.rotate_left(first.unwrap_or(0));
        self.operations_on(steps)
    }

    /// The steps of the shortest way from one node to another.
    pub(super) fn steps(&self, from: Node, to: Node) -> Vec<(Node, Node, Reason)> {
        let mut came: HashMap<Node, (Node, Reason)> = HashMap::new();
        let mut queue = VecDeque::from([from]);
        while let Some(node) = queue.pop_front() {
            if node == to {
                break;
            }
            for &(next, reason) in &self.out[node as usize] {
                if next != from && !came.contains_key(&next) {
                    came.insert(next, (node, reason));
                    queue.push_back(next);
                }
            }
        }
        let mut steps = Vec::new();
        let mut node = to;
        while node != from {
            let Some(&(last, reason)) = came.get(&node) else {
                break;
            };
            steps.push((last, node, reason));
            node = last;
        }
        steps.reverse();
        steps
    }

    /// Steps as edges between operations: those over moments become one step of real time.
    pub(super) fn operations_on(&self, steps: Vec<(Node, Node, Reason)>) -> Vec<Edge> {
        let mut edges = Vec::new();
        let mut start = None;
        for (from, to, reason) in steps {
            start = self.op_of[from as usize].or(start);
            if let (Some(from), Some(to)) = (start, self.op_of[to as usize]) {
                edges.push(Edge { from, to, reason });
            }
        }
        edges
    }
}
