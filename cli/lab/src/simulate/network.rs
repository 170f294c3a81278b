//! The simulated network: connections that carry bytes first-in, first-out, late, in pieces and in bursts,
//! and that break.
//!
//! A connection ([`Wire`]) has two directions ([`Pipe`]). While a direction between two parties is *held*
//! (a one-way cut), what is under way on it waits and arrives afterwards; no byte inside a living
//! connection is ever lost. A connection that *breaks* loses an end piece of what was under way, cut
//! anywhere, also within a frame; each end learns of it when the news gets there.

mod breaks;

use super::agenda::{Agenda, Happening, MILLISECOND, Time};
use crate::kit::random::Random;
use std::collections::VecDeque;

/// How the network behaves in one run.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    /// The shortest one-way delay between two replicas, by the one that sends, then the one that receives.
    pub(super) distances: Vec<Vec<Time>>,
    /// The shortest one-way delay between a client and its replica.
    pub(super) client_distance: Time,
    /// What is added to each delay on average.
    pub(super) jitter: Time,
    /// In so many of a thousand cases bytes are stuck for a while, and what is behind them too.
    pub(super) stall_permille: u64,
    /// For how long at the most.
    pub(super) stall_max: Time,
    /// In so many of a thousand cases bytes arrive in two pieces.
    pub(super) split_permille: u64,
    /// How many bytes one direction of a connection takes before the other end has read them.
    pub(super) window: usize,
}

impl Weather {
    /// Short delays and room enough from now on.
    pub(super) fn clear_up(&mut self) {
        self.jitter = self.jitter.min(MILLISECOND);
        self.stall_permille = 0;
        self.window = self.window.max(64 << 10);
    }
}

/// What is under way.
#[derive(Debug)]
enum Parcel {
    Bytes(Vec<u8>),
    /// The sender sends no more.
    End,
    /// The connection is broken.
    Reset,
}

/// One direction of a connection.
#[derive(Debug, Default)]
pub(super) struct Pipe {
    flight: VecDeque<(Time, Parcel)>,
    last_arrival: Time,
    /// What has arrived and was not read.
    arrived: Vec<u8>,
    /// Bytes under way or unread.
    unread: usize,
    /// The end has arrived.
    pub(super) ended: bool,
    /// The news of the break has arrived.
    pub(super) reset: bool,
    /// Nothing more goes in: it was ended or broke.
    shut: bool,
    /// Nobody reads any more.
    deaf: bool,
    /// Nor does anybody say so.
    silent: bool,
    /// The sender has more than there was room for.
    stuck: bool,
    /// Bytes that were ever put in.
    pub(super) sent: u64,
}

/// A connection. `pipes[side]` carries what `parties[side]` sends.
#[derive(Debug)]
pub(super) struct Wire {
    pub(super) parties: [usize; 2],
    pub(super) pipes: [Pipe; 2],
}

/// All connections. Parties are the replicas from 0, then the clients.
#[derive(Debug)]
pub(super) struct Network {
    pub(super) wires: Vec<Wire>,
    pub(super) weather: Weather,
    replicas: usize,
    parties: usize,
    /// How many cuts hold each ordered pair of parties.
    held: Vec<u32>,
    /// By ordered pair: what is added to each delay.
    slowed: Vec<Time>,
    random: Random,
}

impl Network {
    pub(super) fn new(seed: u64, weather: Weather, replicas: usize, clients: usize) -> Self {
        let parties = replicas + clients;
        Self {
            wires: Vec::new(),
            weather,
            replicas,
            parties,
            held: vec![0; parties * parties],
            slowed: vec![0; parties * parties],
            random: Random::new(seed, 1),
        }
    }

    /// A new connection, on which nothing has been sent.
    pub(super) fn open(&mut self, dialler: usize, dialled: usize) -> usize {
        self.wires.push(Wire {
            parties: [dialler, dialled],
            pipes: [Pipe::default(), Pipe::default()],
        });
        self.wires.len() - 1
    }

    /// How long something takes now from one party to another.
    pub(super) fn delay(&mut self, from: usize, to: usize) -> Time {
        let weather = &self.weather;
        let distance = match (from < self.replicas, to < self.replicas) {
            (true, true) => weather.distances[from][to],
            _ => weather.client_distance,
        };
        let mut delay = distance + self.slowed[from * self.parties + to];
        if weather.jitter > 0 {
            delay += self.random.exponential(weather.jitter);
        }
        if weather.stall_permille > 0 && self.random.permille(weather.stall_permille) {
            delay += self.random.below(weather.stall_max);
        }
        delay.max(1)
    }

    /// Whether bytes of one party do not get to the other at present.
    pub(super) fn is_held(&self, from: usize, to: usize) -> bool {
        self.held[from * self.parties + to] > 0
    }

