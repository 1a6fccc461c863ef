//! Threads. Client API §7.3.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::posts::PostList;
use super::{Walk, existing};
use causeway_kernel::model::Post;
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

/// Posts of a thread in one answer; `has_next` says that more follow.
pub const THREAD_POSTS_MAX: usize = 1_000;
/// Replies of one thread that come along with a page, and rows looked at for them; the newest.
const REPLIES_WITH_PAGE: u64 = 200;
/// Posts that come along with a page in all.
const WITH_PAGE_MAX: usize = 1_000;

/// Which part of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadPart {
    /// Replies at most; 0 = as many as [`THREAD_POSTS_MAX`] allows.
    pub per_page: usize,
    /// Only replies behind this one, seen in the direction.
    pub from: Option<PostNo>,
    /// Newest first (`direction=up`).
    pub up: bool,
}

/// The thread that a live post belongs to: the root first, then live replies oldest first, each
/// once. `None` when the post or its root is deleted or unknown.
pub fn thread(rows: &(impl Read + ?Sized), post_no: PostNo, part: ThreadPart) -> Option<PostList> {
    let live = |post: &Post| post.delete_at == 0;
    let post = rows.get::<Post>(&post_no).filter(live)?;
    let root_no = post.root.unwrap_or(post_no);
    let root = rows.get::<Post>(&root_no).filter(live)?;
    let wanted = match part.per_page {
        0 => THREAD_POSTS_MAX,
        per_page => per_page.min(THREAD_POSTS_MAX),
    };
    let mut list = PostList {
        has_next: Some(false),
        ..PostList::default()
    };
    list.order.push(root_no);
    list.posts.insert(root_no, root);
    let from = part.from.and_then(|from_no| {
        let from = rows
            .get::<Post>(&from_no)
            .filter(|from| from.root == Some(root_no))?;
        Some((root_no, from.create_at, from_no))
    });
    for (reply_no, reply) in replies(rows, root_no, from, part.up, wanted + 1) {
        if list.order.len() > wanted {
            list.has_next = Some(true);
            break;
        }
        list.order.push(reply_no);
        list.posts.insert(reply_no, reply);
    }
    Some(list)
}

/// Live replies of a root in the order of creation (its reverse if `up`), behind `from`.
fn replies(
    rows: &(impl Read + ?Sized),
    root: PostNo,
    from: Option<(PostNo, i64, PostNo)>,
    up: bool,
    wanted: usize,
) -> Vec<(PostNo, Post)> {
    let all = Walk::prefix(Table::ThreadPosts, &root);
    let walk = match (from, up) {
        (Some(from), true) => all.before(&from).reversed(),
        (Some(from), false) => all.after(&from),
        (None, true) => all.reversed(),
        (None, false) => all,
    };
    let mut out = Vec::new();
    let mut group: Vec<PostNo> = Vec::new();
    let rows_max = u64::from(super::LIST_ROWS_MAX);
    walk.each(rows, rows_max, |bytes, _| {
        group.extend(key::decode::<(PostNo, i64, PostNo)>(bytes).map(|(_, _, post)| post));
        if group.len() >= 64 {
            take_live(rows, &mut group, &mut out);
        }
        if out.len() >= wanted {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    take_live(rows, &mut group, &mut out);
    out.truncate(wanted);
    out
}

fn take_live(rows: &(impl Read + ?Sized), group: &mut Vec<PostNo>, out: &mut Vec<(PostNo, Post)>) {
    let numbers = std::mem::take(group);
    out.extend(
        existing::<Post, _>(rows, &numbers)
            .into_iter()
            .filter(|(_, p)| p.delete_at == 0),
    );
}

/// Adds the roots of listed replies, and the newest replies of those threads, to the posts of a
/// list. `order` stays.
pub(super) fn add_threads(rows: &(impl Read + ?Sized), list: &mut PostList) {
    let roots: BTreeSet<PostNo> = list.posts.values().filter_map(|post| post.root).collect();
    let missing: Vec<PostNo> = roots
        .iter()
        .copied()
        .filter(|root| !list.posts.contains_key(root))
        .collect();
    list.posts.extend(existing::<Post, _>(rows, &missing));
    let mut room = WITH_PAGE_MAX;
    for root in roots {
        let mut numbers: Vec<PostNo> = Vec::new();
        Walk::prefix(Table::ThreadPosts, &root).reversed().each(
            rows,
            REPLIES_WITH_PAGE.min(room as u64),
            |bytes, _| {
                numbers.extend(key::decode::<(PostNo, i64, PostNo)>(bytes).map(|(_, _, p)| p));
                ControlFlow::Continue(())
            },
        );
        numbers.retain(|post| !list.posts.contains_key(post));
        let mut found = existing::<Post, _>(rows, &numbers);
        found.retain(|(_, post)| post.delete_at == 0);
        room = room.saturating_sub(found.len());
        list.posts.extend(found);
    }
}
