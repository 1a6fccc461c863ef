//! Earlier versions of a post, for its author alone. Client API §6.4.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{Command, EditPost};
use causeway_kernel::model::Post;
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::versions;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::ApiError;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/posts/{post_id}/edit_history", get(history))
        .route("/posts/{post_id}/restore/{version_id}", post(restore))
}

/// A post of the caller's own.
fn own(app: &App, caller: &Caller, ids: &Ids) -> Result<(PostNo, Post), ApiError> {
    let rows = app.rows();
    let no = ids.post(&rows, caller)?;
    let post = rows.get::<Post>(&no).ok_or_else(ApiError::internal)?;
    if post.user == caller.user {
        Ok((no, post))
    } else {
        Err(ApiError::forbidden())
    }
}

async fn history(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let (no, post) = own(&app, &caller, &ids)?;
    let rows = app.rows();
    let found = versions::of_post(&rows, no, &post);
    if found.is_empty() {
        return Err(ApiError::not_found(
            "app.post.get_post_edit_history.app_error",
            "earlier version of this post",
        ));
    }
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let list = json::list(&found, |version| views.version(&post, version))?;
    Ok(Rendered::new(list))
}

/// Gives the post the text of an earlier version.
async fn restore(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let (no, post) = own(&app, &caller, &ids)?;
    let mut found = versions::of_post(&app.rows(), no, &post).into_iter();
    let version = found.find(|version| version.id.as_str() == ids.get("version_id"));
    let version = version.ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "app.post.restore_post_version.not_an_history_item.app_error",
            "The post has no such earlier version.",
        )
    })?;
    let command = Command::EditPost(EditPost {
        post: no,
        message: Some(version.message),
        props: None,
        is_pinned: None,
    });
    app.act(caller.user, command).await?;
    app.show(caller.user, Some(&Object::Post(no)))
        .map(Rendered::new)
}
