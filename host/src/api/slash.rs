//! Running slash commands. Client API §6.6, §10.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::boundary::env::Rows;
use causeway_kernel::boundary::input::Actor;
use causeway_kernel::boundary::output::Event;
use causeway_kernel::model::{Channel, Component, Post, Team};
use causeway_kernel::rows::id::{ChannelNo, PostNo, TeamNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{Viewer, Views};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::components::require_use;
use super::custom_commands::{self, CommandBody};
use super::integrations::managed_team;
use super::path::{Ids, Params};
use super::written::Written;
use crate::app::{App, Caller, SharedApp};
use crate::commands;
use crate::commands::arguments;
use crate::http::{ApiError, Json, random_id};
use crate::integrations::{Message, Reply};
use crate::vault::{SlashCommand, new_id};

/// Maximum bytes of a command line; a longer one is refused.
const LINE_BYTES_MAX: usize = 16 * 1024;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/commands/execute", post(execute))
        .route("/commands", get(list).post(create))
        .route("/teams/{team_id}/commands/autocomplete", get(autocomplete))
}

#[derive(Deserialize)]
struct ExecuteBody {
    channel_id: Option<String>,
    command: Option<String>,
    root_id: Option<String>,
}

/// Runs a command.
async fn execute(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<ExecuteBody>,
) -> ApiResult {
    let line = body.command.unwrap_or_default();
    let line = line.trim();
    if line.len() < 2 || !line.starts_with('/') || line.len() > LINE_BYTES_MAX {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.command.execute_command.start.app_error",
            "No command trigger found: a command begins with a slash.",
        ));
    }
    let rows = app.rows();
    let channel = lookup::channel(&rows, &body.channel_id.unwrap_or_default())
        .filter(|channel| authority::is_channel_member(&rows, *channel, caller.user))
        .ok_or_else(ApiError::forbidden)?;
    drop(rows);
    if let Some(text) = commands::run(&app, &caller, channel, line).await {
        app.publish(&Event::Ephemeral(channel, caller.user, text.clone()));
        return Ok(Rendered::json(&response("ephemeral", &text, "")));
    }
    let (trigger, arguments) = arguments::split_trigger(line);
    let place = app.rows().get::<Channel>(&channel).map(|row| row.place);
    let team = place.and_then(|place| place.team());
    let command = team.map(|team| custom_commands::by_trigger(&app, team, &trigger));
    let command = command.transpose()?.flatten().ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "api.command.execute_command.not_found.app_error",
            "There is no such command. To send a message beginning with a slash, put a space \
             before it.",
        )
    })?;
    let root = body.root_id.filter(|id| !id.is_empty());
    let trigger = command.trigger.clone();
    let reply = where_answers_go(&app, &caller, (channel, root), trigger)?;
    custom(&app, &command, &reply, arguments).await
}

/// Where the answers to a command go: the caller must be able to write there.
fn where_answers_go(
    app: &App,
    caller: &Caller,
    (channel, root): (ChannelNo, Option<String>),
    trigger: String,
) -> Result<Reply, ApiError> {
    let rows = app.rows();
    let row = rows
        .get::<Channel>(&channel)
        .ok_or_else(ApiError::forbidden)?;
    authority::require_write(&rows, channel, &row, caller.user)?;
    let root = match root {
        Some(id) => {
            let found = lookup::post(&rows, &id);
            let is_there = |no: &PostNo| {
                rows.get::<Post>(no)
                    .is_some_and(|post| post.channel == channel && post.delete_at == 0)
            };
            let found = found.filter(is_there);
            Some(found.ok_or_else(|| ApiError::invalid_body("root_id"))?)
        }
        None => None,
    };
    Ok(Reply {
        user: caller.user,
        channel,
        root,
        trigger,
    })
}

/// Runs a custom command: asks its integration, and shows what it answers. What goes wrong there is said to who
/// called it, as for a built-in command.
async fn custom(app: &App, command: &SlashCommand, reply: &Reply, arguments: &str) -> ApiResult {
    let answer = match require_to_be_used(app, reply).await {
        Ok(()) => ask(app, command, reply, arguments).await?,
        Err(refused) => Err(refused.message.into_owned()),
    };
    let message = match answer {
        Ok(message) => message,
        Err(why) => return Ok(did_not_work(app, command, reply, &why)),
    };
    let kind = if message.is_for_channel() {
        "in_channel"
    } else {
        "ephemeral"
    };
    let next = message.goto_location.clone().unwrap_or_default();
    let shown = response(kind, &message.plain_text(), &next);
    for message in message.in_order() {
        if let Err(refused) = show(app, reply, &message).await {
            return Ok(did_not_work(app, command, reply, &refused.message));
        }
    }
    Ok(Rendered::json(&shown))
}

/// Requires that the caller of a command may use it where its answers go.
async fn require_to_be_used(app: &App, reply: &Reply) -> Result<(), ApiError> {
    let component = Component::SlashCommand(reply.trigger.clone());
    require_use(app, reply.user, reply.channel, component).await
}

/// Says to who called a command why it did not work.
fn did_not_work(app: &App, command: &SlashCommand, reply: &Reply, why: &str) -> Rendered {
    let text = format!("The command `/{}` did not work: {why}", command.trigger);
    app.publish(&Event::Ephemeral(reply.channel, reply.user, text.clone()));
    Rendered::json(&response("ephemeral", &text, ""))
}

