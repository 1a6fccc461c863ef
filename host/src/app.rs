//! Shared state of all request handlers, and the authenticated caller.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use causeway_engine::{Engine, Snapshot};
use causeway_kernel::authority;
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::Command;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;
use causeway_search::Search;
use causeway_views::json::{Viewer, Views};
use causeway_views::query::bots;

use crate::config::Settings;
use crate::configuration::Configuration;
use crate::federation::Federation;
use crate::files::Files;
use crate::http::ApiError;
use crate::http::answers::Answers;
use crate::http::connections::Connections;
use crate::hub::Hub;
use crate::integrations::Integrations;
use crate::login_limit::LoginLimiter;
use crate::metrics::Metrics;
use crate::presence::{Presence, Typists};
use crate::vault::{LoginSession, Secret, Vault};
use crate::web_client::WebClient;

/// State of the service, shared by all handlers.
pub struct App {
    /// Carries out inputs and stores rows.
    pub engine: Engine,
    /// Passwords and sessions.
    pub vault: Vault,
    /// Connections to other workspaces.
    pub federation: Federation,
    /// Files.
    pub files: Arc<Files>,
    /// The index of posts and files.
    pub search: Search,
    /// Searches that may run at the same time.
    pub searching: Arc<tokio::sync::Semaphore>,
    /// Programs that write in channels and are called from them.
    pub integrations: Integrations,
    /// Lines to WebSocket clients.
    pub hub: Hub,
    /// Who is online.
    pub presence: Presence,
    /// Who is writing.
    pub typists: Typists,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Budget for large responses in flight.
    pub answers: Arc<Answers>,
    /// Open HTTP connections.
    pub connections: Arc<Connections>,
    /// The web client, if there is one.
    pub web_client: Option<WebClient>,
    /// Counts failed logins.
    pub logins: LoginLimiter,
    /// Held during an export, which keeps a CPU and the disk busy.
    pub exporting: tokio::sync::Mutex<()>,
    /// Settings as they were at the start.
    pub settings: Settings,
    /// Settings that may have changed since.
    pub configuration: Configuration,
    /// When the data directory was created, in ms since the Unix epoch.
    pub installed_at_ms: i64,
    /// Whether the startup work is complete; if not, the disk refused writes and it is retried.
    pub is_prepared: AtomicBool,
}

/// A shared [`App`].
pub type SharedApp = Arc<App>;

impl App {
    /// A snapshot of the current rows.
    #[must_use]
    pub fn rows(&self) -> Snapshot {
        self.engine.snapshot()
    }

    /// Carries out a command; `None` if it succeeded without an object to show.
    ///
    /// # Errors
    /// The kernel's refusal, or 503 while the engine accepts no input.
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

    /// Carries out a command on behalf of a user.
    ///
    /// # Errors
    /// As [`App::carry_out`].
    pub async fn act(&self, user: UserNo, command: Command) -> Result<Option<Object>, ApiError> {
        self.carry_out(Actor::User(user), None, command).await
    }

    /// Renders the object of a command's reply, as the acting user sees it now.
    ///
    /// # Errors
    /// An internal error if the object is missing, which the kernel rules out.
    pub fn show(&self, user: UserNo, object: Option<&Object>) -> Result<String, ApiError> {
        let rows = self.rows();
        let views = Views::new(&rows, Viewer::of(&rows, user));
        object
            .and_then(|object| views.object(object))
            .ok_or_else(ApiError::internal)
    }

    /// The caller that a token identifies: the session must be valid, the user active and local.
    ///
    /// # Errors
    /// 401 otherwise, 503 when the vault cannot be read.
    pub fn caller(&self, token: Secret) -> Result<Caller, ApiError> {
        let session = self
            .vault
            .session(token.expose(), self.engine.now_ms())?
            .ok_or_else(ApiError::session_expired)?;
        let rows = self.rows();
        let user = authority::acting_user(&rows, Actor::User(session.user))?;
        // A login that was under way when its account became a bot's opens nothing.
        if !session.is_of_access_token() && bots::by_no(&rows, user).is_some() {
            return Err(ApiError::session_expired());
        }
        Ok(Caller {
            user,
            session,
            token,
        })
    }
}

/// The authenticated user of a request.
pub struct Caller {
    /// The user.
    pub user: UserNo,
    /// The session.
    pub session: LoginSession,
    /// Its token.
    pub token: Secret,
}

impl Caller {
    /// The caller as an actor.
    #[must_use]
    pub fn actor(&self) -> Actor {
        Actor::User(self.user)
    }

    /// Requires the caller to be a system administrator.
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

    /// Requires the caller to be this user or a system administrator.
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
