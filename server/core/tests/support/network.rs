//! Connections in memory: bytes in flight, first in, first out, and a replica's [`Out`] onto them.

use holdback::multicast::ReplicaId;
use holdback::protocol::frame::{Decoder, FrameLimits};
use holdback::replica::{Close, ConnectionId, Event, MonitorKind, Now, Out};
use std::collections::{BTreeMap, BTreeSet};

/// Who is at an end of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Party {
    Client(usize),
    Replica(u16, ConnectionId),
}

/// What an end still sends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sending {
    Open,
    /// Nothing behind what is in flight; the other end is told once that is delivered.
    Ended,
    /// The connection broke: nothing is in flight, and the other end is told.
    Broken,
    /// Nothing behind what is in flight, and the other end never hears of it: a half-open connection.
    Silent,
}

/// One end of a line.
#[derive(Debug)]
pub(crate) struct End {
    pub(crate) party: Party,
    /// Bytes sent and not yet delivered to the other end.
    pub(crate) outgoing: Vec<u8>,
    pub(crate) sending: Sending,
    /// Whether whoever is here still has the connection.
    pub(crate) open: bool,
    /// Whether it wants no more to be handed in for now.
    pub(crate) paused: bool,
    /// Whether it did, and what was delivered meanwhile has to be handed in.
    pub(crate) resumed: bool,
    /// Bytes delivered and not yet decoded.
    pub(crate) input: Vec<u8>,
    pub(crate) decoder: Decoder,
}

/// A decoder at the start of a connection.
pub(crate) fn new_decoder() -> Decoder {
    Decoder::new(FrameLimits::default())
}

impl End {
    fn new(party: Party) -> Self {
        Self {
            party,
            outgoing: Vec::new(),
            sending: Sending::Open,
            open: true,
            paused: false,
            resumed: false,
            input: Vec::new(),
            decoder: new_decoder(),
        }
    }

    /// Whether what is sent here gets onto its way.
    fn sends(&self) -> bool {
        self.open && self.sending == Sending::Open
    }
}

/// All connections that ever were. A line is named by its index, an end by line and side (0 or 1).
#[derive(Debug)]
pub(crate) struct Network {
    pub(crate) lines: Vec<[End; 2]>,
    places: BTreeMap<(u16, ConnectionId), (usize, usize)>,
    slots: BTreeSet<(u16, usize)>,
    /// Connections asked for: who dials whom.
    pub(crate) dials: Vec<(u16, u16)>,
    /// From whom to whom nothing is delivered for now.
    pub(crate) held: BTreeSet<(u16, u16)>,
    /// How many bytes the network takes before the sender sees them as unsent.
    pub(crate) window: usize,
    /// Replicas that called [`Out::stop`].
    pub(crate) stopped: BTreeSet<u16>,
    /// What replicas told, each line beginning with `replica: `.
    pub(crate) log: Vec<String>,
    nowhere: Vec<u8>,
}

impl Network {
    pub(crate) fn new() -> Self {
        Self {
            lines: Vec::new(),
            places: BTreeMap::new(),
            slots: BTreeSet::new(),
            dials: Vec::new(),
            held: BTreeSet::new(),
            window: usize::MAX,
            stopped: BTreeSet::new(),
            log: Vec::new(),
            nowhere: Vec::new(),
        }
    }

    /// A new connection's id at a replica: the lowest free slot, and a serial number.
    pub(crate) fn new_id(&mut self, replica: u16) -> ConnectionId {
        let mut slot = 0;
        while !self.slots.insert((replica, slot)) {
            slot += 1;
        }
        ConnectionId {
            slot,
            serial: self.lines.len() as u64 + 1,
        }
    }

    /// Adds a line between two parties; its name.
    pub(crate) fn add_line(&mut self, parties: [Party; 2]) -> usize {
        for (side, party) in parties.into_iter().enumerate() {
            if let Party::Replica(replica, id) = party {
                self.places.insert((replica, id), (self.lines.len(), side));
            }
        }
        self.lines.push(parties.map(End::new));
        self.lines.len() - 1
    }

