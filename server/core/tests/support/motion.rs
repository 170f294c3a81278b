//! What happens in a [`World`]: one move at a time, or all of it; and what goes wrong in it.

use crate::random::Random;
use crate::world::World;
use holdback_testkit::{ALL, End};
use std::time::Duration;

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// What was sent from this end reaches the other one.
    Deliver(End),
    /// The first connection that was asked for is made, or fails.
    Dial,
    /// A replica has its turn: it has something to do, or its deadline has come.
    Turn(u16),
}

impl World {
    /// Everything that can happen now.
    pub(crate) fn moves(&self) -> Vec<Move> {
        let dial = (!self.dials.is_empty()).then_some(Move::Dial);
        let ways = self.network.open_ways().into_iter();
        let mut moves: Vec<Move> = dial.into_iter().chain(ways.map(Move::Deliver)).collect();
        for (node, id) in self.nodes.iter().zip(1..) {
            let deadline = node.host.driver().and_then(|driver| driver.deadline());
            let is_due = deadline.is_some_and(|deadline| deadline <= self.now);
            if is_due || node.turn_is_open || node.host.has_work() {
                moves.push(Move::Turn(id));
            }
        }
        moves
    }

    /// Makes a move; a delivery of at most `bytes`. One that is not possible any more does nothing.
    pub(crate) fn make(&mut self, step: Move, bytes: usize) {
        match step {
            Move::Deliver(end) => self.deliver_bytes(end, bytes),
            Move::Dial => self.dial(),
            Move::Turn(id) => self.turn(id),
        }
    }

    /// Makes every move until none is left. Time stands still.
    pub(crate) fn settle(&mut self) {
        for _ in 0..100_000 {
            let moves = self.moves();
            if moves.is_empty() {
                return;
            }
            for step in moves {
                self.make(step, usize::MAX);
            }
        }
        panic!("the world does not come to rest: {:?}", self.moves());
    }

    /// Makes a move drawn at random, if there is one; a delivery whole or in a random piece.
    pub(crate) fn move_at_random(&mut self, random: &mut Random) -> bool {
        let moves = self.moves();
        if moves.is_empty() {
            return false;
        }
        let whole = random.one_in(2);
        let bytes = if whole {
            usize::MAX
        } else {
            1 + random.index(90)
        };
        self.make(random.pick(&moves), bytes);
        true
    }

    /// Makes such moves until none is left.
    pub(crate) fn settle_at_random(&mut self, random: &mut Random) {
        while self.move_at_random(random) {}
    }

    /// Lets time pass, everything happening as soon as it can.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.settle();
            let drivers = self.nodes.iter().filter_map(|node| node.host.driver());
            match drivers.filter_map(|driver| driver.deadline()).min() {
                Some(deadline) if deadline < end => self.now = deadline.max(self.now),
                _ => break,
            }
        }
        self.now = end;
        self.settle();
    }

    fn deliver_bytes(&mut self, end: End, bytes: usize) {
        if !self.network.arrive(end, ALL, bytes) {
            return;
        }
        let at = end.other();
        let Some(node) = self.nodes.get_mut(self.network.party(at)) else {
            return self.read(at);
        };
        node.host.readable(at, &self.network);
        self.act(self.id_at(at));
    }

    fn id_at(&self, end: End) -> u16 {
        u16::try_from(self.network.party(end) + 1).expect("a small number")
    }

    fn dial(&mut self) {
        if self.dials.is_empty() {
            return;
        }
        let end = self.dials.remove(0);
        if self.network.is_gone(end) {
            return;
        }
        let (from, to) = (self.id_at(end), self.id_at(end.other()));
        let host = &mut self.nodes[usize::from(to) - 1].host;
        let is_there = host.driver().is_some();
        if is_there {
            host.knock(end.wire);
            self.act(to);
        }
        let host = &mut self.nodes[usize::from(from) - 1].host;
        host.dialled(end.wire, is_there);
        self.act(from);
    }

    // What goes wrong.

    /// Holds what one replica sends to another, and new connections too, until [`World::release`].
    pub(crate) fn hold(&mut self, from: u16, to: u16) {
        let [from, to] = [from, to].map(|id| usize::from(id) - 1);
        if !self.network.holds(from, to) {
            self.network.hold(from, to);
        }
    }

    pub(crate) fn release(&mut self, from: u16, to: u16) {
        self.network
            .release(usize::from(from) - 1, usize::from(to) - 1);
    }

    /// Holds both directions.
    pub(crate) fn part(&mut self, a: u16, b: u16) {
        self.hold(a, b);
        self.hold(b, a);
    }

    /// Ends [`World::part`].
    pub(crate) fn join(&mut self, a: u16, b: u16) {
        self.release(a, b);
        self.release(b, a);
    }

    /// Bytes that one replica has sent to another on their newest connection and that did not arrive.
    pub(crate) fn in_flight(&self, from: u16, to: u16) -> usize {
        let newest = self.newest(from, to);
        newest.map_or(0, |end| self.network.in_flight(end))
    }

    /// Delivers up to so many bytes, even if they are held.
    pub(crate) fn deliver(&mut self, from: u16, to: u16, bytes: usize) {
        if let Some(end) = self.newest(from, to) {
            self.deliver_bytes(end, bytes);
        }
    }

    /// Lets everything happen until so many bytes of a replica have reached another on their newest
    /// connection, or nothing more does; then holds it.
    pub(crate) fn settle_until_sent(&mut self, from: u16, to: u16, bytes: usize) {
        let mut left = bytes;
        self.hold(from, to);
        loop {
            self.settle();
            let count = left.min(self.in_flight(from, to));
            if count == 0 {
                return;
            }
            self.deliver(from, to, count);
            left -= count;
        }
    }

    /// Breaks the connections between two replicas: what is in flight is lost, and both ends are told
    /// when the world moves on.
    pub(crate) fn break_between(&mut self, a: u16, b: u16) {
        for end in self.connections(a, b) {
            self.network.break_both(end.wire);
        }
    }

    /// One replica loses its connections with another, which does not learn of it. What is in flight from
    /// the first may still arrive.
    pub(crate) fn lose(&mut self, loser: u16, other: u16) {
        for end in self.connections(loser, other) {
            if !self.network.is_gone(end) {
                self.network.lose(end);
                let host = &mut self.nodes[usize::from(loser) - 1].host;
                host.readable(end, &self.network);
                self.act(loser);
            }
        }
    }

    /// The connections between two replicas that one of them still has, the newest last: the ends of the first.
    pub(crate) fn connections(&self, from: u16, to: u16) -> Vec<End> {
        let [from, to] = [from, to].map(|id| usize::from(id) - 1);
        let wires = self.network.between(from, to);
        let end = |wire| match End::dialler(wire) {
            end if self.network.party(end) == from => end,
            end => end.other(),
        };
        let is_there =
            |end: &End| [*end, end.other()].map(|end| self.network.is_gone(end)) != [true; 2];
        wires.map(end).filter(is_there).collect()
    }

    /// The end of the first on the newest of them.
    fn newest(&self, from: u16, to: u16) -> Option<End> {
        self.connections(from, to).last().copied()
    }
}
