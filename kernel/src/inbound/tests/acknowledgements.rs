//! Acknowledgements of posts.

use proptest::prelude::*;

use super::*;
use crate::boundary::output::Event;
use crate::model::limits::ACKNOWLEDGEMENTS_PER_POST_MAX;
use crate::model::{Acknowledgement, AcknowledgementCount};
use crate::rows::id::FeedSeq;

fn send(world: &mut World, items: &[Value]) -> Value {
    world.sync(ACME, json!({"acknowledgements": items}))
}

fn row(world: &World, post: &str) -> Option<Acknowledgement> {
    let key = (world.post_no(post)?, world.user_no("ann")?);
    world.host.get::<Acknowledgement>(&key)
}

#[test]
fn they_come_again_without_change_and_go() {
    let mut world = World::with_peers_of_today();
    let add = acknowledgement("pboss", "ann", 7, 0);
    let response = send(&mut world, std::slice::from_ref(&add));
    assert_eq!(response["acknowledgement_errors"], json!([]));
    assert_eq!(
        response["acknowledgements_last_update_at"],
        json!(START + 7)
    );
    assert!(matches!(
        world.events()[..],
        [Event::AcknowledgementAdded(..)]
    ));
    let stands = row(&world, "pboss").unwrap();
    assert_eq!(
        (stands.acknowledged_at, stands.origin),
        (START + 7, WorkspaceNo(1))
    );
    let before = world.host.tables.clone();
    send(&mut world, &[add.clone(), add.clone()]);
    assert_eq!(world.refused(), [("not_newer".to_string(), 2)]);
    assert_eq!(world.host.tables, before);
    send(&mut world, &[acknowledgement("pboss", "ann", 0, 9), add]);
    assert!(matches!(
        world.events()[..],
        [Event::AcknowledgementRemoved(..)]
    ));
    assert_eq!(row(&world, "pboss").unwrap().acknowledged_at, 0);
}

#[test]
fn a_withdrawal_without_a_time_is_one_of_what_is_here() {
    let mut world = World::with_peers_of_today();
    let untimed = acknowledgement("pboss", "ann", 0, 0);
    send(&mut world, std::slice::from_ref(&untimed));
    assert_eq!(row(&world, "pboss"), None);
    send(
        &mut world,
        &[acknowledgement("pboss", "ann", 7, 0), untimed],
    );
    assert_eq!(row(&world, "pboss").unwrap().acknowledged_at, 0);
    send(&mut world, &[acknowledgement("pboss", "ann", 8, 0)]);
    assert_eq!(row(&world, "pboss").unwrap().acknowledged_at, START + 8);
}

#[test]
fn a_withdrawal_of_what_is_not_known_here_is_passed_on() {
    let mut world = World::with_peers_of_today();
    send(&mut world, &[acknowledgement("pboss", "ann", 0, 9)]);
    assert!(world.events().is_empty());
    let withdrawn = row(&world, "pboss").unwrap();
    assert_eq!(withdrawn.acknowledged_at, 0);
    // Before a restore, this workspace may have told others of the acknowledgement.
    assert_ne!(withdrawn.feed_seq, FeedSeq(0));
}

#[test]
fn only_users_of_the_peer_acknowledge_and_only_in_the_channel() {
    let mut world = World::with_peers_of_today();
    world.sync(
        OTHER,
        json!({"channel_id": id("otheronly"), "posts": [
            with(post("far", "olga", "elsewhere"), json!({"channel_id": id("otheronly")})),
        ]}),
    );
    let gone = with(
        post("pann", "ann", ""),
        json!({"delete_at": START + 1, "update_at": START + 1}),
    );
    world.sync(ACME, json!({"posts": [gone]}));
    let good = || acknowledgement("pboss", "ann", 1, 0);
    let bad = [
        (acknowledgement("pboss", "boss", 1, 0), "foreign_user"),
        (acknowledgement("pboss", "olga", 1, 0), "foreign_user"),
        (acknowledgement("pboss", "nobody", 1, 0), "unknown_user"),
        (acknowledgement("nothing", "ann", 1, 0), "unknown_post"),
        (acknowledgement("far", "ann", 1, 0), "wrong_channel"),
        (acknowledgement("pann", "ann", 1, 0), "unknown_post"),
        (with(good(), json!({"post_id": "short"})), "bad_id"),
        (with(good(), json!({"acknowledged_at": -1})), "bad_time"),
        (with(good(), json!({"delete_at": i64::MAX})), "bad_time"),
        (with(good(), json!({"acknowledged_at": "x"})), "malformed"),
    ];
    for (item, reason) in bad {
        let before = world.host.tables.clone();
        let response = send(&mut world, std::slice::from_ref(&item));
        let named = response["acknowledgement_errors"].as_array().unwrap();
        assert_eq!(named, &[item["post_id"].clone()], "{item}");
        assert_eq!(response["acknowledgements_last_update_at"], json!(0));
        assert_eq!(world.refused(), [(reason.to_string(), 1)], "{item}");
        assert_eq!(world.host.tables, before, "{item}");
    }
}

