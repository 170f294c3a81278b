//! STATUS, INFO and CONFIG: what this replica says of itself.

use super::{Clients, Counters, Parts};
use crate::admin::{Configured, Fields, REDIS_VERSION};
use crate::engine::{At, Figures};
use crate::ids::ConnectionId;
use crate::settings::Settings;
use crate::store::Answer;
use crate::turn::Turn;
use std::time::Duration;

impl Clients {
    /// STATUS.
    pub(super) fn status(&self, parts: &mut Parts<'_, '_>) -> String {
        let (
            peers,
            At {
                settings,
                engine,
                turn,
            },
        ) = (&parts.peers, &parts.at);
        let figures = engine.figures(turn.now);
        let address = settings.cluster.get(settings.id.index());
        let mut fields = Fields::default();
        fields.add("id", settings.id);
        fields.add("address", address.map_or("", String::as_str));
        fields.add("version", env!("CARGO_PKG_VERSION"));
        fields.add("consistency", settings.consistency);
        add_progress(parts, &figures, &mut fields);
        fields.add("clients", self.sessions.len());
        fields.add("keys", figures.keys);
        let memory = MemoryFigures::new(&figures, parts);
        fields.add("memory", memory.sum());
        fields.add("tombstones", figures.tombstones);
        add_losses(turn, &mut fields);
        fields.add("memory_data", memory.data);
        fields.add("memory_queue", memory.queue);
        fields.add("memory_log", memory.log);
        fields.add("memory_clients", memory.clients);
        fields.add("memory_peers", memory.peers);
        fields.add("memory_rss", memory.resident);
        fields.add("cluster", settings.cluster.join(","));
        for link in peers.figures(turn) {
            let peer = link.peer;
            fields.add(format_args!("link.{peer}"), &link.state);
            if let Some(round_trip) = link.round_trip {
                fields.add(format_args!("rtt_us.{peer}"), round_trip.as_micros());
            }
            if link.is_up {
                fields.add(format_args!("unsent.{peer}"), link.unsent);
            }
            if let Some(acked) = engine.acked(peer) {
                fields.add(format_args!("acked.{peer}"), acked);
            }
        }
        fields.into_text()
    }

    /// INFO, or those of its sections that are named.
    pub(super) fn info(&self, sections: &[&[u8]], parts: &mut Parts<'_, '_>) -> String {
        let wants = |name: &str| {
            sections.is_empty()
                || sections.iter().any(|section| {
                    [name, "all", "default", "everything"]
                        .iter()
                        .any(|known| section.eq_ignore_ascii_case(known.as_bytes()))
                })
        };
        let figures = parts.at.engine.figures(parts.at.turn.now);
        let mut fields = Fields::default();
        if wants("server") {
            let started = self.started.unwrap_or(parts.at.turn.now.monotonic);
            let uptime = parts.at.turn.now.monotonic.saturating_sub(started);
            add_server(parts, uptime, &mut fields);
        }
        if wants("clients") {
            self.add_clients(parts.at.settings, &mut fields);
        }
        if wants("memory") {
            let memory = MemoryFigures::new(&figures, parts);
            add_memory(&memory, parts.at.settings, &mut fields);
        }
        if wants("persistence") {
            fields.section("Persistence");
            fields.add("loading", 0);
            fields.add("rdb_bgsave_in_progress", 0);
            fields.add("aof_enabled", 0);
        }
        if wants("stats") {
            fields.section("Stats");
            fields.add("total_connections_received", self.counters.connections);
            fields.add("total_commands_processed", self.counters.commands);
            fields.add("rejected_connections", self.counters.rejected_connections);
            fields.add("total_error_replies", self.counters.errors);
            fields.add("expired_keys", 0);
            fields.add("evicted_keys", 0);
            fields.add("evicted_clients", self.counters.evicted);
        }
        if wants("replication") {
            fields.section("Replication");
            fields.add("role", "master");
            fields.add("connected_slaves", 0);
        }
        if wants("keyspace") {
            fields.section("Keyspace");
            if figures.keys > 0 {
                let keys = format_args!("keys={},expires=0,avg_ttl=0", figures.keys);
                fields.add("db0", keys);
            }
        }
        if wants("holdback") {
            self.add_holdback(parts, &figures, parts.at.turn, &mut fields);
        }
        fields.into_text()
    }

    fn add_clients(&self, settings: &Settings, fields: &mut Fields) {
        let sessions = || self.sessions.iter();
        let watched = || sessions().map(|session| session.watches.keys().len());
        fields.section("Clients");
        fields.add("connected_clients", self.sessions.len());
        fields.add("maxclients", settings.clients_max);
        let blocked = sessions().filter(|session| !session.is_idle());
        fields.add("blocked_clients", blocked.count());
        let watching = watched().filter(|keys| *keys > 0);
        fields.add("watching_clients", watching.count());
        fields.add("total_watched_keys", watched().sum::<usize>());
        fields.add("max_watches", settings.watches_max);
        fields.add("timeout", settings.idle_timeout.as_secs());
        fields.add("max_unread", settings.unread_bytes_max);
        fields.add("max_output", settings.output_bytes_max);
        fields.add("output_timeout", settings.output_timeout.as_secs());
    }

