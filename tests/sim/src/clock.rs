//! A machine's clock: it may be off, run fast or slow, or be coarse.

/// The time at which simulations begin, by a correct clock, in ms since the Unix epoch.
pub const EPOCH_MS: i64 = 1_800_000_000_000;

/// Parts per million.
const MILLION: i64 = 1_000_000;

/// See the module. Times in arguments are simulation times, in ms since its beginning.
#[derive(Clone, Copy, Debug, Default)]
pub struct Clock {
    offset_ms: i64,
    drift_ppm: i64,
    drifts_from_ms: i64,
    grain_ms: i64,
}

impl Clock {
    /// The time that it shows, in ms since the Unix epoch.
    #[must_use]
    pub fn at(&self, now_ms: i64) -> i64 {
        let shown_ms = EPOCH_MS + now_ms + self.offset_ms + self.drifted_ms(now_ms);
        shown_ms - shown_ms.rem_euclid(self.grain_ms.max(1))
    }

    fn drifted_ms(&self, now_ms: i64) -> i64 {
        (now_ms - self.drifts_from_ms) * self.drift_ppm / MILLION
    }

    /// Lets it jump forward or back.
    pub fn jump(&mut self, by_ms: i64) {
        self.offset_ms += by_ms;
    }

    /// Lets it run fast (or slow, if negative) from now on.
    pub fn drift(&mut self, now_ms: i64, ppm: i64) {
        self.offset_ms += self.drifted_ms(now_ms);
        self.drift_ppm = ppm;
        self.drifts_from_ms = now_ms;
    }

    /// Lets it show only multiples of a duration from now on.
    pub fn coarsen(&mut self, grain_ms: i64) {
        self.grain_ms = grain_ms;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_drifts_goes_on_from_where_it_is() {
        let mut clock = Clock::default();
        clock.jump(-500);
        clock.drift(1_000, 100_000);
        assert_eq!(clock.at(1_000), EPOCH_MS + 500);
        assert_eq!(clock.at(11_000), EPOCH_MS + 11_500);
        clock.drift(11_000, 0);
        assert_eq!(clock.at(12_000), EPOCH_MS + 12_500);
    }

    #[test]
    fn a_coarse_clock_shows_many_things_at_one_time() {
        let mut clock = Clock::default();
        clock.coarsen(1_000);
        assert_eq!(clock.at(1), clock.at(999));
        assert_ne!(clock.at(999), clock.at(1_000));
    }
}
