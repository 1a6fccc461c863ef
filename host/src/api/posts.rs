//! Posts. Client API §6.4, §7.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post, put};
use causeway_kernel::authority;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{Command, CreatePost, DeletePost, EditPost};
use causeway_kernel::model::{Post, Priority, PriorityLevel};
use causeway_kernel::rows::id::{PostNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, BoundedList, TooLong, Viewer, Views};
use causeway_views::query::bots;
use causeway_views::query::posts::{self, Part, PostList};
use causeway_views::query::threads::{self, ThreadPart};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params, distinct};
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json, OptionalJson};
use crate::integrations::{Cookies, FROM_BOT, Place, marks_of, with_marks};

/// Maximum bytes of a client's own key of a post; a longer one is refused.
const PENDING_POST_ID_BYTES_MAX: usize = 128;
/// Posts around the oldest unread one if the client gives no number.
const AROUND_DEFAULT: u32 = 60;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/posts", post(create))
        .route("/posts/ids", post(by_ids))
        .route("/posts/{post_id}", get(by_id).put(update).delete(delete))
        .route("/posts/{post_id}/patch", put(patch))
        .route("/posts/{post_id}/pin", post(pin))
        .route("/posts/{post_id}/unpin", post(unpin))
        .route("/posts/{post_id}/thread", get(thread))
        .route("/posts/{post_id}/files/info", get(files))
        .route("/channels/{channel_id}/posts", get(of_channel))
        .route(
            "/users/{user_id}/channels/{channel_id}/posts/unread",
            get(around_unread),
        )
}

/// What a client may set in a new post. Author, times, markers of other workspaces and counters are not
/// included: such keys are ignored.
#[derive(Deserialize)]
struct CreateBody {
    channel_id: Option<String>,
    message: Option<String>,
    root_id: Option<String>,
    props: Option<Box<RawValue>>,
    pending_post_id: Option<String>,
    file_ids: Option<Vec<String>>,
    #[serde(rename = "type")]
    kind: Option<String>,
    metadata: Option<MetadataBody>,
}

/// What a client may set in the metadata of a new post.
#[derive(Deserialize)]
struct MetadataBody {
    priority: Option<PriorityBody>,
}

/// A priority as clients and integrations give it.
#[derive(Debug, Deserialize)]
pub(super) struct PriorityBody {
    priority: Option<String>,
    requested_ack: Option<bool>,
    persistent_notifications: Option<bool>,
}

impl PriorityBody {
    /// The priority.
    ///
    /// # Errors
    /// 400 if there is none of that name.
    pub(super) fn checked(self) -> Result<Priority, ApiError> {
        let level = PriorityLevel::named(&self.priority.unwrap_or_default())
            .ok_or_else(|| ApiError::invalid_body("metadata.priority"))?;
        Ok(Priority {
            level,
            requested_ack: self.requested_ack.unwrap_or_default(),
            persistent_notifications: self.persistent_notifications.unwrap_or_default(),
        })
    }
}

