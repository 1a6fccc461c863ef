//! The policies in force, for administrators. Not part of Mattermost's API; see
//! `docs/admin-api.md`.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_engine::policy::{
    Candidate, Distribution, OnFailure, PolicyError, PolicyState, SIGNATURE_BYTES_MAX,
};
use causeway_kernel::model::SharedChannel;
use causeway_kernel::rows::tx::Read;
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json, read_limited};

/// Maximum bytes of a request that loads a policy: the component in base64 with its settings. Components in
/// scripting languages bundle their interpreter.
const LOAD_BYTES_MAX: usize = 48 << 20;
/// Maximum bytes of a policy's settings.
const SETTINGS_BYTES_MAX: usize = 1 << 20;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/causeway/policies", get(list).put(reorder))
        .route("/causeway/policies/{name}", put(load).delete(unload))
        .route("/causeway/policies/{name}/enable", post(enable))
        .route("/causeway/policies/{name}/disable", post(disable))
        .route("/causeway/policies/{name}/rollback", post(rollback))
        .route("/causeway/inspect_policy", post(inspect))
        .route("/channels/{channel_id}/causeway/rules", get(rules))
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
            PolicyError::Signature(_) => refused(
                StatusCode::BAD_REQUEST,
                "api.causeway.policy.signature.app_error",
            ),
            PolicyError::Name(_) => refused(
                StatusCode::BAD_REQUEST,
                "api.causeway.policy.name.app_error",
            ),
            PolicyError::Order => refused(
                StatusCode::BAD_REQUEST,
                "api.causeway.policy.order.app_error",
            ),
            PolicyError::NoPrevious(_) => refused(
                StatusCode::BAD_REQUEST,
                "api.causeway.policy.no_previous.app_error",
            ),
            PolicyError::NotFound(_) => refused(
                StatusCode::NOT_FOUND,
                "api.causeway.policy.not_found.app_error",
            ),
            PolicyError::NoShadow(_) => refused(
                StatusCode::NOT_FOUND,
                "api.causeway.policy.no_shadow.app_error",
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
        app.engine
            .policies()
            .iter()
            .map(|state| shown(state, app.engine.now_ms()))
            .collect(),
    )))
}

/// A policy as JSON.
pub(super) fn shown(state: &PolicyState, now_ms: i64) -> Value {
    let PolicyState {
        info,
        described,
        rules,
        counts,
        signer,
    } = state;
    json!({
        "name": info.name,
        "digest": info.digest,
        "settings": info.settings,
        "on_failure": info.on_failure,
        "is_enabled": info.is_enabled,
        "previous_digest": info.previous.as_ref().map(|previous| &previous.digest),
        "describes": described.as_ref().ok(),
        "error": described.as_ref().err(),
        "rules": rules,
        "signed_by": signer.map(|signer| signer.key),
        "is_signer_trusted": signer.map(|signer| signer.is_trusted),
        "counts": {
            "questions": counts.questions,
            "allowed": counts.allowed,
            "denied": counts.denied,
            "revised": counts.revised,
            "failures": counts.failures,
            "unasked": counts.unasked,
            "strikes": counts.strikes,
            "suspensions": counts.suspensions,
            "fuel": counts.fuel,
            "dropped_lines": counts.dropped_lines,
        },
        "question_fuel": spread(&counts.fuel_each),
        "question_ns": spread(&counts.time_each_ns),
        "suspended_until": counts.suspended_until_ms.filter(|until_ms| *until_ms > now_ms),
    })
}

