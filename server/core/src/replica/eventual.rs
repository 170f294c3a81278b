//! The eventual model: writing here at once, and passing versions on.

use super::replica::{Engine, Eventual, Replica};
use super::turn::draw;
use crate::command::{CommandSpec, Eventual as Acceptance, Name};
use crate::entry::{Entry, EntryBody};
use crate::eventual::Report;
use crate::ids::ConnectionId;
use crate::ids::{Origin, VersionStamp};
use crate::ids::{ReplicaId, TIME_MAX};
use crate::message::{Message, encode_token, encode_update, encode_vector};
use crate::store::Keyspace;
use crate::turn::{Event, Level, Now, Out};
use crate::wire::error::{ErrorCode, ErrorReply};

/// What the eventual model says to a command that needs a total order.
pub(super) fn needs_order(name: &str) -> ErrorReply {
    ErrorReply::new(
        ErrorCode::NeedsOrder,
        format!("{name} needs a total order, which an eventual cluster does not have"),
    )
}

/// Whether an eventual cluster takes the command.
pub(super) fn check_accepted(spec: &CommandSpec, words: &[&[u8]]) -> Result<(), ErrorReply> {
    match (spec.eventual, spec.id) {
        (Acceptance::Accepted, _) => Ok(()),
        (Acceptance::WithoutOptions, Name::Set) if words.len() > 3 => {
            Err(needs_order("SET with NX, XX or GET"))
        }
        (Acceptance::WithoutOptions, _) => Ok(()),
        (Acceptance::Refused, _) => Err(needs_order(spec.name)),
    }
}

impl Replica {
    /// A writing command: applied here, answered, and owed to every link.
    pub(super) fn write_here(
        &mut self,
        client: ConnectionId,
        spec: &'static CommandSpec,
        words: &[&[u8]],
        now: Now,
        out: &mut dyn Out,
    ) {
        let mut count = None;
        match spec.id {
            Name::Set => self.change(words[1], Some(words[2]), now, out),
            Name::Mset => {
                for pair in words[1..].chunks_exact(2) {
                    self.change(pair[0], Some(pair[1]), now, out);
                }
            }
            Name::Del | Name::Unlink => count = Some(self.delete(&words[1..], now, out)),
            Name::Flushall | Name::Flushdb => {
                let Engine::Eventual(eventual) = &self.engine else {
                    return;
                };
                let keys: Vec<Vec<u8>> = eventual
                    .gossip
                    .live()
                    .map(|(key, _)| key.to_vec())
                    .collect();
                let keys: Vec<&[u8]> = keys.iter().map(Vec::as_slice).collect();
                self.delete(&keys, now, out);
            }
            _ => {}
        }
        let Some(session) = self.sessions.get_mut(client) else {
            return;
        };
        let mut reply = session.writer(out);
        match (count, spec.id) {
            (Some(count), _) => reply.count(count),
            (None, Name::Set | Name::Mset | Name::Flushall | Name::Flushdb) => reply.ok(),
            (None, _) => reply.error(&needs_order(spec.name)),
        }
    }

    /// Deletes those of the keys that exist; how many.
    fn delete(&mut self, keys: &[&[u8]], now: Now, out: &mut dyn Out) -> usize {
        let mut count = 0;
        for key in keys {
            let Engine::Eventual(eventual) = &self.engine else {
                return count;
            };
            if eventual.gossip.get(key).is_some() {
                self.change(key, None, now, out);
                count += 1;
            }
        }
        count
    }

    /// Writes a value or a tombstone.
    fn change(&mut self, key: &[u8], value: Option<&[u8]>, now: Now, out: &mut dyn Out) {
        let Engine::Eventual(eventual) = &mut self.engine else {
            return;
        };
        let stamp = eventual.gossip.write(key, value, now.wall);
        if self.settings.cluster.len() > 1 {
            encode_update(&mut eventual.updates, stamp.time, key, value);
            eventual.update_stamps.push(stamp.short());
        }
        self.note_applied(stamp, key, value, now, out);
    }

