//! Replicas whose frames the script moves one by one.

use crate::show;
use holdback::consistency::Consistency;
use holdback::multicast::ReplicaId;
use holdback::protocol::frame::{Decoder, FrameLimits};
use holdback::replica::{
    Close, ConnectionId, Event, MonitorKind, Now, Out, Replica, Settings, Turn,
};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::time::Duration;

/// Far longer than any script.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// A frame: its words.
type Frame = Vec<Vec<u8>>;

/// What one replica puts out.
#[derive(Default)]
struct Outbox {
    buffers: BTreeMap<ConnectionId, Vec<u8>>,
    closed: Vec<ConnectionId>,
    dials: Vec<ReplicaId>,
    told: Vec<String>,
}

impl Out for Outbox {
    fn buffer(&mut self, connection: ConnectionId) -> &mut Vec<u8> {
        self.buffers.entry(connection).or_default()
    }

    fn unsent(&self, _connection: ConnectionId) -> usize {
        0
    }

    fn promote(&mut self, _connection: ConnectionId) {}

    fn close(&mut self, connection: ConnectionId, _how: Close) {
        self.closed.push(connection);
    }

    fn dial(&mut self, peer: ReplicaId) {
        self.dials.push(peer);
    }

    fn pause(&mut self, _connection: ConnectionId, _paused: bool) {}

    fn monitor(&mut self, _connection: ConnectionId, _kind: Option<MonitorKind>) {}

    fn stop(&mut self) {}

    fn observes(&self) -> bool {
        true
    }

    fn observe(&mut self, _now: Now, _clock: u64, event: &Event<'_>) {
        let text = match event {
            Event::Deliver { position, entry } => {
                let (stamp, body) = (entry.stamp, entry.body.describe());
                format!("delivers {stamp} [{body}] at position {position}")
            }
            Event::Apply { entry, .. } => {
                format!("applies {} [{}]", entry.stamp, entry.body.describe())
            }
            Event::LinkUp { peer } => format!("has a link with {peer}"),
            Event::LinkDown { peer, .. } => format!("has lost the link with {peer}"),
            _ => return,
        };
        self.told.push(text);
    }
}

/// One replica.
struct Actor {
    replica: Replica,
    out: Outbox,
    /// By peer: the connection with it.
    links: BTreeMap<u16, ConnectionId>,
    clients: BTreeMap<String, ConnectionId>,
    serial: u64,
}

/// The cluster, what is under way in it, and what has been written of it.
pub(crate) struct Stage {
    actors: Vec<Actor>,
    /// By sender and receiver.
    frames: BTreeMap<(u16, u16), VecDeque<Frame>>,
    now: Duration,
    turns_held: bool,
    text: String,
}

impl Stage {
    /// So many replicas, linked.
    pub(crate) fn new(count: usize, model: Consistency) -> Self {
        let cluster: Vec<String> = (1..=count).map(|id| format!("r{id}:1")).collect();
        let actor = |index| {
            let id = ReplicaId::from_index(index);
            let mut settings = Settings::new(id, cluster.clone(), model);
            settings.incarnation = 1;
            settings.request_timeout = NEVER;
            settings.link_timeout = NEVER;
            settings.heartbeat = NEVER;
            settings.round_piece_records = 1;
            Actor {
                replica: Replica::new(settings),
                out: Outbox::default(),
                links: BTreeMap::new(),
                clients: BTreeMap::new(),
                serial: 0,
            }
        };
        let mut stage = Self {
            actors: (0..count).map(actor).collect(),
            frames: BTreeMap::new(),
            now: Duration::ZERO,
            turns_held: false,
            text: String::new(),
        };
        for high in 1..=count {
            (1..high).for_each(|low| stage.connect(low, high));
        }
        stage.settle();
        stage.text.clear();
        stage
    }

    /// What was written since the last time.
    pub(crate) fn take_text(&mut self) -> String {
        std::mem::take(&mut self.text)
    }

    /// The replica with the higher id dials the other, and sends its handshake.
    pub(crate) fn connect(&mut self, a: usize, b: usize) {
        let (low, high) = (a.min(b) as u16, a.max(b) as u16);
        self.now += Duration::from_secs(1);
        // Whatever else is due to be dialled has to wait for its own turn in the script.
        self.act(high, |replica, turn| replica.tick(turn));
        let ends = [low, high].map(|id| self.new_connection(id));
        self.actor(low).links.insert(high, ends[0]);
        self.actor(high).links.insert(low, ends[1]);
        self.act(low, |replica, turn| {
            replica.accepted(ends[0], "peer".into(), turn);
        });
        self.act(high, |replica, turn| {
            replica.dialled(ends[1], ReplicaId(low), turn);
        });
    }

