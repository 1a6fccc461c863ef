//! Teams and their members. Client API §6.2.

use axum::Router;
use axum::extract::State;
use axum::routing::{get, post};
use causeway_kernel::authority;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{AddTeamMember, Command, CreateTeam};
use causeway_kernel::model::{Team, TeamMember};
use causeway_kernel::rows::id::{TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, TooLong, Viewer, Views};
use causeway_views::query::{teams, unread};
use serde::Deserialize;

use super::answer::{ApiResult, Rendered};
use super::path::{Ids, Params, distinct};
use super::team_changes;
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/teams", post(create).get(list))
        .route(
            "/teams/{team_id}",
            get(by_id)
                .put(team_changes::update)
                .delete(team_changes::archive),
        )
        .route("/teams/name/{name}", get(by_name))
        .route("/teams/name/{name}/exists", get(exists))
        .route("/teams/{team_id}/members", post(add_member).get(members))
        .route("/teams/{team_id}/members/ids", post(members_by_ids))
        .route(
            "/teams/{team_id}/members/{user_id}",
            get(member).delete(team_changes::remove_member),
        )
        .route("/teams/{team_id}/stats", get(stats))
        .route("/users/{user_id}/teams", get(of_user))
        .route("/users/{user_id}/teams/members", get(memberships))
        .route("/users/{user_id}/teams/unread", get(unread))
        .route(
            "/users/{user_id}/teams/{team_id}/unread",
            get(unread_in_team),
        )
}

#[derive(Deserialize)]
struct CreateBody {
    name: Option<String>,
    display_name: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
    description: Option<String>,
    allow_open_invite: Option<bool>,
}

async fn create(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<CreateBody>,
) -> ApiResult {
    let name = body.name.unwrap_or_default().trim().to_ascii_lowercase();
    let kind = body.kind.unwrap_or_default();
    if !["O", "I"].contains(&kind.as_str()) {
        return Err(ApiError::invalid_body("type"));
    }
    let display_name = body.display_name.unwrap_or_default();
    let command = CreateTeam {
        name,
        display_name,
        description: body.description.unwrap_or_default(),
        is_open: kind == "O" || body.allow_open_invite.unwrap_or(false),
    };
    let made = app.act(caller.user, Command::CreateTeam(command)).await?;
    app.show(caller.user, made.as_ref()).map(Rendered::created)
}

async fn list(State(app): State<SharedApp>, caller: Caller, params: Params) -> ApiResult {
    let rows = app.rows();
    let mut all = teams::all(&rows);
    all.retain(|(team_no, team)| {
        team.delete_at == 0 && authority::may_see_team(&rows, *team_no, caller.user)
    });
    let total = all.len();
    let list = render_teams(&rows, caller.user, &params.page().of(all))?;
    if params.flag("include_total_count") {
        return Ok(Rendered::new(format!(
            "{{\"teams\":{list},\"total_count\":{total}}}"
        )));
    }
    Ok(Rendered::new(list))
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let team = ids.team(&app.rows(), &caller)?;
    app.show(caller.user, Some(&Object::Team(team)))
        .map(Rendered::new)
}

async fn by_name(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    // A team that the caller may not see is reported like one that does not exist.
    let team = teams::by_name(&rows, ids.get("name"))
        .filter(|(team, _)| authority::may_see_team(&rows, *team, caller.user))
        .ok_or_else(|| ApiError::not_found("app.team.get_by_name.missing.app_error", "team"))?;
    app.show(caller.user, Some(&Object::Team(team.0)))
        .map(Rendered::new)
}

async fn exists(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let exists = teams::by_name(&rows, ids.get("name"))
        .is_some_and(|(team, _)| authority::may_see_team(&rows, team, caller.user));
    Ok(Rendered::new(format!("{{\"exists\":{exists}}}")))
}

#[derive(Deserialize)]
struct AddMemberBody {
    team_id: Option<String>,
    user_id: Option<String>,
}

