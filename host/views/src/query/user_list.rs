//! Lists of users by what they are, and are not, members of. Client API §6.1.

use std::ops::ControlFlow;

use causeway_kernel::model::{ChannelMember, NameRow, TeamMember, User, UserTeam, kind};
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

use super::{LIST_ROWS_MAX, Page, TooDeep, Walk, users};

/// Among whom users are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Among {
    /// All accounts, by user name.
    #[default]
    All,
    /// The members of a team, in the order of their accounts.
    Team(TeamNo),
    /// The members of a channel, in the order of their accounts.
    Channel(ChannelNo),
}

/// Which of them are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Filter {
    /// Only those who are not members of this channel.
    pub not_in_channel: Option<ChannelNo>,
    /// Only those who are not members of this team.
    pub not_in_team: Option<TeamNo>,
    /// Only those who are members of no team.
    pub without_team: bool,
    /// Only active (`true`) or only deactivated ones (`false`), if one is named.
    pub active: Option<bool>,
}

impl Filter {
    /// Whether it leaves out nobody.
    #[must_use]
    pub fn is_open(&self) -> bool {
        *self == Filter::default()
    }

    fn takes(&self, rows: &(impl Read + ?Sized), no: UserNo, user: &User) -> bool {
        let is_in_team = |team| {
            let member = rows.get::<TeamMember>(&(team, no));
            member.is_some_and(|member| member.delete_at == 0)
        };
        let is_in_channel = |channel| rows.has::<ChannelMember>(&(channel, no));
        let is_without_team = || rows.prefix::<UserTeam, _>(&no, 1).is_empty();
        self.active
            .is_none_or(|active| active == (user.delete_at == 0))
            && !self.not_in_team.is_some_and(is_in_team)
            && !self.not_in_channel.is_some_and(is_in_channel)
            && (!self.without_team || is_without_team())
    }
}

/// A page of users.
///
/// # Errors
/// When it is not among the first [`LIST_ROWS_MAX`] of those among whom it is looked for.
pub fn page(
    rows: &(impl Read + ?Sized),
    among: Among,
    filter: Filter,
    page: Page,
) -> Result<Vec<(UserNo, User)>, TooDeep> {
    let mut skip = page.skip();
    let mut found = Vec::new();
    let mut passed = 0;
    let mut take = |no: UserNo| {
        passed += 1;
        let user = users::by_no(rows, no);
        match user.filter(|(no, user)| filter.takes(rows, *no, user)) {
            Some(_) if skip > 0 => skip -= 1,
            Some(user) => found.push(user),
            None => {}
        }
        if found.len() < page.per_page() {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    };
    let most = u64::from(LIST_ROWS_MAX);
    match among {
        Among::All => Walk::prefix(Table::Names, &kind::USERNAME).each(rows, most, |_, value| {
            NameRow::from_bytes(value).map_or(ControlFlow::Continue(()), |row| take(UserNo(row.0)))
        }),
        Among::Team(team) => {
            Walk::prefix(Table::TeamMembers, &team).each(rows, most, |bytes, value| {
                let member = TeamMember::from_bytes(value).filter(|member| member.delete_at == 0);
                let no = member.and_then(|_| key::decode::<(TeamNo, UserNo)>(bytes));
                no.map_or(ControlFlow::Continue(()), |(_, no)| take(no))
            })
        }
        Among::Channel(channel) => {
            Walk::prefix(Table::ChannelMembers, &channel).each(rows, most, |bytes, _| {
                let no = key::decode::<(ChannelNo, UserNo)>(bytes);
                no.map_or(ControlFlow::Continue(()), |(_, no)| take(no))
            })
        }
    }
    if passed >= most && found.len() < page.per_page() {
        return Err(TooDeep);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_kernel::rows::fixture::{self, put};

    const TEAM: TeamNo = TeamNo(1);
    const TOWN: ChannelNo = ChannelNo(1);

    #[test]
    fn who_is_left_out_is_on_no_page() {
        let mut host = fixture::host();
        put(&mut host, |tx| {
            for no in 3..10 {
                let mut user = fixture::user(no, &format!("user{no}"));
                user.delete_at = i64::from(no == 9);
                fixture::put_user(tx, no, &user);
                if no < 7 {
                    fixture::join_team(tx, 1, no);
                }
                if no < 5 {
                    fixture::join_channel(tx, 1, no, 0);
                }
            }
        });
        let listed = |among, filter| {
            let mut found = Vec::new();
            for number in 0.. {
                let some = page(&host, among, filter, Page::new(number, 2)).unwrap();
                if some.is_empty() {
                    break;
                }
                found.extend(some.into_iter().map(|(no, _)| no.0));
            }
            found
        };
        let open = Filter::default();
        assert_eq!(listed(Among::All, open), (1..10).collect::<Vec<_>>());
        assert_eq!(listed(Among::Team(TEAM), open), [1, 2, 3, 4, 5, 6]);
        assert_eq!(listed(Among::Channel(TOWN), open), [1, 2, 3, 4]);
        let not_in_channel = Filter {
            not_in_channel: Some(TOWN),
            ..open
        };
        assert_eq!(listed(Among::Team(TEAM), not_in_channel), [5, 6]);
        let not_in_team = Filter {
            not_in_team: Some(TEAM),
            active: Some(true),
            ..open
        };
        assert_eq!(listed(Among::All, not_in_team), [7, 8]);
        let without_team = Filter {
            without_team: true,
            active: Some(false),
            ..open
        };
        assert_eq!(listed(Among::All, without_team), [9]);
    }
}
