//! One turn of a replica's process: what the real event loop does, with the simulated connections.

use super::agenda::Time;
use super::show;
use super::sockets::{Ending, Sockets, Told};
use super::violation::{Check, ensure};
use super::world::World;
use holdback::multicast::ReplicaId;
use holdback::order::Digest;
use holdback::protocol::message::Message;
use holdback::replica::{ConnectionId, Now, Replica};
use std::time::Duration;

impl World {
    /// Lets a replica's process do what there is to do.
    pub(super) fn turn(&mut self, index: usize) -> Check {
        let now = self.agenda.now();
        let host = &mut self.hosts[index];
        if host.wake_at != Some(now) || host.replica.is_none() {
            return Ok(());
        }
        host.wake_at = None;
        if host.paused_until > now {
            host.wake(now, &mut self.agenda);
            return Ok(());
        }
        if !std::mem::replace(&mut self.hosts[index].begun, true) {
            // Before anything else, as the real loop does.
            self.with_core(index, |replica, now, out| {
                replica.tick(now, out);
                replica.end_turn(now, out);
            })?;
        }
        self.accept(index)?;
        let more = self.serve(index)?;
        self.with_core(index, |replica, now, out| {
            if replica
                .deadline()
                .is_some_and(|deadline| deadline <= now.monotonic)
            {
                replica.tick(now, out);
            }
        })?;
        self.with_core(index, |replica, now, out| replica.end_turn(now, out))?;
        self.dial(index);
        self.flush_all(index)?;
        self.end_connections(index)?;
        self.inspect_replica(index)?;
        self.schedule(index, more);
        Ok(())
    }

    /// Calls the core, and looks at what it tells.
    pub(super) fn with_core(
        &mut self,
        index: usize,
        call: impl FnOnce(&mut Replica, Now, &mut Sockets),
    ) -> Check {
        let host = &mut self.hosts[index];
        let now = host.now(self.agenda.now());
        if let Some(replica) = &mut host.replica {
            call(replica, now, &mut host.out);
        }
        self.hear(index)
    }

    /// Connections that came in, and those that were asked for.
    fn accept(&mut self, index: usize) -> Check {
        for wire in std::mem::take(&mut self.hosts[index].backlog) {
            let party = self.network.wires[wire].parties[0];
            let is_link = party < self.hosts.len();
            let id = self.hosts[index].out.add(wire, 1, is_link);
            let address = format!("party-{party}:{wire}");
            self.with_core(index, |replica, now, out| {
                replica.accepted(id, address, now, out);
            })?;
        }
        for wire in std::mem::take(&mut self.hosts[index].connected) {
            let Some((id, peer)) = self.end_dialling(index, wire) else {
                continue;
            };
            self.with_core(index, |replica, now, out| {
                replica.dialled(id, peer, now, out);
            })?;
        }
        for wire in std::mem::take(&mut self.hosts[index].unreachable) {
            let Some((id, peer)) = self.end_dialling(index, wire) else {
                continue;
            };
            self.hosts[index].out.slots[id.slot] = None;
            self.with_core(index, |replica, now, out| {
                replica.dial_failed(peer, "connection refused", now, out);
            })?;
        }
        Ok(())
    }

    fn end_dialling(&mut self, index: usize, wire: usize) -> Option<(ConnectionId, ReplicaId)> {
        let peer = ReplicaId::from_index(self.network.wires[wire].parties[1]);
        let host = &mut self.hosts[index];
        let slot = host.slot_of(wire)?;
        let socket = host.out.slots[slot].as_mut()?;
        std::mem::replace(&mut socket.dialling, false).then_some((socket.id, peer))
    }

    /// Begins the connections that the replica asked for; an older attempt is given up.
    fn dial(&mut self, index: usize) {
        for peer in std::mem::take(&mut self.hosts[index].out.dials) {
            let older = self.hosts[index].out.slots.iter().position(|socket| {
                let dialling = socket.as_ref().filter(|socket| socket.dialling);
                dialling.is_some_and(|socket| {
                    self.network.wires[socket.wire].parties[1] == peer.index()
                })
            });
            if let Some(slot) = older {
                self.remove(index, slot, false);
            }
            let wire = self.open(index, peer.index());
            let id = self.hosts[index].out.add(wire, 0, true);
            if let Some(socket) = self.hosts[index].out.get_mut(id) {
                socket.dialling = true;
            }
        }
    }

    /// Takes up what the replica told.
    fn hear(&mut self, index: usize) -> Check {
        if self.hosts[index].out.told.is_empty() {
            return Ok(());
        }
        let mut told = std::mem::take(&mut self.hosts[index].out.told);
        for event in told.drain(..) {
            let at = self.agenda.now();
            self.trace
                .note(at, index, &[2], || show::told(index, &event));
            match event {
                Told::Deliver { position, entry } => {
                    self.ledger.record.delivered(index, position, &entry)?;
                }
                Told::Apply { entry, .. } => self.versions.applied(index, &entry)?,
                Told::LinkDown(..) => self.counts.links_lost += 1,
                Told::LinkUp(_) | Told::Notice(..) => {}
            }
        }
        self.hosts[index].out.told = told;
        Ok(())
    }

    fn flush_all(&mut self, index: usize) -> Check {
        for slot in 0..self.hosts[index].out.slots.len() {
            self.flush(index, slot)?;
        }
        Ok(())
    }

