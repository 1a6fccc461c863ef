//! Opening a direct channel.

use serde::{Deserialize, Serialize};

use super::open;
use crate::authority;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::command::user;
use crate::objects::direct::Participants;
use crate::rows::id::UserNo;
use crate::rows::tx::Tx;

/// Opens the direct channel between the actor and another user, or with oneself; an existing one is left
/// unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenDirectChannel {
    /// The other user.
    pub with: UserNo,
}
texts!(struct OpenDirectChannel { with });

impl Act for OpenDirectChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let opener = authority::acting_user(tx, by.actor)?;
        let people = Participants::of_direct(tx, [opener, self.with]).ok_or_else(user::missing)?;
        open(tx, opener, &people)
    }
}
