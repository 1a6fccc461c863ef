//! How values are distributed: counted in buckets, without locks, each twice as wide as the one before.

use std::sync::atomic::{AtomicU64, Ordering};

/// The first bucket ends at this power of two.
const FIRST_POWER: u32 = 10;

/// Buckets with an upper bound: the last one ends at 2^30.
const BOUNDED: usize = 21;

/// All buckets; the last one has no upper bound.
const BUCKETS: usize = BOUNDED + 1;

/// A distribution that is being counted.
#[derive(Debug, Default)]
pub(super) struct Spread {
    buckets: [AtomicU64; BUCKETS],
    sum: AtomicU64,
}

impl Spread {
    /// Counts a value.
    pub(super) fn add(&self, value: u64) {
        if let Some(bucket) = self.buckets.get(bucket_of(value)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.sum.fetch_add(value, Ordering::Relaxed);
    }

    /// What was counted.
    pub(super) fn read(&self) -> Distribution {
        Distribution {
            buckets: self.buckets.each_ref().map(|it| it.load(Ordering::Relaxed)),
            sum: self.sum.load(Ordering::Relaxed),
        }
    }
}

/// The first bucket whose upper bound a value does not exceed.
fn bucket_of(value: u64) -> usize {
    let bits = u64::BITS - value.saturating_sub(1).leading_zeros();
    (bits.saturating_sub(FIRST_POWER) as usize).min(BOUNDED)
}

/// The upper bound of a bucket.
fn bound_of(bucket: usize) -> u64 {
    1_u64 << (FIRST_POWER as usize + bucket.min(BOUNDED - 1))
}

/// How values are distributed: how many are in each bucket, and their sum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Distribution {
    buckets: [u64; BUCKETS],
    sum: u64,
}

impl Distribution {
    /// How many values there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.buckets.iter().sum()
    }

    /// The sum of all values.
    #[must_use]
    pub fn sum(&self) -> u64 {
        self.sum
    }

    /// For each bucket its upper bound, which belongs to it, and how many values are in it; the last one has no
    /// bound.
    pub fn buckets(&self) -> impl Iterator<Item = (Option<u64>, u64)> {
        let bound = |bucket: usize| (bucket < BOUNDED).then(|| bound_of(bucket));
        let counts = self.buckets.into_iter().enumerate();
        counts.map(move |(bucket, count)| (bound(bucket), count))
    }

    /// An estimate of the value that so many of a hundred values do not exceed: exact to the bucket, so wrong by a
    /// factor of two at most; for values beyond the last bound, that bound. `None` if there are no values.
    #[must_use]
    pub fn percentile(&self, of_a_hundred: u64) -> Option<u64> {
        let rank = self.count().saturating_mul(of_a_hundred).div_ceil(100);
        let mut before = 0;
        for (bucket, count) in self.buckets.into_iter().enumerate() {
            if count > 0 && before + count >= rank {
                let lower = match bucket {
                    0 => 0,
                    _ => bound_of(bucket - 1),
                };
                let width = u128::from(bound_of(bucket) - lower);
                let within = width * u128::from(rank - before) / u128::from(count);
                return Some(lower + u64::try_from(within).unwrap_or(0));
            }
            before += count;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(values: impl IntoIterator<Item = u64>) -> Distribution {
        let spread = Spread::default();
        values.into_iter().for_each(|value| spread.add(value));
        spread.read()
    }

    #[test]
    fn a_bound_belongs_to_the_bucket_that_it_ends() {
        for (value, bound) in [
            (0, Some(1 << 10)),
            (1, Some(1 << 10)),
            (1 << 10, Some(1 << 10)),
            ((1 << 10) + 1, Some(1 << 11)),
            (1 << 11, Some(1 << 11)),
            ((1 << 29) + 1, Some(1 << 30)),
            (1 << 30, Some(1 << 30)),
            ((1 << 30) + 1, None),
            (u64::MAX, None),
        ] {
            let found = spread([value]);
            let at = found.buckets().find(|(_, count)| *count == 1).unwrap().0;
            assert_eq!((at, found.count()), (bound, 1), "{value}");
        }
        assert_eq!(spread([3, 4, 5_000]).sum(), 5_007);
    }

    #[test]
    fn percentiles_are_within_a_factor_of_two() {
        assert_eq!(spread([]).percentile(50), None);
        let found = spread((1..=1_000).map(|it| it * 10_000));
        for percent in [1, 50, 99, 100] {
            let (estimate, exact) = (found.percentile(percent).unwrap(), percent * 100_000);
            assert!(
                estimate <= exact * 2 && exact <= estimate * 2,
                "{percent}: {estimate}"
            );
        }
        // One slow question among a hundred is not the median.
        let mostly = spread([1 << 29].into_iter().chain((0..99).map(|_| 2_000)));
        assert!(mostly.percentile(50).unwrap() <= 2_048);
        assert!(mostly.percentile(100).unwrap() > 1 << 28);
        assert_eq!(spread([u64::MAX]).percentile(99), Some(1 << 30));
    }
}
