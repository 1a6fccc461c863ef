//! The client API: REST v4 and the WebSocket, as ordinary Mattermost clients use them. One file per kind of
//! resource; reads use a snapshot, writes go to the engine.
//!
//! Order of checks for a mutation: session, ids of the path, body, permission, existence and state. The first
//! two are extractors ([`Caller`](crate::app::Caller), [`path::Ids`]), which run in the order of a handler's
//! arguments; the last ones are done by the kernel.

mod absent;
mod access_tokens;
pub mod acknowledgements;
mod actions;
pub mod answer;
pub mod auth;
mod bots;
mod categories;
mod channel_changes;
mod channel_invitations;
mod channel_search;
pub mod channels;
mod client_support;
mod components;
pub mod config;
pub mod connections;
mod custom_commands;
pub mod delivery;
pub mod direct;
mod drafts;
mod emoji;
pub mod events;
pub mod files;
mod hooks;
mod incoming;
mod integrations;
pub mod members;
pub mod metrics;
pub mod operations;
mod own_sessions;
pub mod path;
pub mod pictures;
pub mod policies;
mod policy_metrics;
mod post_info;
pub mod posts;
pub mod preferences;
pub mod reactions;
pub mod recordings;
pub mod roles;
pub mod saved;
mod search;
pub mod sessions;
mod shadows;
pub mod shared_channels;
pub mod slash;
mod statistics;
pub mod statuses;
mod suggestions;
pub mod system;
mod team_changes;
pub mod teams;
mod unread_marks;
pub mod users;
mod versions;
pub mod websocket;
mod written;

pub use search::SEARCHES_AT_ONCE;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::middleware;
use axum::response::{IntoResponse, Redirect, Response};

use crate::app::SharedApp;
use crate::http::finish::{self, Finish};
use crate::http::slashes;
use crate::web_client;

/// Every route of the service. The outermost layer completes all responses.
pub fn router(app: &SharedApp) -> Router {
    let v4 = Router::new()
        .merge(sessions::routes())
        .merge(own_sessions::routes())
        .merge(users::routes())
        .merge(access_tokens::routes())
        .merge(bots::routes())
        .merge(teams::routes())
        .merge(team_changes::routes())
        .merge(channels::routes())
        .merge(channel_changes::routes())
        .merge(categories::routes())
        .merge(drafts::routes())
        .merge(direct::routes())
        .merge(channel_search::routes())
        .merge(members::routes())
        .merge(posts::routes())
        .merge(post_info::routes())
        .merge(versions::routes())
        .merge(unread_marks::routes())
        .merge(files::routes())
        .merge(search::routes())
        .merge(pictures::routes())
        .merge(acknowledgements::routes())
        .merge(preferences::routes())
        .merge(saved::routes())
        .merge(reactions::routes())
        .merge(emoji::routes())
        .merge(roles::routes())
        .merge(slash::routes())
        .merge(suggestions::routes())
        .merge(custom_commands::routes())
        .merge(hooks::routes())
        .merge(actions::routes())
        .merge(statuses::routes())
        .merge(system::routes())
        .merge(client_support::routes())
        .merge(statistics::routes())
        .merge(absent::routes())
        .merge(config::routes())
        .merge(channel_invitations::routes())
        .merge(connections::routes())
        .merge(shared_channels::routes())
        .merge(delivery::routes())
        .merge(policies::routes())
        .merge(shadows::routes())
        .merge(operations::routes())
        .merge(recordings::routes())
        .merge(websocket::routes());
    Router::new()
        .nest("/api/v4", v4)
        .merge(metrics::routes())
        .merge(incoming::routes())
        .fallback(unmatched)
        .with_state(Arc::clone(app))
        .merge(app.federation.router())
        .method_not_allowed_fallback(finish::unknown_route)
        .layer(middleware::from_fn_with_state(
            Finish {
                metrics: Arc::clone(&app.metrics),
                answers: Arc::clone(&app.answers),
            },
            finish::finish,
        ))
}

/// What no route takes: a path with repeated slashes, something of the web client, or nothing.
async fn unmatched(app: State<SharedApp>, request: Request) -> Response {
    match slashes::single(request.uri()) {
        Some(location) => Redirect::permanent(&location).into_response(),
        None => web_client::serve(app, request).await,
    }
}
