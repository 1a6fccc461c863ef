//! A thread of a replay: carries out steps and compares the results.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, RecvError};
use std::sync::{Mutex, PoisonError, RwLock};

use causeway_kernel::boundary::env::StepContext;

use super::ahead::Room;
use super::history::History;
use super::host::{Other, SessionHost};
use super::outcomes::Outcomes;
use super::rehearsal::{Rehearsal, verdict_name};
use super::{KernelChoice, Policies, ReplayOptions, SessionReplayError};
use crate::file::chain::{StepDigests, outcome};
use crate::file::codec::{EndView, StepView, View};
use crate::file::limits::{Budget, KERNELS_BYTES_MAX};
use crate::file::{Block, SessionError};
use crate::look::difference::{Groups, StepDifference};
use causeway_engine::check_accepted;
use causeway_engine::journal::Digest;
use causeway_engine::policy::PolicyChain;
use causeway_engine::runtime::{KernelError, KernelRunner, KernelSource, StepEnd};

/// Maximum kinds of changed verdicts counted separately; further ones are counted together.
const VERDICT_CHANGES_MAX: usize = 1_000;

/// The state shared by the threads of a replay.
pub struct Replay<'o> {
    options: &'o ReplayOptions,
    /// The rows.
    pub history: History,
    /// Kernels in the file.
    components: RwLock<BTreeMap<Digest, Vec<u8>>>,
    /// The outcomes of the steps.
    pub outcomes: Mutex<Outcomes>,
    steps: AtomicU64,
    /// The lowest place where a difference or an error was found.
    found: AtomicU64,
}

/// A block and the places of its steps.
pub struct Portion {
    /// The block.
    pub block: Block,
    /// The places.
    pub places: Range<u64>,
    /// Counts the block as read ahead.
    pub _room: Room,
}

/// The results of a thread.
#[derive(Default)]
pub struct Part {
    /// Differences by cause, if all are wanted.
    pub differences: Groups,
    /// The place of the first difference.
    pub first: Option<(u64, StepDifference)>,
    /// How often other policies decide differently.
    pub verdicts: BTreeMap<(String, String), u64>,
    /// What policies would have decided that are only asked.
    pub rehearsal: Rehearsal,
}

impl<'o> Replay<'o> {
    /// The state at the start, for this many threads, with a memory budget for rows.
    pub fn new(options: &'o ReplayOptions, threads: usize, memory: Budget) -> Replay<'o> {
        Replay {
            options,
            history: History::new(threads, memory),
            components: RwLock::default(),
            outcomes: Mutex::default(),
            steps: AtomicU64::new(0),
            found: AtomicU64::new(u64::MAX),
        }
    }

    /// Number of finished steps.
    pub fn steps(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    /// Adds a kernel that later steps may refer to.
    ///
    /// # Errors
    /// If all kernels of the file together exceed [`KERNELS_BYTES_MAX`].
    pub fn add_component(&self, digest: Digest, component: &[u8]) -> Result<(), SessionError> {
        let components = self.components.write();
        let mut components = components.unwrap_or_else(PoisonError::into_inner);
        components.insert(digest, component.to_vec());
        let bytes: usize = components.values().map(Vec::len).sum();
        if bytes as u64 > KERNELS_BYTES_MAX {
            let mib = KERNELS_BYTES_MAX >> 20;
            return Err(SessionError::Kernels { mib });
        }
        Ok(())
    }

    /// Whether an entry is after the last one wanted.
    pub fn is_over(&self, seq: u64) -> bool {
        self.options.until.is_some_and(|until| seq > until)
    }

    /// Whether a step before this place has determined the result of the replay.
    pub fn is_decided(&self, place: u64) -> bool {
        self.found.load(Ordering::Relaxed) < place
    }

    fn decide(&self, place: u64) {
        self.found.fetch_min(place, Ordering::Relaxed);
    }
}

/// A thread of a replay.
pub struct Worker<'s> {
    replay: &'s Replay<'s>,
    number: usize,
    /// The kernel of the last step.
    running: Option<(Digest, Box<dyn KernelRunner>)>,
    other: Option<Box<dyn PolicyChain>>,
    found: Part,
}

impl<'s> Worker<'s> {
    /// The thread with a number.
    ///
    /// # Errors
    /// If the current policies cannot be loaded.
    pub fn new(replay: &'s Replay<'s>, number: usize) -> Result<Worker<'s>, SessionReplayError> {
        let policies = replay.options.policies.source();
        Ok(Worker {
            replay,
            number,
            running: None,
            other: policies.map(|open| open()).transpose()?,
            found: Part::default(),
        })
    }

    /// Carries out portions until the last one has been handed out.
    ///
    /// # Errors
    /// If a step cannot be read, or its kernel is not available.
    pub fn run(mut self, line: &Mutex<Receiver<Portion>>) -> Result<Part, SessionReplayError> {
        let mut ended = Ok(());
        // All portions are taken, even if they are no longer carried out, so that the sender does not
        // block.
        while let Ok(portion) = self.take(line) {
            if ended.is_ok() {
                ended = self.carry_all_out(&portion);
            }
            self.replay.history.rest(self.number);
        }
        ended.map(|()| self.found)
    }

    /// The next portion; an error if there are no more.
    fn take(&self, line: &Mutex<Receiver<Portion>>) -> Result<Portion, RecvError> {
        let line = line.lock().unwrap_or_else(PoisonError::into_inner);
        let portion = line.recv()?;
        self.replay
            .history
            .take(self.number, portion.places.clone());
        Ok(portion)
    }

