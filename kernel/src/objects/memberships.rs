//! Memberships of shared channels as the users' homes state them: what is sent to peers, and taken from them.
//! The statement with the highest version is in force everywhere, whatever the order of arrival.

use std::collections::BTreeSet;

use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::{Range, Rows};
use crate::model::{ChannelMember, Job, Link, SharedMembership};
use crate::objects::members;
use crate::rows::counters::connected_workspaces;
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, TeamNo, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Record, SCAN_BYTES_MAX, Tx};
use crate::rows::{jobs, key};
use crate::sharing::feed;

type Key = (ChannelNo, UserNo);

/// Whether joins and leaves are shared with connected workspaces.
pub fn are_shared(rows: &(impl Read + ?Sized)) -> bool {
    Behaviour::SharedMemberships.is_in_force(rows) && connected_workspaces(rows).members
}

/// Called when memberships are shared from now on: all of them are offered to the peers.
pub fn offer(tx: &mut Tx<'_>) {
    let job = Job::OfferMembers {
        connection: ConnectionNo(0),
        position: ChannelNo(0),
    };
    jobs::start(tx, job);
}

/// Called when a user joined or left a channel. A local user's home is here, so this is a statement; it is
/// recorded even while memberships are not shared, as they may be shared later.
pub fn changed(tx: &mut Tx<'_>, key: Key, is_member: bool) {
    if !is_local(tx, key.1)
        || !was_ever_shared(tx, key.0)
        || !Behaviour::SharedMemberships.is_in_force(tx)
    {
        return;
    }
    let earlier = tx.get::<SharedMembership>(&key);
    let after = earlier.map_or(0, |row| row.changed_at.saturating_add(1));
    let changed_at = tx.now_ms().max(after);
    store(tx, key, WorkspaceNo::OURS, (is_member, changed_at));
}

fn is_local(rows: &(impl Read + ?Sized), user: UserNo) -> bool {
    rows.user(user).is_some_and(|user| user.origin.is_ours())
}

fn was_ever_shared(tx: &Tx<'_>, channel: ChannelNo) -> bool {
    !tx.prefix::<Link, _>(&channel, 1).is_empty()
}

/// Records a statement of the user's home, and adds it to the feed if memberships are shared.
fn store(tx: &mut Tx<'_>, key: Key, origin: WorkspaceNo, (is_member, changed_at): (bool, i64)) {
    let earlier = tx.get::<SharedMembership>(&key);
    let mut row = SharedMembership {
        is_member,
        changed_at,
        feed_seq: earlier.map_or(FeedSeq(0), |row| row.feed_seq),
    };
    if are_shared(tx) {
        feed::membership_changed(tx, key, origin, &mut row);
    }
    tx.put(&key, &row);
}

/// Carries out a newer statement of a peer about one of its users. `team` is the channel's; the user gets into
/// no other one, and into no other channel.
pub fn take(
    tx: &mut Tx<'_>,
    key: Key,
    team: TeamNo,
    (origin, is_member, changed_at): (WorkspaceNo, bool, i64),
) {
    store(tx, key, origin, (is_member, changed_at));
    if !is_member {
        members::leave_channel(tx, key.0, key.1);
    } else if is_active(tx, key.1) || Behaviour::InactiveMembers.is_in_force(tx) {
        members::join_team(tx, team, key.1, false);
        members::join_channel(tx, key.0, key.1, false);
    }
}

fn is_active(tx: &Tx<'_>, user: UserNo) -> bool {
    tx.user(user).is_some_and(|user| user.delete_at == 0)
}

/// The statement about a membership that is passed on; for a local member from before the channel was shared,
/// that the user joined. `None` if there is nothing to state: what the home of another workspace's user has
/// not stated is not for us to say.
pub fn stated(rows: &(impl Read + ?Sized), key: Key) -> Option<SharedMembership> {
    rows.get::<SharedMembership>(&key).or_else(|| {
        let member = rows.get::<ChannelMember>(&key)?;
        is_local(rows, key.1).then_some(SharedMembership {
            is_member: true,
            changed_at: member.create_at,
            feed_seq: FeedSeq(0),
        })
    })
}

/// Whether it will be stated to peers that a user joined.
pub fn is_joining(rows: &(impl Read + ?Sized), key: Key) -> bool {
    are_shared(rows) && stated(rows, key).is_some_and(|row| row.is_member)
}

/// Whether a user's home has stated whether the user is a member, so that nothing else decides it.
pub fn is_stated(rows: &(impl Read + ?Sized), key: Key) -> bool {
    are_shared(rows) && rows.has::<SharedMembership>(&key)
}

/// Whether a local user is no member of a shared channel; if nothing is recorded about that yet, it is now.
pub fn is_absent(tx: &mut Tx<'_>, key: Key) -> bool {
    if !is_local(tx, key.1) || !are_shared(tx) || tx.has::<ChannelMember>(&key) {
        return false;
    }
    if !tx.has::<SharedMembership>(&key) {
        let row = SharedMembership {
            is_member: false,
            changed_at: tx.now_ms(),
            feed_seq: FeedSeq(0),
        };
        tx.put(&key, &row);
    }
    true
}

/// The next users, at most `rows_max`, who are members of a channel or about whom something is stated.
pub fn users_after(tx: &Tx<'_>, channel: ChannelNo, after: UserNo, rows_max: u32) -> Vec<UserNo> {
    let mut users = keys_after::<ChannelMember>(tx, channel, after, rows_max);
    users.extend(keys_after::<SharedMembership>(tx, channel, after, rows_max));
    users.into_iter().take(rows_max as usize).collect()
}

fn keys_after<R: Record<Key = Key>>(
    tx: &Tx<'_>,
    channel: ChannelNo,
    after: UserNo,
    rows_max: u32,
) -> BTreeSet<UserNo> {
    let range = Range {
        from: key::encode(&(channel, UserNo(after.0.saturating_add(1)))),
        to: key::prefix_end(&key::encode(&channel)).unwrap_or_default(),
        reverse: false,
        rows_max,
        bytes_max: SCAN_BYTES_MAX,
    };
    let rows = tx.rows::<R>(&range);
    rows.into_iter().map(|((_, user), _)| user).collect()
}
