//! `holdback-lab load`: what is wanted.

use super::disturb::Faults;
use super::driver::Target;
use super::mix::{Kind, Mix};
use super::pace::Goal;
use super::run::run;
use crate::kit::cluster::Cluster;
use crate::kit::cluster::Where;
use crate::kit::failure::Failure;
use crate::kit::random::draw_seed;
use clap::Args;
use holdback::consistency::Consistency;
use holdback::units::{parse_bytes, parse_duration};
use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

/// How long a load takes if nobody says.
const DURATION: Duration = Duration::from_secs(10);
/// Where Redis listens.
const REDIS_ADDRESS: &str = "127.0.0.1:6379";

/// `holdback-lab load`
#[derive(Debug, Args)]
#[command(after_help = NOTES)]
pub struct LoadArguments {
    /// How the replicas are found.
    #[command(flatten)]
    pub place: Where,
    /// Which replicas clients connect to, in turn: all, ids (1,3), or addresses
    #[arg(long, value_name = "all|ID,...|HOST:PORT,...", default_value = "all")]
    pub targets: String,
    /// How many clients; each is one connection to one replica
    #[arg(long, short, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub clients: u32,
    /// Stop after so many operations
    #[arg(long, value_name = "N", conflicts_with = "duration", value_parser = clap::value_parser!(u64).range(1..))]
    pub ops: Option<u64>,
    /// Stop after so long (10, 2.5s, 500ms, 1m); 10 s if neither is given
    #[arg(long, value_name = "DURATION", value_parser = parse_duration)]
    pub duration: Option<Duration>,
    /// How many keys there are of each family: k0, k1, ... hold values, n0, ... counters, a0, ... are appended to
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    pub keys: u32,
    /// Operations with their weights (1 if none is given), such as get=50,set=40,cas=10,incr,append,del,mget,mset,txn,setnx,getset; everything the model accepts if not given
    #[arg(long, value_name = "KIND=WEIGHT,...")]
    pub mix: Option<Mix>,
    /// How many operations a client sends before it waits for the first answer
    #[arg(long, short = 'P', value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub pipeline: u32,
    /// Operations in a second, all clients together, at fixed moments; as fast as answers come if not given
    #[arg(long, value_name = "OPS", value_parser = parse_rate)]
    pub rate: Option<f64>,
    /// Bytes of a value; shorter ones have a few more, so that no value is written twice
    #[arg(long, value_name = "BYTES", default_value = "3", value_parser = parse_bytes)]
    pub value_size: usize,
    /// Seeds everything random; drawn and printed if not given
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// What goes wrong meanwhile; healed at the end
    #[arg(long, value_enum, default_value = "none", conflicts_with = "redis")]
    pub faults: Faults,
    /// Record at which position each operation took effect, and follow every replica's order
    #[arg(long, conflicts_with = "redis")]
    pub witness: bool,
    /// Record no history (for measuring)
    #[arg(long, conflicts_with = "witness")]
    pub no_history: bool,
    /// Only plain Redis commands, to load another server too (127.0.0.1:6379 unless targets are named); records nothing
    #[arg(long)]
    pub redis: bool,
    /// Send WAIT N behind each write, and count it as part of the write
    #[arg(long, value_name = "N", requires = "redis")]
    pub wait: Option<u32>,
    /// How many threads drive the clients
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..=64))]
    pub threads: u16,
    /// Print the figures as one JSON object
    #[arg(long)]
    pub json: bool,
}

const NOTES: &str = "Unless --redis or --no-history is given, what the clients saw is written to \
    history.jsonl in the run folder: that of --run, otherwise a new one in .runs. --witness adds \
    replica-N.order.jsonl. An eventual cluster has no order that all replicas share, so there --witness \
    saves no positions, but everything else.\n\nLatency is measured from the moment at which an operation \
    was due, so with --rate a stalled replica counts against all that wait for it.";

/// What was asked for, checked against what there is.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) clients: usize,
    pub(super) goal: Goal,
    pub(super) keys: usize,
    pub(super) mix: Mix,
    pub(super) pipeline: usize,
    pub(super) rate: Option<f64>,
    pub(super) value_size: usize,
    pub(super) targets: Vec<Target>,
    pub(super) seed: u64,
    pub(super) faults: Faults,
    pub(super) witness: bool,
    pub(super) history: bool,
    pub(super) wait: Option<u64>,
    pub(super) threads: usize,
    pub(super) json: bool,
}

