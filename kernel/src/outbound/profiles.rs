//! Profiles that the policies hold back, and what waits for them.
//!
//! Such a profile gets an exception in the channel of its round, without a channel in that of the directory. What
//! the peer cannot take without the profile shares its state. All of it is tried again when the policies change, and
//! when the profile gets through.

use std::collections::BTreeSet;
use std::rc::Rc;

use super::exception;
use super::sections::users::{is_due, is_held, wire_user};
use super::work::{Object, Work};
use crate::boundary::behaviour::Behaviour;
use crate::gate::{self, Candidate, Judgement, ProfileCandidate};
use crate::model::limits::JOB_ROWS_PER_STEP;
use crate::model::reasons;
use crate::model::{
    Connection, ConnectionState, Exception, ExceptionState, FeedObject, Job, Post, User,
};
use crate::rows::id::{ChannelNo, ConnectionNo, FeedSeq, PostNo, UserNo};
use crate::rows::tx::{Read, Tx};
use crate::rows::{jobs, key};
use crate::sharing::feed;
use crate::sharing::jobs::links_after;
use crate::wire::message::WireUser;

/// Profiles in their wire form as the policies let them pass; for the others, why they do not. The policies are asked
/// about all at once.
pub fn judged(
    tx: &mut Tx<'_>,
    work: &Work,
    users: Vec<(UserNo, Rc<User>)>,
) -> Vec<(UserNo, Result<WireUser, Judgement>)> {
    let wires: Vec<WireUser> = users
        .iter()
        .map(|(no, user)| wire_user(tx, *no, User::clone(user)))
        .collect();
    let candidates = users
        .iter()
        .zip(&wires)
        .map(|((_, user), profile)| ProfileCandidate {
            id: user.id,
            user: Some(user.clone()),
            profile,
        })
        .map(Candidate::Profile)
        .collect();
    let judgements = gate::judge(tx, work.crossing(), candidates);
    let numbers = users.into_iter().map(|(no, _)| no);
    numbers
        .zip(wires)
        .zip(judgements)
        .map(|((no, wire), judgement)| match judgement {
            Judgement::Pass(_) => (no, Ok(wire)),
            Judgement::Revised(fields) => (no, Ok(fields.put_into(wire))),
            Judgement::Denied(_) | Judgement::Failed(_) => (no, Err(judgement)),
        })
        .collect()
}

/// Records that the policies hold a profile back.
pub fn withhold(tx: &mut Tx<'_>, work: &mut Work, user: UserNo, judgement: Judgement) {
    exception::withhold(tx, work, &object(user), judgement);
}

fn object(user: UserNo) -> Object {
    (FeedSeq(0), FeedObject::User(user))
}

/// Why the policies keep a user from the peer, which holds no version of the profile; `None` if they do not.
pub fn withheld(tx: &Tx<'_>, work: &Work, user: UserNo) -> Option<Exception> {
    if is_held(tx, work, user) {
        return None;
    }
    let row = exception::get(tx, work, &FeedObject::User(user));
    row.filter(|row| row.state.is_of_policies())
}

/// Whether an exception keeps parts of its post from being sent: see [`exception::blocks`]. The peer holds no earlier
/// version of a post whose author is kept from it.
pub fn blocks(tx: &Tx<'_>, work: &Work, row: &Exception, post: &Post) -> bool {
    exception::blocks(row, post.edit_at)
        || row.object.as_post().is_some() && withheld(tx, work, post.user).is_some()
}

/// The peer does not take something of a user: that waits for a profile that the policies keep from the peer, or is
/// sent again later.
pub fn not_taken(tx: &mut Tx<'_>, work: &mut Work, what: Object, user: UserNo, reason: &str) {
    match withheld(tx, work, user) {
        Some(profile) => exception::share(tx, work, what, &profile),
        None => exception::refuse(tx, work, what, reason),
    }
}

