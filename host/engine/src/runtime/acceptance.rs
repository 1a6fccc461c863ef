//! Whether a kernel accepts a workspace. The workspace lists the behaviours under which its rows were
//! written; only the kernel itself knows whether it supports them.

use causeway_kernel::boundary::codec;
use causeway_kernel::boundary::env::StepContext;
use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::output::Reply;

use crate::journal::Digest;
use crate::runtime::{KernelRunner, StepEnd, StepHost};

/// A kernel refuses a workspace.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the kernel refuses this workspace: {0}")]
pub struct KernelRefusal(pub String);

/// Asks a kernel whether it would accept the workspace of `host`; the result of the step is
/// discarded.
///
/// # Errors
/// The kernel's refusal.
pub fn check_accepted(
    kernel: &mut dyn KernelRunner,
    host: &mut dyn StepHost,
    now_ms: i64,
) -> Result<(), KernelRefusal> {
    let digest = Digest(kernel.digest()).to_string();
    let input = codec::encode_input(&Input::KernelChanged { digest });
    let context = StepContext {
        now_ms,
        seed: [0; 16],
    };
    // If the kernel is stopped here, it will be stopped again in the actual step.
    if let StepEnd::Done(output) = kernel.step(host, context, &input)
        && let Ok(Reply::Refused(refusal)) = codec::decode_reply(&output.reply)
    {
        return Err(KernelRefusal(refusal.message));
    }
    Ok(())
}
