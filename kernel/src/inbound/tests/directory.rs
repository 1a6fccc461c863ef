//! People whom a peer offers without a channel.

use super::*;
use crate::model::limits::REMOTE_USERS_MAX;
use crate::model::{TeamMember, UserChannel};

fn world() -> World {
    let mut world = World::with_peers_of_today();
    let settings = acts::configure_sharing(|settings| settings.all_users = true);
    world.output(Actor::System, None, settings);
    world
}

fn offer(world: &mut World, users: &[Value]) -> Value {
    let payload = with(
        super::users(users),
        json!({"id": id("s"), "channel_id": ""}),
    );
    let answer = world.message(ACME, "sharedchannel_global_user_sync", payload);
    assert_eq!(answer["status"], "OK", "{answer}");
    answer["payload"].clone()
}

fn joined(world: &World, user: &str) -> (usize, usize) {
    let user = world.user_no(user).unwrap();
    let teams = world.host.prefix::<TeamMember, ()>(&(), 1_000);
    let teams = teams.iter().filter(|((_, member), _)| *member == user);
    let channels = world.host.prefix::<UserChannel, _>(&user, 1_000);
    (teams.count(), channels.len())
}

#[test]
fn offered_people_are_stored_and_join_nothing() {
    let mut world = world();
    let answer = offer(&mut world, &[user("zoe", "zoe"), user("yan", "yan")]);
    assert_eq!(answer["users_syncd"], json!([id("zoe"), id("yan")]));
    assert_eq!(answer["user_errors"], json!([]));
    assert_eq!(world.user("zoe").unwrap().username, "zoe:acme");
    assert_eq!(joined(&world, "zoe"), (0, 0));
    // A member of a channel is not removed from it by an offer, nor added to another.
    let before = joined(&world, "ann");
    let newer = with(user("ann", "anna"), json!({"update_at": START + 9}));
    offer(&mut world, &[newer]);
    assert_eq!(world.user("ann").unwrap().username, "anna:acme");
    assert_eq!(joined(&world, "ann"), before);
}

#[test]
fn the_setting_alone_suffices_to_take_people_in_and_without_any_nobody_is() {
    let mut world = World::with_peers_of_today();
    assert_eq!(offer(&mut world, &[user("zoe", "zoe")]), Value::Null);
    assert_eq!(world.refused(), [("feature_off".to_string(), 1)]);
    assert!(world.user("zoe").is_none());
    let settings = acts::configure_sharing(|settings| settings.users_on_open = true);
    world.output(Actor::System, None, settings);
    offer(&mut world, &[user("zoe", "zoe")]);
    assert!(world.user("zoe").is_some());
}

#[test]
fn a_peer_offers_its_own_people_only() {
    let mut world = world();
    let before = world.host.tables.clone();
    let other = world.get::<Connection>(&OTHER).remote_id.to_string();
    let bad = [
        user("boss", "evil"),
        user("olga", "evil"),
        with(user("zoe", "zoe"), json!({"remote_id": other})),
        with(user("zoe", ""), json!({})),
        with(user("zoe", "zoe"), json!({"update_at": -1})),
        with(user("zoe", "zoe"), json!({"props": "no"})),
    ];
    for one in bad {
        let answer = offer(&mut world, std::slice::from_ref(&one));
        assert_eq!(answer["users_syncd"], json!([]), "{one}");
        assert_eq!(answer["user_errors"], json!([one["id"]]), "{one}");
        assert_eq!(world.host.tables, before, "{one}");
    }
}

#[test]
fn a_long_list_takes_several_steps_and_stops_at_the_limit_of_a_peer() {
    let mut world = world();
    let workspace = world.get::<Connection>(&ACME).workspace;
    world.alter::<PeerWorkspace>(&workspace, |row| row.users = REMOTE_USERS_MAX - 150);
    let word = |n: u32| -> String {
        let letter = |at: u32| char::from(b'a' + u8::try_from(n / 26u32.pow(at) % 26).unwrap());
        (0..3).map(letter).collect()
    };
    let people: Vec<Value> = (0..250)
        .map(|n| user(&format!("q{}", word(n)), &format!("p{n}")))
        .collect();
    let payload = with(
        super::users(&people),
        json!({"id": id("s"), "channel_id": ""}),
    );
    let body = world.frame(ACME, "sharedchannel_global_user_sync", &payload);
    let first = world.step(|tx| crate::inbound::frame(tx, ACME, &body, &[]));
    assert_eq!(first, Reply::Unfinished { left: 150 });
    let (_, answer) = world.body(ACME, &body);
    let list = |key: &str| answer["payload"][key].as_array().unwrap().len();
    assert_eq!((list("users_syncd"), list("user_errors")), (150, 100));
}

#[test]
fn posts_and_reactions_without_a_channel_are_refused_with_everything() {
    let mut world = world();
    let before = world.host.tables.clone();
    for more in [
        json!({"posts": [post("new", "ann", "hello")]}),
        json!({"reactions": [reaction("pann", "ann", "tada")]}),
        json!({"statuses": [{"user_id": id("ann"), "status": "online"}]}),
    ] {
        let payload = with(super::users(&[user("zoe", "zoe")]), more);
        let payload = with(payload, json!({"id": id("s"), "channel_id": ""}));
        let answer = world.message(ACME, "sharedchannel_global_user_sync", payload);
        assert_eq!(answer["status"], "FAIL");
        assert_eq!(world.host.tables, before);
    }
    // What belongs to a channel is not looked at.
    let change = with(membership("zoe", true, 1), json!({"channel_id": ""}));
    let payload = with(
        super::users(&[user("zoe", "zoe")]),
        json!({"id": id("s"), "channel_id": "", "membership_changes": [change]}),
    );
    world.message(ACME, "sharedchannel_global_user_sync", payload);
    assert_eq!(joined(&world, "zoe"), (0, 0));
}
