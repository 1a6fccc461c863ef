//! What the writer does next: first results, then steps, then writing.

use std::time::Duration;

use super::Writer;
use super::checkpoint::Checkpointed;
use super::inbox::Inbox;
use crate::writer::queue::{Job, Next};

/// Pause before a failed disk operation is retried.
const RETRY: Duration = Duration::from_secs(1);
/// Longest pause between two reads of the clock, which may be set.
const LOOK: Duration = Duration::from_secs(1);
/// Number of rows in memory at which they are written to the tables.
const FREEZE_ROWS: usize = 20_000;
/// Age of the oldest row in memory at which they are written to the tables.
const FREEZE_AGE: Duration = Duration::from_secs(1);
/// Number of rows in memory above which no step is carried out until a checkpoint has ended.
const ROWS_IN_MEMORY_MAX: usize = 200_000;

/// What the writer does next.
pub enum Turn {
    Synced(Result<(), String>),
    Checkpointed(Checkpointed),
    Job(Job),
    Refuse(Job),
    Timer,
    HandOver,
    Freeze,
    Checkpoint,
    /// The tables are damaged: the engine ends, and the next start rebuilds them.
    Damaged,
    Close,
}

impl Writer {
    /// The next thing to do, or how long to wait.
    pub(super) fn next_turn(&self, inbox: &mut Inbox) -> Result<Turn, Duration> {
        if self.view.base.is_damaged() {
            return Ok(Turn::Damaged);
        }
        if let Some(result) = inbox.synced.take() {
            return Ok(Turn::Synced(result));
        }
        if let Some(ended) = inbox.checkpointed.take() {
            return Ok(Turn::Checkpointed(ended));
        }
        if let Some(wait) = self.no_step_for() {
            // Reads still work; writes are refused at once.
            if let Some(job) = inbox.queue.pop_job() {
                return Ok(Turn::Refuse(job));
            }
            if inbox.is_closing && self.state.in_sync.is_none() && !self.state.is_checkpointing {
                return Ok(Turn::Close);
            }
            if self.checkpoint_is_due() {
                return Ok(Turn::Checkpoint);
            }
            return Err(wait);
        }
        // Before a step, as rows can only be frozen between groups.
        if self.checkpoint_is_due() {
            return Ok(Turn::Checkpoint);
        }
        if self.freeze_in(inbox.is_closing) == Some(Duration::ZERO) {
            return Ok(Turn::Freeze);
        }
        if !self.state.building.is_full() && !self.is_crowded() {
            let timer_is_due = !inbox.is_closing && self.timer_in() == Some(Duration::ZERO);
            match inbox.queue.pop(timer_is_due) {
                Some(Next::Job(job)) => return Ok(Turn::Job(job)),
                Some(Next::Timer) => return Ok(Turn::Timer),
                None => {}
            }
        }
        self.after_steps(inbox.is_closing)
    }

    /// What to do when there is no step to carry out.
    fn after_steps(&self, is_closing: bool) -> Result<Turn, Duration> {
        let state = &self.state;
        let is_idle = state.building.is_empty() && state.in_sync.is_none();
        if !state.building.is_empty() && state.in_sync.is_none() {
            return Ok(Turn::HandOver);
        }
        if is_closing && is_idle && state.frozen_at.is_none() {
            return Ok(Turn::Close);
        }
        // A step to probe whether the disk works again.
        if is_idle && state.journal_trouble.is_some() && !is_closing {
            return Ok(Turn::Timer);
        }
        let waits = [
            self.timer_in().filter(|_| !is_closing),
            self.freeze_in(is_closing),
        ];
        Err(waits.into_iter().flatten().fold(LOOK, Duration::min))
    }

    /// How long no step can be carried out because the disk fails. After that time, one is tried.
    fn no_step_for(&self) -> Option<Duration> {
        let troubles = [&self.state.journal_trouble, &self.state.tables_trouble];
        let waits = troubles
            .into_iter()
            .flatten()
            .map(|(_, since)| RETRY.saturating_sub(since.elapsed()));
        let wait = waits.max()?;
        // The tables are retried by a checkpoint, not by a step.
        if self.state.tables_trouble.is_some() {
            return Some(wait.max(Duration::from_millis(1)));
        }
        (wait > Duration::ZERO).then_some(wait)
    }

    fn is_crowded(&self) -> bool {
        let frozen = self.view.frozen.as_ref().map_or(0, |rows| rows.len());
        self.view.fresh.len() + frozen > ROWS_IN_MEMORY_MAX
    }

    /// Time until the next timer requested by the kernel.
    fn timer_in(&self) -> Option<Duration> {
        let wait_ms = self.state.wakes.first()?.saturating_sub(self.now_ms());
        Some(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
    }

    /// Time until the fresh rows are to be frozen, which is possible between groups only.
    fn freeze_in(&self, at_once: bool) -> Option<Duration> {
        let state = &self.state;
        if state.frozen_at.is_some() || !state.building.is_empty() {
            return None;
        }
        let since = state.fresh_since?;
        if at_once || self.view.fresh.len() >= FREEZE_ROWS {
            return Some(Duration::ZERO);
        }
        Some(FREEZE_AGE.saturating_sub(since.elapsed()))
    }

    /// Whether frozen rows are waiting to be written and all of their steps are durable.
    fn checkpoint_is_due(&self) -> bool {
        let state = &self.state;
        let is_durable = state
            .frozen_at
            .as_ref()
            .is_some_and(|position| position.seq <= self.durable.seq);
        let may_try = state
            .tables_trouble
            .as_ref()
            .is_none_or(|(_, since)| since.elapsed() >= RETRY);
        is_durable && !state.is_checkpointing && may_try
    }
}
