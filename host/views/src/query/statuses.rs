//! Statuses of users, as the rows have them: of peers' users, and of this workspace's users in shared channels.

use causeway_kernel::model::limits::CHANNELS_PER_USER_MAX;
use causeway_kernel::model::{SharedChannel, Status, StatusRow, User, UserChannel};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

use super::Walk;

/// Statuses that are read when the service starts; the other users count as offline.
const STATUSES_READ_MAX: u32 = 1_000_000;

/// The status of a user; [`Status::UNKNOWN`] if there is none.
pub fn of(rows: &(impl Read + ?Sized), user: UserNo) -> Status {
    rows.get::<StatusRow>(&user)
        .map_or(Status::UNKNOWN, |row| row.status)
}

/// The statuses of this workspace's users that are not offline.
pub fn present(rows: &(impl Read + ?Sized)) -> Vec<(UserNo, Status)> {
    let found = Walk::all(Table::Statuses).records::<StatusRow>(rows, STATUSES_READ_MAX);
    let is_ours = |user: &UserNo| {
        rows.get::<User>(user)
            .is_some_and(|user| user.origin.is_ours())
    };
    found
        .into_iter()
        .filter(|(user, row)| row.status.differs(&Status::UNKNOWN) && is_ours(user))
        .map(|(user, row)| (user, row.status))
        .collect()
}

/// Whether a user's status is shared with peers: a member of a shared channel, among a limited number of the
/// user's channels.
pub fn is_shared(rows: &(impl Read + ?Sized), user: UserNo) -> bool {
    rows.prefix::<UserChannel, _>(&user, CHANNELS_PER_USER_MAX)
        .into_iter()
        .any(|((_, channel), _)| rows.has::<SharedChannel>(&channel))
}
