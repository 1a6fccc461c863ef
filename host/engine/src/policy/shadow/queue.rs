//! Where the chain hands over what it was asked, and what it answered.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{self, SyncSender, TrySendError};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::policy::{Gate, Gates, Question, Verdict};

use super::super::PolicyChain as _;
use super::super::chain::ComponentChain;
use super::super::slot::Slots;
use super::worker::{self, ShadowChain};

/// Maximum lists of questions that wait for the shadows; further ones are skipped and counted.
const LISTS_MAX: usize = 1_000;

/// Maximum bytes of questions and verdicts that wait for them.
const BYTES_MAX: usize = 16 << 20;

/// What a workspace's policies were asked, for its shadows.
#[derive(Default)]
pub(in crate::policy) struct ShadowQueue {
    worker: Mutex<Option<Arc<Worker>>>,
    /// Held while a shadow's chain answers: a thread that ends may still do so when the next one has begun, and the
    /// pool of instances has room for one such chain.
    turn: Arc<Mutex<()>>,
}

impl ShadowQueue {
    /// Has the shadows of these slots asked from now on, instead of others.
    pub(in crate::policy) fn replace(&self, slots: &Slots) {
        let worker = Worker::of(slots, &self.turn).map(Arc::new);
        *self.worker() = worker;
    }

    fn worker(&self) -> MutexGuard<'_, Option<Arc<Worker>>> {
        self.worker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Hands over a list of questions with the verdicts of a chain. Between a change and its being kept, the chain is
    /// another one than the shadows stand beside: what is asked then is not compared.
    pub(in crate::policy) fn push(
        &self,
        chain: &str,
        step: u64,
        questions: &[Question<'_>],
        verdicts: &[Verdict],
    ) {
        let worker = self.worker().clone();
        if let Some(worker) = worker.filter(|it| it.chain == chain) {
            worker.push(step, questions, verdicts);
        }
    }
}

/// The shadows of one chain, on a thread of their own that ends with it.
struct Worker {
    /// Digest of the chain.
    chain: String,
    /// What to count if a list is not taken, by the gates at which each shadow is compared.
    compared: Vec<worker::Compared>,
    sender: SyncSender<Job>,
    waiting: Arc<Waiting>,
}

/// What waits for the shadows.
#[derive(Default)]
pub(super) struct Waiting {
    pub bytes: AtomicUsize,
    /// Whether nobody wants to know any more.
    pub is_over: AtomicBool,
}

/// A list of questions.
pub(super) struct Job {
    /// Number of the step that asked, to tell it from others.
    pub step: u64,
    pub asked: Vec<Asked>,
    pub bytes: usize,
}

/// A question with its verdict, as they are recorded.
pub(super) struct Asked {
    pub gate: Gate,
    pub question: Vec<u8>,
    pub verdict: Vec<u8>,
}

impl Worker {
    /// `None` = no shadow runs.
    fn of(slots: &Slots, turn: &Arc<Mutex<()>>) -> Option<Worker> {
        let running = slots
            .shadows
            .iter()
            .filter(|it| it.gates() != Gates::default());
        let chains: Vec<ShadowChain> = running
            .map(|shadow| ShadowChain::of(&slots.in_force, shadow))
            .collect();
        if chains.is_empty() {
            return None;
        }
        let (sender, jobs) = mpsc::sync_channel(LISTS_MAX);
        let worker = Worker {
            chain: ComponentChain::new(&slots.in_force).digest(),
            compared: chains.iter().map(|it| it.compared.clone()).collect(),
            sender,
            waiting: Arc::default(),
        };
        let (waiting, turn) = (Arc::clone(&worker.waiting), Arc::clone(turn));
        let thread = thread::Builder::new().name("shadows".into());
        let work = move || worker::work(&jobs, chains, &waiting, &turn);
        if let Err(error) = thread.spawn(work) {
            // Nobody takes the lists then, so all are counted as skipped.
            tracing::warn!(%error, "the shadows of policies are not asked");
        }
        Some(worker)
    }

    fn push(&self, step: u64, questions: &[Question<'_>], verdicts: &[Verdict]) {
        let is_compared = |gate| self.compared.iter().any(|it| it.at(gate));
        let both = questions.iter().zip(verdicts);
        let asked: Vec<Asked> = both
            .filter(|(question, _)| is_compared(question.gate()))
            .map(|(question, verdict)| Asked {
                gate: question.gate(),
                question: codec::encode_question(question),
                verdict: codec::encode_verdict(verdict),
            })
            .collect();
        if asked.is_empty() {
            return;
        }
        let bytes = asked.iter().map(|it| it.question.len() + it.verdict.len());
        let bytes = bytes.sum();
        let job = Job { step, asked, bytes };
        let before = self.waiting.bytes.fetch_add(bytes, Ordering::Relaxed);
        let refused = if before.saturating_add(bytes) > BYTES_MAX {
            Some(job)
        } else {
            match self.sender.try_send(job) {
                Ok(()) => None,
                Err(TrySendError::Full(job) | TrySendError::Disconnected(job)) => Some(job),
            }
        };
        if let Some(job) = refused {
            self.waiting.bytes.fetch_sub(bytes, Ordering::Relaxed);
            self.compared.iter().for_each(|it| it.skip(&job.asked));
        }
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.waiting.is_over.store(true, Ordering::Relaxed);
    }
}
