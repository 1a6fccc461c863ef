//! Two connected workspaces with a shared channel, each behind a link that can be cut.

use anyhow::Result;
use causeway_tests::cable::Cable;
use causeway_tests::client::Client;
use causeway_tests::process::{Workspace, free_port};
use causeway_tests::scene::{self, Side};
use causeway_tests::warm;
use tempfile::TempDir;

/// Period of pings, so that a test need not wait a minute until a peer is found again.
const PING_PERIOD_MS: u64 = 300;

/// A workspace with a member of the shared channel.
pub struct End {
    /// The process.
    pub workspace: Workspace,
    /// The link over which other workspaces reach this one.
    pub cable: Cable,
    /// The administrator's session and the team.
    pub side: Side,
    /// A member of the shared channel.
    pub user: Client,
}

/// Both workspaces, and the channel that they share.
pub struct Pair {
    /// Home of the channel.
    pub acme: End,
    /// Invited to it.
    pub globex: End,
    /// Id of the channel.
    pub channel: String,
    _data: TempDir,
}

impl Pair {
    /// Starts and connects both; `posts_per_sync_max` limits the posts in one message.
    pub async fn open(posts_per_sync_max: u32) -> Result<Pair> {
        Pair::open_with(posts_per_sync_max, "").await
    }

    /// The same; `settings` stand in globex's configuration only.
    pub async fn open_with(posts_per_sync_max: u32, settings: &str) -> Result<Pair> {
        let data = tempfile::tempdir()?;
        let common =
            format!("[ConnectedWorkspacesSettings]\nMaxPostsPerSync = {posts_per_sync_max}\n");
        let acme = End::open(&data, "acme", "ann", &common).await?;
        let globex = End::open(&data, "globex", "carla", &format!("{common}{settings}")).await?;
        let remote_id = scene::connect(&acme.side, &globex.side).await?;
        let channel = acme.side.channel("harbour", &[&acme.user]).await?;
        scene::share(&acme.side, &globex.side, &channel, &remote_id).await?;
        globex.side.join(&channel, &[&globex.user]).await?;
        Ok(Pair {
            acme,
            globex,
            channel,
            _data: data,
        })
    }

    /// Cuts the link between the two.
    pub fn cut(&self) {
        self.acme.cable.cut();
        self.globex.cable.cut();
    }

    /// Lets new connections pass again.
    pub fn mend(&self) {
        self.acme.cable.mend();
        self.globex.cable.mend();
    }

    /// What both sides show once they agree.
    pub async fn converged(&self) -> Result<Vec<scene::Shown>> {
        scene::converged(&self.acme.user, &self.globex.user, &self.channel).await
    }
}

impl End {
    /// Starts a workspace with a user; `settings` are the sections of its configuration but `[federation]`.
    pub async fn open(data: &TempDir, name: &str, user: &str, settings: &str) -> Result<End> {
        let config = data.path().join(format!("{name}.toml"));
        let federation = format!("[federation]\nping_period_ms = {PING_PERIOD_MS}\n");
        std::fs::write(&config, format!("{federation}{settings}"))?;
        let port = free_port()?;
        let cable = Cable::lay(port).await?;
        let environment = [
            ("CAUSEWAY_SITE_URL", cable.site_url()),
            ("CAUSEWAY_CONFIG", config.to_string_lossy().into_owned()),
        ];
        let environment = environment.each_ref().map(|(k, v)| (*k, v.as_str()));
        let folder = data.path().join(name);
        let workspace = warm::start_with(name, &folder, port, &environment).await?;
        let side = Side::prepare(name, &workspace.site_url(), name).await?;
        Ok(End {
            user: side.user(user).await?,
            workspace,
            cable,
            side,
        })
    }
}
