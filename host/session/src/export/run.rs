//! Carries a step out for an export: as it was, and masked.

use std::io;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::policy::Verdict;

use super::decisions;
use super::host::{ExportHost, ReadRows, Verdicts};
use super::session::Session;
use super::{ExportError, Mask};
use crate::file::format::Step;
use causeway_engine::Difference;
use causeway_engine::Kernels;
use causeway_engine::MemoryRows;
use causeway_engine::journal::{self, Digests, Entry, Outcome, RecordedVerdict};
use causeway_engine::runtime::{KernelRunner, StepEnd};

/// Rows, and the kernel that runs over them.
#[derive(Default)]
pub struct World {
    /// The rows.
    pub rows: MemoryRows,
    /// The kernel of the last step.
    running: Option<Box<dyn KernelRunner>>,
}

/// What a step gave.
pub struct Ran {
    /// What it returned.
    pub end: StepEnd,
    /// What it asked, with the answers.
    pub asked: Vec<RecordedVerdict>,
    /// What it read.
    pub reads: Vec<ReadRows>,
}

impl World {
    /// Over rows.
    pub fn new(rows: MemoryRows) -> World {
        World {
            rows,
            running: None,
        }
    }

    /// Carries an input out; the rows stay as they are.
    fn run(
        &mut self,
        kernels: &Kernels,
        entry: &Entry,
        verdicts: Verdicts<'_>,
        input: &[u8],
    ) -> Result<(Ran, usize), ExportError> {
        let mut kernel = match self.running.take() {
            Some(kernel) if kernel.digest() == entry.kernel.0 => kernel,
            _ => kernels
                .open(entry.kernel)
                .map_err(|error| ExportError::Kernel {
                    seq: entry.seq,
                    digest: entry.kernel,
                    error,
                })?,
        };
        let mut host = ExportHost::new(&self.rows, verdicts);
        let context = StepContext {
            now_ms: entry.time_ms,
            seed: entry.seed,
        };
        let end = kernel.step(&mut host, context, input);
        let ran = Ran {
            end,
            asked: host.asked,
            reads: host.reads,
        };
        self.running = Some(kernel);
        Ok((ran, host.unknown))
    }
}

impl<W: io::Write> Session<'_, W> {
    /// Carries an entry out as it was; it has to give what is recorded.
    pub(super) fn run_real(&mut self, recorded: &journal::Recorded) -> Result<Ran, ExportError> {
        let entry = &recorded.entry;
        let expected = match &entry.outcome {
            Outcome::Done(expected) => expected,
            Outcome::Stopped { kind, detail } => return Ok(stopped(*kind, detail)),
        };
        let verdicts = Verdicts::Recorded(&entry.verdicts);
        let (ran, unknown) = self
            .real
            .run(&self.kernels, entry, verdicts, &recorded.payload)?;
        match &ran.end {
            StepEnd::Done(output) if Digests::of(output) == *expected && unknown == 0 => Ok(ran),
            _ => Err(ExportError::Differs(Difference {
                seq: entry.seq,
                what: "it gives something else than is recorded".into(),
            })),
        }
    }

    /// Carries an entry out masked, and compares what it decides.
    pub(super) fn run_masked(
        &mut self,
        mask: &Mask,
        recorded: &journal::Recorded,
        input: Option<&Input>,
        real: &Ran,
    ) -> Result<(Step, Vec<ReadRows>), ExportError> {
        let entry = &recorded.entry;
        let seq = entry.seq;
        // What cannot be read cannot be masked.
        let payload = match input {
            Some(input) => codec::encode_input_like(&mask.input(input), &recorded.payload)
                .map_err(|why| ExportError::Input { seq, why })?,
            None => Vec::new(),
        };
        if let (StepEnd::Stopped { .. }, _) | (_, None) = (&real.end, &self.masked) {
            let step = Step::of(entry, payload, real.end.clone());
            return Ok((step, Vec::new()));
        }
        let verdicts = real
            .asked
            .iter()
            .map(|it| masked_verdict(mask, &it.verdict));
        let verdicts = Verdicts::InOrder(verdicts.collect());
        let kernels = self.kernels.clone();
        let mut world = self.masked.take().unwrap_or_default();
        let ran = world.run(&kernels, entry, verdicts, &payload);
        self.masked = Some(world);
        let (ran, unknown) = ran?;
        let deviation = deviation(&real.end, &ran.end, unknown);
        let step = Step {
            verdicts: ran.asked,
            deviation,
            ..Step::of(entry, payload, ran.end)
        };
        Ok((step, ran.reads))
    }
}

fn stopped(kind: causeway_engine::runtime::StopKind, detail: &str) -> Ran {
    Ran {
        end: StepEnd::Stopped {
            kind,
            detail: detail.into(),
        },
        asked: Vec::new(),
        reads: Vec::new(),
    }
}

fn masked_verdict(mask: &Mask, verdict: &[u8]) -> Vec<u8> {
    match codec::decode_verdict(verdict) {
        Ok(verdict) => codec::encode_verdict(&mask.verdict(&verdict)),
        Err(error) => codec::encode_verdict(&Verdict::Failed(error.to_string())),
    }
}

fn deviation(real: &StepEnd, masked: &StepEnd, unknown: usize) -> Option<String> {
    match (real, masked) {
        _ if unknown > 0 => Some(format!("it asks the policies {unknown} more questions")),
        (StepEnd::Done(real), StepEnd::Done(masked)) => decisions::deviation(real, masked),
        (_, StepEnd::Stopped { kind, .. }) => Some(format!("it is stopped: {kind}")),
        (StepEnd::Stopped { .. }, _) => Some("it is not stopped".into()),
    }
}

/// All rows under a mask.
pub fn mask_rows(mask: &Mask, rows: &MemoryRows) -> Result<MemoryRows, ExportError> {
    let mut masked = MemoryRows::default();
    for (table, key, value) in rows.all() {
        let (key, value) = mask
            .row(table, key, value)
            .map_err(|error| ExportError::Mask {
                table: table.name(),
                why: error.to_string(),
            })?;
        masked.put(table, &key, Some(&value));
    }
    Ok(masked)
}
