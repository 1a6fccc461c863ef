//! Custom slash commands: setting them up. Running them: [`slash`](super::slash).

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, put};
use causeway_kernel::rows::id::TeamNo;
use causeway_kernel::rows::lookup;
use causeway_views::json::{Viewer, Views};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::integrations::{
    DESCRIPTION_BYTES_MAX, DISPLAY_NAME_BYTES_MAX, ICON_BYTES_MAX, id_in_path, require_manager,
    require_short,
};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::commands;
use crate::http::{ApiError, Json};
use crate::integrations::is_address;
use crate::vault::{COMMANDS_MAX, NotSaved, Secret, SlashCommand, new_id};

/// Maximum bytes of a trigger, as in the reference.
const TRIGGER_BYTES_MAX: usize = 128;

/// Routes of this file. Lists and creation share a path with the built-in commands.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route(
            "/commands/{command_id}",
            get(by_id).put(update).delete(delete),
        )
        .route("/commands/{command_id}/regen_token", put(regenerate_token))
}

#[derive(Default, Deserialize)]
#[serde(default)]
pub(super) struct CommandBody {
    id: String,
    team_id: String,
    trigger: String,
    method: String,
    username: String,
    icon_url: String,
    auto_complete: bool,
    auto_complete_desc: String,
    auto_complete_hint: String,
    display_name: String,
    description: String,
    url: String,
}

impl CommandBody {
    fn check(&self) -> Result<(), ApiError> {
        let trigger = self.trigger.to_ascii_lowercase();
        let is_word = !trigger.is_empty()
            && trigger.len() <= TRIGGER_BYTES_MAX
            && !trigger.starts_with('/')
            && !trigger.contains(|c: char| c.is_whitespace() || c.is_control());
        if !is_word || commands::is_builtin(&trigger) {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "model.command.is_valid.trigger.app_error",
                "Invalid trigger: one word of at most 128 bytes, without a slash, and none of a built-in \
                 command.",
            ));
        }
        if !is_address(&self.url) {
            return Err(ApiError::new(
                StatusCode::BAD_REQUEST,
                "model.command.is_valid.url_http.app_error",
                "Invalid URL: it must begin with http:// or https://, without user, password and `#`, and have \
                 at most 1024 bytes.",
            ));
        }
        if !["P", "G", ""].contains(&self.method.as_str()) {
            return Err(ApiError::invalid_body("method"));
        }
        for (field, text, bytes_max) in [
            ("display_name", &self.display_name, DISPLAY_NAME_BYTES_MAX),
            ("description", &self.description, DESCRIPTION_BYTES_MAX),
            ("username", &self.username, DISPLAY_NAME_BYTES_MAX),
            ("icon_url", &self.icon_url, ICON_BYTES_MAX),
            (
                "auto_complete_desc",
                &self.auto_complete_desc,
                ICON_BYTES_MAX,
            ),
            (
                "auto_complete_hint",
                &self.auto_complete_hint,
                ICON_BYTES_MAX,
            ),
        ] {
            require_short(field, text, bytes_max)?;
        }
        Ok(())
    }

    fn write_to(self, command: &mut SlashCommand) {
        command.trigger = self.trigger.to_ascii_lowercase();
        command.is_get = self.method == "G";
        command.username = self.username;
        command.icon_url = self.icon_url;
        command.auto_complete = self.auto_complete;
        command.auto_complete_desc = self.auto_complete_desc;
        command.auto_complete_hint = self.auto_complete_hint;
        command.display_name = self.display_name;
        command.description = self.description;
        command.url = self.url;
    }
}

/// The custom commands of a team that its members are offered.
pub(super) fn offered(app: &App, team: TeamNo) -> Result<Vec<SlashCommand>, ApiError> {
    let mut found = app.vault.integrations::<SlashCommand>()?;
    found.retain(|command| command.team == team && command.auto_complete);
    found.sort_by(|a, b| a.trigger.cmp(&b.trigger));
    Ok(found)
}

/// The custom command of a team by its trigger.
pub(super) fn by_trigger(
    app: &App,
    team: TeamNo,
    trigger: &str,
) -> Result<Option<SlashCommand>, ApiError> {
    let found = app.vault.integrations::<SlashCommand>()?;
    let is_it = |command: &SlashCommand| command.team == team && command.trigger == trigger;
    Ok(found.into_iter().find(is_it))
}

