//! A policy that fails again and again is not asked for a while: each failure may cost a whole
//! call's fuel, which other content of the step then lacks.
//!
//! Times are those of the steps that ask, so a suspension follows from the inputs and not from when
//! this machine carried them out.

use std::collections::VecDeque;

/// Failures within [`STRIKES_WINDOW_MS`] after which a slot is suspended.
pub const STRIKES_MAX: usize = 8;

/// The window in which failures are counted, in ms of step time.
pub const STRIKES_WINDOW_MS: i64 = 60_000;

/// How long a slot is suspended, in ms of step time.
pub const SUSPENSION_MS: i64 = 60_000;

/// The recent failures of a slot.
#[derive(Debug, Default)]
pub(super) struct Strikes {
    /// Times of failures, at most [`STRIKES_MAX`].
    failures: VecDeque<i64>,
    suspended_until_ms: Option<i64>,
}

impl Strikes {
    /// Until when it may not be asked, if that is later than now. Once this has passed, it is tried
    /// once: a further failure suspends it again.
    pub(super) fn suspended_until(&self, now_ms: i64) -> Option<i64> {
        self.suspended_until_ms
            .filter(|until_ms| now_ms < *until_ms)
    }

    /// Notes an answer; returns whether it ends a suspension.
    pub(super) fn answered(&mut self) -> bool {
        self.suspended_until_ms.take().is_some()
    }

    /// Notes a failure; returns until when the slot is now suspended, if this was one too many.
    pub(super) fn failed(&mut self, now_ms: i64) -> Option<i64> {
        let first = now_ms.saturating_sub(STRIKES_WINDOW_MS);
        self.failures.retain(|at_ms| *at_ms > first);
        self.failures.push_back(now_ms);
        let was_tried = self.suspended_until_ms.is_some();
        if !was_tried && self.failures.len() < STRIKES_MAX {
            return None;
        }
        self.failures.clear();
        self.suspended_until_ms = Some(now_ms.saturating_add(SUSPENSION_MS));
        self.suspended_until_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A slot that has just failed too often, at the last time of a window.
    fn suspended() -> (Strikes, i64) {
        let mut strikes = Strikes::default();
        let last_ms = STRIKES_WINDOW_MS - 1;
        for _ in 1..STRIKES_MAX {
            assert_eq!(strikes.failed(0), None);
        }
        let until_ms = last_ms + SUSPENSION_MS;
        assert_eq!(strikes.failed(last_ms), Some(until_ms));
        (strikes, until_ms)
    }

    #[test]
    fn so_many_failures_in_a_window_suspend_a_slot() {
        let (strikes, until_ms) = suspended();
        assert_eq!(strikes.suspended_until(until_ms - 1), Some(until_ms));
        assert_eq!(strikes.suspended_until(until_ms), None);
    }

    #[test]
    fn failures_that_are_far_apart_do_not_add_up_and_answers_do_not_outweigh_them() {
        let mut strikes = Strikes::default();
        for round in 0..100 {
            let at_ms = round * STRIKES_WINDOW_MS / (STRIKES_MAX as i64 - 1);
            assert_eq!(strikes.failed(at_ms), None, "{round}");
        }
        let mut strikes = Strikes::default();
        let failed = (0..STRIKES_MAX).filter_map(|_| {
            assert!(!strikes.answered());
            strikes.failed(7)
        });
        assert_eq!(failed.count(), 1);
    }

    #[test]
    fn after_the_pause_one_failure_suspends_it_again_and_one_answer_ends_it() {
        let (mut strikes, until_ms) = suspended();
        let again_ms = until_ms + SUSPENSION_MS;
        assert_eq!(strikes.failed(until_ms), Some(again_ms));
        assert!(strikes.answered());
        assert_eq!(strikes.failed(again_ms), None);
    }
}
