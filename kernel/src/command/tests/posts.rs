//! Posts.

use super::*;
use crate::model::limits::{MESSAGE_CHARS_MAX, REQUEST_MEMORY_MS};
use crate::model::{ChannelMember, ChannelPost, PinnedPost, Request, RequestExpiry, TeamMember};
use crate::rows::id::WorkspaceNo;
use crate::rows::table::Table;

fn typed(kind: &str, props: &str) -> Command {
    post_with(TOWN, None, "text", |new| {
        new.kind = kind.into();
        new.props = props.into();
    })
}

#[test]
fn a_post_counts_and_its_author_has_seen_it() {
    let mut world = World::new();
    let before = world.get::<Channel>(&TOWN);
    let number = world.write(ANN, TOWN, "hello #World and #x, #two-words! #9no");
    let made = world.get::<Post>(&number);
    assert_eq!(made.create_at, made.update_at);
    assert_eq!(made.origin, WorkspaceNo::OURS);
    assert_eq!(made.hashtags, "#World #two-words");
    let row = world.get::<Channel>(&TOWN);
    assert_eq!(
        (row.msg_count, row.root_msg_count),
        (before.msg_count + 1, before.root_msg_count + 1)
    );
    assert_eq!(
        (row.last_post_at, row.last_root_post_at),
        (made.create_at, made.create_at)
    );
    let member = world.get::<ChannelMember>(&(TOWN, ANN));
    assert_eq!(
        (member.msg_count, member.last_viewed_at),
        (row.msg_count, made.create_at)
    );
}

#[test]
fn the_same_key_makes_one_post() {
    let mut world = World::new();
    let write = |text| post(TOWN, None, text);
    let first = world.output(Actor::User(ANN), Some("k1"), write("one"));
    assert!(matches!(first.reply, Reply::Object(Object::Post(_))));
    let again = world.output(Actor::User(ANN), Some("k1"), write("one"));
    assert_eq!(again.reply, first.reply);
    assert!(again.writes.is_empty() && again.effects.is_empty());
    let other_key = world.output(Actor::User(ANN), Some("k2"), write("one"));
    assert_ne!(other_key.reply, first.reply);
    let other_user = world.output(Actor::User(BOB), Some("k1"), write("one"));
    assert_ne!(other_user.reply, first.reply);
    let Reply::Object(Object::Post(number)) = first.reply else {
        panic!()
    };
    assert_eq!(world.get::<Post>(&number).pending_post_id, "k1");
    let no_key = world.output(Actor::User(ANN), Some(""), write("one"));
    let no_key_again = world.output(Actor::User(ANN), Some(""), write("one"));
    assert_ne!(no_key.reply, no_key_again.reply);
    let long = "k".repeat(129);
    let refused = world.output(Actor::User(ANN), Some(&long), write("one"));
    assert!(matches!(refused.reply, Reply::Refused(_)));
}

#[test]
fn a_refused_post_is_not_remembered() {
    let mut world = World::new();
    world.alter::<Channel>(&TOWN, |town| town.read_only = true);
    let output = world.output(Actor::User(ANN), Some("k1"), post(TOWN, None, "one"));
    assert!(matches!(output.reply, Reply::Refused(_)));
    world.alter::<Channel>(&TOWN, |town| town.read_only = false);
    let output = world.output(Actor::User(ANN), Some("k1"), post(TOWN, None, "one"));
    assert!(matches!(output.reply, Reply::Object(_)));
}

#[test]
fn keys_are_forgotten_after_a_while_and_leave_nothing() {
    let mut world = World::new();
    for number in 0..700 {
        world.now_ms += 1_000 - TICK_MS;
        world.output(
            Actor::User(ANN),
            Some(&format!("k{number}")),
            post(TOWN, None, "x"),
        );
    }
    let rows = |world: &World, table| world.host.tables.count(table);
    assert_eq!(
        (
            rows(&world, Table::Requests),
            rows(&world, Table::RequestExpiry)
        ),
        (700, 700)
    );
    assert!(rows(&world, Table::Due) <= 13, "one due row a minute");
    let expire = |world: &mut World| {
        world.step(expire_requests);
        world.effects.len()
    };
    assert_eq!(expire(&mut world), 0);
    assert_eq!(rows(&world, Table::Requests), 700);
    world.now_ms += REQUEST_MEMORY_MS + 60_000;
    assert_eq!(expire(&mut world), 1, "it reschedules itself");
    assert_eq!(expire(&mut world), 0);
    assert_eq!(
        (
            rows(&world, Table::Requests),
            rows(&world, Table::RequestExpiry)
        ),
        (0, 0)
    );
    assert!(world.host.get::<Request>(&(ANN, "k1".into())).is_none());
    assert!(
        world
            .host
            .get::<RequestExpiry>(&(0, ANN, "k1".into()))
            .is_none()
    );
}

