//! The life cycle of a shared channel: shared at home, offered to a connection, accepted or refused, and
//! ended by either side. Semantics §8.
//!
//! Links are opened and closed by [`link`]; this module handles the consequences for the channel, and
//! permissions.

pub mod connection;
pub mod consent;
pub mod direct;
pub mod directory;
pub mod feed;
pub mod interruption;
pub mod jobs;
pub mod link;
pub mod notice;
pub mod offered;
pub mod received;

use crate::authority;
use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Rows;
use crate::boundary::input::Actor;
use crate::boundary::output::{Effect, Event, Object, Refusal, Reply};
use crate::boundary::policy::Direction;
use crate::gate::{self, Route, SharingOffer};
use crate::model::limits::{LINKS_PER_CHANNEL_MAX, REASON_CHARS_MAX};
use crate::model::{
    Channel, Connection, ConnectionState, History, Link, LinkEnd, LinkState, PeerKind, Pending,
    SharedChannel,
};
use crate::objects::direct::Participants;
use crate::objects::{channels, posts};
use crate::rows::counters::connected_workspaces;
use crate::rows::id::{ChannelNo, ConnectionNo, UserNo};
use crate::rows::tx::{Read, Tx};

/// What an administrator decides when inviting a connection to a channel.
#[derive(Clone, Copy, Debug, Default)]
pub struct Terms {
    /// Whether the peer's ordinary members may only read; counts if the channel is not shared yet.
    pub read_only: bool,
    /// Which posts from before the peer gets.
    pub history: History,
}

/// Shares a channel, if not shared yet, and invites a connection to it. The invitation is sent when the peer
/// can be reached; posts from now on are sent after it (W54). `read_only` is used only if the channel is
/// shared by this act.
///
/// For a channel that the peer had offered and an admin here has let go, it allows the peer to offer it
/// again.
///
/// # Errors
/// The actor may not share the channel; channel or connection do not exist; the channel came from elsewhere; the
/// connection is invited already; the channel has reached its limit of links; a policy does not allow it, or
/// failed.
pub fn invite(
    tx: &mut Tx<'_>,
    actor: Actor,
    channel_no: ChannelNo,
    connection_no: ConnectionNo,
    terms: Terms,
) -> Result<Reply, Refusal> {
    authority::require_sharing(tx, actor, channel_no)?;
    require_on(tx)?;
    let connection = open_connection(tx, connection_no)?;
    let mut channel = open_channel(tx, channel_no)?;
    let shared = tx.get::<SharedChannel>(&channel_no);
    let creator = match actor {
        Actor::User(user) => user,
        Actor::System | Actor::Anonymous => connection.creator,
    };
    if let Some(people) = Participants::of_channel(tx, channel_no, channel.place) {
        direct::share_again(tx, channel_no, &people, connection_no, creator)?;
        return Ok(Reply::Object(Object::Channel(channel_no)));
    }
    // A channel that came from elsewhere is not ours to offer, even if nobody shares it now.
    if received::is_declined(tx, channel_no) && channel.origin == connection.workspace {
        received::allow(tx, channel_no, connection.workspace)?;
        return Ok(Reply::Object(Object::Channel(channel_no)));
    }
    if !channel.origin.is_ours() || shared.as_ref().is_some_and(|shared| !shared.home) {
        return Err(not_home());
    }
    check_room(tx, channel_no, connection_no)?;
    let read_only = shared
        .as_ref()
        .map_or(terms.read_only, |shared| shared.read_only);
    let route = Route {
        direction: Direction::Outbound,
        connection: &connection,
    };
    let offer = SharingOffer {
        id: channel.id,
        name: &channel.name,
        display_name: &channel.display_name,
        audience: channel.place.into(),
        read_only,
        inviter: Some(creator),
    };
    gate::may_share(tx, route, &offer)?;
    if shared.is_none() {
        let row = SharedChannel {
            home: true,
            read_only,
            creator: Some(creator),
            create_at: tx.now_ms(),
            connection: None,
        };
        mark_shared(tx, channel_no, &mut channel, &row);
    }
    link::offer(tx, channel_no, connection_no, creator, terms.history);
    Ok(Reply::Object(Object::Channel(channel_no)))
}

