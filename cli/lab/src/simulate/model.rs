//! What the data must be: an order replayed by other code than the server's, every past state kept.

use holdback::entry::EntryBody;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::io::Write;

/// One change of a key.
#[derive(Clone, Debug)]
struct Change {
    position: u64,
    value: Option<Vec<u8>>,
}

/// The states after each entry of an order.
#[derive(Debug, Default)]
pub(super) struct Model {
    keys: BTreeMap<Vec<u8>, Vec<Change>>,
    /// By position: how many keys there were.
    counts: Vec<usize>,
    live: usize,
    position: u64,
}

/// A reply in RESP2, being written.
#[derive(Debug, Default)]
pub(super) struct Reply(pub(super) Vec<u8>);

impl Reply {
    /// A list of keys, sorted.
    pub(super) fn keys(&mut self, keys: &[&[u8]]) {
        self.array(keys.len());
        keys.iter().for_each(|key| self.bulk(Some(key)));
    }

    pub(super) fn ok(&mut self) {
        self.0.extend_from_slice(b"+OK\r\n");
    }

    fn text(&mut self, line: &str) {
        self.0.extend_from_slice(line.as_bytes());
        self.0.extend_from_slice(b"\r\n");
    }

    pub(super) fn integer(&mut self, number: impl Display) {
        // Writing to a vector cannot fail.
        let _infallible = write!(self.0, ":{number}\r\n");
    }

    pub(super) fn array(&mut self, length: usize) {
        let _infallible = write!(self.0, "*{length}\r\n");
    }

    fn bulk(&mut self, value: Option<&[u8]>) {
        match value {
            None => self.0.extend_from_slice(b"$-1\r\n"),
            Some(value) => {
                let _infallible = write!(self.0, "${}\r\n", value.len());
                self.0.extend_from_slice(value);
                self.0.extend_from_slice(b"\r\n");
            }
        }
    }
}

/// What an array that a WATCH aborted looks like.
pub(super) const NULL_ARRAY: &[u8] = b"*-1\r\n";

impl Model {
    /// The value of a key after the entry at `position`.
    pub(super) fn get(&self, key: &[u8], position: u64) -> Option<&[u8]> {
        self.change(key, position)?.value.as_deref()
    }

    /// The position of a key's last change up to `position`; 0 if it is absent then.
    pub(super) fn changed(&self, key: &[u8], position: u64) -> u64 {
        match self.change(key, position) {
            Some(Change {
                position,
                value: Some(_),
            }) => *position,
            _ => 0,
        }
    }

    /// How many keys there were after the entry at `position`.
    pub(super) fn count(&self, position: u64) -> usize {
        let at = usize::try_from(position)
            .unwrap_or(usize::MAX)
            .checked_sub(1);
        at.map_or(0, |at| self.counts.get(at).copied().unwrap_or(self.live))
    }

    fn change(&self, key: &[u8], position: u64) -> Option<&Change> {
        let changes = self.keys.get(key)?;
        let end = changes.partition_point(|change| change.position <= position);
        changes[..end].last()
    }

    /// Applies the next entry of the order; the reply that its client must get.
    pub(super) fn apply(&mut self, body: &EntryBody) -> Vec<u8> {
        self.position += 1;
        let before = self.position - 1;
        let mut reader = body.read();
        let is_transaction = reader.is_transaction() || body.read().commands().next().is_none();
        let mut unchanged = true;
        while let Some((key, changed)) = reader.next_watch() {
            unchanged &= self.changed(key, before) == changed;
        }
        let mut reply = Reply::default();
        if unchanged {
            if is_transaction {
                reply.array(reader.clone().commands().count());
            }
            for words in reader.commands() {
                self.execute(&words, &mut reply);
            }
        } else {
            reply.0.extend_from_slice(NULL_ARRAY);
        }
        self.counts.push(self.live);
        reply.0
    }

    fn set(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        let position = self.position;
        let was = self.get(key, position).is_some();
        self.live = self.live + usize::from(value.is_some()) - usize::from(was);
        let changes = self.keys.entry(key.to_vec()).or_default();
        match changes.last_mut().filter(|last| last.position == position) {
            Some(last) => last.value = value,
            None => changes.push(Change { position, value }),
        }
    }

