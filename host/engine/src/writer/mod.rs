//! The writer: one thread that takes inputs in an order of its choosing, carries out each as a step
//! and collects steps into groups. While one group is synced, the next one is executed. The changes
//! of a step are visible to later steps at once, and to everybody else once they are durable.

pub(crate) mod queue;

pub mod checkpoint;
mod group;
pub mod inbox;
mod ledger;
mod steps;
pub mod sync;
mod turn;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Instant;

use causeway_kernel::boundary::due_run::DueRun;

use self::checkpoint::{Checkpoint, Checkpointed};
use self::group::Building;
use self::inbox::EngineState;
use self::sync::SyncGroup;
use self::turn::Turn;
use crate::SubmitError;
use crate::clock::Clock;
use crate::policy::{PolicyChain, PolicyManager};
use crate::repeated::RepeatedLine;
use crate::runtime::KernelRunner;
use crate::store::{Position, TablesError, View};

/// The writer.
pub struct Writer {
    /// Shared with the other threads.
    pub shared: Arc<EngineState>,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Carries out steps.
    pub kernel: Box<dyn KernelRunner>,
    /// The policies in force.
    pub chain: Box<dyn PolicyChain>,
    /// Reopens the policies if a step that changed them did not become durable.
    pub policies: Arc<dyn PolicyManager>,
    /// The rows.
    pub view: View,
    /// The last step carried out.
    pub head: Position,
    /// The last step that is durable.
    pub durable: Position,
    /// To the sync thread.
    pub groups: Sender<SyncGroup>,
    /// To the checkpoint thread.
    pub checkpoints: Sender<Checkpoint>,
    /// The writer's state between turns.
    pub state: State,
}

/// The writer's state between turns.
#[derive(Default)]
pub struct State {
    building: Building,
    /// The last step of the group that is being synced, if one is.
    in_sync: Option<Position>,
    /// When the first row was added to the fresh memory table.
    fresh_since: Option<Instant>,
    /// Position of the frozen rows.
    frozen_at: Option<Position>,
    is_checkpointing: bool,
    /// Error of the disk, and when it occurred or was last retried.
    journal_trouble: Option<(String, Instant)>,
    tables_trouble: Option<(String, Instant)>,
    /// The log line for stopped steps.
    stops: RepeatedLine,
    /// Times, in ms, for which the kernel requested a timer.
    wakes: BTreeSet<i64>,
    /// How due work is carried out.
    due: DueRun,
}

impl State {
    /// Steps replayed at startup are not in the tables yet.
    #[must_use]
    pub fn after_recovery(view: &View) -> State {
        State {
            fresh_since: (!view.fresh.is_empty()).then(Instant::now),
            ..State::default()
        }
    }
}

impl Writer {
    /// Runs until the engine is closed and everything is on disk.
    pub fn run(mut self) {
        loop {
            let shared = Arc::clone(&self.shared);
            match shared.wait(|inbox| self.next_turn(inbox)) {
                Turn::Synced(result) => self.synced(result),
                Turn::Checkpointed(ended) => self.checkpointed(ended),
                Turn::Job(job) => self.carry_out(job),
                Turn::Refuse(job) => (job.done)(Err(SubmitError::ReadOnly(self.trouble()))),
                Turn::Timer => self.carry_out_timer(),
                Turn::HandOver => self.hand_over(),
                Turn::Freeze => self.freeze(),
                Turn::Checkpoint => self.checkpoint(),
                Turn::Damaged => return self.damaged(),
                Turn::Close => return,
            }
        }
    }

    /// The tables are damaged: steps that are not durable yet are discarded.
    fn damaged(&mut self) {
        let kept = self.state.in_sync.as_ref().unwrap_or(&self.durable).clone();
        self.roll_back(kept, "the tables are damaged");
    }

    fn trouble(&self) -> String {
        let troubles = [&self.state.journal_trouble, &self.state.tables_trouble];
        let first = troubles.into_iter().flatten().next();
        first.map_or_else(String::new, |(reason, _)| reason.clone())
    }

