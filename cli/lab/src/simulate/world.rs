//! The whole run: replicas, clients, network and clock in one place, one happening after the other.

mod disturb;

use super::agenda::{Agenda, Happening, MILLISECOND, SECOND, Time};
use super::clients::Client;
use super::machine::{Journal, Machine};
use super::plan::Plan;
use super::record::Record;
use super::session::{Ledger, Session, Unclaimed};
use super::tap::Tap;
use super::trace::{Keep, Trace};
use super::versions::Versions;
use super::violation::{Check, Violation};
use super::weather::Sky;
use holdback::random::Random;
use holdback_testkit::{End, Network};
use std::collections::VecDeque;

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) agenda: Agenda,
    pub(super) network: Network,
    pub(super) sky: Sky,
    pub(super) machines: Vec<Machine>,
    pub(super) clients: Vec<Client>,
    pub(super) sessions: Vec<Session>,
    /// By wire: what is overheard of both directions, between replicas.
    pub(super) taps: Vec<Option<[Tap; 2]>>,
    /// By wire: where the replies to a client were made: from this byte of the stream on, at this position.
    pub(super) marks: Vec<VecDeque<(u64, u64)>>,
    pub(super) ledger: Ledger,
    pub(super) versions: Versions,
    pub(super) trace: Trace,
    pub(super) counts: Counts,
    /// Faults that have not ended.
    pub(super) open_faults: usize,
    pub(super) settled: bool,
}

/// What a run came across, to see that it went where it should.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Happenings.
    pub steps: u64,
    /// Requests of clients.
    pub requests: u64,
    /// Replies to them.
    pub replies: u64,
    /// Replies that leave open whether it happened.
    pub indefinite: u64,
    /// Replies that say that it did not.
    pub definite: u64,
    /// Frames between replicas.
    pub frames: u64,
    /// Bytes between replicas.
    pub frame_bytes: u64,
    /// Frames between replicas that carry or ack what clients wrote.
    pub data_frames: u64,
    /// Bytes of these.
    pub data_bytes: u64,
    /// Links that went down.
    pub links_lost: u64,
    /// Starts of processes after the first.
    pub restarts: u64,
    /// The longest order.
    pub positions: u64,
    /// Virtual time, in microseconds.
    pub time: Time,
}

/// How long after the last fault a run may take to settle.
const SETTLE_WITHIN: Time = 60 * SECOND;
/// How often it is looked whether it has.
const INSPECT_EVERY: Time = 100 * MILLISECOND;

impl World {
    pub(super) fn new(plan: &Plan, keep: Keep) -> Self {
        let (replicas, clients) = (plan.replicas, plan.clients.len());
        let ledger = Ledger {
            record: Record::new(replicas),
            unclaimed: Unclaimed::default(),
            completed: 0,
        };
        // One more party gives the replicas FAULT commands.
        let parties = replicas + clients + 1;
        let losses = Random::new(plan.seed, 8);
        let mut network = Network::new(parties, plan.weather.window, Some(losses));
        network.overhear();
        Self {
            agenda: Agenda::default(),
            network,
            sky: Sky::new(plan, parties),
            machines: (0..replicas)
                .map(|index| Machine::new(index, plan))
                .collect(),
            clients: (0..clients).map(|_| Client::default()).collect(),
            sessions: Vec::new(),
            taps: Vec::new(),
            marks: Vec::new(),
            ledger,
            versions: Versions::new(replicas),
            trace: Trace::new(keep),
            counts: Counts::default(),
            open_faults: plan.faults.len(),
            settled: false,
            plan: plan.clone(),
        }
    }

    /// Lets each replica's trace be written.
    pub(super) fn keep_journals(&mut self) {
        for machine in &mut self.machines {
            machine.journal = Some(Journal::default());
        }
    }

    /// Runs from the start until everything has settled, or an invariant is broken.
    pub(super) fn run(&mut self) -> Check {
        for host in 0..self.machines.len() {
            let delay = self.machines[host].random.below(50 * MILLISECOND);
            self.agenda.at(delay, Happening::Start { host });
        }
        for client in 0..self.clients.len() {
            let delay = self.machines[0].random.exponential(300 * MILLISECOND);
            self.agenda
                .at(delay, Happening::Client { client, ticket: 0 });
        }
        for index in 0..self.plan.faults.len() {
            self.agenda
                .at(self.plan.faults[index].at, Happening::Fault { index });
        }
        self.agenda.at(INSPECT_EVERY, Happening::Inspect);
        if self.open_faults == 0 {
            self.clear_up();
        }
        let mut deadline = None;
        while !self.settled {
            let Some(happening) = self.agenda.next() else {
                break;
            };
            self.counts.steps += 1;
            self.happen(happening)?;
            let now = self.agenda.now();
            if deadline.is_none() && self.open_faults == 0 && self.clients_are_done() {
                deadline = Some(now + SETTLE_WITHIN);
            }
            if deadline.is_some_and(|deadline| now > deadline) {
                return self.check_settled();
            }
        }
        self.finish()
    }

