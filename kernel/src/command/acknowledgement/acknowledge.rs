//! Acknowledging a post.

use serde::{Deserialize, Serialize};

use super::reader;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::registry::{Act, By};
use crate::model::Acknowledgement;
use crate::model::limits::ACKNOWLEDGEMENTS_PER_POST_MAX;
use crate::objects::{acknowledgements, next_version};
use crate::rows::id::{FeedSeq, PostNo, WorkspaceNo};
use crate::rows::tx::{Read, Tx};

/// Acknowledges a post; repeating it renews the time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AcknowledgePost {
    /// The post.
    pub post: PostNo,
}
texts!(struct AcknowledgePost { post });

impl Act for AcknowledgePost {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let archived = "api.acknowledgement.save.archived_channel.app_error";
        let user = reader(tx, by, self.post, archived)?;
        let key = (self.post, user);
        if !acknowledgements::has_room(tx, key, WorkspaceNo::OURS) {
            return Err(Refusal::new(
                400,
                "app.acknowledgement.save.save.app_error",
                format!(
                    "{ACKNOWLEDGEMENTS_PER_POST_MAX} users have acknowledged this post; it takes \
                     no more."
                ),
            ));
        }
        let held = tx.get::<Acknowledgement>(&key);
        let now_ms = next_version(tx.now_ms(), held.map(|held| held.update_at));
        let acknowledgement = Acknowledgement {
            origin: WorkspaceNo::OURS,
            acknowledged_at: now_ms,
            update_at: now_ms,
            feed_seq: held.map_or(FeedSeq(0), |held| held.feed_seq),
        };
        acknowledgements::put(tx, key, acknowledgement);
        Ok(Reply::Object(Object::Acknowledgement(self.post, user)))
    }
}
