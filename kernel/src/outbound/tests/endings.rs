//! A channel is no longer shared with a peer.

use super::*;
use crate::model::Channel;
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
