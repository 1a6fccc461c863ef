//! The seam to the kernel under test: bytes in, bytes out, as between the engine and the
//! component. The native kernel stands behind it here; the component can do so too.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::{Host, StepContext};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::step;

use crate::next::Next;

/// What a step returned, in the bytes that a journal holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StepBytes {
    /// The reply.
    pub reply: Vec<u8>,
    /// Rows to put or delete.
    pub writes: Vec<Write>,
    /// The effects in their order.
    pub effects: Vec<Vec<u8>>,
}

/// Something that carries out steps.
pub trait Kernel {
    /// Carries out one input, by [`causeway_kernel::boundary::codec`].
    ///
    /// # Errors
    /// When the step was stopped; the text says by what.
    fn step(
        &mut self,
        host: &dyn Host,
        context: StepContext,
        input: &[u8],
    ) -> Result<StepBytes, String>;

    /// What is wrong with the host around it: the tester's own test.
    fn host_flaw(&self) -> Option<HostFlaw> {
        None
    }
}

/// What a host may do wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HostFlaw {
    /// Half of what a stopped step had written by then stays.
    KeepsHalfTheWrites,
    /// A frame is answered as if nothing had stopped it, and nothing of it is carried out.
    LosesTheFrame,
    /// The answer of any host of a peer counts, also of one that the workspace does not know.
    TakesAnyHost,
}

/// Which kernel of two a node runs: a federation is never all of one release.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Release {
    /// The one under test.
    #[default]
    Today,
    /// One that comes after it.
    Next,
}

impl Release {
    /// What stands for its digest in an input.
    #[must_use]
    pub fn digest(self) -> &'static str {
        match self {
            Release::Today => "today",
            Release::Next => "next",
        }
    }
}

/// Makes a kernel of a release; each start of a process and each replay makes a new one.
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

/// Makes the native kernel; the next release is the same one with other habits.
#[must_use]
pub fn native(release: Release) -> Box<dyn Kernel> {
    match release {
        Release::Today => Box::new(NativeKernel),
        Release::Next => Box::new(Next(Box::new(NativeKernel))),
    }
}