/// Requires that channels are synchronised.
///
/// # Errors
/// That is switched off.
pub fn require_on(tx: &Tx<'_>) -> Result<(), Refusal> {
    if connected_workspaces(tx).channels {
        Ok(())
    } else {
        Err(switched_off())
    }
}

/// The refusal of everything that synchronises a channel while that is switched off.
pub fn switched_off() -> Refusal {
    Refusal::new(
        503,
        "api.shared_channel.disabled.app_error",
        "Shared channels are switched off here (ConnectedWorkspacesSettings.EnableSharedChannels).",
    )
}

fn not_home() -> Refusal {
    Refusal::new(
        400,
        "api.command_share.channel_invite_not_home.error",
        "Cannot invite secure connection to a shared channel originating somewhere else.",
    )
}

fn check_room(tx: &Tx<'_>, channel: ChannelNo, connection: ConnectionNo) -> Result<(), Refusal> {
    let links = tx.prefix::<Link, _>(&channel, LINKS_PER_CHANNEL_MAX);
    if links
        .iter()
        .any(|((_, no), link)| *no == connection && link.state != LinkState::Ended)
    {
        return Err(Refusal::new(
            400,
            "api.command_share.invite_remote_to_channel.already_invited.error",
            "The secure connection has already been invited.",
        ));
    }
    let known = links.iter().any(|((_, no), _)| *no == connection);
    if !known && links.len() >= LINKS_PER_CHANNEL_MAX as usize {
        return Err(Refusal::new(
            400,
            "api.command_share.invite_remote_to_channel.too_many.error",
            format!("A channel is shared with at most {LINKS_PER_CHANNEL_MAX} connections."),
        ));
    }
    Ok(())
}

/// Ends the sharing of a channel with one connection; with the last one the channel is no longer shared. Another
/// Causeway is told; no generation of Mattermost has a message for it: its next message is refused. A channel that
/// the peer had offered does not come back without an admin's permission, even if the peer had already ended
/// the sharing; a refused invitation of ours is no longer shown.
///
/// # Errors
/// The actor may not share the channel; the connection is not in the channel.
pub fn uninvite(
    tx: &mut Tx<'_>,
    actor: Actor,
    channel: ChannelNo,
    connection: ConnectionNo,
) -> Result<Reply, Refusal> {
    authority::require_sharing(tx, actor, channel)?;
    let link = tx.get::<Link>(&(channel, connection));
    let Some(link) = link.filter(|link| may_be_ended(tx, link)) else {
        return Err(Refusal::new(
            404,
            "api.command_share.remote_not_in_channel.error",
            "The secure connection is not invited to this channel.",
        ));
    };
    let was_active = link.state == LinkState::Active;
    let creator = link.creator;
    end_here(tx, channel, connection, link);
    if was_active && Behaviour::ToldEndings.is_in_force(tx) {
        tell_of_end(tx, channel, connection, creator);
    }
    Ok(Reply::Object(Object::Channel(channel)))
}

/// Whether an admin may end a link: also one that has already ended, unless it ended here.
fn may_be_ended(tx: &Tx<'_>, link: &Link) -> bool {
    let is_known = link.end != Some(LinkEnd::Here) && Behaviour::GuardedInvitations.is_in_force(tx);
    link.state != LinkState::Ended || is_known
}

