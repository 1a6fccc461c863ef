//! Posts of a channel: pages, changes since a time, pinned posts, reactions, acknowledgements. Client API
//! §7.2.

use std::collections::BTreeMap;
use std::ops::ControlFlow;

use super::order::{self, Side};
use super::{Page, TooDeep, Walk, existing, threads};
use causeway_kernel::model::{Acknowledgement, Channel, ChannelMember, PinnedPost, Post, Reaction};
use causeway_kernel::rows::id::{ChannelNo, PostNo, UserNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::lookup;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

/// Maximum posts in a response to `since`; the newest. Client API §7.2.
pub const SINCE_POSTS_MAX: usize = 1_000;
/// Newest posts of a channel among which a response to `since` looks for changed ones.
pub const SINCE_ROWS_MAX: u64 = 10_000;
/// Maximum reactions of a post that are shown.
pub const REACTIONS_MAX: u32 = 5_000;
/// Maximum reactions of a post, including removed ones, among which the live ones are looked for.
pub const REACTION_ROWS_MAX: u64 = 50_000;
/// Maximum acknowledgements of a post, including withdrawn ones, that are read to show them.
pub const ACKNOWLEDGEMENTS_MAX: u32 = 5_000;
/// Maximum pinned posts of a channel that are shown.
pub const PINNED_MAX: u32 = 1_000;
/// Maximum posts around the oldest unread one, in each direction. Client API §2.
pub const AROUND_MAX: u32 = 200;
/// Maximum bytes of the posts of a list, as counted by [`weight`]; the list ends before the post that would
/// exceed them, and names it, so that clients can continue from there. Its first post is always shown.
pub const LIST_BYTES_MAX: usize = 4 << 20;
/// Maximum bytes of a post's JSON without its message, hashtags, properties and reactions.
const POST_BYTES: usize = 1_000;
/// Maximum bytes of the JSON of a reaction.
const REACTION_BYTES: usize = 400;

/// A list of posts for clients.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PostList {
    /// The page, newest first (threads: root first, then oldest first).
    pub order: Vec<PostNo>,
    /// The page, and the threads that its replies belong to.
    pub posts: BTreeMap<PostNo, Post>,
    /// The live post after the page in time.
    pub next: Option<PostNo>,
    /// The live post before the page in time.
    pub previous: Option<PostNo>,
    /// For a thread: whether more follow.
    pub has_next: Option<bool>,
    /// Whether the page ends early because more would exceed [`LIST_BYTES_MAX`].
    pub cut: bool,
    /// Weight of the posts of the page.
    pub(super) bytes: usize,
}

impl PostList {
    /// Adds a post to the page, unless the page is cut, or would be by it.
    pub(super) fn add(&mut self, post_no: PostNo, post: Post) {
        let bytes = self.bytes + weight(&post);
        self.cut |= bytes > LIST_BYTES_MAX && !self.order.is_empty();
        if !self.cut {
            self.bytes = bytes;
            self.order.push(post_no);
            self.posts.insert(post_no, post);
        }
    }

    /// Adds posts to the page up to where it is cut.
    pub(super) fn add_all(&mut self, rows: &(impl Read + ?Sized), numbers: &[PostNo]) {
        for group in numbers.chunks(GROUP) {
            for (post_no, post) in existing::<Post, _>(rows, group) {
                self.add(post_no, post);
            }
            if self.cut {
                return;
            }
        }
    }
}

/// Maximum bytes that a post takes in a response.
pub(super) fn weight(post: &Post) -> usize {
    if post.delete_at != 0 {
        return POST_BYTES;
    }
    let reactions = post.reaction_count.min(REACTIONS_MAX) as usize;
    POST_BYTES
        + escaped_bytes(&post.message)
        + escaped_bytes(&post.hashtags)
        + post.props.len()
        + reactions * REACTION_BYTES
}

/// Bytes of a text within JSON.
fn escaped_bytes(text: &str) -> usize {
    let bytes = |byte: u8| match byte {
        b'"' | b'\\' | b'\n' | b'\r' | b'\t' => 2,
        0..b' ' => 6,
        _ => 1,
    };
    text.bytes().map(bytes).sum()
}

/// A post by id, including deleted ones.
pub fn by_id(rows: &(impl Read + ?Sized), id: &str) -> Option<(PostNo, Post)> {
    let post = lookup::post(rows, id)?;
    Some((post, rows.get::<Post>(&post)?))
}

