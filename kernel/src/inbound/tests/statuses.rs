//! Statuses of a peer's users.

use super::*;
use crate::boundary::output::Event;
use crate::model::limits::TIME_MAX_MS;
use crate::model::{Availability, Status, StatusRow};

fn status(letters: &str, word: &str) -> Value {
    json!({
        "user_id": id(letters), "status": word, "manual": false, "last_activity_at": START,
        "dnd_end_time": 0,
    })
}

fn send(world: &mut World, items: &[Value]) -> Value {
    world.sync(ACME, json!({"statuses": items}))
}

fn shown(world: &World, letters: &str) -> Option<Status> {
    let row = world.host.get::<StatusRow>(&world.user_no(letters)?);
    row.map(|row| row.status)
}

fn availability(world: &World, letters: &str) -> Option<Availability> {
    shown(world, letters).map(|status| status.availability)
}

#[test]
fn the_newest_one_is_stored_and_told() {
    let mut world = World::with_peers_of_today();
    let ann = world.user_no("ann").unwrap();
    for (word, is) in [
        ("online", Availability::Online),
        ("away", Availability::Away),
        ("dnd", Availability::Dnd),
        ("ooo", Availability::Ooo),
        ("offline", Availability::Offline),
    ] {
        let response = send(&mut world, &[status("ann", word)]);
        assert_eq!(response["status_errors"], Value::Null);
        assert_eq!(world.events(), [Event::StatusChanged(ann, is)]);
        assert_eq!(availability(&world, "ann"), Some(is));
    }
    let until = json!({"manual": true, "dnd_end_time": 1_800_000_000});
    send(&mut world, &[with(status("ann", "dnd"), until)]);
    let expected = Status {
        availability: Availability::Dnd,
        manual: true,
        last_activity_at: START,
        dnd_end_time: 1_800_000_000,
    };
    assert_eq!(shown(&world, "ann"), Some(expected));
}

#[test]
fn the_same_one_again_changes_nothing() {
    let mut world = World::with_peers_of_today();
    send(&mut world, &[status("ann", "away")]);
    let before = world.host.tables.clone();
    send(&mut world, &[status("ann", "away")]);
    assert_eq!(world.refused(), [("not_newer".to_string(), 1)]);
    assert_eq!(world.host.tables, before);
}

#[test]
fn a_causeway_gives_versions_so_an_older_one_that_comes_late_is_known() {
    let mut world = World::with_peers_of_today();
    let at = |word: &str, at: i64| with(status("ann", word), json!({"update_at": START + at}));
    send(&mut world, &[at("away", 7)]);
    send(&mut world, &[at("online", 6), at("online", 7)]);
    assert_eq!(world.refused(), [("not_newer".to_string(), 2)]);
    assert_eq!(availability(&world, "ann"), Some(Availability::Away));
    send(&mut world, &[at("offline", 8)]);
    assert_eq!(availability(&world, "ann"), Some(Availability::Offline));
}

#[test]
fn only_those_of_users_of_the_peer_are_taken() {
    let mut world = World::with_peers_of_today();
    let good = || status("ann", "online");
    let bad = [
        (status("boss", "offline"), "foreign_user"),
        (status("olga", "offline"), "foreign_user"),
        (status("nobody", "online"), "unknown_user"),
        (status("ann", "sleeping"), "bad_status"),
        (status("ann", "Online"), "bad_status"),
        (status("ann", ""), "bad_status"),
        (with(good(), json!({"user_id": "short"})), "bad_id"),
        (with(good(), json!({"last_activity_at": -1})), "bad_time"),
        (
            with(good(), json!({"update_at": TIME_MAX_MS + 1})),
            "bad_time",
        ),
        (with(good(), json!({"dnd_end_time": i64::MAX})), "bad_time"),
        (with(good(), json!({"manual": "yes"})), "malformed"),
    ];
    for (item, reason) in bad {
        let before = world.host.tables.clone();
        let response = send(&mut world, std::slice::from_ref(&item));
        assert_eq!(response["status_errors"], json!([item["user_id"]]));
        assert_eq!(world.refused(), [(reason.to_string(), 1)], "{item}");
        assert_eq!(world.host.tables, before, "{item}");
        assert_eq!(world.events(), [], "{item}");
    }
    // A bad one does not affect the others of its message.
    let items = [status("boss", "offline"), good(), json!(7)];
    let response = send(&mut world, &items);
    assert_eq!(response["status_errors"], json!(["", id("boss")]));
    assert_eq!(availability(&world, "ann"), Some(Availability::Online));
}

#[test]
fn a_causeway_hears_which_it_may_send_again() {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    let items = [status("newcomer", "online"), status("boss", "online")];
    let response = send(&mut world, &items);
    assert_eq!(response["status_errors"], json!([id("newcomer")]));
}

#[test]
fn a_channel_that_is_not_shared_with_the_peer_carries_none() {
    let mut world = World::with_peers_of_today();
    for channel in ["otheronly", "secret", "nowhere"] {
        let statuses = json!({"channel_id": id(channel), "statuses": [status("ann", "online")]});
        assert_eq!(world.answer(ACME, statuses)["status"], "FAIL", "{channel}");
        assert_eq!(shown(&world, "ann"), None);
    }
}

#[test]
fn thousands_in_one_message_are_carried_out_in_portions() {
    let mut world = World::with_peers_of_today();
    let mut items = vec![status("nobody", "online"); 5_000];
    items.push(status("ann", "online"));
    let response = send(&mut world, &items);
    assert_eq!(response["status_errors"], json!([id("nobody")]));
    assert_eq!(availability(&world, "ann"), Some(Availability::Online));
}

#[test]
fn where_the_behaviour_is_not_in_force_they_are_passed_over() {
    let mut world = World::with_peers_of_today();
    world.step(|tx| tx.delete::<InForce>(&Behaviour::Statuses.number()));
    let response = send(&mut world, &[status("ann", "online")]);
    assert_eq!(response["status_errors"], Value::Null);
    assert_eq!(world.refused(), [("feature_off".to_string(), 1)]);
    assert_eq!(shown(&world, "ann"), None);
}
