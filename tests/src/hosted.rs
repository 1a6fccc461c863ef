//! A workspace that is served inside the test's own process, over real HTTP on a free port.
//!
//! It is the service as the binary runs it, but for two things: its clock can be moved, and
//! accounts are made without hashing a password, which would cost more than all that a test does
//! with them.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use causeway::config::{File, Overrides, Settings};
use causeway::service::{self, Running};
use causeway_engine::{Clock, SystemClock};
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{Command, CreateUser};
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::client::Client;
use crate::peer;
use crate::scene::Side;

/// The clock of the machine, moved by what a test says.
#[derive(Default)]
pub struct MovedClock(AtomicI64);

impl MovedClock {
    /// Moves the clock from the machine's; back again with 0.
    pub fn set_ahead_ms(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }
}

impl Clock for MovedClock {
    fn now_ms(&self) -> i64 {
        SystemClock.now_ms() + self.0.load(Ordering::Relaxed)
    }
}

/// Held while a workspace starts, so that the first one compiles the kernel for all.
static STARTING: Mutex<()> = Mutex::const_new(());

/// A workspace in this process.
pub struct Hosted {
    /// Its administrator's session and its team.
    pub side: Side,
    /// Its clock.
    pub clock: Arc<MovedClock>,
    running: Running,
    _data: TempDir,
}

impl Hosted {
    /// Starts a workspace with an administrator of this name and a team.
    pub async fn start(admin: &str, adjust: impl FnOnce(&mut Settings)) -> Result<Hosted> {
        let data = tempfile::tempdir()?;
        share_compiled(data.path())?;
        let overrides = Overrides {
            data: Some(data.path().to_path_buf()),
            listen: Some(([127, 0, 0, 1], 0).into()),
            ..Overrides::default()
        };
        let mut settings = Settings::build(File::default(), overrides)?;
        adjust(&mut settings);
        let clock = Arc::<MovedClock>::default();
        let running = {
            let _alone = STARTING.lock().await;
            service::start_with_clock(settings, Arc::clone(&clock) as _).await?
        };
        let client = session(&running, admin, true).await?;
        let body = json!({ "name": "crew", "display_name": "Crew", "type": "O" });
        let team = client.post("/teams", body).await?;
        let team_id = team["id"].as_str().unwrap_or_default().to_string();
        let path = format!("/teams/{team_id}/channels/name/town-square");
        let town_square = client.get(&path).await?["id"]
            .as_str()
            .unwrap_or_default()
            .to_string();
        let side = Side {
            name: admin.to_string(),
            admin: client,
            team_id,
            town_square,
        };
        Ok(Hosted {
            side,
            clock,
            running,
            _data: data,
        })
    }

    /// A new user of the team, with a session.
    pub async fn user(&self, username: &str) -> Result<Client> {
        let client = session(&self.running, username, false).await?;
        let me = client.get("/users/me").await?;
        let body = json!({ "team_id": self.side.team_id, "user_id": me["id"] });
        let path = format!("/teams/{}/members", self.side.team_id);
        self.side.admin.post(&path, body).await?;
        Ok(client)
    }

    /// The site URL.
    #[must_use]
    pub fn url(&self) -> &str {
        self.running.site_url()
    }

    /// The service itself.
    #[must_use]
    pub fn running(&self) -> &Running {
        &self.running
    }

    /// The value of a sample of `/metrics`, 0 if it is not there; `name` with its labels.
    pub async fn metric(&self, name: &str) -> Result<u64> {
        let url = format!("{}/metrics", self.url());
        let page = peer::send("GET", &url, &[], Vec::new()).await?;
        let page = String::from_utf8(page.body)?;
        let value = page
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(' '))
            .unwrap_or("0");
        value.parse().with_context(|| format!("{name} is {value}"))
    }

    /// Items of peers' frames that were not carried out for this reason.
    pub async fn refused_items(&self, reason: &str) -> Result<u64> {
        // Counters follow an answer a moment later: they have arrived when they stand still.
        let mut last = self.refused_items_now(reason).await?;
        loop {
            tokio::time::sleep(std::time::Duration::from_millis(60)).await;
            let now = self.refused_items_now(reason).await?;
            if now == last {
                return Ok(now);
            }
            last = now;
        }
    }

    async fn refused_items_now(&self, reason: &str) -> Result<u64> {
        let name = format!("causeway_items_refused_total{{reason=\"{reason}\"}}");
        self.metric(&name).await
    }

    /// Ends the service in order.
    pub async fn stop(self) {
        self.running.shutdown().await;
    }
}

/// Lets a data directory use the compiled components of earlier tests, beside the running one.
fn share_compiled(data: &Path) -> Result<()> {
    let own = std::env::current_exe()?;
    let folder = own.parent().context("the test's folder")?;
    let folder = folder.join("compiled-components");
    // Only the service itself may write there: compiled code is trusted.
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    symlink(&folder, data.join("cache"))?;
    Ok(())
}

/// Makes an account and a session of it.
async fn session(running: &Running, username: &str, admin: bool) -> Result<Client> {
    let command = Command::CreateUser(CreateUser {
        username: username.to_string(),
        email: format!("{username}@workspace.test"),
        nickname: String::new(),
        first_name: String::new(),
        last_name: String::new(),
        position: String::new(),
        locale: String::new(),
        admin,
    });
    let input = Input::Command {
        actor: Actor::System,
        key: None,
        command,
    };
    let engine = &running.app.engine;
    let user = match engine.submit(input).await? {
        Reply::Object(Object::User(user)) => user,
        other => bail!("no account {username}: {other:?}"),
    };
    let vault = &running.app.vault;
    let made = vault
        .create_session(user, "a test", engine.now_ms())
        .await
        .map_err(|error| anyhow!("no session: {error}"))?;
    Ok(Client::new(running.site_url()).with_token(made.token.expose()))
}
