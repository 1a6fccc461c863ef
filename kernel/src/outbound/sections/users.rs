//! The section of profiles: the peer knows every user named by a message before it arrives. Semantics §5.5 b
//! and c; per-connection state avoids the reference's W20.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::{Content, Payload, Rest, RoundPlan, sync};
use crate::authority::is_channel_member;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::model::limits::USERS_PER_SYNC_MAX;
use crate::model::{
    Connection, FeedObject, PeerKind, PeerWorkspace, RoundItem, SentUser, StatusRow, User,
    UserClass,
};
use crate::objects::memberships;
use crate::outbound::exception;
use crate::outbound::pictures;
use crate::outbound::plan::Plan;
use crate::outbound::work::Work;
use crate::rows::id::{ConnectionNo, FeedSeq, UserNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};
use crate::wire::message::{SyncSection, WireUser};
use crate::wire::response::SyncResponse;

/// The version of a profile: `update_at` by the clock of the user's home server.
#[must_use]
pub fn version(user: &User) -> i64 {
    user.remote
        .as_ref()
        .map_or(user.update_at, |remote| remote.origin_update_at)
}

/// The section of profiles. Users are sent in increasing order, each once a round, so that a user whom the
/// peer does not accept cannot block the round.
pub struct Profiles;

impl Content for Profiles {
    type Message = Vec<(UserNo, Rc<User>)>;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)> {
        let plan = plan.get(tx, work);
        let needed = needed(tx, work, plan);
        let due = due(tx, work, needed);
        let items = due
            .iter()
            .map(|(no, user)| RoundItem::User(*no, version(user)))
            .collect();
        (!due.is_empty()).then_some((items, due))
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, users: Self::Message) -> Option<Payload> {
        let profiles: Vec<_> = users
            .into_iter()
            .map(|(no, user)| (wire_user(tx, no, Rc::unwrap_or_clone(user)), tx.new_id()))
            .collect();
        sync(tx, work, &SyncSection::Users(&profiles))
    }

    /// Profiles that are not listed as stored remain due; the round continues after them.
    fn delivered(tx: &mut Tx<'_>, work: &mut Work, response: &SyncResponse) -> Rest {
        let sent: Vec<(UserNo, i64)> = work
            .round
            .items
            .iter()
            .filter_map(|item| match item {
                RoundItem::User(no, version) => Some((*no, *version)),
                _ => None,
            })
            .collect();
        let numbers: Vec<UserNo> = sent.iter().map(|(no, _)| *no).collect();
        let users = tx.get_all::<User>(&numbers);
        for ((no, update_at), user) in sent.into_iter().zip(users) {
            work.round.users_after = work.round.users_after.max(no);
            let is_stored =
                |user: User| response.users_syncd.iter().any(|id| id == user.id.as_str());
            if user.is_some_and(is_stored) {
                if !is_held(tx, work, no) {
                    add_status(tx, work, no);
                }
                let epoch = work.round.epoch;
                let key = (work.connection_no, no, work.round.channel);
                tx.put(&key, &SentUser { update_at, epoch });
                pictures::offer(tx, (key.0, no), (key.2, epoch));
                state_absence(tx, work, no);
            }
        }
        Rest::More
    }
}

/// A peer adds the user of every profile to the channel. A Causeway is told afterwards who is no member, e.g.
/// an author who left; also what it could not take before it held the profile.
fn state_absence(tx: &mut Tx<'_>, work: &mut Work, user: UserNo) {
    if work.connection().kind != PeerKind::Causeway {
        return;
    }
    let key = (work.round.channel, user);
    let is_owed = Behaviour::MembershipsFollowProfiles.is_in_force(tx)
        && exception::get(tx, work, &FeedObject::Membership(user)).is_some();
    if is_owed || memberships::is_absent(tx, key) {
        let object = (FeedSeq(0), FeedObject::Membership(user));
        if !work.round.objects.contains(&object) {
            work.round.objects.push(object);
        }
    }
}

