//! Accounts (I11): whoever is deactivated brings nothing about, and every workspace keeps somebody who may
//! administer it.

use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::model::User;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::key;
use causeway_kernel::rows::tx::Read;

use super::step::Step;
use super::{ROLES, Violation, broken, is_refusal};
use crate::story;

/// Rows of a table that are read when inspecting a node.
const ROWS_MAX: u32 = 1_000_000;

/// Judges a step.
///
/// # Errors
/// If somebody acted who is deactivated, or nobody administers the workspace any more.
pub fn check(step: &Step<'_>) -> Result<(), Violation> {
    check_actor(step)?;
    check_admins(step)
}

fn check_actor(step: &Step<'_>) -> Result<(), Violation> {
    let Input::Command {
        actor: Actor::User(actor),
        ..
    } = step.input
    else {
        return Ok(());
    };
    match before(step, *actor) {
        Some(user) if user.delete_at != 0 && !is_refusal(&step.carried.reply) => Err(broken(
            ROLES,
            format!(
                "node {}: {} is deactivated and acts: {}",
                step.node,
                user.username,
                story::input(step.input)
            ),
        )),
        _ => Ok(()),
    }
}

/// A user's row before the step.
fn before(step: &Step<'_>, no: UserNo) -> Option<User> {
    let written = step.put::<User>().find(|(at, ..)| *at == key::encode(&no));
    match written {
        Some((_, old, _)) => old,
        None => step.rows.get::<User>(&no),
    }
}

fn check_admins(step: &Step<'_>) -> Result<(), Violation> {
    let mut changes = step.put::<User>();
    let goes =
        changes.any(|(_, old, new)| old.as_ref().is_some_and(administers) && !administers(&new));
    if !goes {
        return Ok(());
    }
    let users = step.rows.prefix::<User, ()>(&(), ROWS_MAX);
    if users.iter().any(|(_, user)| administers(user)) {
        return Ok(());
    }
    Err(broken(
        ROLES,
        format!(
            "node {} has nobody left who administers it, because of {}",
            step.node,
            story::input(step.input)
        ),
    ))
}

fn administers(user: &User) -> bool {
    let mut roles = user.roles.split(' ');
    user.origin.is_ours() && user.delete_at == 0 && roles.any(|role| role == "system_admin")
}
