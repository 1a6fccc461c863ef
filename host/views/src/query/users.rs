//! Users.

use super::{IDS_MAX, Page, TooDeep, Walk, existing};
use causeway_kernel::model::{ChannelMember, NameRow, TeamMember, User, kind};
use causeway_kernel::rows::id::{ChannelNo, Id, TeamNo, UserNo};
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

/// Users that a search looks at; those behind are not found. Client API §6.1: `limit` ≤ 1000.
pub const SEARCH_ROWS_MAX: u32 = 20_000;
/// Users that a search returns at most.
pub const SEARCH_LIMIT_MAX: usize = 1_000;

/// A user by number.
pub fn by_no(rows: &(impl Read + ?Sized), user: UserNo) -> Option<(UserNo, User)> {
    Some((user, rows.get::<User>(&user)?))
}

/// A user by id.
pub fn by_id(rows: &(impl Read + ?Sized), id: &str) -> Option<(UserNo, User)> {
    by_no(rows, lookup::user(rows, id)?)
}

/// A user by user name, whatever its case.
pub fn by_username(rows: &(impl Read + ?Sized), name: &str) -> Option<(UserNo, User)> {
    by_no(rows, lookup::username(rows, &name.to_ascii_lowercase())?)
}

/// A local user by e-mail address, whatever its case.
pub fn by_email(rows: &(impl Read + ?Sized), email: &str) -> Option<(UserNo, User)> {
    let found = by_no(rows, lookup::email(rows, &email.to_ascii_lowercase())?)?;
    found.1.origin.is_ours().then_some(found)
}

/// Users of some ids, unknown ids left out; at most [`IDS_MAX`] are looked at.
pub fn by_ids<'i>(
    rows: &(impl Read + ?Sized),
    ids: impl IntoIterator<Item = &'i str>,
) -> Vec<(UserNo, User)> {
    let numbers: Vec<UserNo> = ids
        .into_iter()
        .take(IDS_MAX)
        .filter_map(|id| lookup::user(rows, id))
        .collect();
    existing(rows, &numbers)
}

/// Users of some user names, unknown ones left out; at most [`IDS_MAX`] are looked at.
pub fn by_usernames<'i>(
    rows: &(impl Read + ?Sized),
    names: impl IntoIterator<Item = &'i str>,
) -> Vec<(UserNo, User)> {
    names
        .into_iter()
        .take(IDS_MAX)
        .filter_map(|name| by_username(rows, name))
        .collect()
}

/// A page of all users, by user name.
///
/// # Errors
/// When the page lies too deep.
pub fn page(rows: &(impl Read + ?Sized), page: Page) -> Result<Vec<(UserNo, User)>, TooDeep> {
    let names: Vec<(u8, String)> = Walk::prefix(Table::Names, &kind::USERNAME).keys(rows, page)?;
    let found = rows.get_all::<NameRow>(&names);
    let numbers: Vec<UserNo> = found
        .into_iter()
        .flatten()
        .map(|row| UserNo(row.0))
        .collect();
    Ok(existing(rows, &numbers))
}

/// A page of a team's members, in the order of their accounts.
///
/// # Errors
/// When the page lies too deep.
pub fn in_team(
    rows: &(impl Read + ?Sized),
    team: TeamNo,
    page: Page,
) -> Result<Vec<(UserNo, User)>, TooDeep> {
    let members = super::teams::members(rows, team, page)?;
    let numbers: Vec<UserNo> = members.into_iter().map(|(user, _)| user).collect();
    Ok(existing(rows, &numbers))
}

/// A page of a channel's members, in the order of their accounts.
///
/// # Errors
/// When the page lies too deep.
pub fn in_channel(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    page: Page,
) -> Result<Vec<(UserNo, User)>, TooDeep> {
    let keys: Vec<(ChannelNo, UserNo)> =
        Walk::prefix(Table::ChannelMembers, &channel).keys(rows, page)?;
    let numbers: Vec<UserNo> = keys.into_iter().map(|(_, user)| user).collect();
    Ok(existing(rows, &numbers))
}

/// Where a search looks.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchScope {
    /// Only members of this team.
    pub team: Option<TeamNo>,
    /// Only members of this channel.
    pub channel: Option<ChannelNo>,
    /// Deactivated users too.
    pub allow_inactive: bool,
}

/// Users whose user name, nickname, first or last name begins with `term`, whatever its ASCII case,
/// by user name. E-mail addresses are not searched: a peer's users have none that is real.
pub fn search(
    rows: &(impl Read + ?Sized),
    term: &str,
    scope: SearchScope,
    limit: usize,
) -> Vec<(UserNo, User)> {
    let term = term.trim().trim_start_matches('@').to_ascii_lowercase();
    let limit = limit.min(SEARCH_LIMIT_MAX);
    let mut found: Vec<(UserNo, User)> = Vec::new();
    Walk::all(Table::Users).each(rows, u64::from(SEARCH_ROWS_MAX), |key, value| {
        let user = causeway_kernel::rows::key::decode::<UserNo>(key);
        if let (Some(user_no), Some(user)) = (
            user,
            <User as causeway_kernel::rows::tx::Record>::from_bytes(value),
        ) && matches(&user, &term)
            && in_scope(rows, user_no, &user, scope)
        {
            found.push((user_no, user));
        }
        std::ops::ControlFlow::Continue(())
    });
    found.sort_by(|a, b| (&a.1.username, a.0).cmp(&(&b.1.username, b.0)));
    found.truncate(limit);
    found
}

fn matches(user: &User, term: &str) -> bool {
    let names = [
        &user.username,
        &user.nickname,
        &user.first_name,
        &user.last_name,
    ];
    names
        .into_iter()
        .any(|name| starts_with_ascii_case(name, term))
}

fn starts_with_ascii_case(name: &str, term: &str) -> bool {
    name.as_bytes()
        .get(..term.len())
        .is_some_and(|head| head.eq_ignore_ascii_case(term.as_bytes()))
}

fn in_scope(rows: &(impl Read + ?Sized), user_no: UserNo, user: &User, scope: SearchScope) -> bool {
    (scope.allow_inactive || user.delete_at == 0)
        && scope
            .channel
            .is_none_or(|channel| rows.has::<ChannelMember>(&(channel, user_no)))
        && scope.team.is_none_or(|team| {
            rows.get::<TeamMember>(&(team, user_no))
                .is_some_and(|member| member.delete_at == 0)
        })
}

/// How many accounts there are, remote ones included.
pub fn count(rows: &(impl Read + ?Sized)) -> u64 {
    Walk::all(Table::Users).count(rows)
}

/// Whether a text is the id of a user.
pub fn exists(rows: &(impl Read + ?Sized), id: &str) -> bool {
    Id::parse(id).is_some() && lookup::user(rows, id).is_some()
}
