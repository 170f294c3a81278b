//! Serving a connection: reading, handing in, writing, ending.

use super::connection::{Ending, ReadOutcome};
use super::event_loop::EventLoop;
use super::sockets::Sockets;
use holdback::protocol::frame::Decoder;
use holdback::replica::{ConnectionId, Now, Replica};
use holdback::store::WARM_MAX;
use mio::{Interest, Token};
use std::io;
use std::net::Shutdown;
use std::time::Duration;

/// Frames that one connection may have executed in one turn, so that none starves the others.
const FRAMES_PER_TURN: usize = 128;
/// How long a closed connection waits for the other side to close too.
const LINGER: Duration = Duration::from_secs(2);

impl EventLoop {
    /// Lets each connection with work to do have its share of the turn.
    pub(super) fn serve_queue(&mut self, now: Now) {
        for slot in std::mem::take(&mut self.sockets.queue) {
            let Some(connection) = self.sockets.connections.get_mut(slot) else {
                continue;
            };
            connection.queued = false;
            let id = connection.id;
            if let Err(error) = self.serve_connection(id, now) {
                self.replica
                    .closed(id, &error.to_string(), now, &mut self.sockets);
                self.remove(slot);
            }
        }
    }

    /// Reads once, and hands in what is decoded.
    pub(super) fn serve_connection(&mut self, id: ConnectionId, now: Now) -> io::Result<()> {
        let Some(connection) = self.sockets.get(id) else {
            return Ok(());
        };
        if connection.is_held_up() || connection.ending == Ending::AfterFlush {
            return Ok(());
        }
        let mut fresh = 0;
        if connection.readable && connection.starved && !connection.ended {
            match connection.read(&mut self.scratch)? {
                ReadOutcome::More(length) => fresh = length,
                ReadOutcome::Drained(length) => {
                    fresh = length;
                    connection.readable = false;
                }
                ReadOutcome::Ended => {
                    connection.readable = false;
                    connection.ended = true;
                }
            }
            if connection.ending != Ending::Open {
                fresh = 0;
            } else if fresh > 0 && connection.is_peer {
                self.replica.heard(id, now);
            }
        }
        let more = self.hand_in(id, fresh, now);
        let Some(connection) = self.sockets.get(id) else {
            return Ok(());
        };
        connection.starved = !more;
        if let Ending::Lingering(_) = connection.ending {
            if connection.ended {
                self.remove(id.slot);
            } else if connection.readable {
                self.sockets.enqueue(id.slot);
            }
        } else if more || (connection.readable && !connection.ended) {
            self.sockets.enqueue(id.slot);
        } else if connection.ended && !connection.paused && connection.ending == Ending::Open {
            self.replica.end_of_input(id, now, &mut self.sockets);
        }
        Ok(())
    }

    /// Decodes frames and hands them to the replica, up to the turn's share; whether there may be more. `fresh` bytes
    /// were just read: frames among them are decoded where they lie, and only what is left over is kept.
    pub(super) fn hand_in(&mut self, id: ConnectionId, fresh: usize, now: Now) -> bool {
        let Some(connection) = self.sockets.get(id) else {
            return false;
        };
        let Some(mut input) = connection.input.take() else {
            return false;
        };
        connection.update_limits(&mut input.decoder);
        let fresh = &self.scratch[..fresh];
        let in_place = input.bytes.is_empty();
        if !in_place {
            input.keep(fresh);
        }
        let mut frames = Frames {
            bytes: if in_place { fresh } else { &input.bytes },
            taken: input.taken,
            decoder: &mut input.decoder,
        };
        let more = frames.hand_in(id, now, &mut self.replica, &mut self.sockets);
        let taken = frames.taken;
        if in_place {
            input.keep(&fresh[taken..]);
        } else {
            input.taken = taken;
        }
        if !more {
            input.compact();
        }
        if let Some(connection) = self.sockets.get(id) {
            connection.input = Some(input);
        }
        more
    }

