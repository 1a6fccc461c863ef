//! The sessions of an account, and ending them. Client API §6.1.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use causeway_kernel::model::User;
use causeway_kernel::rows::id::{Id, UserNo};
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json, StrangersJson};
use crate::vault::LoginSession;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/users/{user_id}/sessions", get(list))
        .route("/users/{user_id}/sessions/revoke", post(revoke))
        .route("/users/{user_id}/sessions/revoke/all", post(revoke_all))
        .route("/users/{user_id}/audits", get(audits))
        .route("/users/sessions/device", put(attach_device))
        .route("/users/login/type", post(login_type))
}

/// A session as clients see it. Its token is never shown.
#[derive(Serialize)]
struct SessionView<'a> {
    id: &'a str,
    token: &'static str,
    create_at: i64,
    expires_at: i64,
    last_activity_at: i64,
    user_id: String,
    device_id: &'static str,
    roles: &'a str,
    is_oauth: bool,
    expired_notify: bool,
    props: Value,
    team_members: [Value; 0],
    local: bool,
}

async fn list(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let roles = rows.get::<User>(&user).map(|row| row.roles);
    let roles = roles.unwrap_or_default();
    let sessions = app.vault.sessions_of(user, app.engine.now_ms())?;
    let user_id = Views::new(&rows, Viewer::System).user_id(user);
    let view = |session: &LoginSession| {
        json::text(&SessionView {
            id: session.id.as_str(),
            token: "",
            create_at: session.create_at,
            expires_at: session.expires_at,
            last_activity_at: session.last_activity_at,
            user_id: user_id.clone(),
            device_id: "",
            roles: &roles,
            is_oauth: false,
            expired_notify: false,
            props: json!({ "browser": session.device, "csrf": "" }),
            team_members: [],
            local: false,
        })
    };
    let views: Vec<String> = sessions.iter().map(view).collect();
    Ok(Rendered::array(&views))
}

#[derive(Deserialize)]
struct RevokeBody {
    session_id: Option<String>,
}

async fn revoke(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<RevokeBody>,
) -> ApiResult {
    let user = ids.own_user(&app.rows(), &caller)?;
    let session = Id::parse(&body.session_id.unwrap_or_default());
    let session = session.ok_or_else(|| ApiError::invalid_body("session_id"))?;
    if !app.vault.end_session_of(user, session).await? {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "app.session.get.app_error",
            "This account has no such session.",
        ));
    }
    app.hub.close_session(session);
    Ok(Rendered::ok())
}

async fn revoke_all(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let user = ids.own_user(&app.rows(), &caller)?;
    end_all(&app, user).await?;
    Ok(Rendered::ok())
}

async fn end_all(app: &App, user: UserNo) -> Result<(), ApiError> {
    app.vault.end_sessions(user).await?;
    app.hub.close_user(user, None);
    Ok(())
}

/// What an account did is in the recording, which only the operator reads.
async fn audits(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    ids.own_user(&app.rows(), &caller)?;
    Ok(Rendered::array(&[]))
}

/// Nothing is pushed to devices, so that there is nothing to remember.
async fn attach_device(_: Caller) -> ApiResult {
    Ok(Rendered::ok())
}

#[derive(Deserialize)]
struct LoginTypeBody {}

/// Everybody logs in with a password. The answer does not depend on the account, so that it does not tell whether
/// there is one.
async fn login_type(_: StrangersJson<LoginTypeBody>) -> ApiResult {
    Ok(Rendered::json(&json!({ "auth_service": "" })))
}
