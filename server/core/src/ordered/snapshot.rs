//! A snapshot of the ordered models' state at one position, taken in pieces while entries go on being applied.
//!
//! A [`Snapshot`] walks the store from end to end, a bounded piece at each call. A key that changed after it had begun
//! is left out of the walk, which the position of its last change says: its new state was written at the end of the
//! call's turn in which it changed, or will be. So a piece never holds a state that an earlier one has overtaken, and
//! once the walk is through and the last changes are written, the pieces together say what the store holds at that very
//! position. They end with the position, the digest and the clock, which are taken at the same moment.
//!
//! The pieces are frames: the name of a section, its version, and records. A reader that meets a section or a version
//! that it does not know refuses the whole. [`Loaded`] reads them back.
//!
//! | section | version | records |
//! |---|---|---|
//! | `keys` | 1 | `set KEY VALUE POSITION`, `gone KEY`, `emptied POSITION`: the later one counts |
//! | `end` | 1 | `POSITION DIGEST CLOCK` |

use crate::command::{Run, lookup};
use crate::entry::Entry;
use crate::ids::Digest;
use crate::order::Order;
use crate::store::{HashSecret, Record, Store};
use crate::wire::arguments::{parse_unsigned, push_bulk, push_bulk_decimal, push_decimal};
use std::collections::BTreeSet;
use std::fmt;

/// The data: its name and version.
const KEYS: (&str, u64) = ("keys", 1);
/// What belongs to the position at which the snapshot ends.
const END: (&str, u64) = ("end", 1);

/// Where a snapshot ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct State {
    /// The position of the last entry in it.
    pub position: u64,
    /// The digest of the order up to it.
    pub digest: Digest,
    /// The logical clock's time.
    pub clock: u64,
}

/// A snapshot that is being taken. See the module's documentation.
#[derive(Clone, Debug)]
pub struct Snapshot {
    /// The position at which it began.
    began: u64,
    walk: Walk,
    /// The position at which everything was removed for the last time, as far as the pieces say.
    emptied: u64,
    /// The keys that changed since the last piece.
    changed: BTreeSet<Vec<u8>>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Walk {
    /// The cursor for the next call.
    At(Option<usize>),
    Through,
}

impl Snapshot {
    /// Begins one of a store that holds the order up to a position.
    #[must_use]
    pub fn begin(store: &Store, position: u64) -> Self {
        Self {
            began: position,
            walk: Walk::At(None),
            emptied: store.emptied(),
            changed: BTreeSet::new(),
        }
    }

    /// An entry was applied, or refused as its transaction was. To be called for each.
    pub fn applied(&mut self, entry: &Entry) {
        for words in entry.body.read().commands() {
            if let Some(spec) = lookup(words[0])
                && matches!(spec.run, Run::Write(_))
            {
                let keys = spec.keys_of(&words).map(<[u8]>::to_vec);
                self.changed.extend(keys);
            }
        }
    }

    /// Writes the next piece behind what is in `out`: all that changed since the last one, then of the walk at least one
    /// record and as many as it takes to fill `room` bytes, so that it comes to its end however much is written. Whether the snapshot is complete, and ends here.
    pub fn piece(
        &mut self,
        store: &Store,
        order: &Order,
        clock: u64,
        room: usize,
        out: &mut Vec<u8>,
    ) -> bool {
        let mut piece = Piece::new(KEYS);
        if self.emptied != store.emptied() {
            self.emptied = store.emptied();
            piece.words([b"emptied"]);
            piece.number(self.emptied);
        }
        for key in std::mem::take(&mut self.changed) {
            match store.record(&key) {
                Some(record) => piece.set(&record),
                None => piece.words([b"gone", key.as_slice()]),
            }
        }
        let start = piece.bytes.len();
        while let Walk::At(cursor) = self.walk {
            let (records, next) = store.walk(cursor, 1);
            records
                .filter(|record| record.mark <= self.began)
                .for_each(|record| piece.set(&record));
            self.walk = next.map_or(Walk::Through, |next| Walk::At(Some(next)));
            if piece.bytes.len() - start >= room {
                break;
            }
        }
        piece.finish(out);
        let is_complete = self.walk == Walk::Through;
        if is_complete {
            let mut end = Piece::new(END);
            end.number(order.position());
            end.words([order.digest().to_string().as_bytes()]);
            end.number(clock);
            end.finish(out);
        }
        is_complete
    }
}

/// A frame that is being written.
struct Piece {
    bytes: Vec<u8>,
    words: u64,
}

impl Piece {
    fn new((section, version): (&str, u64)) -> Self {
        let mut piece = Self {
            bytes: Vec::new(),
            words: 0,
        };
        piece.words([section.as_bytes()]);
        piece.number(version);
        piece
    }

