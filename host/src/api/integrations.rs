//! What setting up webhooks and commands has in common.

use axum::http::StatusCode;
use causeway_kernel::authority;
use causeway_kernel::rows::id::{Id, TeamNo};
use causeway_kernel::rows::lookup;

use super::path::{Ids, Params};
use crate::app::{App, Caller};
use crate::http::ApiError;

/// Maximum bytes of a name for people, as in the reference.
pub(super) const DISPLAY_NAME_BYTES_MAX: usize = 64;
/// Maximum bytes of a description, as in the reference.
pub(super) const DESCRIPTION_BYTES_MAX: usize = 500;
/// Maximum bytes of the address of a picture, as in the reference.
pub(super) const ICON_BYTES_MAX: usize = 1024;

/// Refuses a text that is too long for its field.
pub(super) fn require_short(field: &str, text: &str, bytes_max: usize) -> Result<(), ApiError> {
    if text.len() <= bytes_max {
        return Ok(());
    }
    Err(ApiError::new(
        StatusCode::BAD_REQUEST,
        "api.context.invalid_body_param.app_error",
        format!("Invalid {field}: at most {bytes_max} bytes."),
    ))
}

/// Requires that the caller manages the integrations of a team: its administrators, and those of the system.
pub(super) fn require_manager(app: &App, caller: &Caller, team: TeamNo) -> Result<(), ApiError> {
    if authority::is_team_admin(&app.rows(), team, caller.user) {
        Ok(())
    } else {
        Err(ApiError::forbidden())
    }
}

/// The team of the parameter `team_id` whose integrations the caller manages; `None` for all teams, which system
/// administrators alone may list.
pub(super) fn managed_team(
    app: &App,
    caller: &Caller,
    params: &Params,
) -> Result<Option<TeamNo>, ApiError> {
    let rows = app.rows();
    let Some(id) = params.id("team_id")? else {
        caller.require_admin(&rows)?;
        return Ok(None);
    };
    let team = lookup::team(&rows, id).ok_or_else(ApiError::forbidden)?;
    drop(rows);
    require_manager(app, caller, team)?;
    Ok(Some(team))
}

/// The id of an integration in the path.
pub(super) fn id_in_path(ids: &Ids, name: &str) -> Result<Id, ApiError> {
    Id::parse(ids.get(name)).ok_or_else(|| ApiError::invalid_url_param(name))
}
