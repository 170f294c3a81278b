//! One thread of a load: many clients around one loop.

use super::client::{Client, Link, Over};
use super::pace::Pace;
use super::recorder::Recorder;
use super::sockets::{Ready, Sockets};
use super::tally::Tally;
use super::workload::Workload;
use crate::history::{Operation, Outcome};
use crate::kit::ask::words;
use crate::kit::clock::{Clock, nanoseconds};
use crate::kit::failure::Failure;
use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

/// A replica answers every request within its `--request-timeout`; one that has not by then is given up.
pub(super) const ANSWER_PATIENCE: u64 = 20_000_000_000;
/// After an interrupt, answers are awaited only so long.
const HURRY: u64 = 2_000_000_000;
/// How often clients are looked through for what takes too long.
pub(super) const INSPECT_EVERY: u64 = 20_000_000;
/// The system wakes a thread on the millisecond; what is due sooner is napped for.
const MILLISECOND: u64 = 1_000_000;
/// A nap.
const NAP: Duration = Duration::from_micros(30);

/// What the threads of a load share with each other, and with whoever looks on.
#[derive(Debug, Default)]
pub(super) struct Shared {
    /// Set when the load is to stop before its goal.
    pub(super) stop: AtomicBool,
    /// Operations that are over.
    pub(super) over: AtomicU64,
    /// Threads that still send.
    pub(super) sending: AtomicUsize,
    /// Set when a thread could not connect its clients.
    pub(super) failed: AtomicBool,
    /// The process that a new connection is.
    pub(super) next_process: AtomicU64,
}

/// A replica, or another server, that is loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Target {
    /// The replica's id, if it is one.
    pub(super) replica: Option<u64>,
    /// Where it is.
    pub(super) address: SocketAddr,
}

/// One thread's part of a load.
pub(super) struct Driver<'a> {
    pub(super) targets: &'a [Target],
    pub(super) clients: Vec<Client>,
    pub(super) pipeline: usize,
    pub(super) workload: Workload,
    pub(super) pace: Pace,
    pub(super) recorder: Recorder,
    pub(super) shared: &'a Shared,
    pub(super) clock: Clock,
    pub(super) sockets: Sockets,
    pub(super) state: State,
}

/// What changes as the loop turns.
#[derive(Default)]
pub(super) struct State {
    pub(super) tally: Tally,
    /// Clients that may send, the one that waits longest first.
    idle: VecDeque<usize>,
    /// Clients that have something to write.
    dirty: Vec<usize>,
    pub(super) over: Vec<Over>,
    pub(super) scratch: Vec<u8>,
    /// When the load began, on the clock.
    pub(super) began: u64,
    pub(super) last_inspected: u64,
}

