//! Reactions.

use super::*;
use crate::model::limits::{
    BACKOFF_MAX_MS, EMOJI_PER_POST_MAX, REMOTE_EMOJI_PER_POST_MAX, REMOVED_REACTIONS_MAX,
};
use crate::model::{EmojiCount, FeedEntry, Held, PostEmoji, Reaction, RemovedReactions, Scope};

fn send(world: &mut World, reactions: &[Value]) -> Value {
    world.sync(ACME, json!({"reactions": reactions}))
}

fn at(reaction: Value, update_at: i64, delete_at: i64) -> Value {
    let zero = |at: i64| if at == 0 { 0 } else { START + at };
    with(
        reaction,
        json!({"update_at": START + update_at, "delete_at": zero(delete_at)}),
    )
}

#[test]
fn duplicates_change_nothing_although_real_servers_toggle() {
    let mut world = World::with_peers();
    let add = at(reaction("pboss", "ann", "tada"), 1, 0);
    let response = send(&mut world, &[add.clone(), add.clone()]);
    assert_eq!(response["reactions_last_update_at"], json!(START + 1));
    assert_eq!(world.reactions("pboss"), [("tada".to_string(), true)]);
    assert_eq!(world.post("pboss").unwrap().reaction_count, 1);
    let before = world.host.tables.clone();
    for _ in 0..10 {
        send(&mut world, std::slice::from_ref(&add));
    }
    assert_eq!(world.host.tables, before);
    let remove = at(reaction("pboss", "ann", "tada"), 2, 2);
    send(&mut world, &[remove.clone(), remove.clone(), add]);
    assert_eq!(world.reactions("pboss"), [("tada".to_string(), false)]);
    assert_eq!(world.post("pboss").unwrap().reaction_count, 0);
    let again = at(reaction("pboss", "ann", "tada"), 3, 0);
    send(&mut world, &[remove, again]);
    assert_eq!(world.reactions("pboss"), [("tada".to_string(), true)]);
}

#[test]
fn a_removal_that_comes_first_or_in_the_same_millisecond_wins() {
    let mut world = World::with_peers();
    let remove = at(reaction("pboss", "ann", "eyes"), 5, 5);
    let add = at(reaction("pboss", "ann", "eyes"), 4, 0);
    send(&mut world, &[remove, add]);
    assert_eq!(world.reactions("pboss"), [("eyes".to_string(), false)]);
    let both = [
        at(reaction("pann", "ann", "eyes"), 5, 0),
        at(reaction("pann", "ann", "eyes"), 5, 5),
        at(reaction("pann", "ann", "eyes"), 5, 0),
    ];
    send(&mut world, &both);
    assert_eq!(world.reactions("pann"), [("eyes".to_string(), false)]);
}

#[test]
fn only_users_of_the_peer_react_and_only_in_the_channel() {
    let mut world = World::with_peers();
    world.sync(
        OTHER,
        json!({"channel_id": id("otheronly"), "posts": [
            with(post("far", "olga", "elsewhere"), json!({"channel_id": id("otheronly")})),
        ]}),
    );
    world.sync(
        ACME,
        json!({"posts": [with(
            post("pann", "ann", ""),
            json!({"delete_at": START + 1, "update_at": START + 1}),
        )]}),
    );
    let bad = [
        (reaction("pboss", "boss", "tada"), "foreign_user"),
        (reaction("pboss", "olga", "tada"), "foreign_user"),
        (reaction("pboss", "nobody", "tada"), "unknown_user"),
        (reaction("nothing", "ann", "tada"), "unknown_post"),
        (reaction("far", "ann", "tada"), "wrong_channel"),
        (reaction("pann", "ann", "tada"), "unknown_post"),
        (reaction("pboss", "ann", ""), "bad_emoji"),
        (reaction("pboss", "ann", "no emoji"), "bad_emoji"),
        (reaction("pboss", "ann", &"e".repeat(65)), "bad_emoji"),
        (
            with(reaction("pboss", "ann", "x"), json!({"post_id": "short"})),
            "bad_id",
        ),
        (
            with(reaction("pboss", "ann", "x"), json!({"update_at": -1})),
            "bad_time",
        ),
        (
            with(reaction("pboss", "ann", "x"), json!({"delete_at": "no"})),
            "malformed",
        ),
    ];
    for (item, reason) in bad {
        let before = world.host.tables.clone();
        let response = send(&mut world, std::slice::from_ref(&item));
        assert_eq!(response["reaction_errors"], json!([]));
        assert_eq!(response["reactions_last_update_at"], json!(0));
        assert_eq!(world.refused(), [(reason.to_string(), 1)], "{item}");
        assert_eq!(world.host.tables, before, "{item}");
    }
}

#[test]
fn a_causeway_hears_which_reactions_it_may_send_again() {
    let mut world = World::with_peers();
    let items = [
        reaction("later", "ann", "tada"),
        reaction("pboss", "newcomer", "tada"),
        reaction("pann", "boss", "tada"),
        reaction("pboss", "ann", "no emoji"),
    ];
    let none = json!([]);
    assert_eq!(send(&mut world, &items)["reaction_errors"], none);
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    // Nor does a workspace of an older kernel report them.
    assert_eq!(send(&mut world, &items)["reaction_errors"], none);
    world.adopt();
    let expected = json!([id("later"), id("pboss")]);
    assert_eq!(send(&mut world, &items)["reaction_errors"], expected);
}

