//! Searching posts and files. Client API §7.4.

use std::sync::Arc;

use axum::Router;
use axum::extract::State;
use axum::http::HeaderValue;
use axum::http::header::CACHE_CONTROL;
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use causeway_engine::Snapshot;
use causeway_kernel::rows::id::{TeamNo, UserNo};
use causeway_search::query::{QUERY_BYTES_MAX, Query};
use causeway_search::{Request, Search, SearchError};
use causeway_views::json::{self, TooLong, Viewer, Views};
use causeway_views::query::{Page, posts};
use serde::Deserialize;

use super::answer::Rendered;
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Searches that run at the same time; further ones wait.
pub const SEARCHES_AT_ONCE: usize = 4;

/// Found texts are not kept by anybody on the way.
const NOT_KEPT: &str = "no-cache, no-store, must-revalidate";

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/posts/search", post(posts_anywhere))
        .route("/files/search", post(files_anywhere))
        .route("/teams/{team_id}/posts/search", post(posts_in_team))
        .route("/teams/{team_id}/files/search", post(files_in_team))
}

/// A search as clients state it.
#[derive(Deserialize)]
struct Body {
    terms: Option<String>,
    is_or_search: Option<bool>,
    time_zone_offset: Option<i64>,
    page: Option<u32>,
    per_page: Option<u32>,
    include_deleted_channels: Option<bool>,
}

impl Body {
    fn request(self, user: UserNo, team: Option<TeamNo>) -> Result<Request, ApiError> {
        let terms = self.terms.unwrap_or_default();
        if terms.trim().is_empty() || terms.len() > QUERY_BYTES_MAX {
            return Err(ApiError::invalid_body("terms"));
        }
        Ok(Request {
            user,
            team,
            query: Query::parse(&terms, self.time_zone_offset.unwrap_or(0)),
            is_or: self.is_or_search.unwrap_or(false),
            with_archived: self.include_deleted_channels.unwrap_or(false),
            page: Page::new(self.page.unwrap_or(0), self.per_page.unwrap_or(0)),
        })
    }
}

async fn posts_anywhere(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<Body>,
) -> Result<Response, ApiError> {
    let request = body.request(caller.user, None)?;
    carry_out(app, request, found_posts).await
}

async fn posts_in_team(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<Body>,
) -> Result<Response, ApiError> {
    let team = ids.own_team(&app.rows(), &caller)?;
    let request = body.request(caller.user, Some(team))?;
    carry_out(app, request, found_posts).await
}

async fn files_anywhere(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<Body>,
) -> Result<Response, ApiError> {
    let request = body.request(caller.user, None)?;
    carry_out(app, request, found_files).await
}

async fn files_in_team(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<Body>,
) -> Result<Response, ApiError> {
    let team = ids.own_team(&app.rows(), &caller)?;
    let request = body.request(caller.user, Some(team))?;
    carry_out(app, request, found_files).await
}

/// Searches and renders on a thread that may wait.
async fn carry_out(
    app: SharedApp,
    request: Request,
    find: fn(&Search, &Snapshot, &Request) -> Result<String, ApiError>,
) -> Result<Response, ApiError> {
    let closed = |_| ApiError::internal();
    let turn = Arc::clone(&app.searching).acquire_owned();
    let turn = turn.await.map_err(closed)?;
    let found = tokio::task::spawn_blocking(move || {
        // The turn ends with the work, even if nobody waits for the answer any more.
        let _turn = turn;
        find(&app.search, &app.rows(), &request)
    });
    let text = found.await.map_err(|_| ApiError::internal())??;
    let mut response = Rendered::new(text).into_response();
    let not_kept = HeaderValue::from_static(NOT_KEPT);
    response.headers_mut().insert(CACHE_CONTROL, not_kept);
    Ok(response)
}

fn found_posts(search: &Search, rows: &Snapshot, request: &Request) -> Result<String, ApiError> {
    let list = posts::of_numbers(rows, &search.posts(rows, request)?);
    // The next numbered page begins where this one would have ended.
    if list.cut {
        return Err(TooLong.into());
    }
    let views = Views::new(rows, Viewer::of(rows, request.user));
    Ok(json::bounded(&views.found_posts(&list))?)
}

fn found_files(search: &Search, rows: &Snapshot, request: &Request) -> Result<String, ApiError> {
    let files = search.files(rows, request)?;
    let views = Views::new(rows, Viewer::of(rows, request.user));
    Ok(json::bounded(&views.found_files(&files))?)
}

impl From<SearchError> for ApiError {
    fn from(error: SearchError) -> ApiError {
        ApiError::unavailable(error.to_string())
    }
}
