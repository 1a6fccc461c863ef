//! Acknowledgements of posts by local users. Client API §6.

mod acknowledge;
mod withdraw;

pub use acknowledge::AcknowledgePost;
pub use withdraw::WithdrawAcknowledgement;

use crate::authority;
use crate::boundary::output::Refusal;
use crate::command::post;
use crate::command::registry::By;
use crate::rows::id::{PostNo, UserNo};
use crate::rows::tx::Tx;

/// The acting user, if they may acknowledge a post: anyone who may read it, even without write permission.
/// Unknown, deleted and unreadable posts get the same answer; `archived` is the error id for an archived
/// channel.
fn reader(tx: &Tx<'_>, by: By<'_>, post_no: PostNo, archived: &str) -> Result<UserNo, Refusal> {
    let user = authority::acting_user(tx, by.actor)?;
    let readable = post::readable(tx, post_no, user);
    let (_, channel) = readable.map_err(|_| Refusal::forbidden())?;
    if channel.delete_at != 0 {
        let text = "This channel is archived; its acknowledgements stay as they are.";
        return Err(Refusal::new(403, archived, text));
    }
    Ok(user)
}
