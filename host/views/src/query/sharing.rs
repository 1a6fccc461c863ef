//! Connections, shared channels and links. Client API §11.

use super::{LIST_ROWS_MAX, Walk, existing};
use causeway_kernel::model::limits::{CHANNEL_INVITATIONS_MAX, CONNECTIONS_MAX};
use causeway_kernel::model::{
    Channel, ChannelInvitation, ChannelMember, Connection, ConnectionLink, ConnectionState,
    InvitationState, Link, LinkState, PeerWorkspace, SharedChannel,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, Id, TeamNo, UserNo, WorkspaceNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

/// A connection by `remote_id`, including removed ones.
pub fn connection_by_id(
    rows: &(impl Read + ?Sized),
    id: &str,
) -> Option<(ConnectionNo, Connection)> {
    let connection = lookup::connection(rows, id)?;
    Some((connection, rows.get::<Connection>(&connection)?))
}

/// Every connection in order of creation, removed ones only if requested.
pub fn connections(
    rows: &(impl Read + ?Sized),
    include_deleted: bool,
) -> Vec<(ConnectionNo, Connection)> {
    let mut found = Walk::all(Table::Connections).records::<Connection>(rows, CONNECTIONS_MAX);
    found.retain(|(_, connection)| include_deleted || connection.delete_at == 0);
    found
}

/// The connection whose id marks what came from a workspace: the current one, else the last that led there.
/// `None` for our own.
pub fn connection_of_workspace(
    rows: &(impl Read + ?Sized),
    workspace: WorkspaceNo,
) -> Option<(ConnectionNo, Connection)> {
    if workspace.is_ours() {
        return None;
    }
    let peer = rows.get::<PeerWorkspace>(&workspace)?;
    if let Some(connection) = peer.connection {
        return Some((connection, rows.get::<Connection>(&connection)?));
    }
    let mut all = connections(rows, true);
    all.retain(|(_, connection)| connection.workspace == workspace);
    all.pop()
}

/// A removed connection by `remote_id` whose workspace is not reached by another one.
pub fn removed_connection(rows: &(impl Read + ?Sized), id: &str) -> Option<ConnectionNo> {
    let (connection, row) = connection_by_id(rows, id)?;
    is_vacant(rows, &row).then_some(connection)
}

fn is_vacant(rows: &(impl Read + ?Sized), row: &Connection) -> bool {
    let peer = rows.get::<PeerWorkspace>(&row.workspace);
    row.state == ConnectionState::Removed && peer.is_some_and(|peer| peer.connection.is_none())
}

/// The removed connection to the workspace at the other end of a live one, if what came over it can still be
/// attached: it led to the same address, none has replaced it, and the live one has not shared a channel yet.
/// An admin has to say whether it is still the same workspace (W32).
pub fn previous_connection(
    rows: &(impl Read + ?Sized),
    (no, row): (ConnectionNo, &Connection),
) -> Option<(ConnectionNo, Connection)> {
    let is_open = row.state == ConnectionState::Confirmed
        && rows.prefix::<ConnectionLink, _>(&no, 1).is_empty();
    let is_attached = |all: &[(ConnectionNo, Connection)]| {
        all.iter()
            .any(|(other, it)| *other != no && it.workspace == row.workspace)
    };
    let mut all = connections(rows, true);
    if !is_open || row.site_url.is_empty() || is_attached(&all) {
        return None;
    }
    all.retain(|(_, it)| it.site_url == row.site_url && is_vacant(rows, it));
    all.pop()
}

/// Shared channels of a team in the order of their channels; of all teams if `team` is `None`.
pub fn shared_channels(
    rows: &(impl Read + ?Sized),
    team: Option<TeamNo>,
) -> Vec<(ChannelNo, SharedChannel, Channel)> {
    let shared = Walk::all(Table::SharedChannels).records::<SharedChannel>(rows, LIST_ROWS_MAX);
    let numbers: Vec<ChannelNo> = shared.iter().map(|(channel, _)| *channel).collect();
    let channels = rows.get_all::<Channel>(&numbers);
    shared
        .into_iter()
        .zip(channels)
        .filter_map(|((channel_no, shared), channel)| Some((channel_no, shared, channel?)))
        .filter(|(_, _, channel)| team.is_none_or(|team| channel.place.team() == Some(team)))
        .collect()
}

/// Links of a channel, including ended ones, in the order of their connections.
pub fn links_of_channel(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
) -> Vec<(ConnectionNo, Link)> {
    Walk::prefix(Table::Links, &channel)
        .records::<Link>(rows, CONNECTIONS_MAX)
        .into_iter()
        .map(|((_, connection), link)| (connection, link))
        .collect()
}

/// Links of a connection, including ended ones, in the order of their channels.
pub fn links_of_connection(
    rows: &(impl Read + ?Sized),
    connection: ConnectionNo,
) -> Vec<(ChannelNo, Link)> {
    let keys: Vec<(ChannelNo, ConnectionNo)> = Walk::prefix(Table::ConnectionLinks, &connection)
        .records::<ConnectionLink>(rows, LIST_ROWS_MAX)
        .into_iter()
        .map(|((_, channel), _)| (channel, connection))
        .collect();
    let found = rows.get_all::<Link>(&keys);
    keys.into_iter()
        .zip(found)
        .filter_map(|((channel, _), link)| Some((channel, link?)))
        .collect()
}

/// The channels that the peer of a connection offers, and what was said to that.
pub fn channel_invitations(
    rows: &(impl Read + ?Sized),
    connection: ConnectionNo,
) -> Vec<(Id, ChannelInvitation)> {
    Walk::prefix(Table::ChannelInvitations, &connection)
        .records::<ChannelInvitation>(rows, CHANNEL_INVITATIONS_MAX)
        .into_iter()
        .filter(|(_, row)| row.state != InvitationState::Withdrawn)
        .map(|((_, channel), row)| (channel, row))
        .collect()
}

/// Connections that a channel is currently shared with.
pub fn connections_of_channel(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
) -> Vec<(ConnectionNo, Connection)> {
    let links = links_of_channel(rows, channel);
    let live = links
        .into_iter()
        .filter(|(_, link)| link.state != LinkState::Ended);
    let numbers: Vec<ConnectionNo> = live.map(|(connection, _)| connection).collect();
    existing(rows, &numbers)
}

/// Whether a user is a member of a channel that is shared with a connection; only then may an ordinary user
/// see the connection's data.
pub fn shares_channel(rows: &(impl Read + ?Sized), user: UserNo, connection: ConnectionNo) -> bool {
    links_of_connection(rows, connection)
        .into_iter()
        .filter(|(_, link)| link.state != LinkState::Ended)
        .any(|(channel, _)| rows.has::<ChannelMember>(&(channel, user)))
}