#[test]
fn who_is_not_in_a_channel_does_not_write_there() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    for (user, channel) in [(BOB, lab), (EVE, TOWN), (ANN, ChannelNo(99))] {
        let (status, id) = world.refusal(user, post(channel, None, "hi"));
        assert_eq!(
            (status, id.as_str()),
            (403, "api.context.permissions.app_error")
        );
    }
    world.alter::<Channel>(&lab, |lab| lab.delete_at = 9);
    let (status, id) = world.refusal(ANN, post(lab, None, "hi"));
    assert_eq!(
        (status, id.as_str()),
        (400, "api.post.create_post.can_not_post_to_deleted.error")
    );
    assert_eq!(
        world
            .act(Actor::System, post(TOWN, None, "hi"))
            .unwrap_err()
            .status,
        401
    );
}

#[test]
fn in_a_read_only_channel_administrators_write() {
    let mut world = World::new();
    world.alter::<Channel>(&TOWN, |town| town.read_only = true);
    assert_eq!(world.refusal(ANN, post(TOWN, None, "hi")).0, 403);
    let number = world.write(ADMIN, TOWN, "news");
    assert_eq!(world.refusal(ANN, react(number, "tada")).0, 403);
    world.by(ADMIN, react(number, "tada")).unwrap();
}

