//! Tests of reads.

use proptest::prelude::*;

use super::posts::{Part, PostList};
use super::threads::ThreadPart;
use super::{Page, channels, posts, teams, threads, users};
use causeway_kernel::boundary::behaviour;
use causeway_kernel::boundary::env::{Range, Rows, Scan};
use causeway_kernel::model::{ChannelKind, Post, kind};
use causeway_kernel::objects::posts as kernel_posts;
use causeway_kernel::rows::fixture::*;
use causeway_kernel::rows::id::{ChannelNo, PostNo, TeamNo, UserNo, WorkspaceNo};
use causeway_kernel::rows::table::Table;
use causeway_kernel::rows::testing::MemoryHost;

const CHANNEL: ChannelNo = ChannelNo(1);

fn numbers(list: &PostList) -> Vec<u64> {
    list.order.iter().map(|post| post.0).collect()
}

/// Posts 1..=n, 10 ms apart; every third is deleted.
fn with_posts(count: u64) -> MemoryHost {
    let mut host = host();
    put(&mut host, |tx| {
        for number in 1..=count {
            let mut post = post(number, i64::try_from(number * 10).unwrap(), None);
            if number % 3 == 0 {
                post.delete_at = post.create_at + 5;
                post.update_at = post.create_at + 5;
            }
            put_post(tx, number, &post);
        }
    });
    host
}

#[test]
fn pages_are_newest_first_without_deleted_posts() {
    let host = with_posts(10);
    let list = posts::page(&host, CHANNEL, Part::Newest, Page::new(0, 3), false).unwrap();
    assert_eq!(numbers(&list), [10, 8, 7]);
    assert_eq!((list.next, list.previous), (None, Some(PostNo(5))));
    let list = posts::page(&host, CHANNEL, Part::Newest, Page::new(1, 3), false).unwrap();
    assert_eq!(numbers(&list), [5, 4, 2]);
    assert_eq!(
        (list.next, list.previous),
        (Some(PostNo(7)), Some(PostNo(1)))
    );
    let past = posts::page(&host, CHANNEL, Part::Newest, Page::new(3, 3), false).unwrap();
    assert_eq!(past, PostList::default());
}

#[test]
fn before_and_after_name_their_neighbours() {
    let host = with_posts(10);
    let list = posts::page(
        &host,
        CHANNEL,
        Part::Before(PostNo(7)),
        Page::new(0, 2),
        false,
    )
    .unwrap();
    assert_eq!(numbers(&list), [5, 4]);
    assert_eq!(
        (list.next, list.previous),
        (Some(PostNo(7)), Some(PostNo(2)))
    );
    let list = posts::page(
        &host,
        CHANNEL,
        Part::After(PostNo(2)),
        Page::new(0, 3),
        false,
    )
    .unwrap();
    assert_eq!(numbers(&list), [7, 5, 4]);
    assert_eq!(
        (list.next, list.previous),
        (Some(PostNo(8)), Some(PostNo(2)))
    );
    // A deleted post still has a position in time; one of another channel does not.
    let list = posts::page(
        &host,
        CHANNEL,
        Part::Before(PostNo(3)),
        Page::new(0, 9),
        false,
    )
    .unwrap();
    assert_eq!(numbers(&list), [2, 1]);
    let list = posts::page(
        &host,
        ChannelNo(2),
        Part::Before(PostNo(3)),
        Page::new(0, 9),
        false,
    )
    .unwrap();
    assert_eq!(list, PostList::default());
}

/// A host that counts the rows that a read fetches.
struct Counting {
    rows: MemoryHost,
    looked_at: std::cell::Cell<usize>,
}

impl Rows for Counting {
    fn get_many(&self, table: Table, keys: &[Vec<u8>]) -> Vec<Option<Vec<u8>>> {
        self.looked_at.set(self.looked_at.get() + keys.len());
        self.rows.get_many(table, keys)
    }

    fn scan(&self, table: Table, range: &Range) -> Scan {
        let found = self.rows.scan(table, range);
        self.looked_at.set(self.looked_at.get() + found.rows.len());
        found
    }
}

