//! Properties over batches from a hostile grammar: a refused item leaves no trace, and a bad item never changes the
//! outcome of the others.

use proptest::prelude::*;

use super::*;
use crate::model::{Acknowledgement as AcknowledgementRow, StatusRow};

/// One item of a batch: its section, and itself.
type Item = (&'static str, Value);

fn payload(items: &[Item]) -> Value {
    let mut payload = json!({"id": id("s"), "channel_id": id("joint"), "users": {}});
    for (section, item) in items {
        let found = &mut payload[*section];
        if let Some(users) = found.as_object_mut() {
            users.insert(format!("{:03}", users.len()), item.clone());
        } else if let Some(list) = found.as_array_mut() {
            list.push(item.clone());
        } else {
            *found = json!([item]);
        }
    }
    payload
}

/// A workspace of today's kernel, or one whose data is from before every behaviour.
fn any_world() -> impl Strategy<Value = fn() -> World> {
    prop_oneof![
        Just(world as fn() -> World),
        Just(World::with_peers as fn() -> World)
    ]
}

fn ids() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "ann", "boss", "olga", "pann", "pboss", "polga", "none"
        ])
        .prop_map(id),
        Just(String::new()),
        Just("x".repeat(5_000)),
        Just(id("ann").to_uppercase()),
        Just(format!("{} ", id("pann"))),
        Just(id("\u{430}nn")),
    ]
}

fn times() -> impl Strategy<Value = Value> {
    prop_oneof![
        (-5..5i64).prop_map(|n| json!(START + n)),
        Just(json!(START + 86_400_000)),
        Just(json!(0)),
        Just(json!(-1)),
        Just(json!(i64::MAX)),
        Just(json!("now")),
        Just(json!(1.5)),
        Just(json!(null)),
    ]
}

fn texts() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("")),
        Just(json!("plain @ann #tag")),
        Just(json!("\u{0}\u{1}\u{7f}")),
        Just(json!("\u{202e}desrever")),
        Just(json!("x".repeat(16_384))),
        Just(json!(7)),
        Just(json!(["a"])),
    ]
}

fn names() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(json!("")),
        Just(json!("mallory")),
        Just(json!("boss")),
        Just(json!("a:b:c")),
        Just(json!("Upper")),
        Just(json!("n".repeat(64))),
        Just(json!("n".repeat(65))),
    ]
}

/// An item that is bad in some way, or foreign, or a stale version of a stored object: it may not
/// change any row of others.
fn bad_item() -> impl Strategy<Value = Item> {
    let bad_user = (ids(), names(), times(), texts()).prop_map(|(id, name, at, text)| {
        let change = json!({"id": id, "username": name, "update_at": at, "nickname": text});
        ("users", with(user("none", "none"), change))
    });
    let bad_post = (ids(), ids(), ids(), times(), times(), texts(), names()).prop_map(
        |(post_id, author, root, update_at, delete_at, text, kind)| {
            let change = json!({
                "id": post_id, "user_id": author, "root_id": root, "update_at": update_at,
                "delete_at": delete_at, "message": text, "type": kind,
            });
            ("posts", with(post("none", "ann", "x"), change))
        },
    );
    let bad_reaction = (ids(), ids(), names(), times()).prop_map(|(post, author, emoji, at)| {
        let change =
            json!({"post_id": post, "user_id": author, "emoji_name": emoji, "delete_at": at});
        ("reactions", with(reaction("pann", "ann", "x"), change))
    });
    let bad_acknowledgement =
        (ids(), ids(), times(), times()).prop_map(|(post, user, at, gone)| {
            let change =
                json!({"post_id": post, "user_id": user, "acknowledged_at": at, "delete_at": gone});
            let item = with(acknowledgement("pann", "ann", 1, 0), change);
            ("acknowledgements", item)
        });
    let bad_status = (ids(), names(), times(), times()).prop_map(|(user, word, at, until)| {
        let change = json!({
            "user_id": user, "status": word, "last_activity_at": at, "dnd_end_time": until,
        });
        ("statuses", with(thing(Status, "ann", "joint").item, change))
    });
    let bad_membership =
        (ids(), ids(), any::<bool>(), times()).prop_map(|(user, place, add, at)| {
            let change = json!({"user_id": user, "is_add": add, "change_time": at});
            let item = with(membership("ann", true, 1), change);
            let elsewhere = with(item.clone(), json!({"channel_id": place}));
            (
                "membership_changes",
                if place.is_empty() { item } else { elsewhere },
            )
        });
    let odd = prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!("x")),
        Just(json!(1))
    ];
    let sections = [
        "users",
        "posts",
        "reactions",
        "acknowledgements",
        "statuses",
        "membership_changes",
    ];
    // Boxed, as their values together would be too large for the stack of a test.
    prop_oneof![
        bad_user.boxed(),
        bad_post.boxed(),
        bad_reaction.boxed(),
        bad_acknowledgement.boxed(),
        bad_status.boxed(),
        bad_membership.boxed(),
        (prop::sample::select(sections.to_vec()), odd).boxed(),
    ]
}

/// Items whose outcome depends on no other items.
fn good_items() -> Vec<Item> {
    let reply = json!({"root_id": id("gone")});
    vec![
        ("users", user("good", "good")),
        ("posts", post("gone", "good", "one")),
        ("posts", with(post("gtwo", "good", "two"), reply)),
        ("reactions", reaction("gone", "good", "tada")),
        ("reactions", reaction("pboss", "good", "eyes")),
        ("acknowledgements", acknowledgement("pboss", "good", 3, 0)),
        ("statuses", thing(Status, "good", "joint").item),
        ("membership_changes", membership("good", false, 3)),
    ]
}