fn spread(distribution: &Distribution) -> Value {
    json!({
        "count": distribution.count(),
        "p50": distribution.percentile(50),
        "p99": distribution.percentile(99),
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
    /// Text of the signature file; missing if the policy is not signed.
    signature: Option<String>,
}

/// The policy that an administrator sends. Their permission is checked before the large body is read, unlike
/// elsewhere.
pub(super) async fn candidate(
    app: &SharedApp,
    caller: &Caller,
    name: &str,
    request: Request,
) -> Result<Candidate, ApiError> {
    caller.require_admin(&app.rows())?;
    let bytes = read_limited(request.into_body(), LOAD_BYTES_MAX).await?;
    let body: LoadBody =
        serde_json::from_slice(&bytes).map_err(|_| ApiError::invalid_body("policy"))?;
    drop(bytes);
    if body.settings.len() > SETTINGS_BYTES_MAX {
        return Err(ApiError::invalid_body("settings"));
    }
    let signature = body.signature;
    if signature
        .as_ref()
        .is_some_and(|it| it.len() > SIGNATURE_BYTES_MAX)
    {
        return Err(ApiError::invalid_body("signature"));
    }
    Ok(Candidate {
        name: name.to_string(),
        component: decoded(&body.component)?,
        settings: body.settings,
        on_failure: body.on_failure,
        signature,
    })
}

/// Loads a policy, or replaces the one of this name. Responds once it is in force.
async fn load(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    request: Request,
) -> ApiResult {
    let candidate = candidate(&app, &caller, ids.get("name"), request).await?;
    let state = app.engine.put_policy(candidate).await?;
    let info = &state.info;
    tracing::info!(policy = info.name, digest = info.digest, "policy loaded");
    Ok(Rendered::json(&shown(&state, app.engine.now_ms())))
}

async fn unload(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    caller.require_admin(&app.rows())?;
    app.engine.unload_policy(ids.get("name")).await?;
    tracing::info!(policy = ids.get("name"), "policy unloaded");
    Ok(Rendered::ok())
}

#[derive(Deserialize)]
struct OrderBody {
    /// The names of all policies.
    order: Vec<String>,
}

/// Changes the order in which the policies are asked, and responds with all of them.
async fn reorder(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<OrderBody>,
) -> ApiResult {
    caller.require_admin(&app.rows())?;
    app.engine.reorder_policies(body.order).await?;
    tracing::info!("order of the policies changed");
    list(State(app), caller).await
}

async fn enable(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    set_enabled(&app, &caller, ids.get("name"), true).await
}

async fn disable(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    set_enabled(&app, &caller, ids.get("name"), false).await
}

async fn set_enabled(app: &SharedApp, caller: &Caller, name: &str, is_enabled: bool) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let state = app.engine.set_policy_enabled(name, is_enabled).await?;
    tracing::info!(policy = name, is_enabled, "policy switched");
    Ok(Rendered::json(&shown(&state, app.engine.now_ms())))
}

/// Gives a policy what it had before its last change.
async fn rollback(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let state = app.engine.rollback_policy(ids.get("name")).await?;
    let info = &state.info;
    tracing::info!(
        policy = info.name,
        digest = info.digest,
        "policy rolled back"
    );
    Ok(Rendered::json(&shown(&state, app.engine.now_ms())))
}

#[derive(Deserialize)]
struct InspectBody {
    /// The component in base64.
    component: String,
}

/// Describes a component without loading it.
async fn inspect(State(app): State<SharedApp>, caller: Caller, request: Request) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let bytes = read_limited(request.into_body(), LOAD_BYTES_MAX).await?;
    let body: InspectBody =
        serde_json::from_slice(&bytes).map_err(|_| ApiError::invalid_body("policy"))?;
    drop(bytes);
    let component = decoded(&body.component)?;
    let found = app.engine.inspect_policy(component).await?;
    Ok(Rendered::json(&json!({
        "digest": found.digest,
        "size_bytes": found.size_bytes,
        "imports": found.imports,
        "exports": found.exports,
        "describes": found.described.as_ref().ok(),
        "error": found.described.as_ref().err(),
        "rules": found.rules.as_ref().ok(),
    })))
}

fn decoded(component: &str) -> Result<Vec<u8>, ApiError> {
    STANDARD
        .decode(component)
        .map_err(|_| ApiError::invalid_body("component"))
}

/// What the policies in force hold back of a shared channel, in words, for the people who read it.
async fn rules(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let mut in_force = app.engine.policies();
    in_force.retain(|state| state.info.is_enabled && rows.has::<SharedChannel>(&channel));
    let said = in_force.iter().map(|state| {
        json!({
            "policy": state.info.name,
            "gates": state.described.as_ref().map_or(&[] as &[String], |it| &it.gates),
            "rules": state.rules,
        })
    });
    Ok(Rendered::json(&Value::Array(said.collect())))
}
