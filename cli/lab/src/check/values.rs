//! Values as numbers: equal numbers, equal bytes.
//!
//! A search compares and copies values all the time, so each distinct one is kept once and stands for itself
//! as a small number. What APPEND makes is kept as its two halves, not as bytes: a key that only ever grows
//! would otherwise cost the square of its length.

use holdback::wire::arguments::parse_integer;
use std::collections::HashMap;

/// A value, or none: the number of an interned value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct Value(pub(super) u32);

/// What an absent key holds.
pub(super) const ABSENT: Value = Value(0);

/// The modulus of the fingerprints: the Mersenne prime 2^61 - 1.
const MODULUS: u64 = (1 << 61) - 1;
/// The base of the fingerprints, which are polynomials in it.
const BASE: u64 = 0x0123_4567_89ab_cdef % MODULUS;

fn times(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let folded = (product & u128::from(MODULUS)) + (product >> 61);
    let folded = u64::try_from(folded).unwrap_or(0);
    if folded >= MODULUS {
        folded - MODULUS
    } else {
        folded
    }
}

fn power(mut exponent: u64) -> u64 {
    let (mut base, mut result) = (BASE, 1);
    while exponent > 0 {
        if exponent & 1 == 1 {
            result = times(result, base);
        }
        base = times(base, base);
        exponent >>= 1;
    }
    result
}

fn fingerprint(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |hash, &byte| {
        (times(hash, BASE) + u64::from(byte) + 1) % MODULUS
    })
}

#[derive(Clone, Debug)]
enum Content {
    Absent,
    /// A range of the arena.
    Bytes(usize, usize),
    /// One after the other.
    Joined(Value, Value),
}

#[derive(Clone, Debug)]
struct Interned {
    content: Content,
    fingerprint: u64,
    length: usize,
}

/// All values of a problem, and those that a search makes.
#[derive(Clone, Debug)]
pub(super) struct Values {
    interned: Vec<Interned>,
    arena: Vec<u8>,
    /// By fingerprint and length, with a number for values that share both.
    known: HashMap<(u64, usize, u32), Value>,
    joined: HashMap<(Value, Value), Value>,
    numbers: HashMap<Value, Option<i64>>,
}

impl Default for Values {
    fn default() -> Self {
        Self {
            interned: vec![Interned {
                content: Content::Absent,
                fingerprint: 0,
                length: 0,
            }],
            arena: Vec::new(),
            known: HashMap::new(),
            joined: HashMap::new(),
            numbers: HashMap::new(),
        }
    }
}

impl Values {
    /// The number of a value given as bytes.
    pub(super) fn intern(&mut self, bytes: &[u8]) -> Value {
        let (hash, length) = (fingerprint(bytes), bytes.len());
        let found = self.look_up(hash, length, |known| self.is(known, bytes));
        found.unwrap_or_else(|number| {
            let start = self.arena.len();
            self.arena.extend_from_slice(bytes);
            let content = Content::Bytes(start, self.arena.len());
            self.add(content, hash, length, number)
        })
    }

    /// The number of a value, if it is known.
    pub(super) fn find(&self, bytes: &[u8]) -> Option<Value> {
        let is = |known| self.is(known, bytes);
        self.look_up(fingerprint(bytes), bytes.len(), is).ok()
    }

    /// A known value, if it `is` the one; else the number that tells a new one from those with its fingerprint and
    /// length.
    fn look_up(&self, hash: u64, length: usize, is: impl Fn(Value) -> bool) -> Result<Value, u32> {
        let mut number = 0;
        while let Some(&known) = self.known.get(&(hash, length, number)) {
            if is(known) {
                return Ok(known);
            }
            number += 1;
        }
        Err(number)
    }

