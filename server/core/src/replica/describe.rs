//! Texts about a replica: STATUS, INFO, HELP, and the lines of ORDER and HOLDBACK.

use super::link::{Link, LinkState};
use super::replica::{Engine, Readiness, Replica};
use crate::command::table::COMMANDS;
use crate::command::{CommandSpec, Group, lookup};
use crate::entry::Entry;
use crate::ids::Digest;
use crate::store::Keyspace;
use crate::turn::{Now, Out};
use crate::wire::error::ErrorReply;
use crate::wire::reply::ReplyWriter;
use std::fmt::Write;
use std::time::Duration;

/// The version of Redis whose commands and replies are followed.
pub(super) const REDIS_VERSION: &str = "7.2.0";

/// A link that has heard nothing for this long is called silent.
const SILENT: Duration = Duration::from_millis(1200);

/// `POSITION STAMP command args...`
pub(super) fn delivery(position: u64, entry: &Entry) -> String {
    format!("{position} {} {}", entry.stamp, entry.body.line())
}

/// `STAMP waits:3,5 command args...` for the first entries held back.
pub(super) fn holdback(engine: &Engine, count: usize) -> Vec<String> {
    let Engine::Ordered(ordered) = engine else {
        return Vec::new();
    };
    let multicast = &ordered.multicast;
    let line = |entry: &&Entry| {
        let waits = join(multicast.waits_for(entry.stamp).iter());
        format!("{} waits:{waits} {}", entry.stamp, entry.body.line())
    };
    multicast.queue().first(count).iter().map(line).collect()
}

fn join(items: impl Iterator<Item = impl ToString>) -> String {
    items
        .map(|item| item.to_string())
        .collect::<Vec<_>>()
        .join(",")
}

/// Lines of `name:value`, CRLF behind each.
#[derive(Default)]
struct Lines(String);

impl Lines {
    fn add(&mut self, name: impl std::fmt::Display, value: impl std::fmt::Display) {
        let _infallible = write!(self.0, "{name}:{value}\r\n");
    }

    fn section(&mut self, name: &str) {
        let separator = if self.0.is_empty() { "" } else { "\r\n" };
        let _infallible = write!(self.0, "{separator}# {name}\r\n");
    }
}

impl Replica {
    pub(super) fn status_text(&self, now: Now, out: &dyn Out) -> String {
        let settings = &self.settings;
        let mut lines = Lines::default();
        lines.add("id", settings.id);
        lines.add(
            "address",
            settings
                .cluster
                .get(settings.id.index())
                .map_or("", String::as_str),
        );
        lines.add("version", env!("CARGO_PKG_VERSION"));
        lines.add("consistency", settings.consistency);
        lines.add("ready", self.readiness_text());
        lines.add("position", self.order.position());
        lines.add("digest", self.current_digest());
        lines.add("clock", self.clock());
        lines.add("holdback", self.holdback_len());
        lines.add("oldest_wait_ms", self.oldest_wait(now).as_millis());
        lines.add("clients", self.sessions.len());
        lines.add("keys", self.keyspace_len());
        lines.add("memory", self.memory());
        lines.add("tombstones", self.tombstones());
        lines.add("cluster", settings.cluster.join(","));
        for link in self.links.iter().flatten() {
            self.describe_link(link, now, out, &mut lines);
        }
        lines.0
    }

    fn describe_link(&self, link: &Link, now: Now, out: &dyn Out, lines: &mut Lines) {
        let peer = link.peer;
        lines.add(format_args!("link.{peer}"), link_state(link, now));
        if let Some(round_trip) = link.round_trip {
            lines.add(format_args!("rtt_us.{peer}"), round_trip.as_micros());
        }
        if link.is_up() {
            lines.add(format_args!("unsent.{peer}"), link.unsent(out));
        }
        if let Engine::Ordered(ordered) = &self.engine {
            lines.add(
                format_args!("acked.{peer}"),
                ordered.multicast.acked(peer, self.settings.id),
            );
        }
    }

