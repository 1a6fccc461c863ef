//! Roles, what they grant, and who has them. Client API §13.

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post, put};
use causeway_kernel::boundary::output::Object;
use causeway_kernel::command::{Command, PatchRole, SetRoles, SetTeamRoles};
use causeway_kernel::model::{Permission, Role};
use causeway_kernel::rows::tx::Read;
use causeway_views::json::{self, Viewer, Views};
use serde::Deserialize;

use super::answer::{ApiResult, Rendered};
use super::path::Ids;
use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Json};

/// Maximum number of names in one request.
const NAMES_MAX: usize = 100;
/// Maximum bytes of a name of a role or permission.
const NAME_BYTES_MAX: usize = 64;
/// Maximum permissions in a patch; clients send all that a role has.
const PERMISSIONS_MAX: usize = 1_000;

/// Routes of this file.
pub fn routes() -> Router<SharedApp> {
    Router::new()
        .route("/roles", get(list))
        .route("/roles/names", post(by_names))
        .route("/roles/name/{name}", get(by_name))
        .route("/roles/{role_id}", get(by_id))
        .route("/roles/{role_id}/patch", put(patch))
        .route("/users/{user_id}/roles", put(set_of_user))
        .route("/teams/{team_id}/members/{user_id}/roles", put(set_in_team))
        .route(
            "/teams/{team_id}/members/{user_id}/schemeRoles",
            put(set_scheme_in_team),
        )
}

fn render(rows: &(impl Read + ?Sized), caller: &Caller, found: &[Role]) -> ApiResult {
    let views = Views::new(rows, Viewer::of(rows, caller.user));
    let list = json::list(found, |role| views.role(*role))?;
    Ok(Rendered::new(list))
}

async fn list(State(app): State<SharedApp>, caller: Caller) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    render(&rows, &caller, Role::ALL)
}

/// Names without a role are left out.
async fn by_names(
    State(app): State<SharedApp>,
    caller: Caller,
    Json(mut names): Json<Vec<String>>,
) -> ApiResult {
    names.sort();
    names.dedup();
    if names.is_empty() {
        return Err(ApiError::invalid_body("rolenames"));
    }
    if names.len() > NAMES_MAX {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.roles.get_multiple_by_name_too_many.request_error",
            format!("At most {NAMES_MAX} roles can be asked for by name at once."),
        ));
    }
    if !names.iter().all(|name| is_name(name)) {
        return Err(ApiError::invalid_body("rolename"));
    }
    let found = names.iter().filter_map(|name| Role::by_name(name));
    let found: Vec<Role> = found.collect();
    render(&app.rows(), &caller, &found)
}

fn is_name(name: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_';
    !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.bytes().all(fits)
}

async fn by_name(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let role = Role::by_name(ids.get("name"))
        .ok_or_else(|| ApiError::not_found("app.role.get_by_name.app_error", "role"))?;
    app.show(caller.user, Some(&Object::Role(role)))
        .map(Rendered::new)
}

async fn by_id(State(app): State<SharedApp>, caller: Caller, ids: Ids) -> ApiResult {
    let role = of_path(&ids)?;
    app.show(caller.user, Some(&Object::Role(role)))
        .map(Rendered::new)
}

/// The role of `{role_id}`.
fn of_path(ids: &Ids) -> Result<Role, ApiError> {
    let id = ids.get("role_id");
    let mut all = Role::ALL.iter().copied();
    all.find(|role| role.id().as_str() == id)
        .ok_or_else(|| ApiError::not_found("app.role.get.app_error", "role"))
}

#[derive(Deserialize)]
struct PatchBody {
    permissions: Option<Vec<String>>,
}

/// Gives a role the permissions of the body. Those that cannot be granted have to be the ones that it has already.
async fn patch(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<PatchBody>,
) -> ApiResult {
    let rows = app.rows();
    let role = of_path(&ids)?;
    caller.require_admin(&rows)?;
    let wanted = body.permissions.filter(|it| it.len() <= PERMISSIONS_MAX);
    let wanted = wanted.ok_or_else(|| ApiError::invalid_body("permissions"))?;
    let has = json::permissions(&rows, role);
    let is_fixed = |name: &&str| Permission::by_name(name).is_none();
    let added = wanted.iter().map(String::as_str);
    let added = added.filter(is_fixed).find(|name| !has.contains(name));
    let mut taken = has.iter().copied().filter(is_fixed);
    let taken = taken.find(|name| !wanted.iter().any(|it| it == name));
    if let Some(name) = added.or(taken) {
        return Err(not_grantable(name));
    }
    let permissions = wanted
        .iter()
        .filter_map(|name| Permission::by_name(name))
        .collect();
    let command = PatchRole { role, permissions };
    app.act(caller.user, Command::PatchRole(command)).await?;
    app.show(caller.user, Some(&Object::Role(role)))
        .map(Rendered::new)
}

