//! Setting a custom status.

use serde::{Deserialize, Serialize};

use super::missing;
use crate::authority;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::{Text, texts};
use crate::command::registry::{Act, By};
use crate::model::limits::CUSTOM_STATUS_BYTES_MAX;
use crate::model::{CUSTOM_STATUS, User};
use crate::objects::users;
use crate::rows::tx::{Read, Tx};

/// Sets or removes one's own custom status, which crosses with the profile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SetCustomStatus {
    /// JSON text of an object; empty = none.
    pub status: String,
}
// A text, and not JSON: in the profile, too, it is a text among the properties, and is masked as one.
texts!(
    struct SetCustomStatus {
        status: Text::Words,
    }
);

impl Act for SetCustomStatus {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let no = authority::acting_user(tx, by.actor)?;
        let fits = self.status.len() <= CUSTOM_STATUS_BYTES_MAX;
        if !fits || !(self.status.is_empty() || is_object(&self.status)) {
            return Err(Refusal::invalid_param("custom_status"));
        }
        let mut user = tx.get::<User>(&no).ok_or_else(missing)?;
        let with = Some((CUSTOM_STATUS, self.status.as_str())).filter(|(_, text)| !text.is_empty());
        let props = users::props_of(&user.props, &[CUSTOM_STATUS], with);
        if props != user.props {
            user.props = props;
            users::update(tx, no, user);
        }
        Ok(Reply::Object(Object::User(no)))
    }
}

/// Masking replaces letters, also those of escapes, so more than this is not checked.
fn is_object(json: &str) -> bool {
    json.starts_with('{') && json.ends_with('}')
}
