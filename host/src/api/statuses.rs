//! Statuses of users. Client API §6.1.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post, put};
use causeway_kernel::command::{Command, SetCustomStatus};
use causeway_kernel::model::{Availability, Status, User};
use causeway_kernel::rows::id::{Id, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, StatusView};
use causeway_views::query::statuses;
use serde::{Deserialize, Serialize};

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, distinct};
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/users/status/ids", post(by_ids))
        .route("/users/{user_id}/status", get(one).put(choose))
        .route(
            "/users/{user_id}/status/custom",
            put(set_custom).delete(remove_custom),
        )
}

impl App {
    /// The status of a user: of one of this workspace as known here, of a peer's as its home gave it. A user of
    /// whom nothing is known is offline.
    #[must_use]
    pub fn status_of(&self, rows: &(impl Read + ?Sized), user: UserNo) -> Status {
        if rows
            .get::<User>(&user)
            .is_some_and(|row| row.origin.is_ours())
        {
            self.presence.of(user)
        } else {
            statuses::of(rows, user)
        }
    }

    /// The status of the user with an id; as in the reference, an unknown one is offline.
    #[must_use]
    pub fn status_by_id(&self, rows: &(impl Read + ?Sized), id: &str) -> Status {
        lookup::user(rows, id).map_or(Status::UNKNOWN, |user| self.status_of(rows, user))
    }
}

async fn one(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let own;
    let id = match ids.get("user_id") {
        "me" => {
            own = id_of(&rows, caller.user)?;
            own.as_str()
        }
        id => id,
    };
    let status = app.status_by_id(&rows, id);
    Ok(Rendered::new(json::text(&StatusView::new(id, &status))))
}

fn id_of(rows: &(impl Read + ?Sized), user: UserNo) -> Result<Id, ApiError> {
    let row = rows.get::<User>(&user);
    row.map(|row| row.id).ok_or_else(ApiError::internal)
}

async fn by_ids(
    State(app): State<SharedApp>,
    _: Caller,
    Json(ids): Json<Vec<String>>,
) -> ApiResult {
    let ids = distinct(ids, "user_ids")?;
    if ids.iter().any(|id| Id::parse(id).is_none()) {
        return Err(ApiError::invalid_body("user_ids"));
    }
    let rows = app.rows();
    let found: Vec<(String, Status)> = ids
        .into_iter()
        .map(|id| {
            let status = app.status_by_id(&rows, &id);
            (id, status)
        })
        .collect();
    let list = json::list(&found, |(id, status)| StatusView::new(id, status))?;
    Ok(Rendered::new(list))
}

#[derive(Deserialize)]
struct Choice {
    #[serde(default)]
    user_id: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    dnd_end_time: i64,
}

async fn choose(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<Choice>,
) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let id = id_of(&rows, user)?;
    if body.user_id != id.as_str() {
        return Err(ApiError::invalid_body("user_id"));
    }
    let chosen = Availability::of_word(&body.status)
        // Being out of office comes with an automatic reply, which is not supported.
        .filter(|chosen| *chosen != Availability::Ooo)
        .ok_or_else(|| ApiError::invalid_body("status"))?;
    if body.dnd_end_time < 0 {
        return Err(ApiError::invalid_body("dnd_end_time"));
    }
    if !rows
        .get::<User>(&user)
        .is_some_and(|row| row.origin.is_ours())
    {
        // A status is chosen where its user is at home.
        return Err(ApiError::forbidden());
    }
    let now_ms = app.engine.now_ms();
    let status = app.presence.choose(user, chosen, body.dnd_end_time, now_ms);
    let view = StatusView::new(id.as_str(), &status);
    Ok(Rendered::new(json::text(&view)))
}

/// Characters of a custom status; more are refused, as in the reference.
const CUSTOM_TEXT_CHARS_MAX: usize = 100;
/// Bytes of the word for its duration; more are refused.
const DURATION_BYTES_MAX: usize = 32;
/// When a custom status ends that does not.
const NEVER: &str = "0001-01-01T00:00:00Z";

/// A custom status. Its keys, in this order, are those of the reference.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct CustomStatus {
    /// Name of an emoji.
    emoji: String,
    text: String,
    /// What was chosen in the dialog, e.g. `thirty_minutes`.
    duration: String,
    /// RFC 3339; clients show it no longer from then on.
    expires_at: String,
}

impl CustomStatus {
    /// Checks it, and fills in what may be missing.
    fn checked(mut self) -> Result<CustomStatus, ApiError> {
        let is_emoji = |byte: u8| byte.is_ascii_alphanumeric() || b"-+_".contains(&byte);
        if self.emoji.is_empty() && self.text.is_empty() || !self.emoji.bytes().all(is_emoji) {
            return Err(ApiError::invalid_body("custom_status"));
        }
        let is_long = self.text.chars().count() > CUSTOM_TEXT_CHARS_MAX;
        if is_long || self.text.chars().any(char::is_control) {
            return Err(ApiError::invalid_body("text"));
        }
        if self.expires_at.is_empty() {
            self.expires_at = NEVER.to_string();
        }
        let fits = self.duration.len() <= DURATION_BYTES_MAX;
        if !fits || !self.duration.bytes().all(is_emoji) {
            return Err(ApiError::invalid_body("duration"));
        }
        let is_time = self.expires_at.parse::<jiff::Timestamp>().is_ok();
        if !is_time && self.expires_at != NEVER {
            return Err(ApiError::invalid_body("expires_at"));
        }
        if self.emoji.is_empty() {
            self.emoji = "speech_balloon".to_string();
        }
        Ok(self)
    }
}

async fn set_custom(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<CustomStatus>,
) -> ApiResult {
    let status = json::text(&body.checked()?);
    give_custom(&app, &caller, &ids, status).await
}

async fn remove_custom(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    give_custom(&app, &caller, &ids, String::new()).await
}

async fn give_custom(app: &App, caller: &Caller, ids: &Ids, status: String) -> ApiResult {
    let user = ids.caller_alone(&app.rows(), caller)?;
    let command = Command::SetCustomStatus(SetCustomStatus { status });
    app.act(user, command).await?;
    Ok(Rendered::ok())
}
