//! What happens in a [`World`]: one move at a time, or all of it; and what goes wrong in it.

use crate::network::{Party, Sending, new_decoder};
use crate::random::Random;
use crate::world::World;
use holdback::multicast::ReplicaId;
use holdback::replica::Replica;
use std::time::Duration;

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Move {
    /// What the end at this side of the line sent reaches the other one.
    Deliver(usize, usize),
    /// The other end learns that the one at this side sends no more.
    Tell(usize, usize),
    /// The replica at this end takes what was delivered while it had paused.
    HandIn(usize, usize),
    /// The first connection that was asked for is made, or fails.
    Dial,
    /// A replica's deadline has come.
    Tick(u16),
    /// A replica's turn ends (only if [`World::long_turns`]).
    EndTurn(u16),
}

impl World {
    /// Everything that can happen now.
    pub(crate) fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        if !self.network.dials.is_empty() {
            moves.push(Move::Dial);
        }
        for (line, ends) in self.network.lines.iter().enumerate() {
            for (side, end) in ends.iter().enumerate() {
                let other = &ends[1 - side];
                let can_take = other.open && !self.network.is_held(line, side);
                let ended = matches!(end.sending, Sending::Ended | Sending::Broken);
                if can_take && !end.outgoing.is_empty() {
                    moves.push(Move::Deliver(line, side));
                } else if can_take && ended && !other.paused && !other.resumed {
                    moves.push(Move::Tell(line, side));
                }
                if end.open && end.resumed && !end.paused {
                    moves.push(Move::HandIn(line, side));
                }
            }
        }
        for (node, id) in self.nodes.iter().zip(1..) {
            let deadline = node.replica.as_ref().and_then(Replica::deadline);
            if deadline.is_some_and(|deadline| deadline <= self.now) {
                moves.push(Move::Tick(id));
            }
            if node.turn_is_open {
                moves.push(Move::EndTurn(id));
            }
        }
        moves
    }

    /// Makes a move; a delivery of at most `bytes`. One that is not possible any more does nothing.
    pub(crate) fn make(&mut self, step: Move, bytes: usize) {
        match step {
            Move::Deliver(line, side) => self.deliver_bytes(line, side, bytes),
            Move::Tell(line, side) => {
                self.tell(line, 1 - side, self.network.lines[line][side].sending);
            }
            Move::HandIn(line, side) => self.hand_in(line, side),
            Move::Dial => self.dial(),
            Move::Tick(id) => self.with_replica(id, |replica, turn| replica.tick(turn)),
            Move::EndTurn(id) => self.end_turn(id),
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

    /// Makes moves drawn at random until none is left, deliveries in random pieces.
    pub(crate) fn settle_at_random(&mut self, random: &mut Random) {
        loop {
            let moves = self.moves();
            if moves.is_empty() {
                return;
            }
            let bytes = if random.chance(2) {
                usize::MAX
            } else {
                1 + random.below(60)
            };
            self.make(*random.pick(&moves), bytes);
        }
    }

    /// Lets time pass, everything happening as soon as it can.
    pub(crate) fn pass(&mut self, duration: Duration) {
        let end = self.now + duration;
        loop {
            self.settle();
            let replicas = self.nodes.iter().filter_map(|node| node.replica.as_ref());
            match replicas.filter_map(Replica::deadline).min() {
                Some(deadline) if deadline < end => self.now = deadline.max(self.now),
                _ => break,
            }
        }
        self.now = end;
        self.settle();
    }

    fn deliver_bytes(&mut self, line: usize, side: usize, bytes: usize) {
        let ends = &mut self.network.lines[line];
        let count = bytes.min(ends[side].outgoing.len());
        let bytes: Vec<u8> = ends[side].outgoing.drain(..count).collect();
        let to = &mut ends[1 - side];
        match to.party {
            _ if !to.open => {}
            Party::Client(client) => self.clients[client].read(&bytes),
            Party::Replica(..) => {
                to.input.extend_from_slice(&bytes);
                self.hand_in(line, 1 - side);
            }
        }
    }

    /// Hands what has arrived at a replica's end to it, frame by frame, and ends its turn.
    fn hand_in(&mut self, line: usize, side: usize) {
        let end = &mut self.network.lines[line][side];
        let Party::Replica(id, connection) = end.party else {
            return;
        };
        end.resumed = false;
        let mut decoder = std::mem::replace(&mut end.decoder, new_decoder());
        let input = std::mem::take(&mut end.input);
        let mut taken = 0;
        self.extend_turn(|world| {
            loop {
                let end = &world.network.lines[line][side];
                if !end.open || end.paused {
                    break;
                }
                match decoder.decode(&input[taken..]) {
                    Ok(Some(length)) => {
                        let frame = decoder.frame(&input[taken..]);
                        world.with_replica(id, |replica, turn| {
                            replica.frame(connection, frame, turn);
                        });
                        taken += length;
                    }
                    Ok(None) => break,
                    Err(error) => {
                        world.with_replica(id, |replica, turn| {
                            replica.malformed(connection, &error, turn);
                        });
                        taken = input.len();
                        break;
                    }
                }
            }
        });
        let end = &mut self.network.lines[line][side];
        end.decoder = decoder;
        if end.open {
            end.input = input[taken..].to_vec();
        }
        self.with_replica(id, |_, _| {});
    }

    /// Has several things happen within one turn.
    fn extend_turn(&mut self, act: impl FnOnce(&mut Self)) {
        let long = std::mem::replace(&mut self.long_turns, true);
        act(self);
        self.long_turns = long;
    }

    fn end_turn(&mut self, id: u16) {
        let long = std::mem::replace(&mut self.long_turns, false);
        self.with_replica(id, |_, _| {});
        self.long_turns = long;
    }

    /// Tells the end at a side that the other one sends no more.
    fn tell(&mut self, line: usize, side: usize, how: Sending) {
        if !self.network.lines[line][side].open {
            return;
        }
        match self.network.lines[line][side].party {
            Party::Client(client) => {
                self.clients[client].closed = true;
                self.network.leave(line, side);
            }
            Party::Replica(id, connection) if how == Sending::Ended => {
                // It is told once; what it sends itself goes on.
                self.network.lines[line][1 - side].sending = Sending::Silent;
                self.with_replica(id, |replica, turn| {
                    replica.end_of_input(connection, turn);
                });
            }
            Party::Replica(id, connection) => {
                self.network.leave(line, side);
                self.with_replica(id, |replica, turn| {
                    replica.closed(connection, "broken", turn);
                });
            }
        }
    }

    fn dial(&mut self) {
        if self.network.dials.is_empty() {
            return;
        }
        let (from, to) = self.network.dials.remove(0);
        let runs = |id: u16| self.nodes[usize::from(id) - 1].replica.is_some();
        if !runs(to) {
            return self.with_replica(from, |replica, turn| {
                replica.dial_failed(ReplicaId(to), "refused", turn);
            });
        }
        let (here, there) = (self.network.new_id(from), self.network.new_id(to));
        let parties = [Party::Replica(from, here), Party::Replica(to, there)];
        self.network.add_line(parties);
        self.with_replica(to, |replica, turn| {
            replica.accepted(there, format!("replica:{from}"), turn);
        });
        self.with_replica(from, |replica, turn| {
            replica.dialled(here, ReplicaId(to), turn);
        });
    }

    // What goes wrong.

    /// Holds what one replica sends to another, and new connections too, until [`World::release`].
    pub(crate) fn hold(&mut self, from: u16, to: u16) {
        self.network.held.insert((from, to));
    }

    pub(crate) fn release(&mut self, from: u16, to: u16) {
        self.network.held.remove(&(from, to));
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
        self.newest(from, to).map_or(0, |(line, side)| {
            self.network.lines[line][side].outgoing.len()
        })
    }

    /// Delivers up to so many bytes, even if they are held.
    pub(crate) fn deliver(&mut self, from: u16, to: u16, bytes: usize) {
        if let Some((line, side)) = self.newest(from, to) {
            self.deliver_bytes(line, side, bytes);
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
        for line in self.network.between(a, b) {
            for end in &mut self.network.lines[line] {
                end.outgoing.clear();
                end.sending = Sending::Broken;
            }
        }
    }

    /// One replica loses its connections with another, which does not learn of it. What is in flight from
    /// the first may still arrive.
    pub(crate) fn lose(&mut self, loser: u16, other: u16) {
        for line in self.network.between(loser, other) {
            let ends = &self.network.lines[line];
            let at = |end| matches!(end, Party::Replica(id, _) if id == loser);
            let side = usize::from(at(ends[1].party));
            let Party::Replica(_, connection) = ends[side].party else {
                continue;
            };
            if !ends[side].open {
                continue;
            }
            self.network.lines[line][side].sending = Sending::Silent;
            self.network.leave(line, side);
            self.with_replica(loser, |replica, turn| {
                replica.closed(connection, "lost", turn);
            });
        }
    }

    /// The newest connection between two replicas and the side of it from which the first one sends.
    fn newest(&self, from: u16, to: u16) -> Option<(usize, usize)> {
        let line = *self.network.between(from, to).last()?;
        let first = self.network.lines[line][0].party;
        let side = matches!(first, Party::Replica(id, _) if id != from);
        Some((line, usize::from(side)))
    }
}
