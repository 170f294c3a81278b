//! The machine of one replica: its process, its clocks, and when the process runs.

use super::agenda::{Agenda, Happening, Time};
use super::ear::Ear;
use super::plan::Plan;
use holdback::entry::Entry;
use holdback::ids::ReplicaId;
use holdback::random::Random;
use holdback::settings::Settings;
use holdback::turn::Now;
use holdback_testkit::Host;
use std::time::Duration;

/// The wall clocks' time at the start of a run: no time in particular.
const EPOCH: Duration = Duration::from_secs(1_700_000_000);

/// A machine.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) index: usize,
    /// How often the process was started.
    pub(super) incarnation: u64,
    pub(super) host: Host<Ear>,
    /// How many entries the process delivered or applied.
    pub(super) position: u64,
    pub(super) paused_until: Time,
    /// The next turn.
    pub(super) wake_at: Option<Time>,
    /// What the wall clock is ahead (or behind), in microseconds.
    pub(super) wall_offset: i64,
    pub(super) random: Random,
    /// What a real run would leave, if it is kept.
    pub(super) journal: Option<Journal>,
}

/// The trace of one replica through all its incarnations, and what it delivered in the last.
#[derive(Debug, Default)]
pub(super) struct Journal {
    /// Lines of JSON.
    pub(super) trace: String,
    /// What was delivered (or applied) since the process started, with positions.
    pub(super) delivered: Vec<(u64, Entry)>,
}

impl Machine {
    pub(super) fn new(index: usize, plan: &Plan) -> Self {
        Self {
            index,
            incarnation: 0,
            host: Host::default(),
            position: 0,
            paused_until: 0,
            wake_at: None,
            wall_offset: plan.clock_skews[index],
            random: Random::new(plan.seed, 100 + index as u64),
            journal: None,
        }
    }

    /// Whether the process runs.
    pub(super) fn runs(&self) -> bool {
        self.host.driver().is_some()
    }

    /// Starts the process, empty, in a new incarnation.
    pub(super) fn start(&mut self, plan: &Plan) {
        self.incarnation += 1;
        let id = ReplicaId::from_index(self.index);
        let settings = Settings {
            id,
            incarnation: self.incarnation,
            ..plan.tuning.settings.clone()
        };
        let ear = Ear::new(id, !plan.consistency.is_ordered(), self.journal.is_some());
        self.host.read_bytes = plan.tuning.read_bytes;
        self.host.start(settings, plan.tuning.endpoints, ear);
        self.position = 0;
        self.wake_at = None;
        if let Some(journal) = &mut self.journal {
            journal.delivered.clear();
        }
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
        if self.runs() && self.wake_at.is_none_or(|at| at > time) {
            self.wake_at = Some(time);
            agenda.at(time, Happening::Turn { host: self.index });
        }
    }

    /// Lets the process run soon: within so many microseconds.
    pub(super) fn wake_within(&mut self, delay: Time, agenda: &mut Agenda) {
        let delay = self.random.below(delay);
        self.wake(agenda.now() + delay, agenda);
    }
}
