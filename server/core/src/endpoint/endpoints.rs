//! All connections of a process, as the replica's [`Out`] sees them.

mod idle;
mod memory;

use super::monitors::Monitors;
use super::{Ending, Endpoint, EndpointSettings};
use crate::bugs::{Bug, planted};
use crate::ids::{ConnectionId, ReplicaId};
use crate::turn::{Close, Event, LostLines, Memory, MonitorKind, Now, Out, Room};
use crate::wire::frame::{DecodeError, Frame};
use crate::wire::reply::{ReplyWriter, Resp};
use idle::IdleTimers;
use slab::Slab;
use std::collections::VecDeque;
use std::time::Duration;

/// What the process around a replica offers beside connections: a clock that is precise, and somebody who listens.
pub trait Environment {
    /// See [`Out::precise`].
    fn precise(&self, now: Now) -> Duration {
        now.monotonic
    }

    /// See [`Out::observes`].
    fn observes(&self) -> bool {
        false
    }

    /// See [`Out::observe`].
    fn observe(&mut self, now: Now, clock: u64, event: &Event<'_>) {
        let _unheard = (now, clock, event);
    }

    /// See [`Out::lost_lines`].
    fn lost_lines(&self) -> LostLines {
        LostLines::default()
    }

    /// See [`Memory::resident`].
    fn resident(&self) -> usize {
        0
    }

    /// A whole frame of a connection is about to be handed in.
    fn frame(&mut self, connection: ConnectionId, words: Frame<'_>) {
        let _unheard = (connection, words);
    }

    /// The bytes of a connection are no frame; its end is about to be handed in.
    fn malformed(&mut self, connection: ConnectionId, error: &DecodeError) {
        let _unheard = (connection, error);
    }

    /// Something is about to be put into a connection's output: its next byte will be the one with this number, from 0.
    fn reply_begins(&mut self, connection: ConnectionId, number: u64) {
        let _unheard = (connection, number);
    }

    /// The turn is over.
    fn end_turn(&mut self) {}
}

/// Nobody listens.
impl Environment for () {}

/// The connections by slot.
#[derive(Debug)]
pub(crate) struct Endpoints<E> {
    slots: Slab<Endpoint>,
    settings: EndpointSettings,
    environment: E,
    serial: u64,
    /// Slots with output to write.
    dirty: VecDeque<usize>,
    /// Slots with input to read or decode.
    queue: VecDeque<usize>,
    /// Slots to be ended.
    endings: VecDeque<usize>,
    /// Slots of connections that are being ended, or do not read, and may stay for a while.
    staying: Vec<usize>,
    /// What is counted for all of them together.
    memory: Memory,
    /// Slots that take much, and when to look whether they have a use for it; sorted by that.
    looks: VecDeque<(Duration, usize)>,
    idle: IdleTimers,
    dials: Vec<ReplicaId>,
    monitors: Monitors,
    stopped: bool,
    nowhere: Vec<u8>,
}

impl<E: Environment> Endpoints<E> {
    pub(crate) fn new(settings: EndpointSettings, environment: E) -> Self {
        Self {
            slots: Slab::new(),
            settings,
            environment,
            serial: 0,
            dirty: VecDeque::new(),
            queue: VecDeque::new(),
            endings: VecDeque::new(),
            staying: Vec::new(),
            memory: Memory::default(),
            looks: VecDeque::new(),
            idle: IdleTimers::default(),
            dials: Vec::new(),
            monitors: Monitors::default(),
            stopped: false,
            nowhere: Vec::new(),
        }
    }

    pub(crate) fn settings(&self) -> &EndpointSettings {
        &self.settings
    }

    pub(crate) fn environment(&mut self) -> &mut E {
        &mut self.environment
    }

    /// The slot that the next connection gets.
    pub(crate) fn vacant_slot(&self) -> usize {
        self.slots.vacant_key()
    }

    /// Adds a connection that is there, or (`dialling`) is being made to a peer.
    pub(crate) fn add(&mut self, dialling: bool, now: Duration) -> ConnectionId {
        self.serial += 1;
        let id = ConnectionId {
            slot: self.slots.vacant_key(),
            serial: self.serial,
        };
        let mut endpoint = Endpoint::new(id, &self.settings, now);
        endpoint.dialling = dialling;
        if dialling {
            endpoint.become_link();
        } else {
            self.idle.set(id.slot, now + self.idle.timeout());
        }
        self.slots.insert(endpoint);
        id
    }

