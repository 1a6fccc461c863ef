//! Teams and their members.

use std::ops::ControlFlow;

use super::{COUNT_ROWS_MAX, LIST_ROWS_MAX, OFFSET_ROWS_MAX, Page, TooDeep, Walk, existing};
use causeway_kernel::model::{Team, TeamMember, UserTeam};
use causeway_kernel::rows::id::{TeamNo, UserNo};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};
use causeway_kernel::rows::{key, lookup};

/// A team by id, including archived ones.
pub fn by_id(rows: &(impl Read + ?Sized), id: &str) -> Option<(TeamNo, Team)> {
    let team = lookup::team(rows, id)?;
    Some((team, rows.get::<Team>(&team)?))
}

/// A team by URL name, including archived ones.
pub fn by_name(rows: &(impl Read + ?Sized), name: &str) -> Option<(TeamNo, Team)> {
    let team = lookup::team_name(rows, &name.to_ascii_lowercase())?;
    Some((team, rows.get::<Team>(&team)?))
}

/// Every team, by display name, at most [`LIST_ROWS_MAX`]; the caller removes those that its user may not see
/// and takes its page.
pub fn all(rows: &(impl Read + ?Sized)) -> Vec<(TeamNo, Team)> {
    sorted(Walk::all(Table::Teams).records::<Team>(rows, LIST_ROWS_MAX))
}

/// Teams of a user, by display name, without archived ones.
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

/// A page of a team's members, in the order of their accounts, without those who left.
///
/// # Errors
/// When the page is too deep.
pub fn members(
    rows: &(impl Read + ?Sized),
    team: TeamNo,
    page: Page,
) -> Result<Vec<(UserNo, TeamMember)>, TooDeep> {
    let mut skip = page.skip();
    let mut members = Vec::new();
    let passed = live_members(rows, team, OFFSET_ROWS_MAX, |user, member| {
        if skip > 0 {
            skip -= 1;
        } else {
            members.push((user, member));
        }
        if members.len() < page.per_page() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    if members.len() < page.per_page() && passed >= OFFSET_ROWS_MAX {
        return Err(TooDeep);
    }
    Ok(members)
}

/// How many members a team has.
pub fn member_count(rows: &(impl Read + ?Sized), team: TeamNo) -> u64 {
    let mut count = 0;
    live_members(rows, team, COUNT_ROWS_MAX, |_, _| {
        count += 1;
        ControlFlow::Continue(())
    });
    count
}

/// How many teams there are, without archived ones.
pub fn live_count(rows: &(impl Read + ?Sized)) -> u64 {
    let teams = all(rows).into_iter();
    teams.filter(|(_, team)| team.delete_at == 0).count() as u64
}

/// Passes the members of a team who did not leave to `visit`, until it breaks; returns how many rows were
/// read, at most `rows_max`.
fn live_members(
    rows: &(impl Read + ?Sized),
    team: TeamNo,
    rows_max: u64,
    mut visit: impl FnMut(UserNo, TeamMember) -> ControlFlow<()>,
) -> u64 {
    let mut passed = 0;
    Walk::prefix(Table::TeamMembers, &team).each(rows, rows_max, |bytes, value| {
        passed += 1;
        let user = key::decode::<(TeamNo, UserNo)>(bytes).map(|(_, user)| user);
        match user.zip(TeamMember::from_bytes(value)) {
            Some((user, member)) if member.delete_at == 0 => visit(user, member),
            _ => ControlFlow::Continue(()),
        }
    });
    passed
}

fn sorted(mut teams: Vec<(TeamNo, Team)>) -> Vec<(TeamNo, Team)> {
    teams.sort_by(|a, b| (&a.1.display_name, a.0).cmp(&(&b.1.display_name, b.0)));
    teams
}
