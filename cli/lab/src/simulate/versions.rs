//! The eventual model: the simulator's own record of who wrote and who holds what, and what must hold of it.

mod commands;

use super::violation::{Check, ensure};
use holdback::entry::Entry;
use holdback::eventual::Gossip;
use holdback::ids::ReplicaId;
use holdback::ids::{Origin, Vector, VersionStamp};
use holdback::message::Message;
use holdback::store::Keyspace;
use std::collections::BTreeMap;

const NEVER_BACK: &str = "a version never goes back";
const STAMPS_RISE: &str = "stamps are larger than all that was seen before";
const VECTOR_RISES: &str = "vectors never go back within an incarnation";
const VECTOR_TRUE: &str = "a replica holds what its vector covers";
const DATA_AGREES: &str = "the data is what was applied, the larger stamp winning";
const TOMBSTONES: &str = "a tombstone is dropped only when nobody can bring an older version back";
const CONVERGED: &str = "replicas converge to the newest versions";
const OWN_WRITES: &str = "a command applies what it says";

/// What a replica last had at a key.
#[derive(Clone, Debug)]
struct Held {
    stamp: VersionStamp,
    value: Option<Vec<u8>>,
    /// It is a tombstone that was dropped.
    dropped: bool,
}

/// What one replica holds.
#[derive(Debug, Default)]
struct Holder {
    incarnation: u64,
    alive: bool,
    keys: BTreeMap<Vec<u8>, Held>,
    vector: Vector,
    /// The highest time that was handed in or issued.
    seen: u64,
    /// What the command being executed has applied.
    applied: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    executing: bool,
}

/// Something that was written.
#[derive(Debug)]
struct Written {
    time: u64,
    /// Counts the writes of all replicas.
    serial: u64,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

/// The record.
#[derive(Debug)]
pub(super) struct Versions {
    holders: Vec<Holder>,
    written: BTreeMap<Origin, Vec<Written>>,
    /// By key: the newest version that cannot have been lost.
    floor: BTreeMap<Vec<u8>, VersionStamp>,
    /// By key: the newest tombstone that some replica dropped, and when the first did.
    dropped: BTreeMap<Vec<u8>, (VersionStamp, u64)>,
    /// How many writes were made.
    writes: u64,
}

impl Versions {
    pub(super) fn new(replicas: usize) -> Self {
        Self {
            holders: (0..replicas).map(|_| Holder::default()).collect(),
            written: BTreeMap::new(),
            floor: BTreeMap::new(),
            dropped: BTreeMap::new(),
            writes: 0,
        }
    }

    /// A replica's process starts, empty.
    pub(super) fn started(&mut self, replica: usize, incarnation: u64) {
        self.holders[replica] = Holder {
            incarnation,
            alive: true,
            ..Holder::default()
        };
    }

    /// A replica's process ended: what nobody else holds may be lost.
    pub(super) fn ended(&mut self, replica: usize) {
        self.holders[replica] = Holder::default();
        self.floor.clear();
        for holder in self.holders.iter().filter(|holder| holder.alive) {
            for (key, held) in &holder.keys {
                let floor = self.floor.entry(key.clone()).or_insert(held.stamp);
                *floor = held.stamp.max(*floor);
            }
        }
    }

    /// A frame is handed in.
    pub(super) fn received(&mut self, to: usize, message: &Message) {
        let time = match message {
            Message::Update(time, ..) => *time,
            Message::Entry(stamp, ..) => stamp.time,
            _ => return,
        };
        let holder = &mut self.holders[to];
        holder.seen = holder.seen.max(time);
    }

