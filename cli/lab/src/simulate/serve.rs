//! Reading from a replica's connections: bytes to frames, frames to the replica, and what the records learn of it.

use super::show;
use super::sockets::{Ending, Input};
use super::violation::{Check, Violation, ensure};
use super::world::World;
use holdback::protocol::frame::{DecodeError, Frame};
use holdback::replica::ConnectionId;

impl World {
    /// Reads from each connection once and hands in what is decoded; whether there is more.
    pub(super) fn serve(&mut self, index: usize) -> Result<bool, Violation> {
        let host = &mut self.hosts[index];
        let mut slots: Vec<usize> = (0..host.out.slots.len())
            .filter(|&slot| host.out.slots[slot].is_some())
            .collect();
        host.random.shuffle(&mut slots);
        let mut more = false;
        for slot in slots {
            more |= self.serve_connection(index, slot)?;
        }
        Ok(more)
    }

    fn serve_connection(&mut self, index: usize, slot: usize) -> Result<bool, Violation> {
        let (tuning, host) = (&self.plan.tuning, &mut self.hosts[index]);
        let Some(socket) = host.out.slots[slot]
            .as_mut()
            .filter(|socket| !socket.dialling)
        else {
            return Ok(false);
        };
        let (id, wire, from) = (socket.id, socket.wire, 1 - socket.side);
        let reset = self.network.wires[wire].pipes[from].reset;
        if reset && (self.network.arrived(wire, from).is_empty() || host.random.permille(300)) {
            self.remove(index, slot, false);
            self.with_core(index, |replica, now, out| {
                replica.closed(id, "connection reset", now, out);
            })?;
            return Ok(false);
        }
        let held_up = socket.paused
            || (!socket.is_link && socket.output.len() > tuning.unsent_pause)
            || socket.ending != Ending::Open;
        if held_up {
            return Ok(false);
        }
        let Some(input) = &mut socket.input else {
            return Ok(false);
        };
        if self
            .network
            .read(wire, from, tuning.read_bytes, &mut input.bytes)
        {
            self.writable(wire, from);
        }
        let more = self.hand_in(index, id)?;
        let Some(socket) = self.hosts[index].out.get(id) else {
            return Ok(false);
        };
        let unread = !self.network.arrived(wire, from).is_empty();
        if self.network.wires[wire].pipes[from].ended
            && !more
            && !unread
            && socket.ending == Ending::Open
            && !socket.paused
        {
            self.with_core(index, |replica, now, out| {
                replica.end_of_input(id, now, out);
            })?;
        }
        Ok(more || unread || reset)
    }

    /// Decodes frames and hands them to the replica, up to the turn's share; whether there may be more.
    fn hand_in(&mut self, index: usize, id: ConnectionId) -> Result<bool, Violation> {
        let socket = self.hosts[index].out.get_mut(id);
        let Some(mut input) = socket.and_then(|socket| socket.input.take()) else {
            return Ok(false);
        };
        let more = self.hand_in_frames(index, id, &mut input)?;
        input.bytes.drain(..input.taken);
        input.taken = 0;
        if let Some(socket) = self.hosts[index].out.get_mut(id) {
            socket.input = Some(input);
        }
        Ok(more)
    }

    fn hand_in_frames(
        &mut self,
        index: usize,
        id: ConnectionId,
        input: &mut Input,
    ) -> Result<bool, Violation> {
        for _ in 0..self.plan.tuning.frames_per_turn {
            let socket = self.hosts[index].out.get(id);
            let Some(socket) =
                socket.filter(|socket| socket.ending == Ending::Open && !socket.paused)
            else {
                return Ok(false);
            };
            let (wire, side, is_link) = (socket.wire, socket.side, socket.is_link);
            let rest = &input.bytes[input.taken..];
            match input.decoder.decode(rest) {
                Ok(Some(length)) => {
                    let frame = input.decoder.frame(rest);
                    if is_link {
                        self.overhear(index, wire, side);
                    }
                    self.hand_in_frame(index, id, is_link, frame)?;
                    input.taken += length;
                }
                Ok(None) => return Ok(false),
                Err(error) => return self.malformed(index, id, &error),
            }
        }
        Ok(true)
    }

    fn malformed(
        &mut self,
        index: usize,
        id: ConnectionId,
        error: &DecodeError,
    ) -> Result<bool, Violation> {
        self.with_core(index, |replica, now, out| {
            replica.malformed(id, error, now, out);
        })?;
        ensure!(
            false,
            "replicas understand what is sent",
            "replica {}: {error}",
            index + 1
        );
        Ok(false)
    }

    /// The next frame of a connection between replicas comes in: the records take note.
    fn overhear(&mut self, index: usize, wire: usize, side: usize) {
        let from = self.network.wires[wire].parties[1 - side];
        let Some(taps) = &mut self.taps[wire] else {
            return;
        };
        let [first, second] = taps;
        let (theirs, ours) = if side == 0 {
            (second, first)
        } else {
            (first, second)
        };
        let Some(message) = theirs.frames.pop_front() else {
            return;
        };
        let incarnation = theirs.incarnation;
        self.ledger
            .record
            .received((from, incarnation), index, &mut ours.end, &message);
        self.versions.received(index, &message);
        let at = self.agenda.now();
        self.trace.note(at, index, &[1], || {
            format!("r{} <- r{} {}", index + 1, from + 1, show::frame(&message))
        });
    }

    fn hand_in_frame(
        &mut self,
        index: usize,
        id: ConnectionId,
        is_link: bool,
        frame: Frame<'_>,
    ) -> Check {
        let is_eventual = !self.plan.consistency.is_ordered();
        if is_link || !is_eventual || frame.word(0) == b"FAULT" {
            return self.with_core(index, |replica, now, out| {
                replica.frame(id, frame, now, out);
            });
        }
        let words = &frame.words();
        let effects = self.versions.effects(index, words);
        let expected = self.versions.begin(index, words);
        let start = self.hosts[index]
            .out
            .get(id)
            .map_or(0, |socket| socket.output.len());
        self.with_core(index, |replica, now, out| {
            replica.frame(id, frame, now, out);
        })?;
        self.versions.finish(index, words, &effects)?;
        let Some(socket) = self.hosts[index].out.get(id) else {
            return Ok(());
        };
        let reply = &socket.output[start..];
        if let Some(expected) = expected {
            ensure!(
                reply == expected,
                "results agree with the replica's data",
                "replica {}: {} got {}, not {}",
                index + 1,
                holdback::protocol::inline::quote_all(words.iter().copied()),
                reply.escape_ascii(),
                expected.escape_ascii()
            );
        }
        Ok(())
    }
}