/// Ends the sharing of a channel with everybody.
///
/// # Errors
/// The actor may not share the channel; the channel is not shared.
pub fn unshare(tx: &mut Tx<'_>, actor: Actor, channel: ChannelNo) -> Result<Reply, Refusal> {
    authority::require_sharing(tx, actor, channel)?;
    if !tx.has::<SharedChannel>(&channel) {
        return Err(Refusal::new(
            400,
            "api.command_share.shared_channel_unavailable.error",
            "This channel is not shared.",
        ));
    }
    let mut author = None;
    for ((_, connection), link) in tx.prefix::<Link, _>(&channel, LINKS_PER_CHANNEL_MAX) {
        if link.state == LinkState::Active {
            author.get_or_insert(link.creator);
        }
        if link.state != LinkState::Ended {
            end_here(tx, channel, connection, link);
        }
    }
    if let Some(author) = author.filter(|_| Behaviour::ToldEndings.is_in_force(tx)) {
        tell_members(tx, channel, author, None, NO_LONGER_SHARED);
    }
    // Even if no link was left: a record without links is shared with nobody.
    mark_unshared(tx, channel);
    Ok(Reply::Object(Object::Channel(channel)))
}

/// Called when the peer has accepted our invitation: activates the link and notifies the inviting user.
pub fn invite_accepted(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let Some(link) = inviting(tx, channel, connection) else {
        return;
    };
    link::activate(tx, channel, connection);
    if is_outside_teams(tx, channel) {
        return;
    }
    let name = display_name(tx, connection);
    tell(
        tx,
        channel,
        link.creator,
        format!("`{name}` has been added to channel."),
    );
}

/// Called when the peer, a Causeway, has to ask its administrators: notifies the inviting user, once.
pub fn invite_awaits_consent(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let Some(link) = inviting(tx, channel, connection) else {
        return;
    };
    let is_first_time = link.retry_at == 0;
    link::wait_for_consent(tx, channel, connection);
    if is_first_time {
        let name = display_name(tx, connection);
        let text = format!(
            "An administrator of `{name}` has to accept this channel first. What is written here from now on \
             is sent after that."
        );
        tell(tx, channel, link.creator, text);
    }
}

/// Called when the peer, a Causeway, could not decide about our invitation: notifies the inviting user, once.
pub fn invite_undecided(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let Some(link) = inviting(tx, channel, connection) else {
        return;
    };
    let is_first_time = link.retry_at == 0;
    link::put_off(tx, channel, connection);
    if is_first_time {
        let name = display_name(tx, connection);
        let text = format!(
            "`{name}` could not decide about this channel yet, and is asked again. What is written here from now \
             on is sent after that."
        );
        tell(tx, channel, link.creator, text);
    }
}

/// Called when a policy here denies, for this reason, the profile of somebody without whom a direct or group channel
/// cannot be offered: notifies whoever opened it.
pub fn invite_withheld(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    connection: ConnectionNo,
    (user, reason): (UserNo, &str),
) {
    let Some(link) = inviting(tx, channel, connection) else {
        return;
    };
    let is_own = user == link.creator;
    let whose = match tx.user(user) {
        Some(user) if !is_own => format!("the profile of {}", quoted(&user.username)),
        _ => "your profile".to_string(),
    };
    // A policy's words are for the person concerned.
    let said = if is_own && !reason.trim().is_empty() {
        format!(": {}", quoted(reason))
    } else {
        String::new()
    };
    let peer = quoted(&display_name(tx, connection));
    let text = format!(
        "What is written here does not reach {peer} yet: a policy of this workspace holds back {whose}{said}. It is \
         sent when a changed profile passes."
    );
    tell(tx, channel, link.creator, text);
}

/// Called when the peer has lost a channel that we offered, and is invited again: notifies the inviting user.
pub fn offered_again(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let Some(link) = inviting(tx, channel, connection) else {
        return;
    };
    let name = display_name(tx, connection);
    let text =
        format!("`{name}` was restored to before it had this channel, and is invited again.");
    tell(tx, channel, link.creator, text);
}

