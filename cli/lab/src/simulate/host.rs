//! A replica's process: started, paused, stopped, started again empty.

use super::agenda::{Agenda, Happening, Time};
use super::plan::Tuning;
use super::sockets::Sockets;
use crate::kit::random::Random;
use holdback::consistency::Consistency;
use holdback::multicast::ReplicaId;
use holdback::replica::{Now, Replica, Settings};
use std::time::Duration;

/// The wall clocks' time at the start of a run: no time in particular.
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

/// The process of one replica, and what the machine keeps for it.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) index: usize,
    /// How often it was started.
    pub(super) incarnation: u64,
    /// None while the process does not run.
    pub(super) replica: Option<Box<Replica>>,
    pub(super) out: Sockets,
    /// The process has had its first turn.
    pub(super) begun: bool,
    /// Connections that came in and were not accepted yet.
    pub(super) backlog: Vec<usize>,
    /// Connections that were asked for and are there, by slot.
    pub(super) connected: Vec<usize>,
    /// Peers that were dialled in vain, by slot.
    pub(super) unreachable: Vec<usize>,
    pub(super) paused_until: Time,
    /// The next turn.
    pub(super) wake_at: Option<Time>,
    /// What the wall clock is ahead (or behind), in microseconds.
    pub(super) wall_offset: i64,
    pub(super) random: Random,
}

impl Host {
    pub(super) fn new(index: usize, seed: u64, clock_skew: i64) -> Self {
        Self {
            index,
            incarnation: 0,
            replica: None,
            out: Sockets::default(),
            begun: false,
            backlog: Vec::new(),
            connected: Vec::new(),
            unreachable: Vec::new(),
            paused_until: 0,
            wake_at: None,
            wall_offset: clock_skew,
            random: Random::new(seed, 100 + index as u64),
        }
    }

    /// Starts the process, empty, in a new incarnation.
    pub(super) fn start(
        &mut self,
        replicas: usize,
        model: Consistency,
        tuning: &Tuning,
        seed: u64,
    ) {
        self.incarnation += 1;
        let cluster = (1..=replicas)
            .map(|id| format!("replica-{id}:8081"))
            .collect();
        let mut settings = Settings::new(ReplicaId::from_index(self.index), cluster, model);
        settings.incarnation = self.incarnation;
        settings.seed = seed;
        settings.allow_faults = true;
        tuning.apply(&mut settings);
        self.replica = Some(Box::new(Replica::new(settings)));
        let mut journal = self.out.journal.take();
        if let Some(journal) = &mut journal {
            journal.delivered.clear();
        }
        self.out = Sockets::default();
        self.out.journal = journal;
        self.wake_at = None;
        self.begun = false;
    }

    /// The time as this process sees it.
    pub(super) fn now(&self, now: Time) -> Now {
        let monotonic = Duration::from_micros(now);
        let offset = Duration::from_micros(self.wall_offset.unsigned_abs());
        let wall = if self.wall_offset < 0 {
            EPOCH + monotonic - offset
        } else {
            EPOCH + monotonic + offset
        };
        Now { monotonic, wall }
    }

    /// Lets the process run at a time, if it would not run earlier anyway.
    pub(super) fn wake(&mut self, time: Time, agenda: &mut Agenda) {
        let time = time.max(self.paused_until).max(agenda.now());
        if self.replica.is_some() && self.wake_at.is_none_or(|at| at > time) {
            self.wake_at = Some(time);
            agenda.at(time, Happening::Turn { host: self.index });
        }
    }

    /// The slot of the connection on a wire.
    pub(super) fn slot_of(&self, wire: usize) -> Option<usize> {
        self.out
            .slots
            .iter()
            .position(|socket| socket.as_ref().is_some_and(|socket| socket.wire == wire))
    }
}