    /// A replica applied a version.
    pub(super) fn applied(&mut self, by: usize, entry: &Entry) -> Check {
        let (key, value) = key_and_value(entry);
        let stamp = self.stamp_of(by, entry, &key, value.as_deref())?;
        let held = self.holders[by].keys.get(&key);
        let is_later =
            held.is_some_and(|held| held.dropped && self.is_later(&key, stamp, held.stamp));
        let holder = &mut self.holders[by];
        if let Some(held) = holder.keys.get(&key) {
            // A replica that started empty with a clock that is behind, and has heard of nobody yet, may write
            // below a tombstone that is forgotten everywhere: a new value, not an old one brought back.
            // A tombstone that was dropped may come by once more, on its way to somebody else.
            let again = held.stamp == stamp && value.is_none() && held.value.is_none();
            ensure!(
                stamp > held.stamp || again || is_later,
                NEVER_BACK,
                "replica {} takes {} of {}, and had {}{}",
                by + 1,
                stamp.short(),
                key.escape_ascii(),
                held.stamp.short(),
                if held.dropped {
                    " (a tombstone, dropped since)"
                } else {
                    ""
                }
            );
        }
        if holder.executing {
            holder.applied.push((key.clone(), value.clone()));
        }
        holder.keys.insert(
            key,
            Held {
                stamp,
                value,
                dropped: false,
            },
        );
        Ok(())
    }

    /// The whole stamp of a version that was applied; a new one is a write of the replica's own.
    fn stamp_of(
        &mut self,
        by: usize,
        entry: &Entry,
        key: &[u8],
        value: Option<&[u8]>,
    ) -> Result<VersionStamp, super::violation::Violation> {
        let time = entry.stamp.time;
        let replica = entry.stamp.replica;
        let holder = &mut self.holders[by];
        if holder.executing {
            let origin = Origin {
                replica: ReplicaId::from_index(by),
                incarnation: holder.incarnation,
            };
            ensure!(
                replica == origin.replica && time > holder.seen,
                STAMPS_RISE,
                "replica {} writes {}, having seen time {}",
                by + 1,
                entry.stamp,
                holder.seen
            );
            holder.seen = time;
            let stamp = VersionStamp { time, origin };
            self.writes += 1;
            let written = Written {
                time,
                serial: self.writes,
                key: key.to_vec(),
                value: value.map(<[u8]>::to_vec),
            };
            self.written.entry(origin).or_default().push(written);
            let floor = self.floor.entry(key.to_vec()).or_insert(stamp);
            *floor = stamp.max(*floor);
            return Ok(stamp);
        }
        let first = Origin {
            replica,
            incarnation: 0,
        };
        let last = Origin {
            replica,
            incarnation: u64::MAX,
        };
        let found = self.written.range(first..=last).rev().find(|(_, written)| {
            let written = find(written, time);
            written.is_some_and(|written| written.key == key && written.value.as_deref() == value)
        });
        ensure!(
            found.is_some(),
            DATA_AGREES,
            "replica {} takes {}, which nobody wrote: {}",
            by + 1,
            entry.stamp,
            entry.body.describe()
        );
        let origin = found.map_or(first, |(origin, _)| *origin);
        Ok(VersionStamp { time, origin })
    }

    /// Looks at a replica at the end of a turn.
    pub(super) fn inspect(&mut self, index: usize, gossip: &Gossip) -> Check {
        self.inspect_vector(index, gossip.vector())?;
        let versions = gossip.versions();
        let mut live = 0;
        let mut dropped = Vec::new();
        for (key, held) in &mut self.holders[index].keys {
            live += usize::from(held.value.is_some());
            match versions.version(key) {
                Some(version) => ensure!(
                    version.mark.stamp == held.stamp
                        && version.live() == held.value.as_deref()
                        && !held.dropped,
                    DATA_AGREES,
                    "replica {} holds {version:?} at {}, and applied {held:?}",
                    index + 1,
                    key.escape_ascii()
                ),
                None => {
                    ensure!(
                        held.value.is_none(),
                        DATA_AGREES,
                        "replica {} lost {}",
                        index + 1,
                        key.escape_ascii()
                    );
                    if !std::mem::replace(&mut held.dropped, true) {
                        dropped.push((key.clone(), held.stamp));
                    }
                }
            }
        }
        ensure!(
            live == versions.len(),
            DATA_AGREES,
            "replica {} counts {} keys, not {live}",
            index + 1,
            versions.len()
        );
        for (key, stamp) in dropped {
            self.may_drop(index, &key, stamp)?;
            let dropped = self.dropped.entry(key).or_insert((stamp, self.writes));
            if stamp > dropped.0 {
                *dropped = (stamp, self.writes);
            }
        }
        Ok(())
    }