    fn carry_all_out(&mut self, portion: &Portion) -> Result<(), SessionReplayError> {
        let mut outcomes = Vec::new();
        let ended = self.carry_steps_out(portion, &mut outcomes);
        let all = self.replay.outcomes.lock();
        let mut all = all.unwrap_or_else(PoisonError::into_inner);
        all.add(portion.places.start, outcomes);
        ended
    }

    fn carry_steps_out(
        &mut self,
        portion: &Portion,
        outcomes: &mut Vec<(u64, StepDigests)>,
    ) -> Result<(), SessionReplayError> {
        let mut place = portion.places.start;
        for view in portion.block.views() {
            let View::Step(seq, bytes) = view? else {
                continue;
            };
            if self.replay.is_over(seq) || self.replay.is_decided(place) {
                return Ok(());
            }
            self.replay.history.goes_on(self.number, place);
            let found = match StepView::of(bytes) {
                Some(step) => self.carry_out(place, step),
                None => Err(portion.block.shapeless().into()),
            };
            let found = found.inspect_err(|_| self.replay.decide(place))?;
            // The first difference ends the replay, and the chain before it.
            if self.replay.is_decided(place + 1) {
                return Ok(());
            }
            outcomes.push((seq, outcome(&found)));
            self.replay.steps.fetch_add(1, Ordering::Relaxed);
            place += 1;
        }
        Ok(())
    }

    fn carry_out(&mut self, place: u64, step: StepView<'_>) -> Result<StepEnd, SessionReplayError> {
        if let EndView::Stopped { kind, detail } = &step.end
            && matches!(self.replay.options.kernel, KernelChoice::Recorded(_))
        {
            let (kind, detail) = (*kind, detail.clone());
            return Ok(StepEnd::Stopped { kind, detail });
        }
        let mut kernel = self.kernel(place, &step)?;
        let mut changed = Vec::new();
        let place_of_step = (step.head.seq, step.head.time_ms);
        let other = self.other.as_deref_mut().map(|chain| {
            chain.begin_step();
            match self.replay.options.policies {
                Policies::Rehearse(_) => {
                    Other::Rehearse(chain, &mut self.found.rehearsal, place_of_step)
                }
                Policies::Recorded | Policies::Live(_) => Other::Decide(chain, &mut changed),
            }
        });
        let rows = self.replay.history.as_of(place);
        let mut host = SessionHost::new(rows, &step.head.verdicts, other);
        let context = StepContext {
            now_ms: step.head.time_ms,
            seed: step.head.seed,
        };
        let found = kernel.step(&mut host, context, step.input);
        let unknown = host.unknown;
        let digest = kernel.digest();
        self.running = Some((Digest(digest), kernel));
        for (recorded, now) in changed {
            let change = (verdict_name(&recorded), verdict_name(&now));
            count_change(&mut self.found.verdicts, change, 1);
        }
        if unknown > 0 || !step.end.is(&found) {
            self.note_difference(place, step, &found, unknown);
        }
        Ok(found)
    }

    fn note_difference(&mut self, place: u64, step: StepView<'_>, found: &StepEnd, unknown: usize) {
        let is_same = step.end.is(found);
        let step = step.step();
        let difference = if is_same {
            let asked = format!("{unknown} that are not recorded");
            StepDifference::about(&step, "questions to the policies", "none of these", &asked)
        } else {
            StepDifference::new(&step, found)
        };
        if self.found.first.is_none() {
            self.found.first = Some((place, difference.clone()));
        }
        if self.replay.options.all {
            self.found.differences.add(difference);
        } else {
            self.replay.decide(place);
        }
    }

    fn kernel(
        &mut self,
        place: u64,
        step: &StepView<'_>,
    ) -> Result<Box<dyn KernelRunner>, SessionReplayError> {
        let error = |error| SessionReplayError::Kernel {
            seq: step.head.seq,
            digest: step.head.kernel,
            error,
        };
        match &self.replay.options.kernel {
            KernelChoice::Candidate(source) => match self.running.take() {
                Some((_, kernel)) => Ok(kernel),
                None => {
                    let mut kernel = source.open().map_err(error)?;
                    let mut host = SessionHost::new(self.replay.history.as_of(place), &[], None);
                    check_accepted(kernel.as_mut(), &mut host, step.head.time_ms)?;
                    Ok(kernel)
                }
            },
            KernelChoice::Recorded(source) => match self.running.take() {
                Some((digest, kernel)) if digest == step.head.kernel => Ok(kernel),
                _ => self
                    .recorded_kernel(source.as_ref(), step.head.kernel)
                    .map_err(error),
            },
        }
    }

    /// The source's own kernel if it has this digest, else the one in the session.
    fn recorded_kernel(
        &self,
        source: &dyn KernelSource,
        digest: Digest,
    ) -> Result<Box<dyn KernelRunner>, KernelError> {
        let own = source.open()?;
        if own.digest() == digest.0 {
            return Ok(own);
        }
        let components = self.replay.components.read();
        let components = components.unwrap_or_else(PoisonError::into_inner);
        let Some(component) = components.get(&digest) else {
            return Err(KernelError("the session does not contain it".into()));
        };
        let kernel = source.open_component(component)?;
        if kernel.digest() == digest.0 {
            Ok(kernel)
        } else {
            Err(KernelError("the session contains a different one".into()))
        }
    }
}

/// Counts a change of verdicts.
pub fn count_change(
    changes: &mut BTreeMap<(String, String), u64>,
    change: (String, String),
    number: u64,
) {
    let is_counted = changes.len() < VERDICT_CHANGES_MAX || changes.contains_key(&change);
    let change = if is_counted {
        change
    } else {
        ("another".into(), "another".into())
    };
    *changes.entry(change).or_default() += number;
}
