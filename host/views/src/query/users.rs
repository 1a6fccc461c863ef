//! Users.

use std::ops::ControlFlow;

use super::{COUNT_ROWS_MAX, IDS_MAX, Page, TooDeep, Walk, existing};
use causeway_kernel::model::{ChannelMember, NameRow, TeamMember, User, kind};
use causeway_kernel::rows::id::{ChannelNo, Id, TeamNo, UserNo};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};
use causeway_kernel::rows::{key, lookup};

/// Maximum names that a search reads, of own users and of others; those beyond are not found.
pub const SEARCH_ROWS_MAX: u32 = 20_000;
/// Maximum users returned by a search.
pub const SEARCH_LIMIT_MAX: usize = 1_000;

/// A user by number.
pub fn by_no(rows: &(impl Read + ?Sized), user: UserNo) -> Option<(UserNo, User)> {
    Some((user, rows.get::<User>(&user)?))
}

/// A user by id.
pub fn by_id(rows: &(impl Read + ?Sized), id: &str) -> Option<(UserNo, User)> {
    by_no(rows, lookup::user(rows, id)?)
}

/// A user by user name, ignoring case.
pub fn by_username(rows: &(impl Read + ?Sized), name: &str) -> Option<(UserNo, User)> {
    by_no(rows, lookup::username(rows, &name.to_ascii_lowercase())?)
}

/// A local user by e-mail address, ignoring case.
pub fn by_email(rows: &(impl Read + ?Sized), email: &str) -> Option<(UserNo, User)> {
    let found = by_no(rows, lookup::email(rows, &email.to_ascii_lowercase())?)?;
    found.1.origin.is_ours().then_some(found)
}

/// Users by ids, without unknown ones; at most [`IDS_MAX`] are looked up.
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

/// Users by user names, without unknown ones; at most [`IDS_MAX`] are looked up.
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
/// When the page is too deep.
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
/// When the page is too deep.
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
/// When the page is too deep.
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

/// The scope of a search.
#[derive(Clone, Copy, Debug, Default)]
pub struct SearchScope {
    /// Only members of this team.
    pub team: Option<TeamNo>,
    /// Only members of this channel.
    pub channel: Option<ChannelNo>,
    /// Include deactivated users.
    pub allow_inactive: bool,
}

/// Users whose user name, nickname, first or last name begins with `term`, ignoring ASCII case: at most
/// `limit`, the workspace's own first, each by user name. E-mail addresses are not searched: a peer's users
/// have no real ones.
pub fn search(
    rows: &(impl Read + ?Sized),
    term: &str,
    scope: SearchScope,
    limit: usize,
) -> Vec<(UserNo, User)> {
    let term = term.trim().trim_start_matches('@').to_ascii_lowercase();
    let limit = limit.min(SEARCH_LIMIT_MAX);
    let mut found = Vec::new();
    for kind in [kind::LOCAL_NAME, kind::REMOTE_NAME] {
        let room = limit - found.len();
        let mut of_kind = search_names(rows, (kind, term.clone()), scope, room);
        of_kind.sort_by(|a, b| (&a.1.username, a.0).cmp(&(&b.1.username, b.0)));
        found.append(&mut of_kind);
    }
    found
}

/// Users with a name of a kind that begins with a text; stops when enough are found.
fn search_names(
    rows: &(impl Read + ?Sized),
    begin: (u8, String),
    scope: SearchScope,
    limit: usize,
) -> Vec<(UserNo, User)> {
    let mut found: Vec<(UserNo, User)> = Vec::new();
    if limit == 0 {
        return found;
    }
    let names = Walk::prefix(Table::Names, &begin);
    names.each(rows, u64::from(SEARCH_ROWS_MAX), |_, value| {
        let no = NameRow::from_bytes(value).map(|row| UserNo(row.0));
        let is_new = |no: &UserNo| found.iter().all(|(other, _)| other != no);
        let user = no.filter(is_new).and_then(|no| by_no(rows, no));
        found.extend(user.filter(|(no, user)| in_scope(rows, *no, user, scope)));
        if found.len() < limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    found
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

/// The number of accounts, including remote ones.
pub fn count(rows: &(impl Read + ?Sized)) -> u64 {
    Walk::all(Table::Users).count(rows)
}

/// How many accounts `suits` accepts, of the first [`COUNT_ROWS_MAX`].
pub fn count_where(
    rows: &(impl Read + ?Sized),
    mut suits: impl FnMut(UserNo, &User) -> bool,
) -> u64 {
    let mut count = 0;
    Walk::all(Table::Users).each(rows, COUNT_ROWS_MAX, |bytes, value| {
        let user = key::decode::<UserNo>(bytes).zip(User::from_bytes(value));
        count += u64::from(user.is_some_and(|(no, user)| suits(no, &user)));
        ControlFlow::Continue(())
    });
    count
}

/// The direction of a list by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// From the first name on.
    Rising,
    /// From the last name back.
    Falling,
}

/// Users that `suits` accepts, by user name: those that follow a name in an order, or all; at most `limit`,
/// among the first [`COUNT_ROWS_MAX`] that follow.
pub fn by_name_after(
    rows: &(impl Read + ?Sized),
    name: Option<&str>,
    order: Order,
    limit: usize,
    mut suits: impl FnMut(&User) -> bool,
) -> Vec<(UserNo, User)> {
    let mut walk = Walk::prefix(Table::Names, &kind::USERNAME);
    let key = name.map(|name| (kind::USERNAME, name.to_ascii_lowercase()));
    walk = match (order, key) {
        (Order::Rising, Some(key)) => walk.after(&key),
        (Order::Falling, Some(key)) => walk.before(&key).reversed(),
        (Order::Rising, None) => walk,
        (Order::Falling, None) => walk.reversed(),
    };
    let mut found = Vec::new();
    if limit == 0 {
        return found;
    }
    walk.each(rows, COUNT_ROWS_MAX, |_, value| {
        let no = NameRow::from_bytes(value).map(|row| UserNo(row.0));
        let user = no.and_then(|no| by_no(rows, no));
        found.extend(user.filter(|(_, user)| suits(user)));
        if found.len() < limit {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    found
}

/// Whether a text is the id of a user.
pub fn exists(rows: &(impl Read + ?Sized), id: &str) -> bool {
    Id::parse(id).is_some() && lookup::user(rows, id).is_some()
}