    fn words<const N: usize>(&mut self, words: [&[u8]; N]) {
        words
            .iter()
            .for_each(|word| push_bulk(&mut self.bytes, word));
        self.words += N as u64;
    }

    fn number(&mut self, number: u64) {
        push_bulk_decimal(&mut self.bytes, number);
        self.words += 1;
    }

    fn set(&mut self, record: &Record<'_, u64>) {
        self.words([b"set", record.key, record.value]);
        self.number(record.mark);
    }

    fn finish(self, out: &mut Vec<u8>) {
        out.push(b'*');
        push_decimal(out, self.words);
        out.extend_from_slice(b"\r\n");
        out.extend(self.bytes);
    }
}

/// Why a snapshot cannot be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SnapshotError {
    /// A section that this program does not know, or not in this version: name and version.
    UnknownSection(String, String),
    /// What stands in a section is no record of it: the section's name, and the number of the word, from 0.
    Malformed(&'static str, usize),
    /// Something follows the end.
    BehindTheEnd,
}

impl fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownSection(name, version) => {
                write!(
                    f,
                    "unknown section '{name}' of version '{version}' in a snapshot"
                )
            }
            Self::Malformed(name, word) => {
                write!(
                    f,
                    "no record in section '{name}' of a snapshot, at word {word}"
                )
            }
            Self::BehindTheEnd => f.write_str("a snapshot goes on behind its end"),
        }
    }
}

impl std::error::Error for SnapshotError {}

/// What was read of a snapshot so far.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// The data.
    pub store: Store,
    /// Where the snapshot ended, once it has.
    pub end: Option<State>,
}

impl Loaded {
    /// Nothing yet; see [`Store::new`] for the secret.
    #[must_use]
    pub fn new(secret: HashSecret) -> Self {
        Self {
            store: Store::new(secret),
            end: None,
        }
    }

    /// Takes the next frame.
    ///
    /// # Errors
    /// A [`SnapshotError`]; what was read before is of no use then.
    pub fn take(&mut self, words: &[&[u8]]) -> Result<(), SnapshotError> {
        if self.end.is_some() {
            return Err(SnapshotError::BehindTheEnd);
        }
        let (head, records) = words.split_at(words.len().min(2));
        let is = |(name, version): (&str, u64)| {
            head.first() == Some(&name.as_bytes())
                && head.get(1).and_then(|word| parse_unsigned(word)) == Some(version)
        };
        if is(KEYS) {
            return self.take_keys(records);
        }
        if is(END) {
            let end = end(records).ok_or(SnapshotError::Malformed(END.0, 0))?;
            self.end = Some(end);
            return Ok(());
        }
        let text = |at| {
            head.get(at)
                .map(|word: &&[u8]| String::from_utf8_lossy(word))
        };
        let text = |at| text(at).unwrap_or_default().into_owned();
        Err(SnapshotError::UnknownSection(text(0), text(1)))
    }