/// The posts with these numbers, in this order.
pub fn of_numbers(rows: &(impl Read + ?Sized), numbers: &[PostNo]) -> PostList {
    let mut list = PostList::default();
    list.add_all(rows, numbers);
    list
}

/// The part of a channel's history from which a page is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The newest posts.
    Newest,
    /// Posts older than this one.
    Before(PostNo),
    /// Posts newer than this one, the nearest page.
    After(PostNo),
}

/// A page of a channel's live posts. A post from another channel gives an empty page. With `threads`, the
/// threads of listed replies are included.
///
/// # Errors
/// When the page is too deep, which is possible where posts are not counted yet, and after a post.
pub fn page(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    part: Part,
    page: Page,
    threads: bool,
) -> Result<PostList, TooDeep> {
    let side = match part {
        Part::Newest => Side::Newest,
        Part::Before(post) | Part::After(post) => match position(rows, channel, post) {
            Some(place) if part == Part::Before(post) => Side::Before(place),
            Some(place) => Side::After(place),
            None => return Ok(PostList::default()),
        },
    };
    let mut list = PostList::default();
    list.add_all(rows, &order::page(rows, channel, side, page)?);
    if matches!(side, Side::After(_)) {
        list.order.reverse();
    }
    Ok(finish(rows, channel, list, threads))
}

/// Every post of a channel with `update_at` above `since_ms`, including deleted ones, newest first: at most
/// [`SINCE_POSTS_MAX`], among the newest [`SINCE_ROWS_MAX`] of the channel. Only a list that is cut names the
/// post before it.
pub fn since(
    rows: &(impl Read + ?Sized),
    channel_no: ChannelNo,
    since_ms: i64,
    threads: bool,
) -> PostList {
    let mut list = PostList::default();
    // Most polls find nothing new; the channel's row answers them.
    let newest = rows
        .get::<Channel>(&channel_no)
        .map_or(0, |channel| channel.last_update_at);
    if newest <= since_ms {
        return list;
    }
    let walk = Walk::prefix(Table::ChannelPosts, &channel_no).reversed();
    stored(rows, walk, SINCE_ROWS_MAX, |post_no, post| {
        if post.update_at > since_ms {
            list.add(post_no, post);
        }
        full(&list, SINCE_POSTS_MAX)
    });
    if list.cut {
        list.previous = neighbour(rows, channel_no, list.order.last(), false);
    }
    if threads {
        threads::add_threads(rows, &mut list);
    }
    list
}

/// Posts around the oldest one that a member has not seen: `before` seen ones and `after` from the oldest
/// unseen one on, each reduced to [`AROUND_MAX`]. Without unseen ones it is the newest page.
///
/// # Errors
/// When there are too many deleted posts.
pub fn around_unread(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    user: UserNo,
    before: u32,
    after: u32,
    threads: bool,
) -> Result<PostList, TooDeep> {
    let (before, after) = (before.min(AROUND_MAX), after.min(AROUND_MAX));
    let member = rows.get::<ChannelMember>(&(channel, user));
    let seen = member.map_or(i64::MAX, |member| member.last_viewed_at);
    // No post has the highest number, so this position is after everything written at `seen`.
    let border = (channel, seen, PostNo(u64::MAX));
    let all = || Walk::prefix(Table::ChannelPosts, &channel);
    let unseen = order::take(rows, all().after(&border), 0, after as usize)?;
    if unseen.is_empty() {
        let page = Page::new(0, before + after);
        return self::page(rows, channel, Part::Newest, page, threads);
    }
    let mut list = PostList::default();
    list.add_all(rows, &unseen);
    list.order.reverse();
    let older = all().before(&border).reversed();
    list.add_all(rows, &order::take(rows, older, 0, before as usize)?);
    Ok(finish(rows, channel, list, threads))
}

/// Pinned posts of a channel, newest first, at most [`PINNED_MAX`]. A list that is cut does not contain the
/// newest ones.
pub fn pinned(rows: &(impl Read + ?Sized), channel: ChannelNo) -> PostList {
    let numbers: Vec<PostNo> = Walk::prefix(Table::PinnedPosts, &channel)
        .records::<PinnedPost>(rows, PINNED_MAX)
        .into_iter()
        .map(|((_, post), _)| post)
        .collect();
    let mut list = PostList::default();
    for group in numbers.chunks(GROUP) {
        for (post_no, post) in existing::<Post, _>(rows, group) {
            if post.delete_at == 0 && post.is_pinned {
                list.add(post_no, post);
            }
        }
        if list.cut {
            break;
        }
    }
    let PostList { order, posts, .. } = &mut list;
    let place = |post_no: &PostNo| posts.get(post_no).map(|post| post.ordered_at);
    order.sort_by_key(|post_no| std::cmp::Reverse((place(post_no), *post_no)));
    list
}

