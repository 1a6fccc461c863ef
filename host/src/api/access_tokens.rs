//! Personal access tokens. Client API §3.2. System administrators make them, for accounts of programs as a rule.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use causeway_kernel::model::User;
use causeway_kernel::rows::id::Id;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use serde::{Deserialize, Serialize};

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params};
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json};
use crate::vault::{ACCESS_TOKENS_MAX, AccessToken};

/// Maximum bytes of a description, as in the reference.
const DESCRIPTION_BYTES_MAX: usize = 255;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/users/{user_id}/tokens", get(of_user).post(create))
        .route("/users/tokens", get(list))
        .route("/users/tokens/{token_id}", get(by_id))
        .route("/users/tokens/revoke", post(revoke))
        .route("/users/tokens/disable", post(disable))
        .route("/users/tokens/enable", post(enable))
}

#[derive(Deserialize)]
struct CreateBody {
    description: Option<String>,
}

#[derive(Deserialize)]
struct TokenBody {
    token_id: Option<String>,
}

#[derive(Serialize)]
struct TokenView<'a> {
    id: &'a str,
    /// Only in the answer to its creation.
    #[serde(skip_serializing_if = "Option::is_none")]
    token: Option<&'a str>,
    user_id: String,
    description: &'a str,
    is_active: bool,
}

fn show<'a>(app: &App, caller: &Caller, token: &'a AccessToken) -> TokenView<'a> {
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    TokenView {
        id: token.id.as_str(),
        token: None,
        user_id: views.user_id(token.user),
        description: &token.description,
        is_active: token.is_active,
    }
}

/// Creates a token; this answer alone contains it.
async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<CreateBody>,
) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let user = ids.user(&rows, &caller)?;
    let is_ours = rows
        .get::<User>(&user)
        .is_some_and(|row| row.origin.is_ours());
    drop(rows);
    if !is_ours {
        // People of other workspaces never act here.
        return Err(ApiError::forbidden());
    }
    let description = body.description.unwrap_or_default();
    if description.is_empty() || description.len() > DESCRIPTION_BYTES_MAX {
        return Err(ApiError::invalid_body("description"));
    }
    let now_ms = app.engine.now_ms();
    let made = app
        .vault
        .create_access_token(user, description, now_ms)
        .await?;
    let (token, secret) = made.ok_or_else(|| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.causeway.access_tokens.too_many.app_error",
            format!("This workspace has {ACCESS_TOKENS_MAX} access tokens: revoke those that are not used."),
        )
    })?;
    let shown = TokenView {
        token: Some(secret.expose()),
        ..show(&app, &caller, &token)
    };
    Ok(Rendered::new(json::text(&shown)))
}

fn page(app: &App, caller: &Caller, tokens: Vec<AccessToken>, params: &Params) -> Rendered {
    let tokens = params.page().of(tokens);
    let shown = tokens.iter().map(|token| show(app, caller, token));
    Rendered::new(json::text(&shown.collect::<Vec<_>>()))
}

async fn of_user(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let user = ids.own_user(&app.rows(), &caller)?;
    let tokens = app.vault.access_tokens(Some(user))?;
    Ok(page(&app, &caller, tokens, &params))
}

async fn list(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let tokens = app.vault.access_tokens(None)?;
    Ok(page(&app, &caller, tokens, &params))
}

/// A token that the caller may manage: one's own, or as an administrator anybody's.
fn managed(app: &App, caller: &Caller, id: &str) -> Result<AccessToken, ApiError> {
    let missing = || ApiError::not_found("app.user_access_token.get_by_user.app_error", "token");
    let id = Id::parse(id).ok_or_else(missing)?;
    let token = app.vault.access_token(id)?;
    token
        .filter(|token| caller.require_self(&app.rows(), token.user).is_ok())
        .ok_or_else(missing)
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let token = managed(&app, &caller, ids.get("token_id"))?;
    Ok(Rendered::new(json::text(&show(&app, &caller, &token))))
}

async fn change(app: &App, caller: &Caller, body: TokenBody, is_active: Option<bool>) -> ApiResult {
    let id = body
        .token_id
        .ok_or_else(|| ApiError::invalid_body("token_id"))?;
    if is_active == Some(true) {
        // Who makes tokens switches them on: a program does not undo that one of its own was switched off.
        caller.require_admin(&app.rows())?;
    }
    let token = managed(app, caller, &id)?;
    app.vault.set_access_token(token.id, is_active).await?;
    if is_active != Some(true) {
        app.hub.close_session(token.id);
    }
    Ok(Rendered::ok())
}

async fn revoke(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<TokenBody>,
) -> ApiResult {
    change(&app, &caller, body, None).await
}

async fn disable(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<TokenBody>,
) -> ApiResult {
    change(&app, &caller, body, Some(false)).await
}

async fn enable(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<TokenBody>,
) -> ApiResult {
    change(&app, &caller, body, Some(true)).await
}
