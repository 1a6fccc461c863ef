//! Channels. Client API §6.3.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{ArchiveChannel, Command, CreateChannel, RestoreChannel};
use causeway_kernel::model::{Channel, ChannelKind};
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, TooLong, Viewer, Views};
use causeway_views::query::{channels, posts, teams};
use serde::Deserialize;

use super::answer::{ApiResult, Rendered};
use super::channel_changes;
use super::path::{Ids, Params};
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Maximum channels returned by a search or an autocompletion.
const SEARCH_MAX: usize = 100;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/channels", post(create).get(all))
        .route(
            "/channels/{channel_id}",
            get(by_id).put(channel_changes::update).delete(archive),
        )
        .route("/channels/{channel_id}/restore", post(restore))
        .route("/channels/{channel_id}/stats", get(stats))
        .route("/channels/{channel_id}/pinned", get(pinned))
        .route("/teams/{team_id}/channels", get(of_team))
        .route("/teams/{team_id}/channels/search", post(search))
        .route("/teams/{team_id}/channels/autocomplete", get(autocomplete))
        .route("/teams/{team_id}/channels/name/{name}", get(by_name))
        .route("/teams/name/{team}/channels/name/{name}", get(by_names))
        .route("/users/{user_id}/channels", get(of_user))
        .route(
            "/users/{user_id}/teams/{team_id}/channels",
            get(of_user_in_team),
        )
}

#[derive(Deserialize)]
struct CreateBody {
    team_id: Option<String>,
    name: Option<String>,
    display_name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    header: Option<String>,
    purpose: Option<String>,
}

async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<CreateBody>,
) -> ApiResult {
    let letter = body.kind.unwrap_or_default();
    if ["D", "G"].contains(&letter.as_str()) {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.channel.create_channel.direct_channel.app_error",
            "Direct and group channels cannot be created here.",
        ));
    }
    let kind = ChannelKind::from_letter(&letter).ok_or_else(|| ApiError::invalid_body("type"))?;
    let team_id = body.team_id.unwrap_or_default();
    let rows = app.rows();
    let team = lookup::team(&rows, &team_id).ok_or_else(|| ApiError::invalid_body("team_id"))?;
    let command = CreateChannel {
        team,
        name: body.name.unwrap_or_default().trim().to_ascii_lowercase(),
        display_name: body.display_name.unwrap_or_default(),
        header: body.header.unwrap_or_default(),
        purpose: body.purpose.unwrap_or_default(),
        kind,
    };
    let made = app
        .act(caller.user, Command::CreateChannel(command))
        .await?;
    app.show(caller.user, made.as_ref()).map(Rendered::created)
}

async fn all(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let found = channels::all(&rows, params.page())?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let list = json::list(&found, |(_, channel)| views.channel_with_team(channel))?;
    if params.flag("include_total_count") {
        let counts = channels::counts(&rows, None);
        let total = counts.public + counts.private + counts.archived;
        return Ok(with_total(&list, total));
    }
    Ok(Rendered::new(list))
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let channel = ids.channel(&app.rows(), &caller)?;
    app.show(caller.user, Some(&Object::Channel(channel)))
        .map(Rendered::new)
}

/// Archives the channel.
async fn archive(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let channel = ids.channel(&app.rows(), &caller)?;
    let command = Command::ArchiveChannel(ArchiveChannel { channel });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}

async fn restore(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let channel = ids.channel(&app.rows(), &caller)?;
    let command = Command::RestoreChannel(RestoreChannel { channel });
    app.act(caller.user, command).await?;
    app.show(caller.user, Some(&Object::Channel(channel)))
        .map(Rendered::new)
}

async fn by_name(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let team = lookup::team(&rows, ids.get("team_id"));
    let channel = find_by_name(&rows, &caller, team, &ids, &params)?;
    app.show(caller.user, Some(&Object::Channel(channel)))
        .map(Rendered::new)
}

async fn by_names(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let team = teams::by_name(&rows, ids.get("team")).map(|(team, _)| team);
    let channel = find_by_name(&rows, &caller, team, &ids, &params)?;
    app.show(caller.user, Some(&Object::Channel(channel)))
        .map(Rendered::new)
}

/// A channel by name. A hidden one is reported like one that does not exist, so that names of private
/// channels cannot be probed.
fn find_by_name(
    rows: &(impl Read + ?Sized),
    caller: &Caller,
    team: Option<TeamNo>,
    ids: &Ids,
    params: &Params,
) -> Result<ChannelNo, ApiError> {
    team.and_then(|team| channels::by_name(rows, team, ids.get("name")))
        .filter(|(_, channel)| channel.delete_at == 0 || params.flag("include_deleted"))
        .filter(|(channel_no, _)| authority::may_read_channel(rows, *channel_no, caller.user))
        .map(|(channel_no, _)| channel_no)
        .ok_or_else(|| ApiError::not_found("app.channel.get_by_name.missing.app_error", "channel"))
}

async fn of_team(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let found = channels::public(&rows, team, params.page());
    render_all(&rows, caller.user, &found)
}

async fn of_user(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let found = channels::of_user(&rows, user, None, params.flag("include_deleted"));
    render_all(&rows, caller.user, &found)
}

async fn of_user_in_team(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let team = ids.team(&rows, &caller)?;
    let found = channels::of_user(&rows, user, Some(team), params.flag("include_deleted"));
    Ok(render_all(&rows, caller.user, &found)?.unless_known(&headers))
}

#[derive(Deserialize)]
struct SearchBody {
    term: Option<String>,
}

async fn search(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<SearchBody>,
) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let term = body.term.unwrap_or_default();
    let found = channels::search(&rows, team, caller.user, &term, SEARCH_MAX);
    render_all(&rows, caller.user, &found)
}

async fn autocomplete(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let found = channels::search(&rows, team, caller.user, params.get("name"), SEARCH_MAX);
    render_all(&rows, caller.user, &found)
}

async fn stats(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let with_files = !params.flag("exclude_files_count");
    let stats = views.channel_stats(channel, with_files);
    Ok(Rendered::new(json::text(&stats)))
}

async fn pinned(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let channel = ids.channel(&rows, &caller)?;
    let list = posts::pinned(&rows, channel);
    // There is no next page to ask for.
    if list.cut {
        return Err(TooLong.into());
    }
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    Ok(Rendered::new(json::bounded(&views.post_list(&list))?))
}

/// A page of channels, JSON already, and how many there are on all pages.
pub(super) fn with_total(channels: &str, total: u64) -> Rendered {
    Rendered::new(format!(
        "{{\"channels\":{channels},\"total_count\":{total}}}"
    ))
}

/// Channels as their reader sees them.
///
/// # Errors
/// When the list is too long.
pub(super) fn render_all<R: Read>(
    rows: &R,
    viewer: UserNo,
    found: &[(ChannelNo, Channel)],
) -> ApiResult {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    let list = json::list(found, |(_, channel)| views.channel(channel))?;
    Ok(Rendered::new(list))
}
