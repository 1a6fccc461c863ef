//! I14: error paths do not destroy data. What existed before a failure exists after it: a
//! message that did not arrive, an item that was left out because it stopped a step, a policy that
//! gave no verdict, a start after a crash, another kernel.

use causeway_kernel::boundary::input::{FramePart, Input, SendOutcome};
use causeway_kernel::boundary::output::Write;
use causeway_kernel::model::{Acknowledgement, Link, LinkState, Post, Reaction, User, kind};
use causeway_kernel::rows::id::Id;
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;

use super::step::Step;
use super::{ERROR_PATHS, Violation, broken};
use crate::story;

/// The kind of failure, and whether legitimate changes may have come with it.
enum Failure {
    /// Only the failure.
    Alone,
    /// A message with some failed items; the others may request deletions.
    AmongItems,
}

fn failure(step: &Step<'_>) -> Option<Failure> {
    let has_failed = step.carried.has_failed_verdict();
    match step.input {
        Input::Receipt(receipt) if !matches!(receipt.outcome, SendOutcome::Answered(_)) => {
            Some(Failure::Alone)
        }
        Input::Quarantine { .. }
        | Input::Resume
        | Input::Restored
        | Input::PolicyChanged { .. }
        | Input::KernelChanged { .. } => Some(Failure::Alone),
        Input::Frame { .. } | Input::FramePart { .. } if has_failed => Some(Failure::AmongItems),
        Input::FramePart {
            part: FramePart::SetAside(_),
            ..
        } => Some(Failure::AmongItems),
        Input::Genesis(_)
        | Input::Command { .. }
        | Input::Frame { .. }
        | Input::FramePart { .. }
        | Input::Receipt(_)
        | Input::Ping { .. }
        | Input::Timer
        | Input::DuePart(_)
        | Input::Statuses(_)
        | Input::Upload { .. }
        | Input::Picture { .. } => None,
    }
}

/// Judges a step.
///
/// # Errors
/// If it is a failure after which something is missing.
pub fn check(step: &Step<'_>) -> Result<(), Violation> {
    let Some(failure) = failure(step) else {
        return Ok(());
    };
    // A newer version of a post may have fewer files. An invitation that is taken waits no longer; what failed then is
    // something else, which was to leave.
    let may_go = match failure {
        Failure::Alone => |_: &Write| false,
        Failure::AmongItems => |write: &Write| match write.table {
            Table::ChannelMembers | Table::Files | Table::FileBytes | Table::ChannelInvitations => {
                true
            }
            Table::Ids => is_of_file(write),
            _ => false,
        },
    };
    let mut gone = step.takes_away_kept();
    if let Some(gone) = gone.find(|write| !may_go(write)) {
        return destroyed(step, &format!("a row of {} is gone", gone.table.name()));
    }
    match failure {
        Failure::Alone => check_marks(step),
        Failure::AmongItems => Ok(()),
    }
}

fn is_of_file(write: &Write) -> bool {
    let key = key::decode::<(u8, Id)>(&write.key);
    key.is_some_and(|(kind, _)| kind == kind::FILE)
}

/// Nothing may be marked as deleted or ended either.
fn check_marks(step: &Step<'_>) -> Result<(), Violation> {
    let dies = |old: Option<i64>, new: i64| old == Some(0) && new != 0;
    for (_, old, new) in step.put::<Post>() {
        let is_other = old.as_ref().is_some_and(|old| old.message != new.message);
        if is_other || dies(old.map(|old| old.delete_at), new.delete_at) {
            return destroyed(step, &format!("the post {} is another", new.id));
        }
    }
    for (_, old, new) in step.put::<Reaction>() {
        if dies(old.map(|old| old.delete_at), new.delete_at) {
            return destroyed(step, "a reaction is taken back");
        }
    }
    for (_, old, new) in step.put::<Acknowledgement>() {
        let stood = old.is_some_and(|old| old.acknowledged_at != 0);
        if stood && new.acknowledged_at == 0 {
            return destroyed(step, "an acknowledgement is withdrawn");
        }
    }
    for (_, old, new) in step.put::<User>() {
        if dies(old.map(|old| old.delete_at), new.delete_at) {
            return destroyed(step, &format!("the user {} is inactive", new.username));
        }
    }
    for (_, old, new) in step.put::<Link>() {
        let lived = old.is_some_and(|old| old.state != LinkState::Ended);
        if lived && new.state == LinkState::Ended {
            return destroyed(step, "a sharing has ended");
        }
    }
    Ok(())
}

fn destroyed(step: &Step<'_>, what: &str) -> Result<(), Violation> {
    Err(broken(
        ERROR_PATHS,
        format!(
            "node {}: {what}, because of {}",
            step.node,
            story::input(step.input)
        ),
    ))
}
