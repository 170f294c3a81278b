//! Replicas and clients in memory: real frames, decoded and encoded, but no sockets.
//!
//! A turn of a replica is what the event loop makes of it: all that has arrived is decoded and handed in, then the
//! turn ends, and what it put into buffers is on its way.

use holdback::consistency::Consistency;
use holdback::multicast::ReplicaId;
use holdback::protocol::frame::{Decoder, FrameLimits};
use holdback::replica::{
    Close, ConnectionId, Event, MonitorKind, Now, Out, Replica, Settings, Turn,
};
use holdback::store::WARM_MAX;
use std::time::Duration;

/// One end of a connection at a replica.
struct End {
    id: ConnectionId,
    /// The other end; `None` is a client.
    peer: Option<(usize, usize)>,
    input: Vec<u8>,
    output: Vec<u8>,
    decoder: Decoder,
}

/// A replica's connections.
#[derive(Default)]
struct Ports {
    ends: Vec<End>,
    dials: Vec<ReplicaId>,
    nowhere: Vec<u8>,
}

impl Ports {
    fn open(&mut self, peer: Option<(usize, usize)>) -> ConnectionId {
        let id = ConnectionId {
            slot: self.ends.len(),
            serial: self.ends.len() as u64 + 1,
        };
        self.ends.push(End {
            id,
            peer,
            input: Vec::new(),
            output: Vec::new(),
            decoder: Decoder::new(FrameLimits::default()),
        });
        id
    }
}

impl Out for Ports {
    fn buffer(&mut self, connection: ConnectionId) -> &mut Vec<u8> {
        match self.ends.get_mut(connection.slot) {
            Some(end) if end.id == connection => &mut end.output,
            _ => &mut self.nowhere,
        }
    }

    fn unsent(&self, _connection: ConnectionId) -> usize {
        0
    }

    fn promote(&mut self, _connection: ConnectionId) {}

    fn close(&mut self, _connection: ConnectionId, _how: Close) {}

    fn dial(&mut self, peer: ReplicaId) {
        self.dials.push(peer);
    }

    fn pause(&mut self, _connection: ConnectionId, _paused: bool) {}

    fn monitor(&mut self, _connection: ConnectionId, _kind: Option<MonitorKind>) {}

    fn stop(&mut self) {}

    fn observes(&self) -> bool {
        false
    }

    fn observe(&mut self, _now: Now, _clock: u64, _event: &Event<'_>) {}
}

struct Node {
    replica: Replica,
    ports: Ports,
}

/// A cluster, and one client at its first replica.
pub(crate) struct Cluster {
    nodes: Vec<Node>,
    client: ConnectionId,
    now: Now,
    /// Bytes of replies that the client got.
    pub(crate) reply_bytes: usize,
}

impl Cluster {
    /// So many replicas, all linked.
    pub(crate) fn new(model: Consistency, count: u16) -> Self {
        let addresses: Vec<String> = (1..=count).map(|id| format!("r{id}:1")).collect();
        let node = |id| Node {
            replica: Replica::new(Settings {
                incarnation: u64::from(id) * 1000,
                seed: u64::from(id),
                // Few, so that for each entry that comes an old one goes, as in any long run.
                order_entries_max: 1000,
                ..Settings::new(ReplicaId(id), addresses.clone(), model)
            }),
            ports: Ports::default(),
        };
        let mut cluster = Self {
            nodes: (1..=count).map(node).collect(),
            client: ConnectionId { slot: 0, serial: 0 },
            now: Now {
                monotonic: Duration::from_secs(1),
                wall: Duration::from_secs(1_000_000),
            },
            reply_bytes: 0,
        };
        let now = cluster.now;
        for node in &mut cluster.nodes {
            node.replica.tick(&mut Turn::new(now, &mut node.ports));
            node.replica.end_turn(&mut Turn::new(now, &mut node.ports));
        }
        cluster.connect_dialled();
        cluster.settle();
        let first = &mut cluster.nodes[0];
        cluster.client = first.ports.open(None);
        let address = "127.0.0.1:1".to_owned();
        first.replica.accepted(
            cluster.client,
            address,
            &mut Turn::new(now, &mut first.ports),
        );
        cluster
    }

    fn connect_dialled(&mut self) {
        for from in 0..self.nodes.len() {
            for peer in std::mem::take(&mut self.nodes[from].ports.dials) {
                let to = peer.index();
                let here_slot = self.nodes[from].ports.ends.len();
                let there_slot = self.nodes[to].ports.ends.len();
                let here = self.nodes[from].ports.open(Some((to, there_slot)));
                let there = self.nodes[to].ports.open(Some((from, here_slot)));
                let now = self.now;
                let node = &mut self.nodes[to];
                let address = format!("r{from}:1");
                node.replica
                    .accepted(there, address, &mut Turn::new(now, &mut node.ports));
                let node = &mut self.nodes[from];
                node.replica
                    .dialled(here, peer, &mut Turn::new(now, &mut node.ports));
            }
        }
    }

    /// The client sends bytes, and everything happens that follows from it. Returns how many turns it took.
    pub(crate) fn run(&mut self, request: &[u8]) -> usize {
        let slot = self.client.slot;
        self.nodes[0].ports.ends[slot]
            .input
            .extend_from_slice(request);
        self.settle()
    }

    /// Lets each replica have a turn, until nothing is on its way.
    fn settle(&mut self) -> usize {
        let mut turns = 0;
        loop {
            self.carry();
            let mut busy = false;
            for node in &mut self.nodes {
                if node.ports.ends.iter().any(|end| !end.input.is_empty()) {
                    busy = true;
                    turns += 1;
                    node.turn(self.now);
                }
            }
            if !busy {
                return turns;
            }
        }
    }

    /// Moves what was sent to where it goes.
    fn carry(&mut self) {
        for from in 0..self.nodes.len() {
            for slot in 0..self.nodes[from].ports.ends.len() {
                let end = &mut self.nodes[from].ports.ends[slot];
                if end.output.is_empty() {
                    continue;
                }
                let Some((to, there)) = end.peer else {
                    self.reply_bytes += end.output.len();
                    end.output.clear();
                    continue;
                };
                let mut bytes = std::mem::take(&mut end.output);
                let input = &mut self.nodes[to].ports.ends[there].input;
                input.extend_from_slice(&bytes);
                bytes.clear();
                self.nodes[from].ports.ends[slot].output = bytes;
            }
        }
    }
}

impl Node {
    fn turn(&mut self, now: Now) {
        for slot in 0..self.ports.ends.len() {
            let end = &mut self.ports.ends[slot];
            if end.input.is_empty() {
                continue;
            }
            let id = end.id;
            let mut input = std::mem::take(&mut end.input);
            let mut decoder =
                std::mem::replace(&mut end.decoder, Decoder::new(FrameLimits::default()));
            let mut taken = 0;
            let mut number = 0;
            while let Ok(Some(length)) = decoder.decode(&input[taken..]) {
                let rest = &input[taken..];
                if number % WARM_MAX == 0 && length < rest.len() {
                    self.replica.prefetch(id, rest);
                }
                let frame = decoder.frame(rest);
                self.replica
                    .frame(id, frame, &mut Turn::new(now, &mut self.ports));
                taken += length;
                number += 1;
            }
            input.drain(..taken);
            let end = &mut self.ports.ends[slot];
            end.input = input;
            end.decoder = decoder;
        }
        self.replica.end_turn(&mut Turn::new(now, &mut self.ports));
    }
}
