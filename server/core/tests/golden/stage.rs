//! Replicas whose frames the script moves one by one.

use crate::show;
use holdback::consistency::Consistency;
use holdback::endpoint::{EndpointSettings, Environment};
use holdback::ids::ReplicaId;
use holdback::settings::Settings;
use holdback::turn::{Event, Now};
use holdback::wire::arguments::OwnedArguments;
use holdback::wire::frame::{Decoder, FrameLimits};
use holdback_testkit::{ALL, ClientEnd, End, Host, Network};
use std::collections::{BTreeMap, VecDeque};
use std::fmt::Write;
use std::time::Duration;

/// Far longer than any script.
const NEVER: Duration = Duration::from_secs(1_000_000);

/// What a replica told in its turn.
#[derive(Default)]
struct Told(Vec<String>);

impl Environment for Told {
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
        self.0.push(text);
    }
}

/// A frame under way: how many bytes it has, with the heartbeats before it, and what it says.
type Frame = (usize, String);

/// The cluster, what is under way in it, and what has been written of it.
pub(crate) struct Stage {
    hosts: Vec<Host<Told>>,
    network: Network,
    clients: BTreeMap<String, ClientEnd>,
    /// By the two replicas, the lower id first: the dialling end of their connection, also while it is asked for.
    links: BTreeMap<(u16, u16), End>,
    /// By sender and receiver.
    frames: BTreeMap<(u16, u16), VecDeque<Frame>>,
    /// By sender and receiver: bytes of heartbeats behind the last frame.
    heartbeats: BTreeMap<(u16, u16), usize>,
    now: Duration,
    turns_held: bool,
    text: String,
}