    /// The end is not there any more: closed by its party, or the party heard that it is.
    pub(crate) fn leave(&mut self, line: usize, side: usize) {
        let end = &mut self.lines[line][side];
        end.open = false;
        end.input.clear();
        if let Party::Replica(replica, id) = end.party {
            self.slots.remove(&(replica, id.slot));
        }
    }

    /// The lines between two replicas that one of them still has, the newest last.
    pub(crate) fn between(&self, a: u16, b: u16) -> Vec<usize> {
        let joins = |line: &[End; 2]| {
            let at = |end: &End, wanted| matches!(end.party, Party::Replica(id, _) if id == wanted);
            let ends = (at(&line[0], a) && at(&line[1], b)) || (at(&line[0], b) && at(&line[1], a));
            ends && (line[0].open || line[1].open)
        };
        (0..self.lines.len())
            .filter(|&line| joins(&self.lines[line]))
            .collect()
    }

    /// Whether what this end sends is held up.
    pub(crate) fn is_held(&self, line: usize, side: usize) -> bool {
        let ends = &self.lines[line];
        match (ends[side].party, ends[1 - side].party) {
            (Party::Replica(from, _), Party::Replica(to, _)) => self.held.contains(&(from, to)),
            _ => false,
        }
    }

    fn end(&mut self, replica: u16, id: ConnectionId) -> Option<&mut End> {
        let &(line, side) = self.places.get(&(replica, id))?;
        Some(&mut self.lines[line][side]).filter(|end| end.open)
    }
}

/// The network as one replica sees it.
pub(crate) struct Port<'a> {
    pub(crate) network: &'a mut Network,
    pub(crate) replica: u16,
}

impl Out for Port<'_> {
    fn buffer(&mut self, connection: ConnectionId) -> &mut Vec<u8> {
        let place = self.network.places.get(&(self.replica, connection));
        match place {
            Some(&(line, side)) if self.network.lines[line][side].sends() => {
                &mut self.network.lines[line][side].outgoing
            }
            _ => {
                self.network.nowhere.clear();
                &mut self.network.nowhere
            }
        }
    }

    fn unsent(&self, connection: ConnectionId) -> usize {
        let place = self.network.places.get(&(self.replica, connection));
        place.map_or(0, |&(line, side)| {
            let outgoing = &self.network.lines[line][side].outgoing;
            outgoing.len().saturating_sub(self.network.window)
        })
    }

    fn promote(&mut self, _connection: ConnectionId) {}

    fn close(&mut self, connection: ConnectionId, how: Close) {
        let Some(&(line, side)) = self.network.places.get(&(self.replica, connection)) else {
            return;
        };
        let end = &mut self.network.lines[line][side];
        if !end.open {
            return;
        }
        match how {
            Close::AfterFlush => end.sending = Sending::Ended,
            Close::Now => {
                end.sending = Sending::Broken;
                end.outgoing.clear();
            }
        }
        self.network.leave(line, side);
    }

    fn dial(&mut self, peer: ReplicaId) {
        self.network.dials.push((self.replica, peer.0));
    }

    fn pause(&mut self, connection: ConnectionId, paused: bool) {
        if let Some(end) = self.network.end(self.replica, connection) {
            end.paused = paused;
            end.resumed |= !paused;
        }
    }

    fn monitor(&mut self, _connection: ConnectionId, _kind: Option<MonitorKind>) {}

    fn stop(&mut self) {
        self.network.stopped.insert(self.replica);
    }

    fn observes(&self) -> bool {
        false
    }

    fn observe(&mut self, _now: Now, _clock: u64, event: &Event<'_>) {
        let text = match event {
            Event::LinkUp { peer } => format!("link {peer} up"),
            Event::LinkDown { peer, reason } => format!("link {peer} down: {reason}"),
            Event::Notice { text, .. } => (*text).to_owned(),
            _ => return,
        };
        self.network.log.push(format!("{}: {text}", self.replica));
    }
}