/// The status of a member whose profile the peer did not hold before follows in the same round. It is placed
/// before the other objects, as a round that becomes too long is cut at its end.
fn add_status(tx: &Tx<'_>, work: &mut Work, user: UserNo) {
    let status = FeedObject::Status(user);
    let is_shared = status.is_known_to(work.connection().kind)
        && is_channel_member(tx, work.round.channel, user);
    if is_shared && tx.has::<StatusRow>(&user) {
        work.round.objects.insert(0, (FeedSeq(0), status));
    }
}

/// Authors, users who reacted, acknowledged or joined, and mentioned members of the channel.
fn needed(tx: &Tx<'_>, work: &Work, plan: &Plan) -> BTreeSet<UserNo> {
    let mut needed = BTreeSet::new();
    for planned in &plan.posts {
        needed.insert(planned.post.user);
        let mentioned = planned.mentions.iter().map(|mention| mention.user);
        // A mention does not make a non-member a member at the peer (W31).
        needed.extend(mentioned.filter(|user| is_channel_member(tx, work.round.channel, *user)));
    }
    let objects = work.round.objects.iter();
    for (_, object) in objects {
        needed.extend(object.user());
        if let FeedObject::Membership(user) = object
            && memberships::is_joining(tx, (work.round.channel, *user))
        {
            needed.insert(*user);
        }
    }
    needed
}

fn due(tx: &Tx<'_>, work: &Work, needed: BTreeSet<UserNo>) -> Vec<(UserNo, Rc<User>)> {
    let numbers: Vec<UserNo> = needed
        .into_iter()
        .filter(|no| *no > work.round.users_after)
        .collect();
    let keys: Vec<_> = numbers
        .iter()
        .map(|no| (work.connection_no, *no, work.round.channel))
        .collect();
    let held = tx.get_all::<SentUser>(&keys);
    tx.prefetch::<User>(numbers.iter().copied());
    let mut due = Vec::new();
    for (no, held) in numbers.into_iter().zip(held) {
        let user = tx.user(no);
        let Some(user) = user.filter(|user| user.origin != work.peer()) else {
            continue;
        };
        let known = held
            .filter(|held| held.epoch == work.round.epoch)
            .map(|held| held.update_at);
        if known.is_none_or(|known| known < version(&user)) {
            due.push((no, user));
        }
        if due.len() == USERS_PER_SYNC_MAX {
            break;
        }
    }
    due
}

/// Whether the peer holds some version of a user's profile in the channel.
pub fn is_held(tx: &Tx<'_>, work: &Work, user: UserNo) -> bool {
    tx.get::<SentUser>(&(work.connection_no, user, work.round.channel))
        .is_some_and(|held| held.epoch == work.round.epoch)
}

/// The `remote_id` in forwarded profiles and posts of a workspace; empty for our own and for those of a
/// workspace whose connection is gone.
pub fn home_of(tx: &Tx<'_>, origin: WorkspaceNo) -> String {
    if origin.is_ours() {
        return String::new();
    }
    let connection: Option<ConnectionNo> = tx
        .get::<PeerWorkspace>(&origin)
        .and_then(|peer| peer.connection);
    connection
        .and_then(|no| tx.get::<Connection>(&no))
        .map(|connection| connection.remote_id.into())
        .unwrap_or_default()
}

/// A profile in its wire form.
pub fn wire_user(tx: &Tx<'_>, no: UserNo, user: User) -> WireUser {
    let class = tx.get::<UserClass>(&no);
    let update_at = version(&user);
    let remote_id = home_of(tx, user.origin);
    let email = user.remote.map_or(user.email, |remote| remote.email);
    WireUser {
        id: user.id.into(),
        create_at: user.create_at,
        update_at,
        delete_at: user.delete_at,
        username: user.username,
        email,
        nickname: user.nickname,
        first_name: user.first_name,
        last_name: user.last_name,
        position: user.position,
        props: user.props,
        locale: user.locale,
        timezone: user.timezone,
        remote_id,
        is_bot: class.as_ref().is_some_and(UserClass::is_bot),
        is_guest: class == Some(UserClass::Guest),
        bot_description: match class {
            Some(UserClass::Bot { description, .. }) => description,
            Some(UserClass::Guest) | None => String::new(),
        },
    }
}
