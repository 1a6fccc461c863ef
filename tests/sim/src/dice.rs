//! Random numbers. All follow from the seed; streams with different names are independent, so that
//! a change to what the users do does not change the faults of the network.

/// A pseudo-random stream (SplitMix64, seeded with a digest of seed and name).
pub struct Dice(u64);

impl Dice {
    /// The stream with a name under a seed.
    #[must_use]
    pub fn new(seed: u64, name: &str) -> Dice {
        let mut hasher = blake3::Hasher::new();
        hasher.update(&seed.to_be_bytes());
        hasher.update(name.as_bytes());
        let mut start = [0; 8];
        hasher.finalize_xof().fill(&mut start);
        Dice(u64::from_be_bytes(start))
    }

    /// Sixteen bytes.
    pub fn bytes(&mut self) -> [u8; 16] {
        let (head, tail) = (u128::from(self.number()), u128::from(self.number()));
        (head << 64 | tail).to_be_bytes()
    }

    /// Any number.
    pub fn number(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if there is none.
    pub fn below(&mut self, end: u64) -> u64 {
        self.number() % end.max(1)
    }

    /// A number from `low` to `high`, inclusive.
    pub fn between(&mut self, low: i64, high: i64) -> i64 {
        let span = u64::try_from(high - low).unwrap_or(0) + 1;
        low + i64::try_from(self.below(span)).unwrap_or(0)
    }

    /// True with a probability of `permille` in a thousand.
    pub fn chance(&mut self, permille: u32) -> bool {
        self.below(1000) < u64::from(permille)
    }

    /// One element of a list, unless it is empty.
    pub fn pick<'l, T>(&mut self, list: &'l [T]) -> Option<&'l T> {
        let at = usize::try_from(self.below(list.len() as u64)).unwrap_or(0);
        list.get(at)
    }

    /// A duration with a heavy tail, in ms: usually about `typical_ms`, rarely many times that, at most
    /// `most_ms`.
    pub fn span_ms(&mut self, typical_ms: i64, most_ms: i64) -> i64 {
        let mut span = self.between(0, 2 * typical_ms);
        while self.chance(100) {
            span = span.saturating_mul(4);
        }
        span.min(most_ms)
    }
}
