//! Replays a session file: carries out its steps again and compares everything they return.
//!
//! The file contains the writes of every step, so the rows before a step are known without carrying
//! out the steps before it. That is why threads can share the steps: one decompresses the file and
//! follows the rows, the others carry out a block of steps at a time, each step over the rows as of
//! its place. If every step gives the recorded result over the recorded rows, then by induction so
//! does the whole session from its start; the first step that does not is the first difference in
//! either case.

mod ahead;
mod history;
mod host;
mod outcomes;
mod rehearsal;
mod worker;

use std::collections::BTreeMap;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use crate::file::codec::{self, View};
use crate::file::limits::Budget;
use crate::file::{SessionError, SessionFile};
use crate::look::difference::{Group, Groups, StepDifference};
use ahead::Ahead;
use causeway_engine::KernelRefusal;
use causeway_engine::journal::Digest;
use causeway_engine::policy::{PolicyChain, PolicyError};
use causeway_engine::runtime::{KernelError, KernelSource};
use history::Follower;
use outcomes::Outcomes;
pub use rehearsal::{Change, Changed, Example, GateRehearsal, Rehearsal};
use worker::{Part, Portion, Replay, Worker, count_change};

/// Maximum blocks read ahead.
const PORTIONS_AHEAD: usize = 64;
/// Interval for checking whether the threads are done.
const LAST_STEPS_INTERVAL: Duration = Duration::from_millis(2);

/// Which kernel carries out the steps.
#[derive(Clone)]
pub enum KernelChoice {
    /// The recorded ones, run by the source's kind of engine.
    Recorded(Arc<dyn KernelSource>),
    /// The source's own, for every step: another build of the kernel, or the native one.
    Candidate(Arc<dyn KernelSource>),
}

/// Creates a chain for each thread of a replay.
pub type ChainSource = Arc<dyn Fn() -> Result<Box<dyn PolicyChain>, PolicyError> + Send + Sync>;

/// Which policies are asked.
#[derive(Clone)]
pub enum Policies {
    /// None: the recorded verdicts are used.
    Recorded,
    /// These decide instead of the recorded ones.
    Live(ChainSource),
    /// These are asked beside the recorded verdicts, which are used; see [`Rehearsal`].
    Rehearse(ChainSource),
}

impl Policies {
    fn source(&self) -> Option<&ChainSource> {
        match self {
            Policies::Recorded => None,
            Policies::Live(source) | Policies::Rehearse(source) => Some(source),
        }
    }
}

/// How a session is replayed.
#[derive(Clone)]
pub struct ReplayOptions {
    /// The kernel.
    pub kernel: KernelChoice,
    /// The policies.
    pub policies: Policies,
    /// Whether to continue after a difference.
    pub all: bool,
    /// The last entry to carry out.
    pub until: Option<u64>,
    /// Threads that share the steps.
    pub threads: usize,
}

impl ReplayOptions {
    /// A replay with the recorded kernels, on every processor, up to the first difference.
    #[must_use]
    pub fn recorded(source: Arc<dyn KernelSource>) -> ReplayOptions {
        ReplayOptions {
            kernel: KernelChoice::Recorded(source),
            policies: Policies::Recorded,
            all: false,
            until: None,
            threads: thread::available_parallelism().map_or(1, usize::from),
        }
    }
}

/// The result of the replay of a session.
#[derive(Clone, Debug, Default)]
pub struct SessionReport {
    /// Steps replayed, including those recorded as stopped.
    pub steps: u64,
    /// The chain of their outcomes; see [`OutcomeChain`](crate::file::chain::OutcomeChain).
    pub outcomes: Digest,
    /// Differences by cause; without [`ReplayOptions::all`] at most the first one.
    pub differences: Vec<Group>,
    /// Verdicts that other policies would have given: (recorded, now), and their number.
    pub verdicts: Vec<((String, String), u64)>,
    /// What the policies of [`Policies::Rehearse`] would have decided.
    pub rehearsal: Rehearsal,
    /// Whether the end of the file confirms the replay: all steps were carried out, and chain and
    /// rows match it.
    pub is_confirmed: bool,
}

