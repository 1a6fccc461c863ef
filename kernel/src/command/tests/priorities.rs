//! Priorities of posts.

use super::*;
use crate::model::{Priority, PriorityLevel};

fn asking(level: PriorityLevel, requested_ack: bool, persistent_notifications: bool) -> Priority {
    Priority {
        level,
        requested_ack,
        persistent_notifications,
    }
}

fn with_priority(root: Option<PostNo>, priority: Priority) -> Command {
    post_with(TOWN, root, "read this", |new| new.priority = Some(priority))
}

#[test]
fn a_root_post_keeps_its_priority_through_edits_and_loses_it_with_its_text() {
    let mut world = World::new();
    for (level, requested_ack, persistent) in [
        (PriorityLevel::Standard, false, false),
        (PriorityLevel::Standard, true, false),
        (PriorityLevel::Important, true, false),
        (PriorityLevel::Urgent, false, true),
    ] {
        let priority = asking(level, requested_ack, persistent);
        let made = world.by(ANN, with_priority(None, priority)).unwrap();
        let Object::Post(number) = made else {
            panic!("{made:?}")
        };
        assert_eq!(world.get::<Post>(&number).priority, Some(priority));
        world.by(ANN, edit(number, "read that")).unwrap();
        assert_eq!(world.get::<Post>(&number).priority, Some(priority));
        world.by(ANN, delete(number)).unwrap();
        assert_eq!(world.get::<Post>(&number).priority, None);
    }
}

#[test]
fn replies_have_none_and_only_urgent_posts_notify_persistently() {
    let mut world = World::new();
    let root = world.write(ANN, TOWN, "root");
    assert_eq!(world.get::<Post>(&root).priority, None);
    let urgent = asking(PriorityLevel::Urgent, false, false);
    let plain = asking(PriorityLevel::Standard, false, false);
    for priority in [urgent, plain] {
        let refused = world.refusal(ANN, with_priority(Some(root), priority));
        let id = "api.post.post_priority.priority_post_only_allowed_for_root_post.request_error";
        assert_eq!(refused, (400, id.to_string()));
    }
    for level in [PriorityLevel::Standard, PriorityLevel::Important] {
        let refused = world.refusal(ANN, with_priority(None, asking(level, true, true)));
        let id = "api.post.post_priority.urgent_persistent_notification_post.request_error";
        assert_eq!(refused, (400, id.to_string()));
    }
}
