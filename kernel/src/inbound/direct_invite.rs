//! Invitations to direct and group channels. Semantics §11: the people must be those of such a channel, at
//! least one of them ours and one the peer's; who is not known here is created from the invitation.

use std::collections::BTreeMap;

use super::authorize::{self, Peer, Received};
use super::channel_invite::RefusedInvite;
use super::items::users;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::policy::Direction;
use crate::gate::{self, Candidate, Crossing, Judgement, Objection, Route};
use crate::model::limits::GROUP_MEMBERS;
use crate::model::{LinkState, PeerKind, Place};
use crate::objects::direct::{self, NewDirect, Participants};
use crate::rows::id::{ChannelNo, Id, UserNo};
use crate::rows::lookup;
use crate::rows::tx::Tx;
use crate::sharing::directory::NO_CHANNEL;
use crate::sharing::{self, link};
use crate::wire::message::{ChannelInvite, WireUser};

/// Takes an invitation to a direct or group channel.
pub fn accept(
    tx: &mut Tx<'_>,
    peer: &Peer,
    id: Id,
    place: Place,
    invite: &ChannelInvite,
) -> Result<(), RefusedInvite> {
    if !sharing::direct::is_on(tx) {
        return Err(switched_off(place, id).into());
    }
    let kind = if place == Place::Group {
        "group"
    } else {
        "direct"
    };
    let impossible = |name: &str| format!("cannot create {kind} channel `{name}`");
    let failed = |name: &str, why: &str| format!("{}: {why}", impossible(name));
    let people = people(tx, peer, place, invite).map_err(|obstacle| match obstacle {
        Obstacle::Own(why) => failed(id.as_str(), why).into(),
        Obstacle::Policies(it) => RefusedInvite::by_policies(&impossible(id.as_str()), &it),
    })?;
    let name = people.name();
    match (lookup::channel(tx, id.as_str()), people.channel(tx)) {
        (Some(no), Some(same)) if no == same => renew(tx, peer, (no, id), &people, invite),
        (_, Some(_)) => Err(failed(&name, "channel exists with wrong id").into()),
        (Some(_), None) => Err(failed(&name, "channel already exists").into()),
        (None, None) => {
            may_open(tx, peer, &people, invite)
                .map_err(|it| RefusedInvite::by_policies(&impossible(&name), &it))?;
            let created = create(tx, peer, id, &people, invite);
            Ok(created.map_err(|why| failed(&name, why))?)
        }
    }
}

/// Whether the policies let these people talk to each other over the connection.
fn may_open(
    tx: &Tx<'_>,
    peer: &Peer,
    people: &Participants,
    invite: &ChannelInvite,
) -> Result<(), Objection> {
    let route = Route {
        direction: Direction::Inbound,
        connection: &peer.row,
    };
    let named = named_opener(tx, peer, people, invite);
    // The invitation to a direct channel need not name the one who is not here; in a group it may be anybody.
    let opener = match people.place() {
        Place::Group => named,
        Place::Direct | Place::Team { .. } => named.or_else(|| theirs(tx, peer, people)),
    };
    gate::may_open(tx, route, people, opener)
}

/// The answer of a server on which the feature is off, in the reference's words.
fn switched_off(place: Place, id: Id) -> String {
    if place == Place::Group {
        format!(
            "cannot create group channel `{id}`: createGroupChannel: Cannot create a group channel with \
             remote users"
        )
    } else {
        format!(
            "cannot create direct channel `{id}`: createDirectChannelWithUser: Cannot create a direct \
             channel with a remote user"
        )
    }
}

/// Why the people of an invitation cannot have a channel.
enum Obstacle {
    /// A reason of our own.
    Own(&'static str),
    /// The policies.
    Policies(Objection),
}

impl From<&'static str> for Obstacle {
    fn from(why: &'static str) -> Obstacle {
        Obstacle::Own(why)
    }
}

/// The people of the channel. Whoever is not known here becomes a user of the peer, as in a sync message.
fn people(
    tx: &mut Tx<'_>,
    peer: &Peer,
    place: Place,
    invite: &ChannelInvite,
) -> Result<Participants, Obstacle> {
    let sizes = match place {
        Place::Group => GROUP_MEMBERS,
        Place::Direct | Place::Team { .. } => 2..=2,
    };
    let mut ids = invite.participant_ids.clone();
    ids.sort_unstable();
    ids.dedup();
    if !sizes.contains(&ids.len()) || ids.len() != invite.participant_ids.len() {
        return Err("wrong number of participants".into());
    }
    let mut judgements = judge(tx, peer, &ids, invite);
    let mut found = Vec::with_capacity(ids.len());
    for id in &ids {
        found.push(participant(tx, peer, id, invite, &mut judgements)?);
    }
    let origins: Vec<_> = found
        .iter()
        .filter_map(|no| tx.user(*no))
        .map(|user| (user.origin, user.delete_at))
        .collect();
    if !origins
        .iter()
        .any(|(origin, delete_at)| origin.is_ours() && *delete_at == 0)
    {
        return Err("no participant is an active user of this workspace".into());
    }
    if !origins
        .iter()
        .any(|(origin, _)| *origin == peer.row.workspace)
    {
        return Err("no participant is a user of the inviting workspace".into());
    }
    let people = match (place, found.as_slice()) {
        (Place::Group, _) => Participants::of_group(tx, &found),
        (_, [one, other]) => Participants::of_direct(tx, [*one, *other]),
        _ => None,
    };
    people.ok_or(Obstacle::Own("a participant does not exist"))
}

