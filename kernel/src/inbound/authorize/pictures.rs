//! Pictures.

use super::{Authorized, Peer};
use crate::inbound::Reason;
use crate::model::User;
use crate::rows::id::UserNo;
use crate::rows::lookup;
use crate::rows::tx::Read;

/// May the peer set the picture of this user? Only if the user's home is at the peer. As in the reference, a user
/// of this workspace is answered like an unknown one.
pub fn picture(
    rows: &(impl Read + ?Sized),
    peer: &Peer,
    id: &str,
) -> Result<Authorized<UserNo>, Reason> {
    let no = lookup::user(rows, id).ok_or(Reason::UnknownUser)?;
    let user = rows.get::<User>(&no).ok_or(Reason::UnknownUser)?;
    if peer.owns_user(&user) {
        Ok(Authorized(no))
    } else if user.origin.is_ours() {
        Err(Reason::UnknownUser)
    } else {
        Err(Reason::ForeignUser)
    }
}