    /// One value behind another. An absent one is empty.
    pub(super) fn join(&mut self, front: Value, back: Value) -> Value {
        if let Some(&joined) = self.joined.get(&(front, back)) {
            return joined;
        }
        let [a, b] = [front, back].map(|value| &self.interned[value.0 as usize]);
        let length = a.length + b.length;
        let hash = (times(a.fingerprint, power(b.length as u64)) + b.fingerprint) % MODULUS;
        let found = self.look_up(hash, length, |known| {
            let bytes = [self.bytes(front), self.bytes(back)].concat();
            self.is(known, &bytes)
        });
        let content = Content::Joined(front, back);
        let joined = found.unwrap_or_else(|number| self.add(content, hash, length, number));
        self.joined.insert((front, back), joined);
        joined
    }

    fn add(&mut self, content: Content, fingerprint: u64, length: usize, number: u32) -> Value {
        let value = Value(u32::try_from(self.interned.len()).unwrap_or(u32::MAX));
        self.interned.push(Interned {
            content,
            fingerprint,
            length,
        });
        self.known.insert((fingerprint, length, number), value);
        value
    }

    /// How long a value is; an absent one has no length.
    pub(super) fn length(&self, value: Value) -> usize {
        self.interned[value.0 as usize].length
    }

    /// The number that a value says, as the server reads it; absent is 0.
    pub(super) fn number(&mut self, value: Value) -> Option<i64> {
        if value == ABSENT {
            return Some(0);
        }
        if self.length(value) > 20 {
            return None;
        }
        if let Some(&number) = self.numbers.get(&value) {
            return number;
        }
        let number = parse_integer(&self.bytes(value));
        self.numbers.insert(value, number);
        number
    }

    /// The value that says a number.
    pub(super) fn of_number(&mut self, number: i64) -> Value {
        let value = self.intern(number.to_string().as_bytes());
        self.numbers.insert(value, Some(number));
        value
    }

    /// A value's bytes; of an absent one none.
    pub(super) fn bytes(&self, value: Value) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(self.length(value));
        let mut rest = vec![value];
        while let Some(value) = rest.pop() {
            match self.interned[value.0 as usize].content {
                Content::Absent => {}
                Content::Bytes(start, end) => bytes.extend_from_slice(&self.arena[start..end]),
                Content::Joined(front, back) => rest.extend([back, front]),
            }
        }
        bytes
    }

    fn is(&self, value: Value, bytes: &[u8]) -> bool {
        match self.interned[value.0 as usize].content {
            Content::Absent => false,
            Content::Bytes(start, end) => self.arena[start..end] == *bytes,
            Content::Joined(..) => self.bytes(value) == bytes,
        }
    }

    /// Whether a value begins with another; an absent one is empty.
    pub(super) fn begins_with(&self, value: Value, front: Value) -> bool {
        value == front
            || self.length(front) == 0
            || (self.length(front) <= self.length(value)
                && self.bytes(value).starts_with(&self.bytes(front)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_bytes_are_equal_values_however_they_came_about() {
        let mut values = Values::default();
        let [a, bc, ab, c] = ["a", "bc", "ab", "c"].map(|text| values.intern(text.as_bytes()));
        let joined = values.join(a, bc);
        assert_eq!(values.join(ab, c), joined);
        assert_eq!(values.intern(b"abc"), joined);
        assert_eq!(values.find(b"abc"), Some(joined));
        assert_eq!(values.find(b"abd"), None);
        assert_eq!(values.join(ABSENT, a), a);
        assert_eq!(values.bytes(joined), b"abc");
        assert_eq!(values.length(joined), 3);
        assert!(values.begins_with(joined, ab) && !values.begins_with(ab, joined));
        let empty = values.intern(b"");
        assert_ne!(empty, ABSENT);
        assert_eq!(values.join(ABSENT, empty), empty);
        assert_eq!(values.join(a, empty), a);
    }

    #[test]
    fn numbers_are_read_as_the_server_reads_them() {
        let mut values = Values::default();
        for (text, number) in [
            ("7", Some(7)),
            ("-7", Some(-7)),
            ("07", None),
            ("+7", None),
            ("", None),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
        ] {
            let value = values.intern(text.as_bytes());
            assert_eq!(values.number(value), number, "{text}");
        }
        assert_eq!(values.number(ABSENT), Some(0));
        let seven = values.of_number(7);
        assert_eq!(seven, values.intern(b"7"));
    }
}