/// A command as clients see it. Its token and address are for those who manage it.
pub(super) fn show(app: &App, caller: &Caller, command: &SlashCommand) -> Value {
    let manages = require_manager(app, caller, command.team).is_ok();
    let secret = |text: &str| {
        if manages {
            text.to_string()
        } else {
            String::new()
        }
    };
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    json!({
        "id": command.id.as_str(),
        "token": secret(command.token.expose()),
        "create_at": command.create_at,
        "update_at": command.update_at,
        "delete_at": 0,
        "creator_id": views.user_id(command.creator),
        "team_id": views.team_id(command.team),
        "trigger": command.trigger,
        "method": if command.is_get { "G" } else { "P" },
        "username": command.username,
        "icon_url": command.icon_url,
        "auto_complete": command.auto_complete,
        "auto_complete_desc": command.auto_complete_desc,
        "auto_complete_hint": command.auto_complete_hint,
        "display_name": command.display_name,
        "description": command.description,
        "url": secret(&command.url),
        "plugin_id": "",
    })
}

/// Creates a command.
pub(super) async fn create(app: &App, caller: &Caller, body: CommandBody) -> ApiResult {
    let team = lookup::team(&app.rows(), &body.team_id);
    let team = team.ok_or_else(|| ApiError::invalid_body("team_id"))?;
    require_manager(app, caller, team)?;
    let now_ms = app.engine.now_ms();
    let mut command = SlashCommand {
        id: new_id()?,
        token: Secret::token()?,
        create_at: now_ms,
        update_at: now_ms,
        creator: caller.user,
        team,
        trigger: String::new(),
        is_get: false,
        username: String::new(),
        icon_url: String::new(),
        auto_complete: false,
        auto_complete_desc: String::new(),
        auto_complete_hint: String::new(),
        display_name: String::new(),
        description: String::new(),
        url: String::new(),
    };
    body.check()?;
    body.write_to(&mut command);
    let created = app.vault.create_integration(&command).await?;
    created.map_err(not_saved)?;
    Ok(Rendered::created(show(app, caller, &command).to_string()))
}

fn not_saved(why: NotSaved) -> ApiError {
    let (id, message) = match why {
        NotSaved::TriggerTaken => (
            "api.command.duplicate_trigger.app_error",
            "This trigger is already in use in this team; choose another one.".to_string(),
        ),
        NotSaved::Full => (
            "api.causeway.integrations.too_many.app_error",
            format!("This workspace has {COMMANDS_MAX} custom commands, and can have no more."),
        ),
        NotSaved::Gone => return missing(),
    };
    ApiError::new(StatusCode::BAD_REQUEST, id, message)
}

fn missing() -> ApiError {
    ApiError::not_found("store.sql_command.get.missing.app_error", "custom command")
}

/// The command of the path, which the caller must manage.
fn managed(app: &App, caller: &Caller, ids: &Ids) -> Result<SlashCommand, ApiError> {
    let command = app
        .vault
        .integration::<SlashCommand>(id_in_path(ids, "command_id")?)?;
    command
        .filter(|command| require_manager(app, caller, command.team).is_ok())
        .ok_or_else(missing)
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let command = managed(&app, &caller, &ids)?;
    Ok(Rendered::json(&show(&app, &caller, &command)))
}

async fn update(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<CommandBody>,
) -> ApiResult {
    let command = managed(&app, &caller, &ids)?;
    if body.id != command.id.as_str() {
        return Err(ApiError::invalid_body("id"));
    }
    if lookup::team(&app.rows(), &body.team_id) != Some(command.team) {
        return Err(ApiError::invalid_body("team_id"));
    }
    body.check()?;
    let now_ms = app.engine.now_ms();
    let change = move |command: &mut SlashCommand| {
        command.update_at = now_ms;
        body.write_to(command);
    };
    let changed = app.vault.change_integration(command.id, change).await?;
    let command = changed.map_err(not_saved)?;
    Ok(Rendered::json(&show(&app, &caller, &command)))
}

async fn delete(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let command = managed(&app, &caller, &ids)?;
    app.vault
        .remove_integration::<SlashCommand>(command.id)
        .await?;
    Ok(Rendered::ok())
}

async fn regenerate_token(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let command = managed(&app, &caller, &ids)?;
    let (token, now_ms) = (Secret::token()?, app.engine.now_ms());
    let new = token.clone();
    let change = move |command: &mut SlashCommand| {
        command.token = new;
        command.update_at = now_ms;
    };
    let changed = app.vault.change_integration(command.id, change).await?;
    changed.map_err(not_saved)?;
    Ok(Rendered::json(&json!({ "token": token.expose() })))
}