/// A channel whose posts arrived as in practice: most in order, some dated earlier; every seventh is deleted
/// later. Returns the live ones, newest first.
fn counted(count: u64) -> (Counting, Vec<u64>) {
    let mut rows = host();
    let mut places = Vec::new();
    put(&mut rows, |tx| {
        behaviour::adopt(tx).unwrap();
        for n in 1..=count {
            let at = i64::try_from(if n % 10 == 0 { n * 37 % count } else { n }).unwrap();
            // Dated before the step that brings them.
            let at = at - 90_000;
            let new = Post {
                id: tx.new_id(),
                reaction_count: 1,
                ..post(n, at, None)
            };
            let no = kernel_posts::insert(tx, new);
            places.push((at, no));
        }
        for (_, no) in places.iter().filter(|(_, no)| no.0 % 7 == 0) {
            kernel_posts::delete(tx, *no, 0);
        }
    });
    places.sort_unstable_by_key(|place| std::cmp::Reverse(*place));
    let live = places.iter().map(|(_, no)| no.0).filter(|no| no % 7 > 0);
    let live = live.collect();
    let looked_at = std::cell::Cell::new(0);
    (Counting { rows, looked_at }, live)
}

#[test]
fn every_page_of_a_long_channel_is_reached_without_reading_what_is_passed_over() {
    let (host, live) = counted(30_000);
    let per_page = 200;
    let pages = u32::try_from(live.len().div_ceil(per_page)).unwrap();
    for number in (0..pages)
        .step_by(7)
        .chain([pages - 1, pages, pages + 9, u32::MAX])
    {
        host.looked_at.set(0);
        let page = Page::new(number, 200);
        let list = posts::page(&host, CHANNEL, Part::Newest, page, false).unwrap();
        let skip = usize::try_from(page.skip()).unwrap();
        let expected: Vec<u64> = live.iter().skip(skip).take(per_page).copied().collect();
        assert_eq!(numbers(&list), expected, "page {number}");
        // A block, the page with its chunk of rows, and one row per block skipped.
        assert!(
            host.looked_at.get() < 4_000,
            "page {number}: {} rows",
            host.looked_at.get()
        );
    }
}

#[test]
fn pages_before_a_post_tile_what_stands_before_it() {
    let (host, live) = counted(5_000);
    for from in [0, 1, 700, 2_500, live.len() - 1] {
        for number in [0, 1, 3, 20, 99] {
            let page = Page::new(number, 60);
            let part = Part::Before(PostNo(live[from]));
            let list = posts::page(&host, CHANNEL, part, page, false).unwrap();
            let rest = live
                .iter()
                .skip(from + 1 + usize::try_from(page.skip()).unwrap());
            let expected: Vec<u64> = rest.take(60).copied().collect();
            assert_eq!(numbers(&list), expected, "page {number} before {from}");
        }
    }
}

#[test]
fn a_page_that_is_too_deep_is_no_empty_page() {
    let (host, _) = counted(3_000);
    let rows = &host.rows;
    let oldest = posts::page(rows, CHANNEL, Part::Newest, Page::new(12, 200), false).unwrap();
    let oldest = Part::After(*oldest.order.last().unwrap());
    let page = |number| posts::page(rows, CHANNEL, oldest, Page::new(number, 200), false);
    assert_eq!(page(12).unwrap().order.len(), 171);
    assert_eq!(page(500), Ok(PostList::default()));
    let pages = u32::try_from(super::OFFSET_ROWS_MAX / 200).unwrap() + 1;
    let names = |count: u64| {
        let mut host = MemoryHost::new();
        put(&mut host, |tx| {
            (0..count).for_each(|n| tx.bind_name(kind::USERNAME, &format!("u{n}"), n));
        });
        host
    };
    let deep = users::page(&names(super::OFFSET_ROWS_MAX + 1), Page::new(pages, 200));
    assert_eq!(deep, Err(super::TooDeep));
    assert_eq!(
        users::page(&names(300), Page::new(pages, 200)),
        Ok(Vec::new())
    );
}

