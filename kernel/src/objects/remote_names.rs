//! Local names of remote users. A name ends in the name of the connection over which the user's workspace is
//! reached, and is reserved for users of that workspace: a user who has it wrongly, because an earlier
//! connection had the name or a peer once claimed it, is renamed.

use crate::boundary::behaviour::{Behaviour, InForce};
use crate::model::naming::{self, SUFFIX_ATTEMPTS_MAX};
use crate::model::{Connection, ConnectionState, Job, User};
use crate::objects::{user_index, users};
use crate::rows::id::{UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};
use crate::sharing::connection;

/// Bytes kept of the name of a removed connection, so that a number after it is never cut off.
const FORMER_SHOWN_MAX: usize = 24;

/// The name of a user (`own`, if already here) whom the peer of a connection calls `told`: the first of
/// `name:connection`, `name-2:connection` and so on that no other user of its workspace has. Always derived
/// from the name at home, so suffixes never accumulate.
pub fn choose(
    tx: &mut Tx<'_>,
    connection: &Connection,
    told: &str,
    own: Option<UserNo>,
) -> Option<String> {
    names_over(told, &connection.name).find(|name| {
        let holder = lookup::username(tx, name);
        holder == own || holder.is_none_or(|no| gives_way(tx, no, connection.workspace))
    })
}

/// Called when a connection has taken its name: others who may have it are renamed in later steps.
pub fn taken(tx: &mut Tx<'_>, connection: &Connection) {
    if may_be_borne(tx, connection) {
        settle(tx);
    }
}

/// Whether users of other connections may be named after a connection: a removed connection had its name, or
/// the workspace is older than the rule.
fn may_be_borne(tx: &Tx<'_>, connection: &Connection) -> bool {
    let since_ms = |behaviour: Behaviour| {
        let row = tx.get::<InForce>(&behaviour.number());
        row.map(|row| row.since_ms)
    };
    let had_it = |row: &Connection| {
        row.state == ConnectionState::Removed
            && naming::are_look_alikes(&row.name, &connection.name)
    };
    since_ms(Behaviour::Founding) != since_ms(Behaviour::OwnNames)
        || connection::all(tx).iter().any(|(_, row)| had_it(row))
}

/// Called when a connection leads to another workspace: users with a wrong name are renamed in later steps.
pub fn settle(tx: &mut Tx<'_>) {
    if Behaviour::OwnNames.is_in_force(tx) {
        let position = UserNo(0);
        jobs::start(tx, Job::SettleNames { position });
    }
}

/// Carries out a portion of [`Job::SettleNames`]; returns the continued job, if any.
pub fn settle_portion(tx: &mut Tx<'_>, position: UserNo) -> Option<Job> {
    let live = live_names(tx);
    let from = key::encode(&UserNo(position.0.saturating_add(1)));
    let users = tx.rows::<User>(&jobs::range(from, &[]));
    let position = users.last().map(|(no, _)| *no)?;
    for (no, user) in users {
        user_index::put(tx, no, &user);
        if user.remote.is_some() && bears_wrongly(&user, &live) {
            rename(tx, no, user);
        }
    }
    Some(Job::SettleNames { position })
}

/// The workspaces that are reached over a connection, with its name.
fn live_names(tx: &Tx<'_>) -> Vec<(WorkspaceNo, String)> {
    connection::all(tx)
        .into_iter()
        .filter(|(_, row)| row.state != ConnectionState::Removed)
        .map(|(_, row)| (row.workspace, row.name))
        .collect()
}

fn bears_wrongly(user: &User, live: &[(WorkspaceNo, String)]) -> bool {
    let is_named_after = |name: &String| naming::is_named_after(&user.username, name);
    match live.iter().find(|(workspace, _)| *workspace == user.origin) {
        Some((_, own)) => !is_named_after(own),
        None => live.iter().any(|(_, name)| is_named_after(name)),
    }
}

/// Whether a name becomes free for users of a workspace because its holder, whose home is elsewhere, was
/// renamed.
fn gives_way(tx: &mut Tx<'_>, holder: UserNo, workspace: WorkspaceNo) -> bool {
    let user = tx.get::<User>(&holder);
    user.is_some_and(|user| user.origin != workspace && rename(tx, holder, user))
}

/// Gives a remote user a correct name; returns whether one was free.
fn rename(tx: &mut Tx<'_>, no: UserNo, mut user: User) -> bool {
    let Some(name) = free_name(tx, &user) else {
        return false;
    };
    users::rename(tx, no, &mut user, name);
    users::update(tx, no, user);
    true
}

/// A free name: after the connection over which the user's workspace is reached, or else after the one in the
/// current name, with a number to distinguish it from a connection that has that name now.
fn free_name(tx: &Tx<'_>, user: &User) -> Option<String> {
    let told = &user.remote.as_ref()?.username;
    let is_free = |name: &String| lookup::username(tx, name).is_none();
    let live = live_names(tx);
    let own = live.iter().find(|(workspace, _)| *workspace == user.origin);
    if let Some((_, own)) = own {
        return names_over(told, own).find(is_free);
    }
    let (_, shown) = user.username.split_once(':')?;
    let shown = shown.get(..FORMER_SHOWN_MAX).unwrap_or(shown);
    (2..=SUFFIX_ATTEMPTS_MAX)
        .map(|number| format!("{shown}-{number}"))
        .filter(|former| lookup::connection_name(tx, former).is_none())
        .map(|former| naming::remote_username(told, &former, 0))
        .find(is_free)
}

/// The names produced by the suffix rule, in order.
fn names_over<'n>(told: &'n str, connection: &'n str) -> impl Iterator<Item = String> + 'n {
    (1..=SUFFIX_ATTEMPTS_MAX).map(move |attempt| {
        let suffix = if attempt == 1 { 0 } else { attempt };
        naming::remote_username(told, connection, suffix)
    })
}