    /// The connection breaks, and what is under way on it is lost.
    pub(crate) fn cut(&mut self, a: usize, b: usize) {
        let (a, b) = (a as u16, b as u16);
        for (from, to) in [(a, b), (b, a)] {
            for frame in self.frames.remove(&(from, to)).unwrap_or_default() {
                if let Some(text) = show::frame(from, to, &frame) {
                    self.say(format_args!("lost: {from} -> {to}  {text}"));
                }
            }
        }
        for (at, other) in [(a, b), (b, a)] {
            if let Some(connection) = self.actor(at).links.remove(&other) {
                self.act(at, |replica, turn| {
                    replica.closed(connection, "reset", turn);
                });
            }
        }
    }

    /// A client's command.
    pub(crate) fn command(&mut self, client: &str, words: &[String]) {
        let id: u16 = client
            .trim_end_matches(|c: char| c.is_alphabetic())
            .parse()
            .unwrap_or(1);
        let connection = match self.actor(id).clients.get(client) {
            Some(connection) => *connection,
            None => {
                let connection = self.new_connection(id);
                self.actor(id).clients.insert(client.to_owned(), connection);
                self.act(id, |replica, turn| {
                    replica.accepted(connection, "client".into(), turn);
                });
                connection
            }
        };
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.clone().into_bytes()).collect();
        self.hand_in(id, connection, &words);
    }

    /// A replica reads frames that another has sent it.
    pub(crate) fn deliver(&mut self, from: usize, to: usize, count: usize) {
        let (from, to) = (from as u16, to as u16);
        for _ in 0..count {
            let Some(frame) = self.frames.entry((from, to)).or_default().pop_front() else {
                return;
            };
            if let Some(text) = show::frame(from, to, &frame) {
                self.say(format_args!("{to} reads from {from}  {text}"));
            }
            if let Some(connection) = self.actor(to).links.get(&from).copied() {
                self.hand_in(to, connection, &frame);
            }
        }
    }

    /// Lets everything arrive, replica by replica.
    pub(crate) fn settle(&mut self) {
        while let Some((from, to)) = self.next_under_way() {
            self.deliver(from.into(), to.into(), 1);
        }
    }

    /// While turns are held, replicas take in what clients send, and send nothing.
    pub(crate) fn hold_turns(&mut self, on: bool) {
        self.turns_held = on;
        if !on {
            (1..=self.actors.len()).for_each(|id| self.end_turn(id as u16));
        }
    }

    fn next_under_way(&self) -> Option<(u16, u16)> {
        let mut under_way = self.frames.iter();
        under_way.find_map(|(pair, frames)| (!frames.is_empty()).then_some(*pair))
    }

    fn actor(&mut self, id: u16) -> &mut Actor {
        &mut self.actors[usize::from(id) - 1]
    }

    fn new_connection(&mut self, id: u16) -> ConnectionId {
        let actor = self.actor(id);
        actor.serial += 1;
        ConnectionId {
            slot: actor.serial as usize,
            serial: actor.serial,
        }
    }

    fn hand_in(&mut self, id: u16, connection: ConnectionId, frame: &Frame) {
        show::decoded(frame, |frame| {
            self.act(id, |replica, turn| {
                replica.frame(connection, frame, turn);
            });
        });
    }

    fn act(&mut self, id: u16, act: impl FnOnce(&mut Replica, &mut Turn<'_>)) {
        let now = Now {
            monotonic: self.now,
            wall: Duration::ZERO,
        };
        let actor = self.actor(id);
        act(&mut actor.replica, &mut Turn::new(now, &mut actor.out));
        if !self.turns_held {
            self.end_turn(id);
        }
    }

    fn end_turn(&mut self, id: u16) {
        let now = Now {
            monotonic: self.now,
            wall: Duration::ZERO,
        };
        let actor = self.actor(id);
        actor.replica.end_turn(&mut Turn::new(now, &mut actor.out));
        let out = std::mem::take(&mut actor.out);
        for told in out.told {
            self.say(format_args!("{id} {told}"));
        }
        for (connection, bytes) in out.buffers {
            self.send(id, connection, &bytes);
        }
    }

    /// Takes up what was put into a connection's buffer: replies for people, frames for the way.
    fn send(&mut self, id: u16, connection: ConnectionId, bytes: &[u8]) {
        let links = &self.actor(id).links;
        let Some(peer) = links
            .iter()
            .find_map(|(p, c)| (*c == connection).then_some(*p))
        else {
            for (name, client) in self.actor(id).clients.clone() {
                if client == connection && !bytes.is_empty() {
                    let text = bytes.escape_ascii().to_string();
                    self.say(format_args!(
                        "client{name} gets {}",
                        text.replace("\\r\\n", " ").trim()
                    ));
                }
            }
            return;
        };
        let mut rest = bytes;
        let mut decoder = Decoder::new(FrameLimits::default());
        while let Ok(Some(length)) = decoder.decode(rest) {
            let words = decoder.arguments(rest);
            let frame: Frame = words.iter().map(|word| word.to_vec()).collect();
            rest = &rest[length..];
            if let Some(text) = show::frame(id, peer, &frame) {
                self.say(format_args!("{id} -> {peer}  {text}"));
                self.frames.entry((id, peer)).or_default().push_back(frame);
            }
        }
    }

    fn say(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _infallible = writeln!(self.text, "{line}");
    }
}
