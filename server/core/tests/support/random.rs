//! Random numbers from a seed, the same on every machine.

/// Seeds for a test's random runs: `count` of them, or that many times `HOLDBACK_TEST_RUNS` for a long search.
pub(crate) fn seeds(count: u64) -> std::ops::Range<u64> {
    let times = std::env::var("HOLDBACK_TEST_RUNS").ok();
    0..count * times.and_then(|times| times.parse().ok()).unwrap_or(1)
}

/// A SplitMix64 generator (Steele and others, 2014).
#[derive(Clone, Debug)]
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `bound`, which is not 0.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() % bound as u64).expect("below a usize")
    }

    /// One of the items.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Whether something happens that does in one of `one_in` cases.
    pub(crate) fn chance(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }
}
