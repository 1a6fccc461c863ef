//! A workspace served inside the test's own process, over real HTTP on a free port.
//!
//! It is the service as the binary runs it, with two exceptions: its clock can be moved, and
//! accounts are created without hashing a password, which would take longer than the rest of a test.

use std::fs;
use std::os::unix::fs::{DirBuilderExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use anyhow::{Context, Result, anyhow, bail};
use causeway::config::{File, Overrides, Settings};
use causeway::hub::Next;
use causeway::service::{self, Running};
use causeway::vault::new_id;
use causeway_engine::{Clock, SystemClock};
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::{Command, CreateUser};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::lookup;
use serde_json::json;
use tempfile::TempDir;
use tokio::sync::Mutex;

use crate::client::{Client, HEARD_WITHIN};
use crate::peer;
use crate::scene::Side;

/// The machine's clock plus an offset that a test sets.
#[derive(Default)]
pub struct MovedClock(AtomicI64);

impl MovedClock {
    /// Sets the offset, in ms.
    pub fn set_ahead_ms(&self, ms: i64) {
        self.0.store(ms, Ordering::Relaxed);
    }

    /// Moves the clock forward by so many ms.
    pub fn pass_ms(&self, ms: i64) {
        self.0.fetch_add(ms, Ordering::Relaxed);
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
    admin: UserNo,
    /// Channels made by [`Hosted::effects_carried_out`].
    marks: AtomicU64,
    _data: TempDir,
}

impl Hosted {
    /// Starts a workspace with an administrator of this name and a team. Its peers may be on this
    /// machine and of any generation.
    pub async fn start(admin: &str, adjust: impl FnOnce(&mut Settings)) -> Result<Hosted> {
        let data = tempfile::tempdir()?;
        share_compiled(data.path())?;
        let overrides = Overrides {
            data: Some(data.path().to_path_buf()),
            listen: Some(([127, 0, 0, 1], 0).into()),
            ..Overrides::default()
        };
        let mut settings = Settings::build(File::default(), overrides)?;
        settings.federation.allow_private_targets = true;
        settings.federation.allow_unrotated_tokens = true;
        adjust(&mut settings);
        let clock = Arc::<MovedClock>::default();
        let running = {
            let _alone = STARTING.lock().await;
            service::start_with_clock(settings, Arc::clone(&clock) as _).await?
        };
        let user = account(&running, admin, true).await?;
        let client = session(&running, user).await?;
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
            admin: user,
            marks: AtomicU64::default(),
            _data: data,
        })
    }

    /// A new user of the team, with a session.
    pub async fn user(&self, username: &str) -> Result<Client> {
        let user = account(&self.running, username, false).await?;
        let client = session(&self.running, user).await?;
        let me = client.get("/users/me").await?;
        let body = json!({ "team_id": self.side.team_id, "user_id": me["id"] });
        let path = format!("/teams/{}/members", self.side.team_id);
        self.side.admin.post(&path, body).await?;
        Ok(client)
    }

    /// Another session of the administrator.
    pub async fn admin_session(&self) -> Result<Client> {
        session(&self.running, self.admin).await
    }

    /// Another session of a user.
    pub async fn session(&self, client: &Client) -> Result<Client> {
        let me = client.get("/users/me").await?;
        self.session_of(me["id"].as_str().context("no id")?).await
    }

    /// A session of the user with an id.
    pub async fn session_of(&self, id: &str) -> Result<Client> {
        let user = lookup::user(&self.running.app.rows(), id).context("no such user")?;
        session(&self.running, user).await
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

    /// The value of a sample of `/metrics`, 0 if it is missing; `name` includes its labels.
    pub async fn metric(&self, name: &str) -> Result<u64> {
        peer::metric(self.url(), name).await
    }

    /// Number of items of peers' frames that were refused for this reason.
    pub async fn refused_items(&self, reason: &str) -> Result<u64> {
        self.effects_carried_out().await?;
        let name = format!("causeway_items_refused_total{{reason=\"{reason}\"}}");
        self.metric(&name).await
    }

    /// Waits until the effects of everything answered so far have been carried out, including counters.
    /// The service carries out effects in order, so the event of a step made now comes
    /// after all of them. That step creates a private channel, which only the administrator sees.
    async fn effects_carried_out(&self) -> Result<()> {
        let (hub, session) = (&self.running.app.hub, new_id()?);
        let line = hub.open(self.admin, session, |_| String::new());
        let (line, socket) = line.context("a line to the service")?;
        let name = format!("mark-{}", self.marks.fetch_add(1, Ordering::Relaxed));
        let body = json!({
            "team_id": self.side.team_id, "name": name, "display_name": name, "type": "P",
        });
        let channel = self.side.admin.post("/channels", body).await?;
        let mark = channel["id"].as_str().context("no id")?;
        let heard = async {
            while let Next::Frame(frame, number) = line.next(socket).await {
                let text = frame.text(number);
                if text.contains("channel_created") && text.contains(mark) {
                    return Ok(());
                }
            }
            bail!("the line was closed")
        };
        let heard = tokio::time::timeout(HEARD_WITHIN, heard).await;
        hub.close_session(session);
        heard.context("waiting for the event of a new channel")?
    }

    /// Shuts the service down.
    pub async fn stop(self) {
        self.running.shutdown().await;
    }
}

/// Shares compiled components between the data directories of all tests, in a folder next to the
/// running binary.
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

/// Creates an account.
async fn account(running: &Running, username: &str, admin: bool) -> Result<UserNo> {
    let command = Command::CreateUser(CreateUser {
        admin,
        ..CreateUser::named(username, format!("{username}@workspace.test"))
    });
    let input = Input::Command {
        actor: Actor::System,
        key: None,
        command,
    };
    match running.app.engine.submit(input).await? {
        Reply::Object(Object::User(user)) => Ok(user),
        other => bail!("no account {username}: {other:?}"),
    }
}

/// Creates a session of an account.
async fn session(running: &Running, user: UserNo) -> Result<Client> {
    let app = &running.app;
    let made = app
        .vault
        .create_session(user, "a test", app.engine.now_ms())
        .await
        .map_err(|error| anyhow!("no session: {error}"))?;
    Ok(Client::new(running.site_url()).with_token(made.token.expose()))
}
