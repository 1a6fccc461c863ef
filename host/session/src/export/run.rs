//! Carries out a step for an export: the real one, and the masked one.

use std::io;

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::boundary::policy::Verdict;

use super::decisions;
use super::exporter::Exporter;
use super::host::{ExportHost, ReadRows, Verdicts};
use super::{ExportError, Mask};
use crate::file::format::Step;
use causeway_engine::journal::{self, Digests, Entry, RecordedVerdict, StepOutcome};
use causeway_engine::runtime::{KernelRunner, StepEnd};
use causeway_engine::{CheckedRows, Difference, Kernels, ScratchRows};

/// Keeps the kernel of the last step, which the next step most likely needs as well.
#[derive(Default)]
pub struct Runner(Option<Box<dyn KernelRunner>>);

/// The masked workspace.
pub struct Masked {
    /// Its rows.
    pub rows: ScratchRows,
    /// Its kernel.
    pub runner: Runner,
}

/// The result of a step.
pub struct Ran {
    /// How it ended.
    pub end: StepEnd,
    /// Its questions, with the answers.
    pub asked: Vec<RecordedVerdict>,
    /// Questions without an answer.
    unknown: usize,
    /// Its reads.
    pub reads: Vec<ReadRows>,
}

impl Runner {
    /// Carries out an input without changing the rows.
    fn run(
        &mut self,
        kernels: &Kernels,
        entry: &Entry,
        rows: CheckedRows,
        verdicts: Verdicts<'_>,
        input: &[u8],
    ) -> Result<Ran, ExportError> {
        let mut kernel = match self.0.take() {
            Some(kernel) if kernel.digest() == entry.kernel.0 => kernel,
            _ => kernels
                .open(entry.kernel)
                .map_err(|error| ExportError::Kernel {
                    seq: entry.seq,
                    digest: entry.kernel,
                    error,
                })?,
        };
        let mut host = ExportHost::new(&rows, verdicts);
        let context = StepContext {
            now_ms: entry.time_ms,
            seed: entry.seed,
        };
        let end = kernel.step(&mut host, context, input);
        let ran = Ran {
            end,
            asked: host.asked,
            unknown: host.unknown,
            reads: host.reads,
        };
        rows.finish()?;
        self.0 = Some(kernel);
        Ok(ran)
    }
}

impl<W: io::Write> Exporter<'_, W> {
    /// Carries out the real entry, whose result must be as recorded.
    pub(super) fn run_real(&mut self, recorded: &journal::Recorded) -> Result<Ran, ExportError> {
        let entry = &recorded.entry;
        let expected = match &entry.outcome {
            StepOutcome::Done(expected) => expected,
            StepOutcome::Stopped { kind, detail } => return Ok(stopped(*kind, detail)),
        };
        let verdicts = Verdicts::Recorded(&entry.verdicts);
        let rows = self.source.rows().read();
        let ran = self
            .real
            .run(&self.kernels, entry, rows, verdicts, &recorded.payload)?;
        match &ran.end {
            StepEnd::Done(output) if Digests::of(output) == *expected && ran.unknown == 0 => {
                Ok(ran)
            }
            _ => Err(ExportError::Differs(Difference {
                seq: entry.seq,
                what: "the result differs from the recording".into(),
            })),
        }
    }

    /// Carries out the masked entry, and compares its decisions.
    pub(super) fn run_masked(
        &mut self,
        mask: &Mask,
        recorded: &journal::Recorded,
        input: Option<&Input>,
        real: &Ran,
    ) -> Result<(Step, Vec<ReadRows>), ExportError> {
        let entry = &recorded.entry;
        let seq = entry.seq;
        // An input that cannot be decoded cannot be masked.
        let payload = match input {
            Some(input) => codec::encode_input_like(&mask.input(input), &recorded.payload)
                .map_err(|why| ExportError::Input { seq, why })?,
            None => Vec::new(),
        };
        let (StepEnd::Done(_), Some(masked)) = (&real.end, &mut self.masked) else {
            let step = Step::of(entry, payload, real.end.clone());
            return Ok((step, Vec::new()));
        };
        let verdicts = real
            .asked
            .iter()
            .map(|it| masked_verdict(mask, &it.verdict));
        let verdicts = Verdicts::InOrder(verdicts.collect());
        let rows = masked.rows.read();
        let ran = masked
            .runner
            .run(&self.kernels, entry, rows, verdicts, &payload)?;
        let deviation = deviation(&real.end, &ran);
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
        unknown: 0,
        reads: Vec::new(),
    }
}

fn masked_verdict(mask: &Mask, verdict: &[u8]) -> Vec<u8> {
    match codec::decode_verdict(verdict) {
        Ok(verdict) => codec::encode_verdict(&mask.verdict(&verdict)),
        Err(error) => codec::encode_verdict(&Verdict::Failed(error.to_string())),
    }
}

fn deviation(real: &StepEnd, masked: &Ran) -> Option<String> {
    let unknown = masked.unknown;
    match (real, &masked.end) {
        _ if unknown > 0 => Some(format!("it asks the policies {unknown} more questions")),
        (StepEnd::Done(real), StepEnd::Done(masked)) => decisions::deviation(real, masked),
        (_, StepEnd::Stopped { kind, .. }) => Some(format!("it is stopped: {kind}")),
        (StepEnd::Stopped { .. }, _) => Some("it is not stopped".into()),
    }
}

/// Masks all rows into `masked`.
pub fn mask_rows(
    mask: &Mask,
    rows: &ScratchRows,
    masked: &mut ScratchRows,
) -> Result<(), ExportError> {
    rows.each(|table, key, value| {
        let row = mask.row(table, key, value);
        let (key, value) = row.map_err(|error| ExportError::Mask {
            table: table.name(),
            why: error.to_string(),
        })?;
        let value = Some(value);
        Ok(masked.apply(vec![Write { table, key, value }])?)
    })
}