impl LoadArguments {
    /// Loads.
    ///
    /// # Errors
    /// [`Failure::Usage`] for arguments that do not fit together or the cluster,
    /// [`Failure::Unreachable`] if it is not there, [`Failure::Other`] if files cannot be written.
    pub fn run(&self) -> Result<u8, Failure> {
        run(self)
    }

    /// The cluster, if what is loaded is one.
    pub(super) fn cluster(&self) -> Result<Option<Cluster>, Failure> {
        match self.redis {
            true => self.place.find(),
            false => self.place.find_or_default().map(Some),
        }
    }

    /// Checks the arguments against a cluster and its model.
    pub(super) fn options(
        &self,
        cluster: Option<&Cluster>,
        model: Option<Consistency>,
    ) -> Result<Options, Failure> {
        let mix = self.mix.clone().unwrap_or_else(|| Mix::of(model));
        self.check_mix(&mix, model)?;
        let goal = match (self.ops, self.duration) {
            (Some(operations), _) => Goal::Operations(operations),
            (None, duration) => Goal::Duration(duration.unwrap_or(DURATION)),
        };
        let clients = self.clients as usize;
        Ok(Options {
            clients,
            goal,
            keys: self.keys as usize,
            mix,
            pipeline: self.pipeline as usize,
            rate: self.rate,
            value_size: self.value_size,
            targets: self.find_targets(cluster)?,
            seed: self.seed.unwrap_or_else(draw_seed),
            faults: self.faults,
            witness: self.witness,
            history: !self.redis && !self.no_history,
            wait: self.wait.map(u64::from),
            threads: usize::from(self.threads).min(clients),
            json: self.json,
        })
    }

    fn check_mix(&self, mix: &Mix, model: Option<Consistency>) -> Result<(), Failure> {
        let all = |fits: fn(Kind) -> bool, why: &str| {
            let others = mix.kinds().filter(|kind| !fits(*kind)).map(Kind::name);
            match others.collect::<Vec<_>>().join(",") {
                none if none.is_empty() => Ok(()),
                names => Err(Failure::Usage(format!("--mix {names}: {why}"))),
            }
        };
        if self.redis {
            all(Kind::is_plain_redis, "is no command of Redis")?;
        }
        if model == Some(Consistency::Eventual) {
            let why = "needs a total order, which an eventual cluster does not have";
            all(Kind::is_orderless, why)?;
        }
        Ok(())
    }

    fn find_targets(&self, cluster: Option<&Cluster>) -> Result<Vec<Target>, Failure> {
        let replicas = cluster.map_or(&[][..], |cluster| cluster.replicas.as_slice());
        if self.targets == "all" {
            if cluster.is_none() {
                return Ok(vec![target(REDIS_ADDRESS, None)?]);
            }
            let all = replicas.iter();
            return all.map(|r| target(&r.address, Some(r.id as u64))).collect();
        }
        let find = |text: &str| {
            if let Ok(id) = text.parse::<usize>() {
                let replica = replicas.iter().find(|replica| replica.id == id);
                let missing = || format!("--targets: there is no replica {id} in the cluster");
                let replica = replica.ok_or_else(|| Failure::Usage(missing()))?;
                return target(&replica.address, Some(id as u64));
            }
            let known = replicas.iter().find(|replica| replica.address == text);
            if known.is_none() && !self.redis {
                let message = format!("--targets: no replica of the cluster is at '{text}'");
                return Err(Failure::Usage(message));
            }
            target(text, known.map(|replica| replica.id as u64))
        };
        let named = self.targets.split(',');
        named.map(|text| find(text.trim())).collect()
    }
}

fn target(address: &str, replica: Option<u64>) -> Result<Target, Failure> {
    let wrong = |why: &str| Failure::Usage(format!("'{address}' is no address: {why}"));
    let found = address.to_socket_addrs();
    let found = found.map_err(|error| wrong(&error.to_string()))?;
    // Servers are asked for on this machine as a rule, and listen on its IPv4 address.
    let all: Vec<SocketAddr> = found.collect();
    let first = all.iter().find(|a| a.is_ipv4()).or_else(|| all.first());
    let address = *first.ok_or_else(|| wrong("the name has no address"))?;
    Ok(Target { replica, address })
}

fn parse_rate(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(rate) if (0.01..=1e8).contains(&rate) => Ok(rate),
        _ => Err("expected operations in a second, from 0.01".into()),
    }
}