/// The peer did not take a profile. One that had been held back is sent again later: nothing else may need it.
pub fn refused(tx: &mut Tx<'_>, work: &mut Work, user: UserNo) {
    let (seq, object) = object(user);
    let Some(row) = exception::get(tx, work, &object) else {
        return;
    };
    exception::refuse(tx, work, (seq, object), reasons::PROFILE_NOT_TAKEN);
    // The policies let it pass now: what was denied with it is not denied any more.
    if row.state == ExceptionState::Denied && Behaviour::Undecided.is_in_force(tx) {
        wake(tx, work, &BTreeSet::from([user]));
    }
}

/// Nothing in the round needs a profile any more: what needs it later brings it along.
pub fn put_aside(tx: &mut Tx<'_>, work: &mut Work, user: UserNo) {
    let object = FeedObject::User(user);
    let is_it = |(_, it): &Object| *it == object;
    if work.round.objects.iter().any(is_it) {
        work.round.objects.retain(|it| !is_it(it));
        exception::clear(tx, work, &object);
    }
}

/// Ends the exceptions of a round's profiles that the peer need not get any more.
pub fn settle(tx: &mut Tx<'_>, work: &mut Work) {
    let of_round = work.round.objects.iter();
    let users = of_round.filter_map(|(_, object)| match object {
        FeedObject::User(no) => Some(*no),
        _ => None,
    });
    let settled = users.filter(|no| !is_due(tx, work, *no)).collect();
    released(tx, work, &settled);
}

/// Users whose profiles the peer holds: what was denied because of them is tried now. What waits for a profile that
/// is tried again by itself is tried with it.
pub fn released(tx: &mut Tx<'_>, work: &Work, users: &BTreeSet<UserNo>) {
    let mut was_denied = false;
    for user in users {
        let object = FeedObject::User(*user);
        let row = exception::get(tx, work, &object);
        was_denied |= row.is_some_and(|row| row.state == ExceptionState::Denied);
        exception::clear(tx, work, &object);
    }
    if was_denied {
        wake(tx, work, users);
    }
}

fn wake(tx: &mut Tx<'_>, work: &Work, users: &BTreeSet<UserNo>) {
    let place = (work.connection_no, work.round.channel);
    let users = users.iter().copied().collect();
    if let Some(job) = try_waiting(tx, place, users, (0, String::new())) {
        jobs::start(tx, job);
    }
}

/// Carries out a portion of [`Job::TryWaiting`]; returns the continued job, if any.
pub fn try_waiting(
    tx: &mut Tx<'_>,
    (connection, channel): (ConnectionNo, ChannelNo),
    users: Vec<UserNo>,
    (number, mut rest): (u64, String),
) -> Option<Job> {
    // The first key after the last one processed.
    rest.push('\0');
    let from = key::encode(&(connection, channel, number, rest));
    let rows = tx.rows::<Exception>(&jobs::range(from, &key::encode(&(connection, channel))));
    let is_full = rows.len() == JOB_ROWS_PER_STEP as usize;
    let last = rows.last().filter(|_| is_full);
    let last = last.map(|((_, _, number, rest), _)| (*number, rest.clone()));
    let of_policies = rows.into_iter().map(|(_, row)| row);
    let of_policies: Vec<Exception> = of_policies
        .filter(|row| row.state.is_of_policies())
        .collect();
    tx.prefetch::<Post>(of_policies.iter().filter_map(|row| row.object.as_post()));
    for row in of_policies {
        let user = match row.object {
            FeedObject::Post(no) => author(tx, no),
            FeedObject::Membership(user) => Some(user),
            _ => row.object.user(),
        };
        if user.is_some_and(|user| users.contains(&user)) {
            exception::try_now(tx, connection, channel, row);
        }
    }
    Some(Job::TryWaiting {
        connection,
        channel,
        users,
        position: last?,
    })
}

