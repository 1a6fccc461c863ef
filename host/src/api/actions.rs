//! Pressing the buttons of messages. Client API §6.6.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::post;
use causeway_kernel::authority;
use causeway_kernel::boundary::input::Actor;
use causeway_kernel::boundary::output::Event;
use causeway_kernel::command::{Command, EditPost};
use causeway_kernel::gate;
use causeway_kernel::model::{Channel, Component, Post, Team};
use causeway_kernel::rows::id::{PostNo, UserNo};
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{Viewer, Views};
use serde::Deserialize;
use serde_json::json;

use super::answer::{ApiResult, Rendered};
use super::components::require_use;
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, OptionalJson, random_id};
use crate::integrations::{CallFailed, Cookies, Place, Pressed, Target, Updated, beginning, find};

/// Maximum bytes of the option that is chosen in a menu.
const OPTION_BYTES_MAX: usize = 1024;

/// What stands before a text that an integration says to who pressed its button.
const SAID_BY_BUTTON: &str = "The integration of this button says: ";

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new().route("/posts/{post_id}/actions/{action}", post(press))
}

#[derive(Default, Deserialize)]
struct PressBody {
    selected_option: Option<String>,
}

/// Tells the integration behind a button that the caller has pressed it, and shows what it answers.
async fn press(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    OptionalJson(body): OptionalJson<PressBody>,
) -> ApiResult {
    let rows = app.rows();
    let post_no = ids.post(&rows, &caller)?;
    let post = rows
        .get::<Post>(&post_no)
        .filter(|post| post.delete_at == 0);
    let post = post.ok_or_else(|| ApiError::not_found("app.post.get.app_error", "post"))?;
    gate::require_on(&rows, post.channel)?;
    let place = Place {
        channel: post.channel,
        author: post.user,
    };
    // Buttons of other workspaces' people are shown, but only their workspace knows what they call.
    let action = find(&post.props, ids.get("action")).filter(|_| post.origin.is_ours());
    let action = action.ok_or_else(no_action)?;
    // What it answers is written in the author's name.
    let may_change = authority::acting_user(&rows, Actor::User(post.user)).is_ok()
        && authority::is_channel_member(&rows, post.channel, post.user);
    if !may_change {
        return Err(no_action());
    }
    let mut pressed = pressed(&rows, &caller, &post);
    drop(rows);
    let target = action.target(app.integrations.sealer(&app.vault).await?, place);
    let Target { url, context } = target.ok_or_else(no_action)?;
    let component = action.component();
    pressed.kind = action.kind;
    pressed.data_source = action.data_source;
    pressed.context = context.unwrap_or_default();
    if let Some(option) = body.selected_option.filter(|option| !option.is_empty()) {
        if option.len() > OPTION_BYTES_MAX {
            return Err(ApiError::invalid_body("selected_option"));
        }
        pressed
            .context
            .insert("selected_option".into(), option.into());
    }
    require_use(&app, caller.user, post.channel, component.clone()).await?;
    let trigger_id = pressed.trigger_id.clone();
    let answer = app
        .integrations
        .post_json(caller.user, &url, &pressed)
        .await;
    let answer = answer.map_err(|error| match error {
        CallFailed::Busy => ApiError::unavailable(error.to_string()),
        error => failed(&error),
    })?;
    if !answer.body.trim_ascii().is_empty() {
        let mut answer = Updated::of_json(&answer.body)
            .ok_or_else(|| failed(&"its answer is no JSON object of the form that is expected"))?;
        let pressed = (caller.user, component);
        update(&app, pressed, (post_no, &post), &mut answer).await?;
        if let Some(text) = answer.ephemeral_text.filter(|text| !text.is_empty()) {
            // Clients show it as said by the system, which it is not.
            let text = format!("{SAID_BY_BUTTON}{}", beginning(&text));
            app.publish(&Event::Ephemeral(post.channel, caller.user, text));
        }
    }
    Ok(Rendered::json(
        &json!({ "status": "OK", "trigger_id": trigger_id }),
    ))
}

fn pressed<R: Read>(rows: &R, caller: &Caller, post: &Post) -> Pressed {
    let views = Views::new(rows, Viewer::of(rows, caller.user));
    let channel = rows.get::<Channel>(&post.channel);
    let team_no = channel.as_ref().and_then(|channel| channel.place.team());
    let team = team_no.and_then(|team| rows.get::<Team>(&team));
    Pressed {
        user_id: views.user_id(caller.user),
        user_name: views.username(caller.user),
        channel_id: views.channel_id(post.channel),
        channel_name: channel.map(|channel| channel.name).unwrap_or_default(),
        team_id: team_no.map(|team| views.team_id(team)).unwrap_or_default(),
        team_domain: team.map(|team| team.name).unwrap_or_default(),
        post_id: post.id.to_string(),
        trigger_id: random_id().to_string(),
        kind: String::new(),
        data_source: String::new(),
        context: serde_json::Map::new(),
    }
}

/// Changes the message as its integration says, in the name of its author. If that is refused, who pressed is told so,
/// and not what the author would be told.
async fn update(
    app: &App,
    (user, component): (UserNo, Component),
    (post_no, post): (PostNo, &Post),
    answer: &mut Updated,
) -> Result<(), ApiError> {
    let Some((message, props)) = answer.post(&post.props) else {
        return Ok(());
    };
    require_use(app, user, post.channel, component).await?;
    let place = Place {
        channel: post.channel,
        author: post.user,
    };
    let props = match props {
        Some(props) => {
            let props = serde_json::Value::from(props).to_string();
            let sealed = app
                .integrations
                .seal(&app.vault, props, place, Cookies::Dropped);
            Some(sealed.await.map_err(|error| failed(&error.message))?)
        }
        None => None,
    };
    let command = Command::EditPost(EditPost {
        post: post_no,
        message: Some(message),
        props,
        is_pinned: None,
    });
    match app.carry_out(Actor::User(post.user), None, command).await {
        Err(refused) if refused.status.is_client_error() => Err(failed(&refused.message)),
        done => done.map(|_| ()),
    }
}

fn no_action() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "api.post.do_action.action_integration.app_error",
        "This button does nothing here: it has no integration, is disabled, or belongs to another workspace.",
    )
}

fn failed(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::new(
        StatusCode::BAD_GATEWAY,
        "api.post.do_action.action_integration.app_error",
        format!("The integration of this button could not be used: {error}."),
    )
}
