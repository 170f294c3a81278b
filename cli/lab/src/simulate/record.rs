//! The ordered models: the simulator's own record of what the replicas said to each other, and what must
//! hold of it.

use super::model::Model;
use super::violation::{Check, ensure};
use holdback::entry::{Entry, EntryBody};
use holdback::ids::Digest;
use holdback::ids::Stamp;
use holdback::message::Message;
use holdback::ordered::Multicast;
use holdback::store::{Keyspace, Store};
use std::collections::BTreeMap;

const STAMPS_RISE: &str = "stamps strictly increase within an incarnation";
const ACKS_BEHIND: &str = "an ACK never overtakes an MCAST stamped before it was due";
const NO_GAP: &str = "what a peer may lack is sent before live traffic";
const ACK_IS_TRUE: &str = "a replica acks only what it holds";
const GREETING_FIRST: &str = "nothing but the handshake goes out before the peer's has come in";
const SAME_ENTRY: &str = "an entry never changes";
const HELD_BY_ALL: &str = "nothing is delivered before every replica holds it";
const ORDERS_AGREE: &str = "the replicas' orders are prefixes of one another";
const STORE_AGREES: &str = "the store equals a replay of the order";
const ORDER_RISES: &str = "entries are delivered in stamp order";

/// Who stamped an entry: a replica in one incarnation.
type Origin = (usize, u64);

/// One end of a connection between two replicas.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct LinkEnd {
    /// Its own handshake went out.
    greeted: bool,
    /// The other's came in, with this `have`.
    heard: Option<u64>,
    /// The last own time sent on it.
    sent: u64,
    /// The highest time acked on it.
    acked: u64,
}

/// An entry's place in the order.
#[derive(Debug)]
pub(super) struct Placed {
    pub(super) stamp: Stamp,
    pub(super) body: EntryBody,
    /// The reply that its client must get.
    pub(super) reply: Vec<u8>,
    /// A client got it.
    pub(super) claimed: bool,
    digest: Digest,
}

/// The record.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) model: Model,
    /// The longest order seen; position 1 comes first.
    pub(super) order: Vec<Placed>,
    incarnations: Vec<u64>,
    /// What each origin was seen to send, by time.
    stamped: BTreeMap<Origin, Vec<(u64, EntryBody)>>,
    /// By receiver, by origin: the incarnation and the highest time that was handed in without a gap.
    received: Vec<Vec<(u64, u64)>>,
    /// By replica: up to which time it ever held each origin's entries, in this incarnation or an earlier
    /// one. Acks of an earlier one count: a replica that restarts empty is not let back in.
    ever_held: Vec<BTreeMap<Origin, u64>>,
    /// By replica: how many entries it delivered.
    pub(super) positions: Vec<u64>,
    /// By replica: the position at which its data was compared last.
    inspected: Vec<u64>,
}

impl Record {
    pub(super) fn new(replicas: usize) -> Self {
        Self {
            model: Model::default(),
            order: Vec::new(),
            incarnations: vec![0; replicas],
            stamped: BTreeMap::new(),
            received: vec![vec![(0, 0); replicas]; replicas],
            ever_held: vec![BTreeMap::new(); replicas],
            positions: vec![0; replicas],
            inspected: vec![0; replicas],
        }
    }

    /// A replica's process starts, empty.
    pub(super) fn started(&mut self, replica: usize, incarnation: u64) {
        self.incarnations[replica] = incarnation;
        self.received[replica].fill((0, 0));
        self.positions[replica] = 0;
        self.inspected[replica] = 0;
    }

    /// The digest at a position of the order.
    pub(super) fn digest(&self, position: u64) -> Option<Digest> {
        self.placed(position).map(|placed| placed.digest)
    }

    /// The entry at a position.
    pub(super) fn placed(&self, position: u64) -> Option<&Placed> {
        self.order.get(index_of(position)?)
    }

    /// Notes that the client of the entry at a position got its reply.
    pub(super) fn claim(&mut self, position: u64) {
        if let Some(at) = index_of(position) {
            self.order[at].claimed = true;
        }
    }

