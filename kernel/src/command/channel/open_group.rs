//! Opening a group channel.

use serde::{Deserialize, Serialize};

use super::open;
use crate::authority;
use crate::boundary::output::{Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::command::user;
use crate::model::limits::GROUP_MEMBERS;
use crate::objects::direct::Participants;
use crate::rows::id::UserNo;
use crate::rows::tx::Tx;

/// Opens the group channel of the actor and other users; an existing one is left unchanged.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenGroupChannel {
    /// The other users; the actor may be among them.
    pub with: Vec<UserNo>,
}
texts!(struct OpenGroupChannel { with });

impl Act for OpenGroupChannel {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let opener = authority::acting_user(tx, by.actor)?;
        // The host's limit on ids in a request is higher; no more are looked at here.
        let asked = self.with.iter().take(GROUP_MEMBERS.end() + 1).copied();
        let mut users: Vec<UserNo> = asked.chain([opener]).collect();
        users.sort_unstable();
        users.dedup();
        if !GROUP_MEMBERS.contains(&users.len()) {
            return Err(Refusal::new(
                400,
                "api.channel.create_group.bad_size.app_error",
                format!(
                    "A group channel has {} to {} members.",
                    GROUP_MEMBERS.start(),
                    GROUP_MEMBERS.end()
                ),
            ));
        }
        let people = Participants::of_group(tx, &users).ok_or_else(user::missing)?;
        open(tx, opener, &people)
    }
}