    /// How many of the bytes that a sender has a direction takes now. If not all, the sender is told when there
    /// is room again.
    pub(super) fn room(&mut self, wire: usize, side: usize, wanted: usize) -> usize {
        let pipe = &mut self.wires[wire].pipes[side];
        let room = if pipe.shut || pipe.deaf {
            usize::MAX
        } else {
            self.weather.window.saturating_sub(pipe.unread)
        };
        pipe.stuck = room < wanted;
        room.min(wanted)
    }

    /// The directions whose senders have more than there was room for.
    pub(super) fn stuck(&self) -> Vec<(usize, usize)> {
        let wires = self.wires.iter().enumerate();
        wires
            .flat_map(|(at, wire)| [0, 1].map(|side| (at, side, wire.pipes[side].stuck)))
            .filter_map(|(at, side, stuck)| stuck.then_some((at, side)))
            .collect()
    }

    /// Sends bytes, which have room.
    pub(super) fn send(&mut self, wire: usize, side: usize, bytes: &[u8], agenda: &mut Agenda) {
        let pipe = &mut self.wires[wire].pipes[side];
        pipe.sent += bytes.len() as u64;
        if pipe.shut || bytes.is_empty() {
            return;
        }
        pipe.unread += bytes.len();
        let mut rest = bytes;
        if rest.len() > 1 && self.random.permille(self.weather.split_permille) {
            let (head, tail) = rest.split_at(1 + self.random.index(rest.len() - 1));
            self.dispatch(wire, side, Parcel::Bytes(head.to_vec()), agenda);
            rest = tail;
        }
        self.dispatch(wire, side, Parcel::Bytes(rest.to_vec()), agenda);
    }

    fn dispatch(&mut self, wire: usize, side: usize, parcel: Parcel, agenda: &mut Agenda) {
        let [from, to] = self.direction(wire, side);
        let delay = self.delay(from, to);
        let held = self.is_held(from, to);
        let pipe = &mut self.wires[wire].pipes[side];
        let at = (agenda.now() + delay).max(pipe.last_arrival);
        pipe.last_arrival = at;
        pipe.flight.push_back((at, parcel));
        if !held {
            agenda.at(at, Happening::Arrival { wire, side });
        }
    }

    /// Sees to it that nothing arrives before this time.
    pub(super) fn not_before(&mut self, wire: usize, side: usize, time: Time) {
        let pipe = &mut self.wires[wire].pipes[side];
        pipe.last_arrival = pipe.last_arrival.max(time);
    }

    /// Takes in what has arrived by now; whether there is anything new.
    pub(super) fn arrive(&mut self, wire: usize, side: usize, agenda: &mut Agenda) -> bool {
        let [from, to] = self.direction(wire, side);
        if self.is_held(from, to) {
            return false;
        }
        let pipe = &mut self.wires[wire].pipes[side];
        let (mut news, mut unheard) = (false, false);
        while pipe
            .flight
            .front()
            .is_some_and(|(at, _)| *at <= agenda.now())
        {
            match pipe.flight.pop_front() {
                Some((_, Parcel::Bytes(_))) if pipe.deaf => unheard = !pipe.silent,
                Some((_, Parcel::Bytes(bytes))) => pipe.arrived.extend_from_slice(&bytes),
                Some((_, Parcel::End)) => pipe.ended = true,
                Some((_, Parcel::Reset)) => pipe.reset = true,
                None => {}
            }
            news |= !pipe.deaf;
        }
        if unheard {
            // What is sent to a party that is gone is answered with a reset.
            self.answer_with_reset(wire, 1 - side, agenda);
        }
        news
    }

    /// Whether nobody reads a direction any more.
    pub(super) fn is_deaf(&self, wire: usize, side: usize) -> bool {
        self.wires[wire].pipes[side].deaf
    }

    /// What has arrived in a direction and was not read.
    pub(super) fn arrived(&self, wire: usize, side: usize) -> &[u8] {
        &self.wires[wire].pipes[side].arrived
    }

    /// Reads up to `limit` bytes; whether the sender was stuck and has room again.
    pub(super) fn read(
        &mut self,
        wire: usize,
        side: usize,
        limit: usize,
        into: &mut Vec<u8>,
    ) -> bool {
        let window = self.weather.window;
        let pipe = &mut self.wires[wire].pipes[side];
        let count = pipe.arrived.len().min(limit);
        into.extend(pipe.arrived.drain(..count));
        pipe.unread -= count;
        pipe.stuck && pipe.unread < window
    }

    /// Sets what is added to the delays of one direction between two parties.
    pub(super) fn slow(&mut self, from: usize, to: usize, extra: Time) {
        self.slowed[from * self.parties + to] = extra;
    }

    /// The sender and the receiver of a direction.
    fn direction(&self, wire: usize, side: usize) -> [usize; 2] {
        let [a, b] = self.wires[wire].parties;
        if side == 0 { [a, b] } else { [b, a] }
    }
}

impl Parcel {
    fn size(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::End | Self::Reset => 0,
        }
    }
}

#[cfg(test)]
mod tests;
