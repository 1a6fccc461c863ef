//! Priorities of posts.

use serde_json::{Value, json};

use super::*;
use crate::model::{Priority, PriorityLevel};

/// Writes a post in a channel shared with such a peer; the `metadata` with which it goes out, if it has any.
fn sent(kind: PeerKind, message: &str, priority: Option<Priority>) -> Option<Value> {
    let mut world = World::shared(kind);
    write(&mut world, message, priority);
    going_out(&mut world)
}

fn write(world: &mut World, message: &str, priority: Option<Priority>) {
    let post = post_with(TOWN, None, message, |new| new.priority = priority);
    world.by(ANN, post).unwrap();
}

/// Delivers frames up to the next one with a post; the `metadata` of that post.
fn going_out(world: &mut World) -> Option<Value> {
    loop {
        let (_, frame) = world.out.first().cloned().unwrap();
        let frame: Value = serde_json::from_slice(&frame).unwrap();
        if let Some(post) = frame["msg"]["payload"]["posts"].get(0) {
            let ids = (post["id"].clone(), post["channel_id"].clone());
            let metadata = post.get("metadata").cloned()?;
            if let Some(priority) = metadata.get("priority") {
                assert_eq!(
                    (&priority["PostId"], &priority["ChannelId"]),
                    (&ids.0, &ids.1)
                );
            }
            return Some(metadata);
        }
        assert!(world.deliver_next());
    }
}

fn urgent(persistent_notifications: bool) -> Option<Priority> {
    Some(Priority {
        level: PriorityLevel::Urgent,
        requested_ack: true,
        persistent_notifications,
    })
}

#[test]
fn peers_of_the_11_line_are_told_and_those_of_2021_are_not() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let metadata = sent(kind, "read this", urgent(false)).unwrap();
        let keys: Vec<&String> = metadata["priority"].as_object().unwrap().keys().collect();
        assert_eq!(keys.len(), 5, "{keys:?}");
        assert_eq!(metadata["priority"]["priority"], "urgent");
        assert_eq!(metadata["priority"]["requested_ack"], true);
        assert_eq!(metadata["priority"]["persistent_notifications"], false);
        assert_eq!(sent(kind, "read this", None), Some(json!({})));
    }
    assert_eq!(
        sent(PeerKind::Mattermost2021, "read this", urgent(false)),
        None
    );
}

#[test]
fn a_mattermost_server_gets_no_persistent_notifications_that_it_would_refuse() {
    let persistent = |kind, message: &str| {
        let metadata = sent(kind, message, urgent(true)).unwrap();
        metadata["priority"]["persistent_notifications"] == true
    };
    let kind = PeerKind::Mattermost11;
    assert!(persistent(kind, "read this, @ann and @bob and @ann"));
    assert!(!persistent(kind, "read this, everybody"));
    assert!(!persistent(kind, "read this, @nobody"));
    assert!(persistent(PeerKind::Causeway, "read this, everybody"));
}

#[test]
fn what_a_mattermost_server_refused_goes_without_persistent_notifications() {
    let mut world = World::shared(PeerKind::Mattermost11);
    write(&mut world, "read this, @ann", urgent(true));
    let first = going_out(&mut world).unwrap();
    assert_eq!(first["priority"]["persistent_notifications"], true);
    let posts = world.host.prefix::<Post, ()>(&(), 1_000);
    let (_, post) = posts.last().unwrap();
    let refusal = SyncResponse {
        post_errors: vec![post.id.to_string()],
        ..SyncResponse::default()
    };
    world.answer_next(encode_ok(Some(&refusal)));
    while world.out.is_empty() {
        world.now_ms += 2_000;
        world.run(Input::Timer);
    }
    let again = going_out(&mut world).unwrap();
    assert_eq!(again["priority"]["priority"], "urgent");
    assert_eq!(again["priority"]["persistent_notifications"], false);
}