    fn readiness_text(&self) -> String {
        match &self.readiness {
            Readiness::Ready => "yes".to_owned(),
            Readiness::Unaccepted => "no (no other replica has accepted this one yet)".to_owned(),
            Readiness::Refused(reason) => format!("no (refused: {reason})"),
        }
    }

    pub(super) fn info_text(&self, sections: &[&[u8]], now: Now) -> String {
        let wants = |name: &str| {
            sections.is_empty()
                || sections.iter().any(|section| {
                    [name, "all", "default", "everything"]
                        .iter()
                        .any(|known| section.eq_ignore_ascii_case(known.as_bytes()))
                })
        };
        let uptime = now
            .monotonic
            .saturating_sub(self.started.unwrap_or(now.monotonic));
        let mut lines = Lines::default();
        if wants("server") {
            self.describe_server(uptime, &mut lines);
        }
        if wants("clients") {
            lines.section("Clients");
            lines.add("connected_clients", self.sessions.len());
            lines.add("maxclients", self.settings.clients_max);
            lines.add(
                "blocked_clients",
                self.sessions.iter().filter(|s| !s.is_idle()).count(),
            );
        }
        if wants("memory") {
            lines.section("Memory");
            lines.add("used_memory", self.memory());
            lines.add("used_memory_human", human(self.memory()));
            lines.add("maxmemory", 0);
        }
        if wants("persistence") {
            lines.section("Persistence");
            lines.add("loading", 0);
            lines.add("rdb_bgsave_in_progress", 0);
            lines.add("aof_enabled", 0);
        }
        if wants("stats") {
            lines.section("Stats");
            lines.add("total_connections_received", self.counters.connections);
            lines.add("total_commands_processed", self.counters.commands);
            lines.add("rejected_connections", self.counters.rejected_connections);
            lines.add("total_error_replies", self.counters.errors);
            lines.add("expired_keys", 0);
            lines.add("evicted_keys", 0);
        }
        if wants("replication") {
            lines.section("Replication");
            lines.add("role", "master");
            lines.add("connected_slaves", 0);
        }
        if wants("keyspace") {
            lines.section("Keyspace");
            if self.keyspace_len() > 0 {
                lines.add(
                    "db0",
                    format_args!("keys={},expires=0,avg_ttl=0", self.keyspace_len()),
                );
            }
        }
        if wants("holdback") {
            self.describe_holdback(now, &mut lines);
        }
        lines.0
    }

    fn describe_holdback(&self, now: Now, lines: &mut Lines) {
        lines.section("Holdback");
        lines.add("replica", self.settings.id);
        lines.add("consistency", self.settings.consistency);
        lines.add("ready", self.readiness_text());
        lines.add("position", self.order.position());
        lines.add("digest", self.current_digest());
        lines.add("clock", self.clock());
        lines.add("holdback", self.holdback_len());
        lines.add("oldest_wait_ms", self.oldest_wait(now).as_millis());
        lines.add("frames_sent", self.counters.frames_sent);
        lines.add("frames_received", self.counters.frames_received);
        for (path, latencies) in [
            ("ordered", &self.ordered_latencies),
            ("local", &self.local_latencies),
        ] {
            for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
                let micros = latencies.percentile_us(share, now);
                lines.add(format_args!("{path}_{name}_us"), micros);
            }
        }
        lines.add(
            "links_up",
            self.links
                .iter()
                .flatten()
                .filter(|link| link.is_up())
                .count(),
        );
    }

    fn describe_server(&self, uptime: Duration, lines: &mut Lines) {
        lines.section("Server");
        lines.add("redis_version", REDIS_VERSION);
        lines.add("holdback_version", env!("CARGO_PKG_VERSION"));
        lines.add("redis_mode", "standalone");
        lines.add("process_id", self.settings.process_id);
        lines.add("run_id", format_args!("{:040x}", self.settings.incarnation));
        let address = self.settings.cluster.get(self.settings.id.index());
        let port = address
            .and_then(|address| address.rsplit(':').next())
            .unwrap_or("0");
        lines.add("tcp_port", port);
        lines.add("uptime_in_seconds", uptime.as_secs());
        lines.add("uptime_in_days", uptime.as_secs() / 86_400);
    }

    pub(super) fn keyspace_len(&self) -> usize {
        match &self.engine {
            Engine::Ordered(ordered) => ordered.store.len(),
            Engine::Eventual(eventual) => eventual.gossip.len(),
        }
    }

    fn current_digest(&self) -> Digest {
        match &self.engine {
            Engine::Ordered(_) => self.order.digest(),
            Engine::Eventual(eventual) => eventual.gossip.versions().digest(),
        }
    }

    fn holdback_len(&self) -> usize {
        match &self.engine {
            Engine::Ordered(ordered) => ordered.multicast.queue().len(),
            Engine::Eventual(_) => 0,
        }
    }

    fn oldest_wait(&self, now: Now) -> Duration {
        let since = match &self.engine {
            Engine::Ordered(ordered) => ordered.multicast.queue().head_since(),
            Engine::Eventual(_) => None,
        };
        since.map_or(Duration::ZERO, |since| now.monotonic.saturating_sub(since))
    }

    fn tombstones(&self) -> usize {
        match &self.engine {
            Engine::Ordered(_) => 0,
            Engine::Eventual(eventual) => eventual.gossip.versions().tombstones(),
        }
    }

    fn memory(&self) -> usize {
        let data = match &self.engine {
            Engine::Ordered(ordered) => ordered.store.memory() + ordered.pending_bytes,
            Engine::Eventual(eventual) => eventual.gossip.versions().memory(),
        };
        data + self.order.memory()
    }
}

