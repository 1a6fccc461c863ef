//! Threads. Client API §7.3.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::posts::{GROUP, PostList, stored, weight};
use super::{Walk, existing};
use causeway_kernel::model::Post;
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::Read;

/// Maximum posts of a thread in one response; `has_next` says that more follow.
pub const THREAD_POSTS_MAX: usize = 1_000;
/// Maximum replies of one thread included with a page, and rows read for them; the newest.
const REPLIES_WITH_PAGE: u64 = 200;
/// Maximum posts included with a page in total; clients request the others by thread.
const WITH_PAGE_MAX: usize = 1_000;
/// Maximum bytes of those posts.
pub(super) const WITH_PAGE_BYTES_MAX: usize = 2 << 20;

/// A part of a thread.
#[derive(Clone, Copy, Debug, Default)]
pub struct ThreadPart {
    /// Maximum replies; 0 means as many as [`THREAD_POSTS_MAX`] allows.
    pub per_page: usize,
    /// Only replies after this one, in the given direction.
    pub from: Option<PostNo>,
    /// Newest first (`direction=up`).
    pub up: bool,
}

/// The thread of a live post: the root first, then live replies oldest first, each once. `None` if the post
/// or its root is deleted or unknown.
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
    list.add(root_no, root);
    let from = part.from.and_then(|from_no| {
        let from = rows
            .get::<Post>(&from_no)
            .filter(|from| from.root == Some(root_no))?;
        Some((root_no, from.ordered_at, from_no))
    });
    replies(rows, root_no, from, part.up, |reply_no, reply| {
        // One more than wanted shows that more follow.
        if list.order.len() <= wanted {
            list.add(reply_no, reply);
            if !list.cut {
                return ControlFlow::Continue(());
            }
        }
        list.has_next = Some(true);
        ControlFlow::Break(())
    });
    Some(list)
}

/// Passes the live replies of a root to `visit` until it breaks, in order (reversed if `up`), after `from`.
fn replies(
    rows: &(impl Read + ?Sized),
    root: PostNo,
    from: Option<(PostNo, i64, PostNo)>,
    up: bool,
    mut visit: impl FnMut(PostNo, Post) -> ControlFlow<()>,
) {
    let all = Walk::prefix(Table::ThreadPosts, &root);
    let walk = match (from, up) {
        (Some(from), true) => all.before(&from).reversed(),
        (Some(from), false) => all.after(&from),
        (None, true) => all.reversed(),
        (None, false) => all,
    };
    stored(rows, walk, super::LIST_ROWS_MAX.into(), |post_no, post| {
        if post.delete_at == 0 {
            visit(post_no, post)
        } else {
            ControlFlow::Continue(())
        }
    });
}

/// Adds the roots of listed replies, and the newest replies of those threads, to the posts of a list, within
/// [`WITH_PAGE_MAX`] and [`WITH_PAGE_BYTES_MAX`]. `order` is not changed.
pub(super) fn add_threads(rows: &(impl Read + ?Sized), list: &mut PostList) {
    let roots: BTreeSet<PostNo> = list.posts.values().filter_map(|post| post.root).collect();
    let mut along = Along::default();
    let missing: Vec<PostNo> = roots
        .iter()
        .copied()
        .filter(|root| !list.posts.contains_key(root))
        .collect();
    along.add(rows, list, &missing, |_| true);
    for root in roots {
        let mut numbers: Vec<PostNo> = Vec::new();
        Walk::prefix(Table::ThreadPosts, &root).reversed().each(
            rows,
            REPLIES_WITH_PAGE,
            |bytes, _| {
                numbers.extend(key::decode::<(PostNo, i64, PostNo)>(bytes).map(|(_, _, p)| p));
                ControlFlow::Continue(())
            },
        );
        numbers.retain(|post| !list.posts.contains_key(post));
        along.add(rows, list, &numbers, |post| post.delete_at == 0);
        if along.is_full {
            return;
        }
    }
}

/// The posts included with a page.
#[derive(Default)]
struct Along {
    posts: usize,
    bytes: usize,
    is_full: bool,
}

impl Along {
    fn add(
        &mut self,
        rows: &(impl Read + ?Sized),
        list: &mut PostList,
        numbers: &[PostNo],
        wanted: impl Fn(&Post) -> bool,
    ) {
        for group in numbers.chunks(GROUP) {
            for (post_no, post) in existing::<Post, _>(rows, group) {
                if !wanted(&post) {
                    continue;
                }
                let bytes = self.bytes + weight(&post);
                if self.posts == WITH_PAGE_MAX || bytes > WITH_PAGE_BYTES_MAX {
                    self.is_full = true;
                    return;
                }
                self.posts += 1;
                self.bytes = bytes;
                list.posts.insert(post_no, post);
            }
        }
    }
}
