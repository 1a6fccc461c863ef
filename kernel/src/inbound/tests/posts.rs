//! Posts: creation, versions, deletion, threads, mentions.

use super::*;
use crate::model::PinnedPost;
use crate::sharing::notice;

fn one(world: &mut World, post: Value) -> Value {
    world.sync(ACME, json!({"posts": [post]}))
}

#[test]
fn a_post_keeps_id_and_time_and_is_ordered_by_our_clock() {
    let mut world = World::with_peers_of_today();
    let day = 24 * 60 * 60 * 1000;
    let ahead = json!({"create_at": START + day, "update_at": START + day, "props": {"a": 1}});
    let response = one(&mut world, with(post("new", "ann", "hello #tag"), ahead));
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(response["posts_last_update_at"], json!(START + day));
    let new = world.post("new").unwrap();
    assert_eq!(
        (new.create_at, new.origin_update_at),
        (START + day, START + day)
    );
    assert_eq!(
        (new.update_at, new.message.as_str()),
        (world.now_ms, "hello #tag")
    );
    assert_eq!(
        (new.hashtags.as_str(), new.props.as_str()),
        ("#tag", r#"{"a":1}"#)
    );
    assert_eq!(new.origin, world.user("ann").unwrap().origin);
    assert!(world.channel("joint").unwrap().last_post_at <= world.now_ms);
    assert_eq!(new.ordered_at, new.update_at);
    // The same holds for a deleted post, whose place is looked up too.
    let gone = json!({"create_at": START + day, "delete_at": START + day});
    one(&mut world, with(post("gone", "ann", ""), gone));
    let gone = world.post("gone").unwrap();
    assert_eq!(gone.ordered_at, gone.update_at);
}

#[test]
fn the_same_post_ten_times_is_one_post_and_one_event() {
    let mut world = World::with_peers();
    one(&mut world, post("new", "ann", "hello"));
    let before = world.host.tables.clone();
    for _ in 0..10 {
        let response = one(&mut world, post("new", "ann", "hello"));
        assert_eq!(response["post_errors"], json!([]));
        assert_eq!(world.refused(), [("not_newer".to_string(), 1)]);
        assert_eq!(world.effects.len(), 1);
    }
    assert_eq!(world.host.tables, before);
    // A real server sends a root before and after its reply, which changes it.
    let touched = json!({"update_at": START + 50, "reply_count": 1});
    let root = with(post("new", "ann", "hello"), touched);
    let reply = with(post("reply", "ann", "yes"), json!({"root_id": id("new")}));
    let response = world.sync(ACME, json!({"posts": [root, reply, root]}));
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(world.post("new").unwrap().reply_count, 1);
    assert_eq!(world.post("new").unwrap().edit_at, 0);
}

#[test]
fn a_newer_version_applies_and_an_older_one_is_a_success_without_change() {
    let mut world = World::with_peers();
    let edit = |text: &str, at: i64| {
        with(
            post("pann", "ann", text),
            json!({"edit_at": START + at, "update_at": START + at}),
        )
    };
    one(&mut world, edit("newer", 9));
    assert_eq!(world.post("pann").unwrap().message, "newer");
    assert_eq!(world.post("pann").unwrap().edit_at, START + 9);
    let before = world.host.tables.clone();
    for older in [edit("older", 5), edit("same time", 9)] {
        assert_eq!(one(&mut world, older)["post_errors"], json!([]));
        assert_eq!(world.host.tables, before);
    }
    // An edit that changes `edit_at` alone.
    let late = with(post("pann", "ann", "late"), json!({"edit_at": START + 20}));
    one(&mut world, late);
    assert_eq!(world.post("pann").unwrap().message, "late");
}

#[test]
fn author_time_thread_and_type_of_a_stored_post_never_change() {
    let mut world = World::with_peers();
    let changed = json!({
        "update_at": START + 9, "user_id": id("boss"), "create_at": START + 8,
        "root_id": id("pboss"), "type": "system_generic", "is_pinned": true,
    });
    one(&mut world, with(post("pann", "ann", "by ann"), changed));
    let kept = world.post("pann").unwrap();
    assert_eq!(Some(kept.user), world.user_no("ann"));
    assert_eq!(
        (kept.create_at, kept.root, kept.kind.as_str()),
        (START, None, "")
    );
    assert!(kept.is_pinned);
    assert!(
        world
            .host
            .has::<PinnedPost>(&(kept.channel, world.post_no("pann").unwrap()))
    );
    one(
        &mut world,
        with(
            post("pann", "ann", "by ann"),
            json!({"update_at": START + 10}),
        ),
    );
    assert!(!world.post("pann").unwrap().is_pinned);
}

#[test]
fn deletion_is_final_takes_the_thread_along_and_may_be_repeated() {
    let mut world = World::with_peers();
    let reply = with(post("reply", "ann", "yes"), json!({"root_id": id("pann")}));
    one(&mut world, reply.clone());
    let gone = json!({"delete_at": START + 9, "update_at": START + 9, "message": ""});
    let response = one(&mut world, with(post("pann", "ann", ""), gone.clone()));
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(world.post("pann").unwrap().delete_at, START + 9);
    assert_eq!(world.post("reply").unwrap().delete_at, START + 9);
    let before = world.host.tables.clone();
    // A real server sends root and reply as deleted several times, and late versions.
    let late = json!({"update_at": START + 99, "edit_at": START + 99});
    for again in [
        with(post("pann", "ann", ""), gone.clone()),
        with(reply.clone(), gone),
        with(post("pann", "ann", "back again"), late.clone()),
        with(reply, late),
    ] {
        assert_eq!(one(&mut world, again)["post_errors"], json!([]));
        assert_eq!(world.host.tables, before);
    }
}

#[test]
fn a_post_deleted_before_it_came_is_stored_as_a_tombstone_only() {
    let mut world = World::with_peers();
    let gone = json!({"delete_at": START + 1, "update_at": START + 1});
    let response = one(&mut world, with(post("never", "ann", "secret"), gone));
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(world.post("never").unwrap().message, "");
    assert!(
        world.effects.is_empty(),
        "nobody hears of it: {:?}",
        world.effects
    );
    one(
        &mut world,
        with(
            post("never", "ann", "late"),
            json!({"update_at": START + 50}),
        ),
    );
    assert_eq!(world.post("never").unwrap().delete_at, START + 1);
    // A reply to a deleted post is stored as deleted too.
    let reply = with(post("reply", "ann", "yes"), json!({"root_id": id("never")}));
    assert_eq!(one(&mut world, reply)["post_errors"], json!([]));
    assert_ne!(world.post("reply").unwrap().delete_at, 0);
    assert_eq!(world.post("reply").unwrap().message, "");
}

#[test]
fn what_is_wrong_with_a_post_is_named_and_nothing_else_changes() {
    let mut world = World::with_peers();
    let reply = with(post("reply", "ann", "yes"), json!({"root_id": id("pboss")}));
    one(&mut world, reply);
    world.sync(
        OTHER,
        json!({"channel_id": id("otheronly"), "posts": [
            with(post("far", "olga", "elsewhere"), json!({"channel_id": id("otheronly")})),
        ]}),
    );
    let bad = [
        (json!({"id": ""}), "bad_id"),
        (json!({"id": "short"}), "bad_id"),
        (json!({"user_id": id("nobody")}), "unknown_user"),
        (json!({"user_id": ""}), "unknown_user"),
        (json!({"user_id": id("boss")}), "foreign_user"),
        (json!({"user_id": id("olga")}), "foreign_user"),
        (json!({"channel_id": id("secret")}), "wrong_channel"),
        (json!({"channel_id": id("acmeonly")}), "wrong_channel"),
        (json!({"id": id("far")}), "wrong_channel"),
        (json!({"root_id": id("nothing")}), "unknown_root"),
        (json!({"root_id": id("reply")}), "unknown_root"),
        (json!({"root_id": id("far")}), "unknown_root"),
        (json!({"root_id": "short"}), "bad_id"),
        (json!({"message": "x".repeat(16_384)}), "too_large"),
        (json!({"hashtags": "#".repeat(1_001)}), "too_large"),
        (json!({"type": "nonsense"}), "bad_type"),
        (json!({"type": "system_ephemeral"}), "bad_type"),
        (json!({"type": "system_Bad"}), "bad_type"),
        (json!({"type": "custom_that_is_far_too_long_"}), "bad_type"),
        (json!({"create_at": 0}), "bad_time"),
        (json!({"create_at": -5}), "bad_time"),
        (json!({"update_at": i64::MAX}), "bad_time"),
        (json!({"message": 7}), "malformed"),
        (json!({"props": "text"}), "malformed"),
        (json!({"create_at": "now"}), "malformed"),
    ];
    for (change, reason) in bad {
        let before = world.host.tables.clone();
        let item = with(post("bad", "ann", "bad"), change);
        let response = one(&mut world, item.clone());
        assert_eq!(response["post_errors"], json!([item["id"]]), "{item}");
        assert_eq!(world.refused(), [(reason.to_string(), 1)], "{item}");
        assert_eq!(world.host.tables, before, "{item}");
    }
}

#[test]
fn system_types_are_taken_as_what_a_peer_says() {
    let mut world = World::with_peers();
    for (n, kind) in ["system_join_channel", "system_generic", "custom_poll", "me"]
        .iter()
        .enumerate()
    {
        let letters = format!("sys{n}");
        let response = one(
            &mut world,
            with(post(&letters, "ann", "x"), json!({"type": kind})),
        );
        assert_eq!(response["post_errors"], json!([]), "{kind}");
        assert_eq!(world.post(&letters).unwrap().kind, *kind);
    }
    // A system message about joining does not add a member.
    let props = json!({"addedUserId": id("boss"), "username": "boss"});
    let kind = json!({"type": "system_add_to_channel", "props": props});
    let members = |world: &World| {
        let channel = world.channel_no("joint").unwrap();
        world.host.prefix::<ChannelMember, _>(&channel, 99).len()
    };
    let before = members(&world);
    one(
        &mut world,
        with(post("sysadd", "ann", "boss was added"), kind),
    );
    assert_eq!(members(&world), before);
}

#[test]
fn mentions_become_names_as_we_know_them() {
    let mut world = World::with_peers();
    world.sync(
        ACME,
        json!({"users": {"k": user("kim", "kim"), "z": user("zoe", "zoe.x")}}),
    );
    let transforms = json!({
        "boss:here": id("boss"), "kim": id("kim"), "kim:elsewhere": id("olga"),
        "zoe.x": id("zoe"), "dan": id("unknown"), "eve:far": id("unknown"), "boss": id("boss"),
    });
    let table = [
        ("@kim hello, says @kim.", "@kim:acme hello, says @kim:acme."),
        ("@boss:here!", "@boss!"),
        ("@kim:elsewhere @kim", "@olga:other @kim:acme"),
        (
            "@zoe.x and @zoe, @zoe.x.",
            "@zoe.x:acme and @zoe, @zoe.x:acme.",
        ),
        ("@danx @dan @dan-", "@danx @dan:acme @dan:acme-"),
        ("@eve:far stays, @boss stays", "@eve:far stays, @boss stays"),
        (
            "mail kim@kim.example `@kim`",
            "mail kim@kim.example `@kim:acme`",
        ),
        ("@KIM @@kim (@kim) @", "@kim:acme @@kim:acme (@kim:acme) @"),
        (
            "\u{e9}@kim \u{1f600}@kim",
            "\u{e9}@kim:acme \u{1f600}@kim:acme",
        ),
        ("@nobody", "@nobody"),
    ];
    for (n, (text, expected)) in table.into_iter().enumerate() {
        let letters = format!("men{n}");
        let posts = [post(&letters, "ann", text)];
        world.sync(
            ACME,
            json!({"posts": posts, "mention_transforms": transforms}),
        );
        assert_eq!(world.post(&letters).unwrap().message, expected);
    }
}

#[test]
fn a_text_that_mentions_would_make_too_long_stays_as_it_is() {
    let mut world = World::with_peers();
    let text = "@kim ".repeat(3_200);
    let transforms = json!({"kim": id("unknown")});
    let posts = [post("long", "ann", &text)];
    let response = world.sync(
        ACME,
        json!({"posts": posts, "mention_transforms": transforms}),
    );
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(world.post("long").unwrap().message, text);
}

#[test]
fn a_read_only_or_archived_channel_does_not_stop_the_peer() {
    let mut world = World::with_peers();
    let no = world.channel_no("joint").unwrap();
    world.alter::<Channel>(&no, |channel| {
        channel.read_only = true;
        channel.delete_at = START;
    });
    assert_eq!(
        one(&mut world, post("new", "ann", "still"))["post_errors"],
        json!([])
    );
    assert!(world.post("new").is_some());
}

#[test]
fn nothing_can_belong_to_a_message_that_only_this_workspace_has() {
    let mut world = World::with_peers_of_today();
    world.plant("pnotice", "boss", "joint", "ACME cannot be reached.");
    let notice = world.post_no("pnotice").unwrap();
    world.alter::<Post>(&notice, |post| {
        post.kind = notice::POST_TYPE.to_string();
    });
    let reply = with(
        post("preply", "ann", "a reply"),
        json!({"root_id": id("pnotice")}),
    );
    let answer = world.sync(
        ACME,
        json!({
            "posts": [reply],
            "reactions": [reaction("pnotice", "ann", "+1")],
            "acknowledgements": [acknowledgement("pnotice", "ann", 1, 0)],
        }),
    );
    assert_eq!(answer["post_errors"], json!([id("preply")]));
    assert_eq!(
        world.refused(),
        [
            ("unknown_post".to_string(), 2),
            ("unknown_root".to_string(), 1),
        ]
    );
    assert_eq!(world.reactions("pnotice"), []);
    assert_eq!(world.host.tables.count(Table::Acknowledgements), 0);
    let joint = world.channel_no("joint").unwrap();
    let refusal = world.refusal(ADMIN, acts::post(joint, Some(notice), "a reply"));
    assert_eq!(
        refusal,
        (400, "api.post.create_post.root_id.app_error".to_string())
    );
    // What is only seen here may be added here.
    assert!(world.by(ADMIN, acts::react(notice, "+1")).is_ok());
}