async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    params: Params,
    Json(body): Json<CreateBody>,
) -> ApiResult {
    let kind = body.kind.unwrap_or_default();
    if kind.starts_with("system_") {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.context.invalid_param.app_error",
            "Invalid type parameter: system messages are written by the system.",
        ));
    }
    let key = body.pending_post_id.filter(|key| !key.is_empty());
    if key
        .as_ref()
        .is_some_and(|key| key.len() > PENDING_POST_ID_BYTES_MAX)
    {
        return Err(ApiError::invalid_body("pending_post_id"));
    }
    let priority = body.metadata.and_then(|metadata| metadata.priority);
    let priority = priority.map(PriorityBody::checked).transpose()?;
    let rows = app.rows();
    // Unknown, hidden and foreign channels are indistinguishable to the caller.
    let channel = lookup::channel(&rows, &body.channel_id.unwrap_or_default())
        .ok_or_else(ApiError::forbidden)?;
    let root = match body.root_id.as_deref() {
        None | Some("") => None,
        Some(id) => Some(lookup::post(&rows, id).ok_or_else(root_unknown)?),
    };
    let files = body.file_ids.unwrap_or_default();
    let files = files
        .iter()
        .filter_map(|id| lookup::file(&rows, id))
        .collect();
    let is_bot = bots::by_no(&rows, caller.user).is_some();
    drop(rows);
    let place = Place {
        channel,
        author: caller.user,
    };
    let marks: &[&str] = if is_bot { &[FROM_BOT] } else { &[] };
    let props = marked(object_text(body.props), marks)?;
    let props = app
        .integrations
        .seal(&app.vault, props, place, Cookies::Kept)
        .await?;
    let command = Command::CreatePost(CreatePost {
        channel,
        root,
        message: body.message.unwrap_or_default(),
        props,
        kind,
        priority,
        files,
    });
    let made = app.carry_out(caller.actor(), key, command).await?;
    if params.get("set_online") != "false" {
        app.presence.active(caller.user, app.engine.now_ms());
    }
    app.show(caller.user, made.as_ref()).map(Rendered::created)
}

/// Properties with the marks of a program.
fn marked(props: String, marks: &[&str]) -> Result<String, ApiError> {
    if marks.is_empty() {
        return Ok(props);
    }
    let text = if props.is_empty() { "{}" } else { &props };
    let parsed = serde_json::from_str(text).map_err(|_| ApiError::invalid_body("props"))?;
    Ok(Value::from(with_marks(marks, parsed)).to_string())
}

fn root_unknown() -> ApiError {
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "api.post.create_post.root_id.app_error",
        "Invalid RootId: there is no such post to reply to.",
    )
}

/// The text of `props`; `null` and `{}` count as empty. The kernel checks that it is an object.
fn object_text(props: Option<Box<RawValue>>) -> String {
    let text = props.map_or_else(String::new, |raw| raw.get().to_string());
    if text == "null" || text == "{}" {
        String::new()
    } else {
        text
    }
}

async fn by_id(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let post = ids.post(&rows, &caller)?;
    let include_deleted = params.flag("include_deleted");
    if include_deleted {
        caller.require_admin(&rows)?;
    }
    let live = rows
        .get::<Post>(&post)
        .is_some_and(|row| row.delete_at == 0);
    if !live && !include_deleted {
        return Err(ApiError::not_found("app.post.get.app_error", "post"));
    }
    app.show(caller.user, Some(&Object::Post(post)))
        .map(Rendered::new)
}

async fn by_ids(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(ids): Json<Vec<String>>,
) -> ApiResult {
    let ids = distinct(ids, "post_ids")?;
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let mut list = BoundedList::default();
    for (post_no, row) in ids.iter().filter_map(|id| posts::by_id(&rows, id)) {
        if row.delete_at == 0 && authority::may_read_channel(&rows, row.channel, caller.user) {
            list.push(&views.post(post_no, &row))?;
        }
    }
    Ok(Rendered::new(list.finish()?))
}

#[derive(Default, Deserialize)]
struct EditBody {
    id: Option<String>,
    message: Option<String>,
    props: Option<Box<RawValue>>,
    is_pinned: Option<bool>,
}

async fn update(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<EditBody>,
) -> ApiResult {
    if body.id.as_deref() != Some(ids.get("post_id")) {
        return Err(ApiError::invalid_body("id"));
    }
    edit(&app, &caller, &ids, body).await
}

async fn patch(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    OptionalJson(body): OptionalJson<EditBody>,
) -> ApiResult {
    edit(&app, &caller, &ids, body).await
}

async fn edit(app: &App, caller: &Caller, ids: &Ids, body: EditBody) -> ApiResult {
    let post = ids.any_post(&app.rows())?;
    let props = match body.props {
        Some(raw) => Some(sealed_props(app, post, raw).await?),
        None => None,
    };
    let command = Command::EditPost(EditPost {
        post,
        message: body.message,
        props,
        is_pinned: body.is_pinned,
    });
    app.act(caller.user, command).await?;
    app.show(caller.user, Some(&Object::Post(post)))
        .map(Rendered::new)
}

