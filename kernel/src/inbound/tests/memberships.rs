//! Memberships that a peer states.

use proptest::prelude::*;

use super::*;
use crate::model::limits::FRAME_ITEMS_PER_STEP_MAX;
use crate::model::{ChannelKind, Place, SharedMembership, TeamMember, UserChannel};
use crate::objects::members;

/// With memberships shared.
fn world() -> World {
    let mut world = World::with_peers_of_today();
    let settings = acts::configure_sharing(|settings| settings.members = true);
    world.output(Actor::System, None, settings);
    world
}

fn send(world: &mut World, changes: &[Value]) -> Value {
    world.sync(ACME, json!({"membership_changes": changes}))
}

fn is_member(world: &World, channel: &str, user: &str) -> bool {
    let channel = world.channel_no(channel).unwrap();
    let user = world.user_no(user).unwrap();
    world.host.has::<ChannelMember>(&(channel, user))
}

#[test]
fn a_peer_adds_and_removes_its_own_people_over_both_topics() {
    let mut world = world();
    assert!(is_member(&world, "joint", "ann"), "with the profile");
    for (topic, is_add, at) in [
        ("sharedchannel_sync", false, 1),
        ("sharedchannel_membership", true, 2),
        ("sharedchannel_membership", false, 3),
        ("sharedchannel_sync", true, 4),
    ] {
        let changes = json!([membership("ann", is_add, at)]);
        let payload =
            json!({"id": id("s"), "channel_id": id("joint"), "membership_changes": changes});
        let answer = world.message(ACME, topic, payload);
        assert_eq!(answer["status"], "OK");
        assert!(answer["payload"].is_object(), "{answer}");
        assert_eq!(is_member(&world, "joint", "ann"), is_add);
    }
}

#[test]
fn a_new_user_comes_with_the_addition_and_a_known_one_without_a_profile() {
    let mut world = world();
    let zoe = user("zoe", "zoe");
    let added = json!({
        "users": {"z": zoe}, "membership_changes": [membership("zoe", true, 1)],
    });
    world.sync(ACME, added);
    assert!(is_member(&world, "joint", "zoe"));
    let elsewhere = with(
        membership("zoe", true, 2),
        json!({"channel_id": id("acmeonly")}),
    );
    let message = json!({"channel_id": id("acmeonly"), "membership_changes": [elsewhere]});
    world.sync(ACME, message);
    assert!(is_member(&world, "acmeonly", "zoe"));
    assert!(!is_member(&world, "secret", "zoe"));
}

const CHANGES: [(bool, i64); 4] = [(true, 10), (false, 20), (true, 20), (true, 15)];

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn the_latest_change_is_in_force_whatever_the_order_of_arrival(
        order in Just(CHANGES.to_vec()).prop_shuffle(),
    ) {
        let mut world = world();
        for (is_add, at) in order {
            send(&mut world, &[membership("ann", is_add, at)]);
        }
        // At the same time, leaving is the later one.
        prop_assert!(!is_member(&world, "joint", "ann"));
        send(&mut world, &[membership("ann", true, 21)]);
        prop_assert!(is_member(&world, "joint", "ann"));
    }
}

#[test]
fn the_same_again_changes_nothing() {
    let mut world = world();
    let change = membership("ann", false, 5);
    send(&mut world, std::slice::from_ref(&change));
    let before = world.host.tables.clone();
    send(&mut world, &[change.clone(), change]);
    assert_eq!(world.refused(), [("not_newer".to_string(), 2)]);
    assert_eq!(world.host.tables, before);
}

#[test]
fn a_profile_brings_nobody_back_who_left() {
    let mut world = world();
    send(&mut world, &[membership("ann", false, 5)]);
    let newer = with(user("ann", "anna"), json!({"update_at": START + 9}));
    world.sync(ACME, json!({"users": {"a": newer}}));
    assert_eq!(world.user("ann").unwrap().username, "anna:acme");
    assert!(!is_member(&world, "joint", "ann"));
}

#[test]
fn an_admin_here_removes_a_visitor_until_the_home_states_something_new() {
    let mut world = world();
    let stated = membership("ann", true, 5);
    send(&mut world, std::slice::from_ref(&stated));
    let (channel, ann) = (
        world.channel_no("joint").unwrap(),
        world.user_no("ann").unwrap(),
    );
    world.by(ADMIN, acts::remove_member(channel, ann)).unwrap();
    send(&mut world, &[stated]);
    world.sync(ACME, json!({"users": {"a": user("ann", "ann")}}));
    assert!(!is_member(&world, "joint", "ann"));
    send(&mut world, &[membership("ann", true, 6)]);
    assert!(is_member(&world, "joint", "ann"));
}

