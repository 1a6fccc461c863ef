//! The kernel as native Rust: for tests, the simulator and tools. The same code as in the component.

use std::any::Any;
use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, LogLevel, Range, Rows, Scan, StepContext};
use causeway_kernel::boundary::output::Output;
use causeway_kernel::boundary::policy::{Question, Verdict};
use causeway_kernel::rows::table::Table;
use causeway_kernel::step;

use super::{KernelError, KernelRunner, KernelSource, StepEnd, StepHost, StepOutput, StopKind};

/// The kernel linked into this binary.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeKernel;

/// Opens [`NativeKernel`]s.
#[derive(Clone, Copy, Debug, Default)]
pub struct NativeSource;

impl KernelSource for NativeSource {
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError> {
        Ok(Box::new(NativeKernel))
    }
}

impl KernelRunner for NativeKernel {
    fn digest(&self) -> [u8; 32] {
        *blake3::hash(concat!("causeway-kernel native ", env!("CARGO_PKG_VERSION")).as_bytes())
            .as_bytes()
    }

    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd {
        let input = match codec::decode_input(input) {
            Ok(input) => input,
            Err(error) => {
                return StepEnd::Stopped {
                    kind: StopKind::UnknownInput,
                    detail: error.to_string(),
                };
            }
        };
        let bridge = Bridge(RefCell::new(host));
        match catch_unwind(AssertUnwindSafe(|| step::step(&bridge, context, &input))) {
            Ok(output) => StepEnd::Done(encode(output)),
            Err(panic) => StepEnd::Stopped {
                kind: StopKind::Panic,
                detail: panic_text(panic.as_ref()),
            },
        }
    }
}

fn encode(output: Output) -> StepOutput {
    StepOutput {
        reply: codec::encode_reply(&output.reply),
        writes: output.writes,
        effects: output.effects.iter().map(codec::encode_effect).collect(),
    }
}

/// The message of a panic.
pub(crate) fn panic_text(panic: &(dyn Any + Send)) -> String {
    panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_string())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a panic without a message".into())
}

/// Adapts the engine's host to the kernel's interface, which reads through a shared reference.
struct Bridge<'a>(RefCell<&'a mut dyn StepHost>);

impl Rows for Bridge<'_> {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.0.borrow_mut().get_many(table, keys)
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        self.0.borrow_mut().scan(table, range)
    }
}

impl Host for Bridge<'_> {
    fn ask(&self, questions: &[Question<'_>]) -> Vec<Verdict> {
        let questions = questions.iter().map(codec::encode_question).collect();
        let verdicts = self.0.borrow_mut().ask(questions);
        verdicts
            .iter()
            .map(|bytes| {
                codec::decode_verdict(bytes)
                    .unwrap_or_else(|error| Verdict::Failed(error.to_string()))
            })
            .collect()
    }

    fn log(&self, level: LogLevel, message: String) {
        self.0.borrow_mut().log(level, message);
    }
}