    fn take_keys(&mut self, mut records: &[&[u8]]) -> Result<(), SnapshotError> {
        let words = records.len();
        while !records.is_empty() {
            let at = SnapshotError::Malformed(KEYS.0, words - records.len());
            records = match records {
                [b"set", key, value, position, rest @ ..] => {
                    let position = parse_unsigned(position).ok_or(at)?;
                    self.store.set(key, value, position);
                    rest
                }
                [b"gone", key, rest @ ..] => {
                    self.store.remove(key);
                    rest
                }
                [b"emptied", position, rest @ ..] => {
                    self.store.clear(parse_unsigned(position).ok_or(at)?);
                    rest
                }
                _ => return Err(at),
            };
        }
        Ok(())
    }
}

fn end(words: &[&[u8]]) -> Option<State> {
    let [position, digest, clock] = words else {
        return None;
    };
    Some(State {
        position: parse_unsigned(position)?,
        digest: std::str::from_utf8(digest).ok()?.parse().ok()?,
        clock: parse_unsigned(clock)?,
    })
}

#[cfg(test)]
mod tests {
    use super::super::execute::execute;
    use super::*;
    use crate::engine::Wanted;
    use crate::entry::EntryBody;
    use crate::ids::{ReplicaId, Stamp};
    use crate::store::{Context, Limits};
    use crate::turn::Now;
    use crate::wire::arguments::OwnedArguments;
    use crate::wire::frame::{Decoder, FrameLimits};
    use crate::wire::reply::ReplyWriter;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[derive(Clone, Debug)]
    enum Step {
        /// A transaction of these lines, which depends on a key's never having changed if it is to fail now and then.
        Entry(Vec<String>, Option<u8>),
        /// A piece of so many bytes.
        Piece(usize),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let key = || 0..12u8;
        let line = prop_oneof![
            8 => (key(), 0..60usize).prop_map(|(key, long)| format!("SET {key} {}", "v".repeat(long + 1))),
            4 => key().prop_map(|key| format!("APPEND {key} more")),
            4 => (key(), key()).prop_map(|(key, other)| format!("DEL {key} {other}")),
            2 => (key(), key()).prop_map(|(key, other)| format!("RENAME {key} {other}")),
            2 => (key(), key()).prop_map(|(key, other)| format!("MSET {key} a {other} b")),
            1 => key().prop_map(|key| format!("INCR {key}")),
            1 => Just("FLUSHALL".to_owned()),
            1 => key().prop_map(|key| format!("GET {key}")),
        ];
        let lines = proptest::collection::vec(line, 1..4);
        let step = prop_oneof![
            3 => (lines, proptest::option::weighted(0.2, key())).prop_map(|(lines, watched)| Step::Entry(lines, watched)),
            2 => (0..200usize).prop_map(Step::Piece),
        ];
        proptest::collection::vec(step, 0..120)
    }

    /// What a snapshot is taken of.
    struct Source {
        store: Store,
        order: Order,
        limits: Limits,
    }

    impl Source {
        fn apply(&mut self, lines: &[String], watched: Option<u8>) -> Entry {
            let commands: Vec<OwnedArguments> = lines
                .iter()
                .map(|line| {
                    OwnedArguments::new(&line.split(' ').map(str::as_bytes).collect::<Vec<_>>())
                })
                .collect();
            let watches: BTreeMap<Vec<u8>, u64> = watched
                .iter()
                .map(|key| (key.to_string().into_bytes(), 0))
                .collect();
            let stamp = Stamp::new(self.order.position() + 1, ReplicaId(1));
            let body = EntryBody::transaction(&watches, &commands);
            let entry = Entry { stamp, body };
            let how = Context {
                position: self.order.append(&entry),
                limits: &self.limits,
                reply_bytes: usize::MAX,
                random: 0,
                now: Now::default(),
            };
            execute(
                &mut self.store,
                &entry,
                Wanted::Nothing,
                &how,
                &mut ReplyWriter::discard(),
            );
            entry
        }
    }

