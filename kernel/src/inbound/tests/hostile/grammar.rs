//! Who may do what to whose post in which channel, and properties over batches from a hostile
//! grammar: a refused item leaves no trace, and a bad item never changes the outcome of the others.

use proptest::prelude::*;

use super::*;

#[test]
fn create_edit_and_delete_reach_only_own_posts_in_channels_shared_with_the_peer() {
    let channels = ["joint", "acmeonly", "otheronly", "secret"];
    let authors = ["ann", "boss", "olga"];
    let verbs = [
        ("create", json!({})),
        (
            "edit",
            json!({"update_at": START + 9, "edit_at": START + 9, "message": "changed"}),
        ),
        (
            "pin",
            json!({"update_at": START + 9, "is_pinned": true, "message": "planted"}),
        ),
        (
            "delete",
            json!({"update_at": START + 9, "delete_at": START + 9}),
        ),
    ];
    for channel in channels {
        for author in authors {
            for (verb, change) in &verbs {
                let mut world = World::with_peers();
                if *verb != "create" {
                    world.plant("target", author, channel, "planted");
                }
                let before = world.host.tables.clone();
                let item = with(
                    post("target", author, "x"),
                    json!({"channel_id": id(channel)}),
                );
                let item = with(item, change.clone());
                let payload = json!({"channel_id": id(channel), "posts": [item.clone()]});
                let answer = world.answer(ACME, payload);
                let shared = matches!(channel, "joint" | "acmeonly");
                let allowed = shared && author == "ann";
                let what = format!("{verb} of a post by {author} in {channel}");
                if allowed {
                    assert_eq!(answer["payload"]["post_errors"], json!([]), "{what}");
                    assert_ne!(world.host.tables, before, "{what}");
                } else {
                    if shared {
                        assert_eq!(
                            answer["payload"]["post_errors"],
                            json!([id("target")]),
                            "{what}"
                        );
                    } else {
                        assert_eq!(answer["status"], "FAIL", "{what}");
                    }
                    assert_eq!(world.host.tables, before, "{what}");
                }
                // Nor in a message for a channel that is shared.
                if channel != "joint" {
                    let before = world.host.tables.clone();
                    for told in [channel, "joint"] {
                        let item = with(item.clone(), json!({"channel_id": id(told)}));
                        let other = with(item, json!({"update_at": START + 99}));
                        world.sync(ACME, json!({"posts": [other.clone()]}));
                        if *verb != "create" {
                            assert_eq!(world.host.tables, before, "{what}, told of {told}");
                        } else if told == channel {
                            assert!(world.post("target").is_none() || allowed);
                        }
                    }
                }
            }
        }
    }
}

/// One item of a batch.
#[derive(Clone, Debug)]
enum Item {
    User(Value),
    Post(Value),
    Reaction(Value),
}

fn payload(items: &[Item]) -> Value {
    let mut users = serde_json::Map::new();
    let (mut posts, mut reactions) = (Vec::new(), Vec::new());
    for item in items {
        match item {
            Item::User(user) => {
                users.insert(format!("{:03}", users.len()), user.clone());
            }
            Item::Post(post) => posts.push(post.clone()),
            Item::Reaction(reaction) => reactions.push(reaction.clone()),
        }
    }
    json!({
        "id": id("s"), "channel_id": id("joint"), "users": users, "posts": posts,
        "reactions": reactions,
    })
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
        Item::User(with(user("none", "none"), change))
    });
    let bad_post = (ids(), ids(), ids(), times(), times(), texts(), names()).prop_map(
        |(post_id, author, root, update_at, delete_at, text, kind)| {
            let change = json!({
                "id": post_id, "user_id": author, "root_id": root, "update_at": update_at,
                "delete_at": delete_at, "message": text, "type": kind,
            });
            Item::Post(with(post("none", "ann", "x"), change))
        },
    );
    let bad_reaction = (ids(), ids(), names(), times()).prop_map(|(post, author, emoji, at)| {
        let change =
            json!({"post_id": post, "user_id": author, "emoji_name": emoji, "delete_at": at});
        Item::Reaction(with(reaction("pann", "ann", "x"), change))
    });
    let odd = prop_oneof![
        Just(json!(null)),
        Just(json!([])),
        Just(json!("x")),
        Just(json!(1))
    ];
    prop_oneof![
        bad_user,
        bad_post,
        bad_reaction,
        odd.clone().prop_map(Item::User),
        odd.clone().prop_map(Item::Post),
        odd.prop_map(Item::Reaction),
    ]
}

/// Items whose outcome depends on no other items.
fn good_items() -> Vec<Item> {
    vec![
        Item::User(user("good", "good")),
        Item::Post(post("gone", "good", "one")),
        Item::Post(with(
            post("gtwo", "good", "two"),
            json!({"root_id": id("gone")}),
        )),
        Item::Reaction(reaction("gone", "good", "tada")),
        Item::Reaction(reaction("pboss", "good", "eyes")),
    ]
}

/// Users, posts and reactions without their numbers, which differ between the runs to be compared.
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
    story
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_bad_item_never_changes_how_the_others_fare(
        bad in prop::collection::vec((bad_item(), 0usize..6), 1..6)
    ) {
        let mut clean = World::with_peers();
        let expected = clean.sync(ACME, payload(&good_items()));
        let mut world = World::with_peers();
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
    fn what_is_refused_leaves_no_trace(bad in bad_item()) {
        let mut world = World::with_peers();
        let before = world.host.tables.clone();
        let response = world.sync(ACME, payload(std::slice::from_ref(&bad)));
        let refused = !world.refused().is_empty();
        if refused {
            prop_assert_eq!(&world.host.tables, &before);
            prop_assert_eq!(world.effects.len(), 1);
        } else if let Item::User(user) = &bad {
            prop_assert!(response["users_syncd"].as_array().unwrap().contains(&user["id"]));
        }
    }

    #[test]
    fn nothing_of_ours_or_of_a_third_party_ever_changes(
        bad in prop::collection::vec(bad_item(), 1..12)
    ) {
        let mut world = World::with_peers();
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
