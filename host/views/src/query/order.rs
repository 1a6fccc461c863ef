//! The order of a channel's posts: which are live, and where a page far back begins.

use std::ops::ControlFlow;

use super::{OFFSET_ROWS_MAX, Page, TooDeep, Walk, existing};
use causeway_kernel::model::{ChannelPost, Post, PostBlock};
use causeway_kernel::rows::id::{ChannelNo, PostNo};
use causeway_kernel::rows::key;
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::tx::{Read, Record};

/// A position in the order: the key of its rows.
pub(super) type OrderKey = (ChannelNo, i64, PostNo);

/// Posts fetched at once.
const GROUP: usize = 64;

/// A part of a channel's order.
#[derive(Clone, Copy)]
pub(super) enum Side {
    /// All of it, newest first.
    Newest,
    /// The posts before a position, newest first.
    Before(OrderKey),
    /// The posts after a position, oldest first.
    After(OrderKey),
}

/// Live posts on a page of a part.
pub(super) fn page(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    side: Side,
    page: Page,
) -> Result<Vec<PostNo>, TooDeep> {
    let mut skip = page.skip();
    let all = Walk::prefix(Table::ChannelPosts, &channel);
    let bound = match side {
        Side::After(place) => return take(rows, all.after(&place), skip, page.per_page()),
        Side::Newest => None,
        Side::Before(place) => Some(place),
    };
    let walk = match pass_blocks(rows, channel, bound, &mut skip) {
        Some(bound) => all.before(&bound),
        None => all,
    };
    take(rows, walk.reversed(), skip, page.per_page())
}

/// Skips whole blocks of live posts, backwards from a bound, as long as they are to be skipped. Returns the
/// position before which the rest is.
fn pass_blocks(
    rows: &(impl Read + ?Sized),
    channel: ChannelNo,
    before: Option<OrderKey>,
    skip: &mut u64,
) -> Option<OrderKey> {
    if *skip == 0 {
        return before;
    }
    let mut bound = before;
    let all = Walk::prefix(Table::PostBlocks, &channel);
    let blocks = match &before {
        Some(before) => all.before(before),
        None => all,
    };
    blocks
        .reversed()
        .each(rows, OFFSET_ROWS_MAX, |bytes, value| {
            let start = key::decode::<OrderKey>(bytes);
            let Some((start, block)) = start.zip(PostBlock::from_bytes(value)) else {
                return ControlFlow::Break(());
            };
            let held = match bound.filter(|_| bound == before) {
                // The bound is within this block.
                Some(bound) => count(rows, Walk::between(Table::ChannelPosts, &start, &bound)),
                None => block.live.into(),
            };
            if *skip < held {
                return ControlFlow::Break(());
            }
            *skip -= held;
            bound = Some(start);
            ControlFlow::Continue(())
        });
    bound
}

fn count(rows: &(impl Read + ?Sized), walk: Walk) -> u64 {
    let mut count = 0;
    live(rows, walk, OFFSET_ROWS_MAX, |_| {
        count += 1;
        ControlFlow::Continue(())
    });
    count
}

/// The live posts of a walk after the first `skip`, at most `most`.
pub(super) fn take(
    rows: &(impl Read + ?Sized),
    walk: Walk,
    mut skip: u64,
    most: usize,
) -> Result<Vec<PostNo>, TooDeep> {
    let mut numbers = Vec::with_capacity(most);
    if most == 0 {
        return Ok(numbers);
    }
    let is_whole = live(rows, walk, OFFSET_ROWS_MAX, |no| {
        if skip > 0 {
            skip -= 1;
        } else {
            numbers.push(no);
        }
        if numbers.len() < most {
            ControlFlow::Continue(())
        } else {
            ControlFlow::Break(())
        }
    });
    // A page that is not full means that the list ends with it.
    if numbers.len() < most && !is_whole {
        return Err(TooDeep);
    }
    Ok(numbers)
}

/// The first live post of a walk.
pub(super) fn first(rows: &(impl Read + ?Sized), walk: Walk) -> Option<PostNo> {
    let mut found = None;
    live(rows, walk, OFFSET_ROWS_MAX, |no| {
        found = Some(no);
        ControlFlow::Break(())
    });
    found
}

/// Passes the live posts of a walk to `visit`, until it breaks, among at most `rows_max` of the order.
/// Returns whether the whole walk was covered.
fn live(
    rows: &(impl Read + ?Sized),
    walk: Walk,
    rows_max: u64,
    mut visit: impl FnMut(PostNo) -> ControlFlow<()>,
) -> bool {
    let mut group: Vec<(PostNo, ChannelPost)> = Vec::with_capacity(GROUP);
    let mut passed = 0;
    let mut is_done = false;
    walk.each(rows, rows_max, |bytes, value| {
        passed += 1;
        let place = key::decode::<OrderKey>(bytes).map(|(_, _, no)| no);
        group.extend(place.zip(ChannelPost::from_bytes(value)));
        if group.len() >= GROUP {
            is_done = flush(rows, &mut group, &mut visit).is_break();
        }
        if is_done {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        }
    });
    is_done = is_done || flush(rows, &mut group, &mut visit).is_break();
    !is_done && passed < rows_max
}

fn flush(
    rows: &(impl Read + ?Sized),
    group: &mut Vec<(PostNo, ChannelPost)>,
    visit: &mut impl FnMut(PostNo) -> ControlFlow<()>,
) -> ControlFlow<()> {
    let unknown = group.iter().filter(|(_, row)| row.is_live.is_none());
    let unknown: Vec<PostNo> = unknown.map(|(no, _)| *no).collect();
    let mut unknown = existing::<Post, _>(rows, &unknown).into_iter().peekable();
    for (no, row) in std::mem::take(group) {
        // The posts that were looked up come in the group's order.
        let looked_up = unknown.next_if(|(known, _)| *known == no);
        let is_live = row
            .is_live
            .or(looked_up.map(|(_, post)| post.delete_at == 0));
        if is_live == Some(true) {
            visit(no)?;
        }
    }
    ControlFlow::Continue(())
}
