//! Whether a kernel takes a workspace. The workspace names the behaviours that its rows were made
//! by; only the kernel itself knows whether it has them.

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

/// Asks a kernel whether it would take the workspace over that `host` shows; nothing of the step
/// stays.
///
/// # Errors
/// What the kernel says when it would not.
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
    // A kernel that is stopped over it says so again in the step that counts.
    if let StepEnd::Done(output) = kernel.step(host, context, &input)
        && let Ok(Reply::Refused(refusal)) = codec::decode_reply(&output.reply)
    {
        return Err(KernelRefusal(refusal.message));
    }
    Ok(())
}