    /// Adds a version that was applied to what ORDER lists.
    fn note_applied(
        &mut self,
        stamp: VersionStamp,
        key: &[u8],
        value: Option<&[u8]>,
        now: Now,
        out: &mut dyn Out,
    ) {
        let body = match value {
            Some(value) => EntryBody::command(&[b"SET", key, value]),
            None => EntryBody::command(&[b"DEL", key]),
        };
        let entry = Entry {
            stamp: stamp.short(),
            body,
        };
        let position = self.order.append(&entry);
        if self.observed {
            out.observe(
                now,
                self.clock(),
                &Event::Apply {
                    position,
                    entry: &entry,
                },
            );
        }
        if !self.monitors.is_empty() {
            self.monitor_delivery(position, &entry, out);
        }
    }

    /// One of this model's frames.
    pub(super) fn receive_gossip(
        &mut self,
        peer: ReplicaId,
        message: Message,
        now: Now,
        out: &mut dyn Out,
    ) {
        if !matches!(self.engine, Engine::Eventual(_)) {
            return self.link_error(peer, "a frame of the eventual model", now, out);
        }
        let incarnation = self.link(peer).map_or(0, |link| link.incarnation);
        let sender = Origin {
            replica: peer,
            incarnation,
        };
        if let Message::Update(time, ..) | Message::Entry(VersionStamp { time, .. }, ..) = &message
            && *time > TIME_MAX
        {
            return self.link_error(peer, &format!("time {time} is out of range"), now, out);
        }
        match message {
            Message::Update(time, key, value) => {
                let stamp = VersionStamp {
                    time,
                    origin: sender,
                };
                self.take(stamp, &key, value.as_deref(), now, out);
                self.with_gossip(peer, |eventual, link| {
                    link.update_received(&mut eventual.gossip, stamp);
                });
            }
            Message::Entry(stamp, key, value) => {
                self.take(stamp, &key, value.as_deref(), now, out);
            }
            Message::Round => {
                self.with_gossip(peer, |eventual, link| {
                    link.round_received(&mut eventual.gossip);
                });
            }
            Message::End(vector) => {
                self.with_gossip(peer, |eventual, link| {
                    link.end_received(&mut eventual.gossip, sender, &vector);
                });
            }
            Message::Vector(digest, vouched, vector) => {
                let report = self.with_gossip(peer, |eventual, link| {
                    eventual.gossip.merge_times(&vector);
                    link.report(&eventual.gossip, digest, vouched, vector)
                });
                self.obey_report(peer, report, now, out);
            }
            Message::Confirm(token) => self.send_token(peer, "CONFIRMED", token, now, out),
            Message::Confirmed(token) => {
                if let Engine::Eventual(eventual) = &mut self.engine {
                    eventual.gossip.confirmed(peer, token);
                }
            }
            _ => self.link_error(peer, "a frame of the ordered models", now, out),
        }
    }

    fn take(
        &mut self,
        stamp: VersionStamp,
        key: &[u8],
        value: Option<&[u8]>,
        now: Now,
        out: &mut dyn Out,
    ) {
        let Engine::Eventual(eventual) = &mut self.engine else {
            return;
        };
        if eventual.gossip.take(stamp, key, value) {
            self.note_applied(stamp, key, value, now, out);
        }
    }

    /// Sends what a peer's report shows that it lacks.
    fn obey_report(
        &mut self,
        peer: ReplicaId,
        report: Option<Report>,
        now: Now,
        out: &mut dyn Out,
    ) {
        match report {
            Some(Report::OweRound) => self.begin_round(peer, false, now, out),
            Some(Report::OweEverything) => self.begin_round(peer, true, now, out),
            Some(Report::Diverged) => {
                let text = format!("data differs from replica {peer} although all was exchanged");
                self.notice(Level::Error, &text, now, out);
                self.begin_round(peer, true, now, out);
            }
            Some(Report::Fine) | None => {}
        }
    }

    fn begin_round(&mut self, peer: ReplicaId, everything: bool, now: Now, out: &mut dyn Out) {
        let mut frame = Vec::new();
        self.with_gossip(peer, |eventual, link| {
            link.begin_round(&eventual.gossip, everything, &mut frame);
        });
        self.send_frames(peer, &frame, 1, now, out);
        self.observe_send(peer, "ROUND", &[], now, out);
    }

