//! Storage of statuses. Semantics §12.

use crate::boundary::env::Rows;
use crate::model::limits::STATUSES_PER_STEP_MAX;
use crate::model::{LocalStatus, Status, StatusRow};
use crate::objects::next_version;
use crate::rows::id::{FeedSeq, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::sharing::feed;

/// Stores new statuses of users of this workspace.
pub fn give(tx: &mut Tx<'_>, changes: &[LocalStatus]) {
    for LocalStatus { user, status } in changes.iter().take(STATUSES_PER_STEP_MAX) {
        let is_ours = tx.user(*user).is_some_and(|user| user.origin.is_ours());
        let held = tx.get::<StatusRow>(user);
        let known = held.map_or(Status::UNKNOWN, |held| held.status);
        if is_ours && status.differs(&known) {
            let version = next_version(tx.now_ms(), held.map(|held| held.update_at));
            put(tx, (*user, WorkspaceNo::OURS), *status, version);
        }
    }
}

/// A user joined a channel: its peers may not have the status yet.
pub fn tell_again(tx: &mut Tx<'_>, user: UserNo) {
    let Some(mut row) = tx.get::<StatusRow>(&user) else {
        return;
    };
    if tx.user(user).is_some_and(|user| user.origin.is_ours()) {
        feed::status_changed(tx, user, WorkspaceNo::OURS, &mut row);
        tx.put(&user, &row);
    }
}

/// Stores the status of a user of this origin, and adds it to the feed.
pub fn put(tx: &mut Tx<'_>, (user, origin): (UserNo, WorkspaceNo), status: Status, update_at: i64) {
    let held = tx.get::<StatusRow>(&user);
    let mut row = StatusRow {
        status,
        update_at,
        feed_seq: held.map_or(FeedSeq(0), |held| held.feed_seq),
    };
    feed::status_changed(tx, user, origin, &mut row);
    tx.put(&user, &row);
}
