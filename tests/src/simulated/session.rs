//! A simulated node's journal as a session file for `causeway replay`.

use std::io;

use causeway_engine::MemoryRows;
use causeway_engine::journal::{Digest, InputKind, RecordedVerdict};
use causeway_engine::runtime::{KernelRunner as _, NativeKernel, StepEnd, StepOutput, StopKind};
use causeway_kernel::boundary::codec;
use causeway_kernel::rows::memory::Tables;
use causeway_session::Writer;
use causeway_session::file::chain::{OutcomeChain, outcome};
use causeway_session::file::format::{
    Contracts, End, EngineSettings, Header, Piece, Selection, Start, Step, Summary,
};
use causeway_sim::journal::Entry;
use causeway_sim::kernel::{Kernel, MakeKernel, Release};
use causeway_sim::policies::{Source, StepHost};

/// Writes a journal as a session from its beginning. A journal holds no outputs, so `make_kernel`
/// executes its steps again.
///
/// # Errors
/// If it cannot be written, or a step is stopped.
pub fn write_session<W: io::Write>(
    out: W,
    workspace: &str,
    journal: &[Entry],
    make_kernel: MakeKernel<'_>,
) -> io::Result<W> {
    let mut writer = Writer::new(out, &header(workspace))?;
    let mut steps = Steps::new(make_kernel);
    let mut chain = OutcomeChain::default();
    let mut rows = MemoryRows::default();
    let mut summary = Summary::default();
    for (seq, entry) in (1..).zip(journal) {
        let step = steps.carry_out(seq, entry)?;
        chain.add(seq, &outcome(&step.end));
        if let StepEnd::Done(output) = &step.end {
            rows.apply(&output.writes);
        }
        summary.add(&step);
        writer.piece(&Piece::Step(Box::new(step)))?;
    }
    writer.piece(&Piece::End(End {
        outcomes: chain.digest(),
        rows: Some(rows.digest()),
    }))?;
    writer.finish(summary)
}

struct Steps<'m> {
    make_kernel: MakeKernel<'m>,
    kernel: Box<dyn Kernel>,
    release: Release,
    rows: Tables,
}

impl<'m> Steps<'m> {
    fn new(make_kernel: MakeKernel<'m>) -> Steps<'m> {
        Steps {
            make_kernel,
            kernel: make_kernel(Release::default()),
            release: Release::default(),
            rows: Tables::default(),
        }
    }

    fn carry_out(&mut self, seq: u64, entry: &Entry) -> io::Result<Step> {
        if entry.release != self.release {
            self.release = entry.release;
            self.kernel = (self.make_kernel)(self.release);
        }
        let host = StepHost::new(&self.rows, Source::Recorded(entry.verdicts.clone()));
        let end = if entry.is_stopped {
            StepEnd::Stopped {
                kind: StopKind::Trap,
                detail: "by the simulator".into(),
            }
        } else {
            let ran = self.kernel.step(&host, entry.context, &entry.input);
            let output =
                ran.map_err(|error| io::Error::other(format!("entry {seq} was stopped: {error}")))?;
            StepEnd::Done(StepOutput {
                reply: output.reply,
                writes: output.writes,
                effects: output.effects,
            })
        };
        let verdicts = host.asked().into_iter().map(|asked| RecordedVerdict {
            question: Digest::of(&asked.question),
            verdict: codec::encode_verdict(&asked.verdict),
        });
        let verdicts = verdicts.collect();
        if let StepEnd::Done(output) = &end {
            self.rows.apply(&output.writes);
        }
        let input = codec::decode_input(&entry.input).map_err(io::Error::other)?;
        Ok(Step {
            seq,
            epoch: 1,
            kernel: kernel_digest(entry.release),
            time_ms: entry.context.now_ms,
            seed: entry.context.seed,
            kind: InputKind::of(&input),
            input: entry.input.clone(),
            verdicts,
            end,
            deviation: None,
        })
    }
}

/// The digest of the native kernel; the next release has only a name.
fn kernel_digest(release: Release) -> Digest {
    match release {
        Release::Today => Digest(NativeKernel.digest()),
        Release::Next => Digest::of(release.digest().as_bytes()),
    }
}

fn header(workspace: &str) -> Header {
    Header {
        causeway: env!("CARGO_PKG_VERSION").into(),
        workspace: workspace.into(),
        exported_at_ms: 0,
        is_masked: false,
        selection: Selection::default(),
        start: Start {
            seq: 0,
            journal: Digest::ZERO,
            rows: Some(MemoryRows::default().digest()),
            kernel: Digest(NativeKernel.digest()),
            policies: String::new(),
        },
        contracts: Contracts::of_this_build(),
        engine: EngineSettings::of_this_build(),
        behaviours: Vec::new(),
    }
}
