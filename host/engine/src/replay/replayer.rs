//! Replays journal entries: at startup those that are not in the tables yet, and all of them in a
//! full replay.

use std::collections::BTreeMap;

use causeway_kernel::boundary::codec::{self, DecodeError};
use causeway_kernel::boundary::env::{LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::rows::table::Table;

use crate::data_dir::kernels::Kernels;
use crate::journal::{Digest, Digests, InputKind, Recorded, RecordedVerdict, StepOutcome};
use crate::runtime::{KernelRunner, StepEnd, StepHost, StepOutput, StopKind};
use crate::store::{CheckedRows, Position, TablesError, View};

/// Replays entries over the rows of a view.
pub struct Replayer {
    /// The rows.
    pub view: View,
    /// The last step carried out.
    pub head: Position,
    kernels: Kernels,
    /// The kernel of the last step.
    running: Option<Box<dyn KernelRunner>>,
}

/// Why a replay cannot continue.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// The result of a step differs from the recording.
    #[error(transparent)]
    Differs(#[from] Difference),
    /// The rows cannot be read.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// The kernel of an entry is not available.
    #[error("entry {seq} was carried out by kernel {digest}, which is not available: {why}")]
    Kernel {
        /// The entry.
        seq: u64,
        /// The kernel.
        digest: Digest,
        /// Why not.
        why: String,
    },
    /// An input that changes the policies cannot be decoded.
    #[error("the input of entry {seq} cannot be read: {why}")]
    Input {
        /// The entry.
        seq: u64,
        /// Why not.
        why: DecodeError,
    },
}

/// The digest of the policies that an entry puts in force.
fn chain_of(recorded: &Recorded) -> Result<String, ReplayError> {
    let seq = recorded.entry.seq;
    match codec::decode_input(&recorded.payload) {
        Ok(Input::PolicyChanged { chain, .. }) => Ok(chain),
        Ok(_) => Err(differs(seq, "its input is of a different kind".into()).into()),
        Err(why) => Err(ReplayError::Input { seq, why }),
    }
}

/// The first step whose result differs from the recording.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} differs: {what}")]
pub struct Difference {
    /// The entry.
    pub seq: u64,
    /// What differs.
    pub what: String,
}

impl Replayer {
    /// Continues from a position, with the rows of `view` as of it.
    #[must_use]
    pub fn new(view: View, head: Position, kernels: Kernels) -> Replayer {
        Replayer {
            view,
            head,
            kernels,
            running: None,
        }
    }

    /// Carries out an entry again and compares the result.
    ///
    /// # Errors
    /// If the result differs, or cannot be determined.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), ReplayError> {
        let writes = self.carry_out(recorded)?;
        // There are no readers during a replay: only the last version is needed.
        self.view.fresh.apply(recorded.entry.seq, 0, writes);
        self.advance(recorded)
    }

    /// Carries out an entry again and compares the result, without changing the rows. A stopped step
    /// has no writes.
    ///
    /// # Errors
    /// If the result differs, or cannot be determined.
    pub fn carry_out(&mut self, recorded: &Recorded) -> Result<Vec<Write>, ReplayError> {
        let entry = &recorded.entry;
        let StepOutcome::Done(expected) = &entry.outcome else {
            return Ok(Vec::new());
        };
        let output = self.run(recorded)?;
        compare(entry.seq, expected, &Digests::of(&output))?;
        Ok(output.writes)
    }

    /// Advances past an entry whose rows are in the view.
    ///
    /// # Errors
    /// If the policies in force from then on cannot be determined.
    pub fn advance(&mut self, recorded: &Recorded) -> Result<(), ReplayError> {
        let entry = &recorded.entry;
        if entry.kind == InputKind::PolicyChanged && matches!(entry.outcome, StepOutcome::Done(_)) {
            self.head.policies = chain_of(recorded)?;
        }
        self.head.seq = entry.seq;
        self.head.digest = recorded.digest;
        self.head.epoch = entry.epoch;
        self.head.time_ms = entry.time_ms;
        self.head.kernel = entry.kernel;
        Ok(())
    }

    fn run(&mut self, recorded: &Recorded) -> Result<StepOutput, ReplayError> {
        let entry = &recorded.entry;
        let mut kernel = match self.running.take() {
            Some(kernel) if kernel.digest() == entry.kernel.0 => kernel,
            _ => self
                .kernels
                .open(entry.kernel)
                .map_err(|why| ReplayError::Kernel {
                    seq: entry.seq,
                    digest: entry.kernel,
                    why: why.to_string(),
                })?,
        };
        let mut host = ReplayHost::new(&self.view, &entry.verdicts);
        let context = StepContext {
            now_ms: entry.time_ms,
            seed: entry.seed,
        };
        let end = kernel.step(&mut host, context, &recorded.payload);
        let ReplayHost { rows, unknown, .. } = host;
        self.running = Some(kernel);
        rows.finish()?;
        if unknown > 0 {
            return Err(differs(
                entry.seq,
                format!("it asks the policies {unknown} questions that are not recorded"),
            )
            .into());
        }
        match end {
            StepEnd::Done(output) => Ok(output),
            StepEnd::Stopped { kind, detail } => {
                Err(differs(entry.seq, stopped_now(kind, &detail)).into())
            }
        }
    }
}

fn stopped_now(kind: StopKind, detail: &str) -> String {
    format!("it completed when it was recorded, but is stopped now: {kind}: {detail}")
}

fn differs(seq: u64, what: String) -> Difference {
    Difference { seq, what }
}

fn compare(seq: u64, expected: &Digests, found: &Digests) -> Result<(), Difference> {
    let parts = [
        ("reply", expected.reply, found.reply),
        ("writes", expected.writes, found.writes),
        ("effects", expected.effects, found.effects),
    ];
    let different: Vec<String> = parts
        .into_iter()
        .filter(|(_, expected, found)| expected != found)
        .map(|(name, expected, found)| format!("{name} {found:?} instead of {expected:?}"))
        .collect();
    if different.is_empty() {
        return Ok(());
    }
    Err(differs(seq, different.join(", ")))
}

/// The rows, and the recorded verdicts.
struct ReplayHost<'a> {
    rows: CheckedRows,
    verdicts: BTreeMap<Digest, &'a RecordedVerdict>,
    unknown: usize,
}

impl<'a> ReplayHost<'a> {
    fn new(view: &View, verdicts: &'a [RecordedVerdict]) -> ReplayHost<'a> {
        ReplayHost {
            rows: CheckedRows::new(view.clone()),
            verdicts: verdicts.iter().map(|it| (it.question, it)).collect(),
            unknown: 0,
        }
    }
}

impl StepHost for ReplayHost<'_> {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.rows.get_many(table, keys)
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        self.rows.scan(table, range)
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let mut unknown = 0;
        let verdicts = questions
            .iter()
            .map(|question| match self.verdicts.get(&Digest::of(question)) {
                Some(recorded) => recorded.verdict.clone(),
                None => {
                    unknown += 1;
                    codec::encode_verdict(&Verdict::Failed("not recorded".into()))
                }
            })
            .collect();
        self.unknown += unknown;
        verdicts
    }

    fn log(&mut self, _level: LogLevel, _message: String) {}
}
