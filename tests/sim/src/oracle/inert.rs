//! I13: a refusal changes nothing, neither rows nor what is sent. What is set aside for a
//! person to look at or to decide about is not part of the workspace, and the number of refused items is for the host's
//! metrics.

use causeway_kernel::boundary::output::{Effect, Event, Reply, Write};
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
    let is_asking = |write: &Write| write.table == Table::ChannelInvitations;
    let asks = carried.writes.iter().any(is_asking);
    let has_trace = writes.any(|write| !is_set_aside(write.table))
        || effects.any(|effect| match effect {
            Effect::Refused { .. } => false,
            Effect::Event(Event::Ephemeral(..)) => !asks,
            _ => true,
        });
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

/// Whether a table holds frames, items and offers as received, which are not part of the workspace's state.
fn is_set_aside(table: Table) -> bool {
    matches!(
        table,
        Table::Quarantine
            | Table::QuarantineShares
            | Table::KeptFrames
            | Table::FrameProgress
            | Table::ChannelInvitations
    )
}
