//! Custom emoji. Client API §6.5.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use causeway_kernel::command::{AddEmoji, Command, RemoveEmoji};
use causeway_kernel::model::CustomEmoji;
use causeway_kernel::rows::id::{EmojiNo, UserNo};
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::emoji;
use serde::Deserialize;

use super::answer::{ApiResult, Rendered, unchanged};
use super::path::{Ids, Params, distinct};
use crate::app::{Caller, SharedApp};
use crate::files;
use crate::http::{ApiError, Json};

/// Maximum emoji that a search or a completion finds.
const FOUND_MAX: usize = 100;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/emoji", get(list).post(create))
        .route("/emoji/search", post(search))
        .route("/emoji/autocomplete", get(autocomplete))
        .route("/emoji/names", post(by_names))
        .route("/emoji/name/{name}", get(by_name))
        .route("/emoji/{emoji_id}", get(by_id).delete(remove))
        .route("/emoji/{emoji_id}/image", get(image))
}

fn missing() -> ApiError {
    ApiError::not_found("app.emoji.get.no_result", "custom emoji")
}

fn render<R: Read>(rows: &R, viewer: UserNo, found: &[(EmojiNo, CustomEmoji)]) -> ApiResult {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    let list = json::list(found, |(_, emoji)| views.emoji(emoji))?;
    Ok(Rendered::new(list))
}

fn render_one<R: Read>(rows: &R, viewer: UserNo, emoji: &CustomEmoji) -> Rendered {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    Rendered::new(json::text(&views.emoji(emoji)))
}

async fn list(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    render(&rows, caller.user, &emoji::page(&rows, params.page()))
}

/// What the form says of the emoji; whose it is follows from the session.
#[derive(Deserialize)]
struct Description {
    #[serde(default)]
    name: String,
}

/// 201, as everything else that is made.
async fn create(State(app): State<SharedApp>, caller: Caller, request: Request) -> ApiResult {
    let (parts, body) = request.into_parts();
    let form = app.files.receive_emoji(&parts.headers, body).await?;
    let description: Description =
        serde_json::from_str(&form.description).map_err(|_| ApiError::invalid_body("emoji"))?;
    let kept = app.files.keep_emoji(form.picture).await?;
    let command = Command::AddEmoji(AddEmoji {
        name: description.name,
        digest: kept.digest().to_string(),
        size: kept.size(),
    });
    let made = files::act_with(&app, caller.user, command, kept).await?;
    app.show(caller.user, made.as_ref()).map(Rendered::created)
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let (_, found) = emoji::by_id(&rows, ids.get("emoji_id")).ok_or_else(missing)?;
    Ok(render_one(&rows, caller.user, &found))
}

async fn by_name(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let (_, found) = emoji::by_name(&rows, ids.get("name")).ok_or_else(missing)?;
    Ok(render_one(&rows, caller.user, &found))
}

async fn by_names(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(names): Json<Vec<String>>,
) -> ApiResult {
    let names = distinct(names, "names")?;
    let rows = app.rows();
    let found: Vec<_> = names
        .iter()
        .filter_map(|name| emoji::by_name(&rows, name))
        .collect();
    render(&rows, caller.user, &found)
}

#[derive(Deserialize)]
struct SearchBody {
    term: Option<String>,
    prefix_only: Option<bool>,
}

/// Emoji whose name contains a text; only those whose name begins with it, if the client says so.
async fn search(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<SearchBody>,
) -> ApiResult {
    let term = body.term.filter(|term| !term.is_empty());
    let term = term.ok_or_else(|| ApiError::invalid_body("term"))?;
    let rows = app.rows();
    let mut found = match body.prefix_only {
        Some(true) => emoji::beginning(&rows, &term, FOUND_MAX),
        _ => emoji::containing(&rows, &term),
    };
    found.truncate(FOUND_MAX);
    render(&rows, caller.user, &found)
}

async fn autocomplete(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    let found = emoji::beginning(&rows, params.get("name"), FOUND_MAX);
    render(&rows, caller.user, &found)
}

async fn remove(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let found = emoji::by_id(&app.rows(), ids.get("emoji_id"));
    let (emoji, _) = found.ok_or_else(missing)?;
    let command = Command::RemoveEmoji(RemoveEmoji { emoji });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}

/// The picture, which never changes: always a PNG that was made here.
async fn image(
    State(app): State<SharedApp>,
    _: Caller,
    ids: Ids,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let found = emoji::by_id(&app.rows(), ids.get("emoji_id"));
    let (_, found) = found.ok_or_else(missing)?;
    let tag = format!("\"{}\"", found.digest);
    if let Some(response) = unchanged(&headers, &tag) {
        return Ok(response);
    }
    let png = app
        .files
        .emoji_picture(found.digest)
        .await
        .map_err(|error| {
            tracing::error!(%error, "the bytes of an emoji cannot be read");
            ApiError::internal()
        })?;
    let headers = [
        (CONTENT_TYPE, "image/png".to_string()),
        (CACHE_CONTROL, "private, max-age=31536000".to_string()),
        (ETAG, tag),
    ];
    Ok((headers, png).into_response())
}