    fn add_holdback(
        &self,
        parts: &Parts<'_, '_>,
        figures: &Figures,
        turn: &Turn<'_>,
        fields: &mut Fields,
    ) {
        fields.section("Holdback");
        fields.add("replica", parts.at.settings.id);
        fields.add("consistency", parts.at.settings.consistency);
        add_progress(parts, figures, fields);
        let (sent, received) = parts.peers.frames();
        fields.add("frames_sent", sent);
        fields.add("frames_received", received);
        add_losses(turn, fields);
        for (path, latencies) in [
            ("ordered", &self.ordered_latencies),
            ("local", &self.local_latencies),
        ] {
            for (name, share) in [("p50", 0.5), ("p99", 0.99)] {
                let micros = latencies.percentile_us(share, turn.now);
                fields.add(format_args!("{path}_{name}_us"), micros);
            }
        }
        let links = parts.peers.figures(turn);
        fields.add("links_up", links.iter().filter(|link| link.is_up).count());
    }

    /// CONFIG.
    pub(super) fn config(
        &mut self,
        client: ConnectionId,
        words: &[&[u8]],
        parts: &mut Parts<'_, '_>,
    ) -> Answer {
        let mut reply = self.sessions.at(client).writer(parts.at.turn);
        if words.len() == 2 && words[1].eq_ignore_ascii_case(b"resetstat") {
            self.counters = Counters::default();
            parts.peers.reset_frames();
            reply.ok();
            return Ok(());
        }
        let mut configured = Configured {
            settings: parts.at.settings,
            slow_log: &mut self.slow_log,
        };
        configured.answer(words, &mut reply)
    }
}

/// How far the replica is.
fn add_progress(parts: &Parts<'_, '_>, figures: &Figures, fields: &mut Fields) {
    fields.add("ready", parts.peers.readiness());
    fields.add("diverged", parts.peers.divergence());
    fields.add("position", parts.at.engine.order().position());
    fields.add("digest", figures.digest);
    fields.add("clock", parts.at.engine.clock());
    fields.add("holdback", figures.holdback);
    fields.add("oldest_wait_ms", figures.oldest_wait.as_millis());
}

/// Bytes, roughly, by what they are for.
struct MemoryFigures {
    data: usize,
    queue: usize,
    log: usize,
    clients: usize,
    peers: usize,
    /// Of the whole process.
    resident: usize,
}

impl MemoryFigures {
    fn new(figures: &Figures, parts: &Parts<'_, '_>) -> Self {
        let around = parts.at.turn.out.memory();
        Self {
            data: figures.data,
            queue: figures.queue,
            log: figures.log,
            clients: around.clients,
            peers: around.links + parts.peers.delayed_bytes().sum::<usize>(),
            resident: around.resident,
        }
    }

    /// All that is counted.
    fn sum(&self) -> usize {
        self.data + self.queue + self.log + self.clients + self.peers
    }
}

/// INFO's section on memory, with Redis's names where they mean the same.
fn add_memory(memory: &MemoryFigures, settings: &Settings, fields: &mut Fields) {
    fields.section("Memory");
    fields.add("used_memory", memory.sum());
    fields.add("used_memory_human", human(memory.sum()));
    fields.add("used_memory_rss", memory.resident);
    fields.add("used_memory_rss_human", human(memory.resident));
    fields.add("used_memory_dataset", memory.data);
    fields.add("maxmemory", settings.memory_bytes_max);
    fields.add("maxmemory_clients", settings.clients_memory_max);
    fields.add("mem_clients_normal", memory.clients);
    fields.add("mem_cluster_links", memory.peers);
    fields.add("mem_queue", memory.queue);
    fields.add("mem_log", memory.log);
    fields.add("max_queue", settings.queue_bytes_max);
    fields.add("max_pending", settings.pending_bytes_max);
    fields.add("max_work", settings.limits.work_bytes());
}

/// What should be in the log and the trace, and is not.
fn add_losses(turn: &Turn<'_>, fields: &mut Fields) {
    let lost = turn.out.lost_lines();
    fields.add("log_lost", lost.log);
    fields.add("trace_lost", lost.trace);
}

fn add_server(parts: &Parts<'_, '_>, uptime: Duration, fields: &mut Fields) {
    let settings = &parts.at.settings;
    fields.section("Server");
    fields.add("redis_version", REDIS_VERSION);
    fields.add("holdback_version", env!("CARGO_PKG_VERSION"));
    fields.add("redis_mode", "standalone");
    fields.add("process_id", settings.process_id);
    fields.add("run_id", format_args!("{:040x}", settings.incarnation));
    let address = settings.cluster.get(settings.id.index());
    let port = address.and_then(|address| address.rsplit(':').next());
    fields.add("tcp_port", port.unwrap_or("0"));
    fields.add("uptime_in_seconds", uptime.as_secs());
    fields.add("uptime_in_days", uptime.as_secs() / 86_400);
}

/// A size as Redis writes it for people.
fn human(bytes: usize) -> String {
    let units = [(1usize << 30, "G"), (1 << 20, "M"), (1 << 10, "K")];
    match units.into_iter().find(|(unit, _)| bytes >= *unit) {
        Some((unit, letter)) => format!("{:.2}{letter}", bytes as f64 / unit as f64),
        None => format!("{bytes}B"),
    }
}