proptest! {
    #[test]
    fn before_tiles_the_history_without_overlap_or_gap(count in 1u64..150, per_page in 1u32..70) {
        let host = with_posts(count);
        let mut seen = Vec::new();
        let mut list = posts::page(&host, CHANNEL, Part::Newest, Page::new(0, per_page), false).unwrap();
        while let Some(oldest) = list.order.last().copied() {
            seen.extend(numbers(&list));
            list = posts::page(&host, CHANNEL, Part::Before(oldest), Page::new(0, per_page), false).unwrap();
        }
        let live: Vec<u64> = (1..=count).rev().filter(|number| number % 3 != 0).collect();
        prop_assert_eq!(seen, live);
    }

    #[test]
    fn since_finds_exactly_what_changed(count in 1u64..60, since in 0i64..700) {
        let host = with_posts(count);
        let list = posts::since(&host, CHANNEL, since, false);
        let expected: Vec<u64> = (1..=count)
            .rev()
            .filter(|n| i64::try_from(n * 10 + if n % 3 == 0 { 5 } else { 0 }).unwrap() > since)
            .collect();
        prop_assert_eq!(numbers(&list), expected);
    }
}

#[test]
fn since_finds_an_old_post_that_was_touched_and_tells_of_deletions() {
    let mut host = with_posts(6);
    put(&mut host, |tx| {
        let mut old = post(1, 10, None);
        old.update_at = 500;
        put_post(tx, 1, &old);
    });
    let list = posts::since(&host, CHANNEL, 60, false);
    assert_eq!(numbers(&list), [6, 1]);
    assert_eq!(list.posts[&PostNo(6)].delete_at, 65);
    assert_eq!(
        posts::since(&host, CHANNEL, 500, false),
        PostList::default()
    );
}

#[test]
fn roots_and_replies_come_along_but_stay_out_of_the_order() {
    let mut host = with_posts(2);
    put(&mut host, |tx| {
        put_post(tx, 20, &post(20, 200, Some(1)));
        put_post(tx, 21, &post(21, 210, Some(1)));
        let mut deleted = post(22, 220, Some(1));
        deleted.delete_at = 230;
        put_post(tx, 22, &deleted);
    });
    let list = posts::page(&host, CHANNEL, Part::Newest, Page::new(0, 1), true).unwrap();
    assert_eq!(numbers(&list), [21]);
    assert_eq!(
        list.posts.keys().map(|post| post.0).collect::<Vec<_>>(),
        [1, 20, 21]
    );
    let list = posts::page(&host, CHANNEL, Part::Newest, Page::new(0, 1), false).unwrap();
    assert_eq!(list.posts.len(), 1);
}

#[test]
fn threads_are_root_first_then_oldest_first() {
    let mut host = with_posts(2);
    put(&mut host, |tx| {
        for number in 20..25 {
            put_post(
                tx,
                number,
                &post(number, i64::try_from(number * 10).unwrap(), Some(1)),
            );
        }
    });
    let whole = threads::thread(&host, PostNo(22), ThreadPart::default()).unwrap();
    assert_eq!(numbers(&whole), [1, 20, 21, 22, 23, 24]);
    assert_eq!(whole.has_next, Some(false));
    let part = ThreadPart {
        per_page: 2,
        from: Some(PostNo(21)),
        up: false,
    };
    let middle = threads::thread(&host, PostNo(1), part).unwrap();
    assert_eq!(numbers(&middle), [1, 22, 23]);
    assert_eq!(middle.has_next, Some(true));
    let part = ThreadPart {
        per_page: 2,
        from: Some(PostNo(21)),
        up: true,
    };
    let back = threads::thread(&host, PostNo(1), part).unwrap();
    assert_eq!(numbers(&back), [1, 20]);
    assert_eq!(
        threads::thread(&host, PostNo(99), ThreadPart::default()),
        None
    );
}

