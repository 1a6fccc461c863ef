//! The policies in force, for administrators. Not part of Mattermost's API; see
//! `docs/admin-api.md`.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::{get, put};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_engine::policy::{OnFailure, PolicyError, PolicyState};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, read_limited};

/// Maximum bytes of a request that loads a policy: the component in base64 with its settings. Components in
/// scripting languages bundle their interpreter.
const LOAD_BYTES_MAX: usize = 48 << 20;
/// Maximum bytes of a policy's settings.
const SETTINGS_BYTES_MAX: usize = 1 << 20;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/causeway/policies", get(list))
        .route("/causeway/policies/{name}", put(load).delete(unload))
}

impl From<PolicyError> for ApiError {
    fn from(error: PolicyError) -> ApiError {
        let refused = |status, id: &'static str| ApiError::new(status, id, error.to_string());
        match &error {
            PolicyError::Component(_) => refused(
                StatusCode::BAD_REQUEST,
                "api.causeway.policy.component.app_error",
            ),
            PolicyError::Settings(_) => refused(
                StatusCode::BAD_REQUEST,
                "api.causeway.policy.settings.app_error",
            ),
            PolicyError::Name(_) => refused(
                StatusCode::BAD_REQUEST,
                "api.causeway.policy.name.app_error",
            ),
            PolicyError::NotFound(_) => refused(
                StatusCode::NOT_FOUND,
                "api.causeway.policy.not_found.app_error",
            ),
            PolicyError::Disk(_) => {
                tracing::error!(%error, "changing the policies");
                refused(
                    StatusCode::SERVICE_UNAVAILABLE,
                    "api.causeway.policy.disk.app_error",
                )
            }
            PolicyError::Engine(error) => error.clone().into(),
        }
    }
}

async fn list(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    caller.require_admin(&app.rows())?;
    Ok(Rendered::json(&Value::Array(
        app.engine.policies().iter().map(shown).collect(),
    )))
}

fn shown(state: &PolicyState) -> Value {
    let PolicyState { info, described } = state;
    json!({
        "name": info.name,
        "digest": info.digest,
        "settings": info.settings,
        "on_failure": info.on_failure,
        "describes": described.as_ref().ok(),
        "error": described.as_ref().err(),
    })
}

#[derive(Deserialize)]
struct LoadBody {
    /// The component in base64.
    component: String,
    #[serde(default)]
    settings: String,
    #[serde(default)]
    on_failure: OnFailure,
}

/// Loads a policy, or replaces the one of this name. Responds once it is in force.
async fn load(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    request: Request,
) -> ApiResult {
    // Checked before the large body is read, unlike elsewhere.
    caller.require_admin(&app.rows())?;
    let bytes = read_limited(request.into_body(), LOAD_BYTES_MAX).await?;
    let body: LoadBody =
        serde_json::from_slice(&bytes).map_err(|_| ApiError::invalid_body("policy"))?;
    drop(bytes);
    if body.settings.len() > SETTINGS_BYTES_MAX {
        return Err(ApiError::invalid_body("settings"));
    }
    let component = STANDARD
        .decode(&body.component)
        .map_err(|_| ApiError::invalid_body("component"))?;
    let name = ids.get("name");
    let state = app
        .engine
        .load_policy(name, component, body.settings, body.on_failure)
        .await?;
    let info = &state.info;
    tracing::info!(policy = info.name, digest = info.digest, "policy loaded");
    Ok(Rendered::json(&shown(&state)))
}

async fn unload(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    caller.require_admin(&app.rows())?;
    app.engine.unload_policy(ids.get("name")).await?;
    tracing::info!(policy = ids.get("name"), "policy unloaded");
    Ok(Rendered::ok())
}