    /// A frame was put on a connection.
    pub(super) fn sent(
        &mut self,
        from: usize,
        to: usize,
        end: &mut LinkEnd,
        message: &Message,
    ) -> Check {
        match message {
            Message::Peer(_) => end.greeted = true,
            Message::Refuse(..) => {}
            _ => {
                let ready = end.greeted && end.heard.is_some();
                ensure!(
                    ready,
                    GREETING_FIRST,
                    "replica {} to replica {}: {message:?}",
                    from + 1,
                    to + 1
                );
            }
        }
        match message {
            Message::Mcast(previous, entries) => {
                self.sent_entries(from, to, end, *previous, entries)
            }
            Message::Ack(acks) => {
                let stamps: Vec<Stamp> = acks.iter().map(|ack| ack.stamp).collect();
                self.sent_acks(from, to, end, &stamps)
            }
            _ => Ok(()),
        }
    }

    fn sent_entries(
        &mut self,
        from: usize,
        to: usize,
        end: &mut LinkEnd,
        previous: u64,
        entries: &[(u64, EntryBody)],
    ) -> Check {
        let (sender, receiver) = (from + 1, to + 1);
        let covered = end.heard.unwrap_or(0).max(end.sent);
        ensure!(
            previous <= covered,
            NO_GAP,
            "replica {sender} sends replica {receiver} what follows {previous}.{sender}, which it was not sent"
        );
        let mut last = previous;
        for (time, body) in entries {
            ensure!(
                *time > last,
                STAMPS_RISE,
                "replica {sender} sends time {time} behind {last}"
            );
            ensure!(
                *time > end.acked,
                ACKS_BEHIND,
                "replica {sender} sends replica {receiver} entry {time}.{sender} behind an ack of time {}",
                end.acked
            );
            last = *time;
            self.note_stamped((from, self.incarnations[from]), *time, body)?;
        }
        end.sent = end.sent.max(last);
        Ok(())
    }

    fn sent_acks(&mut self, from: usize, to: usize, end: &mut LinkEnd, stamps: &[Stamp]) -> Check {
        for stamp in stamps {
            let (_, held) = self.received[from][stamp.replica.index()];
            ensure!(
                held >= stamp.time,
                ACK_IS_TRUE,
                "replica {} acks {stamp} to replica {}, but holds only time {held} of replica {}",
                from + 1,
                to + 1,
                stamp.replica
            );
            end.acked = end.acked.max(stamp.time);
        }
        Ok(())
    }

    /// An entry was seen that its origin stamped. New ones must have times above all earlier ones.
    fn note_stamped(&mut self, origin: Origin, time: u64, body: &EntryBody) -> Check {
        let stamped = self.stamped.entry(origin).or_default();
        if stamped.last().is_none_or(|(last, _)| *last < time) {
            stamped.push((time, body.clone()));
            return Ok(());
        }
        let found = stamped.binary_search_by_key(&time, |(time, _)| *time);
        let replica = origin.0 + 1;
        let Ok(at) = found else {
            let last = stamped.last().map_or(0, |(last, _)| *last);
            ensure!(
                false,
                STAMPS_RISE,
                "replica {replica} stamps {time}.{replica} after {last}.{replica}"
            );
            return Ok(());
        };
        ensure!(
            stamped[at].1 == *body,
            SAME_ENTRY,
            "{time}.{replica} was {}, and is {}",
            stamped[at].1.describe(),
            body.describe()
        );
        Ok(())
    }

    /// A frame is handed to a replica that knows its peer to be in this incarnation.
    pub(super) fn received(
        &mut self,
        from: Origin,
        to: usize,
        end: &mut LinkEnd,
        message: &Message,
    ) {
        match message {
            Message::Peer(handshake) => {
                end.heard = Some(handshake.have);
            }
            Message::Mcast(previous, entries) => {
                let (origin, incarnation) = from;
                let held = &mut self.received[to][origin];
                if held.0 != incarnation {
                    *held = (incarnation, 0);
                }
                if *previous <= held.1 {
                    let last = entries.last().map_or(0, |(time, _)| *time);
                    held.1 = held.1.max(last);
                    self.ever_held[to].insert(from, held.1);
                }
            }
            _ => {}
        }
    }