#[test]
fn fields_of_posts_are_checked() {
    let mut world = World::new();
    let most = "é".repeat(MESSAGE_CHARS_MAX);
    world.write(ANN, TOWN, &most);
    for long in [format!("{most}x"), "x".repeat(MESSAGE_CHARS_MAX * 4 + 1)] {
        let (status, id) = world.refusal(ANN, post(TOWN, None, &long));
        assert_eq!(
            (status, id.as_str()),
            (400, "model.post.is_valid.message_length.app_error")
        );
    }
    let (status, id) = world.refusal(ANN, typed("system_join_channel", ""));
    assert_eq!(
        (status, id.as_str()),
        (400, "api.context.invalid_param.app_error")
    );
    for kind in [
        "slack_attachment",
        "custom_a b",
        &format!("custom_{}", "x".repeat(30)),
    ] {
        assert_eq!(
            world.refusal(ANN, typed(kind, "")).1,
            "model.post.is_valid.type.app_error"
        );
    }
    world
        .by(ANN, typed("custom_poll", r#"{"a":{"b":[1,null]}}"#))
        .unwrap();
    for props in ["[]", "{", "null", r#"{"a":1}{"b":2}"#, "\"x\""] {
        assert_eq!(
            world.refusal(ANN, typed("", props)).1,
            "model.post.is_valid.props.app_error"
        );
    }
    let Object::Post(number) = world.by(ANN, typed("", " {} ")).unwrap() else {
        panic!()
    };
    assert_eq!(world.get::<Post>(&number).props, "");
}

#[test]
fn replies_name_the_root_of_a_thread_in_the_same_channel() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    let root = world.write(ANN, TOWN, "root");
    let reply = world.reply(ANN, root, "reply");
    for (channel, target, id) in [
        (TOWN, PostNo(999), "api.post.create_post.root_id.app_error"),
        (TOWN, reply, "api.post.create_post.root_id.app_error"),
        (lab, root, "api.post.create_post.channel_root_id.app_error"),
    ] {
        assert_eq!(
            world.refusal(ANN, post(channel, Some(target), "x")),
            (400, id.into())
        );
    }
    world.by(ANN, delete(root)).unwrap();
    let refused = world.refusal(ANN, post(TOWN, Some(root), "x"));
    assert_eq!(refused.1, "api.post.create_post.root_id.app_error");
}

#[test]
fn a_reply_moves_its_root_so_that_since_finds_it() {
    let mut world = World::new();
    let root = world.write(ANN, TOWN, "root");
    let newest = world.write(ANN, TOWN, "other");
    let known = world.get::<Post>(&newest).update_at;
    let reply = world.reply(BOB, root, "reply");
    let row = world.get::<Post>(&root);
    assert_eq!(
        (row.reply_count, row.last_reply_at),
        (1, world.get::<Post>(&reply).create_at)
    );
    assert!(world.get::<Post>(&root).update_at > known);
    let known = world.get::<Post>(&reply).update_at;
    world.by(BOB, react(newest, "+1")).unwrap();
    assert!(world.get::<Post>(&newest).update_at > known);
    assert!(world.get::<Post>(&root).update_at <= known);
}

#[test]
fn times_rise_when_the_clock_does_not() {
    let mut world = World::new();
    let first = world.write(ANN, TOWN, "one");
    let mut last = world.get::<Post>(&first).update_at;
    for _ in 0..5 {
        world.now_ms -= TICK_MS;
        let next = world.write(ANN, TOWN, "more");
        let made = world.get::<Post>(&next);
        assert!(made.update_at > last && made.create_at == made.update_at);
        last = made.update_at;
    }
}

#[test]
fn administrators_of_the_system_rewrite_posts_of_this_workspace() {
    let mut world = World::new();
    let den = world.create_channel(ANN, "den", ChannelKind::Private);
    let number = world.write(ANN, den, "frist");
    world.alter::<TeamMember>(&(TEAM, BOB), |member| member.is_admin = true);
    assert_eq!(world.refusal(BOB, edit(number, "mine")).0, 403);
    world.by(ADMIN, edit(number, "first #one")).unwrap();
    assert_eq!(world.events(), [Event::PostEdited(den, number)]);
    let row = world.get::<Post>(&number);
    assert_eq!((row.user, row.hashtags.as_str()), (ANN, "#one"));
    assert_eq!(
        (row.edit_at, row.origin_update_at),
        (row.update_at, row.update_at)
    );
    // For a post of another workspace they get the reason; others learn no more than before.
    world.alter::<Post>(&number, |post| post.origin = WorkspaceNo(1));
    let refusal = world.by(ADMIN, edit(number, "ours")).unwrap_err();
    assert_eq!(refusal.id, "api.post.update_post.remote.app_error");
    assert!(refusal.message.contains("another workspace"));
    let (status, id) = world.refusal(ANN, edit(number, "ours"));
    assert_eq!(
        (status, id.as_str()),
        (403, "api.context.permissions.app_error")
    );
    assert_eq!(world.get::<Post>(&number).message, "first #one");
    world.alter::<Post>(&number, |post| post.origin = WorkspaceNo::OURS);
    world.alter::<Channel>(&den, |den| den.delete_at = 9);
    assert_eq!(world.refusal(ADMIN, edit(number, "late")).0, 400);
    world.alter::<Channel>(&den, |den| den.delete_at = 0);
    world.host.tables.clear(Table::Behaviours);
    assert_eq!(world.refusal(ADMIN, edit(number, "mine")).0, 403);
}

#[test]
fn only_the_author_rewrites_a_post() {
    let mut world = World::new();
    let number = world.write(ANN, TOWN, "frist");
    assert_eq!(world.refusal(BOB, edit(number, "mine")).0, 403);
    assert_eq!(world.refusal(EVE, edit(number, "mine")).0, 403);
    world.by(ANN, edit(number, "first #one")).unwrap();
    assert_eq!(world.events(), [Event::PostEdited(TOWN, number)]);
    let row = world.get::<Post>(&number);
    assert_eq!(
        (row.message.as_str(), row.hashtags.as_str()),
        ("first #one", "#one")
    );
    assert!(row.edit_at > row.create_at && row.edit_at == row.update_at);
    let output = world.output(Actor::User(ANN), None, edit(number, "first #one"));
    assert!(output.writes.is_empty(), "the same text is no edit");
    let (status, id) = world.refusal(ANN, edit(PostNo(999), "x"));
    assert_eq!((status, id.as_str()), (404, "app.post.get.app_error"));
}

#[test]
fn a_peers_post_is_pinned_but_not_rewritten() {
    let mut world = World::new();
    let number = world.write(ANN, TOWN, "theirs");
    world.alter::<Post>(&number, |post| post.origin = WorkspaceNo(1));
    assert_eq!(world.refusal(ANN, edit(number, "ours")).0, 403);
    world.by(BOB, pin(number, true)).unwrap();
    let row = world.get::<Post>(&number);
    assert!(row.is_pinned && row.edit_at == 0);
    assert!(world.host.has::<PinnedPost>(&(TOWN, number)));
    world.by(BOB, pin(number, false)).unwrap();
    assert!(!world.host.has::<PinnedPost>(&(TOWN, number)));
}

#[test]
fn system_messages_and_archived_channels_stay_as_they_are() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    let ((_, _, notice), _) = world.host.prefix::<ChannelPost, _>(&lab, 1)[0];
    let (status, id) = world.refusal(ANN, edit(notice, "I was never here"));
    assert_eq!(
        (status, id.as_str()),
        (400, "api.post.update_post.system_message.app_error")
    );
    let number = world.write(ANN, lab, "x");
    world.alter::<Channel>(&lab, |lab| lab.delete_at = 9);
    assert_eq!(world.refusal(ANN, edit(number, "y")).0, 400);
    let (_, id) = world.refusal(ANN, delete(number));
    assert_eq!(
        id,
        "api.post.delete_post.can_not_delete_post_in_deleted.error"
    );
}

