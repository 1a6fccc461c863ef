//! Channel invitations from a peer. Semantics §8.4: a valid invitation takes effect at once, unless an
//! administrator here wants to be asked first; one for a channel that already exists here changes nothing, unless
//! it is the peer's own channel come back and no admin here has let it go. The policies are asked about what would
//! take effect, and about what an administrator is asked.

use super::authorize::Peer;
use super::{Reason, Tally, direct_invite, fail, ok};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::Reply;
use crate::boundary::policy::Direction;
use crate::gate::{self, Objection, Route, SharingOffer};
use crate::model::limits::{
    CHANNEL_NAME_MAX, HEADER_CHARS_MAX, LINKS_PER_CHANNEL_MAX, PURPOSE_CHARS_MAX,
};
use crate::model::naming;
use crate::model::reasons::INVITATION_DENIED;
use crate::model::{
    Channel, ChannelKind, Connection, Link, LinkEnd, LinkState, OfferedChannel, Place,
    SharedChannel,
};
use crate::objects::channels;
use crate::outbound;
use crate::rows::id::{ChannelNo, ConnectionNo, Id};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::consent::{self, Consent};
use crate::sharing::{self, link, offered, received};
use crate::wire::json::Value;
use crate::wire::message::ChannelInvite;
use crate::wire::response::{AWAITS_CONSENT, UNDECIDED};

/// What is done about an invitation that is not refused.
enum Answer {
    /// The channel is shared.
    Taken,
    /// An administrator here has to accept it first; that is recorded.
    Waits(Id),
    /// An administrator here has declined it.
    Declined(Id),
}

/// Why an invitation is refused.
pub(super) struct RefusedInvite {
    reason: Reason,
    /// The answer to the peer.
    error: String,
}

impl From<String> for RefusedInvite {
    fn from(error: String) -> RefusedInvite {
        let reason = Reason::InviteRefused;
        RefusedInvite { reason, error }
    }
}

impl RefusedInvite {
    /// Because of the policies, whose words the peer does not learn; `what` is what cannot be done.
    pub(super) fn by_policies(what: &str, objection: &Objection) -> RefusedInvite {
        match objection {
            Objection::Denied(_) => RefusedInvite {
                reason: Reason::Denied,
                error: format!("{what}: {INVITATION_DENIED}"),
            },
            // Answered with another status, everything else from this peer would wait for it.
            Objection::Failed(_) => RefusedInvite {
                reason: Reason::Held,
                error: format!(
                    "{what}: {UNDECIDED}; if this server does not repeat the invitation by itself, invite \
                     again later"
                ),
            },
        }
    }
}

/// Answers an invitation.
pub fn message(tx: &mut Tx<'_>, peer: &Peer, payload: Value<'_>) -> Reply {
    let invite = match ChannelInvite::decode(payload) {
        Ok(invite) => invite,
        Err(error) => {
            Tally::of(Reason::Malformed).report(tx, peer.no);
            return fail(&format!("invalid channel invite: {error}"));
        }
    };
    match accept(tx, peer, &invite) {
        Ok(Answer::Taken) => ok(None),
        // A Mattermost server forgets the invitation, and shows this to whoever invited.
        Ok(Answer::Waits(id)) => fail(&format!(
            "cannot create channel `{id}` yet: {AWAITS_CONSENT}; if this server does not repeat the \
             invitation by itself, invite again after that"
        )),
        Ok(Answer::Declined(id)) => {
            Tally::of(Reason::InviteRefused).report(tx, peer.no);
            fail(&format!(
                "cannot create channel `{id}`: an administrator of the invited workspace has declined it"
            ))
        }
        Err(refused) => {
            tx.abandon();
            if refused.reason == Reason::Denied
                && let Some(id) = Id::parse(&invite.channel_id)
            {
                consent::forget_waiting(tx, (peer.no, id));
            }
            Tally::of(refused.reason).report(tx, peer.no);
            fail(&refused.error)
        }
    }
}

fn accept(tx: &mut Tx<'_>, peer: &Peer, invite: &ChannelInvite) -> Result<Answer, RefusedInvite> {
    let id = Id::parse(&invite.channel_id)
        .ok_or_else(|| "invalid channel invite: channel id is invalid".to_string())?;
    let outside_teams = match invite.kind.as_str() {
        "D" => Some(Place::Direct),
        "G" => Some(Place::Group),
        _ => None,
    };
    if let Some(place) = outside_teams {
        return direct_invite::accept(tx, peer, id, place, invite).map(|()| Answer::Taken);
    }
    let Some(no) = lookup::channel(tx, &invite.channel_id) else {
        return accept_new(tx, peer, id, invite);
    };
    let live = |link: Link| link.state != LinkState::Ended;
    if tx.get::<Link>(&(no, peer.no)).is_some_and(live) {
        // An answer to the question whether the peer shares it may be older than this.
        outbound::forget_state(tx, peer.no, no);
        return Ok(Answer::Taken);
    }
    if received::is_declined(tx, no) {
        let error = format!(
            "cannot share channel again (channel_id={id}): an administrator of the invited workspace \
             has ended its sharing, and has to allow it first"
        );
        return Err(error.into());
    }
    let channel = own_channel(tx, peer, no).ok_or(format!(
        "cannot create new shared channel (channel_id={id}): channel already exists"
    ))?;
    may_come_back(tx, peer, &channel).map_err(|objection| {
        let what = format!("cannot share channel again (channel_id={id})");
        RefusedInvite::by_policies(&what, &objection)
    })?;
    restore(tx, peer, no, channel);
    Ok(Answer::Taken)
}

