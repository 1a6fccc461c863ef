//! Acknowledgements of posts.

use super::*;

#[test]
fn a_causeway_is_told_of_each_with_its_version() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(ANN, TOWN, "read this");
    world.settle();
    world.by(ANN, acknowledge(post)).unwrap();
    world.settle();
    assert_eq!(world.peer.acknowledgements().len(), 1);
    world.by(ANN, withdraw(post)).unwrap();
    world.settle();
    world.expect_same();
    world.by(ANN, acknowledge(post)).unwrap();
    world.settle();
    world.expect_same();
    assert_eq!(world.peer.acknowledgements().len(), 1);
}

#[test]
fn a_server_of_the_11_line_holds_none_after_a_withdrawal_whatever_it_held() {
    for arrives in [true, false] {
        let mut world = World::shared(PeerKind::Mattermost11);
        let post = world.write(ANN, TOWN, "read this");
        world.settle();
        world.by(ANN, acknowledge(post)).unwrap();
        let (attempt, frame) = world.out.remove(0);
        if arrives {
            world.take(&frame);
        }
        world.by(ANN, withdraw(post)).unwrap();
        world.receipt(ACME, attempt, SendOutcome::Unknown);
        let (_, frame) = world.out.first().cloned().unwrap_or_default();
        assert!(!String::from_utf8(frame).unwrap().contains("\"delete_at\""));
        world.settle();
        world.expect_same();
        assert_eq!(world.peer.acknowledged.len(), 1, "it was told all the same");
    }
}

#[test]
fn a_server_of_the_11_line_holds_none_that_was_withdrawn_before_it_was_told() {
    let mut world = World::shared(PeerKind::Mattermost11);
    let post = world.write(ANN, TOWN, "read this");
    // Nothing else is sent while the post is out.
    world.by(ANN, acknowledge(post)).unwrap();
    world.by(ANN, withdraw(post)).unwrap();
    world.settle();
    world.expect_same();
    assert_eq!(world.peer.acknowledged.len(), 1, "it was told all the same");
}

#[test]
fn a_server_of_2021_is_told_of_none_and_of_no_post_because_of_one() {
    let mut world = World::connected(PeerKind::Mattermost2021);
    let old = world.write(ANN, TOWN, "from before");
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    world.by(ANN, acknowledge(old)).unwrap();
    assert!(world.out.is_empty(), "nothing to say");
    world.settle();
    assert!(world.peer.posts.is_empty() && world.peer.acknowledged.is_empty());
}

#[test]
fn an_old_post_goes_along_with_its_acknowledgement() {
    let mut world = World::connected(PeerKind::Causeway);
    let old = world.write(ANN, TOWN, "from before");
    world.by(ANN, acknowledge(old)).unwrap();
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    assert!(world.peer.posts.is_empty());
    world.by(ANN, acknowledge(old)).unwrap();
    world.settle();
    assert_eq!(
        (world.peer.posts.len(), world.peer.acknowledgements().len()),
        (1, 1)
    );
}

#[test]
fn what_the_peer_could_not_take_is_sent_again() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(ANN, TOWN, "read this");
    world.settle();
    world.by(ANN, acknowledge(post)).unwrap();
    let id = world.get::<Post>(&post).id;
    let response = SyncResponse {
        acknowledgement_errors: vec![id.to_string()],
        ..SyncResponse::default()
    };
    world.answer_next(encode_ok(Some(&response)));
    assert_eq!(world.exceptions(), [ExceptionState::Refused(1)]);
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}
