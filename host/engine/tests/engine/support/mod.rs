//! Helpers shared by the tests of kernels and policies: tables in memory, and running steps.

pub mod clock;
pub mod disk;
pub mod script;
pub mod workspace;

use std::path::{Path, PathBuf};

use causeway_engine::policy::{POLICIES_AT_ONCE, POLICY_MEMORY_MAX};
use causeway_engine::runtime::{KernelRunner, Sandbox, StepEnd, StepHost, StepOutput};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::input::Input;
use causeway_kernel::rows::memory;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::testing::MemoryHost;

fn cache() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("engine-cache")
}

/// A sandbox with a persistent cache: compiling the kernel takes seconds.
pub fn sandbox() -> Sandbox {
    Sandbox::new(Some(&cache())).unwrap()
}

/// A sandbox for policies, as the service has one.
pub fn policies_sandbox() -> Sandbox {
    Sandbox::pooled(POLICIES_AT_ONCE, POLICY_MEMORY_MAX, Some(&cache())).unwrap()
}

/// Tables in memory, as a step's host.
#[derive(Default)]
pub struct Tables {
    /// The rows.
    pub memory: MemoryHost,
    /// The log lines.
    pub lines: Vec<(LogLevel, String)>,
    steps: u8,
}

impl StepHost for Tables {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.memory.get_many(table, keys)
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        self.memory.scan(table, range)
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let allow = codec::encode_verdict(&causeway_kernel::boundary::policy::Verdict::Allow);
        vec![allow; questions.len()]
    }

    fn log(&mut self, level: LogLevel, message: String) {
        self.lines.push((level, message));
    }
}

impl Tables {
    /// Carries out an input and applies its writes.
    pub fn run(&mut self, kernel: &mut dyn KernelRunner, input: &Input) -> StepOutput {
        self.steps = self.steps.wrapping_add(1);
        let context = context(self.steps);
        match kernel.step(self, context, &codec::encode_input(input)) {
            StepEnd::Done(output) => {
                self.memory.apply(&output.writes);
                output
            }
            StepEnd::Stopped { kind, detail } => panic!("{kind}: {detail}"),
        }
    }

    /// Every row.
    pub fn rows(&self) -> &memory::Tables {
        &self.memory.tables
    }
}

/// The context of the n-th step.
pub fn context(step: u8) -> StepContext {
    StepContext {
        now_ms: 1_700_000_000_000 + i64::from(step),
        seed: [step; 16],
    }
}
