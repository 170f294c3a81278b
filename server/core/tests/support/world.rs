//! Replicas and clients in one process, with a network and a time that the test rules over.
//!
//! A test either lets everything happen ([`World::settle`], [`World::pass`]) or picks what happens next
//! ([`World::moves`], [`World::make`], [`World::deliver`]). The same calls always give the same run. After
//! every step the orders of all replicas are compared: each must be a prefix of the longest.

use crate::motion::Move;
use holdback::admin::Fields;
use holdback::consistency::Consistency;
use holdback::endpoint::{EndpointSettings, Environment};
use holdback::ids::Digest;
use holdback::ids::ReplicaId;
use holdback::replica::Replica;
use holdback::settings::Settings;
use holdback::turn::{Event, Now};
use holdback::wire::value::{self, Value};
use holdback_testkit::{ClientEnd, End, Host, Network};
use std::time::Duration;

/// What a replica told.
#[derive(Default)]
pub(crate) struct Log(Vec<String>);

impl Environment for Log {
    fn observe(&mut self, _now: Now, _clock: u64, event: &Event<'_>) {
        self.0.push(match event {
            Event::LinkUp { peer } => format!("link {peer} up"),
            Event::LinkDown { peer, reason } => format!("link {peer} down: {reason}"),
            Event::Notice { text, .. } => (*text).to_owned(),
            _ => return,
        });
    }
}

pub(crate) struct Node {
    settings: Settings,
    pub(crate) host: Host<Log>,
    /// Something happened that it takes up in its next turn.
    pub(crate) turn_is_open: bool,
    /// The position up to which its order was compared.
    compared: u64,
    /// How far its wall clock is ahead of the others'.
    skew: Duration,
    /// The most that any of its clients had not taken after a turn.
    most_unsent: usize,
}

pub(crate) struct Client {
    at: ClientEnd,
    replies: Vec<String>,
    closed: bool,
}

/// A client's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct ClientId(usize);

