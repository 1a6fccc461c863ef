//! Channels that are offered to a peer whose administrators want to be asked first.

use serde_json::json;

use super::*;
use crate::boundary::output::Event;
use crate::model::limits::{CONSENT_RETRY_MAX_MS, CONSENT_RETRY_MIN_MS};
use crate::model::{Channel, ChannelKind, Connection, Due, DueKind};
use crate::wire::response::{AWAITS_CONSENT, UNDECIDED};

/// A workspace that has offered a channel, and whose peer has to ask its administrators.
fn awaiting(kind: PeerKind) -> World {
    offered(kind, AWAITS_CONSENT)
}

/// A workspace that has offered a channel, and whose peer has given this answer.
fn offered(kind: PeerKind, answer: &str) -> World {
    let mut world = World::connected(kind);
    world.by(ADMIN, invite(TOWN, ACME)).unwrap();
    world.ping(ACME);
    world.answer_next(encode_fail(&format!("wait: {answer}")));
    world
}

fn state(world: &World) -> LinkState {
    world.get::<Link>(&(TOWN, ACME)).state
}

fn notices(world: &World) -> usize {
    let is_notice = |event: &Event| matches!(event, Event::Ephemeral(..));
    world.events().iter().filter(|it| is_notice(it)).count()
}

#[test]
fn what_is_written_until_then_follows_once_the_peer_has_accepted() {
    let mut world = awaiting(PeerKind::Causeway);
    assert_eq!(state(&world), LinkState::Awaiting);
    world.write(ANN, TOWN, "meanwhile");
    assert!(world.out.is_empty());
    let id = world.get::<Channel>(&TOWN).id;
    let taken = json!({"channel_id": id.as_str(), "is_shared": true});
    world.message(ACME, "sharedchannel_state", taken);
    assert_eq!(state(&world), LinkState::Inviting);
    // At once: no time passes.
    world.ping(ACME);
    while world.deliver_next() {}
    assert_eq!(state(&world), LinkState::Active);
    assert_eq!(world.peer.posts.len(), 1);
    world.settle();
    world.expect_same();
}

#[test]
fn it_is_offered_again_ever_less_often_while_nobody_answers() {
    let mut world = awaiting(PeerKind::Causeway);
    let offered = world.now_ms;
    assert_eq!(notices(&world), 1);
    let mut pauses = Vec::new();
    while world.now_ms < offered + 86_400_000 {
        let before = world.now_ms;
        let retry_at = world.get::<Link>(&(TOWN, ACME)).retry_at;
        world.now_ms = retry_at;
        world.ping(ACME);
        world.run_due();
        world.answer_next(encode_fail(AWAITS_CONSENT));
        assert_eq!(notices(&world), 0, "told once");
        pauses.push(retry_at - before);
    }
    assert!(pauses.is_sorted(), "{pauses:?}");
    assert_eq!(pauses.first(), Some(&CONSENT_RETRY_MIN_MS));
    assert_eq!(pauses.last(), Some(&CONSENT_RETRY_MAX_MS));
    assert!(pauses.len() < 60, "{}", pauses.len());
}

#[test]
fn a_peer_that_could_not_decide_is_asked_again_and_gets_what_was_written_meanwhile() {
    let mut world = offered(PeerKind::Causeway, UNDECIDED);
    assert_eq!(state(&world), LinkState::Inviting);
    assert_eq!(notices(&world), 1);
    world.write(ANN, TOWN, "meanwhile");
    for _ in 0..3 {
        world.ping(ACME);
        assert!(world.out.is_empty(), "not before its time");
        world.now_ms = world.get::<Link>(&(TOWN, ACME)).retry_at;
        world.ping(ACME);
        world.run_due();
        world.answer_next(encode_fail(UNDECIDED));
        assert_eq!(notices(&world), 0, "told once");
    }
    assert_eq!(world.get::<Connection>(&ACME).failures, 0);
    world.settle();
    assert_eq!(state(&world), LinkState::Active);
    assert_eq!(world.peer.posts.len(), 1);
    world.expect_same();
}

#[test]
fn a_peer_that_could_not_decide_and_then_accepts_gets_the_channel_at_once() {
    for first in [UNDECIDED, AWAITS_CONSENT] {
        let mut world = offered(PeerKind::Causeway, first);
        world.write(ANN, TOWN, "meanwhile");
        world.now_ms = world.get::<Link>(&(TOWN, ACME)).retry_at;
        world.ping(ACME);
        world.run_due();
        world.answer_next(encode_fail(UNDECIDED));
        assert_eq!(state(&world), LinkState::Inviting);
        let id = world.get::<Channel>(&TOWN).id;
        let taken = json!({"channel_id": id.as_str(), "is_shared": true});
        world.message(ACME, "sharedchannel_state", taken);
        // At once: no time passes.
        world.ping(ACME);
        while world.deliver_next() {}
        assert_eq!(state(&world), LinkState::Active);
        assert_eq!(world.peer.posts.len(), 1);
        world.settle();
        world.expect_same();
    }
}

#[test]
fn other_channels_go_on_while_a_peer_cannot_decide_about_one() {
    let mut world = offered(PeerKind::Causeway, UNDECIDED);
    let other = world.create_channel(ADMIN, "other", ChannelKind::Public);
    world.by(ADMIN, invite(other, ACME)).unwrap();
    while world.deliver_next() {}
    assert_eq!(world.get::<Link>(&(other, ACME)).state, LinkState::Active);
    assert_eq!(state(&world), LinkState::Inviting);
}

#[test]
fn a_peer_that_accepts_and_waits_in_turn_leaves_one_row_that_waits() {
    let mut world = awaiting(PeerKind::Causeway);
    let id = world.get::<Channel>(&TOWN).id;
    for _ in 0..20 {
        let taken = json!({"channel_id": id.as_str(), "is_shared": true});
        world.message(ACME, "sharedchannel_state", taken);
        world.ping(ACME);
        world.answer_next(encode_fail(AWAITS_CONSENT));
    }
    let due = world.host.prefix::<Due, ()>(&(), 100);
    let waiting = due
        .iter()
        .filter(|(_, row)| matches!(row.kind, DueKind::Link(..)));
    assert_eq!(waiting.count(), 1);
}

#[test]
fn whoever_declines_after_a_while_ends_the_link() {
    let mut world = awaiting(PeerKind::Causeway);
    world.now_ms += CONSENT_RETRY_MIN_MS;
    world.ping(ACME);
    world.run_due();
    world.answer_next(encode_fail("declined"));
    let link = world.get::<Link>(&(TOWN, ACME));
    assert_eq!(link.refusal(), Some("declined"));
}

#[test]
fn an_administrator_here_can_take_the_offer_back() {
    let mut world = awaiting(PeerKind::Causeway);
    world
        .by(ADMIN, crate::testing::acts::uninvite(TOWN, ACME))
        .unwrap();
    assert_eq!(state(&world), LinkState::Ended);
    // The peer is told, so that nobody there decides about it any more.
    let (_, frame) = world.out.first().unwrap();
    assert!(String::from_utf8_lossy(frame).contains("sharedchannel_state"));
    world.answer_next(encode_ok(None));
    world.now_ms += CONSENT_RETRY_MAX_MS;
    world.ping(ACME);
    world.run_due();
    assert!(world.out.is_empty());
}

#[test]
fn only_another_causeway_is_believed() {
    for answer in [AWAITS_CONSENT, UNDECIDED] {
        let world = offered(PeerKind::Mattermost11, answer);
        assert_eq!(state(&world), LinkState::Ended);
    }
}
