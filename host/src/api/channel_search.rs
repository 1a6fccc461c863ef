//! Finding channels beyond one team's public ones, and their sizes. Client API §6.3, §15.

use std::collections::BTreeSet;

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::model::{Channel, SharedChannel};
use causeway_kernel::rows::id::{ChannelNo, TeamNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use causeway_views::query::{IDS_MAX, Page, channels, users};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{ApiResult, Rendered};
use super::channels::{render_all, with_total};
use super::path::{Ids, Params, distinct};
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Maximum channels returned by a search without pages.
const SEARCH_MAX: usize = 100;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/channels/search", post(everywhere))
        .route("/channels/group/search", post(groups))
        .route("/channels/stats/member_count", post(member_counts))
        .route("/teams/{team_id}/channels/search_autocomplete", get(own))
        .route("/teams/{team_id}/channels/deleted", get(archived))
}

#[derive(Deserialize)]
struct SearchBody {
    term: Option<String>,
    team_ids: Option<Vec<String>>,
    include_deleted: Option<bool>,
    page: Option<u32>,
    per_page: Option<u32>,
}

/// Channels of several teams: for the console all of them, for others those that they may see.
async fn everywhere(
    State(app): State<SharedApp>,
    caller: Caller,
    params: Params,
    Json(body): Json<SearchBody>,
) -> ApiResult {
    let rows = app.rows();
    // Unless the client says otherwise, it asks for the console.
    let for_console = params.get("system_console") != "false";
    if for_console {
        caller.require_admin(&rows)?;
    }
    let team_ids = body.team_ids.unwrap_or_default();
    if team_ids.len() > IDS_MAX {
        return Err(ApiError::invalid_body("team_ids"));
    }
    let teams: BTreeSet<TeamNo> = team_ids
        .iter()
        .filter_map(|id| lookup::team(&rows, id))
        .collect();
    let deleted = body.include_deleted.unwrap_or(false) || params.flag("include_deleted");
    let ours_only = params.flag("exclude_remote");
    let term = body.term.unwrap_or_default();
    let mut found = channels::matching(&rows, &term, |no, channel| {
        let team = channel.place.team();
        team.is_some_and(|team| team_ids.is_empty() || teams.contains(&team))
            && (deleted || channel.delete_at == 0)
            && !(ours_only && rows.get::<SharedChannel>(&no).is_some_and(|it| !it.home))
            && (for_console || authority::may_read_channel(&rows, no, caller.user))
    });
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let Some(per_page) = body.per_page else {
        found.truncate(SEARCH_MAX);
        let list = json::list(&found, |(_, channel)| views.channel_with_team(channel))?;
        return Ok(Rendered::new(list));
    };
    let total = found.len();
    let page = Page::new(body.page.unwrap_or(0), per_page).of(found);
    let list = json::list(&page, |(_, channel)| views.channel_with_team(channel))?;
    Ok(with_total(&list, total as u64))
}

#[derive(Deserialize)]
struct TermBody {
    term: Option<String>,
}

/// The caller's group channels with a member whose name begins with a text.
async fn groups(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<TermBody>,
) -> ApiResult {
    let rows = app.rows();
    let term = body.term.unwrap_or_default().trim().to_lowercase();
    let mut found = channels::of_user(&rows, caller.user, None, false);
    found.retain(|(no, channel)| {
        channel.place.letter() == "G" && has_member_named(&rows, *no, &term)
    });
    found.truncate(SEARCH_MAX);
    render_all(&rows, caller.user, &found)
}

fn has_member_named(rows: &(impl Read + ?Sized), channel: ChannelNo, term: &str) -> bool {
    channels::all_members(rows, channel).into_iter().any(|no| {
        users::by_no(rows, no).is_some_and(|(_, user)| {
            let names = [
                &user.username,
                &user.nickname,
                &user.first_name,
                &user.last_name,
            ];
            names
                .iter()
                .any(|name| name.to_lowercase().starts_with(term))
        })
    })
}

/// How many members channels have; those that the caller may not read are left out, and the last ones if there are
/// very many members.
async fn member_counts(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(ids): Json<Vec<String>>,
) -> ApiResult {
    let ids = distinct(ids, "channel_ids")?;
    let rows = app.rows();
    let known = ids.iter().filter_map(|id| lookup::channel(&rows, id));
    let readable = known.filter(|no| authority::may_read_channel(&rows, *no, caller.user));
    let readable: Vec<ChannelNo> = readable.collect();
    let counts = channels::member_counts(&rows, &readable);
    let counts = counts.into_iter().filter_map(|(no, count)| {
        let id = rows.get::<Channel>(&no)?.id;
        Some((id.to_string(), json!(count)))
    });
    Ok(Rendered::json(&Value::Object(counts.collect())))
}

/// The caller's channels in a team whose name begins with a text, direct and group channels included: what a
/// search of messages can be limited to.
async fn own(State(app): State<SharedApp>, caller: Caller, ids: Ids, params: Params) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let term = params.get("name").trim().to_lowercase();
    let mut found = channels::of_user(&rows, caller.user, Some(team), false);
    found.retain(|(_, channel)| {
        let names = [&channel.name, &channel.display_name];
        names
            .iter()
            .any(|name| name.to_lowercase().starts_with(&term))
    });
    found.truncate(SEARCH_MAX);
    render_all(&rows, caller.user, &found)
}

/// A page of a team's archived channels: public ones, and private ones that the caller is in.
async fn archived(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let mut found = channels::of_team(&rows, team);
    found.retain(|(no, channel)| {
        channel.delete_at != 0 && authority::may_read_channel(&rows, *no, caller.user)
    });
    render_all(&rows, caller.user, &params.page().of(found))
}
