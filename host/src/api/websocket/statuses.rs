//! Requests about statuses over the WebSocket. Client API §9.3.

use causeway_kernel::rows::id::UserNo;
use causeway_views::json::{Viewer, Views};
use causeway_views::query::IDS_MAX;
use serde_json::{Map, Value};

use super::requests::SocketRequest;
use crate::app::App;

/// Users in the answer to `get_statuses`, which names no users.
const LISTED_MAX: usize = 1_000;

/// Carries out a request about statuses; the data of its reply, or `None` if it is about something else.
pub fn answer(app: &App, user: UserNo, request: &SocketRequest) -> Option<Option<Value>> {
    match request.action.as_str() {
        "user_update_active_status" => {
            if request.data.get("user_is_active") == Some(&Value::Bool(true)) {
                app.presence.active(user, app.engine.now_ms());
            } else {
                app.presence.inactive(user);
            }
            Some(None)
        }
        "get_statuses" => Some(Some(Value::Object(all(app, user)))),
        "get_statuses_by_ids" => Some(Some(Value::Object(by_ids(app, &request.data)))),
        _ => None,
    }
}

/// Words by the ids of their users.
type Words = Map<String, Value>;

fn all(app: &App, reader: UserNo) -> Words {
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, reader));
    let present = app.presence.present(LISTED_MAX).into_iter();
    present
        .map(|(user, availability)| (views.user_id(user), availability.word().into()))
        .collect()
}

fn by_ids(app: &App, data: &Value) -> Words {
    let rows = app.rows();
    let ids = data.get("user_ids").and_then(Value::as_array);
    let ids = ids.into_iter().flatten().filter_map(Value::as_str);
    ids.take(IDS_MAX)
        .map(|id| {
            let word = app.status_by_id(&rows, id).availability.word();
            (id.to_string(), word.into())
        })
        .collect()
}
