//! Rate limiting of log lines that an outsider can trigger at will: repetitions within a minute are
//! counted instead of written.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long the same line is not written again.
const QUIET: Duration = Duration::from_secs(60);

/// A rate-limited log line.
#[derive(Debug, Default)]
pub struct RepeatedLine(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    written: Option<Instant>,
    left_out: u64,
}

impl RepeatedLine {
    /// A line that was never written.
    #[must_use]
    pub const fn new() -> RepeatedLine {
        RepeatedLine(Mutex::new(State {
            written: None,
            left_out: 0,
        }))
    }

    /// If the line is to be written now: how often it was left out since the last time.
    pub fn next(&self) -> Option<u64> {
        self.next_at(Instant::now())
    }

    fn next_at(&self, now: Instant) -> Option<u64> {
        let mut state = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_soon = |at: Instant| now.saturating_duration_since(at) < QUIET;
        if state.written.is_some_and(is_soon) {
            state.left_out += 1;
            return None;
        }
        state.written = Some(now);
        Some(std::mem::take(&mut state.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_soon_after_a_line_is_counted_in_the_next_one() {
        let line = RepeatedLine::default();
        let begin = Instant::now();
        assert_eq!(line.next_at(begin), Some(0));
        for _ in 0..12_800 {
            assert_eq!(line.next_at(begin + QUIET / 2), None);
        }
        assert_eq!(line.next_at(begin + QUIET), Some(12_800));
        assert_eq!(line.next_at(begin + QUIET), None);
        assert_eq!(line.next_at(begin + QUIET * 2), Some(1));
    }
}