    /// A connection that was being made is there.
    pub(crate) fn connected(&mut self, id: ConnectionId) {
        if let Some(endpoint) = self.get(id) {
            endpoint.dialling = false;
            self.enqueue(id.slot);
        }
    }

    pub(crate) fn get(&mut self, id: ConnectionId) -> Option<&mut Endpoint> {
        let endpoint = self.slots.get_mut(id.slot);
        endpoint.filter(|endpoint| endpoint.id == id)
    }

    pub(crate) fn at(&mut self, slot: usize) -> Option<&mut Endpoint> {
        self.slots.get_mut(slot)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &Endpoint> {
        self.slots.iter().map(|(_, endpoint)| endpoint)
    }

    pub(crate) fn remove(&mut self, slot: usize) {
        if let Some(endpoint) = self.slots.try_remove(slot) {
            self.monitors.set(endpoint.id, None);
            *self.sum(endpoint.is_peer) -= endpoint.share;
        }
    }

    /// Puts a connection in the list of those with work to do.
    pub(crate) fn enqueue(&mut self, slot: usize) {
        if let Some(endpoint) = self.slots.get_mut(slot)
            && !std::mem::replace(&mut endpoint.queued, true)
        {
            self.queue.push_back(slot);
        }
    }

    /// Puts a connection in the list of those to be written.
    pub(crate) fn write_next(&mut self, slot: usize) {
        if let Some(endpoint) = self.slots.get_mut(slot)
            && !std::mem::replace(&mut endpoint.dirty, true)
        {
            self.dirty.push_back(slot);
        }
    }

    /// Has a connection ended at the end of the turn: dropped at once, or shut down first.
    pub(crate) fn end(&mut self, slot: usize, at_once: bool) {
        if let Some(endpoint) = self.slots.get_mut(slot) {
            if at_once {
                endpoint.ending = Ending::Now;
            }
            self.endings.push_back(slot);
        }
    }

    /// How many have work to do; those that come up meanwhile are left for the next turn.
    pub(crate) fn queued(&self) -> usize {
        self.queue.len()
    }

    /// The next with work to do, in the order in which they got it.
    pub(crate) fn next_queued(&mut self) -> Option<usize> {
        let slot = self.queue.pop_front()?;
        if let Some(endpoint) = self.slots.get_mut(slot) {
            endpoint.queued = false;
        }
        Some(slot)
    }

    /// The next with output to write.
    pub(crate) fn next_dirty(&mut self) -> Option<usize> {
        let slot = self.dirty.pop_front()?;
        if let Some(endpoint) = self.slots.get_mut(slot) {
            endpoint.dirty = false;
        }
        Some(slot)
    }

    /// The next to be ended.
    pub(crate) fn next_ending(&mut self) -> Option<usize> {
        self.endings.pop_front()
    }

    /// The next step of ending a connection.
    pub(crate) fn end_step(&mut self, slot: usize, now: Duration) -> EndStep {
        let Some(endpoint) = self.slots.get_mut(slot) else {
            return EndStep::Stay;
        };
        match endpoint.ending {
            Ending::Open | Ending::Lingering(_) => EndStep::Stay,
            Ending::Now => EndStep::Drop,
            Ending::AfterFlush if endpoint.unsent() > 0 && !planted(Bug::ShutBeforeLastReply) => {
                self.stays_for_now(slot);
                EndStep::Stay
            }
            Ending::AfterFlush if endpoint.ended => EndStep::Drop,
            Ending::AfterFlush => {
                endpoint.ending = Ending::Lingering(now + self.settings.linger);
                self.stays_for_now(slot);
                EndStep::Shut
            }
        }
    }

    /// Has it looked after how long a connection stays, for [`Endpoints::take_overdue`].
    pub(crate) fn stays_for_now(&mut self, slot: usize) {
        if let Some(endpoint) = self.slots.get_mut(slot)
            && !std::mem::replace(&mut endpoint.staying, true)
        {
            self.staying.push(slot);
        }
    }

    /// Connections that are being ended and have stayed long enough, or do not take what they have to get.
    pub(crate) fn take_overdue(&mut self, now: Duration) -> Vec<usize> {
        let mut overdue = Vec::new();
        if self.staying.is_empty() {
            return overdue;
        }
        let Self {
            staying,
            slots,
            settings,
            ..
        } = self;
        staying.retain(|&slot| {
            let Some(endpoint) = slots.get_mut(slot) else {
                return false;
            };
            let until = endpoint.stays_until(settings);
            if until.is_some_and(|until| until <= now) {
                overdue.push(slot);
            }
            endpoint.staying = until.is_some_and(|until| until > now);
            endpoint.staying
        });
        overdue
    }

    /// When [`Endpoints::take_overdue`], [`Endpoints::next_look`] or [`Endpoints::next_idle`] has something.
    pub(crate) fn deadline(&self) -> Option<Duration> {
        let look = self.looks.front().map(|(due, _)| *due);
        let first = [look, self.idle.deadline()].into_iter().flatten().min();
        if self.staying.is_empty() {
            return first;
        }
        let staying = self.staying.iter();
        let staying = staying.filter_map(|&slot| self.slots.get(slot)?.stays_until(&self.settings));
        staying.chain(first).min()
    }

    /// Whether a turn has something to do that no event announces.
    pub(crate) fn has_work(&self) -> bool {
        !self.queue.is_empty() || !self.dials.is_empty()
    }

    pub(crate) fn take_dials(&mut self) -> Vec<ReplicaId> {
        std::mem::take(&mut self.dials)
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.stopped
    }
}

/// What is to be done with the socket of a connection that is being ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EndStep {
    /// Nothing now.
    Stay,
    /// It sends no more.
    Shut,
    /// It goes.
    Drop,
}

