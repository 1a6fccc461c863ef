//! The section of profiles: the peer knows every user named by a message before it arrives. Semantics §5.5 b
//! and c; per-connection state avoids the reference's W20.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::memberships::{is_kept_out, kept_out};
use super::{Content, Payload, Rest, RoundPlan, sync};
use crate::authority::is_channel_member;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::policy::Gate;
use crate::gate;
use crate::model::limits::{PROFILES_JUDGED_MAX, USERS_PER_SYNC_MAX};
use crate::model::{
    Connection, FeedObject, PeerKind, PeerWorkspace, RoundItem, SentUser, StatusRow, User,
    UserClass,
};
use crate::objects::memberships;
use crate::outbound::plan::Plan;
use crate::outbound::work::{Object, Work};
use crate::outbound::{exception, pictures, profiles};
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
    type Message = Vec<WireUser>;

    fn collect(
        tx: &mut Tx<'_>,
        work: &mut Work,
        plan: &mut RoundPlan,
    ) -> Option<(Vec<RoundItem>, Self::Message)> {
        let posts = plan.get(tx, work);
        let needed = needed(tx, work, posts);
        profiles::settle(tx, work);
        let mut due = due(tx, work, &needed.users);
        let are_all = due.len() < PROFILES_JUDGED_MAX;
        let mut items = Vec::new();
        let mut message = Vec::new();
        while message.len() < USERS_PER_SYNC_MAX && !due.is_empty() {
            let room = USERS_PER_SYNC_MAX - message.len();
            let rest = due.split_off(due.len().min(room));
            let last = due.last().map(|(no, _)| *no);
            let admitted = admitted(tx, work, due, &needed);
            for (no, profile) in profiles::judged(tx, work, admitted) {
                match profile {
                    Ok(wire) => {
                        items.push(RoundItem::User(no, wire.update_at));
                        message.push(wire);
                    }
                    Err(judgement) => profiles::withhold(tx, work, no, judgement),
                }
            }
            // What goes may have to go again, so the round stays before it.
            if let Some(last) = last.filter(|_| message.is_empty()) {
                work.round.users_after = last;
            }
            due = rest;
        }
        plan.goes_on_later = items.is_empty() && !are_all;
        (!items.is_empty()).then_some((items, message))
    }

    fn payload(tx: &mut Tx<'_>, work: &Work, users: Self::Message) -> Option<Payload> {
        let users: Vec<_> = users.into_iter().map(|wire| (wire, tx.new_id())).collect();
        sync(tx, work, &SyncSection::Users(&users))
    }

    /// Profiles that are not listed as stored remain due; the round continues after them. What somebody does whose
    /// profile waits at the peer is sent.
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
        let stored = named(&response.users_syncd);
        let undecided = if Behaviour::Undecided.is_in_force(tx) {
            named(&response.users_undecided)
        } else {
            BTreeSet::new()
        };
        let mut taken = BTreeSet::new();
        for ((no, update_at), user) in sent.into_iter().zip(users) {
            work.round.users_after = work.round.users_after.max(no);
            let is_in = |ids: &BTreeSet<&str>| {
                user.as_ref()
                    .is_some_and(|user| ids.contains(user.id.as_str()))
            };
            if is_in(&stored) {
                if is_new_there(tx, work, no) {
                    add_status(tx, work, no);
                }
                let epoch = work.round.epoch;
                let key = (work.connection_no, no, work.round.channel);
                tx.put(&key, &SentUser { update_at, epoch });
                pictures::offer(tx, (key.0, no), (key.2, epoch));
                state_absence(tx, work, no);
                taken.insert(no);
            } else if is_in(&undecided) {
                send_on(tx, work, no);
                state_absence(tx, work, no);
                taken.insert(no);
            } else {
                profiles::refused(tx, work, no);
            }
        }
        profiles::released(tx, work, &taken);
        Rest::More
    }
}

/// The ids that a peer names. It may name any number, so each is looked at once.
pub(super) fn named(ids: &[String]) -> BTreeSet<&str> {
    ids.iter().map(String::as_str).collect()
}

/// A profile waits at the peer, which takes what its user does: it counts as held in no version, so it goes again with
/// the next message that needs it.
fn send_on(tx: &mut Tx<'_>, work: &Work, user: UserNo) {
    if !is_held(tx, work, user) {
        let (update_at, epoch) = (0, work.round.epoch);
        let key = (work.connection_no, user, work.round.channel);
        tx.put(&key, &SentUser { update_at, epoch });
    }
}

/// Whether the peer held no version of a profile before.
fn is_new_there(tx: &Tx<'_>, work: &Work, user: UserNo) -> bool {
    let sent = tx.get::<SentUser>(&(work.connection_no, user, work.round.channel));
    let sent = sent.filter(|sent| sent.epoch == work.round.epoch);
    sent.is_none_or(|sent| !is_version(tx, &sent))
}

