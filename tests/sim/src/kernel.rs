//! The interface to the kernel under test: bytes in, bytes out, as between the engine and the
//! component. The native kernel implements it here; the component can, too.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::step;

use crate::next::Next;

/// The output of a step, in the bytes that a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepBytes {
    /// The reply.
    pub reply: Vec<u8>,
    /// Rows to put or delete.
    pub writes: Vec<Write>,
    /// The effects, in order.
    pub effects: Vec<Vec<u8>>,
}

/// Executes steps.
pub trait Kernel {
    /// Executes one input, encoded by [`causeway_kernel::boundary::codec`].
    ///
    /// # Errors
    /// If the step was stopped; the text says by what.
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String>;

    /// A defect of the host around it, to test the checkers.
    fn host_flaw(&self) -> Option<HostFlaw> {
        None
    }
}

/// A defect of a host.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFlaw {
    /// Half of the writes of a stopped step are kept.
    KeepsHalfTheWrites,
    /// A frame that stops the kernel is answered as if it had not, and nothing of it is carried out.
    LosesTheFrame,
    /// The answer of any host of a peer counts, even that of one that the workspace does not know.
    TakesAnyHost,
}

/// Which of two kernels a node runs: a federation is never all of one release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// The one under test.
    #[default]
    Today,
    /// One that comes after it.
    Next,
}

impl Release {
    /// Stands for its digest in an input.
    #[must_use]
    pub fn digest(self) -> &'static str {
        match self {
            Release::Today => "today",
            Release::Next => "next",
        }
    }
}

/// Creates a kernel of a release, for each start of a process and each replay.
pub type MakeKernel<'m> = &'m (dyn Fn(Release) -> Box<dyn Kernel> + Sync);

/// The kernel as plain Rust.
pub struct NativeKernel;

impl Kernel for NativeKernel {
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String> {
        let input = codec::decode_input(input).map_err(|error| error.to_string())?;
        let output = step::step(host, context, &input);
        Ok(StepBytes {
            reply: codec::encode_reply(&output.reply),
            writes: output.writes,
            effects: output.effects.iter().map(codec::encode_effect).collect(),
        })
    }
}

/// Creates the native kernel; the next release is the same one with other habits.
#[must_use]
pub fn native(release: Release) -> Box<dyn Kernel> {
    match release {
        Release::Today => Box::new(NativeKernel),
        Release::Next => Box::new(Next(Box::new(NativeKernel))),
    }
}
