//! Replays a session file: carries its steps out again and compares all that they return.
//!
//! The file holds what every step wrote, so the rows before a step are known without carrying out
//! the steps before it. That is why threads can share the steps: one unpacks the file, and each of
//! the others follows all rows, but reads and carries out its part alone. If every step gives what
//! is recorded over the rows that are recorded, then by induction so does the whole session from
//! its start; the first step that does not is the first difference in either way.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};
use std::thread;
use std::time::Duration;

use causeway_kernel::env::StepContext;
use causeway_kernel::policy::Verdict;

use super::block::Block;
use super::chain::{Chain, Outcome, outcome};
use super::codec::{self, SeeRow, View};
use super::difference::{Group, Groups, StepDifference};
use super::format::{End, Step};
use super::host::SessionHost;
use super::reader::{SessionError, SessionFile};
use super::rows::SessionRows;
use crate::acceptance::{KernelRefusal, check_accepted};
use crate::journal::Digest;
use crate::policy::{PolicyChain, PolicyError, PolicyManager};
use crate::runtime::{KernelError, KernelRunner, KernelSource, StepEnd};

/// Steps that a thread carries out in a row before the next thread's begin.
const PORTION: u64 = 4;
/// Blocks that are read ahead of the slowest thread.
const BLOCKS_AHEAD: usize = 8;
/// Pause between two looks whether the threads are done.
const LAST_STEPS_INTERVAL: Duration = Duration::from_millis(2);

/// Which kernel carries the steps out.
#[derive(Clone)]
pub enum KernelChoice {
    /// Those that are recorded, by the source's kind of engine.
    Recorded(Arc<dyn KernelSource>),
    /// The source's own, for every step: another build of the kernel, or the native one.
    Candidate(Arc<dyn KernelSource>),
}

/// How a session is replayed.
#[derive(Clone)]
pub struct ReplayOptions {
    /// The kernel.
    pub kernel: KernelChoice,
    /// Policies to ask in place of the recorded verdicts.
    pub policies: Option<Arc<dyn PolicyManager>>,
    /// Whether to go on behind a difference.
    pub all: bool,
    /// The last entry to carry out.
    pub until: Option<u64>,
    /// Threads that share the steps.
    pub threads: usize,
}