/// A size as Redis writes it for people.
fn human(bytes: usize) -> String {
    let units = [(1usize << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, letter)) => format!("{:.2}{letter}", bytes as f64 / unit as f64),
        None => format!("{bytes}B"),
    }
}

fn link_state(link: &Link, now: Now) -> String {
    let silence = now.monotonic.saturating_sub(link.heard);
    match (&link.refused, link.state) {
        _ if link.cut => "cut".to_owned(),
        (_, LinkState::Up) if silence >= SILENT => format!("silent {:.1}s", silence.as_secs_f64()),
        (_, LinkState::Up) => "up".to_owned(),
        (Some(reason), _) => format!("refused ({reason})"),
        (None, _) => "down".to_owned(),
    }
}

/// HELP: all commands, a group's, or one.
pub(super) fn help(topic: Option<&[u8]>, reply: &mut ReplyWriter<'_>) {
    let Some(topic) = topic else {
        return list(COMMANDS.iter().map(one_line), reply);
    };
    if let Some(group) = topic.strip_prefix(b"@") {
        let is_named =
            |spec: &&CommandSpec| group.eq_ignore_ascii_case(Group::name(spec.group).as_bytes());
        let found: Vec<String> = COMMANDS.iter().filter(is_named).map(one_line).collect();
        if !found.is_empty() {
            return list(found.into_iter(), reply);
        }
    } else if let Some(spec) = lookup(topic) {
        let mut lines = vec![one_line(spec), format!("  reply: {}", spec.reply)];
        if !spec.errors.is_empty() {
            lines.push(format!("  errors: {}", spec.errors));
        }
        let eventual = spec.eventual.name();
        let barrier = if spec.barrier { ", barrier" } else { "" };
        lines.push(format!(
            "  {}{barrier}; eventual model: {eventual}",
            spec.kind.name()
        ));
        return list(lines.into_iter(), reply);
    }
    let topic = topic[..topic.len().min(64)].escape_ascii();
    reply.error(&ErrorReply::err(format!(
        "no such command or group '{topic}'; HELP lists all"
    )));
}

fn one_line(spec: &CommandSpec) -> String {
    format!("{} {} -- {}", spec.name, spec.arguments, spec.summary).replace("  ", " ")
}

fn list(lines: impl Iterator<Item = String>, reply: &mut ReplyWriter<'_>) {
    let lines: Vec<String> = lines.collect();
    reply.array(lines.len());
    lines.iter().for_each(|line| reply.text(line));
}