impl<E: Environment> Out for Endpoints<E> {
    fn buffer(&mut self, id: ConnectionId) -> &mut Vec<u8> {
        let found = self.slots.get_mut(id.slot);
        let Some(endpoint) = found.filter(|endpoint| endpoint.id == id && endpoint.is_open())
        else {
            self.nowhere = Vec::new();
            return &mut self.nowhere;
        };
        if !std::mem::replace(&mut endpoint.dirty, true) {
            self.dirty.push_back(id.slot);
        }
        let number = endpoint.flushed + endpoint.unsent() as u64;
        self.environment.reply_begins(id, number);
        &mut endpoint.output
    }

    fn unsent(&self, id: ConnectionId) -> usize {
        let found = self.slots.get(id.slot);
        found
            .filter(|endpoint| endpoint.id == id)
            .map_or(0, Endpoint::unsent)
    }

    fn room(&mut self, id: ConnectionId) -> Room {
        self.get(id).map_or(Room::Some, Endpoint::room)
    }

    fn promote(&mut self, id: ConnectionId) {
        let limits = self.settings.peer_limits;
        if let Some(endpoint) = self.get(id) {
            let (was_link, share) = (endpoint.is_peer, endpoint.share);
            endpoint.become_link();
            if !planted(Bug::LimitsKeptOnLink) {
                endpoint.new_limits = Some(limits);
            }
            *self.sum(was_link) -= share;
            *self.sum(true) += share;
        }
    }

    fn close(&mut self, id: ConnectionId, how: Close) {
        if let Some(endpoint) = self.get(id) {
            endpoint.ending = match how {
                Close::AfterFlush => Ending::AfterFlush,
                Close::Now => Ending::Now,
            };
            endpoint.discard_input();
            self.endings.push_back(id.slot);
        }
    }

    fn dial(&mut self, peer: ReplicaId) {
        self.dials.push(peer);
    }

    fn pause(&mut self, id: ConnectionId, paused: bool) {
        if let Some(endpoint) = self.get(id) {
            endpoint.paused = paused;
            if !paused {
                self.enqueue(id.slot);
            }
        }
    }

    fn precise(&self, now: Now) -> Duration {
        self.environment.precise(now)
    }

    fn stop(&mut self) {
        self.stopped = true;
    }

    fn monitor(&mut self, id: ConnectionId, kind: Option<MonitorKind>) {
        let unread_max = self.settings.monitor_bytes_max;
        if let Some(endpoint) = self.get(id) {
            endpoint.monitors(kind.map(|_| unread_max));
        }
        self.monitors.set(id, kind);
    }

    fn observes(&self) -> bool {
        self.environment.observes() || !self.monitors.is_empty()
    }

    fn lost_lines(&self) -> LostLines {
        self.environment.lost_lines()
    }

    fn memory(&self) -> Memory {
        Memory {
            resident: self.environment.resident(),
            ..self.memory
        }
    }

    fn observe(&mut self, now: Now, clock: u64, event: &Event<'_>) {
        self.environment.observe(now, clock, event);
        if let Some((kind, line)) = self.monitors.line(now, event) {
            for monitor in self.monitors.of(kind) {
                if self.get(monitor).is_some_and(|one| one.has_room_for(&line)) {
                    ReplyWriter::new(self.buffer(monitor), Resp::Two).simple(&line);
                } else {
                    // It is closed when its output is written.
                    self.write_next(monitor.slot);
                }
            }
        }
    }
}
