//! Serving a connection: reading, handing in, writing, ending.

use super::connection::{Ending, ReadOutcome};
use super::event_loop::EventLoop;
use crate::replica::{ConnectionId, Now};
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
        if connection.readable && connection.starved && !connection.ended {
            match connection.read(&mut self.scratch)? {
                ReadOutcome::More if connection.is_peer => self.replica.heard(id, now),
                ReadOutcome::More => {}
                ReadOutcome::Drained => connection.readable = false,
                ReadOutcome::Ended => {
                    connection.readable = false;
                    connection.ended = true;
                }
            }
        }
        let more = self.hand_in(id, now);
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

    /// Decodes frames and hands them to the replica, up to the turn's share; whether there may be more.
    pub(super) fn hand_in(&mut self, id: ConnectionId, now: Now) -> bool {
        let Some(connection) = self.sockets.get(id) else {
            return false;
        };
        let Some(mut input) = connection.input.take() else {
            return false;
        };
        connection.update_limits(&mut input.decoder);
        let mut more = true;
        for _ in 0..FRAMES_PER_TURN {
            let rest = &input.bytes[input.taken..];
            match input.decoder.decode(rest) {
                Ok(Some(length)) => {
                    let words = input.decoder.arguments(rest);
                    self.replica.frame(id, &words, now, &mut self.sockets);
                    input.taken += length;
                }
                Ok(None) => {
                    more = false;
                    break;
                }
                Err(error) => {
                    self.replica.malformed(id, &error, now, &mut self.sockets);
                    input.taken = input.bytes.len();
                    more = false;
                    break;
                }
            }
            let Some(connection) = self.sockets.get(id).filter(|c| c.ending == Ending::Open) else {
                more = false;
                break;
            };
            connection.update_limits(&mut input.decoder);
            if connection.is_held_up() {
                break;
            }
        }
        input.compact();
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
