use serde::{Deserialize, Serialize};

use crate::boundary::input::Incarnation;
use crate::boundary::policy::Gates;
use crate::boundary::texts::{Text, texts};
use crate::model::{ConnectedWorkspaces, FileLimits};
use crate::rows::id::Id;

/// Key of a row of `Meta`.
pub type MetaKey = u8;

/// A row of `Meta`: 1 = the workspace, 2 = the counters, 3 = what is shared with connected workspaces, 4 = how
/// large files may be, 5 = the gates at which policies decide.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum MetaRow {
    /// The workspace itself.
    Workspace(Workspace),
    /// The counters.
    Counters(Counters),
    /// What is shared with connected workspaces.
    ConnectedWorkspaces(ConnectedWorkspaces),
    /// How large files may be.
    FileLimits(FileLimits),
    /// The gates at which policies decide.
    Gates(Gates),
}
texts!(
    enum MetaRow {
        Workspace(workspace),
        Counters(counters),
        ConnectedWorkspaces(settings),
        FileLimits(limits),
        Gates(gates),
    }
);

impl MetaRow {
    /// Key of the workspace.
    pub const WORKSPACE: MetaKey = 1;
    /// Key of the counters.
    pub const COUNTERS: MetaKey = 2;
    /// Key of what is shared with connected workspaces; until it was changed once, there is no such row.
    pub const CONNECTED_WORKSPACES: MetaKey = 3;
    /// Key of how large files may be; until it was changed once, there is no such row.
    pub const FILE_LIMITS: MetaKey = 4;
    /// Key of the gates at which policies decide; without this row, all gates are asked.
    pub const GATES: MetaKey = 5;
}

/// The workspace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Workspace {
    /// Permanent identity of the workspace; generated at genesis.
    pub id: Id,
    /// Its current incarnation.
    pub incarnation: Incarnation,
    /// Site URL without trailing slash.
    pub site_url: String,
    /// Settings that decisions depend on.
    pub config: Config,
}
texts!(struct Workspace {
    id,
    incarnation,
    site_url: Text::Words,
    config,
});

/// Settings that decisions depend on; a change is an input.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Config {
    /// Maximum number of posts in a sync message (`MaxPostsPerSync`).
    pub posts_per_sync_max: u32,
    /// Whether anybody may sign up.
    pub open_server: bool,
    /// Whether a channel's history is sent to an invited connection.
    pub backfill: bool,
}
texts!(struct Config {
    posts_per_sync_max,
    open_server,
    backfill,
});

impl Default for Config {
    fn default() -> Config {
        Config {
            posts_per_sync_max: 50,
            open_server: false,
            backfill: false,
        }
    }
}

/// The next number of each kind, and of the feed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counters {
    /// Last user number given.
    pub user: u64,
    /// Last team number given.
    pub team: u64,
    /// Last channel number given.
    pub channel: u64,
    /// Last post number given.
    pub post: u64,
    /// Last peer workspace number given.
    pub workspace: u64,
    /// Last connection number given.
    pub connection: u64,
    /// Last sequence number of the feed.
    pub feed: u64,
    /// Last number of due rows, jobs, files, held and quarantined items.
    pub row: u64,
}
texts!(struct Counters {
    user,
    team,
    channel,
    post,
    workspace,
    connection,
    feed,
    row,
});