/// Why a session cannot be replayed.
#[derive(Debug, thiserror::Error)]
pub enum SessionReplayError {
    /// The file cannot be read.
    #[error(transparent)]
    File(#[from] SessionError),
    /// A kernel is not available.
    #[error("entry {seq} was carried out by kernel {digest}: {error}")]
    Kernel {
        /// The entry.
        seq: u64,
        /// The kernel.
        digest: Digest,
        /// Why it is not available.
        error: KernelError,
    },
    /// The kernel does not know a behaviour under which the session was recorded.
    #[error("at the start of the session, {0}")]
    Refused(#[from] KernelRefusal),
    /// The policies cannot be loaded.
    #[error("the current policies: {0}")]
    Policies(#[from] PolicyError),
    /// A thread of the replay panicked.
    #[error("a thread of the replay ended unexpectedly")]
    Thread,
}

/// Replays a session file; `progress` is called with the number of finished steps.
///
/// # Errors
/// If something cannot be read; a difference is a result, not an error.
pub fn replay_session(
    file: &SessionFile,
    options: &ReplayOptions,
    mut progress: impl FnMut(u64),
) -> Result<SessionReport, SessionReplayError> {
    let threads = options.threads.max(1);
    let memory = Budget::of(file.rows_bytes_max());
    let replay = Replay::new(options, threads, memory.clone());
    let (end, parts) = thread::scope(|scope| {
        let (line, portions) = sync_channel(PORTIONS_AHEAD);
        let portions = Arc::new(Mutex::new(portions));
        let workers: Vec<_> = (0..threads)
            .map(|number| {
                let (replay, portions) = (&replay, Arc::clone(&portions));
                scope.spawn(move || Worker::new(replay, number)?.run(&portions))
            })
            .collect();
        // So that sending fails once every thread has ended.
        drop(portions);
        let end = lead(file, &replay, (line, &memory), || progress(replay.steps()));
        while workers.iter().any(|worker| !worker.is_finished()) {
            thread::park_timeout(LAST_STEPS_INTERVAL);
            progress(replay.steps());
        }
        let parts = workers.into_iter().map(|worker| match worker.join() {
            Ok(part) => part,
            Err(_) => Err(SessionReplayError::Thread),
        });
        let parts = parts.collect::<Result<Vec<Part>, _>>()?;
        Ok::<_, SessionReplayError>((end?, parts))
    })?;
    // Freeing all rows takes as long as some hundred steps, so it is done in the background; if no
    // thread can be started, they are freed here.
    let Replay {
        history, outcomes, ..
    } = replay;
    let _ = thread::Builder::new().spawn(move || drop(history));
    let outcomes = outcomes
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    Ok(report(parts, &outcomes, end, options))
}

/// The end of a session: its chain, and whether the rows match its digest.
struct Ended {
    outcomes: Digest,
    rows_are_right: bool,
}

/// Follows the rows of a session and hands out its blocks; returns its end, if it was reached.
fn lead(
    file: &SessionFile,
    replay: &Replay<'_>,
    (line, memory): (SyncSender<Portion>, &Budget),
    mut progress: impl FnMut(),
) -> Result<Option<Ended>, SessionReplayError> {
    let mut follower = Follower::new(&replay.history);
    let ahead = Arc::new(Ahead::default());
    let mut place = 0;
    let mut end = None;
    for block in file.blocks() {
        let block = block?;
        let first = place;
        let mut bytes = block.bytes() as u64;
        let mut is_over = false;
        for view in block.views() {
            match view? {
                View::Kernel(digest, component) => replay.add_component(digest, component)?,
                View::Rows(rows) => follower.rows(place, rows),
                View::Step(seq, _) if replay.is_over(seq) => {
                    is_over = true;
                    break;
                }
                View::Step(_, step) => {
                    let writes = codec::Rows::of_step(step).ok_or_else(|| block.shapeless())?;
                    bytes += writes.memory_bytes();
                    follower.step(place, writes);
                    place += 1;
                }
                View::End(of) => end = Some(of),
            }
            memory.check()?;
        }
        // After the first difference, workers take no further blocks.
        let portion = Portion {
            block,
            places: first..place,
            _room: ahead.room(bytes),
        };
        let is_sent = line.send(portion).is_ok();
        if !is_sent || is_over || replay.is_decided(place) {
            return Ok(None);
        }
        progress();
    }
    drop(line);
    follower.begin();
    Ok(end.map(|end| Ended {
        outcomes: end.outcomes,
        rows_are_right: end.rows.is_none_or(|rows| rows == replay.history.digest()),
    }))
}

fn report(
    parts: Vec<Part>,
    outcomes: &Outcomes,
    end: Option<Ended>,
    options: &ReplayOptions,
) -> SessionReport {
    let mut groups = Groups::default();
    let mut first: Option<(u64, StepDifference)> = None;
    let mut verdicts: BTreeMap<(String, String), u64> = BTreeMap::new();
    let mut rehearsal = Rehearsal::default();
    for part in parts {
        rehearsal.merge(part.rehearsal);
        groups.merge(part.differences);
        let is_before = |it: &(u64, StepDifference)| first.as_ref().is_none_or(|at| it.0 < at.0);
        if let Some(earlier) = part.first.filter(is_before) {
            first = Some(earlier);
        }
        for (change, count) in part.verdicts {
            count_change(&mut verdicts, change, count);
        }
    }
    if let (false, Some((_, difference))) = (options.all, first) {
        groups = Groups::default();
        groups.add(difference);
    }
    let chain = outcomes.chain.digest();
    let is_end = |end: Ended| end.rows_are_right && end.outcomes == chain;
    SessionReport {
        steps: outcomes.steps,
        outcomes: chain,
        differences: groups.into_list(),
        verdicts: verdicts.into_iter().collect(),
        rehearsal,
        is_confirmed: end.is_some_and(is_end),
    }
}
