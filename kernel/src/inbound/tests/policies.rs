//! Policies that deny, revise and fail.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::policy::{Denial, Gates, Revision, Verdict};
use crate::inbound::held_step;
use crate::model::limits::{HELD_BYTES_MAX, HELD_MAX};
use crate::model::{Due, DueKind, Held, HeldKind, HeldSum, VerdictRow};
use crate::sharing;

type Asked = Rc<RefCell<Vec<(String, bool)>>>;

/// Loads a policy that denies `bad`, revises `rude` and, unless it `works`, fails on `odd`. Returns
/// the questions that it is asked.
fn filter(world: &mut World, works: bool) -> Asked {
    let asked = Asked::default();
    let notes = asked.clone();
    world.host.policy = Some(Box::new(move |question| {
        let Some(post) = question.post() else {
            return Verdict::Allow;
        };
        notes
            .borrow_mut()
            .push((post.message.to_string(), post.is_edit));
        if post.message.contains("bad") {
            Verdict::Deny(Denial::for_reason("a bad word"))
        } else if post.message.contains("rude") {
            Verdict::Revise(Revision::of_message(post.message.replace("rude", "kind")))
        } else if post.message.contains("odd") && !works {
            Verdict::Failed("trapped".to_string())
        } else {
            Verdict::Allow
        }
    }));
    asked
}

fn texts(asked: &Asked) -> Vec<String> {
    asked.borrow_mut().drain(..).map(|(text, _)| text).collect()
}

fn held(world: &World) -> Vec<Held> {
    world
        .host
        .prefix::<Held, _>(&ACME, 2_000)
        .into_iter()
        .map(|(_, row)| row)
        .collect()
}

fn pending(world: &World) -> usize {
    let due = world.host.prefix::<Due, ()>(&(), 100);
    due.iter()
        .filter(|(_, row)| row.kind == DueKind::Held(ACME))
        .count()
}

#[test]
fn a_frame_asks_once_for_all_and_a_version_is_never_asked_twice() {
    let mut world = World::with_peers();
    let asked = filter(&mut world, true);
    let posts = [
        post("one", "ann", "fine"),
        post("two", "ann", "a bad one"),
        post("three", "ann", "a rude one"),
        post("one", "ann", "fine"),
        post("four", "boss", "not yours to say"),
    ];
    let response = world.sync(ACME, json!({"posts": posts}));
    assert_eq!(response["post_errors"], json!([id("two"), id("four")]));
    assert_eq!(texts(&asked), ["fine", "a bad one", "a rude one"]);
    assert!(world.post("two").is_none());
    assert_eq!(world.post("three").unwrap().message, "a kind one");
    let row = world.get::<VerdictRow>(&(ACME, 0, parsed_id("two")));
    assert_eq!((row.allowed, row.reason.as_str()), (false, "a bad word"));
    let before = world.host.tables.clone();
    let response = world.sync(ACME, json!({"posts": posts}));
    assert_eq!(response["post_errors"], json!([id("two"), id("four")]));
    assert_eq!(world.host.tables, before);
    assert!(texts(&asked).is_empty());
    // Another version is another question, unless its text is unchanged.
    let later =
        |text: &str, at: i64| with(post("two", "ann", text), json!({"update_at": START + at}));
    world.sync(ACME, json!({"posts": [later("a good one", 5)]}));
    assert_eq!(texts(&asked), ["a good one"]);
    assert_eq!(world.post("two").unwrap().message, "a good one");
    world.sync(ACME, json!({"posts": [later("a good one", 6)]}));
    assert!(texts(&asked).is_empty());
    world.sync(ACME, json!({"posts": [later("bad again", 7)]}));
    assert_eq!(
        asked.borrow().last(),
        Some(&("bad again".to_string(), true))
    );
    assert_eq!(world.post("two").unwrap().message, "a good one");
}

