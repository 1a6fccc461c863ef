//! Successive releases in one data directory: an older release does not undo the decisions of a
//! newer one.

use std::path::Path;
use std::sync::Arc;

use causeway_engine::runtime::{
    KernelError, KernelRunner, KernelSource, NativeKernel, StepEnd, StepHost,
};
use causeway_engine::{Engine, EngineOptions, OpenError};
use causeway_kernel::boundary::behaviour::{Behaviour, InForce, in_force};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Scan, StepContext};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Record;

use crate::support::workspace::{all_rows, copy_folder, new_workspace, options, post};

/// The kernel of a release that knows the present behaviours, and also the one with this number.
struct Release {
    also_knows: Option<u32>,
    bytes: Vec<u8>,
}

impl Release {
    fn of(bytes: &[u8]) -> Release {
        let number = std::str::from_utf8(bytes).unwrap().parse().ok();
        Release {
            also_knows: number,
            bytes: bytes.to_vec(),
        }
    }
}

const OLDER: &[u8] = b"the older release";
const NEWER: &[u8] = b"77";

impl KernelSource for Release {
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(Release::of(&self.bytes)))
    }

    fn component(&self) -> Option<&[u8]> {
        Some(&self.bytes)
    }

    fn open_component(&self, component: &[u8]) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(Release::of(component)))
    }
}

impl KernelRunner for Release {
    fn digest(&self) -> [u8; 32] {
        *blake3::hash(&self.bytes).as_bytes()
    }

    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd {
        let Some(number) = self.also_knows else {
            return NativeKernel.step(host, context, input);
        };
        let own_key = key::encode(&number);
        let is_new = host.get_many(Table::Behaviours, std::slice::from_ref(&own_key)) == [None];
        let mut others = WithoutRow(host, &own_key);
        let mut end = NativeKernel.step(&mut others, context, input);
        let adopts = matches!(
            codec::decode_input(input),
            Ok(Input::Genesis(_) | Input::Resume | Input::KernelChanged { .. })
        );
        if let (StepEnd::Done(output), true) = (&mut end, adopts && is_new) {
            let since_ms = context.now_ms;
            output.writes.push(Write {
                table: Table::Behaviours,
                key: own_key,
                value: Some(InForce { since_ms }.to_bytes()),
            });
        }
        end
    }
}

/// Hides the row of a behaviour that the kernel of this build does not know.
struct WithoutRow<'a>(&'a mut dyn StepHost, &'a [u8]);

impl StepHost for WithoutRow<'_> {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.0.get_many(table, keys)
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        let mut scan = self.0.scan(table, range);
        scan.rows
            .retain(|(key, _)| table != Table::Behaviours || key != self.1);
        scan
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        self.0.ask(questions)
    }

    fn log(&mut self, level: LogLevel, message: String) {
        self.0.log(level, message);
    }
}

fn release(folder: &Path, bytes: &[u8]) -> EngineOptions {
    EngineOptions {
        kernel: Arc::new(Release::of(bytes)),
        ..options(folder)
    }
}

fn numbers(engine: &Engine) -> Vec<u32> {
    let rows = in_force(&engine.snapshot());
    rows.into_iter().map(|(number, _)| number).collect()
}

fn refusal(folder: &Path) -> String {
    match Engine::open(release(folder, OLDER)) {
        Err(error @ OpenError::Refused(_)) => error.to_string(),
        Err(other) => panic!("another error: {other}"),
        Ok(_) => panic!("an older release went on with it"),
    }
}

#[tokio::test]
async fn a_release_refuses_what_a_newer_one_decided_by_and_leaves_it_whole() {
    let (folder, cut) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let (engine, _effects) = new_workspace(release(folder.path(), OLDER)).await;
    let known: Vec<u32> = Behaviour::ALL.iter().map(|it| it.number()).collect();
    assert_eq!(numbers(&engine), known);
    engine.shutdown().await;

    let (engine, _effects) = Engine::open(release(folder.path(), NEWER)).unwrap();
    assert_eq!(numbers(&engine), [known, vec![77]].concat());
    post(&engine, "by the newer release", None).await;
    let rows = all_rows(&engine.snapshot());
    // A power cut: the number is in the journal only, not in the tables yet.
    copy_folder(folder.path(), cut.path());
    engine.shutdown().await;

    for folder in [folder.path(), cut.path()] {
        for _ in 0..2 {
            let said = refusal(folder);
            assert!(said.contains("does not know: 77."), "{said}");
            assert!(said.contains("newer"), "{said}");
        }
    }
    let (engine, _effects) = Engine::open(release(folder.path(), NEWER)).unwrap();
    assert_eq!(all_rows(&engine.snapshot()), rows, "nothing was changed");
    assert_eq!(engine.status().steps, 0, "nor carried out");
    engine.shutdown().await;
    let (scratch, kernel) = (tempfile::tempdir().unwrap(), Arc::new(Release::of(OLDER)));
    let report = causeway_engine::replay(folder.path(), scratch.path(), kernel, |_| {}).unwrap();
    assert_eq!(report.difference, None, "each entry by the kernel that ran");
}
