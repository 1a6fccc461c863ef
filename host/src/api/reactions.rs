//! Reactions. Client API §6.5.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{delete, get, post};
use causeway_kernel::authority;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{AddReaction, Command, RemoveReaction};
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::lookup;
use causeway_views::json::{self, Entries, Viewer, Views};
use causeway_views::query::posts;
use serde::Deserialize;

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, distinct};
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/reactions", post(add))
        .route("/posts/{post_id}/reactions", get(of_post))
        .route("/posts/ids/reactions", post(of_posts))
        .route(
            "/users/{user_id}/posts/{post_id}/reactions/{emoji}",
            delete(remove),
        )
}

#[derive(Deserialize)]
struct AddBody {
    user_id: Option<String>,
    post_id: Option<String>,
    emoji_name: Option<String>,
}

async fn add(State(app): State<SharedApp>, caller: Caller, Json(body): Json<AddBody>) -> ApiResult {
    let rows = app.rows();
    let user_id = body
        .user_id
        .ok_or_else(|| ApiError::invalid_body("user_id"))?;
    let post_id = body
        .post_id
        .ok_or_else(|| ApiError::invalid_body("post_id"))?;
    let emoji = body
        .emoji_name
        .ok_or_else(|| ApiError::invalid_body("emoji_name"))?;
    if lookup::user(&rows, &user_id) != Some(caller.user) && user_id != "me" {
        return Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "api.reaction.save_reaction.user_id.app_error",
            "You cannot save a reaction for another user.",
        ));
    }
    let post = lookup::post(&rows, &post_id).ok_or_else(ApiError::forbidden)?;
    drop(rows);
    let command = Command::AddReaction(AddReaction {
        post,
        emoji: emoji.clone(),
    });
    app.act(caller.user, command).await?;
    app.show(
        caller.user,
        Some(&Object::Reaction(post, caller.user, emoji)),
    )
    .map(Rendered::new)
}

async fn of_post(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let post = ids.post(&rows, &caller)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    Ok(Rendered::new(json::bounded(&views.reactions(post))?))
}

async fn of_posts(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(ids): Json<Vec<String>>,
) -> ApiResult {
    let ids = distinct(ids, "post_ids")?;
    let rows = app.rows();
    let by_post: BTreeMap<String, PostNo> = ids
        .iter()
        .filter_map(|id| posts::by_id(&rows, id))
        .filter(|(_, row)| row.delete_at == 0)
        .filter(|(_, row)| authority::may_read_channel(&rows, row.channel, caller.user))
        .map(|(post_no, row)| (row.id.to_string(), post_no))
        .collect();
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let entries = || {
        by_post
            .iter()
            .map(|(id, post_no)| (id, views.reactions(*post_no)))
    };
    Ok(Rendered::new(json::bounded(&Entries(entries))?))
}

async fn remove(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.user(&rows, &caller)?;
    let post = ids.any_post(&rows)?;
    let emoji = ids.get("emoji").to_string();
    app.act(
        caller.user,
        Command::RemoveReaction(RemoveReaction { post, user, emoji }),
    )
    .await?;
    Ok(Rendered::ok())
}
