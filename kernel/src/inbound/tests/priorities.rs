//! Priorities of a peer's posts.

use super::*;
use crate::model::{Priority, PriorityLevel};

fn prioritised(post: Value, priority: Value) -> Value {
    with(post, json!({"metadata": {"priority": priority}}))
}

fn stated(level: &str, requested_ack: bool, persistent_notifications: bool) -> Value {
    json!({
        "priority": level, "requested_ack": requested_ack,
        "persistent_notifications": persistent_notifications,
        "PostId": id("elsewhere"), "ChannelId": id("elsewhere"),
    })
}

fn priority(level: PriorityLevel, requested_ack: bool, persistent: bool) -> Option<Priority> {
    Some(Priority {
        level,
        requested_ack,
        persistent_notifications: persistent,
    })
}

fn take(world: &mut World, post: Value) {
    let response = world.sync(ACME, json!({"posts": [post]}));
    assert_eq!(response["post_errors"], json!([]));
}

#[test]
fn the_priority_of_a_post_is_taken_and_replaced_by_a_newer_version() {
    let mut world = World::with_peers_of_today();
    let urgent = stated("urgent", true, true);
    take(&mut world, prioritised(post("new", "ann", "hello"), urgent));
    let of_new = |world: &World| world.post("new").unwrap().priority;
    let taken = priority(PriorityLevel::Urgent, true, true);
    assert_eq!(of_new(&world), taken);

    let version = |at: i64| {
        let times = json!({"update_at": START + at});
        with(post("new", "ann", "hello"), times)
    };
    // A version that states none changes none.
    take(&mut world, version(1));
    assert_eq!(of_new(&world), taken);
    let events = world.events().len();
    take(
        &mut world,
        prioritised(version(2), stated("", false, false)),
    );
    assert_eq!(
        of_new(&world),
        priority(PriorityLevel::Standard, false, false)
    );
    assert_eq!(world.post("new").unwrap().edit_at, 0);
    assert_eq!((events, world.events().len()), (0, 1));
    // An older version replaces nothing.
    take(
        &mut world,
        prioritised(version(1), stated("important", false, false)),
    );
    assert_eq!(
        of_new(&world),
        priority(PriorityLevel::Standard, false, false)
    );
}

#[test]
fn replies_and_deleted_posts_have_none() {
    let mut world = World::with_peers_of_today();
    let urgent = || stated("urgent", true, false);
    let reply = |root: &str| with(post("reply", "ann", "yes"), json!({"root_id": id(root)}));
    take(&mut world, prioritised(reply("pann"), urgent()));
    let newer = json!({"update_at": START + 1, "root_id": ""});
    take(
        &mut world,
        prioritised(with(reply("pann"), newer), urgent()),
    );
    assert_eq!(world.post("reply").unwrap().priority, None);

    // The root may be in the same frame.
    let root = prioritised(post("root", "ann", "hello"), urgent());
    let answer = with(post("answer", "ann", "yes"), json!({"root_id": id("root")}));
    let answer = prioritised(answer, urgent());
    let response = world.sync(ACME, json!({"posts": [root, answer]}));
    assert_eq!(response["post_errors"], json!([]));
    assert!(world.post("root").unwrap().priority.is_some());
    assert_eq!(world.post("answer").unwrap().priority, None);

    let gone = json!({"delete_at": START + 1, "update_at": START + 1});
    for letters in ["root", "never"] {
        let deleted = with(post(letters, "ann", ""), gone.clone());
        take(&mut world, prioritised(deleted, urgent()));
        assert_eq!(world.post(letters).unwrap().priority, None);
    }
}

#[test]
fn what_is_not_a_priority_costs_nobody_the_post() {
    let mut world = World::with_peers_of_today();
    let other = [
        json!(null),
        json!("urgent"),
        json!([]),
        stated("URGENT", false, false),
        stated("burning", true, true),
        json!({"priority": 7}),
        json!({"priority": "urgent", "requested_ack": "yes"}),
    ];
    for (n, other) in other.into_iter().enumerate() {
        let letters = format!("new{}", char::from(b'a' + u8::try_from(n).unwrap()));
        take(
            &mut world,
            prioritised(post(&letters, "ann", "hello"), other),
        );
        assert_eq!(world.post(&letters).unwrap().priority, None);
    }
    for metadata in [json!(null), json!([{"priority": {}}]), json!("none")] {
        let changes = json!({"metadata": metadata, "update_at": START + 1});
        take(&mut world, with(post("newa", "ann", "hello"), changes));
    }
    assert_eq!(world.post("newa").unwrap().priority, None);
    // Only urgent posts notify persistently; absent members are as in the reference.
    let important = stated("important", false, true);
    take(
        &mut world,
        prioritised(post("some", "ann", "hello"), important),
    );
    assert_eq!(
        world.post("some").unwrap().priority,
        priority(PriorityLevel::Important, false, false)
    );
    take(
        &mut world,
        prioritised(post("bare", "ann", "hello"), json!({"Requested_Ack": true})),
    );
    assert_eq!(
        world.post("bare").unwrap().priority,
        priority(PriorityLevel::Standard, true, false)
    );
}

#[test]
fn before_the_behaviour_is_in_force_priorities_are_ignored() {
    let mut world = World::with_peers_of_today();
    world.step(|tx| tx.delete::<InForce>(&Behaviour::Priorities.number()));
    let urgent = stated("urgent", true, false);
    take(
        &mut world,
        prioritised(post("new", "ann", "hello"), urgent.clone()),
    );
    let newer = with(post("new", "ann", "hello"), json!({"update_at": START + 1}));
    take(&mut world, prioritised(newer, urgent));
    assert_eq!(world.post("new").unwrap().priority, None);
}