    fn content(store: &Store) -> BTreeMap<Vec<u8>, (Vec<u8>, u64)> {
        let (records, _) = store.walk(None, usize::MAX);
        records
            .map(|record| (record.key.to_vec(), (record.value.to_vec(), record.mark)))
            .collect()
    }

    /// Reads the frames of a snapshot.
    fn load(mut bytes: &[u8]) -> Result<Loaded, SnapshotError> {
        let mut loaded = Loaded::new(HashSecret::known(2));
        let mut decoder = Decoder::new(FrameLimits::peer(1 << 20));
        while let Some(length) = decoder.decode(bytes).expect("frames") {
            loaded.take(&decoder.arguments(bytes))?;
            bytes = &bytes[length..];
        }
        Ok(loaded)
    }

    proptest! {
        #[test]
        fn a_snapshot_is_the_store_at_its_end_whatever_is_written_meanwhile(before in steps(), during in steps()) {
            let mut source = Source {
                store: Store::new(HashSecret::known(1)),
                order: Order::new(1000, 1 << 20),
                limits: Limits::default(),
            };
            for step in &before {
                if let Step::Entry(lines, watched) = step {
                    source.apply(lines, *watched);
                }
            }
            let mut snapshot = Snapshot::begin(&source.store, source.order.position());
            let mut bytes = Vec::new();
            let last = std::iter::repeat(&Step::Piece(1));
            let mut turn_changes = 0;
            for step in during.iter().chain(last) {
                match step {
                    Step::Entry(lines, watched) => {
                        snapshot.applied(&source.apply(lines, *watched));
                        turn_changes += lines.len();
                    }
                    Step::Piece(room) => {
                        let start = bytes.len();
                        let clock = source.order.position() + 7;
                        let is_complete = snapshot.piece(&source.store, &source.order, clock, *room, &mut bytes);
                        let longest = content(&source.store).values().map(|(value, _)| value.len()).max();
                        let record = longest.unwrap_or(0) + 100;
                        // The changes, the walk's room and one record beyond it, the heads and the end.
                        let bound = 2 * turn_changes * record + room + record + 200;
                        prop_assert!(bytes.len() - start <= bound, "{} bytes in a piece", bytes.len() - start);
                        turn_changes = 0;
                        if is_complete {
                            let loaded = load(&bytes).expect("a snapshot");
                            let end = State { position: source.order.position(), digest: source.order.digest(), clock };
                            prop_assert_eq!(loaded.end, Some(end));
                            prop_assert_eq!(content(&loaded.store), content(&source.store));
                            prop_assert_eq!(loaded.store.memory(), source.store.memory());
                            return Ok(());
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_no_snapshot_is_refused_with_what_is_wrong_and_where() {
        let end: &[&[u8]] = &[b"end", b"1", b"1", b"00", b"1"];
        let cases: [(&[&[&[u8]]], &str); 6] = [
            (
                &[&[b"held", b"1"]],
                "unknown section 'held' of version '1' in a snapshot",
            ),
            (
                &[&[b"keys", b"2"]],
                "unknown section 'keys' of version '2' in a snapshot",
            ),
            (&[&[]], "unknown section '' of version '' in a snapshot"),
            (
                &[&[b"keys", b"1", b"gone", b"k", b"set", b"k", b"v", b"-1"]],
                "no record in section 'keys' of a snapshot, at word 2",
            ),
            (
                &[&[b"end", b"1", b"1", b"digest", b"1"]],
                "no record in section 'end' of a snapshot, at word 0",
            ),
            (
                &[end, &[b"keys", b"1"]],
                "a snapshot goes on behind its end",
            ),
        ];
        for (frames, message) in cases {
            let mut loaded = Loaded::new(HashSecret::known(1));
            let taken = frames.iter().try_for_each(|words| loaded.take(words));
            assert_eq!(
                taken.map_err(|error| error.to_string()),
                Err(message.to_owned())
            );
        }
    }
}
