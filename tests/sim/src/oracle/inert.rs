//! I13: a refusal changes nothing, neither rows nor what is sent. What is set aside for a
//! person to look at is not part of the workspace, and the number of refused items is for the host's
//! metrics.

use causeway_kernel::boundary::output::{Effect, Reply};
use causeway_kernel::rows::table::Table;

use super::step::Step;
use super::{INERT, Violation, broken};
use crate::{frames, story};

/// Whether a reply says that the input had no effect.
#[must_use]
pub fn is_refusal(reply: &Reply) -> bool {
    match reply {
        Reply::Refused(_) => true,
        Reply::Http { status: 200, body } => {
            let is_ok = frames::read_answer(body).is_some_and(|answer| answer.is_ok);
            !is_ok && frames::read_file_info(body).is_none()
        }
        Reply::Http { .. } => true,
        Reply::Done | Reply::Object(_) | Reply::Text(_) | Reply::Unfinished { .. } => false,
    }
}

/// Judges a step.
///
/// # Errors
/// If it was refused and left a trace.
pub fn check(step: &Step<'_>) -> Result<(), Violation> {
    let carried = step.carried;
    let mut writes = carried.writes.iter();
    let mut effects = carried.effects.iter();
    let has_trace = writes.any(|write| !is_of_frames(write.table))
        || effects.any(|effect| !matches!(effect, Effect::Refused { .. }));
    if !has_trace || !is_refusal(&carried.reply) {
        return Ok(());
    }
    Err(broken(
        INERT,
        format!(
            "node {} refused {} and changed {}",
            step.node,
            story::input(step.input),
            story::writes(&carried.writes)
        ),
    ))
}

/// Whether a table holds frames and items as received, which are not part of the workspace's state.
fn is_of_frames(table: Table) -> bool {
    matches!(
        table,
        Table::Quarantine | Table::QuarantineShares | Table::KeptFrames | Table::FrameProgress
    )
}
