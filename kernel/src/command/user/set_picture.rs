//! Setting a picture.

use serde::{Deserialize, Serialize};

use super::missing;
use crate::authority;
use crate::boundary::input::Actor;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::PROFILE_PICTURE_BYTES_MAX;
use crate::model::{DIGEST_CHARS, Picture, User};
use crate::objects::pictures;
use crate::rows::id::UserNo;
use crate::rows::tx::{Read, Tx};

/// Gives a local user a picture whose bytes the host has cropped, scaled and stored: oneself, or anybody as an
/// administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetPicture {
    /// The user.
    pub user: UserNo,
    /// Digest of the bytes, in hexadecimal digits.
    pub digest: String,
    /// Their number.
    pub size: u64,
    /// Whether it was generated from the name, because the user removed theirs.
    pub is_generated: bool,
}
texts!(struct SetPicture {
    user,
    digest: Text::Words,
    size,
    is_generated,
});

impl Act for SetPicture {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let own = by.actor != Actor::System && authority::acting_user(tx, by.actor)? == self.user;
        if !own && !authority::administers(tx, by.actor) {
            return Err(Refusal::forbidden());
        }
        let user = tx.get::<User>(&self.user).ok_or_else(missing)?;
        if !user.origin.is_ours() {
            // A picture is changed where its user is at home; a change here would not last.
            return Err(Refusal::forbidden());
        }
        // Masking replaces digits by letters, so more than this is not checked.
        if self.digest.len() != DIGEST_CHARS || self.size > PROFILE_PICTURE_BYTES_MAX {
            return Err(Refusal::invalid_param("image"));
        }
        let picture = Picture {
            digest: self.digest.clone(),
            size: self.size,
            is_generated: self.is_generated,
        };
        pictures::set(tx, self.user, user, &picture);
        Ok(Reply::Object(Object::User(self.user)))
    }
}
