//! MONITOR: streams of client commands, deliveries and frames.

use super::describe;
use super::replica::Replica;
use super::session::MonitorKind;
use crate::entry::Entry;
use crate::ids::ConnectionId;
use crate::ids::{ReplicaId, Stamp};
use crate::turn::{Now, Out};
use crate::wire::error::ErrorReply;
use crate::wire::inline;

impl Replica {
    /// MONITOR: from now on the connection gets a line for everything of a kind.
    pub(super) fn monitor(&mut self, client: ConnectionId, words: &[&[u8]], out: &mut dyn Out) {
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let mut reply = session.writer(out);
        let kind = match words {
            [_] => MonitorKind::Commands,
            [_, kind] if kind.eq_ignore_ascii_case(b"commands") => MonitorKind::Commands,
            [_, kind] if kind.eq_ignore_ascii_case(b"order") => MonitorKind::Order,
            [_, kind] if kind.eq_ignore_ascii_case(b"frames") => MonitorKind::Frames,
            _ => return reply.error(&ErrorReply::syntax()),
        };
        reply.ok();
        session.monitor = Some(kind);
        if !self.monitors.contains(&client) {
            self.monitors.push(client);
        }
    }

    /// Shows a client's command as Redis does: `1339518083.107412 [0 127.0.0.1:60866] "keys" "*"`.
    pub(super) fn monitor_command(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        let address = self
            .sessions
            .get(client)
            .map_or("", |session| session.address.as_str());
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
        self.stream(MonitorKind::Commands, &line, out);
    }

    /// Shows a delivery as ORDER does.
    pub(super) fn monitor_delivery(&mut self, position: u64, entry: &Entry, out: &mut dyn Out) {
        self.stream(
            MonitorKind::Order,
            &describe::delivery(position, entry),
            out,
        );
    }

    /// Shows a frame: `send 2 MCAST 17.1` or `receive 2 ACK 17.1,12.3`.
    pub(super) fn monitor_frame(
        &mut self,
        direction: &str,
        peer: ReplicaId,
        frame: &str,
        stamps: &[Stamp],
        out: &mut dyn Out,
    ) {
        if self.monitors.is_empty() {
            return;
        }
        let stamps: Vec<String> = stamps.iter().map(Stamp::to_string).collect();
        let line = format!("{direction} {peer} {frame} {}", stamps.join(","));
        self.stream(MonitorKind::Frames, line.trim_end(), out);
    }

    fn stream(&self, kind: MonitorKind, line: &str, out: &mut dyn Out) {
        for &client in &self.monitors {
            let Some(session) = self.sessions.get(client) else {
                continue;
            };
            if session.monitor == Some(kind) {
                session.writer(out).simple(line);
            }
        }
    }

    /// Whether anybody wants to see frames.
    pub(super) fn shows_frames(&self) -> bool {
        !self.monitors.is_empty() || self.observed
    }
}