/// Takes a channel that is not known here, or lets it wait.
fn accept_new(
    tx: &mut Tx<'_>,
    peer: &Peer,
    id: Id,
    invite: &ChannelInvite,
) -> Result<Answer, RefusedInvite> {
    let channel = offer_of(tx, id, invite)?;
    match consent::of(tx, (peer.no, id), &peer.row, &channel)? {
        Consent::Given => {
            may_be_taken(tx, peer, id, &channel)?;
            offered::create(tx, (peer.no, &peer.row), id, &channel)?;
            Ok(Answer::Taken)
        }
        Consent::Awaited => {
            may_be_taken(tx, peer, id, &channel)?;
            Ok(Answer::Waits(id))
        }
        Consent::Declined => Ok(Answer::Declined(id)),
    }
}

fn may_be_taken(
    tx: &Tx<'_>,
    peer: &Peer,
    id: Id,
    channel: &OfferedChannel,
) -> Result<(), RefusedInvite> {
    offered::may_be_taken(tx, &peer.row, id, channel).map_err(|objection| {
        let what = format!("cannot create channel `{id}`");
        RefusedInvite::by_policies(&what, &objection)
    })
}

/// A channel that came from this peer, even if it came over an earlier connection of the same workspace. A channel of
/// ours, or of another peer, is not the peer's to offer.
fn own_channel(tx: &Tx<'_>, peer: &Peer, no: ChannelNo) -> Option<Channel> {
    let channel = tx.get::<Channel>(&no)?;
    channel.place.team()?;
    (!channel.origin.is_ours() && channel.origin == peer.row.workspace).then_some(channel)
}

/// Whether the policies let a channel be shared again: as it is here, as the invitation does not change it.
fn may_come_back(tx: &Tx<'_>, peer: &Peer, channel: &Channel) -> Result<(), Objection> {
    let route = Route {
        direction: Direction::Inbound,
        connection: &peer.row,
    };
    let offer = SharingOffer {
        id: channel.id,
        name: &channel.name,
        display_name: &channel.display_name,
        audience: channel.place.into(),
        read_only: channel.read_only,
        inviter: None,
    };
    gate::may_share(tx, route, &offer)
}

/// Shares a [channel of the peer](own_channel) again.
fn restore(tx: &mut Tx<'_>, peer: &Peer, no: ChannelNo, mut channel: Channel) {
    if !tx.has::<SharedChannel>(&no) {
        // As in the reference, the read-only setting is not changed.
        let row = offered::shared_row(tx, (peer.no, &peer.row), channel.read_only);
        sharing::mark_shared(tx, no, &mut channel, &row);
    }
    if is_archived_by_end(tx, peer, no, &channel) {
        channels::restore(tx, no);
    }
    let creator = peer.row.creator;
    link::open(tx, no, peer.no, LinkState::Active, false, creator);
}

/// Whether a channel was archived when the peer's workspace no longer shared it, over whichever connection, and not by
/// an admin here.
fn is_archived_by_end(tx: &Tx<'_>, peer: &Peer, no: ChannelNo, channel: &Channel) -> bool {
    let is_of_peer = |connection: ConnectionNo| {
        let row = tx.get::<Connection>(&connection);
        row.is_some_and(|row| row.workspace == peer.row.workspace)
    };
    let links = tx.prefix::<Link, _>(&no, LINKS_PER_CHANNEL_MAX);
    channel.delete_at != 0
        && links.into_iter().any(|((_, connection), link)| {
            let at_its_end = link.end == Some(LinkEnd::Peer) && link.delete_at == channel.delete_at;
            at_its_end && is_of_peer(connection)
        })
}

/// The channel that is offered, checked.
fn offer_of(tx: &Tx<'_>, id: Id, invite: &ChannelInvite) -> Result<OfferedChannel, String> {
    let kind = kind_of(invite, id)?;
    let is_guarded = Behaviour::GuardedInvitations.is_in_force(tx);
    check_fields(invite, is_guarded).map_err(|what| {
        format!("cannot create channel `{id}`: Channel.IsValid: {what}, id={id}")
    })?;
    let display_name = if invite.display_name.is_empty() {
        invite.name.clone()
    } else {
        invite.display_name.clone()
    };
    Ok(OfferedChannel {
        kind,
        read_only: invite.read_only,
        name: invite.name.clone(),
        display_name,
        header: invite.header.clone(),
        purpose: invite.purpose.clone(),
    })
}

fn kind_of(invite: &ChannelInvite, id: Id) -> Result<ChannelKind, String> {
    ChannelKind::from_letter(&invite.kind).ok_or(format!(
        "cannot create channel `{id}`: Channel.IsValid: Invalid type., id={id}"
    ))
}

fn check_fields(invite: &ChannelInvite, is_guarded: bool) -> Result<(), &'static str> {
    let longer = |text: &str, chars: usize| text.chars().nth(chars).is_some();
    if !naming::is_channel_name(&invite.name) {
        return Err("Name must be 1 or more lowercase alphanumeric character.");
    }
    let looks_otherwise =
        naming::is_direct_channel_name(&invite.name) || naming::is_group_channel_name(&invite.name);
    if looks_otherwise && is_guarded {
        return Err("Name looks like that of a direct or group channel.");
    }
    if longer(&invite.display_name, CHANNEL_NAME_MAX) {
        return Err("Invalid display name.");
    }
    if longer(&invite.header, HEADER_CHARS_MAX) {
        return Err("Invalid header.");
    }
    if longer(&invite.purpose, PURPOSE_CHARS_MAX) {
        return Err("Invalid purpose.");
    }
    Ok(())
}
