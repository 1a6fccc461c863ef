//! The active system admins: a row for each, so that whether there is another one needs no look at all users.

use crate::boundary::behaviour::Behaviour;
use crate::model::{Job, Role, SystemAdmin, User};
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};

/// Whether a user is an active system admin. A peer's user never is, whatever roles their row has.
pub fn is_active(user: &User) -> bool {
    user.origin.is_ours()
        && user.delete_at == 0
        && user
            .roles
            .split(' ')
            .any(|role| role == Role::SystemAdmin.name())
}

/// Called when a user is stored: records whether they are an active system admin.
pub fn change(tx: &mut Tx<'_>, no: UserNo, old: Option<&User>, new: &User) {
    let is_now = is_active(new);
    if old.is_some_and(is_active) == is_now || !Behaviour::Roles.is_in_force(tx) {
        return;
    }
    if is_now {
        tx.put(&no, &SystemAdmin);
    } else {
        tx.delete::<SystemAdmin>(&no);
    }
}

/// Whether a user is the only active system admin. As long as [`Job::FindAdmins`] runs, admins that it has not
/// reached do not count: rather one change too many is refused.
pub fn is_last(rows: &(impl Read + ?Sized), no: UserNo) -> bool {
    let recorded = || rows.prefix::<SystemAdmin, ()>(&(), 2);
    rows.user(no).is_some_and(|user| is_active(&user))
        && recorded().iter().all(|(recorded, _)| *recorded == no)
}

/// Called when system admins begin to be recorded.
pub fn start_finding(tx: &mut Tx<'_>) {
    if !tx.prefix::<User, ()>(&(), 1).is_empty() {
        let position = UserNo(0);
        jobs::start(tx, Job::FindAdmins { position });
    }
}

/// Carries out a portion of [`Job::FindAdmins`]; returns the continued job, if any.
pub fn find_portion(tx: &mut Tx<'_>, position: UserNo) -> Option<Job> {
    let from = key::encode(&UserNo(position.0.saturating_add(1)));
    let users = tx.rows::<User>(&jobs::range(from, &[]));
    let position = users.last().map(|(no, _)| *no)?;
    for (no, user) in users {
        if is_active(&user) {
            tx.put(&no, &SystemAdmin);
        }
    }
    Some(Job::FindAdmins { position })
}
