//! Channels and their members.

use std::ops::ControlFlow;

use super::{COUNT_ROWS_MAX, LIST_ROWS_MAX, OFFSET_ROWS_MAX, Page, TooDeep, Walk, existing};
use causeway_kernel::model::limits::CHANNELS_PER_TEAM_MAX;
use causeway_kernel::model::{Channel, ChannelMember, NameRow, UserChannel, kind};
use causeway_kernel::rows::id::{ChannelNo, TeamNo, UserNo};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};
use causeway_kernel::rows::{key, lookup};

/// A channel by id, including archived ones.
pub fn by_id(rows: &(impl Read + ?Sized), id: &str) -> Option<(ChannelNo, Channel)> {
    let channel = lookup::channel(rows, id)?;
    Some((channel, rows.get::<Channel>(&channel)?))
}

/// A channel by team and URL name, including archived ones; a direct or group channel in any team.
pub fn by_name(
    rows: &(impl Read + ?Sized),
    team: TeamNo,
    name: &str,
) -> Option<(ChannelNo, Channel)> {
    let name = name.to_ascii_lowercase();
    let channel =
        lookup::channel_name(rows, team, &name).or_else(|| lookup::direct_channel(rows, &name))?;
    Some((channel, rows.get::<Channel>(&channel)?))
}

/// Every channel of a team, by display name.
pub fn of_team(rows: &(impl Read + ?Sized), team: TeamNo) -> Vec<(ChannelNo, Channel)> {
    let prefix = (kind::CHANNEL_NAME, lookup::team_channel_name_key(team, ""));
    let mut numbers = Vec::new();
    Walk::prefix(Table::Names, &prefix).each(rows, u64::from(CHANNELS_PER_TEAM_MAX), |_, value| {
        numbers.extend(NameRow::from_bytes(value).map(|row| ChannelNo(row.0)));
        ControlFlow::Continue(())
    });
    sorted(existing(rows, &numbers))
}

/// A page of the live public channels of a team, by display name.
pub fn public(rows: &(impl Read + ?Sized), team: TeamNo, page: Page) -> Vec<(ChannelNo, Channel)> {
    let mut channels = of_team(rows, team);
    channels.retain(|(_, channel)| channel.place.public_in().is_some() && channel.delete_at == 0);
    page.of(channels)
}

