//! The configuration, for administrators. Client API §6.6; see `docs/configuration.md`.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use causeway_kernel::rows::counters;
use serde_json::{Map, Value, json};

use super::answer::{ApiResult, Rendered};
use crate::app::{App, Caller, SharedApp};
use crate::config::sharing::{self, Layer, SECTIONS, SETTINGS};
use crate::configuration;
use crate::http::{ApiError, read_limited};

/// Maximum bytes of a change.
const PATCH_BYTES_MAX: usize = 64 << 10;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/config", get(show))
        .route("/config/environment", get(fixed))
        .route("/config/patch", put(patch))
        .route("/config/reload", post(reload))
}

async fn show(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    caller.require_admin(&app.rows())?;
    Ok(Rendered::json(&Value::Object(shown(&app))))
}

/// The sections in the form of the reference, as far as this service has them.
fn shown(app: &App) -> Map<String, Value> {
    let effective = app.configuration.sharing().effective();
    let mut sections = sharing::nested(&SETTINGS, |it| Some(it.value(&effective).into()));
    let workspace = counters::workspace(&app.rows());
    let open = workspace.is_some_and(|it| it.config.open_server);
    let service = json!({
        "SiteURL": app.settings.site_url,
        "ListenAddress": app.settings.listen.to_string(),
    });
    sections.insert("ServiceSettings".to_string(), service);
    let team = json!({ "SiteName": "Causeway", "EnableOpenServer": open });
    sections.insert("TeamSettings".to_string(), team);
    sections
}

/// The settings that cannot be changed here, as the environment or the configuration file sets them.
async fn fixed(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let layers = app.configuration.sharing();
    let fixed = sharing::nested(&SETTINGS, |it| layers.fixed_by(it).map(|_| true.into()));
    Ok(Rendered::json(&Value::Object(fixed)))
}

async fn patch(State(app): State<SharedApp>, caller: Caller, request: Request) -> ApiResult {
    caller.require_admin(&app.rows())?;
    let body = read_limited(request.into_body(), PATCH_BYTES_MAX).await?;
    let sections: Map<String, Value> =
        serde_json::from_slice(&body).map_err(|_| ApiError::invalid_body("config"))?;
    configuration::change(&app, changes(&sections)?).await?;
    Ok(Rendered::json(&Value::Object(shown(&app))))
}

/// The settings that a body changes.
fn changes(sections: &Map<String, Value>) -> Result<Layer, ApiError> {
    let refused = |why: String| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.config.patch_config.invalid.app_error",
            format!("{why}. Nothing was changed."),
        )
    };
    let mut changes = Layer::default();
    for (section, members) in sections {
        if !SECTIONS.contains(&section.as_str()) {
            let known = SECTIONS.join(", ");
            return Err(refused(format!(
                "{section} cannot be changed here; sections that can are {known}"
            )));
        }
        let members = members.as_object();
        let members = members.ok_or_else(|| refused(format!("{section} must be an object")))?;
        let read = changes.read_section(section, members);
        read.map_err(|error| refused(error.to_string()))?;
    }
    Ok(changes)
}

async fn reload(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    caller.require_admin(&app.rows())?;
    configuration::reload(&app).await.map_err(|error| {
        let error = format!("{error:#}");
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.config.reload_config.app_error",
            format!("The settings stay as they were: {error}."),
        )
    })?;
    Ok(Rendered::ok())
}
