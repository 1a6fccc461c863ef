//! `RemoteCluster`, `RemoteClusterInfo`, `SharedChannel`, `SharedChannelRemote`. Client API §11.

use causeway_kernel::model::{
    Channel, ChannelInvitation, Connection, ConnectionState, InvitationState, Link, LinkState,
    SharedChannel, User,
};
use causeway_kernel::rows::id::{ChannelNo, ConnectionNo, Id, UserNo};
use causeway_kernel::rows::tx::Read;
use serde::Serialize;

use super::{Views, non_empty};
use crate::query::sharing;

/// A connection as administrators see it.
#[derive(Serialize)]
pub struct RemoteClusterView<'a> {
    remote_id: &'a str,
    remote_team_id: &'a str,
    name: &'a str,
    display_name: &'a str,
    site_url: String,
    default_team_id: &'a str,
    create_at: i64,
    delete_at: i64,
    last_ping_at: i64,
    last_global_user_sync_at: i64,
    token: &'a str,
    remote_token: &'a str,
    topics: &'a str,
    creator_id: String,
    plugin_id: &'a str,
    options: i64,
    /// Id of the removed connection to the same workspace, while it can be attached; not in the
    /// reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    previous_remote_id: Option<String>,
    /// Whether channels that the peer offers are taken at once (`accept`) or wait for an administrator (`ask`);
    /// not in the reference.
    channel_invitations: &'static str,
    /// Whether a channel that the peer, a Causeway, no longer shares is archived here (`archive`) or stays open
    /// (`keep`); not in the reference.
    removed_channels: &'static str,
}

/// A channel that the peer of a connection offers, and what was said to that; not in the reference.
#[derive(Serialize)]
pub struct ChannelInvitationView<'a> {
    channel_id: String,
    state: &'static str,
    since: i64,
    #[serde(rename = "type")]
    kind: &'static str,
    readonly: bool,
    name: &'a str,
    display_name: &'a str,
    header: &'a str,
    purpose: &'a str,
}

impl ChannelInvitationView<'_> {
    /// The view of a row.
    #[must_use]
    pub fn of(channel_id: Id, row: &ChannelInvitation) -> ChannelInvitationView<'_> {
        let state = match row.state {
            InvitationState::Waiting => "waiting",
            InvitationState::Accepted => "accepted",
            InvitationState::Declined | InvitationState::Refused => "declined",
            InvitationState::Withdrawn => "withdrawn",
        };
        let channel = &row.channel;
        ChannelInvitationView {
            channel_id: channel_id.into(),
            state,
            since: row.since,
            kind: channel.kind.letter(),
            readonly: channel.read_only,
            name: &channel.name,
            display_name: &channel.display_name,
            header: &channel.header,
            purpose: &channel.purpose,
        }
    }
}

/// What ordinary members of a shared channel see of a connection.
#[derive(Serialize)]
pub struct RemoteClusterInfoView<'a> {
    remote_id: &'a str,
    name: &'a str,
    display_name: &'a str,
    create_at: i64,
    delete_at: i64,
    last_ping_at: i64,
    #[serde(skip_serializing_if = "str::is_empty")]
    site_url: &'a str,
}

/// A shared channel as clients see it.
#[derive(Serialize)]
pub struct SharedChannelView<'a> {
    id: &'a str,
    team_id: String,
    home: bool,
    readonly: bool,
    name: &'a str,
    display_name: &'a str,
    purpose: &'a str,
    header: &'a str,
    creator_id: String,
    create_at: i64,
    update_at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    remote_id: Option<String>,
    #[serde(rename = "Type")]
    kind: &'a str,
}

/// The link of a channel to a connection.
#[derive(Serialize)]
pub struct SharedChannelRemoteView<'a> {
    id: &'a str,
    channel_id: String,
    creator_id: String,
    create_at: i64,
    update_at: i64,
    delete_at: i64,
    is_invite_accepted: bool,
    is_invite_confirmed: bool,
    remote_id: String,
    last_post_update_at: i64,
    last_post_id: &'a str,
    last_post_create_at: i64,
    last_post_create_id: &'a str,
    last_members_sync_at: i64,
    /// The peer's reason for refusing the invitation, if it did; not in the reference.
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'a str>,
    /// Whether an administrator of the peer has to accept the channel first; not in the reference.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    awaits_consent: bool,
}

