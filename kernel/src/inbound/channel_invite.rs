//! Channel invitations from a peer. Semantics §8.4: a valid invitation takes effect at once; one for a
//! channel that already exists here changes nothing, unless it is the peer's own channel come back and no
//! admin here has let it go. A peer's number of channels is limited, so that it cannot fill the workspace.

use super::authorize::Peer;
use super::{Reason, Tally, direct_invite, fail, ok};
use crate::boundary::behaviour::Behaviour;
use crate::boundary::output::Reply;
use crate::model::limits::{
    CHANNEL_NAME_MAX, HEADER_CHARS_MAX, PURPOSE_CHARS_MAX, RECEIVED_CHANNELS_MAX,
};
use crate::model::naming;
use crate::model::{Channel, ChannelKind, Link, LinkState, Place, SharedChannel, Team, User};
use crate::objects::{channels, members, posts};
use crate::rows::id::{ChannelNo, Id, TeamNo, UserNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::tx::{Read, Tx};
use crate::sharing::{self, link, received};
use crate::wire::json::Value;
use crate::wire::message::ChannelInvite;

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
        Ok(()) => ok(None),
        Err(error) => {
            tx.abandon();
            Tally::of(Reason::InviteRefused).report(tx, peer.no);
            fail(&error)
        }
    }
}

fn accept(tx: &mut Tx<'_>, peer: &Peer, invite: &ChannelInvite) -> Result<(), String> {
    let id =
        Id::parse(&invite.channel_id).ok_or("invalid channel invite: channel id is invalid")?;
    match invite.kind.as_str() {
        "D" => return direct_invite::accept(tx, peer, id, Place::Direct, invite),
        "G" => return direct_invite::accept(tx, peer, id, Place::Group, invite),
        _ => {}
    }
    let Some(no) = lookup::channel(tx, &invite.channel_id) else {
        return create(tx, peer, id, invite);
    };
    let live = |link: Link| link.state != LinkState::Ended;
    if tx.get::<Link>(&(no, peer.no)).is_some_and(live) {
        return Ok(());
    }
    if received::is_declined(tx, no) {
        return Err(format!(
            "cannot share channel again (channel_id={id}): an administrator of the invited workspace \
             has ended its sharing, and has to allow it first"
        ));
    }
    restore(tx, peer, no).ok_or(format!(
        "cannot create new shared channel (channel_id={id}): channel already exists"
    ))
}

/// Shares a channel again that came from this peer, even if it came over an earlier connection of the same
/// workspace. A channel of ours, or of another peer, is not the peer's to offer.
fn restore(tx: &mut Tx<'_>, peer: &Peer, no: ChannelNo) -> Option<()> {
    let mut channel = tx.get::<Channel>(&no)?;
    channel.place.team()?;
    if channel.origin.is_ours() || channel.origin != peer.row.workspace {
        return None;
    }
    if !tx.has::<SharedChannel>(&no) {
        // As in the reference, the read-only setting is not changed.
        let row = shared_row(tx, peer, channel.read_only);
        sharing::mark_shared(tx, no, &mut channel, &row);
    }
    let creator = peer.row.creator;
    link::open(tx, no, peer.no, LinkState::Active, false, creator);
    Some(())
}

fn shared_row(tx: &Tx<'_>, peer: &Peer, read_only: bool) -> SharedChannel {
    SharedChannel {
        home: false,
        read_only,
        creator: Some(peer.row.creator),
        create_at: tx.now_ms(),
        connection: Some(peer.no),
    }
}

