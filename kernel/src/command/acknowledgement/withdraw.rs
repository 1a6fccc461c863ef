//! Withdrawing an acknowledgement.

use serde::{Deserialize, Serialize};

use super::reader;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::Acknowledgement;
use crate::model::limits::ACKNOWLEDGEMENT_WITHDRAWAL_MS;
use crate::objects::{acknowledgements, next_version};
use crate::rows::id::PostNo;
use crate::rows::tx::{Read, Tx};

/// Withdraws the actor's acknowledgement of a post, within [`ACKNOWLEDGEMENT_WITHDRAWAL_MS`] after it was
/// made or renewed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct WithdrawAcknowledgement {
    /// The post.
    pub post: PostNo,
}
texts!(struct WithdrawAcknowledgement { post });

impl Act for WithdrawAcknowledgement {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let archived = "api.acknowledgement.delete.archived_channel.app_error";
        let user = reader(tx, by, self.post, archived)?;
        let key = (self.post, user);
        let held = tx.get::<Acknowledgement>(&key);
        let live = held.filter(|held| held.acknowledged_at != 0);
        let held = live.ok_or_else(|| {
            let id = "app.acknowledgement.get.app_error";
            Refusal::new(404, id, "You have not acknowledged this post.")
        })?;
        let age_ms = tx.now_ms().saturating_sub(held.acknowledged_at);
        if age_ms > ACKNOWLEDGEMENT_WITHDRAWAL_MS {
            let minutes = ACKNOWLEDGEMENT_WITHDRAWAL_MS / 60_000;
            return Err(Refusal::new(
                403,
                "api.acknowledgement.delete.deadline.app_error",
                format!(
                    "An acknowledgement can be withdrawn for {minutes} minutes; it stands now."
                ),
            ));
        }
        let acknowledgement = Acknowledgement {
            acknowledged_at: 0,
            update_at: next_version(tx.now_ms(), Some(held.update_at)),
            ..held
        };
        acknowledgements::put(tx, key, acknowledgement);
        Ok(Reply::Object(Object::Acknowledgement(self.post, user)))
    }
}