    /// Writes as much of a connection's output as the network takes.
    fn flush(&mut self, index: usize, slot: usize) -> Check {
        let Some(socket) = self.hosts[index].out.slots[slot].as_mut() else {
            return Ok(());
        };
        if socket.output.is_empty() || socket.dialling {
            return Ok(());
        }
        let (id, wire, side) = (socket.id, socket.wire, socket.side);
        let count = self.network.room(wire, side, socket.output.len());
        let bytes = &socket.output[..count];
        self.network.send(wire, side, bytes, &mut self.agenda);
        socket.flushed += count as u64;
        while socket
            .marks
            .front()
            .is_some_and(|(offset, _)| *offset < socket.flushed)
        {
            self.marks[wire].extend(socket.marks.pop_front());
        }
        let at = self.agenda.now();
        if let Some(taps) = &mut self.taps[wire] {
            let to = self.network.wires[wire].parties[1 - side];
            let (record, trace, counts) =
                (&mut self.ledger.record, &mut self.trace, &mut self.counts);
            counts.frame_bytes += count as u64;
            taps[side].incarnation = self.hosts[index].incarnation;
            let socket = self.hosts[index].out.slots[slot].as_mut();
            let output = socket
                .map(|socket| socket.output.drain(..count).collect::<Vec<u8>>())
                .unwrap_or_default();
            taps[side].listen(&output, |end, message, length| {
                counts.frames += 1;
                if let Message::Mcast(..) | Message::Ack(_) | Message::Update(..) = message {
                    counts.data_frames += 1;
                    counts.data_bytes += length as u64;
                }
                trace.note(at, index, &[3], || {
                    format!("r{} -> r{} {}", index + 1, to + 1, show::frame(message))
                });
                record.sent(index, to, end, message)
            })?;
            self.trace.note(at, index, &output, || {
                format!("r{} writes {count} bytes", index + 1)
            });
            return Ok(());
        }
        self.trace.note(at, index, &socket.output[..count], || {
            format!("r{} writes {count} bytes", index + 1)
        });
        let limit = self.plan.tuning.unsent_pause;
        socket.output.drain(..count);
        let resumed = socket.output.len() <= limit;
        let too_slow = !socket.is_link && socket.output.len() > self.plan.tuning.client_output_max;
        if too_slow && socket.ending == Ending::Open {
            self.remove(index, slot, true);
            self.with_core(index, |replica, now, out| {
                replica.closed(id, "output limit", now, out);
            })?;
        }
        self.hosts[index].out.resumed |= resumed;
        Ok(())
    }

    /// Ends the connections that the replica closed.
    fn end_connections(&mut self, index: usize) -> Check {
        for slot in 0..self.hosts[index].out.slots.len() {
            let Some(socket) = &self.hosts[index].out.slots[slot] else {
                continue;
            };
            let (wire, from) = (socket.wire, 1 - socket.side);
            match socket.ending {
                Ending::Open => {}
                Ending::AfterFlush if !socket.output.is_empty() => {}
                Ending::AfterFlush => self.remove(index, slot, false),
                Ending::Now => {
                    // Closing a socket with unread input resets the connection.
                    let abruptly = !self.network.arrived(wire, from).is_empty();
                    self.remove(index, slot, abruptly);
                }
            }
        }
        Ok(())
    }

    /// Drops a connection of a replica.
    pub(super) fn remove(&mut self, index: usize, slot: usize, abruptly: bool) {
        if let Some(socket) = self.hosts[index].out.slots[slot].take() {
            self.network
                .close(socket.wire, socket.side, abruptly, &mut self.agenda);
        }
    }

    /// What must hold of a replica at the end of each turn.
    fn inspect_replica(&mut self, index: usize) -> Check {
        let Some(replica) = &self.hosts[index].replica else {
            return Ok(());
        };
        if let Some(gossip) = replica.gossip() {
            return self.versions.inspect(index, gossip);
        }
        let (Some(multicast), Some(store)) = (replica.ordered_state(), replica.ordered_store())
        else {
            return Ok(());
        };
        let heap = multicast.queue().check();
        ensure!(
            heap.is_ok(),
            "the holdback queue is a heap",
            "replica {}: {heap:?}",
            index + 1
        );
        self.ledger.record.inspect(index, store, multicast)?;
        let digest: Digest = replica.order().digest();
        self.ledger.record.digested(index, digest)?;
        self.inspect_memory(index)
    }

    /// Lets the process run again when it has to.
    fn schedule(&mut self, index: usize, more: bool) {
        let now = self.agenda.now();
        let host = &mut self.hosts[index];
        let soon = now + 1 + host.random.below(self.plan.tuning.turn_delay);
        let deadline = host.replica.as_ref().and_then(|replica| replica.deadline());
        let work = more || !host.backlog.is_empty() || std::mem::take(&mut host.out.resumed);
        if let Some(deadline) = deadline {
            host.wake(micros(deadline).max(soon), &mut self.agenda);
        }
        if work {
            host.wake(soon, &mut self.agenda);
        }
    }

    /// The sender of a direction that was full has room again.
    pub(super) fn writable(&mut self, wire: usize, side: usize) {
        let sender = self.network.wires[wire].parties[side];
        if let Some(host) = self.hosts.get_mut(sender) {
            return host.wake(self.agenda.now() + 1, &mut self.agenda);
        }
        self.client_writable(sender - self.hosts.len(), wire);
    }
}

/// The first microsecond that is not before this time.
fn micros(time: Duration) -> Time {
    Time::try_from(time.as_nanos().div_ceil(1000)).unwrap_or(Time::MAX)
}
