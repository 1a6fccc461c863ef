//! The order of the posts of a channel and of the replies of a thread, with their numbers: the order is
//! divided into blocks with a row of totals for each, so a page far back is reached by reading rows of blocks
//! instead of all posts before it.
//!
//! The blocks of a channel cover every place from the first block on. In a channel from before posts were
//! counted, the first block begins somewhere in the middle; [`count_older`] moves it back by one portion per
//! step.

use crate::boundary::behaviour::Behaviour;
use crate::boundary::env::Range;
use crate::model::limits::{JOB_ROWS_PER_STEP, POSTS_PER_BLOCK};
use crate::model::{Channel, ChannelPost, Job, Post, PostBlock, ThreadPost};
use crate::rows::id::{ChannelNo, PostNo};
use crate::rows::tx::{Read, SCAN_BYTES_MAX, Tx};
use crate::rows::{jobs, key};

/// A place in the order of a channel: the key of its rows.
type OrderKey = (ChannelNo, i64, PostNo);

/// The position of a new post in the order of its channel and thread, in ms. The clock of its origin may be
/// ahead of ours, and a peer may name any time: the position is never later than now, otherwise such a post
/// would remain the newest until its time has come.
pub(super) fn place_of(tx: &Tx<'_>, create_at: i64, stamp: i64) -> i64 {
    if create_at > stamp && Behaviour::OrderedByArrival.is_in_force(tx) {
        stamp
    } else {
        create_at
    }
}

/// Adds a new post, deleted or not, to the order.
pub(super) fn insert(tx: &mut Tx<'_>, no: PostNo, post: &Post) {
    let place = (post.channel, post.ordered_at, no);
    let is_live = post.delete_at == 0;
    if Behaviour::PostsCounted.is_in_force(tx) {
        count(tx, place, is_live, POSTS_PER_BLOCK);
    }
    let is_live = Some(is_live);
    tx.put(&place, &ChannelPost { is_live });
    if let Some(root) = post.root {
        tx.put(&(root, post.ordered_at, no), &ThreadPost);
    }
}

/// Marks a post of the order as deleted.
pub(super) fn delete(tx: &mut Tx<'_>, no: PostNo, post: &Post) {
    let place = (post.channel, post.ordered_at, no);
    let is_live = Some(false);
    tx.put(&place, &ChannelPost { is_live });
    if let Some((start, mut block)) = block_of(tx, place) {
        block.live = block.live.saturating_sub(1);
        tx.put(&start, &block);
    }
}

/// Counts a place that is not in the order yet; a block gets at most `most` rows.
fn count(tx: &mut Tx<'_>, place: OrderKey, is_live: bool, most: u32) {
    let one = PostBlock {
        rows: 1,
        live: is_live.into(),
    };
    let mut holder = block_of(tx, place);
    let is_full = holder.as_ref().is_none_or(|(_, block)| block.rows >= most);
    if is_full && places(tx, behind(place), end(place.0), false, 1).is_empty() {
        // The newest place begins a block; the first place of a channel begins the block that covers
        // everything.
        let from = key::encode(&place.0);
        let is_first = places(tx, from, key::encode(&place), true, 1).is_empty();
        let start = if is_first { first(place.0) } else { place };
        tx.put(&start, &one);
        return;
    }
    if is_full && let Some((start, block)) = holder {
        split(tx, start, block);
        holder = block_of(tx, place);
    }
    // Otherwise the blocks begin after this place.
    if let Some((start, block)) = holder {
        tx.put(&start, &block.with(one));
    }
}

/// Splits a block into two.
fn split(tx: &mut Tx<'_>, start: OrderKey, block: PostBlock) {
    let next = blocks(tx, behind(start), end(start.0), false);
    let to = next.map_or_else(|| end(start.0), |(next, _)| key::encode(&next));
    let found = places(tx, key::encode(&start), to, false, block.rows);
    let (lower, upper) = found.split_at(found.len() / 2);
    if let ([_, ..], [(half, _), ..]) = (lower, upper) {
        tx.put(&start, &PostBlock::of(lower));
        tx.put(half, &PostBlock::of(upper));
    }
}

/// Starts counting the posts from before posts were counted.
pub fn start_counting(tx: &mut Tx<'_>) {
    if !places(tx, Vec::new(), Vec::new(), false, 1).is_empty() {
        let channel = ChannelNo(0);
        jobs::start(tx, Job::CountPosts { channel });
    }
}