/// A page of the channels of all teams, in order of creation.
///
/// # Errors
/// When the page is too deep.
pub fn all(rows: &(impl Read + ?Sized), page: Page) -> Result<Vec<(ChannelNo, Channel)>, TooDeep> {
    let mut skip = page.skip();
    let mut found = Vec::new();
    let mut passed = 0;
    Walk::all(Table::Channels).each(rows, OFFSET_ROWS_MAX + 1, |key, value| {
        passed += 1;
        let channel = key::decode::<ChannelNo>(key).zip(Channel::from_bytes(value));
        match channel.filter(|(_, channel)| channel.place.team().is_some()) {
            Some(_) if skip > 0 => skip -= 1,
            Some(channel) => found.push(channel),
            None => {}
        }
        if found.len() == page.per_page() {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    });
    let is_cut = passed > OFFSET_ROWS_MAX && found.len() < page.per_page();
    if is_cut { Err(TooDeep) } else { Ok(found) }
}

/// Channels of a user, in one team or in all, by display name. Direct and group channels are in every team.
pub fn of_user(
    rows: &(impl Read + ?Sized),
    user: UserNo,
    team: Option<TeamNo>,
    include_deleted: bool,
) -> Vec<(ChannelNo, Channel)> {
    let mut channels = existing::<Channel, _>(rows, &numbers_of_user(rows, user));
    channels.retain(|(_, channel)| {
        let is_in = |team| channel.place.team().is_none_or(|own| own == team);
        team.is_none_or(is_in) && (include_deleted || channel.delete_at == 0)
    });
    sorted(channels)
}

/// Numbers of a user's channels.
pub fn numbers_of_user(rows: &(impl Read + ?Sized), user: UserNo) -> Vec<ChannelNo> {
    Walk::prefix(Table::UserChannels, &user)
        .records::<UserChannel>(rows, LIST_ROWS_MAX)
        .into_iter()
        .map(|((_, channel), _)| channel)
        .collect()
}

/// A user's memberships in the channels of one team or of all, without archived channels.
pub fn memberships(
    rows: &(impl Read + ?Sized),
    user: UserNo,
    team: Option<TeamNo>,
) -> Vec<(ChannelNo, ChannelMember)> {
    let channels: Vec<ChannelNo> = of_user(rows, user, team, false)
        .into_iter()
        .map(|(channel, _)| channel)
        .collect();
    let keys: Vec<(ChannelNo, UserNo)> = channels.iter().map(|channel| (*channel, user)).collect();
    let found = rows.get_all::<ChannelMember>(&keys);
    channels
        .into_iter()
        .zip(found)
        .filter_map(|(channel, row)| Some((channel, row?)))
        .collect()
}

/// A page of a channel's members, in the order of their accounts.
///
/// # Errors
/// When the page is too deep.
pub fn members(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    page: Page,
) -> Result<Vec<(UserNo, ChannelMember)>, TooDeep> {
    let keys: Vec<(ChannelNo, UserNo)> =
        Walk::prefix(Table::ChannelMembers, &channel).keys(rows, page)?;
    let found = rows.get_all::<ChannelMember>(&keys);
    let members = keys.into_iter().zip(found);
    Ok(members
        .filter_map(|((_, user), row)| Some((user, row?)))
        .collect())
}

/// The members of a direct or group channel.
pub fn all_members(rows: &(impl Read + ?Sized), channel: ChannelNo) -> Vec<UserNo> {
    Walk::prefix(Table::ChannelMembers, &channel)
        .records::<ChannelMember>(rows, DIRECT_MEMBERS_MAX)
        .into_iter()
        .map(|((_, user), _)| user)
        .collect()
}

/// More members than any direct or group channel has.
const DIRECT_MEMBERS_MAX: u32 = 16;

/// How many members a channel has.
pub fn member_count(rows: &(impl Read + ?Sized), channel: ChannelNo) -> u64 {
    Walk::prefix(Table::ChannelMembers, &channel).count(rows)
}

/// How many members each of these channels has. Once [`COUNT_ROWS_MAX`] members are counted, the channels that
/// follow are left out.
pub fn member_counts(rows: &(impl Read + ?Sized), channels: &[ChannelNo]) -> Vec<(ChannelNo, u64)> {
    let mut left = COUNT_ROWS_MAX;
    let counted = channels.iter().map_while(|channel| {
        let count = (left > 0).then(|| member_count(rows, *channel))?;
        left = left.saturating_sub(count);
        Some((*channel, count))
    });
    counted.collect()
}

/// How many posts of a channel are pinned.
pub fn pinned_count(rows: &(impl Read + ?Sized), channel: ChannelNo) -> u64 {
    Walk::prefix(Table::PinnedPosts, &channel).count(rows)
}

/// Live channels of a team whose name or display name begins with `term`, ignoring ASCII case: public ones,
/// and private ones that `user` is in.
pub fn search(
    rows: &(impl Read + ?Sized),
    team: TeamNo,
    user: UserNo,
    term: &str,
    limit: usize,
) -> Vec<(ChannelNo, Channel)> {
    let term = term.trim().trim_start_matches('~').to_ascii_lowercase();
    let begins = |text: &str| text.to_ascii_lowercase().starts_with(&term);
    let mut channels = of_team(rows, team);
    channels.retain(|(channel_no, channel)| {
        channel.delete_at == 0
            && (begins(&channel.name) || begins(&channel.display_name))
            && (channel.place.public_in().is_some()
                || rows.has::<ChannelMember>(&(*channel_no, user)))
    });
    channels.truncate(limit);
    channels
}

/// Channels of all teams whose name or display name begins with `term`, ignoring ASCII case, and that `suits`
/// accepts, by display name; among the first [`COUNT_ROWS_MAX`] channels, at most [`LIST_ROWS_MAX`].
pub fn matching(
    rows: &(impl Read + ?Sized),
    term: &str,
    mut suits: impl FnMut(ChannelNo, &Channel) -> bool,
) -> Vec<(ChannelNo, Channel)> {
    let term = term.trim().trim_start_matches('~').to_ascii_lowercase();
    let begins = |text: &str| text.to_ascii_lowercase().starts_with(&term);
    let mut found = Vec::new();
    each_in_teams(rows, |no, channel| {
        let matches = begins(&channel.name) || begins(&channel.display_name);
        if matches && suits(no, &channel) {
            found.push((no, channel));
        }
        if found.len() < LIST_ROWS_MAX as usize {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    sorted(found)
}

/// How many channels there are and how much was written in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Live public channels.
    pub public: u64,
    /// Live private channels.
    pub private: u64,
    /// Archived channels.
    pub archived: u64,
    /// Messages in all of them.
    pub posts: u64,
}

/// Counts the channels of a team or of all, at most [`COUNT_ROWS_MAX`].
pub fn counts(rows: &(impl Read + ?Sized), team: Option<TeamNo>) -> Counts {
    let mut counts = Counts::default();
    each_in_teams(rows, |_, channel| {
        if team.is_none_or(|team| channel.place.team() == Some(team)) {
            counts.posts += channel.msg_count;
            match channel.place.public_in() {
                _ if channel.delete_at != 0 => counts.archived += 1,
                Some(_) => counts.public += 1,
                None => counts.private += 1,
            }
        }
        ControlFlow::Continue(())
    });
    counts
}

/// Passes the channels of teams to `visit`, in order of creation, until it breaks.
fn each_in_teams(
    rows: &(impl Read + ?Sized),
    mut visit: impl FnMut(ChannelNo, Channel) -> ControlFlow<()>,
) {
    Walk::all(Table::Channels).each(rows, COUNT_ROWS_MAX, |key, value| {
        let channel = key::decode::<ChannelNo>(key).zip(Channel::from_bytes(value));
        match channel.filter(|(_, channel)| channel.place.team().is_some()) {
            Some((no, channel)) => visit(no, channel),
            None => ControlFlow::Continue(()),
        }
    });
}

fn sorted(mut channels: Vec<(ChannelNo, Channel)>) -> Vec<(ChannelNo, Channel)> {
    channels.sort_by(|a, b| (&a.1.display_name, a.0).cmp(&(&b.1.display_name, b.0)));
    channels
}
