//! What a server shows, in the oracle's types.

use causeway_kernel::rows::id::Id;

use super::Server;
use super::rows::{PostRow, ReactionKey, ReactionRow, Rows, UserRow};
use crate::oracle::convergence::Show;
use crate::oracle::facts::{PostView, ReactionView};
use crate::oracle::transfers::FileView;
use crate::oracle::user_view::UserView;

/// A user.
pub fn user(id: Id, row: &UserRow) -> UserView {
    UserView {
        bot: None,
        id,
        is_own: !row.is_remote,
        username: row.username.clone(),
        nickname: row.nickname.clone(),
        custom_status: row.custom_status.clone(),
        // Whether an account is active does not travel from such a server, and it ignores what it is told of that
        // after the first time.
        delete_at: 0,
        version: row.told_version,
    }
}

/// A post.
pub fn post(rows: &Rows, id: Id, row: &PostRow) -> PostView {
    let root = row.root.and_then(|root| rows.posts.get(&root));
    let times = [row.create_at, row.update_at, row.edit_at, row.delete_at];
    PostView {
        id,
        is_own: !row.is_remote,
        author: row.user,
        channel: row.channel,
        root: row.root,
        is_root_deleted: root.is_some_and(|root| root.delete_at != 0),
        message: row.message.clone(),
        kind: row.kind.clone(),
        create_at: row.create_at,
        version: times.into_iter().max().unwrap_or_default(),
        delete_at: row.delete_at,
        is_pinned: row.is_pinned,
        priority: row.priority.filter(|_| row.delete_at == 0),
        files: files(rows, row),
        is_deleted: row.delete_at != 0,
        is_moderated: false,
    }
}

fn files(rows: &Rows, row: &PostRow) -> Vec<FileView> {
    if row.delete_at != 0 {
        return Vec::new();
    }
    let view = |id: &Id| {
        let file = rows.files.get(id)?;
        Some(FileView {
            id: *id,
            digest: file.digest.clone(),
        })
    };
    row.files.iter().filter_map(view).collect()
}

/// A reaction.
pub fn reaction(rows: &Rows, key: &ReactionKey, row: &ReactionRow) -> ReactionView {
    let channel = rows.posts.get(&key.0).map(|post| post.channel);
    let is_own = rows.users.get(&key.1).is_some_and(|user| !user.is_remote);
    ReactionView {
        key: key.clone(),
        channel: channel.unwrap_or(key.0),
        is_own,
        is_live: row.delete_at == 0,
        version: row.create_at.max(row.update_at).max(row.delete_at),
    }
}

impl Server {
    /// Everything that it shows.
    #[must_use]
    pub fn show(&self) -> Show {
        let rows = &self.rows;
        let posts = rows.posts.iter().map(|(id, row)| post(rows, *id, row));
        let reactions = rows.reactions.iter();
        let reactions = reactions.map(|(key, row)| reaction(rows, key, row));
        let users = rows.users.iter().map(|(id, row)| user(*id, row));
        Show::made_of(posts, reactions, users)
    }
}