    fn happen(&mut self, happening: Happening) -> Check {
        match happening {
            Happening::Turn { host } => self.turn(host)?,
            Happening::Arrival { end } => self.arrival(end)?,
            Happening::Knock { wire } => self.knock(wire),
            Happening::Connected { wire } => self.dialled(wire, true)?,
            Happening::Refused { wire } => self.dialled(wire, false)?,
            Happening::Client { client, ticket } => self.client_wakes(client, ticket)?,
            Happening::Fault { index } => self.begin_fault(index),
            Happening::Heal { index } => self.end_fault(index),
            Happening::Start { host } => self.start(host),
            Happening::Inspect => {
                self.agenda.after(INSPECT_EVERY, Happening::Inspect);
                self.heal_again();
                self.settled = self.open_faults == 0
                    && self.clients_are_done()
                    && self.check_settled().is_ok();
            }
        }
        self.despatch()
    }

    fn start(&mut self, index: usize) {
        let machine = &mut self.machines[index];
        machine.start(&self.plan);
        let incarnation = machine.incarnation;
        self.network.reappear(index);
        self.counts.restarts += u64::from(incarnation > 1);
        machine.wake(self.agenda.now(), &mut self.agenda);
        self.ledger.record.started(index, incarnation);
        self.versions.started(index, incarnation);
        self.note(index, &[], || {
            format!("r{} starts, incarnation {incarnation}", index + 1)
        });
    }

    /// Writes a line of the trace.
    pub(super) fn note(&mut self, who: usize, bytes: &[u8], text: impl FnOnce() -> String) {
        self.trace.note(self.agenda.now(), who, bytes, text);
    }

    /// Opens a connection to a replica.
    pub(super) fn open(&mut self, dialler: usize, dialled: usize) -> usize {
        let wire = self.network.open(dialler, dialled);
        self.opened(End::dialler(wire));
        wire
    }

    /// A connection was opened: the request to connect is on its way.
    pub(super) fn opened(&mut self, end: End) {
        let [dialler, dialled] = [end, end.other()].map(|end| self.network.party(end));
        let tapped = dialler < self.machines.len();
        self.taps.push(tapped.then(|| [Tap::new(), Tap::new()]));
        self.marks.push(VecDeque::new());
        let delay = self.sky.delay(dialler, dialled);
        self.sky.not_before(end, self.agenda.now() + delay);
        self.agenda
            .after(delay, Happening::Knock { wire: end.wire });
    }

    /// A request to connect gets to the replica, is held up, or finds nobody.
    fn knock(&mut self, wire: usize) {
        let end = End::dialler(wire);
        let [dialler, dialled] = [end, end.other()].map(|end| self.network.party(end));
        if self.network.is_gone(end) {
            return;
        }
        if self.network.holds(dialler, dialled) || self.network.holds(dialled, dialler) {
            let again = 200 * MILLISECOND + self.sky.delay(dialler, dialled);
            self.sky.not_before(end, self.agenda.now() + again);
            return self.agenda.after(again, Happening::Knock { wire });
        }
        let back = self.sky.delay(dialled, dialler);
        let machine = &mut self.machines[dialled];
        if !machine.runs() {
            return self.agenda.after(back, Happening::Refused { wire });
        }
        machine.host.knock(wire);
        machine.wake_within(self.plan.tuning.turn_delay, &mut self.agenda);
        self.sky.not_before(end.other(), self.agenda.now() + back);
        self.agenda.after(back, Happening::Connected { wire });
    }

    /// Whoever dialled learns what became of it.
    fn dialled(&mut self, wire: usize, is_there: bool) -> Check {
        let dialler = self.network.party(End::dialler(wire));
        if let Some(machine) = self.machines.get_mut(dialler) {
            machine.host.dialled(wire, is_there);
            machine.wake_within(self.plan.tuning.turn_delay, &mut self.agenda);
            return Ok(());
        }
        self.client_dialled(dialler - self.machines.len(), wire, is_there)
    }

    fn arrival(&mut self, end: End) -> Check {
        let now = self.agenda.now();
        if self.network.is_held(end) || !self.network.arrive(end, now, usize::MAX) {
            return Ok(());
        }
        let at = end.other();
        let to = self.network.party(at);
        let Some(machine) = self.machines.get_mut(to) else {
            return self.client_readable(to - self.machines.len(), at);
        };
        if self.network.is_reset(at) && machine.random.permille(300) {
            self.network.discard_arrived(at);
        }
        machine.host.readable(at, &self.network);
        machine.wake_within(self.plan.tuning.turn_delay, &mut self.agenda);
        Ok(())
    }

    /// The first broken invariant, with the trace's last word on it.
    pub(super) fn violated(&mut self, violation: &Violation) {
        let text = violation.to_string();
        self.note(0, text.as_bytes(), || format!("BROKEN {text}"));
    }
}

#[cfg(test)]
mod tests;
