//! The network: connections that carry bytes first-in, first-out, and that break.
//!
//! A connection has two directions. In each of them bytes set out, are under way until the schedule lets them
//! [arrive](Network::arrive), and are then there until they are read. While a direction between two parties is *held*
//! (a one-way cut), nothing in it is to arrive; no byte inside a living connection is ever lost. A connection that
//! *breaks* loses an end piece of what was under way, cut anywhere, also within a frame; each end learns of it when the
//! news gets there.

mod breaks;
mod pipe;

pub use pipe::{ALL, Load, Parcel};

use holdback::driver::Read;
use holdback::random::Random;
use pipe::Pipe;
use std::collections::VecDeque;
use std::io;

/// One end of a connection. It also stands for the direction in which it sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct End {
    /// The connection.
    pub wire: usize,
    /// 0 is the end that dialled, 1 the one that was dialled.
    pub side: usize,
}

impl End {
    /// The end that dialled.
    #[must_use]
    pub fn dialler(wire: usize) -> Self {
        Self { wire, side: 0 }
    }

    /// The other end of the connection.
    #[must_use]
    pub fn other(self) -> Self {
        Self {
            side: 1 - self.side,
            ..self
        }
    }
}

/// A connection. `pipes[side]` carries what the party at that side sends.
#[derive(Debug)]
struct Wire {
    parties: [usize; 2],
    slots: [Option<usize>; 2],
    pipes: [Pipe; 2],
}

/// All connections. Parties are numbers, those of the replicas first.
#[derive(Debug)]
pub struct Network {
    wires: Vec<Wire>,
    parties: usize,
    /// How many bytes one direction of a connection takes before the other end has read them.
    window: usize,
    /// How many cuts hold each ordered pair of parties.
    held: Vec<u32>,
    posted: VecDeque<End>,
    woken: Vec<End>,
    overhears: bool,
    /// Nothing is ever under way.
    instant: bool,
    losses: Option<Random>,
}

impl Network {
    /// A network for so many parties. Of what is under way a break loses as much as chance decides, or all.
    #[must_use]
    pub fn new(parties: usize, window: usize, losses: Option<Random>) -> Self {
        Self {
            wires: Vec::new(),
            parties,
            window,
            held: vec![0; parties * parties],
            posted: VecDeque::new(),
            woken: Vec::new(),
            overhears: false,
            instant: false,
            losses,
        }
    }

    /// A network for so many parties in which everything arrives as it is sent. What is posted has arrived.
    #[must_use]
    pub fn instant(parties: usize) -> Self {
        Self {
            instant: true,
            ..Self::new(parties, usize::MAX, None)
        }
    }

    /// Keeps what is sent for [`Network::take_overheard`], too.
    pub fn overhear(&mut self) {
        self.overhears = true;
    }

    /// A new connection, on which nothing has been sent.
    pub fn open(&mut self, dialler: usize, dialled: usize) -> usize {
        self.wires.push(Wire {
            parties: [dialler, dialled],
            slots: [None; 2],
            pipes: [Pipe::default(), Pipe::default()],
        });
        self.wires.len() - 1
    }

    /// All ends of all connections.
    pub fn ends(&self) -> impl Iterator<Item = End> + use<> {
        (0..self.wires.len()).flat_map(|wire| [0, 1].map(|side| End { wire, side }))
    }

    /// The party at an end.
    #[must_use]
    pub fn party(&self, end: End) -> usize {
        self.wires[end.wire].parties[end.side]
    }

    /// The slot in which the host at an end has the connection, or had it.
    #[must_use]
    pub fn slot(&self, end: End) -> Option<usize> {
        self.wires[end.wire].slots[end.side]
    }

    pub(crate) fn set_slot(&mut self, end: End, slot: usize) {
        self.wires[end.wire].slots[end.side] = Some(slot);
    }

    fn pipe(&mut self, end: End) -> &mut Pipe {
        &mut self.wires[end.wire].pipes[end.side]
    }

    /// The direction in which an end sends, to look at.
    fn out_of(&self, end: End) -> &Pipe {
        &self.wires[end.wire].pipes[end.side]
    }

    /// Sends as much as there is room for; how many bytes.
    ///
    /// # Errors
    /// The news of a break got here.
    pub fn write(&mut self, end: End, bytes: &[u8]) -> io::Result<usize> {
        if self.is_reset(end) {
            return Err(io::ErrorKind::ConnectionReset.into());
        }
        let (window, overhears) = (self.window, self.overhears);
        let pipe = self.pipe(end);
        let room = match pipe.shut || pipe.deaf {
            true => usize::MAX,
            false => window.saturating_sub(pipe.unread()),
        };
        let count = room.min(bytes.len());
        if count > 0 {
            pipe.sent += count as u64;
            // What goes into a broken connection is lost, and nobody would hear of it until long after.
            if !pipe.shut {
                if overhears {
                    pipe.overheard.extend_from_slice(&bytes[..count]);
                }
                pipe.compact();
                pipe.bytes.extend_from_slice(&bytes[..count]);
                self.post(end, Load::Bytes(count));
            }
        }
        Ok(count)
    }

    /// The sender waits for room, or not any more. [`Network::next_woken`] tells when there is some.
    pub fn want_room(&mut self, end: End, wanted: bool) {
        self.pipe(end).stuck = wanted;
    }

