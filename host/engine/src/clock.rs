//! Clocks, injectable for tests.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// A source of the current time.
pub trait Clock: Send + Sync {
    /// Milliseconds since the Unix epoch.
    fn now_ms(&self) -> i64;
}

/// The operating system's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now_ms(&self) -> i64 {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    }
}

/// A monotonic clock. When its source is set back, it runs at half speed until the source has
/// caught up: timers still become due, and pauses only take twice as long.
#[derive(Debug)]
pub struct SteadyClock<C> {
    source: C,
    /// When it was last read, and the value returned (time since the Unix epoch).
    last: Mutex<(Instant, Duration)>,
}

impl<C: Clock> SteadyClock<C> {
    /// Starts at the time of `source`.
    #[must_use]
    pub fn new(source: C) -> SteadyClock<C> {
        let last = Mutex::new((Instant::now(), Duration::ZERO));
        SteadyClock { source, last }
    }
}

impl<C: Clock> Clock for SteadyClock<C> {
    fn now_ms(&self) -> i64 {
        let now_ms = u64::try_from(self.source.now_ms()).unwrap_or(0);
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let (at, said) = *last;
        let now = Instant::now();
        let passed = now.saturating_duration_since(at);
        let says = goes_on(said, passed, Duration::from_millis(now_ms));
        *last = (now, says);
        i64::try_from(says.as_millis()).unwrap_or(i64::MAX)
    }
}

/// The reading of a steady clock that `passed` after it read `said`, while its source reads
/// `source`.
fn goes_on(said: Duration, passed: Duration, source: Duration) -> Duration {
    (said + passed / 2).max(source)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicI64, Ordering};

    use super::*;

    struct SetClock(AtomicI64);

    impl Clock for SetClock {
        fn now_ms(&self) -> i64 {
            self.0.load(Ordering::Relaxed)
        }
    }

    #[test]
    fn a_clock_that_is_set_back_never_shows_it_and_is_followed_again() {
        let clock = SteadyClock::new(SetClock(AtomicI64::new(5_000_000)));
        assert_eq!(clock.now_ms(), 5_000_000);
        clock.source.0.store(1_000_000, Ordering::Relaxed);
        let mut last = 5_000_000;
        for _ in 0..1_000 {
            let now = clock.now_ms();
            assert!(now >= last, "{now} after {last}");
            last = now;
        }
        clock.source.0.store(9_000_000, Ordering::Relaxed);
        assert_eq!(clock.now_ms(), 9_000_000);
    }

    #[test]
    fn behind_what_was_said_time_goes_at_half_speed() {
        let ms = Duration::from_millis;
        assert_eq!(goes_on(ms(5_000), ms(40), ms(1_000)), ms(5_020));
        assert_eq!(goes_on(ms(5_000), ms(40), ms(5_019)), ms(5_020));
        assert_eq!(goes_on(ms(5_000), ms(40), ms(5_021)), ms(5_021));
        assert_eq!(goes_on(ms(5_000), ms(0), ms(4_999)), ms(5_000));
    }
}