#[test]
fn a_failing_policy_holds_the_post_and_what_belongs_to_it_and_they_come_in_order() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    let reply = with(
        post("reply", "ann", "fine answer"),
        json!({"root_id": id("root")}),
    );
    let posts = json!({"posts": [post("root", "ann", "odd"), reply, post("free", "ann", "fine")]});
    let response = world.sync(ACME, posts.clone());
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(world.refused(), [("held".to_string(), 2)]);
    let tada = json!({"reactions": [reaction("root", "ann", "tada")]});
    world.sync(ACME, tada.clone());
    assert!(world.post("free").is_some() && world.post("root").is_none());
    assert_eq!(held(&world).len(), 3);
    assert_eq!(pending(&world), 1);
    // Items that arrive again are held once.
    world.sync(ACME, posts);
    world.sync(ACME, tada);
    assert_eq!((held(&world).len(), pending(&world)), (3, 1));
    // It fails again: everything stays held, in the same order, with a longer pause.
    world.step(|tx| held_step(tx, ACME));
    assert_eq!((held(&world).len(), pending(&world)), (3, 1));
    assert!(held(&world).iter().all(|row| row.attempts == 2));
    filter(&mut world, true);
    world.step(|tx| held_step(tx, ACME));
    assert_eq!(world.post("root").unwrap().message, "odd");
    assert_eq!(world.post("reply").unwrap().root, world.post_no("root"));
    assert_eq!(world.reactions("root"), [("tada".to_string(), true)]);
    assert_eq!((held(&world).len(), pending(&world)), (0, 0));
}

#[test]
fn a_newer_version_takes_the_place_of_the_one_that_waits() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    let version =
        |text: &str, at: i64| with(post("new", "ann", text), json!({"update_at": START + at}));
    world.sync(ACME, json!({"posts": [version("odd one", 1)]}));
    world.sync(ACME, json!({"posts": [version("odd two", 2)]}));
    assert_eq!(held(&world).len(), 1);
    world.sync(ACME, json!({"posts": [version("fine", 3)]}));
    assert_eq!(world.post("new").unwrap().message, "fine");
    filter(&mut world, true);
    world.step(|tx| held_step(tx, ACME));
    assert_eq!(world.post("new").unwrap().message, "fine");
    assert!(held(&world).is_empty());
    // A post that is deleted while it is held stays deleted.
    filter(&mut world, false);
    world.sync(ACME, json!({"posts": [post("short", "ann", "odd")]}));
    let gone = json!({"delete_at": START + 9, "update_at": START + 9});
    world.sync(
        ACME,
        json!({"posts": [with(post("short", "ann", ""), gone)]}),
    );
    filter(&mut world, true);
    world.step(|tx| held_step(tx, ACME));
    assert_eq!(world.post("short").unwrap().delete_at, START + 9);
}

#[test]
fn a_reaction_that_its_sender_may_not_give_does_not_wait() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    world.sync(ACME, json!({"posts": [post("new", "ann", "odd")]}));
    let before = world.host.tables.clone();
    let foreign = reaction("new", "boss", "tada");
    let bad = with(reaction("new", "ann", "tada"), json!({"emoji_name": "a b"}));
    world.sync(ACME, json!({"reactions": [foreign, bad]}));
    assert_eq!(world.host.tables, before);
    let reasons = [
        ("bad_emoji".to_string(), 1),
        ("foreign_user".to_string(), 1),
    ];
    assert_eq!(world.refused(), reasons);
}

#[test]
fn an_older_version_that_comes_late_does_not_take_the_place_of_the_one_that_waits() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    let version =
        |text: &str, at: i64| with(post("new", "ann", text), json!({"update_at": START + at}));
    let tada = |at: i64, delete_at: i64| {
        let times = json!({"update_at": START + at, "delete_at": delete_at});
        with(reaction("new", "ann", "tada"), times)
    };
    let first = json!({"posts": [version("odd one", 1)], "reactions": [tada(1, 0)]});
    world.sync(ACME, first.clone());
    let second = json!({"posts": [version("odd two", 2)], "reactions": [tada(2, START + 2)]});
    world.sync(ACME, second.clone());
    let before = world.host.tables.clone();
    world.sync(ACME, second);
    assert_eq!(world.host.tables, before);
    world.sync(ACME, first);
    assert_eq!(world.host.tables, before);
    filter(&mut world, true);
    world.step(|tx| held_step(tx, ACME));
    assert_eq!(world.post("new").unwrap().message, "odd two");
    assert_eq!(world.reactions("new"), [("tada".to_string(), false)]);
}

