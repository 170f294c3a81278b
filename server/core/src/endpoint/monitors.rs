//! MONITOR: streams of client commands, deliveries and frames.

use crate::entry::line::delivery;
use crate::ids::{ConnectionId, ReplicaId, Stamp};
use crate::turn::{Event, MonitorKind, Now};
use crate::wire::inline;

/// The connections that are shown what happens.
#[derive(Debug, Default)]
pub(super) struct Monitors(Vec<(ConnectionId, MonitorKind)>);

impl Monitors {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Shows a connection everything of a kind, or nothing any more.
    pub(super) fn set(&mut self, connection: ConnectionId, kind: Option<MonitorKind>) {
        self.0.retain(|(monitor, _)| *monitor != connection);
        self.0.extend(kind.map(|kind| (connection, kind)));
    }

    /// Those that are shown a kind.
    pub(super) fn of(&self, kind: MonitorKind) -> Vec<ConnectionId> {
        let monitors = self.0.iter().filter(|(_, shown)| *shown == kind);
        monitors.map(|(monitor, _)| *monitor).collect()
    }

    /// What those see of an event that are shown its kind, if there are any.
    pub(super) fn line(&self, now: Now, event: &Event<'_>) -> Option<(MonitorKind, String)> {
        let kind = match event {
            _ if self.0.is_empty() => return None,
            Event::Begin { .. } => MonitorKind::Commands,
            Event::Deliver { .. } | Event::Apply { .. } => MonitorKind::Order,
            Event::Send { .. } | Event::Receive { .. } => MonitorKind::Frames,
            _ => return None,
        };
        if !self.0.iter().any(|(_, shown)| *shown == kind) {
            return None;
        }
        let line = match *event {
            Event::Begin { address, words } => command(now, address, words),
            Event::Deliver { position, entry } | Event::Apply { position, entry } => {
                delivery(position, entry)
            }
            Event::Send {
                peer,
                frame: name,
                stamps,
            } => frame("send", peer, name, stamps),
            Event::Receive {
                peer,
                frame: name,
                stamps,
            } => frame("receive", peer, name, stamps),
            _ => return None,
        };
        Some((kind, line))
    }
}

/// A client's command as Redis shows it: `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`.
fn command(now: Now, address: &str, words: &[&[u8]]) -> String {
    let wall = now.wall;
    let mut line = format!(
        "{}.{:06} [0 {address}]",
        wall.as_secs(),
        wall.subsec_micros()
    );
    for word in words {
        line.push(' ');
        inline::escape_into(word, &mut line);
    }
    line
}

/// A frame: `send 2 MCAST 17.1` or `receive 2 ACK 17.1,12.3`.
fn frame(direction: &str, peer: ReplicaId, name: &str, stamps: &[Stamp]) -> String {
    let stamps: Vec<String> = stamps.iter().map(Stamp::to_string).collect();
    let line = format!("{direction} {peer} {name} {}", stamps.join(","));
    line.trim_end().to_owned()
}