#[test]
fn nothing_is_widened() {
    let mut world = world();
    let elsewhere = |letters: &str| {
        with(
            membership("ann", true, 1),
            json!({"channel_id": id(letters)}),
        )
    };
    let bad = [
        (membership("boss", false, 1), "foreign_user"),
        (membership("olga", false, 1), "foreign_user"),
        (membership("olga", true, 1), "foreign_user"),
        (membership("nobody", true, 1), "unknown_user"),
        (elsewhere("secret"), "wrong_channel"),
        (elsewhere("otheronly"), "wrong_channel"),
        (elsewhere("acmeonly"), "wrong_channel"),
        (elsewhere(""), "wrong_channel"),
        (
            with(membership("ann", true, 1), json!({"user_id": "short"})),
            "bad_id",
        ),
        (
            with(membership("ann", true, 1), json!({"change_time": -1})),
            "bad_time",
        ),
        (
            with(membership("ann", true, 1), json!({"change_time": i64::MAX})),
            "bad_time",
        ),
        (
            with(membership("ann", true, 1), json!({"is_add": "yes"})),
            "malformed",
        ),
        (json!("ann"), "malformed"),
        (Value::Null, "malformed"),
    ];
    let before = world.host.tables.clone();
    for (change, reason) in bad {
        send(&mut world, std::slice::from_ref(&change));
        assert_eq!(world.refused(), [(reason.to_string(), 1)], "{change}");
        assert_eq!(world.host.tables, before, "{change}");
    }
    for channel in ["secret", "otheronly"] {
        let change = with(
            membership("ann", true, 1),
            json!({"channel_id": id(channel)}),
        );
        let payload = json!({"channel_id": id(channel), "membership_changes": [change]});
        let answer = world.answer(ACME, payload);
        assert_eq!(answer["status"], "FAIL");
        assert_eq!(world.host.tables, before);
    }
    // What is sent back to us says nothing new.
    send(&mut world, &[membership("boss", true, 9)]);
    assert_eq!(world.refused(), [("not_newer".to_string(), 1)]);
    assert_eq!(world.host.tables, before);
}

#[test]
fn a_member_of_a_private_channel_gets_into_its_team_and_no_other_channel() {
    let mut world = world();
    let private = world.create_channel(ADMIN, "ops", ChannelKind::Private);
    world.alter::<Channel>(&private, |channel| channel.id = parsed_id("ops"));
    world.step(|tx| tx.bind_id(kind::CHANNEL, parsed_id("ops"), private.0));
    world.share(private, ACME);
    let zoe = with(membership("zoe", true, 1), json!({"channel_id": id("ops")}));
    let message = json!({
        "channel_id": id("ops"), "users": {"z": user("zoe", "zoe")}, "membership_changes": [zoe],
    });
    world.sync(ACME, message);
    let zoe = world.user_no("zoe").unwrap();
    let teams = world.host.prefix::<TeamMember, ()>(&(), 100);
    let teams: Vec<TeamNo> = teams
        .into_iter()
        .filter(|((_, user), _)| *user == zoe)
        .map(|((team, _), _)| team)
        .collect();
    assert_eq!(teams, [TeamNo(1)]);
    let channels = world.host.prefix::<UserChannel, _>(&zoe, 100);
    assert_eq!(channels.len(), 1);
}

#[test]
fn the_members_of_a_direct_channel_never_change() {
    let mut world = world();
    let joint = world.channel_no("joint").unwrap();
    world.alter::<Channel>(&joint, |channel| channel.place = Place::Group);
    let before = world.host.tables.clone();
    for is_add in [true, false] {
        send(&mut world, &[membership("ann", is_add, 1)]);
        assert_eq!(world.refused(), [("fixed_members".to_string(), 1)]);
        assert_eq!(world.host.tables, before);
    }
}

#[test]
fn only_a_causeway_is_told_what_it_may_send_again() {
    let mut world = world();
    let changes = [membership("nobody", true, 1), membership("boss", false, 1)];
    let answer = send(&mut world, &changes);
    assert_eq!(answer.get("membership_errors"), None);
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    let answer = send(&mut world, &changes);
    assert_eq!(answer["membership_errors"], json!([id("nobody")]));
}

#[test]
fn a_long_list_takes_several_steps() {
    let mut world = world();
    let channel = world.channel_no("joint").unwrap();
    let ann = world.user_no("ann").unwrap();
    let most = i64::from(FRAME_ITEMS_PER_STEP_MAX);
    let changes: Vec<Value> = (0..5 * most)
        .map(|at| membership("ann", at % 2 == 0, at))
        .collect();
    let payload = json!({"id": id("s"), "channel_id": id("joint"), "membership_changes": changes});
    let body = world.frame(ACME, "sharedchannel_sync", &payload);
    let first = world.step(|tx| crate::inbound::frame(tx, ACME, &body, &[]));
    assert_eq!(
        first,
        Reply::Unfinished {
            left: FRAME_ITEMS_PER_STEP_MAX * 4
        }
    );
    let (status, _) = world.body(ACME, &body);
    assert_eq!(status, 200);
    let row = world.get::<SharedMembership>(&(channel, ann));
    assert_eq!(row.changed_at, START + 5 * most - 1);
}

#[test]
fn a_deactivated_user_is_a_member_as_at_home_and_still_one_after_coming_back() {
    let mut world = world();
    let gone = with(user("zoe", "zoe"), json!({"delete_at": START}));
    world.sync(ACME, json!({"users": {"z": gone}}));
    assert!(!is_member(&world, "joint", "zoe"), "not stated yet");
    send(&mut world, &[membership("zoe", true, 1)]);
    assert!(is_member(&world, "joint", "zoe"));
    let back = with(user("zoe", "zoe"), json!({"update_at": START + 1}));
    world.sync(ACME, json!({"users": {"z": back}}));
    assert!(is_member(&world, "joint", "zoe"));
}

#[test]
fn a_local_join_is_not_overruled_by_a_peer() {
    let mut world = world();
    let joint = world.channel_no("joint").unwrap();
    let boss = world.user_no("boss").unwrap();
    world.step(|tx| members::leave_channel(tx, joint, boss));
    let before = world.host.tables.clone();
    send(&mut world, &[membership("boss", true, 1_000_000)]);
    assert_eq!(world.refused(), [("foreign_user".to_string(), 1)]);
    assert_eq!(world.host.tables, before);
}
