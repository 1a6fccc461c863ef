//! Acknowledgements of posts.

use super::*;

#[test]
fn a_causeway_is_told_of_each_with_its_version() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(None, "read this");
    world.settle();
    world.act(Actor::User(ANN), acknowledge(post));
    world.settle();
    assert_eq!(world.acknowledgements().len(), 1);
    world.act(Actor::User(ANN), withdraw(post));
    world.settle();
    world.expect_same();
    world.act(Actor::User(ANN), acknowledge(post));
    world.settle();
    world.expect_same();
    assert_eq!(world.acknowledgements().len(), 1);
}

#[test]
fn a_server_of_the_11_line_holds_none_after_a_withdrawal_whatever_it_held() {
    for arrives in [true, false] {
        let mut world = World::shared(PeerKind::Mattermost11);
        let post = world.write(None, "read this");
        world.settle();
        world.act(Actor::User(ANN), acknowledge(post));
        let (attempt, frame) = world.out.remove(0);
        if arrives {
            world.take(&frame);
        }
        world.act(Actor::User(ANN), withdraw(post));
        world.receipt(attempt, SendOutcome::Unknown);
        let (_, frame) = world.out.first().cloned().unwrap_or_default();
        assert!(!String::from_utf8(frame).unwrap().contains("\"delete_at\""));
        world.settle();
        world.expect_same();
        assert_eq!(world.acknowledged.len(), 1, "it was told all the same");
    }
}

#[test]
fn a_server_of_the_11_line_holds_none_that_was_withdrawn_before_it_was_told() {
    let mut world = World::shared(PeerKind::Mattermost11);
    let post = world.write(None, "read this");
    // While the post is on its way, nothing else is.
    world.act(Actor::User(ANN), acknowledge(post));
    world.act(Actor::User(ANN), withdraw(post));
    world.settle();
    world.expect_same();
    assert_eq!(world.acknowledged.len(), 1, "it was told all the same");
}

#[test]
fn a_server_of_2021_is_told_of_none_and_of_no_post_because_of_one() {
    let mut world = World::new(PeerKind::Mattermost2021);
    let old = world.write(None, "from before");
    world.share();
    world.ping();
    world.settle();
    world.act(Actor::User(ANN), acknowledge(old));
    assert!(world.out.is_empty(), "nothing to say");
    world.settle();
    assert!(world.posts.is_empty() && world.acknowledged.is_empty());
}

#[test]
fn an_old_post_goes_along_with_its_acknowledgement() {
    let mut world = World::new(PeerKind::Causeway);
    let old = world.write(None, "from before");
    world.act(Actor::User(ANN), acknowledge(old));
    world.share();
    world.ping();
    world.settle();
    assert!(world.posts.is_empty());
    world.act(Actor::User(ANN), acknowledge(old));
    world.settle();
    assert_eq!((world.posts.len(), world.acknowledgements().len()), (1, 1));
}

#[test]
fn what_the_peer_could_not_take_is_sent_again() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(None, "read this");
    world.settle();
    world.act(Actor::User(ANN), acknowledge(post));
    let (attempt, _) = world.out.remove(0);
    let id = world.host.get::<Post>(&post).unwrap().id;
    let response = SyncResponse {
        acknowledgement_errors: vec![id.to_string()],
        ..SyncResponse::default()
    };
    world.receipt(attempt, SendOutcome::Answered(encode_ok(Some(&response))));
    assert_eq!(world.exceptions(), [ExceptionState::Refused(1)]);
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}