impl<R: Read + ?Sized> Views<'_, R> {
    /// A connection, without its tokens. Until it is confirmed its `site_url` begins with `pending_`, which
    /// clients rely on.
    pub fn remote_cluster<'a>(
        &self,
        no: ConnectionNo,
        connection: &'a Connection,
    ) -> RemoteClusterView<'a> {
        let previous = sharing::previous_connection(self.rows, (no, connection));
        RemoteClusterView {
            remote_id: connection.remote_id.as_str(),
            remote_team_id: &connection.remote_team_id,
            name: &connection.name,
            display_name: &connection.display_name,
            site_url: site_url(connection),
            default_team_id: &connection.default_team_id,
            create_at: connection.create_at,
            delete_at: connection.delete_at,
            last_ping_at: connection.last_ping_at,
            last_global_user_sync_at: 0,
            token: "",
            remote_token: "",
            topics: "",
            creator_id: self.user_id(connection.creator),
            plugin_id: "",
            options: 0,
            previous_remote_id: previous.map(|(_, row)| row.remote_id.into()),
            channel_invitations: if connection.asks_first {
                "ask"
            } else {
                "accept"
            },
            removed_channels: if connection.keeps_removed {
                "keep"
            } else {
                "archive"
            },
        }
    }

    /// What ordinary members of a shared channel see of a connection.
    pub fn remote_cluster_info<'a>(&self, connection: &'a Connection) -> RemoteClusterInfoView<'a> {
        RemoteClusterInfoView {
            remote_id: connection.remote_id.as_str(),
            name: &connection.name,
            display_name: &connection.display_name,
            create_at: connection.create_at,
            delete_at: connection.delete_at,
            last_ping_at: connection.last_ping_at,
            site_url: &connection.site_url,
        }
    }

    /// A shared channel.
    pub fn shared_channel<'a>(
        &self,
        shared: &SharedChannel,
        channel: &'a Channel,
    ) -> SharedChannelView<'a> {
        let creator = shared.creator.map(|creator| self.user_id(creator));
        let connection = shared
            .connection
            .and_then(|no| self.rows.get::<Connection>(&no));
        SharedChannelView {
            id: channel.id.as_str(),
            team_id: self.place_team_id(channel.place),
            home: shared.home,
            readonly: shared.read_only,
            name: &channel.name,
            display_name: &channel.display_name,
            purpose: &channel.purpose,
            header: &channel.header,
            creator_id: creator.unwrap_or_default(),
            create_at: shared.create_at,
            update_at: channel.update_at.max(shared.create_at),
            remote_id: connection.and_then(|row| non_empty(row.remote_id.into())),
            kind: channel.place.letter(),
        }
    }

    /// The link of a channel to a connection. Cursors are our own sequence numbers and mean nothing to a
    /// client; of the reference's cursor fields, the time of the last delivery is set.
    pub fn shared_channel_remote<'a>(
        &self,
        channel: ChannelNo,
        connection: ConnectionNo,
        link: &'a Link,
    ) -> SharedChannelRemoteView<'a> {
        let remote = self.rows.get::<Connection>(&connection);
        let remote_id = remote.map(|remote| remote.remote_id.to_string());
        let settled = !link.is_unanswered() && link.refusal().is_none();
        SharedChannelRemoteView {
            id: link.id.as_str(),
            channel_id: self.channel_id(channel),
            creator_id: self.user_id(link.creator),
            create_at: link.create_at,
            update_at: link.update_at,
            delete_at: link.delete_at,
            is_invite_accepted: settled,
            is_invite_confirmed: settled,
            remote_id: remote_id.unwrap_or_default(),
            last_post_update_at: link.last_sync_at,
            last_post_id: "",
            last_post_create_at: link.last_sync_at,
            last_post_create_id: "",
            last_members_sync_at: 0,
            refusal: link.refusal(),
            awaits_consent: link.state == LinkState::Awaiting,
        }
    }

    /// The user name of a number, for text tables; empty if unknown.
    #[must_use]
    pub fn username(&self, user: UserNo) -> String {
        let row = self.rows.get::<User>(&user);
        row.map_or_else(String::new, |user| user.username)
    }
}

fn site_url(connection: &Connection) -> String {
    match connection.state {
        ConnectionState::Pending | ConnectionState::Confirming => {
            format!("pending_{}", connection.remote_id)
        }
        ConnectionState::Confirmed | ConnectionState::Removed => connection.site_url.clone(),
    }
}