/// What the integration of a command answers; inside, why there is no answer.
async fn ask(
    app: &App,
    command: &SlashCommand,
    reply: &Reply,
    arguments: &str,
) -> Result<Result<Message, String>, ApiError> {
    let reply_id = new_id()?;
    let now_ms = app.engine.now_ms();
    app.integrations
        .replies
        .open(reply_id, reply.clone(), now_ms);
    let mut fields = fields(app, command, reply);
    fields.push(("text", arguments.to_string()));
    let site_url = &app.settings.site_url;
    fields.push((
        "response_url",
        format!("{site_url}/hooks/commands/{reply_id}"),
    ));
    let address = (command.url.as_str(), command.is_get);
    let sent = app
        .integrations
        .send_form(reply.user, address, &command.token, &fields)
        .await;
    if sent.is_err() {
        app.integrations.replies.close(reply_id);
    }
    Ok(match sent {
        Ok(answer) => Message::read(&answer.headers, &answer.body).ok_or_else(|| {
            "its integration answered with something that is no JSON object.".into()
        }),
        Err(why) => Err(format!("of its integration, {why}.")),
    })
}

/// What an integration is told of who calls its command, and where.
fn fields(app: &App, command: &SlashCommand, reply: &Reply) -> Vec<(&'static str, String)> {
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, reply.user));
    let channel = rows.channel(reply.channel);
    let team = rows.get::<Team>(&command.team);
    vec![
        ("channel_id", views.channel_id(reply.channel)),
        (
            "channel_name",
            channel.map(|row| row.name.clone()).unwrap_or_default(),
        ),
        ("command", format!("/{}", command.trigger)),
        (
            "root_id",
            reply
                .root
                .map(|root| views.post_id(root))
                .unwrap_or_default(),
        ),
        (
            "team_domain",
            team.map(|team| team.name).unwrap_or_default(),
        ),
        ("team_id", views.team_id(command.team)),
        ("token", command.token.expose().to_string()),
        ("trigger_id", random_id().to_string()),
        ("user_id", views.user_id(reply.user)),
        ("user_name", views.username(reply.user)),
    ]
}

/// Shows a message of a command's integration: in the channel, or to who called the command.
pub(super) async fn show(app: &App, reply: &Reply, message: &Message) -> Result<(), ApiError> {
    if message.is_empty() {
        return Ok(());
    }
    if !message.is_for_channel() {
        let text = message.plain_text();
        app.publish(&Event::Ephemeral(reply.channel, reply.user, text));
        return Ok(());
    }
    require_to_be_used(app, reply).await?;
    let written = Written {
        author: Actor::User(reply.user),
        channel: reply.channel,
        root: reply.root,
        priority: None,
    };
    written.write(app, message).await
}

/// The answer to a client that runs a command. Its text is sent twice: programs read this one, user interfaces show
/// the event.
fn response(kind: &str, text: &str, next: &str) -> Value {
    json!({
        "response_type": kind,
        "text": text,
        "username": "",
        "channel_id": "",
        "icon_url": "",
        "type": "",
        "props": null,
        "goto_location": next,
        "trigger_id": random_id().as_str(),
        "skip_slack_parsing": false,
        "attachments": null,
        "extra_responses": null,
    })
}

/// The commands that the caller may use in a team; with `custom_only`, all custom ones of a team that they manage.
async fn list(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let team = params.id("team_id")?;
    if params.flag("custom_only") {
        let managed = managed_team(&app, &caller, &params)?;
        let mut commands = app.vault.integrations::<SlashCommand>()?;
        commands.retain(|command| managed.is_none_or(|team| team == command.team));
        let shown = commands
            .iter()
            .map(|command| custom_commands::show(&app, &caller, command));
        return Ok(Rendered::json(&shown.collect()));
    }
    let rows = app.rows();
    let team = team.and_then(|id| lookup::team(&rows, id));
    let team = team.filter(|team| authority::is_team_member(&rows, *team, caller.user));
    drop(rows);
    usable(&app, &caller, team)
}

async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<CommandBody>,
) -> ApiResult {
    custom_commands::create(&app, &caller, body).await
}

async fn autocomplete(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let team = ids.own_team(&app.rows(), &caller)?;
    usable(&app, &caller, Some(team))
}

/// The commands that the caller may use, with the custom ones of a team.
fn usable(app: &App, caller: &Caller, team: Option<TeamNo>) -> ApiResult {
    let mut shown = builtins(app, caller);
    if let Some(team) = team {
        let custom = custom_commands::offered(app, team)?;
        shown.extend(
            custom
                .iter()
                .map(|command| custom_commands::show(app, caller, command)),
        );
    }
    Ok(Rendered::json(&Value::Array(shown)))
}

/// The built-in commands that the caller may use.
fn builtins(app: &App, caller: &Caller) -> Vec<Value> {
    let known = commands::known(&app.rows(), caller.user);
    let commands = known.into_iter().map(|known| {
        let builtin = known.builtin;
        json!({
            "id": "",
            "token": "",
            "create_at": 0,
            "update_at": 0,
            "delete_at": 0,
            "creator_id": "",
            "team_id": "",
            "trigger": builtin.trigger,
            "method": "",
            "username": "",
            "icon_url": "",
            "auto_complete": true,
            "auto_complete_desc": builtin.description,
            "auto_complete_hint": known.hint(),
            "display_name": builtin.trigger,
            "description": "",
            "url": "",
            "plugin_id": "",
        })
    });
    commands.collect()
}
