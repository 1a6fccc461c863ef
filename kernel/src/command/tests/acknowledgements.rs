//! Acknowledgements of posts.

use super::*;
use crate::model::limits::{ACKNOWLEDGEMENT_WITHDRAWAL_MS, ACKNOWLEDGEMENTS_PER_POST_MAX};
use crate::model::{Acknowledgement, AcknowledgementCount};
use crate::rows::id::WorkspaceNo;

fn row(world: &World, post: PostNo, user: UserNo) -> Acknowledgement {
    world.get::<Acknowledgement>(&(post, user))
}

#[test]
fn a_user_acknowledges_a_post_once_and_again_renews_the_time() {
    let mut world = World::new();
    let post = world.write(ANN, TOWN, "read this");
    let before = world.get::<Post>(&post).update_at;
    let output = world.output(Actor::User(BOB), None, acknowledge(post));
    assert_eq!(
        output.reply,
        Reply::Object(Object::Acknowledgement(post, BOB))
    );
    let first = row(&world, post, BOB);
    let [Event::AcknowledgementAdded(TOWN, told)] = &world.events()[..] else {
        panic!("{:?}", output.effects);
    };
    assert_eq!(told.acknowledged_at, first.acknowledged_at);
    assert!(world.get::<Post>(&post).update_at > before);
    world.by(BOB, acknowledge(post)).unwrap();
    let second = row(&world, post, BOB);
    assert!(second.acknowledged_at > first.acknowledged_at);
    let key = (post, WorkspaceNo::OURS);
    let count = world.host.get::<AcknowledgementCount>(&key);
    assert_eq!(count, Some(AcknowledgementCount(1)));
}

#[test]
fn it_is_withdrawn_for_five_minutes_and_by_its_user_alone() {
    let mut world = World::new();
    let post = world.write(ANN, TOWN, "read this");
    let missing = (404, "app.acknowledgement.get.app_error".to_string());
    assert_eq!(world.refusal(BOB, withdraw(post)), missing);
    world.by(BOB, acknowledge(post)).unwrap();
    assert_eq!(world.refusal(ANN, withdraw(post)), missing);
    let made_at = row(&world, post, BOB).acknowledged_at;
    world.now_ms = made_at + ACKNOWLEDGEMENT_WITHDRAWAL_MS + 1 - TICK_MS;
    let late = (
        403,
        "api.acknowledgement.delete.deadline.app_error".to_string(),
    );
    assert_eq!(world.refusal(BOB, withdraw(post)), late);
    world.now_ms = made_at + ACKNOWLEDGEMENT_WITHDRAWAL_MS - TICK_MS;
    world.by(BOB, withdraw(post)).unwrap();
    assert!(matches!(
        world.events()[..],
        [Event::AcknowledgementRemoved(TOWN, _)]
    ));
    let withdrawn = row(&world, post, BOB);
    assert!(withdrawn.acknowledged_at == 0 && withdrawn.update_at > made_at);
    assert_eq!(world.refusal(BOB, withdraw(post)), missing);
    // Even if the clock was set back, a later change has a newer version.
    world.now_ms = made_at - 5_000;
    world.by(BOB, acknowledge(post)).unwrap();
    assert!(row(&world, post, BOB).update_at > withdrawn.update_at);
}

#[test]
fn whoever_reads_a_post_may_acknowledge_it_and_nobody_else() {
    let mut world = World::new();
    let post = world.write(ANN, TOWN, "read this");
    let forbidden = (403, "api.context.permissions.app_error".to_string());
    assert_eq!(world.refusal(EVE, acknowledge(post)), forbidden);
    assert_eq!(world.refusal(ANN, acknowledge(PostNo(999))), forbidden);
    world.alter::<Channel>(&TOWN, |town| town.read_only = true);
    world.by(BOB, acknowledge(post)).unwrap();
    world.alter::<Channel>(&TOWN, |town| town.delete_at = 9);
    let archived = |act| {
        (
            403,
            format!("api.acknowledgement.{act}.archived_channel.app_error"),
        )
    };
    assert_eq!(world.refusal(BOB, acknowledge(post)), archived("save"));
    assert_eq!(world.refusal(BOB, withdraw(post)), archived("delete"));
    world.alter::<Channel>(&TOWN, |town| town.delete_at = 0);
    world.alter::<Post>(&post, |post| post.delete_at = 9);
    assert_eq!(world.refusal(BOB, acknowledge(post)), forbidden);
}

#[test]
fn a_post_that_so_many_have_acknowledged_takes_no_further_user() {
    let mut world = World::new();
    let post = world.write(ANN, TOWN, "read this");
    world.by(BOB, acknowledge(post)).unwrap();
    world.alter::<AcknowledgementCount>(&(post, WorkspaceNo::OURS), |count| {
        count.0 = ACKNOWLEDGEMENTS_PER_POST_MAX;
    });
    let full = (400, "app.acknowledgement.save.save.app_error".to_string());
    assert_eq!(world.refusal(ANN, acknowledge(post)), full);
    // Users that are already counted are not limited.
    world.by(BOB, acknowledge(post)).unwrap();
    world.by(BOB, withdraw(post)).unwrap();
    world.by(BOB, acknowledge(post)).unwrap();
}
