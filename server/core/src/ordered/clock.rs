//! The Lamport clock.

/// A counter that is larger than every time it has seen (Lamport 1978).
#[derive(Clone, Debug, Default)]
pub struct LamportClock {
    time: u64,
}

impl LamportClock {
    /// The last time issued or seen; 0 at the start.
    #[must_use]
    pub fn time(&self) -> u64 {
        self.time
    }

    /// Issues a time larger than all before.
    pub fn tick(&mut self) -> u64 {
        self.time += 1;
        self.time
    }

    /// Takes note of a time issued elsewhere.
    pub fn merge(&mut self, time: u64) {
        self.time = self.time.max(time);
    }
}
