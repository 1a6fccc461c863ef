//! Members of channels, and what they have seen. Client API §6.3.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{AddChannelMember, Command, RemoveChannelMember, ViewChannel};
use causeway_kernel::model::{Channel, ChannelMember};
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, BoundedText, TooLong, Viewer, Views};
use causeway_views::query::{channels, unread};
use serde::Deserialize;
use serde_json::json;

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params, distinct};
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/channels/{channel_id}/members", post(add).get(list))
        .route("/channels/{channel_id}/members/ids", post(by_ids))
        .route(
            "/channels/{channel_id}/members/{user_id}",
            get(by_id).delete(remove),
        )
        .route("/channels/members/{user_id}/view", post(view))
        .route("/users/{user_id}/channels/{channel_id}/unread", get(unread))
        .route(
            "/users/{user_id}/teams/{team_id}/channels/members",
            get(of_user_in_team),
        )
        .route("/users/{user_id}/channel_members", get(of_user))
}

#[derive(Deserialize)]
struct AddBody {
    user_id: Option<String>,
    user_ids: Option<Vec<String>>,
}

async fn add(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<AddBody>,
) -> ApiResult {
    if let Some(user_ids) = body.user_ids {
        let user_ids = distinct(user_ids, "user_ids")?;
        let channel = ids.any_channel(&app.rows(), &caller)?;
        let mut made = Vec::with_capacity(user_ids.len());
        for user_id in &user_ids {
            made.push(add_one(&app, &caller, channel, user_id).await?);
        }
        return Ok(Rendered::created(format!("[{}]", made.join(","))));
    }
    let user_id = body
        .user_id
        .ok_or_else(|| ApiError::invalid_body("user_id"))?;
    let channel = ids.any_channel(&app.rows(), &caller)?;
    add_one(&app, &caller, channel, &user_id)
        .await
        .map(Rendered::created)
}

async fn add_one(
    app: &App,
    caller: &Caller,
    channel: ChannelNo,
    user_id: &str,
) -> Result<String, ApiError> {
    let user = lookup::user(&app.rows(), user_id)
        .ok_or_else(|| ApiError::not_found("app.user.missing_account.const", "user"))?;
    app.act(
        caller.user,
        Command::AddChannelMember(AddChannelMember { channel, user }),
    )
    .await?;
    app.show(caller.user, Some(&Object::ChannelMember(channel, user)))
}

async fn remove(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let channel = ids.any_channel(&rows, &caller)?;
    let user = ids.user(&rows, &caller)?;
    app.act(
        caller.user,
        Command::RemoveChannelMember(RemoveChannelMember { channel, user }),
    )
    .await?;
    Ok(Rendered::ok())
}

async fn list(State(app): State<SharedApp>, caller: Caller, ids: Ids, params: Params) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let found: Vec<_> = channels::members(&rows, channel, params.page())?
        .into_iter()
        .map(|(user, member)| (channel, user, member))
        .collect();
    Ok(Rendered::new(render(&rows, caller.user, &found)?))
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let user = ids.user(&rows, &caller).map_err(|_| missing())?;
    if !rows.has::<ChannelMember>(&(channel, user)) {
        return Err(missing());
    }
    app.show(caller.user, Some(&Object::ChannelMember(channel, user)))
        .map(Rendered::new)
}

fn missing() -> ApiError {
    ApiError::not_found("app.channel.get_member.missing.app_error", "channel member")
}

async fn by_ids(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(user_ids): Json<Vec<String>>,
) -> ApiResult {
    let user_ids = distinct(user_ids, "user_ids")?;
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let users: Vec<UserNo> = user_ids
        .iter()
        .filter_map(|id| lookup::user(&rows, id))
        .collect();
    let keys: Vec<(ChannelNo, UserNo)> = users.iter().map(|user| (channel, *user)).collect();
    let members = rows.get_all::<ChannelMember>(&keys);
    let found: Vec<_> = keys
        .into_iter()
        .zip(members)
        .filter_map(|((channel, user), member)| Some((channel, user, member?)))
        .collect();
    Ok(Rendered::new(render(&rows, caller.user, &found)?))
}

