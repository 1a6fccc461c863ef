//! What a peer cannot do with invitations: fill the workspace, bring back a channel that was given up
//! here, take names.

use super::*;
use crate::boundary::output::Object;
use crate::model::limits::RECEIVED_CHANNELS_MAX;
use crate::sharing;

fn error(answer: &Value) -> String {
    assert_eq!(answer["status"], "FAIL", "{answer}");
    answer["err"].as_str().unwrap().to_string()
}

fn places(world: &World) -> u32 {
    let acme = world.get::<Connection>(&ACME).workspace;
    world.get::<PeerWorkspace>(&acme).channels
}

fn unshare(world: &mut World, letters: &str) {
    let channel = world.channel_no(letters).unwrap();
    world.act(Actor::System, acts::unshare(channel)).unwrap();
}

fn allow(world: &mut World, letters: &str, connection: ConnectionNo) -> Result<Object, Refusal> {
    let channel = world.channel_no(letters).unwrap();
    world.act(Actor::System, acts::invite(channel, connection))
}

#[test]
fn a_peer_has_so_many_places_for_its_channels() {
    let mut world = World::with_peers_of_today();
    for n in 0..RECEIVED_CHANNELS_MAX {
        let name = format!("c{n}");
        assert_eq!(world.invited(ACME, invite(&name, &name)), accepted());
    }
    let before = world.host.tables.clone();
    let answer = world.invited(ACME, invite("one", "one"));
    assert!(error(&answer).contains(" at most 200 channels"), "{answer}");
    assert_eq!(world.host.tables, before);
    assert_eq!(world.refused(), [("invite_refused".to_string(), 1)]);
    // Others have their own places.
    assert_eq!(world.invited(OTHER, invite("two", "two")), accepted());
    // A channel that the peer ends keeps its place; one that is given up here frees it.
    let (peers, ours) = (
        world.channel_no("c0").unwrap(),
        world.channel_no("c1").unwrap(),
    );
    world.step(|tx| sharing::end_link(tx, peers, ACME, LinkEnd::Peer));
    error(&world.invited(ACME, invite("one", "one")));
    for channel in [peers, ours] {
        let uninvite = acts::uninvite(channel, ACME);
        world.act(Actor::System, uninvite.clone()).unwrap();
        let again = world.act(Actor::System, uninvite);
        assert_eq!(again.unwrap_err().status, 404);
    }
    assert_eq!(places(&world), RECEIVED_CHANNELS_MAX - 2);
    assert_eq!(world.invited(ACME, invite("one", "one")), accepted());
    assert_eq!(world.invited(ACME, invite("three", "three")), accepted());
    assert_eq!(allow(&mut world, "c0", ACME).unwrap_err().status, 400);
    error(&world.invited(ACME, invite("four", "four")));
}

#[test]
fn what_an_admin_here_has_let_go_comes_back_only_when_one_allows_it() {
    let mut world = World::with_peers_of_today();
    world.invited(ACME, invite("lounge", "lounge"));
    let no = world.channel_no("lounge").unwrap();
    unshare(&mut world, "lounge");
    assert_eq!(places(&world), 0);
    let before = world.host.tables.clone();
    for _ in 0..2 {
        let answer = world.invited(ACME, invite("lounge", "lounge"));
        assert!(error(&answer).contains("has to allow it first"), "{answer}");
        assert_eq!(world.host.tables, before);
    }
    // Neither another connection of the same peer nor allowing it to a third party helps.
    let again = world.connect_again("acme-two", ACME);
    error(&world.invited(again, invite("lounge", "lounge")));
    assert_eq!(allow(&mut world, "lounge", OTHER).unwrap_err().status, 400);
    assert!(!world.host.has::<SharedChannel>(&no));
    allow(&mut world, "lounge", again).unwrap();
    assert!(
        !world.channel("lounge").unwrap().shared,
        "allowed, not done"
    );
    assert_eq!(allow(&mut world, "lounge", again).unwrap_err().status, 400);
    assert_eq!(world.invited(again, invite("lounge", "lounge")), accepted());
    assert_eq!(world.link("lounge", again).unwrap().end, None);
}

#[test]
fn what_the_peer_ended_or_a_removed_connection_took_along_comes_back_by_itself() {
    let mut world = World::with_peers_of_today();
    world.invited(ACME, invite("lounge", "lounge"));
    let no = world.channel_no("lounge").unwrap();
    for end in [LinkEnd::Peer, LinkEnd::Removed] {
        world.step(|tx| sharing::end_link(tx, no, ACME, end.clone()));
        assert_eq!(world.link("lounge", ACME).unwrap().end, Some(end));
        assert_eq!(world.invited(ACME, invite("lounge", "lounge")), accepted());
        assert_eq!(places(&world), 1);
    }
}

#[test]
fn a_name_that_is_taken_gets_a_number() {
    let mut world = World::with_peers_of_today();
    for (letters, named) in [("lounge", "joint-2"), ("cellar", "joint-3")] {
        assert_eq!(world.invited(ACME, invite(letters, "joint")), accepted());
        let channel = world.channel(letters).unwrap();
        assert_eq!(channel.name, named);
        assert_eq!(channel.display_name, "Their Lounge");
    }
}

#[test]
fn no_channel_is_named_like_a_direct_or_group_channel() {
    let mut world = World::with_peers_of_today();
    let direct = format!("{}__{}", id("boss"), id("olga"));
    for name in [direct, "0123456789abcdef".repeat(3)[..40].to_string()] {
        let before = world.host.tables.clone();
        let answer = world.invited(ACME, invite("lounge", &name));
        assert!(
            error(&answer).contains("direct or group channel"),
            "{answer}"
        );
        assert_eq!(world.host.tables, before);
    }
}

#[test]
fn a_refused_invitation_is_remembered_with_its_reason_until_it_is_dropped() {
    let mut world = World::with_peers_of_today();
    allow(&mut world, "secret", ACME).unwrap();
    let no = world.channel_no("secret").unwrap();
    let words = "no\nroom ".repeat(60);
    world.step(|tx| sharing::invite_refused(tx, no, ACME, &words));
    let refused = world.link("secret", ACME).unwrap();
    assert_eq!(refused.state, LinkState::Ended);
    let shown = refused.refusal().unwrap();
    assert!(shown.starts_with("noroom noroom"));
    assert_eq!(shown.len(), 200);
    let drop = acts::uninvite(no, ACME);
    world.act(Actor::System, drop).unwrap();
    assert_eq!(world.link("secret", ACME).unwrap().refusal(), None);
    // That declines no channel of ours: it is offered again.
    allow(&mut world, "secret", ACME).unwrap();
    assert_eq!(
        world.link("secret", ACME).unwrap().state,
        LinkState::Inviting
    );
}
