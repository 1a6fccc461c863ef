//! Incoming webhooks: setting them up. What is sent to them: [`incoming`](super::incoming).

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use causeway_kernel::authority;
use causeway_kernel::model::Channel;
use causeway_kernel::rows::id::{ChannelNo, TeamNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{Viewer, Views};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::integrations::{
    DESCRIPTION_BYTES_MAX, DISPLAY_NAME_BYTES_MAX, ICON_BYTES_MAX, id_in_path, managed_team,
    require_manager, require_short,
};
use super::path::{Ids, Params};
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json};
use crate::vault::{HOOKS_MAX, IncomingHook, NotSaved, new_id};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/hooks/incoming", get(list).post(create))
        .route(
            "/hooks/incoming/{hook_id}",
            get(by_id).put(update).delete(delete),
        )
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct HookBody {
    id: String,
    channel_id: String,
    channel_locked: bool,
    display_name: String,
    description: String,
    username: String,
    icon_url: String,
}

impl HookBody {
    /// Its channel, in which the caller may set up webhooks.
    fn channel(&self, app: &App, caller: &Caller) -> Result<(ChannelNo, TeamNo), ApiError> {
        let rows = app.rows();
        let channel = lookup::channel(&rows, &self.channel_id)
            .filter(|channel| authority::may_read_channel(&rows, *channel, caller.user))
            .ok_or_else(ApiError::forbidden)?;
        let place = rows.get::<Channel>(&channel).map(|row| row.place);
        let team = place.and_then(|place| place.team());
        let team = team.ok_or_else(|| ApiError::invalid_body("channel_id"))?;
        require_manager(app, caller, team)?;
        Ok((channel, team))
    }

    fn check(&self) -> Result<(), ApiError> {
        for (field, text, bytes_max) in [
            ("display_name", &self.display_name, DISPLAY_NAME_BYTES_MAX),
            ("description", &self.description, DESCRIPTION_BYTES_MAX),
            ("username", &self.username, DISPLAY_NAME_BYTES_MAX),
            ("icon_url", &self.icon_url, ICON_BYTES_MAX),
        ] {
            require_short(field, text, bytes_max)?;
        }
        Ok(())
    }

    fn write_to(self, hook: &mut IncomingHook) {
        hook.channel_locked = self.channel_locked;
        hook.display_name = self.display_name;
        hook.description = self.description;
        hook.username = self.username;
        hook.icon_url = self.icon_url;
    }
}

fn show(app: &App, caller: &Caller, hook: &IncomingHook) -> Value {
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    json!({
        "id": hook.id.as_str(),
        "create_at": hook.create_at,
        "update_at": hook.update_at,
        "delete_at": 0,
        "user_id": views.user_id(hook.user),
        "channel_id": views.channel_id(hook.channel),
        "team_id": views.team_id(hook.team),
        "display_name": hook.display_name,
        "description": hook.description,
        "username": hook.username,
        "icon_url": hook.icon_url,
        "channel_locked": hook.channel_locked,
    })
}

/// Whether the caller manages a webhook: its owner, as long as they manage the team's, and system administrators.
/// Whoever knows its id writes in its owner's name, so other administrators of the team do not learn it.
fn manages(app: &App, caller: &Caller, hook: &IncomingHook) -> bool {
    let rows = app.rows();
    authority::is_system_admin(&rows, caller.user)
        || (hook.user == caller.user && authority::is_team_admin(&rows, hook.team, caller.user))
}

/// The webhook of the path, which the caller must manage. Others are reported like those that do not exist.
fn managed(app: &App, caller: &Caller, ids: &Ids) -> Result<IncomingHook, ApiError> {
    let id = id_in_path(ids, "hook_id")?;
    let hook = app.vault.integration::<IncomingHook>(id)?;
    hook.filter(|hook| manages(app, caller, hook))
        .ok_or_else(missing)
}

fn missing() -> ApiError {
    ApiError::not_found("app.webhooks.get_incoming.app_error", "incoming webhook")
}

async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<HookBody>,
) -> ApiResult {
    let (channel, team) = body.channel(&app, &caller)?;
    let now_ms = app.engine.now_ms();
    let mut hook = IncomingHook {
        id: new_id()?,
        create_at: now_ms,
        update_at: now_ms,
        user: caller.user,
        team,
        channel,
        channel_locked: false,
        display_name: String::new(),
        description: String::new(),
        username: String::new(),
        icon_url: String::new(),
    };
    body.check()?;
    body.write_to(&mut hook);
    let created = app.vault.create_integration(&hook).await?;
    created.map_err(not_saved)?;
    Ok(Rendered::created(show(&app, &caller, &hook).to_string()))
}

fn not_saved(why: NotSaved) -> ApiError {
    match why {
        NotSaved::Full => ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.causeway.integrations.too_many.app_error",
            format!("This workspace has {HOOKS_MAX} incoming webhooks, and can have no more."),
        ),
        NotSaved::Gone | NotSaved::TriggerTaken => missing(),
    }
}

async fn list(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let team = managed_team(&app, &caller, &params)?;
    let mut hooks = app.vault.integrations::<IncomingHook>()?;
    hooks.retain(|hook| team.is_none_or(|team| team == hook.team) && manages(&app, &caller, hook));
    let count = hooks.len();
    let shown = params.page().of(hooks);
    let shown: Vec<Value> = shown.iter().map(|hook| show(&app, &caller, hook)).collect();
    if params.flag("include_total_count") {
        let all = json!({ "incoming_webhooks": shown, "total_count": count });
        return Ok(Rendered::json(&all));
    }
    Ok(Rendered::json(&Value::Array(shown)))
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let hook = managed(&app, &caller, &ids)?;
    Ok(Rendered::json(&show(&app, &caller, &hook)))
}

async fn update(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<HookBody>,
) -> ApiResult {
    let hook = managed(&app, &caller, &ids)?;
    if body.id != hook.id.as_str() {
        return Err(ApiError::invalid_body("id"));
    }
    let (channel, team) = body.channel(&app, &caller)?;
    if team != hook.team {
        return Err(ApiError::invalid_body("channel_id"));
    }
    body.check()?;
    let now_ms = app.engine.now_ms();
    let change = move |hook: &mut IncomingHook| {
        hook.channel = channel;
        hook.update_at = now_ms;
        body.write_to(hook);
    };
    let changed = app.vault.change_integration(hook.id, change).await?;
    let hook = changed.map_err(not_saved)?;
    Ok(Rendered::json(&show(&app, &caller, &hook)))
}

async fn delete(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let hook = managed(&app, &caller, &ids)?;
    app.vault
        .remove_integration::<IncomingHook>(hook.id)
        .await?;
    Ok(Rendered::ok())
}