#[test]
fn a_post_that_is_dated_ahead_stands_where_it_came() {
    let mut host = with_posts(2);
    put(&mut host, |tx| {
        let ahead = |number, root| Post {
            create_at: 9_000,
            ordered_at: 25,
            update_at: 25,
            is_pinned: true,
            ..post(number, 25, root)
        };
        put_post(tx, 20, &ahead(20, None));
        put_post(tx, 21, &ahead(21, Some(1)));
        for (number, root) in [(22, Some(1)), (23, None)] {
            let mut pinned = post(number, 30, root);
            pinned.is_pinned = number == 23;
            put_post(tx, number, &pinned);
        }
    });
    let page = |part| numbers(&posts::page(&host, CHANNEL, part, Page::new(0, 9), false).unwrap());
    assert_eq!(page(Part::Newest), [23, 22, 21, 20, 2, 1]);
    assert_eq!(page(Part::Before(PostNo(20))), [2, 1]);
    assert_eq!(page(Part::After(PostNo(21))), [23, 22]);
    assert_eq!(numbers(&posts::pinned(&host, CHANNEL)), [23, 21, 20]);
    let part = ThreadPart::default();
    let whole = threads::thread(&host, PostNo(1), part).unwrap();
    assert_eq!(numbers(&whole), [1, 21, 22]);
    let from = Some(PostNo(21));
    let rest = threads::thread(&host, PostNo(1), ThreadPart { from, ..part }).unwrap();
    assert_eq!(numbers(&rest), [1, 22]);
    put(&mut host, |tx| join_channel(tx, 1, 2, 25));
    let list = posts::around_unread(&host, CHANNEL, UserNo(2), 2, 9, false).unwrap();
    assert_eq!(numbers(&list), [23, 22, 21, 20]);
}

#[test]
fn a_member_sees_the_border_of_what_is_unread() {
    let mut host = with_posts(10);
    put(&mut host, |tx| join_channel(tx, 1, 2, 45));
    let list = posts::around_unread(&host, CHANNEL, UserNo(2), 2, 2, false).unwrap();
    assert_eq!(numbers(&list), [7, 5, 4, 2]);
    assert_eq!(
        (list.next, list.previous),
        (Some(PostNo(8)), Some(PostNo(1)))
    );
    put(&mut host, |tx| join_channel(tx, 1, 2, 1_000));
    let list = posts::around_unread(&host, CHANNEL, UserNo(2), 1, 1, false).unwrap();
    assert_eq!(numbers(&list), [10, 8]);
}

#[test]
fn pinned_posts_and_reactions_leave_out_what_is_gone() {
    let mut host = with_posts(1);
    put(&mut host, |tx| {
        for number in [30, 31] {
            let mut pinned = post(number, i64::try_from(number).unwrap(), None);
            pinned.is_pinned = true;
            pinned.delete_at = if number == 30 { 99 } else { 0 };
            put_post(tx, number, &pinned);
        }
        put_reaction(tx, 1, 1, "tada", 0);
        put_reaction(tx, 1, 2, "tada", 7);
    });
    assert_eq!(numbers(&posts::pinned(&host, CHANNEL)), [31]);
    let reactions = posts::reactions(&host, PostNo(1));
    assert_eq!(reactions.len(), 1);
    assert_eq!(reactions[0].0.1, UserNo(1));
}

#[test]
fn removed_reactions_hide_no_live_one() {
    let mut host = with_posts(1);
    put(&mut host, |tx| {
        for number in 0..u64::from(posts::REACTIONS_MAX) {
            put_reaction(tx, 1, number, "tada", 7);
        }
        put_reaction(tx, 1, 999_999, "tada", 0);
    });
    assert_eq!(posts::reactions(&host, PostNo(1)).len(), 1);
}