impl Stage {
    /// So many replicas, linked.
    pub(crate) fn new(count: usize, model: Consistency) -> Self {
        let cluster: Vec<String> = (1..=count).map(|id| format!("r{id}:1")).collect();
        let host = |index| {
            let mut settings = Settings::new(ReplicaId::from_index(index), cluster.clone(), model);
            settings.incarnation = 1;
            settings.request_timeout = NEVER;
            settings.link_timeout = NEVER;
            settings.heartbeat = NEVER;
            settings.round_piece_records = 1;
            let endpoints = EndpointSettings::new(&settings);
            let mut host = Host::default();
            host.start(settings, endpoints, Told::default());
            host
        };
        let mut stage = Self {
            hosts: (0..count).map(host).collect(),
            // All clients are one party.
            network: Network::new(count + 1, usize::MAX, None),
            clients: BTreeMap::new(),
            links: BTreeMap::new(),
            frames: BTreeMap::new(),
            heartbeats: BTreeMap::new(),
            now: Duration::ZERO,
            turns_held: false,
            text: String::new(),
        };
        stage.network.overhear();
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

    /// The connection that the replica with the higher id asks for is made, and it sends its handshake.
    pub(crate) fn connect(&mut self, a: usize, b: usize) {
        let (low, high) = (a.min(b) as u16, a.max(b) as u16);
        self.now += Duration::from_secs(1);
        self.act(high);
        let wire = self.links[&(low, high)].wire;
        self.host(low).knock(wire);
        self.act(low);
        self.host(high).dialled(wire, true);
        self.act(high);
    }

    /// The connection breaks, and what is under way on it is lost.
    pub(crate) fn cut(&mut self, a: usize, b: usize) {
        let (a, b) = (a as u16, b as u16);
        for (from, to) in [(a, b), (b, a)] {
            self.heartbeats.remove(&(from, to));
            for (_, text) in self.frames.remove(&(from, to)).unwrap_or_default() {
                self.say(format_args!("lost: {from} -> {to}  {text}"));
            }
        }
        let Some(end) = self.links.remove(&(a.min(b), a.max(b))) else {
            return;
        };
        self.network.break_both(end.wire);
        for to in [a, b] {
            let at = if self.id_at(end) == to {
                end
            } else {
                end.other()
            };
            self.arrive(at.other(), usize::MAX);
        }
    }

    /// A client's command.
    pub(crate) fn command(&mut self, name: &str, words: &[String]) {
        let id = name.trim_end_matches(|c: char| c.is_alphabetic());
        let id: u16 = id.parse().unwrap_or(1);
        if !self.clients.contains_key(name) {
            let wire = self.network.open(self.hosts.len(), usize::from(id) - 1);
            self.clients.insert(name.to_owned(), ClientEnd::new(wire));
            let now = self.now();
            let host = &mut self.hosts[usize::from(id) - 1];
            host.knock(wire);
            host.begin_turn(&mut self.network, now);
        }
        let words: Vec<&[u8]> = words.iter().map(String::as_bytes).collect();
        let mut bytes = format!("*{}\r\n", words.len()).into_bytes();
        bytes.extend_from_slice(OwnedArguments::new(&words).bytes());
        if let Some(client) = self.clients.get_mut(name) {
            client.send(&bytes, &mut self.network);
            let end = client.end;
            self.arrive(end, usize::MAX);
        }
    }

    /// A replica reads frames that another has sent it.
    pub(crate) fn deliver(&mut self, from: usize, to: usize, count: usize) {
        let (from, to) = (from as u16, to as u16);
        for _ in 0..count {
            let Some((length, text)) = self.frames.entry((from, to)).or_default().pop_front()
            else {
                return;
            };
            self.say(format_args!("{to} reads from {from}  {text}"));
            if let Some(&end) = self.links.get(&(from.min(to), from.max(to))) {
                let end = if from > to { end } else { end.other() };
                self.arrive(end, length);
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
            (1..=self.hosts.len()).for_each(|id| self.turn(id as u16));
        }
    }

    fn next_under_way(&self) -> Option<(u16, u16)> {
        let mut under_way = self.frames.iter();
        under_way.find_map(|(pair, frames)| (!frames.is_empty()).then_some(*pair))
    }

    fn host(&mut self, id: u16) -> &mut Host<Told> {
        &mut self.hosts[usize::from(id) - 1]
    }

    /// The replica at an end.
    fn id_at(&self, end: End) -> u16 {
        self.network.party(end) as u16 + 1
    }

    /// So many bytes get to the replica at the other end.
    fn arrive(&mut self, end: End, bytes: usize) {
        self.network.arrive(end, ALL, bytes);
        let id = self.id_at(end.other());
        self.hosts[usize::from(id) - 1].readable(end.other(), &self.network);
        self.act(id);
    }

    fn act(&mut self, id: u16) {
        if !self.turns_held {
            self.turn(id);
        }
    }

    fn now(&self) -> Now {
        Now {
            monotonic: self.now,
            wall: Duration::ZERO,
        }
    }

    fn turn(&mut self, id: u16) {
        let now = self.now();
        let host = &mut self.hosts[usize::from(id) - 1];
        host.turn(&mut self.network, now);
        let told = host.environment().map(std::mem::take).unwrap_or_default();
        for end in host.dial(usize::from(id) - 1, &mut self.network, now) {
            self.links.insert((self.id_at(end.other()), id), end);
        }
        for told in told.0 {
            self.say(format_args!("{id} {told}"));
        }
        let posted = std::iter::from_fn(|| self.network.next_posted());
        let mut posted: Vec<End> = posted.collect();
        posted.sort_unstable();
        for end in posted {
            let bytes = self.network.take_overheard(end);
            if self.network.party(end) + 1 == usize::from(id) {
                self.sent(id, end, &bytes);
            }
        }
    }

    /// Takes up what a replica has put on a connection: replies for people, frames for the way.
    fn sent(&mut self, id: u16, end: End, bytes: &[u8]) {
        let peer = self.id_at(end.other());
        if usize::from(peer) > self.hosts.len() {
            let mut clients = self.clients.iter();
            let name = clients.find(|(_, client)| client.end == end.other());
            let name = name.map_or_else(String::new, |(name, _)| name.clone());
            let text = bytes.escape_ascii().to_string();
            let text = text.replace("\\r\\n", " ");
            return self.say(format_args!("client{name} gets {}", text.trim()));
        }
        let mut rest = bytes;
        let mut decoder = Decoder::new(FrameLimits::default());
        while let Ok(Some(length)) = decoder.decode(rest) {
            let text = show::frame(id, peer, decoder.frame(rest));
            rest = &rest[length..];
            let skipped = self.heartbeats.entry((id, peer)).or_default();
            *skipped += length;
            if let Some(text) = text {
                let length = std::mem::take(skipped);
                self.say(format_args!("{id} -> {peer}  {text}"));
                let frames = self.frames.entry((id, peer)).or_default();
                frames.push_back((length, text));
            }
        }
    }

    fn say(&mut self, line: std::fmt::Arguments<'_>) {
        // Writing to a string cannot fail.
        let _infallible = writeln!(self.text, "{line}");
    }
}