/// The text of `props` for a post that exists.
async fn sealed_props(app: &App, post: PostNo, props: Box<RawValue>) -> Result<String, ApiError> {
    let row = app
        .rows()
        .get::<Post>(&post)
        .ok_or_else(ApiError::internal)?;
    let place = Place {
        channel: row.channel,
        author: row.user,
    };
    let props = marked(object_text(Some(props)), &marks_of(&row.props))?;
    app.integrations
        .seal(&app.vault, props, place, Cookies::Kept)
        .await
}

async fn delete(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let post = ids.any_post(&app.rows())?;
    app.act(caller.user, Command::DeletePost(DeletePost { post }))
        .await?;
    Ok(Rendered::ok())
}

async fn pin(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    set_pinned(&app, &caller, &ids, true).await
}

async fn unpin(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    set_pinned(&app, &caller, &ids, false).await
}

async fn set_pinned(app: &App, caller: &Caller, ids: &Ids, pinned: bool) -> ApiResult {
    let post = ids.any_post(&app.rows())?;
    let command = Command::EditPost(EditPost {
        post,
        message: None,
        props: None,
        is_pinned: Some(pinned),
    });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}

async fn thread(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let post = ids.post(&rows, &caller)?;
    let up = match params.get("direction") {
        "" | "down" => false,
        "up" => true,
        _ => return Err(ApiError::invalid_url_param("direction")),
    };
    let from = params
        .id("fromPost")?
        .and_then(|id| lookup::post(&rows, id));
    let per_page = params.number("perPage").unwrap_or(0) as usize;
    let list = threads::thread(&rows, post, ThreadPart { per_page, from, up })
        .ok_or_else(|| ApiError::not_found("app.post.get.app_error", "post"))?;
    render_list(&rows, caller.user, &list)
}

async fn files(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let post = ids.post(&rows, &caller)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let files = rows.get::<Post>(&post).map(|post| views.files(&post));
    Ok(Rendered::new(json::text(&files.unwrap_or_default())))
}

async fn of_channel(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let since = params.time("since")?;
    let (before, after) = (params.id("before")?, params.id("after")?);
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    if params.flag("include_deleted") {
        caller.require_admin(&rows)?;
    }
    let threads = !params.flag("skipFetchThreads");
    if let Some(since) = since {
        let list = posts::since(&rows, channel, since, threads);
        return render_list(&rows, caller.user, &list);
    }
    let find = |id: &str, name: &str| {
        lookup::post(&rows, id).ok_or_else(|| ApiError::invalid_url_param(name))
    };
    let part = match (before, after) {
        (Some(id), _) => Part::Before(find(id, "before")?),
        (None, Some(id)) => Part::After(find(id, "after")?),
        (None, None) => Part::Newest,
    };
    let page = params.page();
    let list = posts::page(&rows, channel, part, page, threads)?;
    // The next numbered page begins where this one would have ended.
    if list.cut && page.skip() > 0 {
        return Err(TooLong.into());
    }
    render_list(&rows, caller.user, &list)
}

async fn around_unread(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let before = params.number("limit_before").unwrap_or(AROUND_DEFAULT);
    let after = params.number("limit_after").unwrap_or(AROUND_DEFAULT);
    if after == 0 {
        return Err(ApiError::invalid_url_param("limit_after"));
    }
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let channel = ids.channel(&rows, &caller)?;
    let threads = !params.flag("skipFetchThreads");
    let list = posts::around_unread(&rows, channel, user, before, after, threads)?;
    Ok(render_list(&rows, caller.user, &list)?.unless_known(&headers))
}

/// A list of posts as its reader sees it.
///
/// # Errors
/// When it is too long.
pub(super) fn render_list<R: Read>(rows: &R, viewer: UserNo, list: &PostList) -> ApiResult {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    Ok(Rendered::new(json::bounded(&views.post_list(list))?))
}
