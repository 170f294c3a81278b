//! The digests of the data after each of the last entries, for comparing with peers that are not as far, or were not.

use crate::ids::Digest;

/// How many are kept: more than are delivered in the time that a heartbeat takes.
const KEPT: usize = 1 << 16;

/// Digests by position.
#[derive(Debug)]
pub(super) struct States {
    /// That of a position is at the position's remainder.
    digests: Box<[u64]>,
    position: u64,
}

impl Default for States {
    /// Those of an empty store.
    fn default() -> Self {
        Self {
            digests: vec![0; KEPT].into(),
            position: 0,
        }
    }
}

impl States {
    /// The next entry was applied.
    #[inline]
    pub(super) fn note(&mut self, position: u64, digest: u64) {
        self.position = position;
        self.digests[place(position)] = digest;
    }

    /// The digest after the entry at a position, if it was applied and not long ago.
    pub(super) fn at(&self, position: u64) -> Option<Digest> {
        let kept = position <= self.position && self.position - position < KEPT as u64;
        kept.then(|| Digest(self.digests[place(position)].into()))
    }
}

#[inline]
fn place(position: u64) -> usize {
    (position % KEPT as u64) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_ones_are_kept() {
        let mut states = States::default();
        assert_eq!(states.at(0), Some(Digest(0)));
        for position in 1..=KEPT as u64 + 5 {
            states.note(position, 10 * position);
        }
        let last = KEPT as u64 + 5;
        assert_eq!(states.at(last), Some(Digest(u128::from(10 * last))));
        assert_eq!(states.at(6), Some(Digest(60)));
        assert_eq!((states.at(5), states.at(last + 1)), (None, None));
    }
}
