//! Marking a channel as unread from a post on.

use serde::{Deserialize, Serialize};

use crate::authority;
use crate::boundary::env::Range;
use crate::boundary::output::{Object, Refusal, Reply};
use crate::boundary::texts::texts;
use crate::command::post::readable;
use crate::command::registry::{Act, By};
use crate::model::limits::UNREAD_COUNTED_MAX;
use crate::model::{ChannelMember, ChannelPost, Post};
use crate::objects::posts::is_system;
use crate::rows::id::{PostNo, UserNo};
use crate::rows::key;
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};

/// Records that the actor has seen a channel only up to a post, without the post itself.
///
/// # Errors
/// There is no such post, or the actor is not a member of its channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MarkUnread {
    /// The post.
    pub post: PostNo,
}
texts!(struct MarkUnread { post });

impl Act for MarkUnread {
    fn carry_out(&self, tx: &mut Tx<'_>, by: By<'_>) -> Result<Reply, Refusal> {
        let user: UserNo = authority::acting_user(tx, by.actor)?;
        let (post, channel) = readable(tx, self.post, user)?;
        let key = (post.channel, user);
        let member = tx.get::<ChannelMember>(&key);
        let member = member.ok_or_else(Refusal::forbidden)?;
        let (posts, roots) = unseen(tx, self.post, &post);
        let before = post.ordered_at.saturating_sub(1);
        let unread = ChannelMember {
            last_viewed_at: before,
            msg_count: channel.msg_count.saturating_sub(posts),
            root_msg_count: channel.root_msg_count.saturating_sub(roots),
            seen_at: member.seen_at.min(before),
            ..member
        };
        tx.put(&key, &unread);
        Ok(Reply::Object(Object::ChannelMember(post.channel, user)))
    }
}

/// How many posts, and roots among them, follow a post in its channel, with itself; system messages are not counted.
fn unseen(tx: &Tx<'_>, no: PostNo, post: &Post) -> (u64, u64) {
    let from = key::encode(&(post.channel, post.ordered_at, no));
    let following = tx.rows::<ChannelPost>(&Range {
        from,
        to: key::prefix_end(&key::encode(&post.channel)).unwrap_or_default(),
        reverse: false,
        rows_max: UNREAD_COUNTED_MAX,
        bytes_max: SCAN_BYTES_MAX,
    });
    let (mut posts, mut roots) = (0, 0);
    for ((_, _, no), _) in following {
        let counted = tx.get::<Post>(&no).filter(|post| !is_system(&post.kind));
        if let Some(post) = counted {
            posts += 1;
            roots += u64::from(post.root.is_none());
        }
    }
    (posts, roots)
}