    fn post(&mut self, end: End, load: Load) {
        self.posted.push_back(end);
        if self.instant {
            self.pipe(end).take_in(load);
        } else {
            self.pipe(end).flight.push_back(Parcel { due: ALL, load });
        }
    }

    /// A direction in which something has set out: each is given once for each parcel, in order.
    pub fn next_posted(&mut self) -> Option<End> {
        self.posted.pop_front()
    }

    /// An end that waited for room and has it now.
    pub fn next_woken(&mut self) -> Option<End> {
        self.woken.pop()
    }

    /// What was sent since the last call, arrived or not.
    pub fn take_overheard(&mut self, end: End) -> Vec<u8> {
        std::mem::take(&mut self.pipe(end).overheard)
    }

    /// What is under way, for the schedule to say when it is due. Bytes may be divided among more parcels.
    pub fn flight(&mut self, end: End) -> &mut VecDeque<Parcel> {
        &mut self.pipe(end).flight
    }

    /// The bytes under way, for one who changes them.
    pub fn tamper(&mut self, end: End) -> &mut [u8] {
        let pipe = self.pipe(end);
        let start = pipe.read + pipe.arrived;
        &mut pipe.bytes[start..]
    }

    /// Bytes under way.
    #[must_use]
    pub fn in_flight(&self, end: End) -> usize {
        self.out_of(end).flying()
    }

    /// Whether anything is under way.
    #[must_use]
    pub fn is_under_way(&self, end: End) -> bool {
        !self.out_of(end).flight.is_empty()
    }

    /// The directions in which anything is under way that is not held.
    #[must_use]
    pub fn open_ways(&self) -> Vec<End> {
        let mut ways = Vec::new();
        for (wire, at) in self.wires.iter().zip(0..) {
            for side in [0, 1] {
                let end = End { wire: at, side };
                if !wire.pipes[side].flight.is_empty() && !self.is_held(end) {
                    ways.push(end);
                }
            }
        }
        ways
    }

    /// Bytes that were ever sent.
    #[must_use]
    pub fn sent(&self, end: End) -> u64 {
        self.out_of(end).sent
    }

    /// Lets arrive what is due, at most so many bytes of it; whether the receiver has something new. Whoever holds
    /// directions has to ask [`Network::is_held`] before.
    pub fn arrive(&mut self, end: End, now: u64, bytes: usize) -> bool {
        let (mut news, mut unheard, mut left) = (false, false, bytes);
        let pipe = self.pipe(end);
        while let Some(parcel) = pipe.flight.front_mut().filter(|first| first.due <= now) {
            let load = match &mut parcel.load {
                _ if left == 0 => break,
                Load::Bytes(length) if *length > left => {
                    *length -= left;
                    Load::Bytes(left)
                }
                whole => {
                    let whole = *whole;
                    pipe.flight.pop_front();
                    whole
                }
            };
            if let Load::Bytes(count) = load {
                left -= count;
                unheard = pipe.deaf && !pipe.silent;
            }
            pipe.take_in(load);
            news |= !pipe.deaf;
        }
        if unheard {
            // What is sent to a party that is gone is answered with a reset.
            self.answer_with_reset(end.other());
        }
        news
    }

    /// Whether there is anything to read at an end: bytes, the end of all, or the news of a break.
    #[must_use]
    pub fn is_readable(&self, end: End) -> bool {
        let pipe = self.out_of(end.other());
        pipe.arrived > 0 || pipe.reset || (pipe.ended && !pipe.end_read)
    }

    /// Reads up to so many bytes, or the end of all once.
    ///
    /// # Errors
    /// The connection broke, and nothing is left that had arrived before.
    pub fn read(&mut self, end: End, limit: usize) -> io::Result<Read<'_>> {
        let window = self.window;
        let pipe = &mut self.wires[end.wire].pipes[1 - end.side];
        let count = pipe.arrived.min(limit);
        if count == 0 {
            return match (pipe.reset, pipe.ended) {
                (true, _) => Err(io::ErrorKind::ConnectionReset.into()),
                (false, true) => {
                    pipe.end_read = true;
                    Ok(Read::End)
                }
                (false, false) => Ok(Read::Bytes(&[])),
            };
        }
        let start = pipe.read;
        pipe.advance(count);
        if pipe.stuck && pipe.unread() < window {
            pipe.stuck = false;
            self.woken.push(end.other());
        }
        Ok(Read::Bytes(&pipe.bytes[start..start + count]))
    }

    /// Bytes that are there to be read.
    #[must_use]
    pub fn arrived(&self, end: End) -> usize {
        self.out_of(end.other()).arrived
    }

    /// Whether the news of a break got to an end.
    #[must_use]
    pub fn is_reset(&self, end: End) -> bool {
        self.out_of(end.other()).reset
    }

    /// Whether an end is gone: nobody reads there any more.
    #[must_use]
    pub fn is_gone(&self, end: End) -> bool {
        self.out_of(end.other()).deaf
    }

    /// How many bytes a direction takes from now on before they are read. Whoever waits for room and has it now is
    /// told.
    pub fn set_window(&mut self, window: usize) {
        self.window = window;
        for end in self.ends() {
            let pipe = self.pipe(end);
            if pipe.stuck && pipe.unread() < window {
                pipe.stuck = false;
                self.woken.push(end);
            }
        }
    }

    /// Whether anybody waits for room.
    #[must_use]
    pub fn is_stuck(&self) -> bool {
        self.ends().any(|end| self.out_of(end).stuck)
    }
}

#[cfg(test)]
mod tests;