fn create(tx: &mut Tx<'_>, peer: &Peer, id: Id, invite: &ChannelInvite) -> Result<(), String> {
    let kind = kind_of(invite, id)?;
    let is_guarded = Behaviour::GuardedInvitations.is_in_force(tx);
    check_fields(invite, is_guarded).map_err(|what| {
        format!("cannot create channel `{id}`: Channel.IsValid: {what}, id={id}")
    })?;
    let team = team_of(tx, peer).ok_or(format!(
        "cannot create channel `{id}`: there is no team that could hold it"
    ))?;
    let is_taken = |name: &str| lookup::channel_name(tx, team, name).is_some();
    let name = if is_guarded {
        naming::free_channel_name(&invite.name, is_taken)
    } else {
        Some(invite.name.clone()).filter(|name| !is_taken(name))
    };
    let name = name.ok_or(format!(
        "cannot create channel `{id}`: CreateChannel: A channel with that name already exists on the \
         same team., Channelexists id={id}"
    ))?;
    if !received::take_place(tx, peer.row.workspace) {
        return Err(format!(
            "cannot create channel `{id}`: the invited workspace takes at most \
             {RECEIVED_CHANNELS_MAX} channels of another one"
        ));
    }
    if channels::team_is_full(tx, team) {
        return Err(format!(
            "cannot create channel `{id}`: CreateChannel: You've reached the limit of the number \
             of allowed channels."
        ));
    }
    let creator = local_creator(tx, peer);
    let channel = Channel {
        name,
        ..build(tx, peer, id, (team, kind, creator), invite)
    };
    let no = channels::insert(tx, &channel);
    if let Some(creator) = creator {
        join(tx, no, team, creator);
    }
    let Some(mut channel) = tx.get::<Channel>(&no) else {
        return Ok(());
    };
    let row = shared_row(tx, peer, invite.read_only);
    sharing::mark_shared(tx, no, &mut channel, &row);
    // Done last, so that the message about the first member is older than the link.
    link::open(tx, no, peer.no, LinkState::Active, false, peer.row.creator);
    Ok(())
}

fn build(
    tx: &Tx<'_>,
    peer: &Peer,
    id: Id,
    (team, kind, creator): (TeamNo, ChannelKind, Option<UserNo>),
    invite: &ChannelInvite,
) -> Channel {
    let now_ms = tx.now_ms();
    let named = |name: &String| {
        if name.is_empty() {
            invite.name.clone()
        } else {
            name.clone()
        }
    };
    Channel {
        id,
        origin: peer.row.workspace,
        place: Place::Team { team, kind },
        create_at: now_ms,
        update_at: now_ms,
        delete_at: 0,
        display_name: named(&invite.display_name),
        name: invite.name.clone(),
        header: invite.header.clone(),
        purpose: invite.purpose.clone(),
        creator,
        last_post_at: 0,
        last_root_post_at: 0,
        last_update_at: now_ms,
        msg_count: 0,
        root_msg_count: 0,
        read_only: invite.read_only,
        shared: false,
    }
}

/// The connection's creator becomes the first member and the admin of the local channel.
fn join(tx: &mut Tx<'_>, no: ChannelNo, team: TeamNo, creator: UserNo) {
    members::join_team(tx, team, creator, false);
    members::join_channel(tx, no, creator, true);
    let name = tx
        .get::<User>(&creator)
        .map_or_else(String::new, |user| user.username);
    let props = format!("{{\"username\":\"{name}\"}}");
    let text = format!("{name} joined the channel.");
    posts::insert_system(tx, no, creator, "system_join_channel", text, props);
}

fn local_creator(tx: &Tx<'_>, peer: &Peer) -> Option<UserNo> {
    let no = peer.row.creator;
    let user = tx.get::<User>(&no)?;
    (user.origin == WorkspaceNo::OURS && user.delete_at == 0).then_some(no)
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

/// The team of the connection, or the first one of the workspace. The team in the invitation is ignored: the
/// peer does not decide where a channel goes.
fn team_of(tx: &Tx<'_>, peer: &Peer) -> Option<TeamNo> {
    let live = |no: &TeamNo| tx.get::<Team>(no).is_some_and(|team| team.delete_at == 0);
    let chosen = lookup::team(tx, &peer.row.default_team_id).filter(live);
    chosen.or_else(|| {
        let teams = tx.prefix::<Team, ()>(&(), TEAMS_LOOKED_AT_MAX);
        teams
            .into_iter()
            .find(|(_, team)| team.delete_at == 0)
            .map(|(no, _)| no)
    })
}

/// Maximum number of teams searched for the first one that is not archived, for a connection without a team.
const TEAMS_LOOKED_AT_MAX: u32 = 100;
