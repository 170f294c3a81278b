//! What a peer can have written, and what is refused because nobody can.
//!
//! The clock is the wall clock, or one more than the largest time seen. One version with a time near the end of the
//! numbers would drive the clock of whoever takes it there, and a vector that promises such times would make others
//! keep back what they owe. So a frame is refused whose times lie more than [`AHEAD_MAX`] ahead of the *wall clock*,
//! the only time that no peer can move.
//!
//! Each start of a replica adds an origin to every vector for ever. A liar could invent as many as it likes, so there are
//! [`ORIGINS_MAX`] at the most; a frame that would add another is refused.
//!
//! *Replicas that keep the rules do not refuse each other.* Their times are the wall clock of one of them plus, at the
//! most, the number of writes; so their wall clocks would have to differ by more than a century, while a machine without
//! a battery that starts in 1970 is only half of one behind. If a liar drives a clock to the very limit, a replica whose
//! wall clock is behind that one's refuses what comes from there, but not for long: the limit moves on with the wall
//! clock, a million a second, and the driven clock by one with each write.

use crate::ids::{Origin, Vector, VersionStamp};

/// How far ahead of the wall clock a time may be, in microseconds: 142 years.
const AHEAD_MAX: u64 = 1 << 52;

/// How many origins there can be: starts of all replicas together.
pub(super) const ORIGINS_MAX: usize = 10_000;

/// What is possible at one time, as one replica knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bounds<'a> {
    pub(super) me: Origin,
    /// What this replica vouches for, its own writes among it.
    pub(super) vector: &'a Vector,
    /// The highest times applied, which the vector need not cover.
    pub(super) applied: &'a Vector,
    /// How many replicas there are.
    pub(super) replicas: usize,
    /// The wall clock, in microseconds.
    pub(super) wall: u64,
}

impl Bounds<'_> {
    /// Whether an origin can have written something at a time.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check(&self, stamp: VersionStamp) -> Result<(), String> {
        let VersionStamp { time, origin } = stamp;
        if origin.replica.index() >= self.replicas {
            let count = self.replicas;
            return Err(format!(
                "replica {} of a cluster of {count}",
                origin.replica
            ));
        }
        let is_new = self.vector.get(origin) == 0 && self.applied.get(origin) == 0;
        if is_new && self.vector.len().max(self.applied.len()) >= ORIGINS_MAX {
            return Err(format!(
                "replicas have started more than {ORIGINS_MAX} times"
            ));
        }
        if time > self.wall.saturating_add(AHEAD_MAX) {
            let wall = self.wall;
            return Err(format!("time {time} is absurd, the time here is {wall}"));
        }
        if origin == self.me && !self.vector.covers(stamp) {
            return Err(format!("time {time} was never issued here"));
        }
        Ok(())
    }

    /// Whether every origin of a vector can have written up to its time.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check_vector(&self, vector: &Vector) -> Result<(), String> {
        if vector.len() > ORIGINS_MAX {
            return Err(format!(
                "replicas have started more than {ORIGINS_MAX} times"
            ));
        }
        let mut stamps = vector
            .iter()
            .map(|(origin, time)| VersionStamp { time, origin });
        stamps.try_for_each(|stamp| self.check(stamp))
    }
}
