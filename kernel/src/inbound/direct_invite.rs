//! Invitations to direct and group channels. Semantics §11: the people must be those of such a channel, at
//! least one of them ours and one the peer's; who is not known here is created from the invitation.

use super::authorize::{self, Peer, Received};
use super::items::users;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::model::limits::GROUP_MEMBERS;
use crate::model::{Channel, LinkState, PeerKind, Place, SharedChannel};
use crate::objects::direct::{self, NewDirect, Participants};
use crate::rows::id::{ChannelNo, Id, UserNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, link};
use crate::wire::message::ChannelInvite;

/// Takes an invitation to a direct or group channel; the error is the answer to the peer.
pub fn accept(
    tx: &mut Tx<'_>,
    peer: &Peer,
    id: Id,
    place: Place,
    invite: &ChannelInvite,
) -> Result<(), String> {
    if !sharing::direct::is_on(tx) {
        return Err(switched_off(place, id));
    }
    let kind = if place == Place::Group {
        "group"
    } else {
        "direct"
    };
    let failed = |name: &str, why: &str| format!("cannot create {kind} channel `{name}`: {why}");
    let people = people(tx, peer, place, invite).map_err(|why| failed(id.as_str(), why))?;
    let name = people.name();
    match (lookup::channel(tx, id.as_str()), people.channel(tx)) {
        (Some(no), Some(same)) if no == same => renew(tx, peer, no, id, &people),
        (_, Some(_)) => Err(failed(&name, "channel exists with wrong id")),
        (Some(_), None) => Err(failed(&name, "channel already exists")),
        (None, None) => create(tx, peer, id, &people, invite).map_err(|why| failed(&name, why)),
    }
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

/// The people of the channel. Whoever is not known here becomes a user of the peer, as in a sync message.
fn people(
    tx: &mut Tx<'_>,
    peer: &Peer,
    place: Place,
    invite: &ChannelInvite,
) -> Result<Participants, &'static str> {
    let sizes = match place {
        Place::Group => GROUP_MEMBERS,
        Place::Direct | Place::Team { .. } => 2..=2,
    };
    let mut ids = invite.participant_ids.clone();
    ids.sort_unstable();
    ids.dedup();
    if !sizes.contains(&ids.len()) || ids.len() != invite.participant_ids.len() {
        return Err("wrong number of participants");
    }
    let mut found = Vec::with_capacity(ids.len());
    for id in &ids {
        found.push(participant(tx, peer, id, invite)?);
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
        return Err("no participant is an active user of this workspace");
    }
    if !origins
        .iter()
        .any(|(origin, _)| *origin == peer.row.workspace)
    {
        return Err("no participant is a user of the inviting workspace");
    }
    let people = match (place, found.as_slice()) {
        (Place::Group, _) => Participants::of_group(tx, &found),
        (_, [one, other]) => Participants::of_direct(tx, [*one, *other]),
        _ => None,
    };
    people.ok_or("a participant does not exist")
}

fn participant(
    tx: &mut Tx<'_>,
    peer: &Peer,
    id: &str,
    invite: &ChannelInvite,
) -> Result<UserNo, &'static str> {
    if let Some(known) = lookup::user(tx, id) {
        return Ok(known);
    }
    let wire = invite.participants.iter().find(|user| user.id == id);
    let wire = wire.ok_or("a participant is not known here")?;
    let change = authorize::user(tx, peer, Received::new(wire));
    let change = change.map_err(|_| "the profile of a participant was refused")?;
    let (no, _) = users::store(tx, peer, change, peer.row.kind == PeerKind::Causeway)
        .map_err(|_| "the profile of a participant was refused")?;
    Ok(no)
}

/// The peer offers a channel that exists here, over this connection or an earlier one of its workspace.
fn renew(
    tx: &mut Tx<'_>,
    peer: &Peer,
    no: ChannelNo,
    id: Id,
    people: &Participants,
) -> Result<(), String> {
    if sharing::direct::is_ended_here(tx, no, peer.no) {
        return Err(format!(
            "cannot share channel again (channel_id={id}): an administrator of the invited workspace has \
             ended its sharing, and has to allow it first"
        ));
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
    if !tx.has::<SharedChannel>(&no)
        && let Some(mut channel) = tx.get::<Channel>(&no)
    {
        let row = SharedChannel {
            home: channel.origin.is_ours(),
            read_only: false,
            creator: Some(creator),
            create_at: tx.now_ms(),
            connection: Some(peer.no),
        };
        sharing::mark_shared(tx, no, &mut channel, &row);
    }
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
    let opened_by = lookup::user(tx, &invite.creator_id);
    let is_member = |no: &UserNo| people.users().any(|user| user == *no);
    let only_theirs = Behaviour::OwnOpeners.is_in_force(tx);
    let may_open = |no: &UserNo| is_member(no) && (!only_theirs || is_theirs(tx, peer, *no));
    let new = NewDirect {
        id,
        origin,
        creator: opened_by
            .filter(may_open)
            .or_else(|| theirs(tx, peer, people)),
    };
    let no = direct::insert(tx, people, &new);
    open(tx, peer, no, people);
    Ok(())
}

/// A participant whose home is at the peer: in a direct channel the one who opened it.
fn theirs(tx: &Tx<'_>, peer: &Peer, people: &Participants) -> Option<UserNo> {
    people.users().find(|no| is_theirs(tx, peer, *no))
}

fn is_theirs(tx: &Tx<'_>, peer: &Peer, no: UserNo) -> bool {
    tx.user(no)
        .is_some_and(|user| user.origin == peer.row.workspace)
}