/// Whether a peer holds a version of a profile, given what it was sent of it. While it waits there, it holds none.
pub fn is_version(tx: &Tx<'_>, sent: &SentUser) -> bool {
    sent.update_at != 0 || !Behaviour::Undecided.is_in_force(tx)
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

/// Users whose profiles a round needs.
#[derive(Default)]
struct Needed {
    /// All of them: authors, users who reacted, acknowledged, joined or changed, and mentioned members of the channel.
    users: BTreeSet<UserNo>,
    /// Those without whom the peer cannot take what they wrote or did.
    acting: BTreeSet<UserNo>,
    /// Those who join.
    joining: BTreeSet<UserNo>,
}

fn needed(tx: &Tx<'_>, work: &Work, plan: &Plan) -> Needed {
    let mut needed = Needed::default();
    for planned in &plan.posts {
        needed.acting.insert(planned.post.user);
        let mentioned = planned.mentions.iter().map(|mention| mention.user);
        // A mention does not make a non-member a member at the peer (W31).
        let members = mentioned.filter(|user| is_channel_member(tx, work.round.channel, *user));
        needed.users.extend(members);
    }
    for (_, object) in &work.round.objects {
        match object {
            FeedObject::Membership(user) => {
                if memberships::is_joining(tx, (work.round.channel, *user)) {
                    needed.joining.insert(*user);
                }
            }
            FeedObject::User(user) => {
                needed.users.insert(*user);
            }
            _ => needed.acting.extend(object.user()),
        }
    }
    needed.users.extend(&needed.acting);
    needed.users.extend(&needed.joining);
    needed
}

/// The users among these whose profiles may go. As a profile makes its user a member at the peer, the policies are
/// asked first about those who do nothing there but join; whom they keep out does not come by a mention either.
fn admitted(
    tx: &mut Tx<'_>,
    work: &mut Work,
    due: Vec<(UserNo, Rc<User>)>,
    needed: &Needed,
) -> Vec<(UserNo, Rc<User>)> {
    if !gate::is_asked(tx, Gate::Member) {
        return due;
    }
    let others = due.iter().map(|(no, _)| *no);
    let others = others.filter(|no| !needed.acting.contains(no) && !is_changed(tx, work, *no));
    let (joining, others): (BTreeSet<UserNo>, BTreeSet<UserNo>) =
        others.partition(|no| needed.joining.contains(no));
    let mut kept_out = kept_out(tx, work, &joining);
    let others = others.into_iter();
    kept_out.extend(others.filter(|no| !is_held(tx, work, *no) && is_kept_out(tx, work, *no)));
    for user in &kept_out {
        profiles::put_aside(tx, work, *user);
    }
    let may_go = |(no, _): &(UserNo, Rc<User>)| !kept_out.contains(no);
    due.into_iter().filter(may_go).collect()
}

/// Whether the round brings a newer version of a profile that the peer holds.
fn is_changed(tx: &Tx<'_>, work: &Work, user: UserNo) -> bool {
    let is_it = |(_, object): &Object| *object == FeedObject::User(user);
    work.round.objects.iter().any(is_it) && is_held(tx, work, user)
}

/// The users among these who are due next, at most [`PROFILES_JUDGED_MAX`].
fn due(tx: &Tx<'_>, work: &Work, needed: &BTreeSet<UserNo>) -> Vec<(UserNo, Rc<User>)> {
    let after = work.round.users_after;
    let numbers: Vec<UserNo> = needed.iter().copied().filter(|no| *no > after).collect();
    let keys: Vec<_> = numbers
        .iter()
        .map(|no| (work.connection_no, *no, work.round.channel))
        .collect();
    let held = tx.get_all::<SentUser>(&keys);
    tx.prefetch::<User>(numbers.iter().copied());
    let mut due = Vec::new();
    for (no, held) in numbers.into_iter().zip(held) {
        if let Some(user) = tx.user(no).filter(|user| lacks(work, user, held)) {
            due.push((no, user));
        }
        if due.len() == PROFILES_JUDGED_MAX {
            break;
        }
    }
    due
}

/// Whether the peer is to get a user's profile, given what it was sent of it.
fn lacks(work: &Work, user: &User, sent: Option<SentUser>) -> bool {
    let held = sent.filter(|sent| sent.epoch == work.round.epoch);
    user.origin != work.peer() && held.is_none_or(|held| held.update_at < version(user))
}

/// Whether the peer is to get a user's profile in the channel.
pub fn is_due(tx: &Tx<'_>, work: &Work, user: UserNo) -> bool {
    let sent = tx.get::<SentUser>(&(work.connection_no, user, work.round.channel));
    tx.user(user).is_some_and(|user| lacks(work, &user, sent))
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
