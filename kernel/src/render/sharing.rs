//! `RemoteCluster`, `RemoteClusterInfo`, `SharedChannel`, `SharedChannelRemote`. Client API §11.

use super::Renderer;
use crate::model::{Channel, Connection, ConnectionState, Link, LinkState, SharedChannel};
use crate::rows::id::{ChannelNo, ConnectionNo, UserNo};
use crate::rows::tx::Read;
use crate::wire::write::JsonWriter;

impl<R: Read + ?Sized> Renderer<'_, R> {
    /// A connection, without its tokens. Until it is confirmed its `site_url` begins with
    /// `pending_`, by which clients tell.
    pub fn remote_cluster(&self, w: &mut JsonWriter, connection: &Connection) {
        w.begin_object();
        w.text_field("remote_id", connection.remote_id.as_str());
        w.text_field("remote_team_id", &connection.remote_team_id);
        w.text_field("name", &connection.name);
        w.text_field("display_name", &connection.display_name);
        w.text_field("site_url", &site_url(connection));
        w.text_field("default_team_id", &connection.default_team_id);
        w.integer_field("create_at", connection.create_at);
        w.integer_field("delete_at", connection.delete_at);
        w.integer_field("last_ping_at", connection.last_ping_at);
        w.integer_field("last_global_user_sync_at", 0);
        w.text_field("token", "");
        w.text_field("remote_token", "");
        w.text_field("topics", "");
        w.text_field("creator_id", &self.user_id(connection.creator));
        w.text_field("plugin_id", "");
        w.integer_field("options", 0);
        w.end_object();
    }

    /// What ordinary members of a shared channel see of a connection.
    pub fn remote_cluster_info(&self, w: &mut JsonWriter, connection: &Connection) {
        w.begin_object();
        w.text_field("remote_id", connection.remote_id.as_str());
        w.text_field("name", &connection.name);
        w.text_field("display_name", &connection.display_name);
        w.integer_field("create_at", connection.create_at);
        w.integer_field("delete_at", connection.delete_at);
        w.integer_field("last_ping_at", connection.last_ping_at);
        w.text_field_if("site_url", &connection.site_url);
        w.end_object();
    }

    /// A shared channel.
    pub fn shared_channel(&self, w: &mut JsonWriter, shared: &SharedChannel, channel: &Channel) {
        let creator = shared.creator.map(|creator| self.user_id(creator));
        let connection = shared
            .connection
            .and_then(|no| self.rows.get::<Connection>(&no));
        let remote_id = connection.map(|connection| connection.remote_id.to_string());
        w.begin_object();
        w.text_field("id", channel.id.as_str());
        w.text_field("team_id", &self.team_id(channel.team));
        w.boolean_field("home", shared.home);
        w.boolean_field("readonly", shared.read_only);
        w.text_field("name", &channel.name);
        w.text_field("display_name", &channel.display_name);
        w.text_field("purpose", &channel.purpose);
        w.text_field("header", &channel.header);
        w.text_field("creator_id", &creator.unwrap_or_default());
        w.integer_field("create_at", shared.create_at);
        w.integer_field("update_at", channel.update_at.max(shared.create_at));
        w.text_field_if("remote_id", &remote_id.unwrap_or_default());
        w.text_field("Type", channel.kind.letter());
        w.end_object();
    }

    /// The link of a channel to a connection. Cursors are our own sequence numbers and say
    /// nothing to a client; of the reference's cursor fields the time of the last delivery is
    /// filled.
    pub fn shared_channel_remote(
        &self,
        w: &mut JsonWriter,
        channel: ChannelNo,
        connection: ConnectionNo,
        link: &Link,
    ) {
        let remote = self.rows.get::<Connection>(&connection);
        let remote_id = remote.map(|remote| remote.remote_id.to_string());
        let settled = link.state != LinkState::Inviting;
        w.begin_object();
        w.text_field("id", link.id.as_str());
        w.text_field("channel_id", &self.channel_id(channel));
        w.text_field("creator_id", &self.user_id(link.creator));
        w.integer_field("create_at", link.create_at);
        w.integer_field("update_at", link.update_at);
        w.integer_field("delete_at", link.delete_at);
        w.boolean_field("is_invite_accepted", settled);
        w.boolean_field("is_invite_confirmed", settled);
        w.text_field("remote_id", &remote_id.unwrap_or_default());
        w.integer_field("last_post_update_at", link.last_sync_at);
        w.text_field("last_post_id", "");
        w.integer_field("last_post_create_at", link.last_sync_at);
        w.text_field("last_post_create_id", "");
        w.integer_field("last_members_sync_at", 0);
        w.end_object();
    }

    /// The user that a number names, for tables of text; empty when unknown.
    #[must_use]
    pub fn username(&self, user: UserNo) -> String {
        let row = self.rows.get::<crate::model::User>(&user);
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
