//! Items that need an administrator's attention: quarantined bytes, held posts, items that a peer does not
//! have. Not part of Mattermost's API; see `docs/admin-api.md`.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use causeway_engine::Snapshot;
use causeway_kernel::boundary::env::Range;
use causeway_kernel::model::{
    Connection, Exception, FeedObject, File, FileDebt, Held, PictureDebt, QuarantineEntry,
};
use causeway_kernel::rows::id::{ConnectionNo, FileNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::{Read, Record, SCAN_BYTES_MAX};
use causeway_views::json::{Viewer, Views, exception_state, file_state, picture_state};
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params};
use crate::app::{Caller, SharedApp};
use crate::http::ApiError;

/// Maximum rows of a response.
const ROWS_MAX: u32 = 200;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/causeway/quarantine", get(quarantine))
        .route("/causeway/quarantine/{number}", get(quarantined))
        .route("/causeway/held", get(held))
        .route("/causeway/exceptions", get(exceptions))
        .route("/causeway/files", get(files))
        .route("/causeway/pictures", get(pictures))
}

/// Quarantined items, newest first, without their bytes; `before` continues below a number.
async fn quarantine(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let before = params
        .time("before")?
        .and_then(|number| u64::try_from(number).ok());
    let range = Range {
        from: Vec::new(),
        to: before
            .map(|number| key::encode(&number))
            .unwrap_or_default(),
        reverse: true,
        rows_max: ROWS_MAX,
        bytes_max: SCAN_BYTES_MAX,
    };
    let found = rows.rows::<QuarantineEntry>(&range);
    let list = found
        .iter()
        .map(|(number, entry)| entry_shown(&rows, *number, entry))
        .collect();
    Ok(Rendered::json(&Value::Array(list)))
}

/// One quarantined item with its bytes, in base64.
async fn quarantined(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let number: u64 = ids
        .get("number")
        .parse()
        .map_err(|_| ApiError::invalid_url_param("number"))?;
    let entry = rows.get::<QuarantineEntry>(&number).ok_or_else(|| {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "api.causeway.quarantine.not_found.app_error",
            "There is no quarantined item with this number.",
        )
    })?;
    let mut shown = entry_shown(&rows, number, &entry);
    if let Some(object) = shown.as_object_mut() {
        object.insert("bytes".into(), STANDARD.encode(&entry.bytes).into());
    }
    Ok(Rendered::json(&shown))
}

fn entry_shown(rows: &(impl Read + ?Sized), number: u64, entry: &QuarantineEntry) -> Value {
    json!({
        "number": number,
        "connection_id": connection_id(rows, entry.connection),
        "at": entry.at_ms,
        "reason": entry.reason,
        "length": entry.bytes.len(),
    })
}

/// Inbound items that wait, oldest first.
async fn held(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    listed(&app, &caller, &params, held_shown)
}

fn held_shown(seen: &Seen<'_>, (connection, number): &(ConnectionNo, u64), held: &Held) -> Value {
    json!({
        "number": number,
        "connection_id": connection_id(seen.rows, *connection),
        "channel_id": seen.views.channel_id(held.channel),
        "reason": held.reason,
        "attempts": held.attempts,
    })
}

/// Items that a peer does not have although their turn has passed: held, denied, refused, given up.
async fn exceptions(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    listed(&app, &caller, &params, exception_shown)
}

fn exception_shown(
    seen: &Seen<'_>,
    (connection, channel, _, _): &<Exception as Record>::Key,
    exception: &Exception,
) -> Value {
    let (state, attempts) = exception_state(&exception.state);
    let (post, user, emoji) = match &exception.object {
        FeedObject::Post(post) => (Some(*post), None, ""),
        FeedObject::Reaction(post, user, emoji) => (Some(*post), Some(*user), emoji.as_str()),
        FeedObject::Acknowledgement(post, user) => (Some(*post), Some(*user), ""),
        FeedObject::User(user) | FeedObject::Membership(user) | FeedObject::Status(user) => {
            (None, Some(*user), "")
        }
    };
    json!({
        "connection_id": connection_id(seen.rows, *connection),
        "channel_id": seen.views.channel_id(*channel),
        "post_id": post.map(|post| seen.views.post_id(post)),
        "user_id": user.map(|user| seen.views.user_id(user)),
        "emoji_name": emoji,
        "state": state,
        "attempts": attempts,
        "reason": exception.reason,
        "retry_at": exception.retry_at,
    })
}