#[test]
fn a_deleted_root_takes_its_replies_with_it() {
    let mut world = World::new();
    let root = world.write(ANN, TOWN, "root");
    world.by(ANN, pin(root, true)).unwrap();
    let reply = world.reply(BOB, root, "reply");
    assert_eq!(world.refusal(BOB, delete(root)).0, 403);
    world.by(ANN, delete(root)).unwrap();
    assert_eq!(world.events(), [Event::PostDeleted(TOWN, root)]);
    for number in [root, reply] {
        let row = world.get::<Post>(&number);
        assert!(row.delete_at > 0 && row.message.is_empty() && !row.is_pinned);
        assert!(!row.moderated);
    }
    assert!(world.host.prefix::<PinnedPost, _>(&TOWN, 1).is_empty());
    let (status, id) = world.refusal(ANN, delete(root));
    assert_eq!((status, id.as_str()), (404, "app.post.get.app_error"));
    assert_eq!(world.refusal(BOB, edit(reply, "back")).0, 404);
}

#[test]
fn many_replies_are_left_to_a_job() {
    let mut world = World::new();
    let root = world.write(ANN, TOWN, "root");
    let replies: Vec<PostNo> = (0..250).map(|_| world.reply(ANN, root, "reply")).collect();
    world.by(ANN, delete(root)).unwrap();
    let live = replies
        .iter()
        .filter(|reply| world.get::<Post>(reply).delete_at == 0)
        .count();
    assert_eq!(live, 50);
    assert_eq!(world.host.tables.count(Table::Jobs), 1);
}

#[test]
fn an_administrator_moderates_what_a_peer_wrote() {
    let mut world = World::new();
    let number = world.write(ANN, TOWN, "spam");
    world.alter::<Post>(&number, |post| post.origin = WorkspaceNo(1));
    let theirs = world.reply(ANN, number, "their reply");
    world.alter::<Post>(&theirs, |post| post.origin = WorkspaceNo(1));
    let ours = world.reply(ANN, number, "our reply");
    world.by(ADMIN, delete(number)).unwrap();
    let row = world.get::<Post>(&number);
    assert!(row.moderated && row.delete_at > 0);
    assert_eq!(row.origin, WorkspaceNo(1));
    let (theirs, ours) = (world.get::<Post>(&theirs), world.get::<Post>(&ours));
    assert!(theirs.moderated && theirs.delete_at > 0);
    assert!(!ours.moderated && ours.delete_at > 0);
}
