//! When the engine itself puts a hold on the journal, so that the cause can be investigated.

use crate::data_dir::hold::Hold;
use crate::status::EngineStatus;

/// How long an automatic hold lasts, in ms: a week.
const HOLD_MS: i64 = 7 * 24 * 3_600_000;

/// Under an automatic hold the journal may grow to this multiple of its limit: a peer can trigger a
/// hold and must not be able to fill the disk that way.
const GROWS_TO: u64 = 4;

/// Peer items refused within [`STORM_MS`] that trigger a hold.
const STORM_ITEMS: u64 = 1_000;

/// Ten minutes.
const STORM_MS: i64 = 600_000;

/// Watches the engine's counters.
#[derive(Debug, Default)]
pub(crate) struct Alarm {
    /// Stopped steps already accounted for by a hold.
    stopped_steps: u64,
    /// When the count of refused items started, in ms, and the counter's value then.
    window: (i64, u64),
}

impl Alarm {
    /// The hold that the counters call for, if any.
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
            return Some("a large number of items from peers was refused");
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
