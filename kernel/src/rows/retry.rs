//! The retry schedule. It is shared by everything that counts its failures: sends, paused channels, items
//! that a peer refused, inbound items held for a policy. Each has its own first pause.

use crate::model::limits::BACKOFF_MAX_MS;
use crate::rows::tx::Tx;

/// The pause after `times` consecutive failures, in ms: doubled with each, up to [`BACKOFF_MAX_MS`] or the
/// first pause.
#[must_use]
pub fn pause(first_ms: i64, times: u32) -> i64 {
    pause_up_to((first_ms, BACKOFF_MAX_MS.max(first_ms)), times)
}

fn pause_up_to((first_ms, most_ms): (i64, i64), times: u32) -> i64 {
    let doublings = times.saturating_sub(1).min(16);
    first_ms.saturating_mul(1 << doublings).min(most_ms)
}

/// The same with a random second half, so that attempts that failed together are not repeated together.
pub fn scattered_pause(tx: &mut Tx<'_>, first_ms: i64, times: u32) -> i64 {
    scattered_pause_up_to(tx, (first_ms, BACKOFF_MAX_MS.max(first_ms)), times)
}

/// The same with a longest pause of its own.
pub fn scattered_pause_up_to(tx: &mut Tx<'_>, limits_ms: (i64, i64), times: u32) -> i64 {
    let half = pause_up_to(limits_ms, times) / 2;
    let chance = u64::from_be_bytes(tx.random().first_chunk::<8>().copied().unwrap_or_default());
    half + i64::try_from(chance % (u64::try_from(half).unwrap_or(0) + 1)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::boundary::env::StepContext;
    use crate::rows::testing::MemoryHost;

    #[test]
    fn a_pause_doubles_up_to_its_limit_and_is_scattered_over_its_later_half() {
        let pauses: Vec<i64> = (0..9).map(|times| pause(1_000, times)).collect();
        let seconds = [1, 1, 2, 4, 8, 16, 32, 60, 60];
        assert_eq!(pauses, seconds.map(|seconds| seconds * 1_000));
        assert_eq!(pause(1_000, u32::MAX), BACKOFF_MAX_MS);
        assert_eq!(pause(90_000, 3), 90_000);
        let host = MemoryHost::new();
        let context = StepContext {
            now_ms: 1,
            seed: [3; 16],
        };
        let mut tx = Tx::new(&host, context);
        let scattered: Vec<i64> = (0..50)
            .map(|_| scattered_pause(&mut tx, 1_000, 3))
            .collect();
        assert!(scattered.iter().all(|ms| (2_000..=4_000).contains(ms)));
        assert!(scattered.iter().any(|ms| *ms < 3_000) && scattered.iter().any(|ms| *ms > 3_000));
    }
}
