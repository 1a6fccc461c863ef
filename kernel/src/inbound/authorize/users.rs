//! Profiles.

use super::{Authorized, Peer, Received, has_at_most, is_time};
use crate::boundary::behaviour::Behaviour;
use crate::inbound::Reason;
use crate::model::limits::{
    EMAIL_BYTES_MAX, NAME_CHARS_MAX, POSITION_CHARS_MAX, USER_PROPS_BYTES_MAX,
};
use crate::model::{RemoteUser, User, naming};
use crate::rows::id::{Id, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Read;
use crate::wire::message::WireUser;

/// What may be done with a profile.
#[derive(Clone, Debug)]
pub enum UserAct {
    /// The user is new here.
    Create(Id),
    /// This user has a newer profile.
    Update(UserNo),
    /// The stored profile of this user is the same or newer.
    Nothing(UserNo),
}

/// A profile and what may be done with it.
#[derive(Clone, Debug)]
pub struct UserChange<'a> {
    /// What may be done.
    pub act: UserAct,
    /// The profile.
    pub wire: &'a WireUser,
}

/// May the peer create or change this user? Only if it is unknown, or its home is at the peer.
pub fn user<'a>(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    received: Received<&'a WireUser>,
) -> Result<Authorized<UserChange<'a>>, Reason> {
    let wire = received.0;
    let id = Id::parse(&wire.id).ok_or(Reason::BadId)?;
    let act = match lookup::user(rows, &wire.id) {
        None => {
            if claims_another(rows, peer, &wire.remote_id) {
                return Err(Reason::ClaimedOrigin);
            }
            check_profile(wire)?;
            UserAct::Create(id)
        }
        Some(no) => {
            let user = rows.get::<User>(&no).ok_or(Reason::UnknownUser)?;
            if !peer.owns_user(&user) {
                return Err(Reason::ForeignUser);
            }
            check_profile(wire)?;
            let held = user
                .remote
                .as_ref()
                .map_or(0, |remote: &RemoteUser| remote.origin_update_at);
            if wire.update_at > held {
                UserAct::Update(no)
            } else {
                UserAct::Nothing(no)
            }
        }
    };
    Ok(Authorized(UserChange { act, wire }))
}

/// Whether a profile claims to come over a connection of ours other than the one it came over. A `remote_id`
/// belongs to one connection, so a peer that forwards others' users does not know any of ours.
fn claims_another(rows: &(impl Read + ?Sized), peer: &Peer, remote_id: &str) -> bool {
    let claimed = lookup::connection(rows, remote_id);
    claimed.is_some_and(|no| no != peer.no) && Behaviour::OwnNames.is_in_force(rows)
}

fn check_profile(wire: &WireUser) -> Result<(), Reason> {
    if !naming::is_remote_username(&wire.username) {
        return Err(Reason::BadName);
    }
    if ![wire.create_at, wire.update_at, wire.delete_at]
        .into_iter()
        .all(is_time)
    {
        return Err(Reason::BadTime);
    }
    let names = [&wire.nickname, &wire.first_name, &wire.last_name];
    let fits = names
        .into_iter()
        .all(|name| has_at_most(name, NAME_CHARS_MAX))
        && has_at_most(&wire.position, POSITION_CHARS_MAX)
        && wire.email.len() <= EMAIL_BYTES_MAX
        && wire.props.len() <= USER_PROPS_BYTES_MAX
        && wire.timezone.len() <= USER_PROPS_BYTES_MAX;
    if fits { Ok(()) } else { Err(Reason::TooLarge) }
}
