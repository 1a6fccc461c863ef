//! The two workspaces, their people, and the connection between them.

use std::net::TcpListener;
use std::path::Path;

use anyhow::{Context, Result};
use causeway_tests::client::Client;
use causeway_tests::process::Workspace;
use causeway_tests::scene::{self, Side};

use crate::say;

/// The shared channel.
const CHANNEL: &str = "harbour";

/// One of the two workspaces.
pub struct Quarter {
    /// The process.
    pub workspace: Workspace,
    /// The administrator's session and the team.
    pub side: Side,
    /// A user who exists only here: Ann at acme, Carla at globex.
    pub local: Client,
    /// Ben; each side has its own.
    pub ben: Client,
}

/// Both workspaces.
pub struct Town {
    /// The one that creates the invitation and owns the channel.
    pub acme: Quarter,
    /// The one that accepts.
    pub globex: Quarter,
}

impl Town {
    /// Starts both workspaces, and finds or creates their people.
    pub async fn open(folder: &Path, (acme_port, globex_port): (u16, u16)) -> Result<Town> {
        Ok(Town {
            acme: Quarter::open(folder, "acme", acme_port, "ann").await?,
            globex: Quarter::open(folder, "globex", globex_port, "carla").await?,
        })
    }

    /// The shared channel with everybody in it; connects the workspaces if they are not connected.
    pub async fn harbour(&self) -> Result<String> {
        let (acme, globex) = (&self.acme.side, &self.globex.side);
        let remote_id = self.connection().await?;
        let channel = acme
            .channel(CHANNEL, &[&self.acme.local, &self.acme.ben])
            .await?;
        if globex
            .admin
            .get(&format!("/channels/{channel}"))
            .await
            .is_err()
        {
            say(&format!(
                "acme:   /share-channel invite --connectionID {remote_id}"
            ));
            scene::share(acme, globex, &channel, &remote_id).await?;
        }
        say(&format!("the channel \"{CHANNEL}\" is shared"));
        globex
            .join(&channel, &[&self.globex.local, &self.globex.ben])
            .await?;
        Ok(channel)
    }

    async fn connection(&self) -> Result<String> {
        let (acme, globex) = (&self.acme.side, &self.globex.side);
        let ours = acme.connection(&globex.name).await?;
        let theirs = globex.connection(&acme.name).await?;
        if let (Some(ours), Some(theirs)) = (&ours, &theirs)
            && ours["remote_id"] == theirs["remote_id"]
        {
            say("the connection of the last run is there");
            return Ok(ours["remote_id"].as_str().unwrap_or_default().to_string());
        }
        // An earlier run was interrupted between invitation and acceptance.
        for (side, record) in [(acme, ours), (globex, theirs)] {
            if let Some(id) = record
                .as_ref()
                .and_then(|record| record["remote_id"].as_str())
            {
                side.admin.delete(&format!("/remotecluster/{id}")).await?;
            }
        }
        say("acme:   /secure-connection create --name globex --password …");
        say("globex: /secure-connection accept --name acme --password … --invite <the code>");
        let remote_id = scene::connect(acme, globex).await?;
        say("connected, and each side answers the other's pings");
        Ok(remote_id)
    }

    /// Shuts down both processes in an orderly way.
    pub async fn close(self) -> Result<()> {
        for quarter in [self.acme, self.globex] {
            quarter.workspace.stop().await?;
        }
        Ok(())
    }
}

impl Quarter {
    async fn open(folder: &Path, name: &str, port: u16, only_here: &str) -> Result<Quarter> {
        let data = folder.join(name);
        // Otherwise, another process on this port would be mistaken for the workspace.
        TcpListener::bind(("127.0.0.1", port))
            .with_context(|| format!("{name} needs 127.0.0.1:{port}, which is taken"))?;
        let workspace = Workspace::start(name, &data, port).await?;
        say(&format!(
            "{name:<7} {}  data and log in {}  answered after {} ms",
            workspace.site_url(),
            data.display(),
            workspace.started_in.as_millis()
        ));
        let side = Side::prepare(name, &workspace.site_url(), name).await?;
        Ok(Quarter {
            local: side.user(only_here).await?,
            ben: side.user("ben").await?,
            workspace,
            side,
        })
    }
}