fn many(of: std::ops::Range<u32>, update_at: i64, delete_at: i64) -> Vec<Value> {
    of.map(|n| {
        at(
            reaction("pboss", "ann", &format!("e{n}")),
            update_at,
            delete_at,
        )
    })
    .collect()
}

#[test]
fn a_post_has_so_many_emoji_and_what_is_too_much_waits_for_room() {
    let mut world = World::with_peers_of_today();
    let max = REMOTE_EMOJI_PER_POST_MAX;
    send(&mut world, &many(0..max + 3, 1, 0));
    assert_eq!(world.refused(), [("held".to_string(), 3)]);
    let post = world.post_no("pboss").unwrap();
    assert_eq!(world.get::<PostEmoji>(&post).0, max);
    // Another reaction with one of these emoji is taken.
    world.sync(
        OTHER,
        json!({"reactions": [reaction("pboss", "olga", "e0")]}),
    );
    assert_eq!(world.get::<Post>(&post).reaction_count, max + 1);
    // One emoji is removed: the first held item is applied, the others stay held.
    send(&mut world, &many(7..8, 2, 2));
    let waiting = world.host.prefix::<Held, _>(&ACME, 9);
    assert_eq!(waiting.len(), 3);
    assert!(
        waiting
            .iter()
            .all(|(_, held)| held.reason.contains("fewer different emoji"))
    );
    world.now_ms += BACKOFF_MAX_MS;
    world.run(Input::Timer);
    assert_eq!(world.get::<PostEmoji>(&post).0, max);
    assert_eq!(world.host.prefix::<Held, _>(&ACME, 9).len(), 2);
}

#[test]
fn emoji_of_two_sides_stay_although_there_is_room_for_those_of_one() {
    let mut world = World::with_peers_of_today();
    send(&mut world, &many(0..EMOJI_PER_POST_MAX + 4, 1, 0));
    assert_eq!(world.refused(), []);
}

#[test]
fn removed_reactions_are_limited_and_end_those_of_nobody_else() {
    let mut world = World::with_peers_of_today();
    let max = REMOVED_REACTIONS_MAX;
    send(&mut world, &many(0..max, 1, 1));
    send(&mut world, &many(max..max + 50, 1, 1));
    assert_eq!(world.refused(), [("not_newer".to_string(), 50)]);
    let post = world.post_no("pboss").unwrap();
    let of_acme = world.get::<Connection>(&ACME).workspace;
    let share = (post, of_acme, UserNo(0));
    assert_eq!(world.get::<RemovedReactions>(&share).0, max);
    // The peer can add no new emoji, but those that it removed before.
    send(&mut world, &many(max..max + 1, 2, 0));
    assert_eq!(world.refused(), [("too_many_emoji".to_string(), 1)]);
    send(&mut world, &many(3..4, 2, 0));
    assert_eq!(world.get::<RemovedReactions>(&share).0, max - 1);
    assert_eq!(world.get::<Post>(&post).reaction_count, 1);
    // Everybody else can react as before.
    world.sync(
        OTHER,
        json!({"reactions": [reaction("pboss", "olga", "e0")]}),
    );
    assert_eq!(world.get::<Post>(&post).reaction_count, 2);
}

#[test]
fn reactions_from_before_they_were_counted_are_counted_with_the_next_one() {
    let mut world = World::with_peers();
    send(&mut world, &many(0..30, 1, 0));
    send(&mut world, &many(0..9, 2, 2));
    let post = world.post_no("pboss").unwrap();
    assert_eq!(world.host.get::<PostEmoji>(&post), None);
    world.adopt();
    send(&mut world, &many(40..41, 3, 0));
    assert_eq!(world.get::<PostEmoji>(&post).0, 22);
    assert_eq!(world.get::<EmojiCount>(&(post, "e12".into())).0, 1);
    let of_acme = world.get::<Connection>(&ACME).workspace;
    let share = (post, of_acme, UserNo(0));
    assert_eq!(world.get::<RemovedReactions>(&share).0, 9);
}

#[test]
fn before_they_were_counted_emoji_of_peers_had_the_limit_of_users_here() {
    let mut world = World::with_peers();
    let max = EMOJI_PER_POST_MAX;
    send(&mut world, &many(0..max + 3, 1, 0));
    assert_eq!(world.refused(), [("too_many_emoji".to_string(), 3)]);
    assert_eq!(world.reactions("pboss").len(), max as usize);
}

#[test]
fn one_that_is_given_anew_is_passed_on_anew() {
    let mut world = World::with_peers_of_today();
    let place = |world: &World| {
        let key = (
            world.post_no("pboss").unwrap(),
            world.user_no("ann").unwrap(),
        );
        let row = world.get::<Reaction>(&(key.0, key.1, "tada".to_string()));
        let channel = world.channel_no("joint").unwrap();
        assert!(
            world
                .host
                .has::<FeedEntry>(&(Scope::channel(channel), row.feed_seq))
        );
        row.feed_seq
    };
    let add = at(reaction("pboss", "ann", "tada"), 1, 0);
    send(&mut world, std::slice::from_ref(&add));
    let first = place(&world);
    send(&mut world, &[add]);
    assert_eq!(place(&world), first, "the same one again is no news");
    send(&mut world, &[at(reaction("pboss", "ann", "tada"), 2, 0)]);
    assert!(place(&world) > first);
    assert!(world.events().is_empty(), "readers see the same as before");
}