#[test]
fn without_room_the_peer_has_to_try_again_and_nothing_is_half_done() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    for batch in 0..HELD_MAX / 50 {
        let posts: Vec<Value> = (0..50)
            .map(|n| post(&format!("h{batch}h{n}"), "ann", "odd"))
            .collect();
        world.sync(ACME, json!({"posts": posts}));
    }
    assert_eq!(held(&world).len() as u32, HELD_MAX);
    let before = world.host.tables.clone();
    let payload = json!({
        "channel_id": id("joint"),
        "users": {"n": user("nina", "nina")},
        "posts": [post("fine", "ann", "fine"), post("more", "ann", "odd")],
    });
    let body = world.frame(ACME, "sharedchannel_sync", &payload);
    let (status, answer) = world.body(ACME, &body);
    assert_eq!((status, answer["status_code"].as_i64()), (503, Some(503)));
    assert_eq!(world.host.tables, before);
    assert!(world.effects.is_empty());
    filter(&mut world, true);
    for _ in 0..HELD_MAX / 50 {
        world.step(|tx| held_step(tx, ACME));
    }
    assert!(held(&world).is_empty());
    assert_eq!(world.body(ACME, &body).0, 200);
    assert!(world.post("more").is_some());
}

#[test]
fn what_waits_is_dropped_when_the_channel_is_no_longer_shared() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    world.sync(ACME, json!({"posts": [post("new", "ann", "odd")]}));
    let channel = world.channel_no("joint").unwrap();
    world.step(|tx| sharing::end_link(tx, channel, ACME, LinkEnd::Removed));
    filter(&mut world, true);
    world.step(|tx| held_step(tx, ACME));
    assert!(world.post("new").is_none() && held(&world).is_empty());
    assert_eq!(world.refused(), [("wrong_channel".to_string(), 1)]);
}

#[test]
fn one_item_that_always_fails_does_not_hold_up_the_others() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    let posts: Vec<Value> = (0..60)
        .map(|n| post(&format!("w{n}"), "ann", "odd"))
        .collect();
    world.sync(ACME, json!({"posts": posts}));
    world.host.policy = Some(Box::new(|question| {
        let Some(post) = question.post() else {
            return Verdict::Allow;
        };
        if post.post_id == id("w0") {
            Verdict::Failed("x".into())
        } else {
            Verdict::Allow
        }
    }));
    world.step(|tx| held_step(tx, ACME));
    world.step(|tx| held_step(tx, ACME));
    assert!((1..60).all(|n| world.post(&format!("w{n}")).is_some()));
    assert_eq!(held(&world).len(), 1);
}

#[test]
fn changed_policies_are_asked_at_once_about_what_waits_and_anew_about_what_was_denied() {
    let mut world = World::with_peers_of_today();
    filter(&mut world, false);
    let posts = json!({"posts": [
        post("odd", "ann", "odd"),
        post("bad", "ann", "bad"),
        post("rude", "ann", "rude"),
    ]});
    let response = world.sync(ACME, posts.clone());
    assert_eq!(response["post_errors"], json!([id("bad")]));
    assert_eq!(held(&world).len(), 1);

    // Held items are asked about without their pause.
    world.host.policy = None;
    let changed = Input::PolicyChanged {
        chain: String::new(),
        what: "unload filter".into(),
        gates: Some(Gates::ALL),
    };
    world.run(changed);
    world.run_due();
    assert_eq!(world.post("odd").unwrap().message, "odd");
    assert_eq!((held(&world).len(), pending(&world)), (0, 0));

    // Only the verdict on the denied post was stored, and it no longer counts.
    let response = world.sync(ACME, posts);
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(world.post("bad").unwrap().message, "bad");
    assert_eq!(world.post("rude").unwrap().message, "kind");
}

#[test]
fn changed_policies_are_asked_at_once_about_all_that_waits_also_while_one_item_still_fails() {
    let mut world = World::with_peers_of_today();
    filter(&mut world, false);
    let posts: Vec<Value> = (0..60)
        .map(|n| post(&format!("w{n}"), "ann", "odd"))
        .collect();
    world.sync(ACME, json!({"posts": posts}));
    world.host.policy = Some(Box::new(|question| {
        let Some(post) = question.post() else {
            return Verdict::Allow;
        };
        if post.post_id == id("w0") {
            Verdict::Failed("x".into())
        } else {
            Verdict::Allow
        }
    }));
    let changed = Input::PolicyChanged {
        chain: String::new(),
        what: "load another".into(),
        gates: Some(Gates::ALL),
    };
    world.run(changed);
    world.run_due();
    for _ in 0..10 {
        world.run(Input::Timer);
    }
    assert_eq!(held(&world).len(), 1);
}