    fn hand_over(&mut self) {
        if let Some(group) = self.state.building.take(&self.head) {
            self.state.in_sync = Some(self.head.clone());
            // The thread ends after the writer.
            let _ = self.groups.send(group);
        }
    }

    fn synced(&mut self, result: Result<(), String>) {
        let synced = self.state.in_sync.take();
        match (result, synced) {
            (Ok(()), Some(position)) => {
                self.durable = position;
                self.state.journal_trouble = None;
            }
            (Ok(()), None) => {}
            (Err(reason), _) => {
                self.roll_back(self.durable.clone(), &reason);
                self.state.journal_trouble = Some((reason, Instant::now()));
            }
        }
        self.note_trouble();
    }

    /// Discards every step after `kept`.
    fn roll_back(&mut self, kept: Position, reason: &str) {
        let error = SubmitError::ReadOnly(reason.to_string());
        for release in self.state.building.clear() {
            release.refuse(&error);
        }
        self.view.fresh.roll_back(kept.seq);
        if let Some(frozen) = &self.view.frozen {
            frozen.roll_back(kept.seq);
        }
        if let Some(at) = &mut self.state.frozen_at
            && at.seq > kept.seq
        {
            at.clone_from(&kept);
        }
        if self.chain.digest() != kept.policies {
            match self.policies.open() {
                Ok(chain) => self.chain = chain,
                Err(error) => tracing::error!(%error, "cannot reopen the policies"),
            }
        }
        self.head = kept;
    }

    /// The rows could not be read during a step: the running group is discarded.
    fn cannot_read(&mut self, error: &TablesError) {
        // Damage has already been logged.
        if !error.is_damage() {
            tracing::error!(%error, "cannot read the tables");
        }
        let kept = self.state.in_sync.as_ref().unwrap_or(&self.durable).clone();
        self.roll_back(kept, &error.to_string());
        self.state.tables_trouble = Some((error.to_string(), Instant::now()));
        // A checkpoint, even one without rows, reopens the tables.
        if self.state.frozen_at.is_none() {
            self.freeze();
        }
        self.note_trouble();
    }

    /// Starts a new memory table; the rows so far go to the tables as soon as they are durable.
    fn freeze(&mut self) {
        let frozen = std::mem::take(&mut self.view.fresh);
        self.view.frozen = Some(frozen);
        self.state.frozen_at = Some(self.head.clone());
        self.state.fresh_since = None;
        self.shared.publish_view(&self.view);
    }

    fn checkpoint(&mut self) {
        let (Some(rows), Some(position)) = (&self.view.frozen, &self.state.frozen_at) else {
            return;
        };
        self.state.is_checkpointing = true;
        let checkpoint = Checkpoint {
            rows: Arc::clone(rows),
            position: position.clone(),
        };
        // The thread ends after the writer.
        let _ = self.checkpoints.send(checkpoint);
    }

    fn checkpointed(&mut self, ended: Checkpointed) {
        self.state.is_checkpointing = false;
        match ended {
            Checkpointed::Written(base) => {
                self.view.base = base;
                self.view.frozen = None;
                self.state.frozen_at = None;
                self.state.tables_trouble = None;
            }
            Checkpointed::Failed(error, base) => {
                if error.is_damage() {
                    self.view.base.note_damage();
                }
                if let Some(base) = base {
                    self.view.base = base;
                }
                self.state.tables_trouble = Some((error.to_string(), Instant::now()));
            }
        }
        self.shared.publish_view(&self.view);
        self.note_trouble();
    }

    fn note_trouble(&self) {
        let trouble = self.trouble();
        let read_only = (!trouble.is_empty()).then_some(trouble);
        let rows = self.view.fresh.len();
        self.shared.note(|status| {
            status.read_only = read_only;
            status.rows_in_memory = rows;
        });
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        // Also when a bug unwinds this thread: nobody must wait for it forever.
        let left = self.shared.put(|inbox| {
            inbox.is_closing = true;
            std::iter::from_fn(|| inbox.queue.pop_job()).collect::<Vec<_>>()
        });
        for job in left {
            (job.done)(Err(SubmitError::ShuttingDown));
        }
    }
}