/// Carries out a portion of [`Job::CountPosts`]; returns the continued job, if any.
pub fn count_older(tx: &mut Tx<'_>, from: ChannelNo) -> Option<Job> {
    let range = jobs::range(key::encode(&from), &[]);
    let channel = tx
        .rows::<Channel>(&Range {
            rows_max: 1,
            ..range
        })
        .first()?
        .0;
    let lowest = blocks(tx, key::encode(&channel), end(channel), false);
    let to = lowest.map_or_else(|| end(channel), |(start, _)| key::encode(&start));
    let mut older = places(tx, key::encode(&channel), to, true, JOB_ROWS_PER_STEP);
    older.reverse();
    let Some((oldest, _)) = older.first().copied() else {
        if let Some((start, block)) = lowest {
            replace(tx, start, first(channel), block);
        }
        let channel = ChannelNo(channel.0.saturating_add(1));
        return Some(Job::CountPosts { channel });
    };
    let numbers: Vec<PostNo> = older.iter().map(|((.., no), _)| *no).collect();
    for ((place, row), post) in older.iter_mut().zip(tx.get_all::<Post>(&numbers)) {
        row.is_live = Some(post.is_some_and(|post| post.delete_at == 0));
        tx.put(place, row);
    }
    let portion = PostBlock::of(&older);
    match lowest {
        Some((start, block)) if block.rows.saturating_add(portion.rows) <= POSTS_PER_BLOCK => {
            replace(tx, start, oldest, block.with(portion));
        }
        _ => tx.put(&oldest, &portion),
    }
    Some(Job::CountPosts { channel })
}

/// Moves the start of a block.
fn replace(tx: &mut Tx<'_>, old: OrderKey, new: OrderKey, block: PostBlock) {
    tx.delete::<PostBlock>(&old);
    tx.put(&new, &block);
}

/// The block that contains a place, if the blocks begin before it.
fn block_of(tx: &Tx<'_>, place: OrderKey) -> Option<(OrderKey, PostBlock)> {
    blocks(tx, key::encode(&place.0), behind(place), true)
}

/// The first block of a range in the given direction.
fn blocks(tx: &Tx<'_>, from: Vec<u8>, to: Vec<u8>, reverse: bool) -> Option<(OrderKey, PostBlock)> {
    let range = Range {
        from,
        to,
        reverse,
        rows_max: 1,
        bytes_max: SCAN_BYTES_MAX,
    };
    tx.rows::<PostBlock>(&range).into_iter().next()
}

fn places(
    tx: &Tx<'_>,
    from: Vec<u8>,
    to: Vec<u8>,
    reverse: bool,
    rows_max: u32,
) -> Vec<(OrderKey, ChannelPost)> {
    tx.rows::<ChannelPost>(&Range {
        from,
        to,
        reverse,
        rows_max,
        bytes_max: SCAN_BYTES_MAX,
    })
}

/// The place before all others of a channel.
fn first(channel: ChannelNo) -> OrderKey {
    (channel, i64::MIN, PostNo(0))
}

/// The smallest key after a place.
fn behind(place: OrderKey) -> Vec<u8> {
    let mut key = key::encode(&place);
    key.push(0);
    key
}

/// The end of the keys of a channel.
fn end(channel: ChannelNo) -> Vec<u8> {
    key::prefix_end(&key::encode(&channel)).unwrap_or_default()
}

impl PostBlock {
    /// The totals of rows of the order.
    fn of(rows: &[(OrderKey, ChannelPost)]) -> PostBlock {
        let one = |(_, row): &(OrderKey, ChannelPost)| PostBlock {
            rows: 1,
            live: (row.is_live == Some(true)).into(),
        };
        rows.iter()
            .map(one)
            .fold(PostBlock::default(), PostBlock::with)
    }

