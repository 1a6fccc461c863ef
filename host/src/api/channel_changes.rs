//! Changing channels, and the roles and settings of their members. Client API §6.3.

use std::collections::BTreeMap;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::put;
use causeway_kernel::command::{
    ChannelPatch, Command, ConvertChannel, PatchChannel, PersonalChange, SetChannelRoles,
    SetPersonal,
};
use causeway_kernel::model::{ChannelKind, ChannelMember, PersonalKind};
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{Viewer, Views};
use causeway_views::query::notifications::{self, NotifyProps};
use serde::Deserialize;
use serde_json::Value;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json};

/// The role of every member, and that of an admin.
const ROLES: [&str; 2] = ["channel_user", "channel_admin"];

/// Routes of this file, except for the whole channel, whose path others share.
pub fn routes() -> Router<SharedApp> {
    let member = "/channels/{channel_id}/members/{user_id}";
    Router::new()
        .route("/channels/{channel_id}/patch", put(patch))
        .route("/channels/{channel_id}/privacy", put(set_privacy))
        .route(&format!("{member}/roles"), put(set_roles))
        .route(&format!("{member}/schemeRoles"), put(set_scheme_roles))
        .route(&format!("{member}/notify_props"), put(set_notify_props))
}

/// What may be changed of a channel; other keys are ignored.
#[derive(Deserialize)]
pub(super) struct PatchBody {
    id: Option<String>,
    name: Option<String>,
    display_name: Option<String>,
    header: Option<String>,
    purpose: Option<String>,
}

async fn patch(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PatchBody>,
) -> ApiResult {
    change(&app, &caller, &ids, body).await
}

/// Takes the changes from a whole channel.
///
/// # Errors
/// As a patch, and 400 if it is another channel.
pub(super) async fn update(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PatchBody>,
) -> ApiResult {
    if body.id.as_deref() != Some(ids.get("channel_id")) {
        return Err(ApiError::invalid_body("id"));
    }
    change(&app, &caller, &ids, body).await
}

async fn change(app: &App, caller: &Caller, ids: &Ids, body: PatchBody) -> ApiResult {
    let channel = ids.any_channel(&app.rows(), caller)?;
    let patch = ChannelPatch {
        name: body.name.map(|name| name.trim().to_ascii_lowercase()),
        display_name: body.display_name,
        header: body.header,
        purpose: body.purpose,
    };
    let command = Command::PatchChannel(PatchChannel { channel, patch });
    let changed = app.act(caller.user, command).await?;
    app.show(caller.user, changed.as_ref()).map(Rendered::new)
}

#[derive(Deserialize)]
struct PrivacyBody {
    privacy: Option<String>,
}

async fn set_privacy(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PrivacyBody>,
) -> ApiResult {
    let kind = ChannelKind::from_letter(&body.privacy.unwrap_or_default());
    let kind = kind.ok_or_else(|| ApiError::invalid_body("privacy"))?;
    let channel = ids.any_channel(&app.rows(), &caller)?;
    let command = Command::ConvertChannel(ConvertChannel { channel, kind });
    let changed = app.act(caller.user, command).await?;
    app.show(caller.user, changed.as_ref()).map(Rendered::new)
}

#[derive(Deserialize)]
struct RolesBody {
    roles: Option<String>,
}

async fn set_roles(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<RolesBody>,
) -> ApiResult {
    let roles = body.roles.unwrap_or_default();
    let mut named = roles.split_ascii_whitespace();
    if !named.all(|role| ROLES.contains(&role)) {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.channel.update_channel_member_roles.unset_user_scheme.app_error",
            "The roles of a channel are channel_user and channel_admin.",
        ));
    }
    let is_admin = roles
        .split_ascii_whitespace()
        .any(|role| role == "channel_admin");
    set_admin(&app, &caller, &ids, is_admin).await
}

#[derive(Deserialize)]
struct SchemeRolesBody {
    scheme_admin: Option<bool>,
}

async fn set_scheme_roles(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<SchemeRolesBody>,
) -> ApiResult {
    let is_admin = body
        .scheme_admin
        .ok_or_else(|| ApiError::invalid_body("scheme_admin"))?;
    set_admin(&app, &caller, &ids, is_admin).await
}

async fn set_admin(app: &App, caller: &Caller, ids: &Ids, is_admin: bool) -> ApiResult {
    let rows = app.rows();
    let channel = ids.any_channel(&rows, caller)?;
    let user = ids.user(&rows, caller)?;
    drop(rows);
    let command = SetChannelRoles {
        channel,
        user,
        is_admin,
    };
    app.act(caller.user, Command::SetChannelRoles(command))
        .await?;
    Ok(Rendered::ok())
}

/// Changes one's own settings of a channel. Values that are not texts, such as the ids that clients repeat, are
/// ignored, and so are settings that do not exist.
async fn set_notify_props(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<BTreeMap<String, Value>>,
) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let user = ids.caller_alone(&rows, &caller)?;
    if !rows.has::<ChannelMember>(&(channel, user)) {
        return Err(ApiError::not_found(
            "app.channel.get_member.missing.app_error",
            "channel member",
        ));
    }
    let texts = body.into_iter().filter_map(|(name, value)| match value {
        Value::String(text) => Some((name, text)),
        _ => None,
    });
    let change: NotifyProps = texts.collect();
    let channel_id = Views::new(&rows, Viewer::System).channel_id(channel);
    let value = notifications::changed_of_channel(&rows, user, &channel_id, change);
    drop(rows);
    let change = PersonalChange {
        name: channel_id,
        value: Some(value),
    };
    let command = SetPersonal {
        kind: PersonalKind::ChannelNotifications,
        changes: vec![change],
    };
    app.act(user, Command::SetPersonal(command)).await?;
    Ok(Rendered::ok())
}