impl ReplayOptions {
    /// A replay with the kernels that are recorded, on every processor, up to the first difference.
    #[must_use]
    pub fn recorded(source: Arc<dyn KernelSource>) -> ReplayOptions {
        ReplayOptions {
            kernel: KernelChoice::Recorded(source),
            policies: None,
            all: false,
            until: None,
            threads: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// What the replay of a session came to.
#[derive(Clone, Debug, Default)]
pub struct SessionReport {
    /// Steps carried out again, those that are recorded as stopped included.
    pub steps: u64,
    /// The chain over what came of them; see [`Chain`].
    pub outcomes: Digest,
    /// Differences by their cause; without [`ReplayOptions::all`] the first one at most.
    pub differences: Vec<Group>,
    /// Verdicts that other policies would have given: (recorded, now) and how many.
    pub verdicts: Vec<((String, String), u64)>,
    /// Whether the end of the file confirms the whole: all its steps were carried out, the chain
    /// and the rows are those that it names.
    pub is_confirmed: bool,
}

/// Why a session cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum SessionReplayError {
    /// The file.
    #[error(transparent)]
    File(#[from] SessionError),
    /// A kernel.
    #[error("entry {seq} was carried out by the kernel {digest}: {error}")]
    Kernel {
        /// The entry.
        seq: u64,
        /// The kernel.
        digest: Digest,
        /// Why it cannot be had.
        error: KernelError,
    },
    /// The kernel does not know a behaviour by which the session was recorded.
    #[error("at the start of the session {0}")]
    Refused(#[from] KernelRefusal),
    /// The policies.
    #[error("the policies of today: {0}")]
    Policies(#[from] PolicyError),
    /// A thread of the replay ended by itself.
    #[error("a thread of the replay ended before its work did")]
    Thread,
}

/// Replays a session file; `progress` hears how many steps are done.
///
/// # Errors
/// When something cannot be read; a difference is a result.
pub fn replay_session(
    file: &SessionFile,
    options: &ReplayOptions,
    mut progress: impl FnMut(u64),
) -> Result<SessionReport, SessionReplayError> {
    let threads = options.threads.max(1);
    let steps = AtomicU64::new(0);
    let parts = thread::scope(|scope| {
        let mut lines = Vec::new();
        let mut workers = Vec::new();
        for part in 0..threads {
            let (line, blocks) = sync_channel(BLOCKS_AHEAD);
            lines.push(line);
            let steps = &steps;
            workers.push(
                scope.spawn(move || Worker::new(options, part, threads, steps)?.run(&blocks)),
            );
        }
        for block in file.blocks() {
            let block = Arc::new(block?);
            // One that has found its first difference hears no more.
            lines.retain(|line| line.send(Arc::clone(&block)).is_ok());
            progress(steps.load(Ordering::Relaxed));
        }
        drop(lines);
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::park_timeout(LAST_STEPS_INTERVAL);
            progress(steps.load(Ordering::Relaxed));
        }
        let ended = workers.into_iter().map(|worker| match worker.join() {
            Ok(part) => part,
            Err(_) => Err(SessionReplayError::Thread),
        });
        ended.collect::<Result<Vec<Part>, _>>()
    })?;
    Ok(report(parts, options))
}

/// What a thread found in its part.
#[derive(Default)]
struct Part {
    /// Outcomes by the place of the step in the session.
    outcomes: Vec<(u64, u64, Outcome)>,
    differences: Groups,
    /// The place of the first difference.
    first: Option<(u64, StepDifference)>,
    verdicts: BTreeMap<(String, String), u64>,
    end: Option<End>,
    /// Whether the rows at the end are those that the file names.
    rows_are_right: bool,
}

fn report(parts: Vec<Part>, options: &ReplayOptions) -> SessionReport {
    let mut outcomes = Vec::new();
    let mut groups = Groups::default();
    let mut first: Option<(u64, StepDifference)> = None;
    let mut verdicts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut end = None;
    let mut rows_are_right = false;
    for part in parts {
        outcomes.extend(part.outcomes);
        groups.merge(part.differences);
        let is_before = |it: &(u64, StepDifference)| first.as_ref().is_none_or(|at| it.0 < at.0);
        if let Some(earlier) = part.first.filter(is_before) {
            first = Some(earlier);
        }
        for (change, count) in part.verdicts {
            *verdicts.entry(change).or_default() += count;
        }
        rows_are_right |= part.rows_are_right;
        end = end.or(part.end);
    }
    outcomes.sort_unstable_by_key(|(place, _, _)| *place);
    if let (false, Some((place, difference))) = (options.all, first) {
        outcomes.retain(|(at, _, _)| *at < place);
        groups = Groups::default();
        groups.add(difference);
    }
    let mut chain = Chain::default();
    for (_, seq, outcome) in &outcomes {
        chain.add(*seq, outcome);
    }
    SessionReport {
        steps: outcomes.len() as u64,
        outcomes: chain.digest(),
        differences: groups.into_list(),
        verdicts: verdicts.into_iter().collect(),
        is_confirmed: rows_are_right && end.is_some_and(|end| end.outcomes == chain.digest()),
    }
}

struct Worker<'s> {
    options: &'s ReplayOptions,
    part: u64,
    parts: u64,
    /// Steps that all threads have done.
    steps: &'s AtomicU64,
    rows: SessionRows,
    components: BTreeMap<Digest, Vec<u8>>,
    /// The kernel of the last step.
    running: Option<(Digest, Box<dyn KernelRunner>)>,
    live: Option<Box<dyn PolicyChain>>,
    /// Steps passed so far.
    place: u64,
    found: Part,
}

impl<'s> Worker<'s> {
    fn new(
        options: &'s ReplayOptions,
        part: usize,
        parts: usize,
        steps: &'s AtomicU64,
    ) -> Result<Worker<'s>, SessionReplayError> {
        let live = options.policies.as_ref().map(|it| it.open()).transpose()?;
        Ok(Worker {
            options,
            part: part as u64,
            parts: parts as u64,
            steps,
            rows: SessionRows::default(),
            components: BTreeMap::new(),
            running: None,
            live,
            place: 0,
            found: Part::default(),
        })
    }

    fn run(mut self, blocks: &Receiver<Arc<Block>>) -> Result<Part, SessionReplayError> {
        for block in blocks {
            for view in block.views() {
                match view? {
                    View::Rows(rows) => self
                        .follow(|see| codec::see_rows(rows, see))
                        .ok_or_else(|| block.shapeless())?,
                    View::Step(seq, step) => {
                        let is_over = self.options.until.is_some_and(|until| seq > until);
                        if is_over || (!self.options.all && self.found.first.is_some()) {
                            return Ok(self.found);
                        }
                        self.pass(&block, step)?;
                    }
                    View::Kernel(digest, component) => {
                        self.components.insert(digest, component.to_vec());
                    }
                    View::End(end) => self.compare_end(&end),
                }
            }
        }
        Ok(self.found)
    }

    /// Carries a step out if it is one of this thread's, and goes on to the rows behind it. Of the
    /// other threads' steps nothing else is read.
    fn pass(&mut self, block: &Block, bytes: &[u8]) -> Result<(), SessionReplayError> {
        let is_mine = (self.place / PORTION) % self.parts == self.part;
        if is_mine {
            let step = codec::decode_step(bytes).ok_or_else(|| block.shapeless())?;
            let found = self.carry_out(&step)?;
            self.found
                .outcomes
                .push((self.place, step.seq, outcome(&found)));
            self.steps.fetch_add(1, Ordering::Relaxed);
        }
        self.follow(|see| codec::see_writes_of(bytes, see))
            .ok_or_else(|| block.shapeless())?;
        self.place += 1;
        Ok(())
    }

    /// Goes on to the rows behind what is seen.
    fn follow(&mut self, see: impl FnOnce(&mut SeeRow<'_>) -> Option<()>) -> Option<()> {
        see(&mut |table, key, value| self.rows.put(table, key, value))
    }

    fn carry_out(&mut self, step: &Step) -> Result<StepEnd, SessionReplayError> {
        let is_stopped = matches!(step.end, StepEnd::Stopped { .. });
        if is_stopped && matches!(self.options.kernel, KernelChoice::Recorded(_)) {
            return Ok(step.end.clone());
        }
        let mut kernel = self.kernel(step)?;
        let live = self.live.as_deref_mut();
        let live = live.map(|it| it as &mut dyn PolicyChain);
        let mut host = SessionHost::new(&self.rows, &step.verdicts, live);
        let context = StepContext {
            now_ms: step.time_ms,
            seed: step.seed,
        };
        let found = kernel.step(&mut host, context, &step.input);
        let (unknown, changed) = (host.unknown, std::mem::take(&mut host.changed));
        let digest = kernel.digest();
        self.running = Some((Digest(digest), kernel));
        for (recorded, now) in changed {
            let change = (verdict_name(&recorded), verdict_name(&now));
            *self.found.verdicts.entry(change).or_default() += 1;
        }
        self.judge(step, &found, unknown);
        Ok(found)
    }

    fn judge(&mut self, step: &Step, found: &StepEnd, unknown: usize) {
        let difference = if *found != step.end {
            StepDifference::new(step, found)
        } else if unknown > 0 {
            let asked = format!("{unknown} that are not recorded");
            StepDifference::about(step, "questions to the policies", "none of these", &asked)
        } else {
            return;
        };
        if self.found.first.is_none() {
            self.found.first = Some((self.place, difference.clone()));
        }
        if self.options.all {
            self.found.differences.add(difference);
        }
    }

    fn kernel(&mut self, step: &Step) -> Result<Box<dyn KernelRunner>, SessionReplayError> {
        let error = |error| SessionReplayError::Kernel {
            seq: step.seq,
            digest: step.kernel,
            error,
        };
        match &self.options.kernel {
            KernelChoice::Candidate(source) => match self.running.take() {
                Some((_, kernel)) => Ok(kernel),
                None => {
                    let mut kernel = source.open().map_err(error)?;
                    let mut host = SessionHost::new(&self.rows, &[], None);
                    check_accepted(kernel.as_mut(), &mut host, step.time_ms)?;
                    Ok(kernel)
                }
            },
            KernelChoice::Recorded(source) => match self.running.take() {
                Some((digest, kernel)) if digest == step.kernel => Ok(kernel),
                _ => self
                    .recorded_kernel(source.as_ref(), step.kernel)
                    .map_err(error),
            },
        }
    }

    /// The source's own kernel if it is the one, else the one that the session holds.
    fn recorded_kernel(
        &self,
        source: &dyn KernelSource,
        digest: Digest,
    ) -> Result<Box<dyn KernelRunner>, KernelError> {
        let own = source.open()?;
        if own.digest() == digest.0 {
            return Ok(own);
        }
        let Some(component) = self.components.get(&digest) else {
            return Err(KernelError("the session does not hold it".into()));
        };
        let kernel = source.open_component(component)?;
        if kernel.digest() == digest.0 {
            Ok(kernel)
        } else {
            Err(KernelError("what the session holds is another one".into()))
        }
    }

    /// All have the same rows at the end; one looks at them.
    fn compare_end(&mut self, end: &End) {
        if self.part == 0 {
            self.found.rows_are_right = end.rows.is_none_or(|rows| rows == self.rows.digest());
            self.found.end = Some(end.clone());
        }
    }
}

fn verdict_name(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Allow => "allow".into(),
        Verdict::Deny(reason) => format!("deny ({reason})"),
        Verdict::Revise(_) => "revise".into(),
        Verdict::Failed(reason) => format!("failed ({reason})"),
    }
}