#[derive(Deserialize)]
struct ViewBody {
    channel_id: Option<String>,
}

/// Records that the caller has seen a channel. Without a channel, the window only lost focus.
async fn view(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<ViewBody>,
) -> ApiResult {
    let rows = app.rows();
    if ids.user(&rows, &caller)? != caller.user {
        return Err(ApiError::forbidden());
    }
    let channel_id = body.channel_id.unwrap_or_default();
    let mut times = serde_json::Map::new();
    if !channel_id.is_empty() {
        let channel = lookup::channel(&rows, &channel_id).ok_or_else(ApiError::forbidden)?;
        if !has_seen(&rows, channel, caller.user) {
            app.act(caller.user, Command::ViewChannel(ViewChannel { channel }))
                .await?;
        }
        let member = app.rows().get::<ChannelMember>(&(channel, caller.user));
        let seen = member.map_or(0, |member| member.last_viewed_at);
        times.insert(channel_id, seen.into());
        // The other clients of the caller no longer show it as unread.
        let data = json!({ "channel_times": times });
        app.tell_user(caller.user, "multiple_channels_viewed", &data, ("", ""));
    }
    Ok(Rendered::json(
        &json!({ "status": "OK", "last_viewed_at_times": times }),
    ))
}

/// Whether a user is a member and has seen everything in a channel: viewing it then changes nothing and needs
/// no input.
fn has_seen(rows: &impl Read, channel_no: ChannelNo, user: UserNo) -> bool {
    let member = rows.get::<ChannelMember>(&(channel_no, user));
    let channel = rows.get::<Channel>(&channel_no);
    member.zip(channel).is_some_and(|(member, channel)| {
        member.msg_count == channel.msg_count
            && member.root_msg_count == channel.root_msg_count
            && member.last_viewed_at >= channel.last_post_at
            && unread::mentioned(rows, channel_no, user, &member).count == 0
    })
}

async fn unread(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let channel_no = ids.channel(&rows, &caller)?;
    let channel = rows.get::<Channel>(&channel_no).ok_or_else(missing)?;
    let member = rows
        .get::<ChannelMember>(&(channel_no, user))
        .ok_or_else(missing)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let text = json::text(&views.channel_unread(channel_no, &channel, user, &member));
    Ok(Rendered::new(text))
}

async fn of_user_in_team(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let team = ids.team(&rows, &caller)?;
    let found: Vec<_> = channels::memberships(&rows, user, Some(team))
        .into_iter()
        .map(|(channel, member)| (channel, user, member))
        .collect();
    Ok(Rendered::new(render(&rows, caller.user, &found)?))
}

/// Memberships in all teams. `page=-1` requests all of them, one JSON object per line.
async fn of_user(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> Result<Response, ApiError> {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let found: Vec<_> = channels::memberships(&rows, user, None)
        .into_iter()
        .map(|(channel, member)| (channel, user, member))
        .collect();
    if params.get("page") == "-1" {
        let lines = render_lines(&rows, caller.user, &found)?;
        return Ok((
            StatusCode::OK,
            [(CONTENT_TYPE, "application/x-ndjson")],
            lines,
        )
            .into_response());
    }
    let page = params.page().of(found);
    Ok(Rendered::new(render(&rows, caller.user, &page)?).into_response())
}

type Membership = (ChannelNo, UserNo, ChannelMember);

fn render<R: Read>(rows: &R, viewer: UserNo, found: &[Membership]) -> Result<String, TooLong> {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    json::list(found, |(channel, user, member)| {
        views.channel_member(*channel, *user, member)
    })
}

/// The same with the names of the channels' teams, one JSON object per line.
fn render_lines<R: Read>(
    rows: &R,
    viewer: UserNo,
    found: &[Membership],
) -> Result<String, TooLong> {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    let mut lines = BoundedText::default();
    for (channel, user, member) in found {
        lines.push(&views.channel_member_with_team(*channel, *user, member))?;
        lines.push_str("\n")?;
    }
    Ok(lines.into_string())
}
