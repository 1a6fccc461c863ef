//! The engine's runners as kernels of the simulator.

use std::path::Path;

use causeway_engine::runtime::{
    ComponentOptions, ComponentSource, KernelRunner, KernelSource, Sandbox, SandboxError, StepEnd,
    StepHost,
};
use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, LogLevel, Range, Scan, StepContext};
use causeway_kernel::boundary::policy::Question;
use causeway_kernel::rows::table::Table;
use causeway_sim::kernel::{Kernel, Release, StepBytes};
use causeway_sim::next::Next;

/// The component of this build, compiled once into the folder `cache`.
///
/// # Errors
/// If the folder cannot be used.
pub fn component(cache: &Path) -> Result<ComponentSource, SandboxError> {
    let sandbox = Sandbox::new(Some(cache))?;
    let options = ComponentOptions::default();
    Ok(ComponentSource::embedded(sandbox, options))
}

/// Creates the simulator's kernels from a source. The next release is the same kernel with other
/// habits.
///
/// # Panics
/// If a kernel cannot be opened: then there is nothing to simulate.
pub fn runners(source: impl KernelSource) -> impl Fn(Release) -> Box<dyn Kernel> + Sync {
    move |release| {
        let runner = source.open().expect("the kernel can be opened");
        let kernel = Box::new(Runner(runner));
        match release {
            Release::Today => kernel,
            Release::Next => Box::new(Next(kernel)),
        }
    }
}

struct Runner(Box<dyn KernelRunner>);

impl Kernel for Runner {
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String> {
        match self.0.step(&mut Bridge(host), context, input) {
            StepEnd::Done(output) => Ok(StepBytes {
                reply: output.reply,
                writes: output.writes,
                effects: output.effects,
            }),
            StepEnd::Stopped { kind, detail } => Err(format!("{kind}: {detail}")),
        }
    }
}

/// Presents the simulator's host as the engine's.
struct Bridge<'h>(&'h dyn Host);

impl StepHost for Bridge<'_> {
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.0.get_many(table, keys)
    }

    fn scan(&mut self, table: Table, range: &Range) -> Scan {
        self.0.scan(table, range)
    }

    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>> {
        let decoded: Vec<Question<'_>> = questions
            .iter()
            .map(|question| codec::decode_question(question))
            .collect::<Result<_, _>>()
            .expect("the kernel of this build asks what it knows");
        let verdicts = self.0.ask(&decoded);
        verdicts.iter().map(codec::encode_verdict).collect()
    }

    fn log(&mut self, level: LogLevel, message: String) {
        self.0.log(level, message);
    }
}