impl Driver<'_> {
    /// Loads until the goal is reached and everything is answered. `began` is when, on the clock.
    pub(super) fn run(mut self, began: u64) -> Result<Tally, Failure> {
        self.state.began = began;
        for slot in 0..self.clients.len() {
            self.offer(slot);
        }
        let mut ready = Vec::new();
        let mut sending = true;
        let mut deadline = u64::MAX;
        loop {
            let now = self.now();
            if self.shared.stop.load(Ordering::Relaxed) && deadline == u64::MAX {
                self.pace.stop();
                deadline = now + HURRY;
            }
            self.send_what_is_due(now);
            self.flush();
            if sending && self.pace.is_over(now - began) {
                sending = false;
                self.shared.sending.fetch_sub(1, Ordering::Relaxed);
            }
            if !sending && self.clients.iter().all(Client::is_idle) {
                break;
            }
            if now >= deadline {
                (0..self.clients.len()).for_each(|slot| self.retire(slot, "interrupted"));
                break;
            }
            self.wait(now, &mut ready)?;
            self.serve(&ready);
            self.inspect();
        }
        self.state.tally.unsent = self.pace.unsent();
        self.state.tally.finish(began);
        self.recorder.finish()?;
        Ok(self.state.tally)
    }

    pub(super) fn now(&self) -> u64 {
        nanoseconds(self.clock.now())
    }

    // --- sending ------------------------------------------------------------------------------------

    fn send_what_is_due(&mut self, now: u64) {
        let began = self.state.began;
        while let Some(&slot) = self.state.idle.front() {
            if !self.clients[slot].has_room(self.pipeline) {
                self.state.idle.pop_front();
                self.clients[slot].queued = false;
                continue;
            }
            let Some(due) = self.pace.take(now - began) else {
                break;
            };
            self.send(slot, began + due, now);
            // Clients take turns, so that with a rate all of them have something to do.
            if self.pace.is_open_loop() {
                self.state.idle.rotate_left(1);
            }
        }
    }

    fn send(&mut self, slot: usize, due: u64, now: u64) {
        let client = &mut self.clients[slot];
        let (kind, call) = self.workload.draw(&mut client.author);
        let operation = Operation {
            replica: self.targets[client.target].replica,
            ..Operation::open(client.process, call, now)
        };
        self.recorder.invoke(&operation);
        client.send(kind, operation, due);
        self.state.tally.invoked += 1;
        if !client.dirty {
            client.dirty = true;
            self.state.dirty.push(slot);
        }
    }

    fn flush(&mut self) {
        let dirty = std::mem::take(&mut self.state.dirty);
        for slot in &dirty {
            self.clients[*slot].dirty = false;
            self.flush_one(*slot);
        }
        if self.state.dirty.is_empty() {
            // The list is kept, so that it need not be made anew.
            self.state.dirty = dirty;
            self.state.dirty.clear();
        }
    }

    /// Writes; what the system does not take now waits for an event.
    fn flush_one(&mut self, slot: usize) {
        if let Err(error) = self.clients[slot].flush() {
            self.lose(slot, &words(&error));
        }
    }

    // --- waiting ------------------------------------------------------------------------------------

    fn wait(&mut self, now: u64, ready: &mut Vec<Ready>) -> Result<(), Failure> {
        let since = now - self.state.began;
        let due = self
            .pace
            .next_due(since)
            .filter(|_| !self.state.idle.is_empty());
        let until = due.map_or(INSPECT_EVERY, |due| due.saturating_sub(since));
        let patience = match until.min(INSPECT_EVERY) {
            short if short < MILLISECOND => Duration::ZERO,
            long => Duration::from_millis(long / MILLISECOND),
        };
        self.sockets
            .wait(patience, ready)
            .map_err(Failure::doing("cannot wait for connections"))?;
        if ready.is_empty() && patience.is_zero() && until > 0 {
            std::thread::sleep(NAP.min(Duration::from_nanos(until)));
        }
        Ok(())
    }

    fn serve(&mut self, ready: &[Ready]) {
        let now = self.now();
        for event in ready {
            let slot = event.slot;
            if let Link::Connecting(_) = self.clients[slot].link
                && let Err(error) = self.finish_connection(slot)
            {
                self.lose(slot, &words(&error));
                continue;
            }
            if event.writable {
                self.flush_one(slot);
            }
            if event.readable {
                self.read(slot, now);
            }
        }
    }

    fn read(&mut self, slot: usize, now: u64) {
        let State { scratch, over, .. } = &mut self.state;
        let result = self.clients[slot].read(scratch, now, over);
        self.settle_over(slot);
        if let Err(error) = result {
            self.lose(slot, &words(&error));
        }
        self.refresh(slot);
    }

    /// Lets a client send again if it may, or replaces it if its process is at its end.
    fn refresh(&mut self, slot: usize) {
        let client = &self.clients[slot];
        if client.retiring && client.is_idle() {
            self.retire(slot, "");
            self.begin_connection_or_lose(slot);
        } else {
            self.offer(slot);
        }
    }

    /// Puts a client into the queue of those that may send.
    pub(super) fn offer(&mut self, slot: usize) {
        let client = &mut self.clients[slot];
        if !client.queued && client.has_room(self.pipeline) {
            client.queued = true;
            self.state.idle.push_back(slot);
        }
    }

    /// Counts and records what is over of a client.
    pub(super) fn settle_over(&mut self, slot: usize) {
        let State { over, tally, .. } = &mut self.state;
        if over.is_empty() {
            return;
        }
        let count = over.len() as u64;
        self.shared.over.fetch_add(count, Ordering::Relaxed);
        for one in over.drain(..) {
            let operation = one.operation;
            tally.last = tally.last.max(operation.completed.unwrap_or(0));
            match &one.error {
                None => tally.answered(one.kind, one.latency),
                Some(error) => tally.failed(error, operation.outcome == Outcome::Fail),
            }
            self.recorder.complete(&operation);
            match &operation.outcome {
                Outcome::Ok(answer) => self.workload.learn(&operation.call, answer),
                Outcome::Info => self.clients[slot].retiring = true,
                Outcome::Fail => {}
            }
        }
    }
}