    fn inspect_vector(&mut self, index: usize, vector: &Vector) -> Check {
        let holder = &self.holders[index];
        if holder.vector == *vector {
            return Ok(());
        }
        for (origin, old) in holder.vector.iter() {
            let new = vector.get(origin);
            ensure!(
                new >= old,
                VECTOR_RISES,
                "replica {}: {new} after {old} for {origin:?}",
                index + 1
            );
        }
        for (origin, time) in vector.iter() {
            let Some(written) = self.written.get(&origin) else {
                continue;
            };
            let old = holder.vector.get(origin);
            let start = written.partition_point(|written| written.time <= old);
            for written in written[start..]
                .iter()
                .take_while(|written| written.time <= time)
            {
                let stamp = VersionStamp {
                    time: written.time,
                    origin,
                };
                let holds = holder
                    .keys
                    .get(&written.key)
                    .is_some_and(|held| held.stamp >= stamp);
                // Whoever has started since may have missed what a dropped tombstone had overwritten.
                let forgotten = self
                    .dropped
                    .get(&written.key)
                    .is_some_and(|(dropped, _)| *dropped >= stamp);
                ensure!(
                    holds || forgotten,
                    VECTOR_TRUE,
                    "replica {} covers {} of {} and holds no such version",
                    index + 1,
                    stamp.short(),
                    written.key.escape_ascii()
                );
            }
        }
        self.holders[index].vector = vector.clone();
        Ok(())
    }

    fn may_drop(&self, by: usize, key: &[u8], stamp: VersionStamp) -> Check {
        for (other, holder) in self.holders.iter().enumerate() {
            let Some(held) = holder.keys.get(key) else {
                continue;
            };
            ensure!(
                held.value.is_none() || held.stamp > stamp || self.is_later(key, held.stamp, stamp),
                TOMBSTONES,
                "replica {} drops the tombstone {} of {}, and replica {} holds the value of {}",
                by + 1,
                stamp.short(),
                key.escape_ascii(),
                other + 1,
                held.stamp.short()
            );
        }
        Ok(())
    }

    /// At the end, when replicas have settled: nothing that could not be lost was lost.
    pub(super) fn converged(&self) -> Check {
        for (index, holder) in self.holders.iter().enumerate() {
            for (key, floor) in &self.floor {
                let held = holder.keys.get(key);
                let fine = match held {
                    Some(held) => held.stamp >= *floor || self.is_later(key, held.stamp, *floor),
                    // A tombstone that was dropped everywhere else need not have come by here.
                    None => self.is_tombstone(key, *floor),
                };
                ensure!(
                    fine,
                    CONVERGED,
                    "replica {} holds {:?} at {}, and {} was written",
                    index + 1,
                    held.map(|held| held.stamp.short()),
                    key.escape_ascii(),
                    floor.short()
                );
            }
        }
        Ok(())
    }

    /// Whether a version was written after the newest one of its key had been forgotten as a tombstone.
    fn is_later(&self, key: &[u8], stamp: VersionStamp, newest: VersionStamp) -> bool {
        let serial = self.written_as(stamp).map_or(0, |written| written.serial);
        let dropped = self.dropped.get(key);
        dropped.is_some_and(|(stamp, when)| *stamp >= newest && *when < serial)
    }

    /// What was written with a stamp.
    fn written_as(&self, stamp: VersionStamp) -> Option<&Written> {
        find(self.written.get(&stamp.origin)?, stamp.time)
    }

    fn is_tombstone(&self, key: &[u8], stamp: VersionStamp) -> bool {
        let written = self.written_as(stamp);
        written.is_some_and(|written| written.key == key && written.value.is_none())
    }
}

/// What was written at a time, among the writes of one origin.
fn find(written: &[Written], time: u64) -> Option<&Written> {
    let at = written.binary_search_by_key(&time, |written| written.time);
    Some(&written[at.ok()?])
}

/// What an entry that was applied says.
fn key_and_value(entry: &Entry) -> (Vec<u8>, Option<Vec<u8>>) {
    let words = entry.body.read().commands().next().unwrap_or_default();
    let key = words.get(1).map(|key| key.to_vec()).unwrap_or_default();
    (key, words.get(2).map(|value| value.to_vec()))
}
