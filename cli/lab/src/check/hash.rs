//! Hashing of small numbers: quick, and the same in every run.

use holdback::random;
use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasherDefault, Hasher};

/// The bits of a number, mixed.
pub(super) fn mix(number: u64) -> u64 {
    random::mix(number.wrapping_add(random::STEP))
}

/// 128 bits for a pair of numbers.
pub(super) fn wide(a: u64, b: u64) -> u128 {
    let low = mix(mix(a) ^ b.rotate_left(32));
    let high = mix(mix(b ^ 0x5bd1_e995) ^ a.rotate_left(17));
    (u128::from(high) << 64) | u128::from(low)
}

/// A hasher for keys that are a few numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Mixer(u64);

impl Hasher for Mixer {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.write_u64(byte.into()));
    }

    fn write_u32(&mut self, number: u32) {
        self.write_u64(number.into());
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = mix(self.0 ^ number);
    }

    fn write_u128(&mut self, number: u128) {
        // The numbers hashed here are mixed already.
        let low = number as u64;
        self.0 ^= low;
    }

    fn write_usize(&mut self, number: usize) {
        self.write_u64(number as u64);
    }
}

pub(super) type QuickMap<K, V> = HashMap<K, V, BuildHasherDefault<Mixer>>;
pub(super) type QuickSet<K> = HashSet<K, BuildHasherDefault<Mixer>>;
