//! Setting a user's picture. Callers have already checked permissions.

use super::{files, next_version, users};
use crate::model::{Picture, User};
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};

/// Gives a user a picture; the one that they have already changes nothing.
pub fn set(tx: &mut Tx<'_>, no: UserNo, mut user: User, picture: &Picture) {
    let old = tx.get::<Picture>(&no);
    if old.as_ref() == Some(picture) {
        return;
    }
    files::hold_bytes(tx, &picture.digest);
    if let Some(old) = old {
        files::release_bytes(tx, &old.digest);
    }
    tx.put(&no, picture);
    user.last_picture_update = next_version(tx.now_ms(), Some(user.last_picture_update));
    users::update(tx, no, user);
}
