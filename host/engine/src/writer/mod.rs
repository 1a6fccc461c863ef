//! The writer: one thread that takes inputs in an order of its choosing, carries each out as a
//! step and gathers steps into groups. While one group is synced the next one is executed. What a
//! step did is seen by the steps behind it at once, and by everybody else once it is durable.

mod bisect;
pub mod checkpoint;
mod group;
pub mod inbox;
pub mod sync;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant};

use causeway_kernel::codec;
use causeway_kernel::env::StepContext;
use causeway_kernel::input::Input;
use causeway_kernel::output::Effect;

use self::bisect::Bisect;
use self::checkpoint::{Checkpoint, Checkpointed};
use self::group::Building;
use self::inbox::{Inbox, Shared};
use self::sync::{Release, SyncGroup};
use crate::SubmitError;
use crate::clock::Clock;
use crate::journal::Kind;
use crate::policy::{PolicyChain, PolicyManager};
use crate::queue::{Done, Job};
use crate::runtime::{KernelRunner, StepEnd};
use crate::step::{self, Stamp};
use crate::store::{Position, TablesError, View};

/// Rows in memory at which they are written to the tables.
const FREEZE_ROWS: usize = 20_000;
/// Age of the oldest row in memory at which they are written to the tables.
const FREEZE_AGE: Duration = Duration::from_secs(1);
/// Rows in memory beyond which no step is taken before a checkpoint has ended.
const ROWS_IN_MEMORY_MAX: usize = 200_000;
/// Pause before what the disk refused is tried again.
const RETRY: Duration = Duration::from_secs(1);
/// Longest pause between two looks at the clock, which may be set.
const LOOK: Duration = Duration::from_secs(1);

/// The writer and all that is its own.
pub struct Writer {
    /// Shared with the other threads.
    pub shared: Arc<Shared>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Carries steps out.
    pub kernel: Box<dyn KernelRunner>,
    /// The policies in force.
    pub chain: Box<dyn PolicyChain>,
    /// Where they are opened anew when a step that changed them did not become durable.
    pub policies: Arc<dyn PolicyManager>,
    /// The rows.
    pub view: View,
    /// The last step carried out.
    pub head: Position,
    /// The last step that is durable.
    pub durable: Position,
    /// To the thread that syncs.
    pub groups: Sender<SyncGroup>,
    /// To the thread that writes checkpoints.
    pub checkpoints: Sender<Checkpoint>,
    /// What the writer keeps from one turn to the next.
    pub state: State,
}

/// What the writer keeps from one turn to the next.
#[derive(Default)]
pub struct State {
    building: Building,
    /// The last step of the group that is being synced, if one is.
    in_sync: Option<Position>,
    /// When the oldest row came into the fresh memory table.
    fresh_since: Option<Instant>,
    /// How far the frozen rows reach.
    frozen_at: Option<Position>,
    is_checkpointing: bool,
    /// Trouble with the disk, and when it began or was last tried.
    journal_trouble: Option<(String, Instant)>,
    tables_trouble: Option<(String, Instant)>,
    /// Times in ms at which the kernel wants a timer.
    wakes: BTreeSet<i64>,
}

impl State {
    /// What was carried out again at the start is not in the tables yet.
    #[must_use]
    pub fn after_recovery(view: &View) -> State {
        State {
            fresh_since: (!view.fresh.is_empty()).then(Instant::now),
            ..State::default()
        }
    }
}

/// What the writer does next.
enum Turn {
    Synced(Result<(), String>),
    Checkpointed(Checkpointed),
    Job(Job),
    Refuse(Job),
    Timer,
    HandOver,
    Freeze,
    Checkpoint,
    Close,
}

