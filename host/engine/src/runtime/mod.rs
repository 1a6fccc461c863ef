//! Running steps: the interface between the engine and the kernel, which is a WebAssembly component
//! in the service and native Rust in tests and tools.

pub(crate) mod acceptance;

mod cache;
pub(crate) mod compiler_limits;
mod component;
mod current_host;
mod native;
mod pool;
pub(crate) mod sandbox;

pub use component::{
    ComponentOptions, ComponentSource, EMBEDDED_KERNEL, KERNEL_MEMORY_KEPT_MAX, KERNEL_WORLD,
    STEP_FUEL, STEP_MEMORY_MAX,
};
pub use native::{NativeKernel, NativeSource};
pub use sandbox::{Sandbox, SandboxError, cache_dir};

use std::fmt;

use causeway_kernel::boundary::env::{LogLevel, Range, Scan, StepContext};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::rows::table::Table;
use serde::{Deserialize, Serialize};

/// How a step ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepEnd {
    /// It returned.
    Done(StepOutput),
    /// It was stopped; none of its writes exist.
    Stopped {
        /// The cause.
        kind: StopKind,
        /// For the operator; never contains content.
        detail: String,
    },
}

/// What a step returned, encoded as its digests cover it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct StepOutput {
    /// The reply, by [`causeway_kernel::boundary::codec`].
    pub reply: Vec<u8>,
    /// Rows to put or delete, in ascending order of (table, key), each key once.
    pub writes: Vec<Write>,
    /// The effects in order, each by [`causeway_kernel::boundary::codec`].
    pub effects: Vec<Vec<u8>>,
}

/// Why a step was stopped. Recorded as the step's outcome; a replay does not run it again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StopKind {
    /// The component trapped.
    Trap,
    /// The step's fuel was used up.
    Fuel,
    /// The memory cap was reached.
    Memory,
    /// A panic in the kernel or in the host's part of the step.
    Panic,
    /// The kernel does not read inputs of this version or shape.
    UnknownInput,
}

impl fmt::Display for StopKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            StopKind::Trap => "trap",
            StopKind::Fuel => "fuel used up",
            StopKind::Memory => "memory cap",
            StopKind::Panic => "panic",
            StopKind::UnknownInput => "unknown input",
        })
    }
}

/// A kernel that can carry out steps.
pub trait KernelRunner: Send {
    /// Identifies the kernel's code.
    fn digest(&self) -> [u8; 32];

    /// Carries out one input (bytes by [`causeway_kernel::boundary::codec`]) against the rows of `host`.
    /// Never panics; a runner that stopped a step is ready for the next one.
    fn step(&mut self, host: &mut dyn StepHost, context: StepContext, input: &[u8]) -> StepEnd;

    /// Bytes of memory that it keeps for the next step.
    fn memory_bytes(&self) -> usize {
        0
    }

    /// Fuel used by the last step, whether it returned or was stopped; `None` if fuel is not counted.
    fn fuel_used(&self) -> Option<u64> {
        None
    }
}

/// What a step may ask of the engine while it runs.
pub trait StepHost {
    /// The values of `keys`, in the same order.
    fn get_many(&mut self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>>;

    /// Rows of a range; see [`causeway_kernel::boundary::env::Rows::scan`].
    fn scan(&mut self, table: Table, range: &Range) -> Scan;

    /// Asks the policies. Questions and verdicts by [`causeway_kernel::boundary::codec`]; one verdict for
    /// each question, in the same order. The engine records them.
    fn ask(&mut self, questions: Vec<Vec<u8>>) -> Vec<Vec<u8>>;

    /// Logs a line for the operator; not covered by any digest.
    fn log(&mut self, level: LogLevel, message: String);
}

/// Opens kernels: one for the engine, one for every replay.
pub trait KernelSource: Send + Sync {
    /// A runner of the current kernel.
    ///
    /// # Errors
    /// If the kernel cannot be compiled or loaded.
    fn open(&self) -> Result<Box<dyn KernelRunner>, KernelError>;

    /// The bytes of that kernel, to be kept in the data directory for replays; `None` for a native
    /// one.
    fn component(&self) -> Option<&[u8]> {
        None
    }

    /// A runner of an older kernel, from the bytes that [`KernelSource::component`] returned then.
    ///
    /// # Errors
    /// If they cannot be compiled or loaded.
    fn open_component(&self, _component: &[u8]) -> Result<Box<dyn KernelRunner>, KernelError> {
        Err(KernelError("this build runs the native kernel only".into()))
    }
}

/// Why a kernel cannot be opened.
#[derive(Debug, thiserror::Error)]
#[error("the kernel cannot be loaded: {0}")]
pub struct KernelError(pub String);
