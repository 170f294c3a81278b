//! How long the way takes: the network's bytes arrive late, in pieces and in bursts.

use super::agenda::{Agenda, Happening, MILLISECOND, Time};
use super::plan::Plan;
use holdback::random::Random;
use holdback_testkit::{ALL, End, Load, Network, Parcel};

/// How the network behaves in one run.
#[derive(Clone, Debug)]
pub(super) struct Weather {
    /// The shortest one-way delay between two replicas, by the one that sends, then the one that receives.
    pub(super) distances: Vec<Vec<Time>>,
    /// The shortest one-way delay between a client and its replica.
    pub(super) client_distance: Time,
    /// What is added to each delay on average.
    pub(super) jitter: Time,
    /// In so many of a thousand cases bytes are stuck for a while, and what is behind them too.
    pub(super) stall_permille: u64,
    /// For how long at the most.
    pub(super) stall_max: Time,
    /// In so many of a thousand cases bytes arrive in two pieces.
    pub(super) split_permille: u64,
    /// How many bytes one direction of a connection takes before the other end has read them.
    pub(super) window: usize,
}

/// The weather, and what it has done so far.
#[derive(Debug)]
pub(super) struct Sky {
    weather: Weather,
    parties: usize,
    /// By ordered pair: what is added to each delay.
    slowed: Vec<Time>,
    /// By connection and direction: nothing arrives before this time.
    not_before: Vec<[Time; 2]>,
    random: Random,
}

impl Sky {
    pub(super) fn new(plan: &Plan, parties: usize) -> Self {
        Self {
            weather: plan.weather.clone(),
            parties,
            slowed: vec![0; parties * parties],
            not_before: Vec::new(),
            random: Random::new(plan.seed, 1),
        }
    }

    /// Short delays and room enough from now on.
    pub(super) fn clear_up(&mut self, network: &mut Network) {
        let weather = &mut self.weather;
        weather.jitter = weather.jitter.min(MILLISECOND);
        weather.stall_permille = 0;
        weather.window = weather.window.max(64 << 10);
        network.set_window(weather.window);
    }

    /// How long something takes now from one party to another.
    pub(super) fn delay(&mut self, from: usize, to: usize) -> Time {
        let weather = &self.weather;
        let replicas = weather.distances.len();
        let distance = match (from < replicas, to < replicas) {
            (true, true) => weather.distances[from][to],
            _ => weather.client_distance,
        };
        let mut delay = distance + self.slowed[from * self.parties + to];
        if weather.jitter > 0 {
            delay += self.random.exponential(weather.jitter);
        }
        if weather.stall_permille > 0 && self.random.permille(weather.stall_permille) {
            delay += self.random.below(weather.stall_max);
        }
        delay.max(1)
    }

    /// Sets what is added to the delays of one direction between two parties.
    pub(super) fn slow(&mut self, from: usize, to: usize, extra: Time) {
        self.slowed[from * self.parties + to] = extra;
    }

    /// Sees to it that nothing arrives before this time.
    pub(super) fn not_before(&mut self, end: End, time: Time) {
        if end.wire >= self.not_before.len() {
            self.not_before.resize(end.wire + 1, [0; 2]);
        }
        let last = &mut self.not_before[end.wire][end.side];
        *last = time.max(*last);
    }

    /// Says when what has set out arrives.
    pub(super) fn plan(&mut self, end: End, network: &mut Network, agenda: &mut Agenda) {
        let [from, to] = [end, end.other()].map(|end| network.party(end));
        let held = network.is_held(end);
        let flight = network.flight(end);
        let first = flight.partition_point(|parcel| parcel.due != ALL);
        let mut at = first;
        while at < flight.len() {
            if let Load::Bytes(length) = flight[at].load
                && length > 1
                && self.random.permille(self.weather.split_permille)
            {
                let head = 1 + self.random.index(length - 1);
                flight[at].load = Load::Bytes(length - head);
                let (due, load) = (self.due(end, from, to, agenda), Load::Bytes(head));
                flight.insert(at, Parcel { due, load });
                at += 1;
            }
            flight[at].due = self.due(end, from, to, agenda);
            at += 1;
        }
        for parcel in flight.range(first..).filter(|_| !held) {
            agenda.at(parcel.due, Happening::Arrival { end });
        }
    }

    fn due(&mut self, end: End, from: usize, to: usize, agenda: &Agenda) -> Time {
        let due = agenda.now() + self.delay(from, to);
        self.not_before(end, due);
        self.not_before[end.wire][end.side]
    }

    /// What was held sets out again, in one burst or spread out.
    pub(super) fn resume(&mut self, end: End, network: &mut Network, agenda: &mut Agenda) {
        let mut at = agenda.now();
        let spread = if self.random.permille(500) {
            MILLISECOND
        } else {
            0
        };
        for parcel in network.flight(end) {
            at = (at + self.random.below(spread + 1)).max(parcel.due);
            parcel.due = at;
            agenda.at(at, Happening::Arrival { end });
        }
        self.not_before(end, at);
    }
}
