//! Preferences of clients: each user's own, by category and name. Client API §6.6.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use causeway_kernel::command::{Command, PersonalChange, SetPersonal};
use causeway_kernel::model::PersonalKind;
use causeway_kernel::rows::id::UserNo;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::preferences::{self, Preference};
use serde::Deserialize;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Maximum bytes of a category, and of a name; more are refused.
const NAME_BYTES_MAX: usize = 32;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/users/{user_id}/preferences", get(all).put(set))
        .route("/users/{user_id}/preferences/delete", post(delete))
        .route("/users/{user_id}/preferences/{category}", get(of_category))
        .route(
            "/users/{user_id}/preferences/{category}/name/{name}",
            get(one),
        )
}

#[derive(Deserialize)]
struct Item {
    user_id: Option<String>,
    #[serde(default)]
    category: String,
    #[serde(default)]
    name: String,
    #[serde(default)]
    value: String,
}

fn render(app: &App, user: UserNo, found: &[Preference]) -> ApiResult {
    let rows = app.rows();
    let views = Views::new(&rows, Viewer::of(&rows, user));
    let list = json::list(found, |item| views.preference(user, item))?;
    Ok(Rendered::new(list))
}

async fn all(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let user = ids.caller_alone(&app.rows(), &caller)?;
    let found = preferences::of_user(&app.rows(), user);
    render(&app, user, &found)
}

async fn of_category(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let user = ids.caller_alone(&app.rows(), &caller)?;
    let mut found = preferences::of_user(&app.rows(), user);
    found.retain(|item| item.category == ids.get("category"));
    if found.is_empty() {
        return Err(missing());
    }
    render(&app, user, &found)
}

async fn one(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let user = ids.caller_alone(&app.rows(), &caller)?;
    let rows = app.rows();
    let found = preferences::stored_name(ids.get("category"), ids.get("name"))
        .and_then(|name| preferences::by_name(&rows, user, &name))
        .ok_or_else(missing)?;
    let views = Views::new(&rows, Viewer::of(&rows, user));
    Ok(Rendered::new(json::text(&views.preference(user, &found))))
}

fn missing() -> ApiError {
    ApiError::new(
        StatusCode::NOT_FOUND,
        "api.preference.preferences_category.get.app_error",
        "There is no such preference.",
    )
}

async fn set(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(items): Json<Vec<Item>>,
) -> ApiResult {
    change(&app, &caller, &ids, items, Some).await
}

async fn delete(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(items): Json<Vec<Item>>,
) -> ApiResult {
    change(&app, &caller, &ids, items, |_| None).await
}

async fn change(
    app: &App,
    caller: &Caller,
    ids: &Ids,
    items: Vec<Item>,
    value: impl Fn(String) -> Option<String>,
) -> ApiResult {
    let user = ids.caller_alone(&app.rows(), caller)?;
    let user_id = Views::new(&app.rows(), Viewer::System).user_id(user);
    let mut changes = Vec::new();
    for item in items {
        if item.user_id.as_ref() != Some(&user_id) {
            return Err(ApiError::new(
                StatusCode::FORBIDDEN,
                "api.preference.update_preferences.set.app_error",
                "A preference names another user.",
            ));
        }
        changes.push(PersonalChange {
            name: name_of(&item)?,
            value: value(item.value),
        });
    }
    let kind = PersonalKind::Preference;
    let command = Command::SetPersonal(SetPersonal { kind, changes });
    app.act(user, command).await?;
    Ok(Rendered::ok())
}

fn name_of(item: &Item) -> Result<String, ApiError> {
    let invalid = |id: &'static str| {
        let text = "A preference needs a short category without `/`, and a short name.";
        ApiError::new(StatusCode::BAD_REQUEST, id, text)
    };
    if item.name.len() > NAME_BYTES_MAX {
        return Err(invalid("model.preference.is_valid.name.app_error"));
    }
    preferences::stored_name(&item.category, &item.name)
        .filter(|_| item.category.len() <= NAME_BYTES_MAX)
        .ok_or_else(|| invalid("model.preference.is_valid.category.app_error"))
}