#[test]
fn a_causeway_hears_which_it_may_send_again() {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    let items = [
        acknowledgement("later", "ann", 1, 0),
        acknowledgement("pboss", "newcomer", 1, 0),
        acknowledgement("pann", "boss", 1, 0),
    ];
    let expected = json!([id("later"), id("pboss")]);
    let response = send(&mut world, &items);
    assert_eq!(response["acknowledgement_errors"], expected);
}

#[test]
fn a_peer_with_too_many_users_keeps_nobody_else_out() {
    let mut world = World::with_peers_of_today();
    send(&mut world, &[acknowledgement("pboss", "ann", 1, 0)]);
    let key = (world.post_no("pboss").unwrap(), WorkspaceNo(1));
    assert!(world.host.has::<AcknowledgementCount>(&key));
    world.alter::<AcknowledgementCount>(&key, |count| count.0 = ACKNOWLEDGEMENTS_PER_POST_MAX);
    world.sync(ACME, json!({"users": {"b": user("bea", "bea")}}));
    send(&mut world, &[acknowledgement("pboss", "bea", 1, 0)]);
    let reason = "too_many_acknowledgements".to_string();
    assert_eq!(world.refused(), [(reason, 1)]);
    // Users that are already counted and the users of others are not limited.
    send(&mut world, &[acknowledgement("pboss", "ann", 0, 2)]);
    assert_eq!(row(&world, "pboss").unwrap().acknowledged_at, 0);
    let olga = acknowledgement("pboss", "olga", 1, 0);
    world.sync(OTHER, json!({"acknowledgements": [olga]}));
    assert_eq!(world.refused(), []);
}

#[test]
fn where_the_behaviour_is_not_in_force_they_are_passed_over() {
    let mut world = World::with_peers_of_today();
    world.step(|tx| tx.delete::<InForce>(&Behaviour::Acknowledgements.number()));
    let response = send(&mut world, &[acknowledgement("pboss", "ann", 1, 0)]);
    assert_eq!(response["acknowledgements_last_update_at"], json!(0));
    assert_eq!(world.refused(), [("feature_off".to_string(), 1)]);
    assert_eq!(row(&world, "pboss"), None);
}

/// Changes by one user on one post in the order in which their workspace made them: times rise, and
/// each change reverses or renews the one before it.
fn changes() -> impl Strategy<Value = Vec<Value>> {
    proptest::collection::vec((any::<bool>(), 1_i64..3), 1..8).prop_map(|made| {
        let mut at = 0;
        let change = |(stands, pause): (bool, i64)| {
            at += pause;
            let (acknowledged_at, delete_at) = if stands { (at, 0) } else { (0, at) };
            acknowledgement("pboss", "ann", acknowledged_at, delete_at)
        };
        made.into_iter().map(change).collect()
    })
}

proptest! {
    /// The change that was made last wins, in whatever order, how often and in how many messages they
    /// come.
    #[test]
    fn the_last_change_wins_in_whatever_order_they_come(
        (changes, arrivals, cut) in changes().prop_flat_map(|changes| {
            let (all, len) = (0..changes.len(), changes.len());
            let once = Just(all.collect::<Vec<_>>());
            let again = proptest::collection::vec(0..len, 0..6);
            let arrivals = (once, again).prop_map(|(once, again)| [once, again].concat());
            (Just(changes), arrivals.prop_shuffle(), 0..len)
        })
    ) {
        let mut world = World::with_peers_of_today();
        let items: Vec<Value> = arrivals.iter().map(|at| changes[*at].clone()).collect();
        let (first, second) = items.split_at(cut);
        send(&mut world, first);
        send(&mut world, second);
        let last = changes.last().unwrap();
        let stands = row(&world, "pboss").unwrap();
        prop_assert_eq!(json!(stands.acknowledged_at), last["acknowledged_at"].clone());
        let no = world.post_no("pboss").unwrap();
        let count = world.host.get::<AcknowledgementCount>(&(no, WorkspaceNo(1)));
        prop_assert_eq!(count, Some(AcknowledgementCount(1)));
    }
}
