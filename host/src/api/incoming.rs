//! What integrations send by themselves: to incoming webhooks, and as later answers to commands. The only secret is
//! the id in the address; there is no session.

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use bytes::Bytes;
use causeway_kernel::boundary::input::Actor;
use causeway_kernel::model::{Channel, Component};
use causeway_kernel::rows::id::{ChannelNo, Id};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use serde::Deserialize;

use super::components::require_use;
use super::path::Ids;
use super::posts::PriorityBody;
use super::slash;
use super::written::Written;
use crate::app::{App, SharedApp};
use crate::http::{ApiError, read_limited};
use crate::integrations::Message;
use crate::vault::IncomingHook;

/// Maximum bytes of a body: the longest message and properties fit. Each byte may become a hundred in memory.
const BODY_BYTES_MAX: usize = 256 * 1024;

const FORM: &str = "application/x-www-form-urlencoded";

/// Routes of this file, below the root.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/hooks/{hook_id}", post(to_hook))
        .route("/hooks/commands/{reply_id}", post(later))
}

/// Writes a message in the name of the webhook's owner.
async fn to_hook(
    State(app): State<SharedApp>,
    ids: Ids,
    request: Request,
) -> Result<Response, ApiError> {
    let id = Id::parse(ids.get("hook_id"));
    let hook = id.map(|id| app.vault.integration::<IncomingHook>(id));
    let hook = hook.transpose()?.flatten().ok_or_else(|| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "web.incoming_webhook.invalid.app_error",
            "Invalid webhook: there is none at this address.",
        )
    })?;
    let (headers, body) = read(request).await?;
    let mut message = payload(&headers, &body).ok_or_else(|| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "web.incoming_webhook.parse.app_error",
            "Unable to parse incoming data: send a JSON object, or a form whose field `payload` holds one.",
        )
    })?;
    if message.is_empty() {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "web.incoming_webhook.text.app_error",
            "No text specified: `text` or `attachments` must say something.",
        ));
    }
    let channel = channel_of(&app, &hook, message.channel.as_deref().unwrap_or_default())?;
    let component = Component::Webhook(ids.get("hook_id").to_string());
    require_use(&app, hook.user, channel, component).await?;
    let priority = message.priority.take().map(PriorityBody::deserialize);
    let priority = priority
        .transpose()
        .map_err(|_| ApiError::invalid_body("priority"))?;
    let written = Written {
        author: Actor::User(hook.user),
        channel,
        root: None,
        priority: priority.map(PriorityBody::checked).transpose()?,
    };
    written.write(&app, &message).await?;
    Ok(said_ok())
}

/// Shows a later answer to a command.
async fn later(
    State(app): State<SharedApp>,
    ids: Ids,
    request: Request,
) -> Result<Response, ApiError> {
    let now_ms = app.engine.now_ms();
    let missing = || {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "app.command_webhook.get.missing",
            "Unable to get the webhook: an answer can be sent to it up to 5 times within 30 minutes.",
        )
    };
    let id = Id::parse(ids.get("reply_id")).ok_or_else(missing)?;
    if !app.integrations.replies.is_open(id, now_ms) {
        return Err(missing());
    }
    let (headers, body) = read(request).await?;
    let message = Message::read(&headers, &body).ok_or_else(|| {
        ApiError::new(
            StatusCode::BAD_REQUEST,
            "web.command_webhook.parse.app_error",
            "Unable to parse incoming data: it is no JSON object.",
        )
    })?;
    let reply = app.integrations.replies.take(id, now_ms);
    let reply = reply.ok_or_else(missing)?;
    for message in message.in_order() {
        slash::show(&app, &reply, &message).await?;
    }
    Ok(said_ok())
}

async fn read(request: Request<Body>) -> Result<(HeaderMap, Bytes), ApiError> {
    let (parts, body) = request.into_parts();
    Ok((parts.headers, read_limited(body, BODY_BYTES_MAX).await?))
}

/// The message in a body. Many programs send JSON without saying so, or within a form.
fn payload(headers: &HeaderMap, body: &[u8]) -> Option<Message> {
    let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
    if kind.is_some_and(|kind| kind.starts_with(FORM)) {
        let mut fields = form_urlencoded::parse(body);
        let (_, payload) = fields.find(|(name, _)| name == "payload")?;
        return Message::of_json(payload.as_bytes());
    }
    Message::of_json(body)
}

/// The channel that a payload names, or else the webhook's. Another one must be public: who knows the webhook's address
/// does not learn which private channels exist.
fn channel_of(app: &App, hook: &IncomingHook, name: &str) -> Result<ChannelNo, ApiError> {
    let name = name.trim_start_matches('#');
    if name.is_empty() {
        return Ok(hook.channel);
    }
    let rows = app.rows();
    let is_named = |channel: &ChannelNo| {
        let place = rows.get::<Channel>(channel).map(|row| row.place);
        *channel == hook.channel || place.is_some_and(|place| place.public_in().is_some())
    };
    let channel = lookup::channel_name(&rows, hook.team, name).filter(is_named);
    match channel {
        Some(channel) if channel == hook.channel || !hook.channel_locked => Ok(channel),
        Some(_) => Err(ApiError::new(
            StatusCode::FORBIDDEN,
            "web.incoming_webhook.channel_locked.app_error",
            "This webhook writes in its own channel only.",
        )),
        None => Err(ApiError::new(
            StatusCode::NOT_FOUND,
            "web.incoming_webhook.channel.app_error",
            "Unable to find the channel: give the name of a public one in the webhook's team.",
        )),
    }
}

fn said_ok() -> Response {
    ([(CONTENT_TYPE, "text/plain")], "ok").into_response()
}
