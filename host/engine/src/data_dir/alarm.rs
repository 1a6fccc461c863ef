//! What makes the engine hold the journal by itself, so that what led to it can be looked at.

use crate::data_dir::hold::Hold;
use crate::status::EngineStatus;

/// How long such a hold lasts, in ms: a week.
const HOLD_MS: i64 = 7 * 24 * 3_600_000;

/// A journal that is held so may grow to so many times its limit: a peer can cause a hold, and must
/// not fill the disk by it.
const GROWS_TO: u64 = 4;

/// Items of peers that are refused within [`STORM_MS`] and say that something is wrong.
const STORM_ITEMS: u64 = 1_000;

/// Ten minutes.
const STORM_MS: i64 = 600_000;

/// Looks at the counters.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// Stopped steps for which the journal is held already.
    stopped_steps: u64,
    /// When the count of refused items began, in ms, and where.
    window: (i64, u64),
}

impl Alarm {
    /// The hold that the counters ask for, if they do.
    pub(crate) fn hold(
        &mut self,
        status: &EngineStatus,
        journal_bytes: u64,
        now_ms: i64,
    ) -> Option<Hold> {
        Some(Hold {
            reason: self.reason(status, now_ms)?.into(),
            until_ms: Some(now_ms.saturating_add(HOLD_MS)),
            bytes_max: Some(journal_bytes.saturating_mul(GROWS_TO)),
        })
    }

    fn reason(&mut self, status: &EngineStatus, now_ms: i64) -> Option<&'static str> {
        let stopped = std::mem::replace(&mut self.stopped_steps, status.stopped_steps);
        if stopped < status.stopped_steps {
            return Some("a step was stopped");
        }
        let (began_ms, refused) = self.window;
        if status.refused_items.saturating_sub(refused) >= STORM_ITEMS {
            self.window = (now_ms, status.refused_items);
            return Some("a peer's items were refused in great numbers");
        }
        if now_ms.saturating_sub(began_ms) >= STORM_MS {
            self.window = (now_ms, status.refused_items);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(stopped_steps: u64, refused_items: u64) -> EngineStatus {
        EngineStatus {
            stopped_steps,
            refused_items,
            ..EngineStatus::default()
        }
    }

    #[test]
    fn a_stopped_step_asks_once_and_a_storm_again_and_again() {
        let mut alarm = Alarm::default();
        let mut reason = |status, now_ms| alarm.reason(&status, now_ms);
        assert_eq!(reason(status(0, 0), 1), None);
        assert!(reason(status(1, 0), 2).is_some());
        assert_eq!(reason(status(1, STORM_ITEMS - 1), 3), None);
        assert!(reason(status(1, STORM_ITEMS), 4).is_some());
        assert_eq!(reason(status(1, STORM_ITEMS), 5), None);
        assert!(reason(status(1, 2 * STORM_ITEMS), 6).is_some());
    }

    #[test]
    fn refusals_here_and_there_are_no_storm() {
        let mut alarm = Alarm::default();
        for minute in 0..100_i64 {
            let refused = minute.cast_unsigned() * STORM_ITEMS / 20;
            assert_eq!(alarm.reason(&status(0, refused), minute * 60_000), None);
        }
    }
}