impl Writer {
    /// Works until the engine is closed and everything is on the disk.
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
                Turn::Close => return,
            }
        }
    }

    /// The next thing to do, or for how long there is none.
    fn next_turn(&self, inbox: &mut Inbox) -> Result<Turn, Duration> {
        if let Some(result) = inbox.synced.take() {
            return Ok(Turn::Synced(result));
        }
        if let Some(ended) = inbox.checkpointed.take() {
            return Ok(Turn::Checkpointed(ended));
        }
        if let Some(wait) = self.no_step_for() {
            // Readers go on; who wants to write is told at once.
            if let Some(job) = inbox.queue.pop() {
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
        // Before a step, as rows can be frozen between groups only.
        if self.checkpoint_is_due() {
            return Ok(Turn::Checkpoint);
        }
        if self.freeze_in(inbox.is_closing) == Some(Duration::ZERO) {
            return Ok(Turn::Freeze);
        }
        if !self.state.building.is_full() && !self.is_crowded() {
            if let Some(job) = inbox.queue.pop() {
                return Ok(Turn::Job(job));
            }
            if !inbox.is_closing && self.timer_in() == Some(Duration::ZERO) {
                return Ok(Turn::Timer);
            }
        }
        self.after_steps(inbox.is_closing)
    }

    /// What is to be done when no step is to be taken.
    fn after_steps(&self, is_closing: bool) -> Result<Turn, Duration> {
        let state = &self.state;
        let is_idle = state.building.is_empty() && state.in_sync.is_none();
        if !state.building.is_empty() && state.in_sync.is_none() {
            return Ok(Turn::HandOver);
        }
        if is_closing && is_idle && state.frozen_at.is_none() {
            return Ok(Turn::Close);
        }
        // Whether the disk takes something again.
        if is_idle && state.journal_trouble.is_some() && !is_closing {
            return Ok(Turn::Timer);
        }
        let waits = [
            self.timer_in().filter(|_| !is_closing),
            self.freeze_in(is_closing),
        ];
        Err(waits.into_iter().flatten().fold(LOOK, Duration::min))
    }

    /// How long no step can be taken for, because the disk refuses. When the time is over, one is
    /// tried.
    fn no_step_for(&self) -> Option<Duration> {
        let troubles = [&self.state.journal_trouble, &self.state.tables_trouble];
        let waits = troubles
            .into_iter()
            .flatten()
            .map(|(_, since)| RETRY.saturating_sub(since.elapsed()));
        let wait = waits.max()?;
        // The tables are tried again by a checkpoint, not by a step.
        if self.state.tables_trouble.is_some() {
            return Some(wait.max(Duration::from_millis(1)));
        }
        (wait > Duration::ZERO).then_some(wait)
    }

    fn trouble(&self) -> String {
        let troubles = [&self.state.journal_trouble, &self.state.tables_trouble];
        let first = troubles.into_iter().flatten().next();
        first.map_or_else(String::new, |(reason, _)| reason.clone())
    }

    fn is_crowded(&self) -> bool {
        let frozen = self.view.frozen.as_ref().map_or(0, |rows| rows.len());
        self.view.fresh.len() + frozen > ROWS_IN_MEMORY_MAX
    }

    /// How long until the kernel wants a timer.
    fn timer_in(&self) -> Option<Duration> {
        let wait_ms = self
            .state
            .wakes
            .first()?
            .saturating_sub(self.clock.now_ms());
        Some(Duration::from_millis(u64::try_from(wait_ms).unwrap_or(0)))
    }

    /// How long until the fresh rows are to be frozen, which is possible between groups only.
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

    /// Whether frozen rows wait to be written, and all of their steps are durable.
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

    fn carry_out_timer(&mut self) {
        let now_ms = self.clock.now_ms();
        self.state.wakes = self.state.wakes.split_off(&now_ms.saturating_add(1));
        self.carry_out(Job {
            input: Input::Timer,
            chain: None,
            done: Box::new(|_| {}),
        });
    }

    fn carry_out(&mut self, job: Job) {
        let Job { input, chain, done } = job;
        if let Some(chain) = chain {
            self.chain = chain;
        }
        let mut done = Some(done);
        if let Err(error) = self.steps(&input, &mut done) {
            self.cannot_read(&error);
            if let Some(done) = done {
                done(Err(SubmitError::ReadOnly(error.to_string())));
            }
        }
    }

    /// Carries an input out, and a frame that stops once more without its culprits.
    fn steps(&mut self, input: &Input, done: &mut Option<Done>) -> Result<(), TablesError> {
        let Some(stopped) = self.one_step(input, done)? else {
            return Ok(());
        };
        let Input::Frame {
            connection, body, ..
        } = input
        else {
            return Ok(());
        };
        let mut trial = |payload: &[u8]| -> Result<_, TablesError> {
            let context = self.stamp()?.context;
            let ran = step::carry_out(
                self.kernel.as_mut(),
                &self.view,
                self.chain.as_mut(),
                context,
                payload,
            )?;
            Ok(match ran.end {
                StepEnd::Done(_) => None,
                StepEnd::Stopped { kind, .. } => Some(kind),
            })
        };
        let remedy = Bisect::new(*connection, body).remedy(&stopped, &mut trial)?;
        self.one_step(&remedy, done)?;
        Ok(())
    }

    /// Carries one step out and adds it to the group. Gives what stopped it, if it was stopped; a
    /// frame's sender goes on waiting then.
    fn one_step(
        &mut self,
        input: &Input,
        done: &mut Option<Done>,
    ) -> Result<Option<String>, TablesError> {
        if matches!(input, Input::Restored) {
            self.head.epoch += 1;
        }
        let stamp = self.stamp()?;
        let payload = codec::encode_input(input);
        let ran = step::carry_out(
            self.kernel.as_mut(),
            &self.view,
            self.chain.as_mut(),
            stamp.context,
            &payload,
        )?;
        if let Input::PolicyChanged { chain, .. } = input {
            self.head.policies.clone_from(chain);
        }
        let records = &mut self.state.building.records;
        let kind = Kind::of(input);
        step::record(records, &mut self.head, kind, &stamp, &payload, &ran);
        let (reply, effects, stopped) = match ran.end {
            StepEnd::Done(output) => {
                let reply = codec::decode_reply(&output.reply);
                let reply = reply.map_err(|error| SubmitError::Stopped(error.to_string()));
                let boundary = self.state.in_sync.as_ref().unwrap_or(&self.durable).seq;
                self.view
                    .fresh
                    .apply(self.head.seq, boundary, output.writes);
                (reply, output.effects, None)
            }
            StepEnd::Stopped { kind, detail } => {
                tracing::error!(seq = self.head.seq, %kind, %detail, "a step was stopped");
                self.shared.note(|status| status.stopped_steps += 1);
                let reason = format!("{kind}: {detail}");
                (
                    Err(SubmitError::Stopped(reason.clone())),
                    Vec::new(),
                    Some(reason),
                )
            }
        };
        let waits_on =
            stopped.is_some() && matches!(input, Input::Frame { skip, .. } if skip.is_empty());
        self.state.fresh_since.get_or_insert_with(Instant::now);
        let effects = self.keep_wakes(&effects);
        self.state.building.add(Release {
            done: if waits_on { None } else { done.take() },
            reply,
            effects,
        });
        Ok(stopped)
    }

    /// Time, seed and payload key of the next step.
    fn stamp(&self) -> Result<Stamp, TablesError> {
        let mut random = [0; 48];
        getrandom::fill(&mut random).map_err(|error| TablesError::from_text(&error))?;
        let (mut seed, mut payload_key) = ([0; 16], [0; 32]);
        let (a, b) = random.split_at(16);
        seed.copy_from_slice(a);
        payload_key.copy_from_slice(b);
        Ok(Stamp {
            context: StepContext {
                now_ms: self.head.time_ms.max(self.clock.now_ms()),
                seed,
            },
            payload_key,
        })
    }

    /// Takes the wakes out of the effects: the engine keeps the clock.
    fn keep_wakes(&mut self, effects: &[Vec<u8>]) -> Vec<Effect> {
        let mut others = Vec::with_capacity(effects.len());
        for effect in effects {
            match codec::decode_effect(effect) {
                Ok(Effect::Wake { at_ms }) => {
                    self.state.wakes.insert(at_ms);
                }
                Ok(effect) => others.push(effect),
                Err(error) => tracing::error!(%error, "an effect is not known here"),
            }
        }
        others
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

    /// Forgets every step behind `kept`.
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
                Err(error) => tracing::error!(%error, "the policies cannot be opened anew"),
            }
        }
        self.head = kept;
    }

    /// The rows could not be read during a step: nothing of the running group counts.
    fn cannot_read(&mut self, error: &TablesError) {
        tracing::error!(%error, "the tables cannot be read");
        let kept = self.state.in_sync.as_ref().unwrap_or(&self.durable).clone();
        self.roll_back(kept, &error.to_string());
        self.state.tables_trouble = Some((error.to_string(), Instant::now()));
        // A checkpoint, also one of no rows, opens the tables anew.
        if self.state.frozen_at.is_none() {
            self.freeze();
        }
        self.note_trouble();
    }

    /// Begins a new memory table; the rows so far go to the tables as soon as they are durable.
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
            Checkpointed::Failed(reason, base) => {
                if let Some(base) = base {
                    self.view.base = base;
                }
                self.state.tables_trouble = Some((reason, Instant::now()));
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
        // Also when a bug unwinds this thread: nobody must wait for it for ever.
        let left = self.shared.put(|inbox| {
            inbox.is_closing = true;
            std::iter::from_fn(|| inbox.queue.pop()).collect::<Vec<_>>()
        });
        for job in left {
            (job.done)(Err(SubmitError::ShuttingDown));
        }
    }
}