    /// Sends this turn's updates, and as much of each round as the links take.
    pub(super) fn send_gossip(&mut self, now: Now, out: &mut dyn Out) {
        let Engine::Eventual(eventual) = &mut self.engine else {
            return;
        };
        let updates = std::mem::take(&mut eventual.updates);
        let stamps = std::mem::take(&mut eventual.update_stamps);
        let limit = self.settings.link_bytes_max;
        self.more_to_send = false;
        for index in 0..self.links.len() {
            let peer = ReplicaId::from_index(index);
            let Some(link) = self.links[index].as_mut().filter(|link| link.is_up()) else {
                continue;
            };
            let full = link.unsent(out) >= limit;
            if !updates.is_empty() && link.gossip.takes_updates() {
                if full {
                    link.gossip.drop_updates();
                } else {
                    self.send_frames(peer, &updates, stamps.len() as u64, now, out);
                    self.observe_send(peer, "UPDATE", &stamps, now, out);
                }
            }
            self.continue_round(peer, limit, now, out);
        }
    }

    fn continue_round(&mut self, peer: ReplicaId, limit: usize, now: Now, out: &mut dyn Out) {
        let Some(link) = self.link(peer) else { return };
        let unsent = link.unsent(out);
        if link.gossip.owes_round() && unsent < limit / 2 {
            self.begin_round(peer, false, now, out);
        }
        let Some(link) = self.link(peer).filter(|link| link.gossip.in_round()) else {
            return;
        };
        if link.unsent(out) >= limit {
            return;
        }
        let mut piece = Vec::new();
        let records = self.settings.round_piece_records;
        let sent = self.with_gossip(peer, |eventual, link| {
            link.next_piece(&eventual.gossip, records, &mut piece)
        });
        let (frames, more) = sent.unwrap_or_default();
        self.send_frames(peer, &piece, frames, now, out);
        if more {
            self.more_to_send = true;
        } else {
            self.observe_send(peer, "END", &[], now, out);
        }
    }

    /// The regular exchange of vectors, and the look for tombstones that can go.
    pub(super) fn exchange_if_due(&mut self, now: Now, out: &mut dyn Out) {
        let heartbeat = self.settings.heartbeat;
        let Engine::Eventual(eventual) = &mut self.engine else {
            return;
        };
        if now.monotonic < eventual.exchange_due {
            return;
        }
        eventual.exchange_due = now.monotonic + heartbeat;
        for index in 0..self.links.len() {
            self.send_vector(ReplicaId::from_index(index), now, out);
        }
        let Engine::Eventual(eventual) = &mut self.engine else {
            return;
        };
        let reports: Option<Vec<_>> = self
            .links
            .iter()
            .flatten()
            .map(|link| Some((link.peer, link.gossip.reported()?)))
            .collect();
        let token = reports.and_then(|reports| eventual.gossip.begin_sweep(reports.into_iter()));
        if let Some(token) = token {
            for index in 0..self.links.len() {
                self.send_token(ReplicaId::from_index(index), "CONFIRM", token, now, out);
            }
        }
    }

    pub(super) fn send_vector(&mut self, peer: ReplicaId, now: Now, out: &mut dyn Out) {
        let Engine::Eventual(eventual) = &self.engine else {
            return;
        };
        let mut frame = Vec::new();
        let gossip = &eventual.gossip;
        let digest = gossip.versions().digest();
        encode_vector(
            &mut frame,
            digest,
            gossip.vouches_for_all(),
            gossip.vector(),
        );
        self.send_frames(peer, &frame, 1, now, out);
    }

    fn send_token(&mut self, peer: ReplicaId, name: &str, token: u64, now: Now, out: &mut dyn Out) {
        let mut frame = Vec::new();
        encode_token(&mut frame, name, token);
        self.send_frames(peer, &frame, 1, now, out);
    }

    /// Sends so many frames on a link that is up, in their turn.
    fn send_frames(
        &mut self,
        peer: ReplicaId,
        bytes: &[u8],
        frames: u64,
        now: Now,
        out: &mut dyn Out,
    ) {
        let random = &mut self.random;
        let link = self.links.get_mut(peer.index()).and_then(Option::as_mut);
        if let Some(link) = link.filter(|link| link.is_up() && frames > 0) {
            link.send(bytes, now, &mut || draw(random), out);
            self.counters.frames_sent += frames;
        }
    }

    /// Works on the gossip of the replica and of one link.
    fn with_gossip<T>(
        &mut self,
        peer: ReplicaId,
        work: impl FnOnce(&mut Eventual, &mut crate::eventual::GossipLink) -> T,
    ) -> Option<T> {
        let Engine::Eventual(eventual) = &mut self.engine else {
            return None;
        };
        let link = self.links.get_mut(peer.index())?.as_mut()?;
        Some(work(eventual, &mut link.gossip))
    }
}
