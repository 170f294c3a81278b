//! Calm runs that are measured: one client at each replica, and nothing goes wrong.

use crate::simulate::Latency;
use crate::simulate::agenda::{MILLISECOND, Time};
use crate::simulate::faults::FaultKinds;
use crate::simulate::plan::{Options, Plan};
use crate::simulate::run::run_world;
use crate::simulate::session::{Outcome, Request};
use crate::simulate::trace::Keep;
use crate::simulate::workload::{Command, Step};
use crate::simulate::world::World;
use holdback::consistency::Consistency;

/// Writes, and as many reads, of each client.
const ROUNDS: usize = 20;
/// Commands of a burst.
const BURST: usize = 16;
/// By then all links are up, on any planet.
const WARM_UP: Time = 4000 * MILLISECOND;
/// Longer than any wait.
const FOREVER: Time = 300_000 * MILLISECOND;

/// What came out for one model and number of replicas.
#[derive(Debug)]
pub(super) struct Measured {
    pub(super) model: Consistency,
    pub(super) replicas: usize,
    pub(super) writes: Times,
    pub(super) reads: Times,
    /// Frames between replicas for each write, made one at a time.
    pub(super) frames: f64,
    /// Bytes of these.
    pub(super) bytes: f64,
    /// Frames for each write, made 16 at a time.
    pub(super) frames_burst: f64,
    /// Bytes of these.
    pub(super) bytes_burst: f64,
}

/// By site: how long something took, sorted, in microseconds.
#[derive(Debug)]
pub(super) struct Times(Vec<Vec<Time>>);

impl Times {
    /// A percentile at a site; none if no replica is there.
    pub(super) fn at(&self, site: usize, percent: usize) -> Option<Time> {
        percentile(self.0.get(site)?, percent)
    }

    /// A percentile of all.
    pub(super) fn everywhere(&self, percent: usize) -> Time {
        let mut all = self.0.concat();
        all.sort_unstable();
        percentile(&all, percent).unwrap_or(0)
    }
}

fn percentile(sorted: &[Time], percent: usize) -> Option<Time> {
    let at = (sorted.len() * percent).div_ceil(100).saturating_sub(1);
    sorted.get(at).copied()
}

/// Runs a cluster with clients that wait for each reply, and one with clients that send bursts of writes.
pub(super) fn measure(
    model: Consistency,
    replicas: usize,
    latency: &Latency,
    seed: u64,
) -> Measured {
    let one_by_one = |client: usize| {
        let write = |round: usize| vec![set(client, round)];
        let read = |_| vec![Command::new(&["GET", &format!("k{client}")])];
        let round = |round: usize| [write(round), read(round)];
        (0..ROUNDS).flat_map(round).collect()
    };
    let in_bursts = |client: usize| {
        let burst = |round: usize| {
            (0..BURST)
                .map(|at| set(client, round * BURST + at))
                .collect()
        };
        (0..ROUNDS / 4).map(burst).collect()
    };
    let calm = run(model, replicas, latency, seed, &one_by_one);
    let busy = run(model, replicas, latency, seed, &in_bursts);
    let took = |writes: bool| {
        let mut sites = vec![Vec::new(); latency.sites.len()];
        for session in &calm.sessions {
            let asked = |request: &&Request| (request.command.0[0] == b"SET") == writes;
            let asked = session.requests.iter().filter(asked);
            let done = asked.filter(|request| request.outcome == Outcome::Done);
            let took = done.map(|request| request.completed - request.invoked);
            sites[latency.site(session.replica)].extend(took);
        }
        sites.iter_mut().for_each(|site| site.sort_unstable());
        Times(sites)
    };
    // A linearizable read is an entry as a write is.
    let reads = model == Consistency::Linearizable;
    let entries = replicas * ROUNDS * if reads { 2 } else { 1 };
    let bursts = replicas * (ROUNDS / 4) * BURST;
    let each = |total: u64, count: usize| total as f64 / count as f64;
    Measured {
        model,
        replicas,
        writes: took(true),
        reads: took(false),
        frames: each(calm.counts.data_frames, entries),
        bytes: each(calm.counts.data_bytes, entries),
        frames_burst: each(busy.counts.data_frames, bursts),
        bytes_burst: each(busy.counts.data_bytes, bursts),
    }
}

fn run(
    model: Consistency,
    replicas: usize,
    latency: &Latency,
    seed: u64,
    program: &dyn Fn(usize) -> Vec<Vec<Command>>,
) -> World {
    let options = Options {
        replicas,
        clients: replicas,
        latency: latency.clone(),
        faults: FaultKinds::None,
        ..Options::new(model)
    };
    let mut plan = Plan::new(seed, &options);
    plan.clients = (0..replicas)
        .map(|client| {
            let mut steps = vec![Step::Connect(client), Step::Rest(WARM_UP)];
            for commands in program(client) {
                steps.push(Step::Send(commands));
                steps.push(Step::Wait(FOREVER));
                // Clients of the same distance would else be in step for ever.
                steps.push(Step::Rest(3 * MILLISECOND + 97 * client as Time));
            }
            steps.push(Step::Finish(FOREVER));
            steps
        })
        .collect();
    let mut world = World::new(&plan, Keep::Nothing);
    run_world(&mut world);
    world
}

/// A SET of 64 bytes.
fn set(client: usize, round: usize) -> Command {
    Command::new(&["SET", &format!("k{client}"), &format!("{round:064}")])
}
