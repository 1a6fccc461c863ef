//! Teams and their members.

use super::{LIST_ROWS_MAX, Page, Walk, existing};
use causeway_kernel::model::{Team, TeamMember, UserTeam};
use causeway_kernel::rows::id::{TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

/// A team by id, archived ones included.
pub fn by_id(rows: &(impl Read + ?Sized), id: &str) -> Option<(TeamNo, Team)> {
    let team = lookup::team(rows, id)?;
    Some((team, rows.get::<Team>(&team)?))
}

/// A team by URL name, archived ones included.
pub fn by_name(rows: &(impl Read + ?Sized), name: &str) -> Option<(TeamNo, Team)> {
    let team = lookup::team_name(rows, &name.to_ascii_lowercase())?;
    Some((team, rows.get::<Team>(&team)?))
}

/// Every team, by display name, at most [`LIST_ROWS_MAX`]; the caller leaves out what its user may
/// not see and takes its page.
pub fn all(rows: &(impl Read + ?Sized)) -> Vec<(TeamNo, Team)> {
    sorted(Walk::all(Table::Teams).records::<Team>(rows, LIST_ROWS_MAX))
}

/// Teams that a user is in, by display name; archived ones are left out.
pub fn of_user(rows: &(impl Read + ?Sized), user: UserNo) -> Vec<(TeamNo, Team)> {
    let numbers: Vec<TeamNo> = memberships(rows, user)
        .into_iter()
        .map(|(team, _)| team)
        .collect();
    let mut teams = existing::<Team, _>(rows, &numbers);
    teams.retain(|(_, team)| team.delete_at == 0);
    sorted(teams)
}

/// A user's memberships in teams.
pub fn memberships(rows: &(impl Read + ?Sized), user: UserNo) -> Vec<(TeamNo, TeamMember)> {
    let teams: Vec<TeamNo> = Walk::prefix(Table::UserTeams, &user)
        .records::<UserTeam>(rows, LIST_ROWS_MAX)
        .into_iter()
        .map(|((_, team), _)| team)
        .collect();
    let keys: Vec<(TeamNo, UserNo)> = teams.iter().map(|team| (*team, user)).collect();
    let found = rows.get_all::<TeamMember>(&keys);
    let pairs = teams.into_iter().zip(found);
    pairs
        .filter_map(|(team, member)| Some((team, member?)))
        .filter(|(_, member)| member.delete_at == 0)
        .collect()
}

/// A page of a team's members, in the order of their accounts. Who left is left out.
pub fn members(rows: &(impl Read + ?Sized), team: TeamNo, page: Page) -> Vec<(UserNo, TeamMember)> {
    let all = Walk::prefix(Table::TeamMembers, &team).records::<TeamMember>(rows, LIST_ROWS_MAX);
    let live = all.into_iter().filter(|(_, member)| member.delete_at == 0);
    page.of(live.map(|((_, user), member)| (user, member)).collect())
}

/// How many members a team has.
pub fn member_count(rows: &(impl Read + ?Sized), team: TeamNo) -> u64 {
    let all = Walk::prefix(Table::TeamMembers, &team).records::<TeamMember>(rows, LIST_ROWS_MAX);
    all.iter()
        .filter(|(_, member)| member.delete_at == 0)
        .count() as u64
}

fn sorted(mut teams: Vec<(TeamNo, Team)>) -> Vec<(TeamNo, Team)> {
    teams.sort_by(|a, b| (&a.1.display_name, a.0).cmp(&(&b.1.display_name, b.0)));
    teams
}
