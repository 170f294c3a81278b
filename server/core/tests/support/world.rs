//! Replicas and clients in one process, with a network and a time that the test rules over.
//!
//! A test either lets everything happen ([`World::settle`], [`World::pass`]) or picks what happens next
//! ([`World::moves`], [`World::make`], [`World::deliver`]). The same calls always give the same run. After
//! every step the orders of all replicas are compared: each must be a prefix of the longest.

use crate::motion::Move;
use crate::network::{Network, Party, Port, Sending};
use crate::reply::{Reply, take_reply};
use holdback::consistency::Consistency;
use holdback::multicast::ReplicaId;
use holdback::order::Digest;
use holdback::replica::{Now, Replica, Settings, Turn};
use std::time::Duration;

pub(crate) struct Node {
    settings: Settings,
    pub(crate) replica: Option<Replica>,
    pub(crate) turn_is_open: bool,
    /// The position up to which its order was compared.
    compared: u64,
    /// How far its wall clock is ahead of the others'.
    skew: Duration,
}

pub(crate) struct Client {
    line: usize,
    input: Vec<u8>,
    replies: Vec<Reply>,
    pub(crate) closed: bool,
}

/// A client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientId(usize);

pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    pub(crate) clients: Vec<Client>,
    pub(crate) network: Network,
    pub(crate) now: Duration,
    /// The digest at each position that any replica reached.
    digests: Vec<Digest>,
    /// A turn takes in many events and ends by a move of its own.
    pub(crate) long_turns: bool,
}

/// The wall clock at the start.
const WALL: Duration = Duration::from_secs(1_000_000);

impl World {
    /// A cluster of `count` replicas, all started and linked.
    pub(crate) fn new(model: Consistency, count: u16) -> Self {
        Self::with(model, count, |_| {})
    }

    /// As [`World::new`], with settings that the test changes.
    pub(crate) fn with(model: Consistency, count: u16, change: impl Fn(&mut Settings)) -> Self {
        let mut world = Self::unstarted(model, count, change);
        (1..=count).for_each(|id| world.start(id));
        world.settle();
        world
    }

    /// As [`World::with`], before any replica is started.
    pub(crate) fn unstarted(
        model: Consistency,
        count: u16,
        change: impl Fn(&mut Settings),
    ) -> Self {
        let cluster: Vec<String> = (1..=count).map(|id| format!("r{id}:1")).collect();
        let node = |id| {
            let mut settings = Settings::new(ReplicaId(id), cluster.clone(), model);
            settings.incarnation = u64::from(id) * 1000;
            settings.allow_faults = true;
            change(&mut settings);
            Node {
                settings,
                replica: None,
                turn_is_open: false,
                compared: 0,
                skew: Duration::ZERO,
            }
        };
        Self {
            nodes: (1..=count).map(node).collect(),
            clients: Vec::new(),
            network: Network::new(),
            now: Duration::ZERO,
            digests: Vec::new(),
            long_turns: false,
        }
    }

    fn node(&mut self, id: u16) -> &mut Node {
        &mut self.nodes[usize::from(id) - 1]
    }

    /// The settings with which a replica is started next.
    pub(crate) fn settings(&mut self, id: u16) -> &mut Settings {
        &mut self.node(id).settings
    }

    /// Sets a replica's wall clock ahead of the others', or back to them.
    pub(crate) fn set_skew(&mut self, id: u16, skew: Duration) {
        self.node(id).skew = skew;
    }

    /// A replica that runs.
    pub(crate) fn replica(&self, id: u16) -> &Replica {
        let replica = self.nodes[usize::from(id) - 1].replica.as_ref();
        replica.unwrap_or_else(|| panic!("replica {id} is down"))
    }

    /// Starts a replica, in a new incarnation.
    pub(crate) fn start(&mut self, id: u16) {
        let node = self.node(id);
        node.settings.incarnation += 1;
        node.replica = Some(Replica::new(node.settings.clone()));
        node.compared = 0;
        self.with_replica(id, |replica, turn| replica.tick(turn));
    }

    /// Ends a replica's process without a word. The system closes its connections.
    pub(crate) fn crash(&mut self, id: u16) {
        self.node(id).replica = None;
        self.network.dials.retain(|(from, _)| *from != id);
        for line in 0..self.network.lines.len() {
            for side in 0..2 {
                let end = &mut self.network.lines[line][side];
                if end.open && matches!(end.party, Party::Replica(at, _) if at == id) {
                    end.outgoing.clear();
                    end.sending = Sending::Broken;
                    self.network.leave(line, side);
                }
            }
        }
    }