/// Called when profiles changed: what waits for them at a peer is tried with what they say now.
pub fn changed(tx: &mut Tx<'_>, connection: ConnectionNo, users: Vec<UserNo>) {
    if users.is_empty() || !Behaviour::Undecided.is_in_force(tx) {
        return;
    }
    if !tx.prefix::<Exception, _>(&connection, 1).is_empty() {
        let job = Job::TryPeople {
            connection,
            users,
            position: ChannelNo(0),
        };
        jobs::start(tx, job);
    }
}

/// Carries out a portion of [`Job::TryPeople`]; returns the continued job, if any.
pub fn try_people(
    tx: &mut Tx<'_>,
    connection: ConnectionNo,
    mut users: Vec<UserNo>,
    position: ChannelNo,
) -> Option<Job> {
    let user = *users.last()?;
    let channels = links_after(tx, connection, position);
    let profile = FeedObject::User(user);
    let key = |channel: &ChannelNo| exception::key_of(connection, *channel, &profile);
    let rows = tx.get_all::<Exception>(&channels.iter().map(key).collect::<Vec<_>>());
    for (channel, row) in channels.iter().zip(rows) {
        if let Some(row) = row.filter(|row| row.state.is_of_policies()) {
            exception::ask_now(tx, connection, *channel, row);
        }
    }
    let position = channels.last().copied().unwrap_or_else(|| {
        users.pop();
        ChannelNo(0)
    });
    (!users.is_empty()).then_some(Job::TryPeople {
        connection,
        users,
        position,
    })
}

/// Called when a channel is no longer shared with a peer: changes of profiles that the policies held back there are
/// tried in another channel in which the peer holds the profiles.
pub fn leave(tx: &mut Tx<'_>, connection: ConnectionNo, channel: ChannelNo) {
    let peer = tx.get::<Connection>(&connection);
    let is_connected = peer.is_some_and(|peer| peer.state == ConnectionState::Confirmed);
    let any = || !of_people(tx, (connection, channel), "").is_empty();
    if is_connected && Behaviour::Undecided.is_in_force(tx) && any() {
        let job = Job::ProfilesElsewhere {
            connection,
            channel,
            position: String::new(),
        };
        jobs::start(tx, job);
    }
}

/// Carries out a portion of [`Job::ProfilesElsewhere`]; returns the continued job, if any.
pub fn try_all_elsewhere(
    tx: &mut Tx<'_>,
    (connection, channel): (ConnectionNo, ChannelNo),
    position: &str,
) -> Option<Job> {
    let rows = of_people(tx, (connection, channel), position);
    let position = rows.last().map(|((_, _, _, rest), _)| rest.clone())?;
    for (_, row) in rows {
        try_elsewhere(tx, &row);
    }
    Some(Job::ProfilesElsewhere {
        connection,
        channel,
        position,
    })
}

/// The exception of a profile that the policies held back ends with its channel: the change goes into the feed of people
/// once more. Who holds the profile already does not get it again.
pub fn try_elsewhere(tx: &mut Tx<'_>, row: &Exception) {
    if let FeedObject::User(no) = row.object
        && row.state.is_of_policies()
        && Behaviour::Undecided.is_in_force(tx)
        && let Some(mut user) = tx.get::<User>(&no)
    {
        feed::user_changed(tx, no, &mut user);
        tx.put(&no, &user);
    }
}

/// A portion of a channel's exceptions that are about people and not about posts.
fn of_people(
    tx: &Tx<'_>,
    (connection, channel): (ConnectionNo, ChannelNo),
    position: &str,
) -> Vec<((ConnectionNo, ChannelNo, u64, String), Exception)> {
    // The first key after the last one processed.
    let from = key::encode(&(connection, channel, 0u64, format!("{position}\0")));
    let prefix = key::encode(&(connection, channel, 0u64));
    tx.rows::<Exception>(&jobs::range(from, &prefix))
}

fn author(tx: &Tx<'_>, post: PostNo) -> Option<UserNo> {
    tx.get::<Post>(&post).map(|post| post.user)
}
