//! Carries out again what the journal holds: at the start for what is not in the tables yet, and
//! for a replay from the beginning.

use std::collections::BTreeMap;

use causeway_kernel::boundary::codec::{self, DecodeError};
use causeway_kernel::boundary::env::{LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::boundary::policy::Verdict;
use causeway_kernel::rows::table::Table;

use crate::data_dir::kernels::Kernels;
use crate::journal::{Digest, Digests, InputKind, Outcome, Recorded, RecordedVerdict};
use crate::runtime::{KernelRunner, StepEnd, StepHost, StepOutput, StopKind};
use crate::store::{CheckedRows, Position, TablesError, View};

/// Where the replayed steps leave their rows.
pub struct Replayer {
    /// Where rows are read and written.
    pub view: View,
    /// The last step carried out.
    pub head: Position,
    kernels: Kernels,
    /// The kernel of the last step.
    running: Option<Box<dyn KernelRunner>>,
}

/// Why a replay cannot go on.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    /// A step gives something else than is recorded.
    #[error(transparent)]
    Differs(#[from] Difference),
    /// The rows cannot be read.
    #[error(transparent)]
    Tables(#[from] TablesError),
    /// A kernel that ran cannot be had.
    #[error("entry {seq} was carried out by the kernel {digest}, which cannot be had: {why}")]
    Kernel {
        /// The entry.
        seq: u64,
        /// The kernel.
        digest: Digest,
        /// Why not.
        why: String,
    },
    /// An input that says which policies are in force cannot be read.
    #[error("the input of entry {seq} cannot be read: {why}")]
    Input {
        /// The entry.
        seq: u64,
        /// Why not.
        why: DecodeError,
    },
}

/// The policies that an entry says are in force.
fn chain_of(recorded: &Recorded) -> Result<String, ReplayError> {
    let seq = recorded.entry.seq;
    match codec::decode_input(&recorded.payload) {
        Ok(Input::PolicyChanged { chain, .. }) => Ok(chain),
        Ok(_) => Err(differs(seq, "its input is of another kind".into()).into()),
        Err(why) => Err(ReplayError::Input { seq, why }),
    }
}

/// The first step that gives something else than is recorded.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("entry {seq} differs: {what}")]
pub struct Difference {
    /// The entry.
    pub seq: u64,
    /// What differs.
    pub what: String,
}

impl Replayer {
    /// Goes on from a position, whose rows `view` has.
    #[must_use]
    pub fn new(view: View, head: Position, kernels: Kernels) -> Replayer {
        Replayer {
            view,
            head,
            kernels,
            running: None,
        }
    }

    /// Carries an entry out again and compares what comes of it.
    ///
    /// # Errors
    /// When something else comes of it, or when that cannot be found out.
    pub fn apply(&mut self, recorded: &Recorded) -> Result<(), ReplayError> {
        let writes = self.carry_out(recorded)?;
        // Nobody reads while steps are replayed: no version but the last is needed.
        self.view.fresh.apply(recorded.entry.seq, 0, writes);
        self.advance(recorded)
    }

    /// Carries an entry out again and compares what comes of it; the rows stay as they are. What was
    /// stopped writes none.
    ///
    /// # Errors
    /// When something else comes of it, or when that cannot be found out.
    pub fn carry_out(&mut self, recorded: &Recorded) -> Result<Vec<Write>, ReplayError> {
        let entry = &recorded.entry;
        let Outcome::Done(expected) = &entry.outcome else {
            return Ok(Vec::new());
        };
        let output = self.run(recorded)?;
        compare(entry.seq, expected, &Digests::of(&output))?;
        Ok(output.writes)
    }

    /// Moves on behind an entry whose rows the view has.
    ///
    /// # Errors
    /// When it cannot be told which policies are in force from then on.
    pub fn advance(&mut self, recorded: &Recorded) -> Result<(), ReplayError> {
        let entry = &recorded.entry;
        if entry.kind == InputKind::PolicyChanged && matches!(entry.outcome, Outcome::Done(_)) {
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
    format!("it returned when it was recorded and is stopped now: {kind}: {detail}")
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

/// Rows, and the verdicts that are recorded.
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