/// Called when the peer has refused our invitation with this text: ends the link and notifies the inviting
/// user of the reason. If the peer had the channel before, its members are notified as well.
pub fn invite_refused(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo, error: &str) {
    let Some(link) = inviting(tx, channel, connection) else {
        return;
    };
    let name = display_name(tx, connection);
    let visible = error.chars().filter(|letter| !letter.is_control());
    let error: String = visible.take(REASON_CHARS_MAX).collect();
    end_link(tx, channel, connection, LinkEnd::Refused(error.clone()));
    if link::is_offered_again(&link) {
        tell_of_end(tx, channel, connection, link.creator);
    }
    let text = if is_outside_teams(tx, channel) {
        format!("What is written here does not reach `{name}`: {error}")
    } else {
        format!("Error sending channel invite for {name}: {error}")
    };
    tell(tx, channel, link.creator, text);
}

/// Whether a channel is a direct or group channel: every workspace of its people may offer it.
pub fn is_outside_teams(tx: &Tx<'_>, channel: ChannelNo) -> bool {
    tx.channel(channel)
        .is_some_and(|row| row.place.team().is_none())
}

fn inviting(tx: &Tx<'_>, channel: ChannelNo, connection: ConnectionNo) -> Option<Link> {
    tx.get::<Link>(&(channel, connection))
        .filter(|link| link.state == LinkState::Inviting)
}

/// Ends a link; with the last one the channel is no longer shared. If the peer has ended it, a message in the
/// channel notifies the members. An ended link is left unchanged.
pub fn end_link(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo, end: LinkEnd) {
    let ended = |link: &Link| link.state == LinkState::Ended;
    let link = tx.get::<Link>(&(channel, connection));
    let Some(link) = link.filter(|link| !ended(link)) else {
        return;
    };
    let by_peer = end == LinkEnd::Peer;
    link::close(tx, channel, connection, end);
    let others = tx.prefix::<Link, _>(&channel, LINKS_PER_CHANNEL_MAX);
    if others.iter().all(|(_, link)| ended(link)) {
        mark_unshared(tx, channel);
    }
    if by_peer {
        tell_of_end(tx, channel, connection, link.creator);
    }
}

/// The peer no longer shares a channel. A link that an admin here has ended is left as it is. If it is the channel's home, a Causeway, the channel is archived here too,
/// unless the connection keeps such channels or the channel is outside teams.
pub fn ended_by_peer(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let link = tx.get::<Link>(&(channel, connection));
    if link.is_none_or(|link| link.state == LinkState::Ended) {
        return;
    }
    end_link(tx, channel, connection, LinkEnd::Peer);
    if !Behaviour::ToldEndings.is_in_force(tx) || tx.has::<SharedChannel>(&channel) {
        return;
    }
    let (Some(row), Some(peer)) = (
        tx.get::<Channel>(&channel),
        tx.get::<Connection>(&connection),
    ) else {
        return;
    };
    let is_home = !row.origin.is_ours() && row.origin == peer.workspace;
    let is_archived_with_it = peer.kind == PeerKind::Causeway && !peer.keeps_removed && is_home;
    if !is_archived_with_it || row.delete_at != 0 || row.place.team().is_none() {
        return;
    }
    let text = "It is archived here, as its home no longer shares it. An administrator of the team can \
                restore it.";
    tell_members(tx, channel, peer.creator, Some(&peer.display_name), text);
    channels::archive(tx, channel);
}

/// An admin here ends a link, or lets go one that the peer has already ended.
fn end_here(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo, link: Link) {
    if !is_outside_teams(tx, channel) {
        received::let_go(tx, connection, &link);
    }
    if link.state == LinkState::Ended {
        let end = Some(LinkEnd::Here);
        tx.put(&(channel, connection), &Link { end, ..link });
    } else {
        end_link(tx, channel, connection, LinkEnd::Here);
        announce_end(tx, channel, connection);
    }
}

/// Another Causeway is told that a channel is no longer shared with it. A Mattermost server learns it when its next
/// message is refused: it has no message for this.
fn announce_end(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo) {
    let peer = tx.get::<Connection>(&connection);
    let is_told = peer.is_some_and(|peer| {
        peer.kind == PeerKind::Causeway && peer.state == ConnectionState::Confirmed
    });
    if is_told && Behaviour::ToldEndings.is_in_force(tx) {
        feed::mark(tx, connection, Pending::SHARING_STATE, channel);
    }
}

