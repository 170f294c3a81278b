//! How connections end and break, and the cuts that hold back what is under way.

use super::{End, Load, Network};

impl Network {
    /// Begins a cut of one direction between two parties.
    pub fn hold(&mut self, from: usize, to: usize) {
        self.held[from * self.parties + to] += 1;
    }

    /// Ends a cut; whether nothing holds the direction any more.
    pub fn release(&mut self, from: usize, to: usize) -> bool {
        let cuts = &mut self.held[from * self.parties + to];
        *cuts = cuts.saturating_sub(1);
        *cuts == 0
    }

    /// Ends all cuts.
    pub fn release_all(&mut self) {
        self.held.fill(0);
    }

    /// Whether what an end sends is held.
    #[must_use]
    pub fn is_held(&self, end: End) -> bool {
        self.holds(self.party(end), self.party(end.other()))
    }

    /// Whether nothing is to get from one party to another.
    #[must_use]
    pub fn holds(&self, from: usize, to: usize) -> bool {
        self.held[from * self.parties + to] > 0
    }

    /// The connections between two parties, the newest last.
    pub fn between(&self, a: usize, b: usize) -> impl Iterator<Item = usize> {
        let wires = self.wires.iter().enumerate();
        let joins = move |parties| parties == [a, b] || parties == [b, a];
        wires.filter_map(move |(at, wire)| joins(wire.parties).then_some(at))
    }

    /// An end sends no more.
    pub fn end(&mut self, end: End) {
        if !std::mem::replace(&mut self.pipe(end).shut, true) {
            self.post(end, Load::End);
        }
    }

    /// The party at an end is gone or has closed it: it reads no more, and the other end learns of it. With
    /// `abruptly`, an end piece of what it had sent is lost.
    pub fn close(&mut self, end: End, abruptly: bool) {
        self.stop_reading(end);
        if abruptly {
            self.break_off(end);
        } else {
            self.end(end);
        }
    }

    /// A party vanishes without a word: what is sent to it is answered by nobody.
    pub fn vanish(&mut self, end: End) {
        self.stop_reading(end);
        self.pipe(end).shut = true;
        self.pipe(end.other()).silent = true;
    }

    /// One party loses the connection, as if it had vanished for the other: that one does not learn of it.
    pub fn lose(&mut self, end: End) {
        self.vanish(end);
        self.pipe(end.other()).reset = true;
    }

    /// What was sent to an end is thrown away as it arrives.
    fn stop_reading(&mut self, end: End) {
        self.discard_arrived(end);
        self.pipe(end.other()).deaf = true;
    }

    /// What has arrived at an end is lost: the news of a break overtakes it.
    pub fn discard_arrived(&mut self, end: End) {
        let pipe = self.pipe(end.other());
        pipe.advance(pipe.arrived);
    }

    /// The party is there again, and knows nothing of its old connections: what is sent on them is answered with
    /// a reset from now on.
    pub fn reappear(&mut self, party: usize) {
        for wire in &mut self.wires {
            for side in [0, 1] {
                if wire.parties[1 - side] == party {
                    wire.pipes[side].silent = false;
                }
            }
        }
    }

    /// The connection breaks, in both directions.
    pub fn break_both(&mut self, wire: usize) {
        for side in [0, 1] {
            self.break_off(End { wire, side });
        }
    }

    /// Loses an end piece of what is under way in a direction, and sends the news of the break behind it.
    fn break_off(&mut self, end: End) {
        let under_way = self.in_flight(end);
        let losses = self.losses.as_mut();
        let mut kept = losses.map_or(0, |losses| losses.index(under_way + 1));
        let pipe = self.pipe(end);
        pipe.bytes.truncate(pipe.bytes.len() - (under_way - kept));
        pipe.flight.retain_mut(|parcel| match &mut parcel.load {
            Load::Bytes(length) => {
                *length = kept.min(*length);
                kept -= *length;
                *length > 0
            }
            Load::End | Load::Reset => false,
        });
        pipe.shut = true;
        self.post(end, Load::Reset);
    }

    /// What is sent to a party that is gone is answered so.
    pub(super) fn answer_with_reset(&mut self, end: End) {
        let pipe = self.pipe(end);
        let told = pipe.flight.iter().any(|parcel| parcel.load == Load::Reset);
        if !told && !pipe.reset {
            pipe.shut = true;
            self.post(end, Load::Reset);
        }
    }
}
