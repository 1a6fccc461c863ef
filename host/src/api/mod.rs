//! The client API: REST v4 and the WebSocket, as ordinary Mattermost clients speak them. One file
//! for each kind of resource; reads go to a snapshot, writes to the engine.
//!
//! Order of checks for a mutation: session, ids of the path, body, permission, existence and
//! state. The first two are extractors ([`auth::Caller`], [`path::Ids`]), which run in the order
//! of a handler's arguments; the last ones are the kernel's.

pub mod acknowledgements;
pub mod answer;
pub mod auth;
pub mod channels;
pub mod connections;
pub mod events;
pub mod hub;
pub mod limit;
pub mod members;
pub mod metrics;
pub mod operations;
pub mod path;
pub mod place;
pub mod policies;
pub mod posts;
pub mod preferences;
pub mod reactions;
pub mod recordings;
pub mod sessions;
pub mod shared_channels;
pub mod slash;
pub mod system;
pub mod teams;
pub mod users;
pub mod websocket;

use std::sync::Arc;

use axum::Router;
use axum::middleware;
use causeway_engine::{Engine, Snapshot};
use causeway_kernel::boundary::input::{Actor, Input};
use causeway_kernel::boundary::output::{Object, Reply};
use causeway_kernel::command::Command;
use causeway_kernel::rows::id::UserNo;
use causeway_views::json::{Viewer, Views};

use crate::config::Settings;
use crate::federation::Federation;
use crate::http::ApiError;
use crate::http::answers::Answers;
use crate::http::finish::{self, Finish};
use crate::metrics::Metrics;
use crate::vault::Vault;

/// What every handler works with.
pub struct App {
    /// Decides and stores.
    pub engine: Engine,
    /// Passwords and sessions.
    pub vault: Vault,
    /// Connections to other workspaces.
    pub federation: Federation,
    /// Lines to WebSocket clients.
    pub hub: hub::Hub,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Large answers on their way.
    pub answers: Arc<Answers>,
    /// Wrong passwords.
    pub logins: limit::LoginLimiter,
    /// Held while a session is exported: it costs a processor and a disk.
    pub exporting: tokio::sync::Mutex<()>,
    /// Settings.
    pub settings: Settings,
    /// When the data directory was made, in ms since the Unix epoch.
    pub installed_at_ms: i64,
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
            Reply::Done | Reply::Text(_) | Reply::Http { .. } => Ok(None),
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
}

/// Every route of the service. The outermost layer completes all answers.
pub fn router(app: &Shared) -> Router {
    let v4 = Router::new()
        .merge(sessions::routes())
        .merge(users::routes())
        .merge(teams::routes())
        .merge(channels::routes())
        .merge(members::routes())
        .merge(posts::routes())
        .merge(acknowledgements::routes())
        .merge(preferences::routes())
        .merge(reactions::routes())
        .merge(slash::routes())
        .merge(system::routes())
        .merge(connections::routes())
        .merge(shared_channels::routes())
        .merge(policies::routes())
        .merge(operations::routes())
        .merge(recordings::routes())
        .merge(websocket::routes());
    Router::new()
        .nest("/api/v4", v4)
        .merge(metrics::routes())
        .with_state(Arc::clone(app))
        .merge(app.federation.router())
        .fallback(finish::unknown_route)
        .method_not_allowed_fallback(finish::unknown_route)
        .layer(middleware::from_fn_with_state(
            Finish {
                metrics: Arc::clone(&app.metrics),
                answers: Arc::clone(&app.answers),
            },
            finish::finish,
        ))
}
