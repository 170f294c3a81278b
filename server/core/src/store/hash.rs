//! The hash of a table's keys, and the secret that it depends on.
//!
//! Clients choose the keys. Whoever knows the hash can name thousands that collide, each of which makes the next lookup
//! longer. So the hash depends on a secret of 128 bits. Half of it seeds each hash and half all constants that foldhash
//! multiplies by: with its public ones, a key whose second half equals such a constant makes a product 0, whatever the
//! seed and the rest of the key are. To build such a key, or any other family, one has to know the constants.

use foldhash::SharedSeed;
use foldhash::fast::FoldHasher;
use std::fmt;
use std::hash::{Hash, Hasher};

/// What the hash of keys depends on. A server draws it from the system's randomness at each start, apart from
/// everything else that is drawn, and never shows it; nothing observable depends on it.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct HashSecret([u64; 2]);

impl HashSecret {
    /// A secret, if these are random.
    #[must_use]
    pub const fn new(random: [u64; 2]) -> Self {
        Self(random)
    }

    /// No secret at all: for tests, simulations and counting instructions, which have to be repeatable.
    #[must_use]
    pub const fn known(number: u64) -> Self {
        Self([number, number])
    }
}

impl fmt::Debug for HashSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HashSecret(..)")
    }
}

/// Hashes keys with a secret.
#[derive(Clone)]
pub(super) struct KeyHasher {
    seed: u64,
    constants: SharedSeed,
}

impl KeyHasher {
    pub(super) fn new(HashSecret([seed, constants]): HashSecret) -> Self {
        Self {
            seed,
            constants: SharedSeed::from_u64(constants),
        }
    }

    #[inline]
    pub(super) fn hash(&self, key: &[u8]) -> u64 {
        let mut hasher = FoldHasher::with_seed(self.seed, &self.constants);
        // With its length, which adds a last multiplication by a secret constant: without it, keys that agree in part
        // of the hash would be easier to find.
        key.hash(&mut hasher);
        hasher.finish()
    }
}

impl fmt::Debug for KeyHasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyHasher(..)")
    }
}