async fn add_member(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<AddMemberBody>,
) -> ApiResult {
    let user_id = body
        .user_id
        .ok_or_else(|| ApiError::invalid_body("user_id"))?;
    if body.team_id.is_some_and(|id| id != ids.get("team_id")) {
        return Err(ApiError::invalid_body("team_id"));
    }
    let rows = app.rows();
    let team = ids.team(&rows, &caller)?;
    let user = lookup::user(&rows, &user_id);
    let user = user.ok_or_else(|| ApiError::not_found("app.user.missing_account.const", "user"))?;
    app.act(
        caller.user,
        Command::AddTeamMember(AddTeamMember { team, user }),
    )
    .await?;
    app.show(caller.user, Some(&Object::TeamMember(team, user)))
        .map(Rendered::created)
}

async fn members(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let found: Vec<(TeamNo, UserNo, TeamMember)> = teams::members(&rows, team, params.page())?
        .into_iter()
        .map(|(user, member)| (team, user, member))
        .collect();
    render_members(&rows, caller.user, &found)
}

async fn members_by_ids(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(user_ids): Json<Vec<String>>,
) -> ApiResult {
    let user_ids = distinct(user_ids, "user_ids")?;
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let found: Vec<(TeamNo, UserNo, TeamMember)> = user_ids
        .iter()
        .filter_map(|id| {
            let user = lookup::user(&rows, id)?;
            let member = rows.get::<TeamMember>(&(team, user))?;
            (member.delete_at == 0).then_some((team, user, member))
        })
        .collect();
    render_members(&rows, caller.user, &found)
}

async fn member(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let missing = || ApiError::not_found("app.team.get_member.missing.app_error", "team member");
    let user = ids.user(&rows, &caller).map_err(|_| missing())?;
    if !authority::is_team_member(&rows, team, user) {
        return Err(missing());
    }
    app.show(caller.user, Some(&Object::TeamMember(team, user)))
        .map(Rendered::new)
}

async fn stats(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let team = ids.own_team(&rows, &caller)?;
    let count = teams::member_count(&rows, team);
    Ok(Rendered::json(&serde_json::json!({
        "team_id": ids.get("team_id"),
        "total_member_count": count,
        "active_member_count": count,
    })))
}

async fn of_user(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let found = teams::of_user(&rows, user);
    Ok(Rendered::new(render_teams(&rows, caller.user, &found)?))
}

async fn memberships(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let found: Vec<(TeamNo, UserNo, TeamMember)> = teams::memberships(&rows, user)
        .into_iter()
        .map(|(team, member)| (team, user, member))
        .collect();
    render_members(&rows, caller.user, &found)
}

async fn unread(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let found = unread::of_teams(&rows, user);
    let list = json::list(&found, |(team, unread)| views.team_unread(*team, *unread))?;
    Ok(Rendered::new(list))
}

async fn unread_in_team(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let rows = app.rows();
    let user = ids.own_user(&rows, &caller)?;
    let team = ids.own_team(&rows, &caller)?;
    let views = Views::new(&rows, Viewer::of(&rows, caller.user));
    let mut found = unread::of_teams(&rows, user).into_iter();
    let unread = found.find(|(of, _)| *of == team);
    let unread = unread.map(|(_, unread)| unread).unwrap_or_default();
    Ok(Rendered::new(json::text(&views.team_unread(team, unread))))
}

/// Teams as their reader sees them.
///
/// # Errors
/// When the list is too long.
pub(super) fn render_teams<R: Read>(
    rows: &R,
    viewer: UserNo,
    found: &[(TeamNo, Team)],
) -> Result<String, TooLong> {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    json::list(found, |(_, team)| views.team(team))
}

fn render_members<R: Read>(
    rows: &R,
    viewer: UserNo,
    found: &[(TeamNo, UserNo, TeamMember)],
) -> ApiResult {
    let views = Views::new(rows, Viewer::of(rows, viewer));
    let list = json::list(found, |(team, user, member)| {
        views.team_member(*team, *user, member)
    })?;
    Ok(Rendered::new(list))
}