#[test]
fn users_are_found_by_what_names_them() {
    let mut host = host();
    put(&mut host, |tx| {
        let mut zoe = user(3, "zoe");
        zoe.first_name = "Annabel".into();
        put_user(tx, 3, &zoe);
    });
    assert_eq!(users::by_username(&host, "ANN").unwrap().0, UserNo(1));
    assert_eq!(
        users::by_email(&host, "Bob@Example.org").unwrap().0,
        UserNo(2)
    );
    assert_eq!(
        users::by_id(&host, id('u', 2).as_str()).unwrap().1.username,
        "bob"
    );
    assert!(users::by_id(&host, "bob").is_none());
    let names = |page| -> Vec<String> {
        users::page(&host, page)
            .unwrap()
            .into_iter()
            .map(|(_, user)| user.username)
            .collect()
    };
    assert_eq!(names(Page::new(0, 2)), ["ann", "bob"]);
    assert_eq!(names(Page::new(1, 2)), ["zoe"]);
    let scope = users::SearchScope::default();
    let found = users::search(&host, "@ANN", scope, 10);
    assert_eq!(found.iter().map(|(no, _)| no.0).collect::<Vec<_>>(), [1, 3]);
    let scope = users::SearchScope {
        channel: Some(ChannelNo(2)),
        ..scope
    };
    assert_eq!(users::search(&host, "an", scope, 10).len(), 1);
    let ids = [id('u', 2), id('x', 9)].map(String::from);
    assert_eq!(
        users::by_ids(&host, ids.iter().map(String::as_str)).len(),
        1
    );
}

#[test]
fn own_users_are_found_whatever_peers_invent() {
    let mut host = host();
    put(&mut host, |tx| {
        for number in 100..400 {
            let mut invented = user(number, &format!("aa{number}:acme"));
            invented.origin = WorkspaceNo(1);
            invented.nickname = "Ann".into();
            put_user(tx, number, &invented);
        }
        let mut late = user(900, "zed");
        late.first_name = "Aaron".into();
        put_user(tx, 900, &late);
    });
    let found = |term: &str, limit: usize| -> Vec<u64> {
        let scope = users::SearchScope::default();
        let found = users::search(&host, term, scope, limit);
        found.into_iter().map(|(no, _)| no.0).collect()
    };
    assert_eq!(found("aa", 3), [900, 100, 101]);
    assert_eq!(found("AARON", 3), [900]);
    assert_eq!(found("ann", 1), [1]);
    assert_eq!(found("aa", 1_000).len(), 301);
    // In the order of the names searched.
    assert_eq!(found("", 2), [1, 900]);
    assert!(found("aa", 0).is_empty());
}

#[test]
fn lists_of_channels_and_teams_keep_private_things_apart() {
    let mut host = host();
    put(&mut host, |tx| {
        put_channel(tx, 3, 1, "attic", ChannelKind::Public)
    });
    let names = |list: Vec<(ChannelNo, causeway_kernel::model::Channel)>| -> Vec<String> {
        list.into_iter().map(|(_, channel)| channel.name).collect()
    };
    assert_eq!(
        names(channels::public(&host, TeamNo(1), Page::new(0, 9))),
        ["attic", "town"]
    );
    assert_eq!(
        names(channels::of_user(&host, UserNo(1), Some(TeamNo(1)), false)),
        ["den", "town"]
    );
    assert_eq!(
        names(channels::of_user(&host, UserNo(2), None, false)),
        ["town"]
    );
    assert_eq!(
        names(channels::search(&host, TeamNo(1), UserNo(2), "de", 9)),
        [""; 0]
    );
    assert_eq!(
        names(channels::search(&host, TeamNo(1), UserNo(1), "THE d", 9)),
        ["den"]
    );
    assert_eq!(
        channels::members(&host, CHANNEL, Page::new(0, 1))
            .unwrap()
            .len(),
        1
    );
    assert_eq!(channels::member_count(&host, CHANNEL), 2);
    assert_eq!(teams::of_user(&host, UserNo(1)).len(), 1);
    assert_eq!(teams::member_count(&host, TeamNo(1)), 2);
    assert_eq!(
        channels::by_name(&host, TeamNo(1), "Town").unwrap().0,
        CHANNEL
    );
}
