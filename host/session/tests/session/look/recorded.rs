//! Session files of the story of two workspaces.

use std::collections::VecDeque;
use std::fs::File;
use std::path::Path;

use causeway_engine::journal::{Digest, InputKind, RecordedVerdict};
use causeway_engine::runtime::{StepEnd, StepOutput};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Output;
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::testing::MemoryHost;
use causeway_session::file::format::{
    Contracts, EngineSettings, Header, Piece, Selection, Start, Step, Summary,
};
use causeway_session::mask::Mask;
use causeway_session::{SessionFile, Writer};

use crate::mask::node::{Taken, carry_out};

fn header(is_masked: bool) -> Header {
    Header {
        causeway: "test".into(),
        workspace: "https://alice.example".into(),
        exported_at_ms: 1,
        is_masked,
        selection: Selection::default(),
        start: Start {
            seq: 0,
            journal: Digest::default(),
            rows: None,
            kernel: Digest::default(),
            policies: String::new(),
        },
        contracts: Contracts {
            input: 1,
            reply: 1,
            effect: 1,
            kernel_world: String::new(),
            policy_contract: String::new(),
        },
        engine: EngineSettings {
            step_fuel: 1,
            step_memory_max: 1,
            canonical_nan: true,
            no_relaxed_simd: true,
        },
        behaviours: Vec::new(),
    }
}

/// A step of a session.
pub fn step(seq: u64, taken: &Taken, input: &Input, output: &Output, verdicts: &[Verdict]) -> Step {
    let recorded = |verdict: &Verdict| RecordedVerdict {
        question: Digest::default(),
        verdict: codec::encode_verdict(verdict),
    };
    Step {
        seq,
        epoch: 1,
        kernel: Digest::default(),
        time_ms: taken.now_ms,
        seed: taken.seed,
        kind: InputKind::of(input),
        input: codec::encode_input(input),
        verdicts: verdicts.iter().map(recorded).collect(),
        end: StepEnd::Done(StepOutput {
            reply: codec::encode_reply(&output.reply),
            writes: output.writes.clone(),
            effects: output.effects.iter().map(codec::encode_effect).collect(),
        }),
        deviation: None,
    }
}

/// Writes steps as a session, masked if a mask is given.
pub fn record(path: &Path, steps: &[Taken], mask: Option<&Mask>) -> SessionFile {
    let mut masked = MemoryHost::new();
    let mut of_session = Vec::new();
    for (at, taken) in steps.iter().enumerate() {
        let seq = at as u64 + 1;
        of_session.push(match mask {
            None => step(seq, taken, &taken.input, &taken.output, &taken.verdicts),
            Some(mask) => {
                let input = mask.input(&taken.input);
                let verdicts = taken.verdicts.iter().map(|it| mask.verdict(it));
                let verdicts: Vec<Verdict> = verdicts.collect();
                let mut left = VecDeque::from(verdicts.clone());
                let judge = |_: &Question<'_>| left.pop_front().unwrap();
                let place = (taken.now_ms, taken.seed);
                let (output, _) = carry_out(&mut masked, place, &input, judge);
                step(seq, taken, &input, &output, &verdicts)
            }
        });
    }
    write(path, of_session, mask.is_some())
}

/// Writes a session from the beginning of a workspace.
pub fn write(path: &Path, steps: Vec<Step>, is_masked: bool) -> SessionFile {
    let mut writer = Writer::new(File::create(path).unwrap(), &header(is_masked)).unwrap();
    let summary = Summary {
        steps: steps.len() as u64,
        ..Summary::default()
    };
    for step in steps {
        writer.piece(&Piece::Step(Box::new(step))).unwrap();
    }
    writer.finish(summary).unwrap();
    SessionFile::open(path).unwrap()
}
