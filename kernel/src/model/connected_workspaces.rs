use serde::{Deserialize, Serialize};

use crate::boundary::texts::texts;

/// What is shared with connected workspaces, and how much at a time; a change is an input. A configuration
/// names these settings as the reference does, in `ConnectedWorkspacesSettings` and `FeatureFlags` (semantics
/// §14).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConnectedWorkspaces {
    /// Whether shared channels are synchronised at all (`EnableSharedChannels`).
    pub channels: bool,
    /// Whether statuses are sent (not `DisableSharedChannelsStatusSync`).
    pub statuses: bool,
    /// Whether people offered by peers are taken in when a connection opens (`SyncUsersOnConnectionOpen`).
    pub users_on_open: bool,
    /// Maximum number of people in a message that offers them (`GlobalUserSyncBatchSize`).
    pub users_per_sync_max: u32,
    /// Maximum number of membership changes in a message (`MemberSyncBatchSize`).
    pub members_per_sync_max: u32,
    /// Whether direct and group messages may include people of other workspaces (`EnableSharedChannelsDMs`).
    pub direct: bool,
    /// Whether plugin components work in shared channels (`EnableSharedChannelsPlugins`).
    pub plugins: bool,
    /// Whether all local people are offered to every peer, and its people are taken in
    /// (`EnableSyncAllUsersForRemoteCluster`).
    pub all_users: bool,
    /// Whether joins and leaves are shared (`EnableSharedChannelsMemberSync`).
    pub members: bool,
    /// How long a peer is unreachable before the members of its channels are told, in ms.
    pub interruption_ms: i64,
}
texts!(struct ConnectedWorkspaces {
    channels,
    statuses,
    users_on_open,
    users_per_sync_max,
    members_per_sync_max,
    direct,
    plugins,
    all_users,
    members,
    interruption_ms,
});

impl Default for ConnectedWorkspaces {
    fn default() -> ConnectedWorkspaces {
        ConnectedWorkspaces {
            channels: true,
            statuses: true,
            users_on_open: false,
            users_per_sync_max: 25,
            members_per_sync_max: 20,
            direct: false,
            plugins: false,
            all_users: false,
            members: false,
            interruption_ms: 5 * 60_000,
        }
    }
}
