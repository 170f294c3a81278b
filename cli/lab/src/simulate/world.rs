//! The whole run: replicas, clients, network and clock in one place, one happening after the other.

mod disturb;

use super::agenda::{Agenda, Happening, MILLISECOND, SECOND, Time};
use super::clients::Client;
use super::host::Host;
use super::journal::Journal;
use super::network::Network;
use super::plan::Plan;
use super::record::Record;
use super::session::{Ledger, Session, Unclaimed};
use super::tap::Tap;
use super::trace::{Keep, Trace};
use super::versions::Versions;
use super::violation::{Check, Violation};
use holdback::multicast::ReplicaId;
use std::collections::VecDeque;

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    pub(super) plan: Plan,
    pub(super) agenda: Agenda,
    pub(super) network: Network,
    pub(super) hosts: Vec<Host>,
    pub(super) clients: Vec<Client>,
    pub(super) sessions: Vec<Session>,
    /// By wire: what is overheard of both directions, between replicas.
    pub(super) taps: Vec<Option<[Tap; 2]>>,
    /// By wire: where the replies to a client were made; see `Socket::marks`.
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
        Self {
            agenda: Agenda::default(),
            // One more party gives the replicas FAULT commands.
            network: Network::new(plan.seed, plan.weather.clone(), replicas, clients + 1),
            hosts: (0..replicas)
                .map(|index| Host::new(index, plan.seed, plan.clock_skews[index]))
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
        for host in &mut self.hosts {
            host.out.journal = Some(Journal::new(ReplicaId::from_index(host.index)));
        }
    }

    /// Runs from the start until everything has settled, or an invariant is broken.
    pub(super) fn run(&mut self) -> Check {
        for host in 0..self.hosts.len() {
            let delay = self.hosts[host].random.below(50 * MILLISECOND);
            self.agenda.at(delay, Happening::Start { host });
        }
        for client in 0..self.clients.len() {
            let delay = self.hosts[0].random.exponential(300 * MILLISECOND);
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
            Happening::Turn { host } => self.turn(host),
            Happening::Arrival { wire, side } => self.arrival(wire, side),
            Happening::Knock { wire } => {
                self.knock(wire);
                Ok(())
            }
            Happening::Connected { wire } => self.connected(wire),
            Happening::Refused { wire } => self.refused(wire),
            Happening::Client { client, ticket } => self.client_wakes(client, ticket),
            Happening::Fault { index } => self.begin_fault(index),
            Happening::Heal { index } => {
                self.end_fault(index);
                Ok(())
            }
            Happening::Start { host } => {
                self.start(host);
                Ok(())
            }
            Happening::Inspect => {
                self.agenda.after(INSPECT_EVERY, Happening::Inspect);
                self.heal_again();
                self.settled = self.open_faults == 0
                    && self.clients_are_done()
                    && self.check_settled().is_ok();
                Ok(())
            }
        }
    }

    fn start(&mut self, index: usize) {
        let plan = &self.plan;
        let host = &mut self.hosts[index];
        host.start(plan.replicas, plan.consistency, &plan.tuning, plan.seed);
        let incarnation = host.incarnation;
        self.network.reappear(index);
        self.counts.restarts += u64::from(incarnation > 1);
        host.wake(self.agenda.now(), &mut self.agenda);
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

    /// Opens a connection; the request to connect is on its way.
    pub(super) fn open(&mut self, dialler: usize, dialled: usize) -> usize {
        let wire = self.network.open(dialler, dialled);
        let replicas = self.hosts.len();
        let tapped = dialler < replicas && dialled < replicas;
        self.taps.push(tapped.then(|| [Tap::new(), Tap::new()]));
        self.marks.push(VecDeque::new());
        let delay = self.network.delay(dialler, dialled);
        self.network.not_before(wire, 0, self.agenda.now() + delay);
        self.agenda.after(delay, Happening::Knock { wire });
        wire
    }

    /// A request to connect gets to the replica, is held up, or finds nobody.
    fn knock(&mut self, wire: usize) {
        let [dialler, dialled] = self.network.wires[wire].parties;
        if self.network.is_deaf(wire, 1) {
            return;
        }
        if self.network.is_held(dialler, dialled) || self.network.is_held(dialled, dialler) {
            let again = 200 * MILLISECOND + self.network.delay(dialler, dialled);
            self.network.not_before(wire, 0, self.agenda.now() + again);
            return self.agenda.after(again, Happening::Knock { wire });
        }
        let back = self.network.delay(dialled, dialler);
        let host = &mut self.hosts[dialled];
        if host.replica.is_none() {
            return self.agenda.after(back, Happening::Refused { wire });
        }
        host.backlog.push(wire);
        let delay = host.random.below(self.plan.tuning.turn_delay);
        host.wake(self.agenda.now() + delay, &mut self.agenda);
        self.network.not_before(wire, 1, self.agenda.now() + back);
        self.agenda.after(back, Happening::Connected { wire });
    }

    fn connected(&mut self, wire: usize) -> Check {
        let dialler = self.network.wires[wire].parties[0];
        if let Some(host) = self.hosts.get_mut(dialler) {
            host.connected.push(wire);
            let delay = host.random.below(self.plan.tuning.turn_delay);
            host.wake(self.agenda.now() + delay, &mut self.agenda);
            return Ok(());
        }
        self.client_connected(dialler - self.hosts.len(), wire)
    }

    fn refused(&mut self, wire: usize) -> Check {
        let dialler = self.network.wires[wire].parties[0];
        if let Some(host) = self.hosts.get_mut(dialler) {
            host.unreachable.push(wire);
            host.wake(self.agenda.now(), &mut self.agenda);
            return Ok(());
        }
        self.client_refused(dialler - self.hosts.len(), wire)
    }

    fn arrival(&mut self, wire: usize, side: usize) -> Check {
        if !self.network.arrive(wire, side, &mut self.agenda) {
            return Ok(());
        }
        let to = self.network.wires[wire].parties[1 - side];
        if let Some(host) = self.hosts.get_mut(to) {
            let delay = host.random.below(self.plan.tuning.turn_delay);
            host.wake(self.agenda.now() + delay, &mut self.agenda);
            return Ok(());
        }
        self.client_readable(to - self.hosts.len(), wire)
    }

    /// The first broken invariant, with the trace's last word on it.
    pub(super) fn violated(&mut self, violation: &Violation) {
        let text = violation.to_string();
        self.note(0, text.as_bytes(), || format!("BROKEN {text}"));
    }
}

#[cfg(test)]
mod tests;
