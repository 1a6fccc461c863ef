//! Drafts: messages that are not posted yet, each user's own. Client API §15.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::{delete, get, post};
use causeway_kernel::authority;
use causeway_kernel::command::{Command, PersonalChange, SetPersonal};
use causeway_kernel::model::PersonalKind;
use causeway_kernel::model::limits::{FILES_PER_POST_MAX, MESSAGE_CHARS_MAX};
use causeway_kernel::rows::id::{Id, UserNo};
use causeway_kernel::rows::lookup;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::drafts::{self, Draft};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Maximum bytes of a draft's properties, and of its priority; more are refused.
const PROPS_BYTES_MAX: usize = 4_000;
/// The header with the id of the client's WebSocket connection, which is not told of its own change.
const CONNECTION_HEADER: &str = "connection-id";

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/drafts", post(upsert))
        .route("/users/{user_id}/teams/{team_id}/drafts", get(of_team))
        .route(
            "/users/{user_id}/channels/{channel_id}/drafts",
            delete(remove),
        )
        .route(
            "/users/{user_id}/channels/{channel_id}/drafts/{root_id}",
            delete(remove),
        )
}

#[derive(Deserialize)]
struct Body {
    channel_id: Option<String>,
    root_id: Option<String>,
    message: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    props: Option<Box<RawValue>>,
    priority: Option<Box<RawValue>>,
    file_ids: Option<Vec<String>>,
}

async fn upsert(
    State(app): State<SharedApp>,
    caller: Caller,
    headers: HeaderMap,
    Json(body): Json<Body>,
) -> ApiResult {
    let rows = app.rows();
    let channel_id = body.channel_id.as_deref().unwrap_or_default();
    let channel = lookup::channel(&rows, channel_id).ok_or_else(ApiError::forbidden)?;
    if !authority::may_read_channel(&rows, channel, caller.user) {
        return Err(ApiError::forbidden());
    }
    let root_id = body.root_id.clone().unwrap_or_default();
    if !root_id.is_empty() && lookup::post(&rows, &root_id).is_none() {
        return Err(ApiError::invalid_body("root_id"));
    }
    let name = drafts::stored_name(channel_id, &root_id);
    let now_ms = app.engine.now_ms();
    let before = drafts::by_name(&rows, caller.user, &name);
    drop(rows);
    let draft = Draft {
        create_at: before.map_or(now_ms, |before| before.create_at),
        update_at: now_ms,
        connection_id: connection_of(&headers),
        ..body.checked()?
    };
    set(&app, caller.user, &name, Some(draft.value())).await?;
    let rows = app.rows();
    let stored = drafts::by_name(&rows, caller.user, &name).ok_or_else(ApiError::internal)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let shown = json::text(&views.draft(caller.user, &stored));
    Ok(Rendered::created(shown))
}

impl Body {
    /// The draft without its times.
    fn checked(self) -> Result<Draft, ApiError> {
        let message = self.message.unwrap_or_default();
        if message.chars().count() > MESSAGE_CHARS_MAX {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "model.draft.is_valid.message_length.app_error",
                format!("A message has at most {MESSAGE_CHARS_MAX} characters."),
            ));
        }
        let object = |json: Option<Box<RawValue>>, name: &str| match json {
            Some(json) if json.get().len() > PROPS_BYTES_MAX => Err(ApiError::invalid_body(name)),
            Some(json) if json.get().starts_with('{') => Ok(Some(json)),
            Some(_) | None => Ok(None),
        };
        let file_ids = self.file_ids.unwrap_or_default();
        if file_ids.len() > FILES_PER_POST_MAX || !file_ids.iter().all(|id| is_id(id)) {
            return Err(ApiError::invalid_body("file_ids"));
        }
        let kind = self.kind.unwrap_or_default();
        if kind.len() > PROPS_BYTES_MAX {
            return Err(ApiError::invalid_body("type"));
        }
        Ok(Draft {
            message,
            kind,
            props: object(self.props, "props")?,
            priority: object(self.priority, "priority")?,
            file_ids,
            ..Draft::default()
        })
    }
}

fn is_id(text: &str) -> bool {
    Id::parse(text).is_some()
}

/// The client's connection; empty if it names none.
fn connection_of(headers: &HeaderMap) -> String {
    let given = headers.get(CONNECTION_HEADER);
    let given = given.and_then(|it| it.to_str().ok()).filter(|it| is_id(it));
    given.unwrap_or_default().to_string()
}

async fn set(app: &App, user: UserNo, name: &str, value: Option<String>) -> Result<(), ApiError> {
    let change = PersonalChange {
        name: name.to_string(),
        value,
    };
    let command = SetPersonal {
        kind: PersonalKind::Draft,
        changes: vec![change],
    };
    app.act(user, Command::SetPersonal(command)).await?;
    Ok(())
}

/// The drafts of a team; `null` if there are none, as in the reference.
async fn of_team(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.caller_alone(&rows, &caller)?;
    let team = ids.own_team(&rows, &caller)?;
    let found = drafts::of_team(&rows, user, team);
    if found.is_empty() {
        return Ok(Rendered::new("null".into()));
    }
    let views = Views::new(&rows, Viewer::of(&rows, user));
    let list = json::list(&found, |draft| views.draft(user, draft))?;
    Ok(Rendered::new(list))
}

/// Deletes a draft. Clients name the channel itself where a thread is expected for a draft that is not a reply.
async fn remove(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let user = ids.caller_alone(&app.rows(), &caller)?;
    let channel_id = ids.get("channel_id");
    let root_id = Some(ids.get("root_id")).filter(|id| *id != channel_id);
    let name = drafts::stored_name(channel_id, root_id.unwrap_or_default());
    if drafts::by_name(&app.rows(), user, &name).is_some() {
        set(&app, user, &name, None).await?;
    }
    Ok(Rendered::ok())
}