    /// Has a replica do something, and ends its turn.
    pub(crate) fn with_replica(&mut self, id: u16, act: impl FnOnce(&mut Replica, &mut Turn<'_>)) {
        let long = self.long_turns;
        let node = &mut self.nodes[usize::from(id) - 1];
        let now = Now {
            monotonic: self.now,
            wall: WALL + self.now + node.skew,
        };
        let Some(replica) = node.replica.as_mut() else {
            return;
        };
        let mut port = Port {
            network: &mut self.network,
            replica: id,
        };
        act(replica, &mut Turn::new(now, &mut port));
        node.turn_is_open = long;
        if !long {
            replica.end_turn(&mut Turn::new(now, &mut port));
        }
        self.compare_order(id);
    }

    /// Every order is a prefix of the longest: equal digests at equal positions.
    fn compare_order(&mut self, id: u16) {
        let node = &mut self.nodes[usize::from(id) - 1];
        let Some(replica) = node.replica.as_ref() else {
            return;
        };
        if !node.settings.consistency.is_ordered() {
            return;
        }
        let order = replica.order();
        for position in node.compared + 1..=order.position() {
            let digest = order
                .digest_at(position)
                .expect("recent positions are kept");
            let at = usize::try_from(position).expect("a small number") - 1;
            match self.digests.get(at) {
                Some(agreed) => assert_eq!(
                    *agreed, digest,
                    "replica {id} has another order at position {position}"
                ),
                None => self.digests.push(digest),
            }
        }
        node.compared = order.position();
    }

    /// Connects a client to a replica.
    pub(crate) fn connect(&mut self, id: u16) -> ClientId {
        let client = self.clients.len();
        let connection = self.network.new_id(id);
        let parties = [Party::Client(client), Party::Replica(id, connection)];
        let line = self.network.add_line(parties);
        self.clients.push(Client {
            line,
            input: Vec::new(),
            replies: Vec::new(),
            closed: false,
        });
        self.with_replica(id, |replica, turn| {
            replica.accepted(connection, format!("client:{client}"), turn);
        });
        ClientId(client)
    }

    /// Sends lines; they are on their way, not there.
    pub(crate) fn send(&mut self, client: ClientId, lines: &str) {
        self.send_bytes(client, format!("{lines}\n").as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, client: ClientId, bytes: &[u8]) {
        let line = self.clients[client.0].line;
        self.network.lines[line][0]
            .outgoing
            .extend_from_slice(bytes);
    }

    /// What a client sent reaches its replica; nothing else happens.
    pub(crate) fn deliver_client(&mut self, client: ClientId) {
        let line = self.clients[client.0].line;
        self.make(Move::Deliver(line, 0), usize::MAX);
    }

    /// So many bytes of what its replica sent reach the client; nothing else happens.
    pub(crate) fn deliver_replies(&mut self, client: ClientId, bytes: usize) {
        let line = self.clients[client.0].line;
        self.make(Move::Deliver(line, 1), bytes);
    }

    /// The client sends no more, and still reads.
    pub(crate) fn half_close(&mut self, client: ClientId) {
        let line = self.clients[client.0].line;
        self.network.lines[line][0].sending = Sending::Ended;
    }

    /// The client is gone.
    pub(crate) fn hang_up(&mut self, client: ClientId) {
        let line = self.clients[client.0].line;
        self.network.lines[line][0].outgoing.clear();
        self.network.lines[line][0].sending = Sending::Broken;
        self.network.leave(line, 0);
    }

    /// The replies that came since the last call.
    pub(crate) fn replies(&mut self, client: ClientId) -> Vec<String> {
        let replies = std::mem::take(&mut self.clients[client.0].replies);
        replies.iter().map(Reply::to_string).collect()
    }

    /// Whether the replica has closed the client's connection.
    pub(crate) fn is_closed(&self, client: ClientId) -> bool {
        self.clients[client.0].closed
    }

    /// Sends lines, lets everything happen, and returns the replies.
    pub(crate) fn run(&mut self, client: ClientId, lines: &str) -> Vec<String> {
        self.send(client, lines);
        self.settle();
        self.replies(client)
    }

    /// Sends one line, lets everything happen, and returns the one reply.
    pub(crate) fn ask(&mut self, client: ClientId, line: &str) -> String {
        let mut replies = self.run(client, line);
        assert_eq!(replies.len(), 1, "{line}: {replies:?}");
        replies.remove(0)
    }

    /// What a client of its own is told by a replica, without anything else happening.
    pub(crate) fn inspect(&mut self, id: u16, line: &str) -> String {
        let client = self.connect(id);
        self.send(client, line);
        let at = self.clients[client.0].line;
        self.make(Move::Deliver(at, 0), usize::MAX);
        self.make(Move::EndTurn(id), usize::MAX);
        self.make(Move::Deliver(at, 1), usize::MAX);
        let replies = self.replies(client);
        self.hang_up(client);
        self.make(Move::Tell(at, 0), usize::MAX);
        replies.into_iter().next().unwrap_or_default()
    }

    /// One line of a replica's STATUS.
    pub(crate) fn status(&mut self, id: u16, name: &str) -> String {
        let status = self.inspect(id, "STATUS");
        let found = status.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            (key == name).then(|| value.to_owned())
        });
        found.unwrap_or_else(|| panic!("no {name} in {status}"))
    }
}

impl Client {
    pub(crate) fn read(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        self.replies
            .extend(std::iter::from_fn(|| take_reply(&mut self.input)));
    }
}
