//! Replicas and a client in memory, everything carried as soon as it is sent.

use holdback::consistency::Consistency;
use holdback::driver::Read;
use holdback::endpoint::EndpointSettings;
use holdback::ids::ReplicaId;
use holdback::settings::Settings;
use holdback::turn::Now;
use holdback_testkit::{ClientEnd, Host, Network};
use std::time::Duration;

/// A cluster, and one client at its first replica.
pub(crate) struct Cluster {
    hosts: Vec<Host<()>>,
    network: Network,
    client: ClientEnd,
    now: Now,
    /// Bytes of replies that the client got.
    pub(crate) reply_bytes: usize,
}

impl Cluster {
    /// So many replicas, all linked.
    pub(crate) fn new(model: Consistency, count: u16) -> Self {
        let addresses: Vec<String> = (1..=count).map(|id| format!("r{id}:1")).collect();
        let host = |id| {
            let settings = Settings {
                incarnation: u64::from(id) * 1000,
                seed: u64::from(id),
                // Few, so that for each entry that comes an old one goes, as in any long run.
                order_entries_max: 1000,
                ..Settings::new(ReplicaId(id), addresses.clone(), model)
            };
            let endpoints = EndpointSettings::new(&settings);
            let mut host = Host::default();
            host.start(settings, endpoints, ());
            host
        };
        let replicas = usize::from(count);
        let mut network = Network::instant(replicas + 1);
        let mut cluster = Self {
            hosts: (1..=count).map(host).collect(),
            client: ClientEnd::new(network.open(replicas, 0)),
            network,
            now: Now {
                monotonic: Duration::from_secs(1),
                wall: Duration::from_secs(1_000_000),
            },
            reply_bytes: 0,
        };
        for from in 0..replicas {
            cluster.turn(from);
            let (network, now) = (&mut cluster.network, cluster.now);
            for end in cluster.hosts[from].dial(from, network, now) {
                let to = cluster.network.party(end.other());
                cluster.hosts[to].knock(end.wire);
                cluster.turn(to);
                cluster.hosts[from].dialled(end.wire, true);
                cluster.turn(from);
            }
        }
        cluster.settle();
        cluster.hosts[0].knock(cluster.client.end.wire);
        cluster.turn(0);
        cluster
    }

    /// The client sends bytes, and everything happens that follows from it.
    pub(crate) fn run(&mut self, request: &[u8]) {
        self.client.send(request, &mut self.network);
        self.settle();
    }

    /// Lets each replica have a turn, until nothing is on its way.
    fn settle(&mut self) {
        let mut busy = true;
        while busy {
            self.carry();
            busy = false;
            for at in 0..self.hosts.len() {
                if self.hosts[at].has_work() {
                    busy = true;
                    self.turn(at);
                }
            }
        }
    }

    fn turn(&mut self, at: usize) {
        self.hosts[at].turn(&mut self.network, self.now);
    }

    /// Whoever was sent something is told.
    fn carry(&mut self) {
        while let Some(end) = self.network.next_posted() {
            let at = end.other();
            match self.hosts.get_mut(self.network.party(at)) {
                Some(host) => host.readable(at, &self.network),
                None => {
                    if let Ok(Read::Bytes(replies)) = self.network.read(at, usize::MAX) {
                        self.reply_bytes += replies.len();
                    }
                }
            }
        }
    }
}
