//! Direct and group channels. Client API §6.3.

use axum::Router;
use axum::extract::State;
use axum::routing::post;
use causeway_kernel::authority;
use causeway_kernel::command::{Command, OpenDirectChannel, OpenGroupChannel};
use causeway_kernel::model::{Channel, Place, User};
use causeway_kernel::rows::id::{ChannelNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, BoundedText, Viewer, Views};
use causeway_views::query::{IDS_MAX, channels};

use super::answer::{ApiResult, Rendered};
use super::path::distinct;
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/channels/direct", post(open_direct))
        .route("/channels/group", post(open_group))
        .route("/users/group_channels", post(people_of_groups))
}

async fn open_direct(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(user_ids): Json<Vec<String>>,
) -> ApiResult {
    let users = users_of(&app.rows(), &user_ids)?;
    let [one, other] = users[..] else {
        return Err(ApiError::invalid_body("user_ids"));
    };
    let with = match (one == caller.user, other == caller.user) {
        (true, _) => other,
        (false, true) => one,
        (false, false) => return Err(ApiError::forbidden()),
    };
    let command = Command::OpenDirectChannel(OpenDirectChannel { with });
    let opened = app.act(caller.user, command).await?;
    app.show(caller.user, opened.as_ref())
        .map(Rendered::created)
}

async fn open_group(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(user_ids): Json<Vec<String>>,
) -> ApiResult {
    let with = users_of(&app.rows(), &user_ids)?;
    let command = Command::OpenGroupChannel(OpenGroupChannel { with });
    let opened = app.act(caller.user, command).await?;
    app.show(caller.user, opened.as_ref())
        .map(Rendered::created)
}

/// The users with the ids of a body, in its order.
fn users_of(rows: &impl Read, user_ids: &[String]) -> Result<Vec<UserNo>, ApiError> {
    let unknown = || ApiError::invalid_body("user_ids");
    if user_ids.len() > IDS_MAX {
        return Err(unknown());
    }
    let users = user_ids.iter().map(|id| lookup::user(rows, id));
    users.collect::<Option<Vec<UserNo>>>().ok_or_else(unknown)
}

/// The members of the caller's group channels, by channel id; other channels are left out.
async fn people_of_groups(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(channel_ids): Json<Vec<String>>,
) -> ApiResult {
    let channel_ids = distinct(channel_ids, "channel_ids")?;
    let rows = app.rows();
    let is_own_group = |no: &ChannelNo| {
        let channel = rows.get::<Channel>(no);
        channel.is_some_and(|channel| channel.place == Place::Group)
            && authority::is_channel_member(&rows, *no, caller.user)
    };
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let mut text = BoundedText::default();
    let mut separator = "{";
    for id in &channel_ids {
        let Some(no) = lookup::channel(&rows, id).filter(is_own_group) else {
            continue;
        };
        text.push_str(separator)?;
        separator = ",";
        text.push(id)?;
        text.push_str(":")?;
        let members = channels::all_members(&rows, no).into_iter();
        let members: Vec<(UserNo, User)> = members
            .filter_map(|user| Some((user, rows.get::<User>(&user)?)))
            .collect();
        let list = json::list(&members, |(no, user)| views.user(*no, user))?;
        text.push_str(&list)?;
    }
    text.push_str(if separator == "{" { "{}" } else { "}" })?;
    Ok(Rendered::new(text.into_string()))
}
