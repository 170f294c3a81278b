//! The only source of chance, the same on every machine.

/// The purposes of random numbers within a replica; see [`Random::new`].
pub(crate) mod purpose {
    /// The delays of FAULT DELAY.
    pub(crate) const DELAYS: u64 = 1 << 32;
    /// RANDOMKEY.
    pub(crate) const KEYS: u64 = DELAYS + 1;
}

/// What SplitMix64 adds to its state for each number.
pub const STEP: u64 = 0x9e37_79b9_7f4a_7c15;

/// A SplitMix64 generator (Steele and others, "Fast Splittable Pseudorandom Number Generators", 2014).
#[derive(Clone, Debug)]
pub struct Random {
    state: u64,
}

impl Random {
    /// A generator for one purpose: those of different `purpose`s are independent, so that leaving out a
    /// client or a fault does not change what the others do.
    #[must_use]
    pub fn new(seed: u64, purpose: u64) -> Self {
        let mut random = Self {
            state: seed ^ purpose.wrapping_mul(0xd6e8_feb8_6659_fd93),
        };
        random.draw();
        random
    }

    /// 64 random bits.
    pub fn draw(&mut self) -> u64 {
        mix(self.step())
    }

    /// A number that [`mix`] makes random, for whoever may not need it.
    #[inline]
    pub(crate) fn step(&mut self) -> u64 {
        self.state = self.state.wrapping_add(STEP);
        self.state
    }

    /// A number from 0 to 1.
    pub fn fraction(&mut self) -> f64 {
        (self.draw() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// A number below `limit`, which is not 0.
    pub fn below(&mut self, limit: u64) -> u64 {
        let wide = u128::from(self.draw()) * u128::from(limit.max(1));
        u64::try_from(wide >> 64).unwrap_or(0)
    }

    /// A number from `low` to `high`, both included.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low) + 1)
    }

    /// An index below `length`.
    pub fn index(&mut self, length: usize) -> usize {
        usize::try_from(self.below(length as u64)).unwrap_or(0)
    }

    /// True in so many of a thousand cases.
    pub fn permille(&mut self, chance: u64) -> bool {
        self.below(1000) < chance
    }

    /// True in one of so many cases.
    pub fn one_in(&mut self, cases: u64) -> bool {
        self.below(cases) == 0
    }

    /// One of several.
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.index(from.len())]
    }

    /// A number with the given mean, small ones more often than large ones.
    pub fn exponential(&mut self, mean: u64) -> u64 {
        let uniform = (self.below(1 << 53) + 1) as f64 / (1u64 << 53) as f64;
        (-(uniform.ln()) * mean as f64) as u64
    }

    /// Puts the elements in a random order.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.index(at + 1));
        }
    }
}

/// Mixes the bits of a number: the finalizer of SplitMix64, which makes a step random.
#[must_use]
pub fn mix(mut mixed: u64) -> u64 {
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}
