//! Changing teams, searching them, and ending memberships. Client API §6.2.

use axum::Router;
use axum::extract::State;
use axum::routing::{post, put};
use causeway_kernel::authority;
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{
    AddTeamMember, ArchiveTeam, Command, PatchTeam, RemoveTeamMember, RestoreTeam, TeamPatch,
};
use causeway_kernel::rows::lookup;
use causeway_views::query::teams;
use serde::Deserialize;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use super::teams::render_teams;
use crate::app::{App, Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Maximum users added to a team by one request; more are refused. Client API §6.2.
const BATCH_MAX: usize = 20;
/// Maximum teams that a search finds.
const SEARCH_MAX: usize = 100;

/// Routes of this file, except for the whole team and its members, whose paths others share.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/teams/search", post(search))
        .route("/teams/{team_id}/patch", put(patch))
        .route("/teams/{team_id}/restore", post(restore))
        .route("/teams/{team_id}/members/batch", post(add_many))
}

/// What may be changed of a team; other keys are ignored.
#[derive(Deserialize)]
pub(super) struct PatchBody {
    id: Option<String>,
    display_name: Option<String>,
    description: Option<String>,
    allow_open_invite: Option<bool>,
}

async fn patch(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PatchBody>,
) -> ApiResult {
    change(&app, &caller, &ids, body).await
}

/// Takes the changes from a whole team.
///
/// # Errors
/// As a patch, and 400 if it is another team.
pub(super) async fn update(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PatchBody>,
) -> ApiResult {
    if body.id.as_deref() != Some(ids.get("team_id")) {
        return Err(ApiError::invalid_body("id"));
    }
    change(&app, &caller, &ids, body).await
}

async fn change(app: &App, caller: &Caller, ids: &Ids, body: PatchBody) -> ApiResult {
    let team = ids.team(&app.rows(), caller)?;
    let patch = TeamPatch {
        display_name: body.display_name,
        description: body.description,
        is_open: body.allow_open_invite,
    };
    let command = Command::PatchTeam(PatchTeam { team, patch });
    let changed = app.act(caller.user, command).await?;
    app.show(caller.user, changed.as_ref()).map(Rendered::new)
}

/// Archives a team.
pub(super) async fn archive(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let team = ids.team(&app.rows(), &caller)?;
    let command = Command::ArchiveTeam(ArchiveTeam { team });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}

async fn restore(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let team = ids.team(&app.rows(), &caller)?;
    let command = Command::RestoreTeam(RestoreTeam { team });
    let restored = app.act(caller.user, command).await?;
    app.show(caller.user, restored.as_ref()).map(Rendered::new)
}

/// Ends a membership: one's own, or another's.
pub(super) async fn remove_member(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
) -> ApiResult {
    let rows = app.rows();
    let team = ids.team(&rows, &caller)?;
    let user = ids.user(&rows, &caller)?;
    drop(rows);
    let command = Command::RemoveTeamMember(RemoveTeamMember { team, user });
    app.act(caller.user, command).await?;
    Ok(Rendered::ok())
}

#[derive(Deserialize)]
struct MemberBody {
    team_id: Option<String>,
    user_id: Option<String>,
}

/// Adds several users; the first who cannot be added ends it.
async fn add_many(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(members): Json<Vec<MemberBody>>,
) -> ApiResult {
    if members.is_empty() || members.len() > BATCH_MAX {
        return Err(ApiError::invalid_body("members"));
    }
    let rows = app.rows();
    let team = ids.team(&rows, &caller)?;
    let mut users = Vec::new();
    for member in members {
        if member.team_id.is_some_and(|id| id != ids.get("team_id")) {
            return Err(ApiError::invalid_body("team_id"));
        }
        let user = lookup::user(&rows, &member.user_id.unwrap_or_default());
        users.push(user.ok_or_else(|| ApiError::invalid_body("user_id"))?);
    }
    drop(rows);
    let mut added = Vec::new();
    for user in users {
        let command = Command::AddTeamMember(AddTeamMember { team, user });
        app.act(caller.user, command).await?;
        added.push(app.show(caller.user, Some(&Object::TeamMember(team, user)))?);
    }
    Ok(Rendered::created(format!("[{}]", added.join(","))))
}

#[derive(Deserialize)]
struct SearchBody {
    term: Option<String>,
    page: Option<usize>,
}

/// Teams whose name or display name contains a term, ignoring ASCII case, that the caller may see.
async fn search(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(body): Json<SearchBody>,
) -> ApiResult {
    let term = body.term.unwrap_or_default().trim().to_ascii_lowercase();
    if term.is_empty() {
        return Err(ApiError::invalid_body("term"));
    }
    let rows = app.rows();
    let mut found = teams::all(&rows);
    found.retain(|(no, team)| {
        let contains = |text: &str| text.to_ascii_lowercase().contains(&term);
        team.delete_at == 0
            && (contains(&team.name) || contains(&team.display_name))
            && authority::may_see_team(&rows, *no, caller.user)
    });
    let total = found.len();
    found.truncate(SEARCH_MAX);
    let list = render_teams(&rows, caller.user, &found)?;
    Ok(Rendered::new(match body.page {
        Some(_) => format!("{{\"teams\":{list},\"total_count\":{total}}}"),
        None => list,
    }))
}
