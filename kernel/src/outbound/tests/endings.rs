//! A channel is no longer shared with a peer.

use serde_json::json;

use super::*;
use crate::model::{Channel, Pending};
use crate::rows::id::ConnectionNo;
use crate::sharing::notice;
use crate::testing::acts::{uninvite, unshare};

const SECOND: ConnectionNo = ConnectionNo(2);

fn notices(world: &World) -> Vec<String> {
    let texts = world.notices(TOWN).into_iter();
    let texts = texts.filter(|(kind, ..)| kind == notice::POST_TYPE);
    texts.map(|(_, text, _)| text).collect()
}

fn town_id(world: &World) -> String {
    world.get::<Channel>(&TOWN).id.into()
}

#[test]
fn another_causeway_is_told_once_and_the_members_are() {
    let mut world = World::shared(PeerKind::Causeway);
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    world.settle();
    assert_eq!(world.peer.unshared, [town_id(&world)]);
    assert_eq!(notices(&world), ["This channel is no longer shared."]);
    world.now_ms += 600_000;
    world.ping(ACME);
    world.settle();
    assert_eq!(world.peer.unshared.len(), 1);
}

#[test]
fn it_is_told_again_until_the_peer_has_heard_it() {
    let mut world = World::shared(PeerKind::Causeway);
    world.by(ADMIN, unshare(TOWN)).unwrap();
    for outcome in [SendOutcome::NeverLeft, SendOutcome::Unknown] {
        let (attempt, _) = world.out.remove(0);
        world.receipt(ACME, attempt, outcome);
        assert!(world.out.is_empty());
        world.now_ms += 600_000;
        world.ping(ACME);
    }
    world.settle();
    assert_eq!(world.peer.unshared, [town_id(&world)]);
}

#[test]
fn whoever_is_invited_again_meanwhile_hears_nothing_of_the_end() {
    let mut world = World::shared(PeerKind::Causeway);
    // Nothing is sent now.
    world.alter::<Connection>(&ACME, |row| row.last_ping_at = 0);
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    assert!(world.peer.unshared.is_empty());
    assert_eq!(world.get::<Link>(&(TOWN, ACME)).state, LinkState::Active);
}

#[test]
fn a_mattermost_server_has_no_message_for_it() {
    let mut world = World::shared(PeerKind::Mattermost11);
    world.by(ADMIN, unshare(TOWN)).unwrap();
    assert!(world.out.is_empty());
    assert_eq!(notices(&world), ["This channel is no longer shared."]);
}

#[test]
fn members_are_told_with_whom_a_channel_is_no_longer_shared() {
    let mut world = World::shared(PeerKind::Causeway);
    assert_eq!(world.connect("other", PeerKind::Causeway), SECOND);
    world.share(TOWN, SECOND);
    world.by(ADMIN, uninvite(TOWN, SECOND)).unwrap();
    assert_eq!(
        notices(&world),
        ["This channel is no longer shared with `OTHER`."]
    );
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    assert_eq!(notices(&world).len(), 2);
    // An offer that nobody accepted is nobody's news.
    world.by(ADMIN, invite(TOWN, SECOND)).unwrap();
    world.by(ADMIN, uninvite(TOWN, SECOND)).unwrap();
    assert_eq!(notices(&world).len(), 2);
}

#[test]
fn a_peer_that_refuses_to_hear_of_it_is_left_alone_for_a_while() {
    let mut world = World::shared(PeerKind::Causeway);
    world.by(ADMIN, unshare(TOWN)).unwrap();
    let mut sent = 0;
    while sent < 10 && !world.out.is_empty() {
        let (attempt, _) = world.out.remove(0);
        world.receipt(ACME, attempt, SendOutcome::Refused(400));
        sent += 1;
    }
    assert_eq!(sent, 1);
    assert!(world.get::<Connection>(&ACME).retry_at > world.now_ms);
}

#[test]
fn what_changes_while_a_state_is_on_its_way_is_told_next() {
    let mut world = World::shared(PeerKind::Causeway);
    let payload = json!({"channel_id": town_id(&world), "is_shared": false});
    world.message(ACME, "sharedchannel_state", payload);
    world.ping(ACME);
    let (attempt, frame) = world.out.remove(0);
    assert!(String::from_utf8_lossy(&frame).contains(r#""is_shared":true"#));
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    world.receipt(ACME, attempt, SendOutcome::Answered(encode_ok(None)));
    let (_, frame) = world.out.first().unwrap();
    assert!(String::from_utf8_lossy(frame).contains(r#""is_shared":false"#));
}

#[test]
fn nothing_is_left_to_be_told_once_the_connection_is_removed() {
    let mut world = World::shared(PeerKind::Causeway);
    world.alter::<Connection>(&ACME, |row| row.last_ping_at = 0);
    world.by(ADMIN, unshare(TOWN)).unwrap();
    let waits = |world: &World| world.host.prefix::<Pending, _>(&ACME, 10).len();
    assert_eq!(waits(&world), 1);
    world.by(ADMIN, remove_connection(ACME)).unwrap();
    world.run_due();
    assert_eq!(waits(&world), 0);
}
