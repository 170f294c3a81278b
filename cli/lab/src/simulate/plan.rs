//! What a seed becomes: everything about a run that was decided by chance before it begins.

use super::agenda::{MILLISECOND, Time, micros};
use super::faults::{FaultKinds, PlannedFault, plan_faults};
use super::latency::Latency;
use super::weather::Weather;
use super::workload::{Step, plan_client};
use holdback::consistency::Consistency;
use holdback::endpoint::EndpointSettings;
use holdback::ids::ReplicaId;
use holdback::random::Random;
use holdback::settings::Settings;
use holdback::wire::frame::FrameLimits;
use std::time::Duration;

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Options {
    /// The model.
    pub consistency: Consistency,
    /// How many replicas.
    pub replicas: usize,
    /// How many clients.
    pub clients: usize,
    /// How many operations, shared among the clients.
    pub operations: usize,
    /// How far apart the replicas are.
    pub latency: Latency,
    /// What goes wrong.
    pub faults: FaultKinds,
}

impl Options {
    /// The small default: 3 replicas, 4 clients, 100 operations, everything goes wrong.
    #[must_use]
    pub fn new(consistency: Consistency) -> Self {
        Self {
            consistency,
            replicas: 3,
            clients: 4,
            operations: 100,
            latency: Latency::lan(),
            faults: FaultKinds::All,
        }
    }
}

/// Limits and timeouts of the replicas and of their connections.
#[derive(Clone, Debug)]
pub(super) struct Tuning {
    /// What all replicas are told.
    pub(super) settings: Settings,
    pub(super) endpoints: EndpointSettings,
    /// Bytes read from one connection in one turn.
    pub(super) read_bytes: usize,
    /// How long a process may take to notice something.
    pub(super) turn_delay: Time,
}

impl Tuning {
    /// What the server has by default.
    fn calm(seed: u64, consistency: Consistency, replicas: usize) -> Self {
        let cluster = (1..=replicas).map(|id| format!("replica-{id}:8081"));
        let settings = Settings {
            seed,
            allow_faults: true,
            ..Settings::new(ReplicaId(1), cluster.collect(), consistency)
        };
        Self {
            endpoints: EndpointSettings::new(&settings),
            settings,
            read_bytes: 64 << 10,
            turn_delay: 20,
        }
    }

    fn draw(&mut self, random: &mut Random) {
        let heartbeat = random.pick(&[100, 250, 500]);
        let (settings, endpoints) = (&mut self.settings, &mut self.endpoints);
        let milliseconds = Duration::from_millis;
        settings.heartbeat = milliseconds(heartbeat);
        settings.request_timeout = milliseconds(random.pick(&[200, 500, 1000, 3000, 10_000]));
        settings.link_timeout = milliseconds(heartbeat * random.between(3, 6));
        settings.pending_bytes_max = random.pick(&[100, 300, 2000, 64 << 20]);
        settings.unanswered_max = random.pick(&[1, 2, 4, 10_000]);
        settings.link_bytes_max = random.pick(&[1, 200, 1000, 1 << 20]);
        settings.order_entries_max = random.pick(&[1, 10, 100_000]);
        self.read_bytes = random.pick(&[7, 100, 64 << 10, 64 << 10]);
        endpoints.frames_per_turn = random.pick(&[1, 2, 128, 128]);
        settings.unread_bytes_max = random.pick(&[1, 50, 1 << 20]);
        settings.output_bytes_max = random.pick(&[2000, 64 << 20, 64 << 20]);
        endpoints.unread_bytes_max = settings.unread_bytes_max;
        endpoints.output_bytes_max = settings.output_bytes_max;
        self.turn_delay = random.pick(&[1, 50, 500, 5000]);
    }

    /// What was added later: drawn apart, so that what was drawn before stays as it was.
    fn draw_pieces(&mut self, seed: u64) {
        let mut random = Random::new(seed, 4);
        self.settings.mcast_bytes_max = random.pick(&[1, 100, 64 << 10]);
        self.settings.round_piece_records = random.pick(&[1, 2, 256]);
        // Enough for every command, and for the handshake of a link that comes in. What replicas send each other is
        // often larger.
        let narrow = FrameLimits {
            arguments: 20,
            frame_bytes: 2000,
            ..FrameLimits::default()
        };
        let limits = &mut self.endpoints.client_limits;
        *limits = Random::new(seed, 9).pick(&[narrow, *limits]);
        self.draw_bounds(&mut Random::new(seed, 10));
    }

    /// Bounds at which replicas refuse what they are asked.
    fn draw_bounds(&mut self, random: &mut Random) {
        let settings = &mut self.settings;
        settings.queue_bytes_max = random.pick(&[50, 400, 256 << 20]);
        settings.memory_bytes_max = random.pick(&[200, 1000, 0, 0]);
    }