    pub(super) fn flush(&mut self, slot: usize, now: Now) {
        let Some(connection) = self.sockets.connections.get_mut(slot) else {
            return;
        };
        connection.dirty = false;
        if self.dialling.contains_key(&slot) {
            return;
        }
        let id = connection.id;
        let was_held_up = connection.is_held_up();
        let result = connection.flush(now.monotonic).and_then(|done| {
            if done == connection.wants_write {
                let interest = if done {
                    Interest::READABLE
                } else {
                    Interest::READABLE | Interest::WRITABLE
                };
                self.poll
                    .registry()
                    .reregister(&mut connection.stream, Token(slot), interest)?;
                connection.wants_write = !done;
            }
            Ok(done)
        });
        let too_slow = !connection.is_peer && connection.unsent() > self.client_output_max;
        match result {
            Err(error) => {
                self.replica
                    .closed(id, &error.to_string(), now, &mut self.sockets);
                self.remove(slot);
            }
            Ok(_) if too_slow && connection.ending == Ending::Open => {
                tracing::warn!("client {id} is closed: it does not read its replies");
                self.replica
                    .closed(id, "output limit", now, &mut self.sockets);
                self.remove(slot);
            }
            Ok(done) => {
                if done && connection.ending == Ending::AfterFlush {
                    self.sockets.endings.push(slot);
                } else if was_held_up || connection.paused || connection.readable {
                    self.sockets.enqueue(slot);
                }
            }
        }
    }

    /// Ends a connection that the replica closed.
    pub(super) fn end(&mut self, slot: usize, now: Now) {
        let Some(connection) = self.sockets.connections.get_mut(slot) else {
            return;
        };
        match connection.ending {
            Ending::Open | Ending::Lingering(_) => {}
            Ending::Now => self.remove(slot),
            Ending::AfterFlush if connection.unsent() > 0 => self.lingering.push(slot),
            Ending::AfterFlush => {
                let shut = connection.stream.shutdown(Shutdown::Write);
                if connection.ended || shut.is_err() {
                    return self.remove(slot);
                }
                connection.ending = Ending::Lingering(now.monotonic + LINGER);
                connection.readable = true;
                self.lingering.push(slot);
                self.sockets.enqueue(slot);
            }
        }
    }

    /// Drops a connection and its socket.
    pub(super) fn remove(&mut self, slot: usize) {
        self.dialling.remove(&slot);
        if let Some(mut connection) = self.sockets.connections.try_remove(slot) {
            // Closing the descriptor deregisters it as well, so a failure here changes nothing.
            drop(self.poll.registry().deregister(&mut connection.stream));
        }
    }
}

/// Bytes of a connection that are being decoded.
struct Frames<'a> {
    bytes: &'a [u8],
    /// Bytes at the front that are done with.
    taken: usize,
    decoder: &'a mut Decoder,
}

impl Frames<'_> {
    /// Hands frames to the replica, up to the turn's share; whether there may be more.
    fn hand_in(
        &mut self,
        id: ConnectionId,
        now: Now,
        replica: &mut Replica,
        sockets: &mut Sockets,
    ) -> bool {
        for number in 0..FRAMES_PER_TURN {
            let rest = &self.bytes[self.taken..];
            match self.decoder.decode(rest) {
                Ok(Some(length)) => {
                    if number % WARM_MAX == 0 && length < rest.len() {
                        replica.foresee(id, rest);
                    }
                    replica.frame(id, self.decoder.frame(rest), now, sockets);
                    self.taken += length;
                }
                Ok(None) => return false,
                Err(error) => {
                    replica.malformed(id, &error, now, sockets);
                    self.taken = self.bytes.len();
                    return false;
                }
            }
            let Some(connection) = sockets.get(id).filter(|c| c.ending == Ending::Open) else {
                return false;
            };
            connection.update_limits(self.decoder);
            if connection.is_held_up() {
                return true;
            }
        }
        true
    }
}