fn not_grantable(name: &str) -> ApiError {
    let shown: String = name
        .chars()
        .filter(|it| it.is_ascii_alphanumeric() || *it == '_')
        .take(NAME_BYTES_MAX)
        .collect();
    let grantable: Vec<&str> = Permission::ALL.iter().map(|it| it.name()).collect();
    ApiError::new(
        StatusCode::NOT_IMPLEMENTED,
        "api.roles.patch_roles.not_allowed_permission.error",
        format!(
            "The permission `{shown}` cannot be granted or taken. These can: {}.",
            grantable.join(", ")
        ),
    )
}

#[derive(Deserialize)]
struct RolesBody {
    roles: Option<String>,
}

impl RolesBody {
    /// The roles that are named, at most as many as there are.
    fn parse(self, field: &str) -> Result<Vec<Role>, ApiError> {
        let names = self.roles.ok_or_else(|| ApiError::invalid_body(field))?;
        let mut roles = Vec::new();
        for name in names.split_whitespace() {
            if !is_name(name) {
                return Err(ApiError::invalid_body(field));
            }
            let role = Role::by_name(name).ok_or_else(|| unknown(name))?;
            if !roles.contains(&role) {
                roles.push(role);
            }
        }
        Ok(roles)
    }
}

/// `name` consists of small letters, digits and `_`.
fn unknown(name: &str) -> ApiError {
    let known: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    ApiError::new(
        StatusCode::BAD_REQUEST,
        "app.role.check_roles_exist.role_not_found",
        format!(
            "There is no role `{name}`. These exist: {}.",
            known.join(", ")
        ),
    )
}

async fn set_of_user(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<RolesBody>,
) -> ApiResult {
    let rows = app.rows();
    caller.require_admin(&rows)?;
    let roles = body.parse("roles")?;
    let user = ids.user(&rows, &caller)?;
    let command = SetRoles { user, roles };
    app.act(caller.user, Command::SetRoles(command)).await?;
    Ok(Rendered::ok())
}

/// Gives a member of a team all roles of the body: `team_user`, perhaps `team_admin`, and further ones.
async fn set_in_team(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<RolesBody>,
) -> ApiResult {
    let mut roles = body.parse("team_member_roles")?;
    let mut take = |role: Role| {
        let had = roles.contains(&role);
        roles.retain(|it| *it != role);
        had
    };
    let (is_user, is_admin) = (take(Role::TeamUser), take(Role::TeamAdmin));
    require_user(is_user)?;
    change_in_team(&app, &caller, &ids, (is_admin, Some(roles))).await
}

#[derive(Deserialize)]
struct SchemeRolesBody {
    #[serde(default)]
    scheme_admin: bool,
    #[serde(default)]
    scheme_user: bool,
    #[serde(default)]
    scheme_guest: bool,
}

async fn set_scheme_in_team(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    Json(body): Json<SchemeRolesBody>,
) -> ApiResult {
    if body.scheme_guest {
        return Err(ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.channel.update_team_member_roles.changing_guest_role.app_error",
            "There are no guests here.",
        ));
    }
    require_user(body.scheme_user)?;
    change_in_team(&app, &caller, &ids, (body.scheme_admin, None)).await
}

fn require_user(is_user: bool) -> Result<(), ApiError> {
    if is_user {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        "api.team.update_team_member_roles.unset_user_scheme.app_error",
        "Every member of a team has the role `team_user`.",
    ))
}

async fn change_in_team(
    app: &SharedApp,
    caller: &Caller,
    ids: &Ids,
    (is_admin, roles): (bool, Option<Vec<Role>>),
) -> ApiResult {
    let rows = app.rows();
    let team = ids.team(&rows, caller)?;
    let user = ids.user(&rows, caller)?;
    let command = SetTeamRoles {
        team,
        user,
        is_admin,
        roles,
    };
    app.act(caller.user, Command::SetTeamRoles(command)).await?;
    Ok(Rendered::ok())
}