#[test]
fn a_row_of_the_first_version_tells_a_reaction_by_its_emoji() {
    let item = |json: &str| {
        let row = (7u64, json.as_bytes(), &[] as &[u8], "why", 3u32);
        let bytes = [vec![1], postcard::to_allocvec(&row).unwrap()].concat();
        Held::from_bytes(&bytes).unwrap()
    };
    let reaction = item(r#"{"emoji_name":"tada"}"#);
    assert_eq!(reaction.kind, HeldKind::Reaction);
    assert_eq!((reaction.channel.0, reaction.attempts), (7, 3));
    assert_eq!(item(r#"{"message":"x"}"#).kind, HeldKind::Post);
    assert_eq!(Held::from_bytes(&[9, 0]), None);
}

/// How much is held: as stored, and as counted from the rows.
fn sums(world: &World) -> (HeldSum, HeldSum) {
    let mut counted = HeldSum::default();
    for row in held(world) {
        counted.items += 1;
        counted.bytes += (row.item.len() + row.mention_transforms.len()) as u64;
    }
    let stored = world.host.get::<HeldSum>(&ACME).unwrap_or_default();
    (stored, counted)
}

#[test]
fn what_waits_is_counted_and_indexed_whatever_becomes_of_it() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    let reply = with(post("reply", "ann", "fine"), json!({"root_id": id("root")}));
    let posts = [
        post("root", "ann", "odd"),
        reply,
        post("other", "ann", "odd too"),
    ];
    world.sync(
        ACME,
        json!({"posts": posts, "mention_transforms": {"x": id("ann")}}),
    );
    world.sync(
        ACME,
        json!({"reactions": [reaction("root", "ann", "tada")]}),
    );
    let edited = with(
        post("root", "ann", "odder"),
        json!({"update_at": START + 5, "edit_at": START + 5}),
    );
    world.sync(ACME, json!({"posts": [edited]}));
    let check = |world: &World, items: usize| {
        let (stored, counted) = sums(world);
        assert_eq!((stored, counted.items as usize), (counted, items));
        assert_eq!(world.host.tables.count(Table::HeldItems), items);
        assert_eq!(pending(world), usize::from(items > 0));
    };
    check(&world, 4);
    world.step(|tx| held_step(tx, ACME));
    check(&world, 4);
    world.host.policy = None;
    world.step(|tx| held_step(tx, ACME));
    check(&world, 0);
    assert_eq!(world.post("root").unwrap().message, "odder");
    assert_eq!(world.post("root").unwrap().reaction_count, 1);
}

#[test]
fn what_waits_is_limited_in_bytes() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    let long = |n: u8| {
        let props = json!({"x": "y".repeat(250_000)});
        with(
            post(&format!("long{}", char::from(b'a' + n)), "ann", "odd"),
            json!({"props": props}),
        )
    };
    let mut sent = 0;
    let refused = loop {
        let payload = json!({
            "id": id("s"), "channel_id": id("joint"), "posts": [long(sent)],
        });
        let body = world.frame(ACME, "sharedchannel_sync", &payload);
        let (status, _) = world.body(ACME, &body);
        sent += 1;
        if status != 200 {
            break status;
        }
    };
    assert_eq!(refused, 503);
    let (stored, counted) = sums(&world);
    assert_eq!(stored, counted);
    assert!((HELD_BYTES_MAX - 300_000..=HELD_BYTES_MAX).contains(&stored.bytes));
    // A step asks about a bounded number of items.
    let asked = filter(&mut world, false);
    world.step(|tx| held_step(tx, ACME));
    assert!((1..=2).contains(&texts(&asked).len()));
    // There is still room for another peer's items.
    world.sync(OTHER, json!({"posts": [post("theirs", "olga", "odd")]}));
    assert_eq!(world.get::<HeldSum>(&OTHER).items, 1);
}

#[test]
fn what_waited_before_it_was_indexed_finds_its_place_when_the_service_starts() {
    let mut world = World::with_peers();
    filter(&mut world, false);
    world.sync(ACME, json!({"posts": [post("root", "ann", "odd")]}));
    world.host.tables.clear(Table::HeldItems);
    world.host.tables.clear(Table::HeldSums);
    world.run(Input::Resume);
    world.run_due();
    let (stored, counted) = sums(&world);
    assert_eq!((stored, counted.items), (counted, 1));
    let reply = with(post("reply", "ann", "fine"), json!({"root_id": id("root")}));
    world.sync(ACME, json!({"posts": [reply]}));
    assert_eq!(held(&world).len(), 2, "its root waits");
}
