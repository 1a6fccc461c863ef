//! What a client cannot claim of what it creates: ids, times and origins are the workspace's own.

use super::*;
use crate::boundary::input::Actor;
use crate::command::UserPatch;
use crate::model::User;
use crate::rows::id::WorkspaceNo;
use crate::rows::lookup;
use crate::testing::frames::id;

#[test]
fn t03_id_author_time_and_origin_of_a_post_are_not_its_writers_to_choose() {
    let mut world = World::new();
    let known = world.write(BOB, TOWN, "known");
    let before = world.get::<Post>(&known);
    // A key of the client is no id, whatever it looks like, and neither are properties.
    let props = format!(
        r#"{{"id":"{0}","user_id":"{0}","remote_id":"{0}","create_at":1,"origin":1}}"#,
        before.id
    );
    for key in [before.id.to_string(), id("chosen")] {
        let new = post_with(TOWN, None, "mine", |new| new.props.clone_from(&props));
        let made = world.output(Actor::User(ANN), Some(&key), new);
        let Reply::Object(Object::Post(no)) = made.reply else {
            panic!("{made:?}")
        };
        let row = world.get::<Post>(&no);
        assert_eq!((row.user, row.origin), (ANN, WorkspaceNo::OURS));
        assert_eq!(
            (row.create_at, row.origin_update_at),
            (world.now_ms, world.now_ms)
        );
        assert_ne!(row.id.to_string(), key);
        assert_eq!(lookup::post(&world.host, row.id.as_str()), Some(no));
    }
    assert_eq!(world.get::<Post>(&known), before);
    assert_eq!(lookup::post(&world.host, &id("chosen")), None);
}

#[test]
fn t04_id_and_origin_of_an_account_are_not_its_makers_to_choose() {
    let mut world = World::with_peers_of_today();
    let ann = world.user("ann").unwrap();
    for (n, key) in [id("ann"), id("chosen")].into_iter().enumerate() {
        let new = account(&format!("new{n}"));
        let made = world.output(Actor::User(ADMIN), Some(&key), new);
        let Reply::Object(Object::User(no)) = made.reply else {
            panic!("{made:?}")
        };
        let row = world.get::<User>(&no);
        assert_eq!((row.origin, row.remote), (WorkspaceNo::OURS, None));
        assert_ne!(row.id.to_string(), key);
        // Nor is anybody here named like a user of a peer.
        for name in ["ann:acme", "eve:acme", "eve:other", "eve:nowhere"] {
            let refused = world.act(Actor::System, account(name)).unwrap_err();
            assert_eq!(refused.status, 400, "{name}");
            let patch = UserPatch {
                username: Some(name.into()),
                ..UserPatch::default()
            };
            assert_eq!(world.refusal(ADMIN, patch_user(no, patch)).0, 400, "{name}");
        }
    }
    assert_eq!(world.user("ann"), Some(ann));
    assert_eq!(lookup::user(&world.host, &id("chosen")), None);
}
