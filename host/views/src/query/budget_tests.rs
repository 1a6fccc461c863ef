//! Tests of lists of posts that are large in bytes.

use causeway_kernel::model::Post;
use causeway_kernel::rows::fixture::*;
use causeway_kernel::rows::id::{ChannelNo, PostNo};
use causeway_kernel::rows::testing::MemoryHost;

use super::Page;
use super::posts::{self, LIST_BYTES_MAX, Part, PostList, REACTIONS_MAX, weight};
use super::threads::{self, ThreadPart, WITH_PAGE_BYTES_MAX};
use crate::json::{Viewer, Views, text};

const CHANNEL: ChannelNo = ChannelNo(1);
/// A list holds 13 posts of this size.
const PROPS_BYTES: usize = 300_000;

fn large(number: u64, root: Option<u64>) -> Post {
    Post {
        props: format!("{{\"a\":\"{}\"}}", "x".repeat(PROPS_BYTES)),
        is_pinned: true,
        ..post(number, i64::try_from(number * 10).unwrap(), root)
    }
}

/// Posts 1..=count, all large, the others replies to the first if `in_thread`.
fn host_with(count: u64, in_thread: bool) -> MemoryHost {
    let mut host = host();
    put(&mut host, |tx| {
        for number in 1..=count {
            let root = (in_thread && number > 1).then_some(1);
            put_post(tx, number, &large(number, root));
        }
    });
    host
}

fn bytes(list: &PostList) -> usize {
    list.posts.values().map(weight).sum()
}

#[test]
fn a_page_ends_at_its_budget_and_goes_on_behind_its_last_post() {
    let host = host_with(40, false);
    let (mut seen, mut part) = (Vec::new(), Part::Newest);
    loop {
        let list = posts::page(&host, CHANNEL, part, Page::new(0, 200), true).unwrap();
        assert!(bytes(&list) <= LIST_BYTES_MAX);
        assert_eq!(list.cut, list.previous.is_some());
        seen.extend(list.order.iter().map(|post| post.0));
        let Some(last) = list.order.last().filter(|_| list.cut) else {
            break;
        };
        part = Part::Before(*last);
    }
    assert_eq!(seen, (1..=40).rev().collect::<Vec<_>>());
    let newer = posts::page(
        &host,
        CHANNEL,
        Part::After(PostNo(5)),
        Page::new(0, 200),
        true,
    )
    .unwrap();
    assert!(newer.cut && newer.next.is_some());
    assert_eq!(newer.order.last(), Some(&PostNo(6)));
}

#[test]
fn a_single_post_is_shown_however_large_it_is() {
    let mut host = host();
    put(&mut host, |tx| {
        for number in 1..=2 {
            let mut post = large(number, None);
            post.props = format!("{{\"a\":\"{}\"}}", "x".repeat(LIST_BYTES_MAX));
            put_post(tx, number, &post);
        }
    });
    let list = posts::page(&host, CHANNEL, Part::Newest, Page::new(0, 9), false).unwrap();
    assert_eq!(
        (list.order.as_slice(), list.cut),
        ([PostNo(2)].as_slice(), true)
    );
}

#[test]
fn what_is_new_since_a_time_names_what_had_no_room() {
    let host = host_with(40, false);
    let list = posts::since(&host, CHANNEL, 0, true);
    assert!(list.cut && bytes(&list) <= LIST_BYTES_MAX);
    let last = list.order.last().unwrap();
    assert_eq!(list.previous, Some(PostNo(last.0 - 1)));
    let all = posts::since(&host_with(4, false), CHANNEL, 0, true);
    assert_eq!((all.order.len(), all.previous), (4, None));
}

#[test]
fn a_thread_goes_on_behind_its_last_reply() {
    let host = host_with(40, true);
    let (mut seen, mut from) = (vec![1], None);
    loop {
        let part = ThreadPart {
            from,
            ..ThreadPart::default()
        };
        let list = threads::thread(&host, PostNo(1), part).unwrap();
        assert!(bytes(&list) <= LIST_BYTES_MAX);
        seen.extend(list.order.iter().skip(1).map(|post| post.0));
        from = list.order.last().copied();
        if list.has_next == Some(false) {
            break;
        }
    }
    assert_eq!(seen, (1..=40).collect::<Vec<_>>());
}

#[test]
fn threads_and_pinned_posts_have_budgets_too() {
    let host = host_with(40, true);
    let list = posts::page(&host, CHANNEL, Part::Newest, Page::new(0, 2), true).unwrap();
    assert_eq!(list.order, [PostNo(40), PostNo(39)]);
    assert!(list.posts.contains_key(&PostNo(1)), "the root comes first");
    assert!(bytes(&list) <= 2 * (PROPS_BYTES + 2_000) + WITH_PAGE_BYTES_MAX);
    let pinned = posts::pinned(&host, CHANNEL);
    assert!(pinned.cut && bytes(&pinned) <= LIST_BYTES_MAX);
}

#[test]
fn a_post_weighs_at_least_what_it_takes() {
    let mut heavy = large(1, None);
    heavy.message = "\u{1}\"\\\n\u{e9}<".repeat(500);
    heavy.hashtags = "#a".repeat(400);
    let mut host = host();
    put(&mut host, |tx| put_post(tx, 1, &heavy));
    let shown = text(&Views::new(&host, Viewer::System).post(PostNo(1), &heavy));
    assert!(shown.len() <= weight(&heavy), "{} bytes", shown.len());
    heavy.reaction_count = u32::MAX;
    let most = weight(&heavy);
    assert!(most > REACTIONS_MAX as usize * 100 && most < LIST_BYTES_MAX);
}