/// Files that a peer is still to get, or has refused for good.
async fn files(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    listed(&app, &caller, &params, file_shown)
}

fn file_shown(
    seen: &Seen<'_>,
    (connection, no): &(ConnectionNo, FileNo),
    debt: &FileDebt,
) -> Value {
    // A debt goes with its file.
    let file = seen.rows.get::<File>(no);
    let file = file.as_ref();
    let post = file.and_then(|file| file.post);
    json!({
        "connection_id": connection_id(seen.rows, *connection),
        "channel_id": file.map(|file| seen.views.channel_id(file.channel)),
        "post_id": post.map(|post| seen.views.post_id(post)),
        "user_id": file.map(|file| seen.views.user_id(file.user)),
        "file_id": file.map(|file| file.id.as_str()),
        "name": file.map(|file| file.name.as_str()),
        "size": file.map(|file| file.size),
        "state": file_state(debt),
        "attempts": debt.failures,
        "reason": debt.reason,
        "retry_at": debt.retry_at,
    })
}

/// Profile pictures that a peer is still to get, or has refused for good.
async fn pictures(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    listed(&app, &caller, &params, picture_shown)
}

fn picture_shown(
    seen: &Seen<'_>,
    (connection, user): &(ConnectionNo, UserNo),
    debt: &PictureDebt,
) -> Value {
    json!({
        "connection_id": connection_id(seen.rows, *connection),
        "user_id": seen.views.user_id(*user),
        "state": picture_state(debt),
        "attempts": debt.failures,
        "retry_at": debt.retry_at,
    })
}

/// What an administrator sees of a list.
struct Seen<'r> {
    rows: &'r Snapshot,
    views: Views<'r, Snapshot>,
}

/// The rows that a request asks for, as they are shown.
fn listed<R: Record>(
    app: &SharedApp,
    caller: &Caller,
    params: &Params,
    shown: impl Fn(&Seen<'_>, &R::Key, &R) -> Value,
) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let found = of_connection::<R>(&rows, params)?;
    let seen = Seen {
        rows: &rows,
        views: Views::new(&rows, Viewer::of(&rows, caller.user)),
    };
    let list = found.iter().map(|(key, row)| shown(&seen, key, row));
    Ok(Rendered::json(&Value::Array(list.collect())))
}

/// Rows of the connection given by `connection_id` in the query, or of all connections.
fn of_connection<R: Record>(
    rows: &(impl Read + ?Sized),
    params: &Params,
) -> Result<Vec<(R::Key, R)>, ApiError> {
    let (from, to) = match params.get("connection_id") {
        "" => (Vec::new(), Vec::new()),
        id => {
            let connection: ConnectionNo = lookup::connection(rows, id)
                .ok_or_else(|| ApiError::invalid_url_param("connection_id"))?;
            let from = key::encode(&connection);
            let to = key::prefix_end(&from).unwrap_or_default();
            (from, to)
        }
    };
    let range = Range {
        from,
        to,
        reverse: false,
        rows_max: ROWS_MAX,
        bytes_max: SCAN_BYTES_MAX,
    };
    Ok(rows.rows::<R>(&range))
}

fn connection_id(rows: &(impl Read + ?Sized), connection: ConnectionNo) -> String {
    let row = rows.get::<Connection>(&connection);
    row.map(|row| row.remote_id.to_string()).unwrap_or_default()
}