    /// A replica delivered an entry.
    pub(super) fn delivered(&mut self, by: usize, position: u64, entry: &Entry) -> Check {
        let (replica, stamp) = (by + 1, entry.stamp);
        self.positions[by] += 1;
        let expected = self.positions[by];
        ensure!(
            position == expected,
            ORDERS_AGREE,
            "replica {replica} delivers {stamp} at position {position}, not {expected}"
        );
        let origin = stamp.replica.index();
        let incarnation = if origin == by {
            self.incarnations[by]
        } else {
            self.received[by][origin].0
        };
        self.note_stamped((origin, incarnation), stamp.time, &entry.body)?;
        self.held_by_all(by, incarnation, stamp)?;
        self.place(by, position, entry)
    }

    fn held_by_all(&self, by: usize, incarnation: u64, stamp: Stamp) -> Check {
        let origin = stamp.replica.index();
        for (holder, held) in self.ever_held.iter().enumerate() {
            let time = held.get(&(origin, incarnation)).copied().unwrap_or(0);
            let holds = holder == origin || time >= stamp.time;
            ensure!(
                holds,
                HELD_BY_ALL,
                "replica {} delivers {stamp}, which replica {} does not hold",
                by + 1,
                holder + 1
            );
        }
        Ok(())
    }

    fn place(&mut self, by: usize, position: u64, entry: &Entry) -> Check {
        let (replica, stamp) = (by + 1, entry.stamp);
        if let Some(placed) = self.placed(position) {
            ensure!(
                placed.stamp == stamp && placed.body == entry.body,
                ORDERS_AGREE,
                "position {position} is {stamp} {} at replica {replica}, and was {} {}",
                entry.body.describe(),
                placed.stamp,
                placed.body.describe()
            );
            return Ok(());
        }
        if let Some(last) = self.order.last() {
            ensure!(
                last.stamp < stamp,
                ORDER_RISES,
                "{stamp} follows {} at position {position}",
                last.stamp
            );
        }
        let reply = self.model.apply(&entry.body);
        self.order.push(Placed {
            stamp,
            body: entry.body.clone(),
            reply,
            claimed: false,
            digest: Digest::default(),
        });
        Ok(())
    }

    /// The digest of a replica's order at its last position.
    pub(super) fn digested(&mut self, by: usize, digest: Digest) -> Check {
        let position = self.positions[by];
        let Some(at) = index_of(position) else {
            return Ok(());
        };
        let placed = &mut self.order[at];
        if placed.digest == Digest::default() {
            placed.digest = digest;
        }
        ensure!(
            placed.digest == digest,
            "equal positions have equal digests",
            "position {position}: {digest} at replica {}, elsewhere {}",
            by + 1,
            placed.digest
        );
        Ok(())
    }

    /// Compares a replica's data with a replay of the order, and its clocks and queue with the record.
    pub(super) fn inspect(
        &mut self,
        replica: usize,
        store: &Store,
        multicast: &Multicast,
    ) -> Check {
        let position = self.positions[replica];
        let held = multicast.queue().first(1).first().map(|entry| entry.stamp);
        let last = self.placed(position).map(|placed| placed.stamp);
        ensure!(
            held.is_none_or(|held| Some(held) > last),
            ORDER_RISES,
            "replica {} holds {held:?} back, having delivered {last:?}",
            replica + 1
        );
        if self.inspected[replica] == position {
            return Ok(());
        }
        self.inspected[replica] = position;
        let mut count = 0;
        for (key, value) in store.live() {
            count += 1;
            let expected = self.model.get(key, position);
            ensure!(
                expected == Some(value) && self.model.changed(key, position) == store.changed(key),
                STORE_AGREES,
                "replica {} at position {position} holds {} at {}, the replay {:?}",
                replica + 1,
                value.escape_ascii(),
                key.escape_ascii(),
                expected.map(|value| value.escape_ascii().to_string())
            );
        }
        let expected = self.model.count(position);
        ensure!(
            count == expected,
            STORE_AGREES,
            "replica {} at position {position} holds {count} keys, the replay {expected}",
            replica + 1
        );
        Ok(())
    }
}

/// Where the entry at a position is in the order.
fn index_of(position: u64) -> Option<usize> {
    usize::try_from(position).ok()?.checked_sub(1)
}