/// Live reactions of a post, oldest first, at most [`REACTIONS_MAX`].
pub fn reactions(
    rows: &(impl Read + ?Sized),
    post: PostNo,
) -> Vec<((PostNo, UserNo, String), Reaction)> {
    let mut found = Vec::new();
    let walk = Walk::prefix(Table::Reactions, &post);
    walk.each(rows, REACTION_ROWS_MAX, |key, bytes| {
        let row = Reaction::from_bytes(bytes).filter(|reaction| reaction.delete_at == 0);
        found.extend(key::decode(key).zip(row));
        if found.len() < REACTIONS_MAX as usize {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    found.sort_by(|a, b| (a.1.create_at, &a.0).cmp(&(b.1.create_at, &b.0)));
    found
}

/// Acknowledgements of a post that have not been withdrawn, newest first, among its first
/// [`ACKNOWLEDGEMENTS_MAX`].
pub fn acknowledgements(
    rows: &(impl Read + ?Sized),
    post: PostNo,
) -> Vec<((PostNo, UserNo), Acknowledgement)> {
    let mut found = Walk::prefix(Table::Acknowledgements, &post)
        .records::<Acknowledgement>(rows, ACKNOWLEDGEMENTS_MAX);
    found.retain(|(_, row)| row.acknowledged_at != 0);
    found.sort_by_key(|(key, row)| (std::cmp::Reverse(row.acknowledged_at), *key));
    found
}

fn position(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    post_no: PostNo,
) -> Option<(ChannelNo, i64, PostNo)> {
    let post = rows
        .get::<Post>(&post_no)
        .filter(|post| post.channel == channel)?;
    Some((channel, post.ordered_at, post_no))
}

fn full(list: &PostList, wanted: usize) -> ControlFlow<()> {
    if list.order.len() >= wanted || list.cut {
        ControlFlow::Break(())
    } else {
        ControlFlow::Continue(())
    }
}

/// Passes the posts of an index to `visit`, fetching them in groups.
pub(super) fn stored(
    rows: &(impl Read + ?Sized),
    walk: Walk,
    rows_max: u64,
    mut visit: impl FnMut(PostNo, Post) -> ControlFlow<()>,
) {
    let mut group: Vec<PostNo> = Vec::with_capacity(GROUP);
    let mut done = false;
    walk.each(rows, rows_max, |bytes, _| {
        if let Some((_, _, post_no)) = key::decode::<(ChannelNo, i64, PostNo)>(bytes) {
            group.push(post_no);
        }
        if group.len() < GROUP {
            return ControlFlow::Continue(());
        }
        done = flush(rows, &mut group, &mut visit).is_break();
        if done {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    if !done && flush(rows, &mut group, &mut visit).is_break() {
        group.clear();
    }
}

/// Posts fetched at once, possibly more than the list has room for.
pub(super) const GROUP: usize = 16;

fn flush(
    rows: &(impl Read + ?Sized),
    group: &mut Vec<PostNo>,
    visit: &mut impl FnMut(PostNo, Post) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let numbers = std::mem::take(group);
    for (post_no, post) in existing::<Post, _>(rows, &numbers) {
        visit(post_no, post)?;
    }
    ControlFlow::Continue(())
}

/// Adds the page's neighbours and threads.
fn finish(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    mut list: PostList,
    threads: bool,
) -> PostList {
    list.next = neighbour(rows, channel, list.order.first(), true);
    list.previous = neighbour(rows, channel, list.order.last(), false);
    if threads {
        threads::add_threads(rows, &mut list);
    }
    list
}

/// The nearest live post that is newer or older than a post of the channel.
fn neighbour(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    post: Option<&PostNo>,
    newer: bool,
) -> Option<PostNo> {
    let position = position(rows, channel, *post?)?;
    let all = Walk::prefix(Table::ChannelPosts, &channel);
    let walk = if newer {
        all.after(&position)
    } else {
        all.before(&position).reversed()
    };
    order::first(rows, walk)
}
