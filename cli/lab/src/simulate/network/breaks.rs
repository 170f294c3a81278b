//! How connections end and break, and how cuts hold back what is under way.

use super::{Network, Parcel};
use crate::simulate::agenda::{Agenda, Happening, MILLISECOND};
use std::collections::VecDeque;

impl Network {
    /// Begins or ends a cut of one direction between two parties. What waited goes on.
    pub(in crate::simulate) fn hold(
        &mut self,
        from: usize,
        to: usize,
        on: bool,
        agenda: &mut Agenda,
    ) {
        let cuts = &mut self.held[from * self.parties + to];
        if on {
            *cuts += 1;
            return;
        }
        *cuts = cuts.saturating_sub(1);
        if *cuts > 0 {
            return;
        }
        for wire in 0..self.wires.len() {
            for side in [0, 1] {
                if self.direction(wire, side) == [from, to]
                    && !self.wires[wire].pipes[side].flight.is_empty()
                {
                    self.resume(wire, side, agenda);
                }
            }
        }
    }

    /// What was held sets out again, in one burst or spread out.
    fn resume(&mut self, wire: usize, side: usize, agenda: &mut Agenda) {
        let mut at = agenda.now();
        let spread = if self.random.permille(500) {
            MILLISECOND
        } else {
            0
        };
        let random = &mut self.random;
        let pipe = &mut self.wires[wire].pipes[side];
        for (arrival, _) in &mut pipe.flight {
            at = (at + random.below(spread + 1)).max(*arrival);
            *arrival = at;
            agenda.at(at, Happening::Arrival { wire, side });
        }
        pipe.last_arrival = pipe.last_arrival.max(at);
    }

    /// The sender of a direction sends no more.
    pub(in crate::simulate) fn end(&mut self, wire: usize, side: usize, agenda: &mut Agenda) {
        if !std::mem::replace(&mut self.wires[wire].pipes[side].shut, true) {
            self.dispatch(wire, side, Parcel::End, agenda);
        }
    }

    /// The party at `side` is gone or has closed its end: it reads no more, and the other end learns of it.
    /// With `abruptly`, an end piece of what it had sent is lost.
    pub(in crate::simulate) fn close(
        &mut self,
        wire: usize,
        side: usize,
        abruptly: bool,
        agenda: &mut Agenda,
    ) {
        let incoming = &mut self.wires[wire].pipes[1 - side];
        incoming.deaf = true;
        incoming.arrived.clear();
        incoming.unread = 0;
        if abruptly {
            self.cut_short(wire, side, agenda);
        } else {
            self.end(wire, side, agenda);
        }
    }

    /// A party vanishes without a word: what is sent to it is answered by nobody.
    pub(in crate::simulate) fn vanish(&mut self, wire: usize, side: usize) {
        let [a, b] = &mut self.wires[wire].pipes;
        let (outgoing, incoming) = if side == 0 { (a, b) } else { (b, a) };
        outgoing.shut = true;
        incoming.deaf = true;
        incoming.silent = true;
        incoming.arrived.clear();
        incoming.unread = 0;
    }

    /// The party is there again, and knows nothing of its old connections: what is sent on them is answered with
    /// a reset from now on.
    pub(in crate::simulate) fn reappear(&mut self, party: usize) {
        for wire in &mut self.wires {
            for side in [0, 1] {
                if wire.parties[1 - side] == party {
                    wire.pipes[side].silent = false;
                }
            }
        }
    }

    /// The connection breaks, in both directions.
    pub(in crate::simulate) fn break_both(&mut self, wire: usize, agenda: &mut Agenda) {
        for side in [0, 1] {
            self.cut_short(wire, side, agenda);
        }
    }

    /// Loses an end piece of what is under way in a direction, and sends the news of the break behind it.
    fn cut_short(&mut self, wire: usize, side: usize, agenda: &mut Agenda) {
        let under_way: usize = self.wires[wire].pipes[side]
            .flight
            .iter()
            .map(|(_, parcel)| parcel.size())
            .sum();
        let mut kept = self.random.index(under_way + 1);
        let pipe = &mut self.wires[wire].pipes[side];
        let mut remaining = VecDeque::new();
        for (at, parcel) in pipe.flight.drain(..) {
            if let Parcel::Bytes(mut bytes) = parcel {
                bytes.truncate(kept);
                kept -= bytes.len();
                if !bytes.is_empty() {
                    remaining.push_back((at, Parcel::Bytes(bytes)));
                }
            }
        }
        pipe.flight = remaining;
        pipe.shut = true;
        self.dispatch(wire, side, Parcel::Reset, agenda);
    }

    /// What is sent to a party that is gone is answered so.
    pub(super) fn answer_with_reset(&mut self, wire: usize, side: usize, agenda: &mut Agenda) {
        let pipe = &self.wires[wire].pipes[side];
        let told = pipe
            .flight
            .iter()
            .any(|(_, parcel)| matches!(parcel, Parcel::Reset));
        if !told && !pipe.reset {
            self.wires[wire].pipes[side].shut = true;
            self.dispatch(wire, side, Parcel::Reset, agenda);
        }
    }
}
