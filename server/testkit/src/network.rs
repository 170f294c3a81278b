//! The network: connections that carry bytes first-in, first-out, and that break.
//!
//! A connection has two directions. In each of them bytes set out, are under way until the schedule lets them
//! [arrive](Network::arrive), and are then there until they are read. While a direction between two parties is *held*
//! (a one-way cut), nothing in it is to arrive; no byte inside a living connection is ever lost. A connection that
//! *breaks* loses an end piece of what was under way, cut anywhere, also within a frame; each end learns of it when the
//! news gets there.

mod breaks;

use crate::random::Random;
use holdback::driver::Read;
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

/// What is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Load {
    /// So many bytes.
    Bytes(usize),
    /// The sender sends no more.
    End,
    /// The connection is broken.
    Reset,
}

/// Something under way, and when it is due by the clock of the schedule.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Parcel {
    /// When it arrives; [`ALL`] until the schedule says so.
    pub due: u64,
    /// What it is.
    pub load: Load,
}

/// All that is under way is due by then.
pub const ALL: u64 = u64::MAX;

/// One direction of a connection.
#[derive(Debug, Default)]
struct Pipe {
    /// What was read, then what has arrived and was not read, then what is under way.
    bytes: Vec<u8>,
    read: usize,
    arrived: usize,
    flight: VecDeque<Parcel>,
    /// The end has arrived.
    ended: bool,
    /// It was read.
    end_read: bool,
    /// The news of the break has arrived.
    reset: bool,
    /// Nothing more goes in: it was ended or broke.
    shut: bool,
    /// Nobody reads any more.
    deaf: bool,
    /// Nor does anybody say so.
    silent: bool,
    /// The sender has more than there was room for.
    stuck: bool,
    /// Bytes that were ever put in.
    sent: u64,
    /// What was put in since somebody last listened, if somebody does.
    overheard: Vec<u8>,
}

impl Pipe {
    fn unread(&self) -> usize {
        self.bytes.len() - self.read
    }

    /// Bytes under way.
    fn flying(&self) -> usize {
        self.unread() - self.arrived
    }

    /// The first bytes that are there are gone.
    fn advance(&mut self, count: usize) {
        self.read += count;
        self.arrived = self.arrived.saturating_sub(count);
    }

    /// Makes room behind what is there.
    fn compact(&mut self) {
        if self.read == self.bytes.len() {
            self.bytes.clear();
            self.read = 0;
        } else if self.read > self.bytes.len() / 2 {
            self.bytes.drain(..self.read);
            self.read = 0;
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
    posted: Vec<End>,
    woken: Vec<End>,
    overhears: bool,
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
            posted: Vec::new(),
            woken: Vec::new(),
            overhears: false,
            losses,
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

    /// How many connections there ever were; their numbers are those below.
    #[must_use]
    pub fn len(&self) -> usize {
        self.wires.len()
    }

    /// Whether there never was a connection.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.wires.is_empty()
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
            if overhears {
                pipe.overheard.extend_from_slice(&bytes[..count]);
            }
            if !pipe.shut {
                pipe.compact();
                pipe.bytes.extend_from_slice(&bytes[..count]);
                self.post(end, Load::Bytes(count));
            }
        }
        Ok(count)
    }

    /// The sender waits for room, or not any more. [`Network::take_woken`] tells when there is some.
    pub fn want_room(&mut self, end: End, wanted: bool) {
        self.pipe(end).stuck = wanted;
    }

    fn post(&mut self, end: End, load: Load) {
        self.pipe(end).flight.push_back(Parcel { due: ALL, load });
        self.posted.push(end);
    }

    /// The directions in which something has set out since the last call, one for each parcel, in order.
    pub fn take_posted(&mut self) -> Vec<End> {
        std::mem::take(&mut self.posted)
    }

    /// The ends that waited for room and have it now.
    pub fn take_woken(&mut self) -> Vec<End> {
        std::mem::take(&mut self.woken)
    }

    /// What was sent since the last call, arrived or not.
    pub fn take_overheard(&mut self, end: End) -> Vec<u8> {
        std::mem::take(&mut self.pipe(end).overheard)
    }

    /// What is under way, for the schedule to say when it is due. Bytes may be divided among more parcels.
    pub fn flight(&mut self, end: End) -> &mut VecDeque<Parcel> {
        &mut self.pipe(end).flight
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
            if left == 0 {
                break;
            }
            match &mut parcel.load {
                Load::Bytes(length) => {
                    let count = left.min(*length);
                    *length -= count;
                    left -= count;
                    let is_whole = *length == 0;
                    pipe.arrived += count;
                    if is_whole {
                        pipe.flight.pop_front();
                    }
                    if pipe.deaf {
                        pipe.advance(count);
                        unheard = !pipe.silent;
                    }
                }
                Load::End => {
                    pipe.ended = true;
                    pipe.flight.pop_front();
                }
                Load::Reset => {
                    pipe.reset = true;
                    pipe.flight.pop_front();
                }
            }
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