const NO_LONGER_SHARED: &str = "This channel is no longer shared.";

/// Tells the members of a channel that it is no longer shared with a peer, or with nobody any more.
fn tell_of_end(tx: &mut Tx<'_>, channel: ChannelNo, connection: ConnectionNo, author: UserNo) {
    let name = display_name(tx, connection);
    let is_still_shared =
        tx.has::<SharedChannel>(&channel) && Behaviour::ToldEndings.is_in_force(tx);
    let text = if is_still_shared {
        let name = quoted(&name);
        &format!("This channel is no longer shared with {name}.")
    } else {
        NO_LONGER_SHARED
    };
    tell_members(tx, channel, author, Some(&name), text);
}

/// Writes a message about the end of a sharing; `with` is the display name of the peer, unless it ended with all.
fn tell_members(
    tx: &mut Tx<'_>,
    channel: ChannelNo,
    author: UserNo,
    with: Option<&str>,
    text: &str,
) {
    let text = text.to_string();
    if Behaviour::ToldEndings.is_in_force(tx) {
        notice::post(tx, channel, author, (notice::State::Unshared, with), text);
    } else {
        posts::insert_system(tx, channel, author, "system_generic", text, String::new());
    }
}

/// Records that a channel is shared, and notifies everybody who sees it.
pub fn mark_shared(tx: &mut Tx<'_>, no: ChannelNo, channel: &mut Channel, row: &SharedChannel) {
    tx.put(&no, row);
    channel.shared = true;
    touch_channel(tx, no, channel);
}

fn mark_unshared(tx: &mut Tx<'_>, no: ChannelNo) {
    if !tx.has::<SharedChannel>(&no) {
        return;
    }
    tx.delete::<SharedChannel>(&no);
    if let Some(mut channel) = tx.get::<Channel>(&no) {
        channel.shared = false;
        touch_channel(tx, no, &mut channel);
    }
}

fn touch_channel(tx: &mut Tx<'_>, no: ChannelNo, channel: &mut Channel) {
    channel.update_at = tx.stamp(no, channel);
    tx.put(&no, channel);
    tx.effect(Effect::Event(Event::ChannelUpdated(no)));
}

/// Says something to one user in a channel; it is not stored.
pub(crate) fn tell(tx: &mut Tx<'_>, channel: ChannelNo, user: UserNo, text: String) {
    tx.effect(Effect::Event(Event::Ephemeral(channel, user, text)));
}

/// A text as it is, on one line, in a message of the service: nothing in it is a mention or a link.
pub(crate) fn quoted(text: &str) -> String {
    format!("`{}`", text.replace('`', "'").replace(['\r', '\n'], " "))
}

pub(crate) fn display_name(tx: &Tx<'_>, no: ConnectionNo) -> String {
    tx.get::<Connection>(&no)
        .map_or_else(String::new, |connection| connection.display_name)
}

/// A connection that can be invited, even during its handshake, which may still succeed.
fn open_connection(tx: &Tx<'_>, no: ConnectionNo) -> Result<Connection, Refusal> {
    tx.get::<Connection>(&no)
        .filter(|connection| connection.state != ConnectionState::Removed)
        .ok_or_else(|| {
            Refusal::new(
                400,
                "api.context.remote_id_invalid.app_error",
                "Must specify a valid secure connection ID to invite.",
            )
        })
}

fn open_channel(tx: &Tx<'_>, no: ChannelNo) -> Result<Channel, Refusal> {
    tx.get::<Channel>(&no)
        .filter(|channel| channel.delete_at == 0)
        .ok_or_else(|| {
            Refusal::new(
                400,
                "api.context.invalid_url_param.app_error",
                "Invalid or missing channel_id parameter in request URL.",
            )
        })
}
