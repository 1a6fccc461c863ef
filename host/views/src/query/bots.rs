//! Bots of this workspace.

use causeway_kernel::model::{OwnBot, User, UserClass};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

use super::{LIST_ROWS_MAX, Walk};

/// A bot of this workspace.
pub struct Bot {
    /// Its account.
    pub no: UserNo,
    /// The row of its account.
    pub user: User,
    /// Who answers for it.
    pub owner: Option<UserNo>,
    /// What it does.
    pub description: String,
}

/// A bot of this workspace by its account.
pub fn by_no(rows: &(impl Read + ?Sized), no: UserNo) -> Option<Bot> {
    let class = rows.get::<UserClass>(&no)?;
    of(rows, no, class)
}

/// The bots of this workspace, in the order of their accounts, at most [`LIST_ROWS_MAX`].
pub fn all(rows: &(impl Read + ?Sized)) -> Vec<Bot> {
    let own = Walk::all(Table::OwnBots).records::<OwnBot>(rows, LIST_ROWS_MAX);
    own.into_iter()
        .filter_map(|(no, _)| by_no(rows, no))
        .collect()
}

fn of(rows: &(impl Read + ?Sized), no: UserNo, class: UserClass) -> Option<Bot> {
    let user = rows.get::<User>(&no).filter(|user| user.origin.is_ours())?;
    match class {
        UserClass::Bot { owner, description } => Some(Bot {
            no,
            user,
            owner,
            description,
        }),
        UserClass::Guest => None,
    }
}
