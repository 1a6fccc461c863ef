//! What a request works with, whichever way it came in: the parts of the service, and who asks.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use causeway_engine::{Engine, Snapshot};
use causeway_kernel::authority;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::Command;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{Viewer, Views};

use crate::config::Settings;
use crate::federation::Federation;
use crate::http::ApiError;
use crate::http::answers::Answers;
use crate::http::connections::Connections;
use crate::hub::Hub;
use crate::login_limit::LoginLimiter;
use crate::metrics::Metrics;
use crate::vault::{Secret, Session, Vault};

/// What every handler works with.
pub struct App {
    /// Decides and stores.
    pub engine: Engine,
    /// Passwords and sessions.
    pub vault: Vault,
    /// Connections to other workspaces.
    pub federation: Federation,
    /// Lines to WebSocket clients.
    pub hub: Hub,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Large answers on their way.
    pub answers: Arc<Answers>,
    /// Connections that are open.
    pub connections: Arc<Connections>,
    /// Wrong passwords.
    pub logins: LoginLimiter,
    /// Held while a session is exported: it costs a processor and a disk.
    pub exporting: tokio::sync::Mutex<()>,
    /// Settings.
    pub settings: Settings,
    /// When the data directory was made, in ms since the Unix epoch.
    pub installed_at_ms: i64,
    /// Whether the start has done everything that it begins with; else the disk refuses it, and it is
    /// tried again.
    pub is_prepared: AtomicBool,
}

/// A shared [`App`].
pub type Shared = Arc<App>;

impl App {
    /// The rows as they stand.
    #[must_use]
    pub fn rows(&self) -> Snapshot {
        self.engine.snapshot()
    }

    /// Carries out a command; `None` when it succeeded and made nothing to show.
    ///
    /// # Errors
    /// The kernel's refusal, or 503 when the engine takes nothing now.
    pub async fn carry_out(
        &self,
        actor: Actor,
        key: Option<String>,
        command: Command,
    ) -> Result<Option<Object>, ApiError> {
        match self
            .engine
            .submit(Input::Command {
                actor,
                key,
                command,
            })
            .await?
        {
            Reply::Object(object) => Ok(Some(object)),
            Reply::Refused(refusal) => {
                self.metrics.count_refused_command(&refusal.id);
                Err(refusal.into())
            }
            Reply::Done | Reply::Text(_) | Reply::Http { .. } | Reply::Unfinished { .. } => {
                Ok(None)
            }
        }
    }

    /// Carries out a command of a user.
    ///
    /// # Errors
    /// As [`App::carry_out`].
    pub async fn act(&self, user: UserNo, command: Command) -> Result<Option<Object>, ApiError> {
        self.carry_out(Actor::User(user), None, command).await
    }

    /// Renders what a command made, as the user who acted sees it now.
    ///
    /// # Errors
    /// An internal error when it is not there, which the kernel rules out.
    pub fn show(&self, user: UserNo, object: Option<&Object>) -> Result<String, ApiError> {
        let rows = self.rows();
        let views = Views::new(&rows, Viewer::of(&rows, user));
        object
            .and_then(|object| views.object(object))
            .ok_or_else(ApiError::internal)
    }

    /// The caller of a token: its session must live, its user must be active and local.
    ///
    /// # Errors
    /// 401 otherwise, 503 when the vault cannot be read.
    pub fn caller(&self, token: Secret) -> Result<Caller, ApiError> {
        let session = self
            .vault
            .session(token.expose(), self.engine.now_ms())?
            .ok_or_else(ApiError::session_expired)?;
        let user = authority::acting_user(&self.rows(), Actor::User(session.user))?;
        Ok(Caller {
            user,
            session,
            token,
        })
    }
}

/// The user of a live session.
pub struct Caller {
    /// Who.
    pub user: UserNo,
    /// The session.
    pub session: Session,
    /// Its token.
    pub token: Secret,
}

impl Caller {
    /// The caller as an actor.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User(self.user)
    }

    /// Insists that the caller administers the system.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn require_admin(&self, rows: &(impl Read + ?Sized)) -> Result<(), ApiError> {
        if authority::is_system_admin(rows, self.user) {
            Ok(())
        } else {
            Err(ApiError::forbidden())
        }
    }

    /// Insists that the caller is this user, or administers the system.
    ///
    /// # Errors
    /// 403 otherwise.
    pub fn require_self(&self, rows: &(impl Read + ?Sized), user: UserNo) -> Result<(), ApiError> {
        if user == self.user {
            Ok(())
        } else {
            self.require_admin(rows)
        }
    }
}
