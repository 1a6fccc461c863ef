//! Numbers about the workspace and its accounts, mostly for the system console. Client API §15.

use axum::Router;
use axum::extract::State;
use axum::routing::get;
use causeway_kernel::model::User;
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::lookup;
use causeway_views::json::{Viewer, Views};
use causeway_views::query::users::Order;
use causeway_views::query::{PER_PAGE_MAX, bots, channels, teams, users};
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::path::Params;
use crate::app::{App, Caller, SharedApp};
use crate::http::ApiError;

/// A day in ms.
const DAY_MS: i64 = 24 * 60 * 60 * 1000;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/analytics/old", get(analytics))
        .route("/limits/server", get(limits))
        .route("/users/stats", get(total))
        .route("/users/stats/filtered", get(filtered))
        .route("/reports/users", get(report))
        .route("/reports/users/count", get(report_length))
}

/// Figures by name. Other sets of figures than the standard one are empty. Who is active is known from the service's
/// last start on.
async fn analytics(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    if !["", "standard"].contains(&params.get("name")) {
        return Ok(Rendered::array(&[]));
    }
    let team = match params.id("team_id")? {
        None => None,
        Some(id) => Some(
            lookup::team(&rows, id)
                .ok_or_else(|| ApiError::not_found("app.team.get.find.app_error", "team"))?,
        ),
    };
    let channels = channels::counts(&rows, team);
    let people = match team {
        Some(team) => teams::member_count(&rows, team),
        None => users::count_where(&rows, |_, user| is_ours(user) && user.delete_at == 0),
    };
    let inactive = users::count_where(&rows, |_, user| is_ours(user) && user.delete_at != 0);
    let now_ms = app.engine.now_ms();
    let active_for = |days| {
        users::count_where(&rows, |no, user| {
            is_ours(user) && app.presence.of(no).last_activity_at >= now_ms - days * DAY_MS
        })
    };
    let figures: [(&str, u64); 9] = [
        ("channel_open_count", channels.public),
        ("channel_private_count", channels.private),
        ("post_count", channels.posts),
        ("unique_user_count", people),
        ("team_count", teams::live_count(&rows)),
        ("total_websocket_connections", app.hub.lines() as u64),
        ("daily_active_users", active_for(1)),
        ("monthly_active_users", active_for(30)),
        ("inactive_user_count", inactive),
    ];
    // The reference's databases and its guests of one channel: there are none here.
    let none = [
        "total_master_db_connections",
        "total_read_db_connections",
        "single_channel_guest_count",
    ];
    let none = none.map(|name| (name, 0));
    let list = figures.into_iter().chain(none);
    let list: Vec<Value> = list
        .map(|(name, value)| json!({ "name": name, "value": value }))
        .collect();
    Ok(Rendered::json(&Value::Array(list)))
}

/// Limits on accounts and history that a licence would set: 0, none.
async fn limits(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    let rows = app.rows();
    // As in the reference, only administrators are told how many accounts there are.
    let active = match caller.require_admin(&rows) {
        Ok(()) => users::count_where(&rows, |_, user| is_ours(user) && user.delete_at == 0),
        Err(_) => 0,
    };
    Ok(Rendered::json(&json!({
        "maxUsersLimit": 0,
        "maxUsersHardLimit": 0,
        "activeUserCount": active,
        "singleChannelGuestCount": 0,
        "singleChannelGuestLimit": 0,
        "postHistoryLimit": 0,
        "lastAccessiblePostTime": 0,
    })))
}

async fn total(State(app): State<SharedApp>, _: Caller) -> ApiResult {
    Ok(counted(users::count(&app.rows())))
}

/// Accounts of the workspace by whether they are bots, deactivated, from elsewhere, and by system role.
async fn filtered(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let asked: Vec<&str> = params
        .get("roles")
        .split(',')
        .filter(|it| !it.is_empty())
        .collect();
    let (deleted, remote) = (
        params.flag("include_deleted"),
        params.flag("include_remote_users"),
    );
    let with_bots = params.flag("include_bots");
    Ok(counted(users::count_where(&rows, |no, user| {
        let holds = |role: &&str| user.roles.split(' ').any(|it| it == *role);
        (deleted || user.delete_at == 0)
            && (remote || is_ours(user))
            && (with_bots || bots::by_no(&rows, no).is_none())
            && (asked.is_empty() || asked.iter().any(holds))
    })))
}

fn counted(count: u64) -> Rendered {
    Rendered::json(&json!({ "total_users_count": count }))
}

fn is_ours(user: &User) -> bool {
    user.origin.is_ours()
}

/// A page of the accounts, by user name, with what the console shows of each.
async fn report(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    if !["", "Username"].contains(&params.get("sort_column")) {
        return Err(ApiError::invalid_url_param("sort_column"));
    }
    let descends = params.get("sort_direction") == "desc";
    let goes_back = params.get("direction") == "prev";
    let order = if descends == goes_back {
        Order::Rising
    } else {
        Order::Falling
    };
    let size = params
        .number("page_size")
        .unwrap_or(PER_PAGE_MAX)
        .min(PER_PAGE_MAX);
    let after = Some(params.get("from_column_value")).filter(|it| !it.is_empty());
    let mut found = users::by_name_after(&rows, after, order, size as usize, |user| {
        reported(&params, user)
    });
    if goes_back {
        found.reverse();
    }
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let list: Result<Vec<Value>, ApiError> = found
        .iter()
        .map(|(no, user)| {
            let shown = serde_json::to_value(views.user(*no, user));
            let mut shown = shown.map_err(|_| ApiError::internal())?;
            if let Some(shown) = shown.as_object_mut() {
                let count = channels::numbers_of_user(&rows, *no).len();
                shown.insert("channel_count".to_string(), count.into());
                let seen = last_status_at(&app, *no);
                shown.extend(seen.map(|at| ("last_status_at".to_string(), at.into())));
            }
            Ok(shown)
        })
        .collect();
    Ok(Rendered::json(&Value::Array(list?)))
}

async fn report_length(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let count = users::count_where(&rows, |_, user| reported(&params, user));
    Ok(Rendered::json(&count.into()))
}

/// Whether a report with these parameters has an account.
fn reported(params: &Params, user: &User) -> bool {
    let role = params.get("role_filter");
    let term = params.get("search_term").to_lowercase();
    let names = [
        &user.username,
        &user.nickname,
        &user.first_name,
        &user.last_name,
        &user.email,
    ];
    let hides = if user.delete_at == 0 {
        "hide_active"
    } else {
        "hide_inactive"
    };
    !params.flag(hides)
        && (role.is_empty() || user.roles.split(' ').any(|it| it == role))
        && names
            .iter()
            .any(|name| name.to_lowercase().starts_with(&term))
}

fn last_status_at(app: &App, user: UserNo) -> Option<i64> {
    Some(app.presence.of(user).last_activity_at).filter(|at| *at != 0)
}