/// What became of the good items, without their numbers, which differ between the runs to be compared.
fn story(world: &World) -> Vec<String> {
    let mut story = Vec::new();
    for letters in ["good", "boss", "olga"] {
        story.extend(
            world
                .user(letters)
                .map(|user| format!("{} {}", user.username, user.nickname)),
        );
    }
    for letters in ["gone", "gtwo", "pboss", "polga"] {
        let Some(post) = world.post(letters) else {
            continue;
        };
        let text = &post.message;
        story.push(format!(
            "{letters} {text} {} {}",
            post.reply_count, post.delete_at
        ));
        let mut live = world.reactions(letters);
        live.retain(|(emoji, live)| *live && (emoji == "tada" || emoji == "eyes"));
        story.push(format!("{live:?}"));
    }
    let good = world.user_no("good").unwrap();
    let joint = world.channel_no("joint").unwrap();
    let pboss = world.post_no("pboss").unwrap();
    let has_read = world.host.has::<AcknowledgementRow>(&(pboss, good));
    let status = world.host.get::<StatusRow>(&good).map(|row| row.status);
    let is_member = world.host.has::<ChannelMember>(&(joint, good));
    story.push(format!("{has_read} {status:?} {is_member}"));
    story
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn t26_a_bad_item_never_changes_how_the_others_fare(
        begin in any_world(), bad in prop::collection::vec((bad_item(), 0usize..9), 1..6)
    ) {
        let mut clean = begin();
        let expected = clean.sync(ACME, payload(&good_items()));
        let mut world = begin();
        let mut items = good_items();
        for (item, at) in bad {
            items.insert(at.min(items.len()), item);
        }
        let response = world.sync(ACME, payload(&items));
        prop_assert_eq!(story(&world), story(&clean));
        for id in expected["users_syncd"].as_array().unwrap() {
            prop_assert!(response["users_syncd"].as_array().unwrap().contains(id));
        }
        for errors in response["post_errors"].as_array().unwrap() {
            prop_assert!(errors != &json!(id("gone")) && errors != &json!(id("gtwo")));
        }
    }

    #[test]
    fn t26_what_is_refused_leaves_no_trace(begin in any_world(), bad in bad_item()) {
        let mut world = begin();
        let before = world.host.tables.clone();
        let response = world.sync(ACME, payload(std::slice::from_ref(&bad)));
        let refused = !world.refused().is_empty();
        if refused {
            prop_assert_eq!(&world.host.tables, &before);
            prop_assert_eq!(world.effects.len(), 1);
        } else if let ("users", user) = &bad {
            prop_assert!(response["users_syncd"].as_array().unwrap().contains(&user["id"]));
        }
    }

    #[test]
    fn t15_nothing_of_ours_or_of_a_third_party_ever_changes(
        begin in any_world(), bad in prop::collection::vec(bad_item(), 1..12)
    ) {
        let mut world = begin();
        let kept = |world: &World| {
            let users = ["boss", "olga"].map(|letters| world.user(letters));
            let posts = ["pboss", "polga"].map(|letters| {
                world.post(letters).map(|post| {
                    (post.message, post.user, post.delete_at, post.is_pinned, post.origin)
                })
            });
            (users, posts, world.channel("secret"), world.channel("otheronly"))
        };
        let before = kept(&world);
        world.sync(ACME, payload(&bad));
        prop_assert_eq!(kept(&world), before);
    }

    #[test]
    fn bytes_that_are_no_frame_change_nothing(body in prop::collection::vec(any::<u8>(), 0..400)) {
        let mut world = World::with_peers();
        let before = world.host.tables.clone();
        let (status, _) = world.body(ACME, &body);
        prop_assert_eq!(status, 400);
        prop_assert_eq!(&world.host.tables, &before);
    }
}

#[test]
fn what_cannot_be_stored_everywhere_is_replaced_in_what_a_peer_sends() {
    let mut world = World::with_peers_of_today();
    let profile = with(
        user("bea", "bea"),
        json!({"nickname": "B\0", "props": {"a": "\0"}}),
    );
    let props = json!({"n": "HUGE", "t": "\0"});
    let body = with(post("odd", "ann", "a\0b"), json!({"props": props}));
    let payload = json!({
        "channel_id": id("joint"), "id": id("s"), "users": {"b": profile}, "posts": [body],
    });
    let frame = world.frame(ACME, "sharedchannel_sync", &payload);
    let frame = String::from_utf8(frame)
        .unwrap()
        .replace("\"HUGE\"", "1e999");
    let (status, answer) = world.body(ACME, frame.as_bytes());
    assert_eq!(
        (status, &answer["payload"]["post_errors"]),
        (200, &json!([]))
    );
    let bea = world.user("bea").unwrap();
    assert_eq!(bea.nickname, "B\u{fffd}");
    assert_eq!(bea.props, "{\"a\":\"\u{fffd}\"}");
    let stored = world.post("odd").unwrap();
    assert_eq!(stored.message, "a\u{fffd}b");
    assert_eq!(stored.props, r#"{"n":"1e999","t":"\ufffd"}"#);
}
