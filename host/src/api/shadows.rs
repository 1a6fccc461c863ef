//! Shadows of policies, for administrators: candidates that are asked beside the policies in force, without effect.

use axum::Router;
use axum::extract::{Request, State};
use axum::routing::{get, post, put};
use causeway_engine::policy::{Disagreement, ShadowState};
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use super::policies::{candidate, shown};
use crate::app::{Caller, SharedApp};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/causeway/policy_shadows", get(list))
        .route("/causeway/policies/{name}/shadow", put(load).delete(unload))
        .route("/causeway/policies/{name}/promote", post(promote))
}

async fn list(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let (shadows, now_ms) = (app.engine.shadows(), app.engine.now_ms());
    let shadows = shadows.iter().map(|state| shown_shadow(state, now_ms));
    Ok(Rendered::json(&Value::Array(shadows.collect())))
}

/// A shadow: a policy with what it would have changed.
fn shown_shadow(state: &ShadowState, now_ms: i64) -> Value {
    let ShadowState {
        policy,
        counts,
        last,
    } = state;
    let mut shadow = shown(policy, now_ms);
    let last = last.iter().map(|it| {
        let Disagreement {
            gate,
            object_id,
            at_ms,
            decided,
            would,
        } = it;
        json!({
            "gate": gate,
            "object_id": object_id,
            "at": at_ms,
            "decided": decided.name(),
            "would": would.name(),
        })
    });
    let compared = json!({
        "questions": counts.questions,
        "agreed": counts.agreed,
        "would_deny": counts.would_deny,
        "would_pass": counts.would_pass,
        "would_revise": counts.would_revise,
        "failed": counts.failed,
        "skipped": counts.skipped,
        "last": last.collect::<Vec<_>>(),
    });
    if let Some(members) = shadow.as_object_mut() {
        members.insert("compared".into(), compared);
    }
    shadow
}

/// Has a policy asked beside the others, instead of an earlier shadow of this name.
async fn load(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    request: Request,
) -> ApiResult {
    let candidate = candidate(&app, &caller, ids.get("name"), request).await?;
    let state = app.engine.put_shadow(candidate).await?;
    let info = &state.policy.info;
    tracing::info!(policy = info.name, digest = info.digest, "shadow loaded");
    Ok(Rendered::json(&shown_shadow(&state, app.engine.now_ms())))
}

async fn unload(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    caller.require_admin(&app.rows())?;
    app.engine.unload_shadow(ids.get("name")).await?;
    tracing::info!(policy = ids.get("name"), "shadow unloaded");
    Ok(Rendered::ok())
}

/// Puts a shadow in force.
async fn promote(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let state = app.engine.promote_shadow(ids.get("name")).await?;
    let info = &state.info;
    tracing::info!(policy = info.name, digest = info.digest, "shadow promoted");
    Ok(Rendered::json(&shown(&state, app.engine.now_ms())))
}