    /// Gives links the time that their handshake takes over the longest distance: over an ocean two replicas that
    /// give up after 300 ms never get to know each other.
    fn fit_distances(&mut self, distances: &[Vec<Time>]) {
        let longest = distances.iter().flatten().max().copied().unwrap_or(0);
        // A round trip to connect, and one for both handshakes.
        let least = Duration::from_micros(4 * longest);
        self.settings.link_timeout = self.settings.link_timeout.max(least);
    }

    /// The loop is fast from now on.
    pub(super) fn hurry(&mut self) {
        self.read_bytes = self.read_bytes.max(64 << 10);
        self.turn_delay = self.turn_delay.min(MILLISECOND);
    }
}

/// A run, decided.
#[derive(Clone, Debug)]
pub(super) struct Plan {
    pub(super) seed: u64,
    pub(super) consistency: Consistency,
    pub(super) replicas: usize,
    pub(super) tuning: Tuning,
    pub(super) weather: Weather,
    /// What each client does.
    pub(super) clients: Vec<Vec<Step>>,
    pub(super) faults: Vec<PlannedFault>,
    /// By replica: how far its wall clock is ahead from the start, in microseconds.
    pub(super) clock_skews: Vec<i64>,
}

impl Plan {
    /// What a seed becomes under these options.
    pub(super) fn new(seed: u64, options: &Options) -> Self {
        let mut random = Random::new(seed, 2);
        let rough = options.faults != FaultKinds::None;
        let replicas = options.replicas;
        let mut tuning = Tuning::calm(seed, options.consistency, replicas);
        if rough {
            tuning.draw(&mut random);
            tuning.draw_pieces(seed);
            tuning.fit_distances(&options.latency.distances(replicas));
        }
        let weather = draw_weather(options, rough, &mut random);
        // Half of the runs are of commands that histories have names for, which are easier to read.
        let plain = Random::new(seed, 7).permille(500);
        let each = options.operations / options.clients.max(1);
        let extra = options.operations % options.clients.max(1);
        let clients = (0..options.clients)
            .map(|client| {
                let operations = each + usize::from(client < extra);
                plan_client(seed, client, operations, options, plain)
            })
            .collect();
        let faults = plan_faults(seed, options, micros(tuning.settings.heartbeat));
        Self {
            seed,
            consistency: options.consistency,
            replicas,
            tuning,
            weather,
            clients,
            faults,
            clock_skews: draw_skews(seed, options),
        }
    }

    /// How much there is to read about it: faults, steps and commands.
    pub(super) fn size(&self) -> usize {
        let weight = |step: &Step| match step {
            Step::Send(commands) => 1 + commands.len(),
            _ => 1,
        };
        let steps = self.clients.iter().flatten().map(weight);
        self.faults.len() + steps.sum::<usize>()
    }

    /// The same with calmer weather, larger limits, or equal clocks.
    pub(super) fn calmer(&self) -> Vec<Self> {
        let calm = Tuning::calm(self.seed, self.consistency, self.replicas);
        let changes: [&dyn Fn(&mut Self); 6] = [
            &|plan| plan.tuning = calm.clone(),
            &|plan| plan.weather.stall_permille = 0,
            &|plan| plan.weather.split_permille = 0,
            &|plan| plan.weather.window = 256 << 10,
            &|plan| plan.weather.jitter = plan.weather.jitter.min(20),
            &|plan| plan.clock_skews.fill(0),
        ];
        let changed = changes.map(|change| {
            let mut plan = self.clone();
            change(&mut plan);
            plan
        });
        changed.into()
    }
}

/// Wall clocks that agree, or are apart by milliseconds or by minutes.
fn draw_skews(seed: u64, options: &Options) -> Vec<i64> {
    let mut random = Random::new(seed, 6);
    let apart = match options.faults {
        FaultKinds::All => random.pick(&[0, 2_000, 120_000_000]),
        _ => 0,
    };
    let skew = |_| i64::try_from(random.below(apart + 1)).unwrap_or(0);
    (0..options.replicas).map(skew).collect()
}

fn draw_weather(options: &Options, rough: bool, random: &mut Random) -> Weather {
    let distances = options.latency.distances(options.replicas);
    if !rough {
        return Weather {
            distances,
            client_distance: options.latency.client,
            jitter: options.latency.jitter,
            stall_permille: 0,
            stall_max: 0,
            split_permille: 0,
            window: 256 << 10,
        };
    }
    let jitter = random.pick(&[10, 200, 3000, 20_000]);
    // A narrow window over a long distance would let no handshake through in time.
    let windows: &[usize] = if jitter > MILLISECOND {
        &[4096, 256 << 10]
    } else {
        &[128, 512, 4096, 256 << 10]
    };
    Weather {
        distances,
        client_distance: random.pick(&[20, 100, 5000]),
        jitter,
        stall_permille: random.pick(&[0, 10, 100]),
        stall_max: random.pick(&[5, 50, 400]) * MILLISECOND,
        split_permille: random.pick(&[0, 100, 600]),
        window: random.pick(windows),
    }
}
