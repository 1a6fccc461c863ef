//! Profiles as rows and servers show them.

use causeway_kernel::model::{CUSTOM_STATUS, User, UserClass};
use causeway_kernel::rows::id::{Id, UserNo};
use causeway_kernel::rows::memory::Tables;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

use super::facts::{decode, record};
use crate::node::Carried;

/// A user's row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UserView {
    /// Id.
    pub id: Id,
    /// Whether it belongs to this workspace.
    pub is_own: bool,
    /// Name here.
    pub username: String,
    /// Nickname.
    pub nickname: String,
    /// Custom status; empty = none.
    pub custom_status: String,
    /// When the account was deactivated; 0 = it is active.
    pub delete_at: i64,
    /// What is said of it, if it is a bot's.
    pub bot: Option<String>,
    /// The version by its home's clock.
    pub version: i64,
}

/// A profile as shown. Whether it is a bot's is that of the rows, which may be newer than the profile.
#[must_use]
pub fn user_view(rows: &Tables, no: UserNo, user: User) -> UserView {
    UserView {
        id: user.id,
        is_own: user.origin.is_ours(),
        version: user
            .remote
            .as_ref()
            .map_or(user.update_at, |remote| remote.origin_update_at),
        custom_status: custom_status(&user.props),
        delete_at: user.delete_at,
        bot: said_of(rows.get::<UserClass>(&no)),
        username: user.username,
        nickname: user.nickname,
    }
}

/// The custom status in the properties of a profile; empty = none.
#[must_use]
pub fn custom_status(props: &str) -> String {
    let props: serde_json::Value = serde_json::from_str(props).unwrap_or_default();
    let status = props[CUSTOM_STATUS].as_str();
    status.unwrap_or_default().to_string()
}

/// What was said of an account before a step, if it was a bot's.
pub(super) fn bot_before(rows: &Tables, no: UserNo, carried: &Carried) -> Option<String> {
    let mut writes = carried.writes.iter().zip(&carried.old);
    let is_it = |key: &[u8]| decode::<UserNo>(key) == no;
    let changed = writes.find(|(write, _)| write.table == Table::UserClasses && is_it(&write.key));
    match changed {
        Some((_, old)) => said_of(old.as_ref().map(|bytes| record::<UserClass>(bytes))),
        None => said_of(rows.get::<UserClass>(&no)),
    }
}

fn said_of(class: Option<UserClass>) -> Option<String> {
    match class {
        Some(UserClass::Bot { description, .. }) => Some(description),
        Some(UserClass::Guest) | None => None,
    }
}