    fn with(self, other: PostBlock) -> PostBlock {
        PostBlock {
            rows: self.rows.saturating_add(other.rows),
            live: self.live.saturating_add(other.live),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::boundary::behaviour;
    use crate::rows::fixture::{self, put};
    use crate::rows::testing::MemoryHost;

    const TOWN: ChannelNo = ChannelNo(1);

    /// The expected contents of a channel's blocks.
    type Model = BTreeMap<(i64, PostNo), bool>;

    /// Checks the blocks against all posts, and returns the start of the first one.
    fn check(host: &MemoryHost, model: &Model, most: u32) -> Option<OrderKey> {
        let blocks = host.prefix::<PostBlock, _>(&TOWN, 9_999);
        let ends = blocks.iter().skip(1).map(|(start, _)| Some(*start));
        for ((start, block), end) in blocks.iter().zip(ends.chain([None])) {
            let is_inside = |(at, no): &(i64, PostNo)| {
                let place = (TOWN, *at, *no);
                place >= *start && end.is_none_or(|end| place < end)
            };
            let inside: Vec<bool> = model
                .iter()
                .filter(|(place, _)| is_inside(place))
                .map(|(_, is_live)| *is_live)
                .collect();
            let live = inside.iter().filter(|is_live| **is_live).count();
            assert_eq!(
                (block.rows as usize, block.live as usize),
                (inside.len(), live)
            );
            assert!(block.rows <= most);
        }
        blocks.first().map(|(start, _)| *start)
    }

    fn row(at: i64, no: u64, is_live: bool) -> Post {
        let mut post = fixture::post(no, at, None);
        post.delete_at = i64::from(!is_live);
        post
    }

    /// A step: a new post at a place, or the deletion of an existing one.
    fn act(
        tx: &mut Tx<'_>,
        model: &mut Model,
        (at, is_live, deletes): (i64, bool, bool),
        most: u32,
    ) {
        if let Some(((at, no), is_live)) = model
            .range_mut((at, PostNo(0))..)
            .next()
            .filter(|_| deletes)
        {
            if *is_live {
                delete(tx, *no, &row(*at, no.0, true));
                tx.put(no, &row(*at, no.0, false));
                *is_live = false;
            }
            return;
        }
        let no = PostNo(model.len() as u64 + 1);
        count(tx, (TOWN, at, no), is_live, most);
        tx.put(
            &(TOWN, at, no),
            &ChannelPost {
                is_live: Some(is_live),
            },
        );
        tx.put(&no, &row(at, no.0, is_live));
        model.insert((at, no), is_live);
    }

    proptest! {
        #[test]
        fn blocks_hold_every_post_once_and_are_never_overfull(
            acts in proptest::collection::vec((0i64..50, any::<bool>(), any::<bool>()), 1..80),
            most in 2u32..6,
        ) {
            let (mut host, mut model) = (fixture::host(), Model::new());
            for act_of in acts {
                put(&mut host, |tx| act(tx, &mut model, act_of, most));
                check(&host, &model, most);
            }
            let begin = check(&host, &model, most);
            prop_assert_eq!(begin, model.first_key_value().map(|_| first(TOWN)));
        }

        #[test]
        fn what_was_there_before_is_counted_in_portions_whatever_comes_between(
            older in 0u64..700,
            acts in proptest::collection::vec((0i64..9_000, any::<bool>(), any::<bool>()), 0..12),
        ) {
            let (mut host, mut model) = (fixture::host(), Model::new());
            put(&mut host, |tx| {
                for no in 1..=older {
                    let at = i64::try_from(no * 10).unwrap();
                    fixture::put_post(tx, no, &row(at, no, no % 3 > 0));
                    tx.put(&(TOWN, at, PostNo(no)), &ChannelPost { is_live: None });
                    model.insert((at, PostNo(no)), no % 3 > 0);
                }
            });
            put(&mut host, |tx| behaviour::adopt(tx).unwrap());
            let jobs = host.prefix::<Job, ()>(&(), 9).into_iter();
            let jobs = jobs.filter(|(_, job)| matches!(job, Job::CountPosts { .. }));
            prop_assert_eq!(jobs.count(), usize::from(older > 0));
            let mut acts = acts.into_iter();
            let mut job = Some(Job::CountPosts { channel: ChannelNo(0) });
            while let Some(Job::CountPosts { channel }) = job {
                put(&mut host, |tx| {
                    if let Some(act_of) = acts.next() {
                        act(tx, &mut model, act_of, POSTS_PER_BLOCK);
                    }
                });
                check(&host, &model, POSTS_PER_BLOCK);
                put(&mut host, |tx| job = count_older(tx, channel));
            }
            for act_of in acts {
                put(&mut host, |tx| act(tx, &mut model, act_of, POSTS_PER_BLOCK));
            }
            let begin = check(&host, &model, POSTS_PER_BLOCK);
            prop_assert_eq!(begin, model.first_key_value().map(|_| first(TOWN)));
            let known = host.prefix::<ChannelPost, _>(&TOWN, 9_999);
            prop_assert!(known.iter().all(|(_, row)| row.is_live.is_some()));
        }
    }
}