pub(crate) struct World {
    pub(crate) nodes: Vec<Node>,
    clients: Vec<Client>,
    pub(crate) network: Network,
    /// Connections asked for.
    pub(crate) dials: Vec<End>,
    /// What replicas told, each line beginning with `replica: `.
    pub(crate) log: Vec<String>,
    pub(crate) now: Duration,
    /// The digest at each position that any replica reached.
    digests: Vec<Digest>,
    /// Replicas may have different orders: a test has seen to it.
    pub(crate) may_differ: bool,
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
                host: Host::default(),
                turn_is_open: false,
                compared: 0,
                skew: Duration::ZERO,
                most_unsent: 0,
            }
        };
        Self {
            nodes: (1..=count).map(node).collect(),
            clients: Vec::new(),
            // All clients are one party.
            network: Network::new(usize::from(count) + 1, usize::MAX, None),
            dials: Vec::new(),
            log: Vec::new(),
            now: Duration::ZERO,
            digests: Vec::new(),
            may_differ: false,
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
        let replica = self.nodes[usize::from(id) - 1].host.replica();
        replica.unwrap_or_else(|| panic!("replica {id} is down"))
    }

    /// Starts a replica, in a new incarnation.
    pub(crate) fn start(&mut self, id: u16) {
        let node = self.node(id);
        node.settings.incarnation += 1;
        let settings = node.settings.clone();
        let endpoints = EndpointSettings::new(&settings);
        node.host.start(settings, endpoints, Log::default());
        node.compared = 0;
        self.turn(id);
    }

    /// Ends a replica's process without a word. The system closes its connections.
    pub(crate) fn crash(&mut self, id: u16) {
        for end in self.nodes[usize::from(id) - 1].host.stop(&self.network) {
            self.network.close(end, true);
        }
    }

    /// Whether a replica has ended its process.
    pub(crate) fn is_stopped(&self, id: u16) -> bool {
        let driver = self.nodes[usize::from(id) - 1].host.driver();
        driver.is_some_and(|driver| driver.is_stopped())
    }

    /// A replica takes up what happened, at once unless turns are long.
    pub(crate) fn act(&mut self, id: u16) {
        if self.long_turns {
            self.node(id).turn_is_open = true;
        } else {
            self.turn(id);
        }
    }

    /// A replica has its turn.
    pub(crate) fn turn(&mut self, id: u16) {
        let node = &mut self.nodes[usize::from(id) - 1];
        let now = Now {
            monotonic: self.now,
            wall: WALL + self.now + node.skew,
        };
        node.turn_is_open = false;
        node.host.turn(&mut self.network, now);
        let driver = node.host.driver().into_iter();
        let unsent = driver.flat_map(|driver| driver.clients_unsent());
        node.most_unsent = unsent.fold(node.most_unsent, usize::max);
        if let Some(Log(told)) = node.host.environment() {
            let told = told.drain(..).map(|text| format!("{id}: {text}"));
            self.log.extend(told);
        }
        let dials = node.host.dial(usize::from(id) - 1, &mut self.network, now);
        self.dials.extend(dials);
        // Moves look at what is under way, and need no list.
        while self.network.next_posted().is_some() {}
        self.wake();
        self.compare_order(id);
    }

    /// Whoever waited for room and has it now goes on.
    pub(crate) fn wake(&mut self) {
        while let Some(end) = self.network.next_woken() {
            let party = self.network.party(end);
            if let Some(node) = self.nodes.get_mut(party) {
                node.host.writable(end, &self.network);
                node.turn_is_open = true;
            } else {
                let network = &mut self.network;
                let client = self.clients.iter_mut().find(|client| client.at.end == end);
                client
                    .into_iter()
                    .for_each(|client| client.at.flush(network));
            }
        }
    }

    /// Every order is a prefix of the longest: equal digests at equal positions.
    fn compare_order(&mut self, id: u16) {
        let node = &mut self.nodes[usize::from(id) - 1];
        let Some(replica) = node.host.replica() else {
            return;
        };
        if !node.settings.consistency.is_ordered() || self.may_differ {
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

    /// The most bytes that one client of a replica had not taken after a turn.
    pub(crate) fn most_unsent(&self, id: u16) -> usize {
        self.nodes[usize::from(id) - 1].most_unsent
    }

    /// Connects a client to a replica.
    pub(crate) fn connect(&mut self, id: u16) -> ClientId {
        let wire = self.network.open(self.nodes.len(), usize::from(id) - 1);
        self.clients.push(Client {
            at: ClientEnd::new(wire),
            replies: Vec::new(),
            closed: false,
        });
        self.node(id).host.knock(wire);
        self.act(id);
        ClientId(self.clients.len() - 1)
    }

    fn client(&mut self, ClientId(client): ClientId) -> (&mut Client, &mut Network) {
        (&mut self.clients[client], &mut self.network)
    }

    fn end_of(&self, ClientId(client): ClientId) -> End {
        self.clients[client].at.end
    }

    /// Sends lines; they are on their way, not there.
    pub(crate) fn send(&mut self, client: ClientId, lines: &str) {
        self.send_bytes(client, format!("{lines}\n").as_bytes());
    }

    pub(crate) fn send_bytes(&mut self, client: ClientId, bytes: &[u8]) {
        let (client, network) = self.client(client);
        client.at.send(bytes, network);
    }

    /// What a client sent reaches its replica; nothing else happens.
    pub(crate) fn deliver_client(&mut self, client: ClientId) {
        self.make(Move::Deliver(self.end_of(client)), usize::MAX);
    }

    /// So many bytes of what its replica sent reach the client; nothing else happens.
    pub(crate) fn deliver_replies(&mut self, client: ClientId, bytes: usize) {
        self.make(Move::Deliver(self.end_of(client).other()), bytes);
    }

    /// The client sends no more, and still reads.
    pub(crate) fn half_close(&mut self, client: ClientId) {
        let (client, network) = self.client(client);
        client.at.finish(network);
    }

    /// The client is gone.
    pub(crate) fn hang_up(&mut self, client: ClientId) {
        self.network.close(self.end_of(client), true);
    }

    /// A client reads what has arrived.
    pub(crate) fn read(&mut self, end: End) {
        let mut clients = self.clients.iter_mut();
        let Some(client) = clients.find(|client| client.at.end == end) else {
            return;
        };
        let ended = client.at.read(&mut self.network);
        let input = &mut client.at.input;
        while let Some((reply, length)) = value::parse(input).expect("a reply") {
            client.replies.push(show(&reply));
            input.drain(..length);
        }
        if ended.is_some() {
            client.closed = true;
            self.network.close(end, false);
        }
        self.wake();
    }

    /// The replies that came since the last call, as [`show`] shows them.
    pub(crate) fn replies(&mut self, client: ClientId) -> Vec<String> {
        std::mem::take(&mut self.clients[client.0].replies)
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
        self.deliver_client(client);
        self.turn(id);
        while self.network.is_under_way(self.end_of(client).other()) {
            self.deliver_replies(client, usize::MAX);
            self.turn(id);
        }
        let replies = self.replies(client);
        self.hang_up(client);
        self.deliver_client(client);
        replies.into_iter().next().unwrap_or_default()
    }

    /// One line of a replica's STATUS.
    pub(crate) fn status(&mut self, id: u16, name: &str) -> String {
        let status = self.inspect(id, "STATUS");
        let fields = Fields::read(status);
        let found = fields.get(name).map(str::to_owned);
        found.unwrap_or_else(|| panic!("no {name} in {fields:?}"))
    }
}

/// A reply as `+OK`, `-ERR text`, `:1`, the bare bytes of a bulk string, `nil`, or `[a b]`.
fn show(reply: &Value) -> String {
    match reply {
        Value::Simple(text) => format!("+{text}"),
        Value::Error(text) => format!("-{text}"),
        Value::Integer(number) => format!(":{number}"),
        Value::Bulk(bytes) => String::from_utf8_lossy(bytes).into_owned(),
        Value::Null => "nil".to_owned(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(show).collect();
            format!("[{}]", items.join(" "))
        }
        other => panic!("nobody asked for {other:?}"),
    }
}
