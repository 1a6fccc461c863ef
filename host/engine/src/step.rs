//! One step: runs the kernel on the rows and the policies, and writes the entry that records it.

use causeway_kernel::boundary::codec::{self, DecodeError};
use causeway_kernel::boundary::env::{LogLevel, Range, Scan, StepContext};
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::table::Table;

use crate::journal::entry::{PAYLOAD_KEY_BYTES, encode_record, payload_digest};
use crate::journal::{Digest, Digests, Entry, InputKind, RecordedVerdict, StepOutcome};
use crate::policy::PolicyChain;
use crate::runtime::{KernelRunner, StepEnd, StepHost};
use crate::store::{Position, TablesError, View};

/// What a step reads: the newest rows, and the policies in force.
pub struct LiveHost<'a> {
    view: &'a View,
    chain: &'a mut dyn PolicyChain,
    verdicts: Vec<RecordedVerdict>,
    /// Number of rows read.
    rows: u64,
    failed: Option<TablesError>,
}

impl<'a> LiveHost<'a> {
    /// A host for one step.
    pub fn new(view: &'a View, chain: &'a mut dyn PolicyChain) -> LiveHost<'a> {
        chain.begin_step();
        LiveHost {
            view,
            chain,
            verdicts: Vec::new(),
            rows: 0,
            failed: None,
        }
    }

    fn reads(&mut self, rows: usize) {
        self.rows = self.rows.saturating_add(rows as u64);
    }

    /// The verdicts of the policies, if the rows could be read; otherwise the step is void.
    pub fn finish(self) -> Result<Vec<RecordedVerdict>, TablesError> {
        match self.failed {
            Some(error) => Err(error),
            None => Ok(self.verdicts),
        }
    }

    fn note<T: Default>(&mut self, read: Result<T, TablesError>) -> T {
        read.unwrap_or_else(|error| {
            self.failed.get_or_insert(error);
            T::default()
        })
    }
}

impl StepHost for LiveHost<'_> {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.reads(keys.len());
        let read = self.view.get_many(u64::MAX, table, keys);
        let mut values = self.note(read);
        values.resize(keys.len(), None);
        values
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        let read = self.view.scan(u64::MAX, table, range);
        let scan = self.note(read);
        self.reads(scan.rows.len() + 1);
        scan
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut known: Vec<Question<'_>> = Vec::with_capacity(questions.len());
        let mut read = |bytes| codec::decode_question(bytes).map(|it| known.push(it));
        let unknown: Vec<Option<DecodeError>> =
            questions.iter().map(|bytes| read(bytes).err()).collect();
        let mut answers = self.chain.ask(&known).into_iter();
        let answer = |unknown: Option<DecodeError>| {
            let verdict = match unknown {
                None => answers.next(),
                // A kernel may ask a question for which this build has no gate: it then fails.
                Some(error) => {
                    let why = format!("the question is not known here: {error}");
                    Some(Verdict::Failed(why))
                }
            };
            let none = || Verdict::Failed("there is no answer".into());
            codec::encode_verdict(&verdict.unwrap_or_else(none))
        };
        let verdicts: Vec<Vec<u8>> = unknown.into_iter().map(answer).collect();
        for (question, verdict) in questions.iter().zip(&verdicts) {
            self.verdicts.push(RecordedVerdict {
                question: Digest::of(question),
                verdict: verdict.clone(),
            });
        }
        verdicts
    }

    fn log(&mut self, level: LogLevel, message: String) {
        log(level, &message);
    }
}

/// Logs a line of the kernel.
pub fn log(level: LogLevel, message: &str) {
    match level {
        LogLevel::Debug => tracing::debug!(target: "causeway::kernel", "{message}"),
        LogLevel::Info => tracing::info!(target: "causeway::kernel", "{message}"),
        LogLevel::Warn => tracing::warn!(target: "causeway::kernel", "{message}"),
    }
}

/// What is fixed for a step before it runs.
pub struct Stamp {
    /// Time and seed.
    pub context: StepContext,
    /// The payload's key.
    pub payload_key: [u8; PAYLOAD_KEY_BYTES],
}

/// A step that was carried out.
pub struct CarriedOut {
    /// How it ended.
    pub end: StepEnd,
    /// The verdicts of the policies.
    pub verdicts: Vec<RecordedVerdict>,
    /// What it cost, in units of fuel.
    pub cost: u64,
}

/// Cost of every step in addition to the kernel's fuel: its entry, its share of a sync.
const STEP_COST: u64 = 50_000;
/// Cost of each row that the engine reads for a step.
const ROW_COST: u64 = 2_000;

/// Carries out an input against the newest rows.
///
/// # Errors
/// If the rows could not be read; the step's result is unknown then.
pub fn carry_out(
    kernel: &mut dyn KernelRunner,
    view: &View,
    chain: &mut dyn PolicyChain,
    context: StepContext,
    payload: &[u8],
) -> Result<CarriedOut, TablesError> {
    let mut host = LiveHost::new(view, chain);
    let end = kernel.step(&mut host, context, payload);
    let rows = host.rows.saturating_mul(ROW_COST);
    let fuel = kernel.fuel_used().unwrap_or(0) + host.chain.fuel_used();
    let cost = rows.saturating_add(STEP_COST + fuel);
    let verdicts = host.finish()?;
    Ok(CarriedOut {
        end,
        verdicts,
        cost,
    })
}

/// Appends the entry of a step to a group's records and advances the head.
pub fn record(
    records: &mut Vec<u8>,
    head: &mut Position,
    kind: InputKind,
    stamp: &Stamp,
    payload: &[u8],
    done: &CarriedOut,
) {
    let outcome = match &done.end {
        StepEnd::Done(output) => StepOutcome::Done(Digests::of(output)),
        StepEnd::Stopped { kind, detail } => StepOutcome::Stopped {
            kind: *kind,
            detail: detail.clone(),
        },
    };
    let entry = Entry {
        seq: head.seq + 1,
        previous: head.digest,
        epoch: head.epoch,
        kernel: head.kernel,
        time_ms: stamp.context.now_ms,
        seed: stamp.context.seed,
        kind,
        payload: payload_digest(&stamp.payload_key, payload),
        verdicts: done.verdicts.clone(),
        outcome,
    };
    head.digest = encode_record(records, &entry, &stamp.payload_key, payload);
    head.seq = entry.seq;
    head.time_ms = entry.time_ms;
}