    /// Executes a command as part of the entry at the present position.
    fn execute(&mut self, words: &[&[u8]], reply: &mut Reply) {
        let now = self.position;
        let key = words.get(1).copied().unwrap_or_default();
        let old = self.get(key, now).map(<[u8]>::to_vec);
        match words[0] {
            b"SET" => self.execute_set(words, old.as_deref(), reply),
            b"SETNX" => {
                reply.integer(u8::from(old.is_none()));
                if old.is_none() {
                    self.set(key, Some(words[2].to_vec()));
                }
            }
            b"GETSET" => {
                reply.bulk(old.as_deref());
                self.set(key, Some(words[2].to_vec()));
            }
            b"GETDEL" => {
                reply.bulk(old.as_deref());
                if old.is_some() {
                    self.set(key, None);
                }
            }
            b"CAS" => {
                let swap = old.as_deref() == Some(words[2]);
                reply.integer(u8::from(swap));
                if swap {
                    self.set(key, Some(words[3].to_vec()));
                }
            }
            b"MSET" => {
                for pair in words[1..].chunks_exact(2) {
                    self.set(pair[0], Some(pair[1].to_vec()));
                }
                reply.ok();
            }
            b"DEL" => {
                let mut count = 0;
                for key in &words[1..] {
                    if self.get(key, now).is_some() {
                        self.set(key, None);
                        count += 1;
                    }
                }
                reply.integer(count);
            }
            b"INCR" => self.execute_add(key, old, 1, reply),
            b"INCRBY" => {
                let amount = number(words[2]).unwrap_or(0);
                self.execute_add(key, old, amount, reply);
            }
            b"APPEND" => {
                let mut value = old.unwrap_or_default();
                value.extend_from_slice(words[2]);
                reply.integer(value.len());
                self.set(key, Some(value));
            }
            b"FLUSHALL" => {
                let keys: Vec<Vec<u8>> = self.keys.keys().cloned().collect();
                for key in keys {
                    if self.get(&key, now).is_some() {
                        self.set(&key, None);
                    }
                }
                reply.ok();
            }
            b"WATCH" => reply.ok(),
            _ => self.read(words, now, reply),
        }
    }

    fn execute_set(&mut self, words: &[&[u8]], old: Option<&[u8]>, reply: &mut Reply) {
        let option = |name: &[u8]| words[3..].contains(&name);
        let forbidden = option(b"NX") && old.is_some() || option(b"XX") && old.is_none();
        match (option(b"GET"), forbidden) {
            (true, _) => reply.bulk(old),
            (false, true) => reply.bulk(None),
            (false, false) => reply.ok(),
        }
        if !forbidden {
            self.set(words[1], Some(words[2].to_vec()));
        }
    }

    fn execute_add(&mut self, key: &[u8], old: Option<Vec<u8>>, amount: i64, reply: &mut Reply) {
        let Some(number) = old.map_or(Some(0), |old| number(&old)) else {
            return reply.text("-ERR value is not an integer or out of range");
        };
        reply.integer(number + amount);
        self.set(key, Some((number + amount).to_string().into_bytes()));
    }

    /// Writes the reply of a reading command evaluated after the entry at `position`.
    pub(super) fn read(&self, words: &[&[u8]], position: u64, reply: &mut Reply) {
        let get = |key: &[u8]| self.get(key, position);
        match words[0] {
            b"DBSIZE" => reply.integer(self.count(position)),
            b"KEYS" => {
                let keys = self.keys.keys().filter(|key| get(key).is_some());
                reply.keys(&keys.map(Vec::as_slice).collect::<Vec<_>>());
            }
            _ => read_keys(words, get, reply),
        }
    }
}

/// The number that a word is.
pub(super) fn number(word: &[u8]) -> Option<i64> {
    std::str::from_utf8(word).ok()?.parse().ok()
}

/// Writes the reply of a command that reads the keys it names.
pub(super) fn read_keys<'a>(
    words: &[&[u8]],
    get: impl Fn(&[u8]) -> Option<&'a [u8]>,
    reply: &mut Reply,
) {
    match words[0] {
        b"GET" => reply.bulk(get(words[1])),
        b"STRLEN" => reply.integer(get(words[1]).map_or(0, <[u8]>::len)),
        b"EXISTS" => reply.integer(words[1..].iter().filter(|key| get(key).is_some()).count()),
        b"MGET" => {
            reply.array(words.len() - 1);
            words[1..].iter().for_each(|key| reply.bulk(get(key)));
        }
        b"ECHO" => reply.bulk(Some(words[1])),
        b"PING" => reply.text("+PONG"),
        name => reply.text(&format!(
            "-ERR the model does not know {}",
            name.escape_ascii()
        )),
    }
}