/// The judgements on the profiles of those who are not known here, by their ids.
fn judge<'i>(
    tx: &mut Tx<'_>,
    peer: &Peer,
    ids: &'i [String],
    invite: &'i ChannelInvite,
) -> BTreeMap<&'i str, Judgement> {
    let unknown = ids.iter().filter(|id| lookup::user(tx, id).is_none());
    let told = unknown.filter_map(|id| Some((id.as_str(), profile_of(invite, id)?)));
    let (ids, candidates): (Vec<&str>, Vec<Candidate<'_>>) = told
        .filter_map(|(id, wire)| {
            let change = authorize::user(tx, peer, Received::new(wire)).ok()?;
            let candidate = users::question(tx, change.get())?;
            Some((id, Candidate::Profile(candidate)))
        })
        .unzip();
    let crossing = Crossing {
        direction: Direction::Inbound,
        connection_no: peer.no,
        connection: &peer.row,
        channel: NO_CHANNEL,
    };
    let judgements = gate::judge(tx, crossing, candidates);
    ids.into_iter().zip(judgements).collect()
}

fn participant(
    tx: &mut Tx<'_>,
    peer: &Peer,
    id: &str,
    invite: &ChannelInvite,
    judgements: &mut BTreeMap<&str, Judgement>,
) -> Result<UserNo, Obstacle> {
    if let Some(known) = lookup::user(tx, id) {
        return Ok(known);
    }
    let refused = "the profile of a participant was refused";
    let wire = profile_of(invite, id).ok_or("a participant is not known here")?;
    let change = authorize::user(tx, peer, Received::new(wire)).map_err(|_| refused)?;
    let fields = match judgements.remove(id) {
        None | Some(Judgement::Pass(_)) => None,
        Some(Judgement::Revised(fields)) => Some(fields),
        Some(Judgement::Denied(reason)) => {
            return Err(Obstacle::Policies(Objection::Denied(reason)));
        }
        Some(Judgement::Failed(reason)) => {
            return Err(Obstacle::Policies(Objection::Failed(reason)));
        }
    };
    let is_whole = peer.row.kind == PeerKind::Causeway;
    let (no, _) = users::store(tx, peer, (change, fields), is_whole).map_err(|_| refused)?;
    Ok(no)
}

fn profile_of<'i>(invite: &'i ChannelInvite, id: &str) -> Option<&'i WireUser> {
    invite.participants.iter().find(|user| user.id == id)
}

/// The peer offers a channel that exists here, over this connection or an earlier one of its workspace.
fn renew(
    tx: &mut Tx<'_>,
    peer: &Peer,
    (no, id): (ChannelNo, Id),
    people: &Participants,
    invite: &ChannelInvite,
) -> Result<(), RefusedInvite> {
    let impossible = format!("cannot share channel again (channel_id={id})");
    if sharing::direct::is_ended_here(tx, no, peer.no) {
        let error = format!(
            "{impossible}: an administrator of the invited workspace has ended its sharing, and has to allow \
             it first"
        );
        return Err(error.into());
    }
    if !sharing::direct::is_live(tx, no, peer.no) {
        may_open(tx, peer, people, invite)
            .map_err(|objection| RefusedInvite::by_policies(&impossible, &objection))?;
    }
    open(tx, peer, no, people);
    Ok(())
}

/// Opens the link to the peer, with everything in the channel. An invitation of ours in flight need not be
/// answered any more.
fn open(tx: &mut Tx<'_>, peer: &Peer, no: ChannelNo, people: &Participants) {
    // Messages about the sharing are addressed to a member.
    let is_local = |no: &UserNo| tx.user(*no).is_some_and(|user| user.origin.is_ours());
    let creator = people.users().find(is_local).unwrap_or(peer.row.creator);
    sharing::direct::mark(tx, no, creator, Some(peer.no));
    if sharing::direct::is_live(tx, no, peer.no) {
        return;
    }
    link::open_whole(tx, no, peer.no, LinkState::Active, creator);
}

fn create(
    tx: &mut Tx<'_>,
    peer: &Peer,
    id: Id,
    people: &Participants,
    invite: &ChannelInvite,
) -> Result<(), &'static str> {
    let origin = peer.row.workspace;
    if direct::take_places(tx, people, origin).is_err() {
        return Err("a participant is in too many direct and group channels");
    }
    let new = NewDirect {
        id,
        origin,
        creator: named_opener(tx, peer, people, invite).or_else(|| theirs(tx, peer, people)),
    };
    let no = direct::insert(tx, people, &new);
    open(tx, peer, no, people);
    Ok(())
}

/// The participant who opened the channel, as far as the peer may say so.
fn named_opener(
    tx: &Tx<'_>,
    peer: &Peer,
    people: &Participants,
    invite: &ChannelInvite,
) -> Option<UserNo> {
    let only_theirs = Behaviour::OwnOpeners.is_in_force(tx);
    let may_be_named = |no: &UserNo| {
        people.users().any(|user| user == *no) && (!only_theirs || is_theirs(tx, peer, *no))
    };
    lookup::user(tx, &invite.creator_id).filter(may_be_named)
}

/// A participant whose home is at the peer: in a direct channel the one who opened it.
fn theirs(tx: &Tx<'_>, peer: &Peer, people: &Participants) -> Option<UserNo> {
    people.users().find(|no| is_theirs(tx, peer, *no))
}

fn is_theirs(tx: &Tx<'_>, peer: &Peer, no: UserNo) -> bool {
    tx.user(no)
        .is_some_and(|user| user.origin == peer.row.workspace)
}
