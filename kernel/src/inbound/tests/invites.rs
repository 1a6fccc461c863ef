//! Invitations to channels of a peer.

use super::*;
use crate::model::ConnectionLink;
use crate::sharing;

#[test]
fn a_new_channel_is_made_for_the_connection_with_its_creator_as_first_member() {
    let mut world = World::with_peers();
    let private = with(
        invite("lounge", "lounge"),
        json!({"type": "P", "read_only": true}),
    );
    assert_eq!(world.invited(ACME, private), accepted());
    let channel = world.channel("lounge").unwrap();
    assert_eq!(
        (channel.place.letter(), channel.read_only, channel.shared),
        ("P", true, true)
    );
    assert_eq!(
        (channel.header.as_str(), channel.purpose.as_str()),
        ("H", "P")
    );
    assert_eq!(
        (channel.name.as_str(), channel.display_name.as_str()),
        ("lounge", "Their Lounge")
    );
    assert_eq!(
        channel.place.team(),
        world.channel("joint").unwrap().place.team()
    );
    assert_eq!(channel.origin, world.get::<Connection>(&ACME).workspace);
    let no = world.channel_no("lounge").unwrap();
    let shared = world.get::<SharedChannel>(&no);
    assert_eq!(
        (shared.home, shared.read_only, shared.connection),
        (false, true, Some(ACME))
    );
    let boss = world.user_no("boss").unwrap();
    assert!(world.get::<ChannelMember>(&(no, boss)).is_admin);
    let first = world.get::<Link>(&(no, ACME));
    assert_eq!(
        (first.state, first.invited_by_us),
        (LinkState::Active, false)
    );
    assert!(world.host.has::<ConnectionLink>(&(ACME, no)));
    // The notice about the first member is older than the link, so the peer does not get it.
    let posts = world.host.prefix::<ChannelPost, _>(&no, 9);
    assert_eq!(posts.len(), 1);
    assert!(posts[0].0.2 <= first.posts_before);
    let posts = [with(
        post("hi", "ann", "hi"),
        json!({"channel_id": id("lounge")}),
    )];
    let response = world.sync(ACME, json!({"channel_id": id("lounge"), "posts": posts}));
    assert_eq!(response["post_errors"], json!([]));
}

#[test]
fn the_team_is_the_one_of_the_connection_if_it_is_there() {
    let mut world = World::with_peers();
    let second = world.step(|tx| {
        let no = tx.next_team();
        let row = tx.get::<Team>(&TeamNo(1)).unwrap();
        let row = Team {
            id: parsed_id("second"),
            ..row
        };
        tx.bind_id(kind::TEAM, row.id, no.0);
        tx.put(&no, &row);
        no
    });
    world.alter::<Connection>(&ACME, |row| row.default_team_id = id("second"));
    world.invited(ACME, invite("lounge", "joint"));
    assert_eq!(world.channel("lounge").unwrap().place.team(), Some(second));
    world.alter::<Team>(&second, |team| team.delete_at = 9);
    world.invited(ACME, invite("cellar", "cellar"));
    assert_eq!(
        world.channel("cellar").unwrap().place.team(),
        Some(TeamNo(1))
    );
}

#[test]
fn an_invitation_for_a_live_link_changes_nothing() {
    let mut world = World::with_peers();
    let before = world.host.tables.clone();
    let again = with(invite("joint", "other-name"), json!({"read_only": true}));
    assert_eq!(world.invited(ACME, again), accepted());
    assert_eq!(world.host.tables, before);
}

#[test]
fn a_channel_that_is_here_is_not_the_peers_to_offer() {
    let mut world = World::with_peers();
    world.invited(OTHER, invite("theirs", "theirs"));
    // Ended by us: it stays ended even if the peer offers it.
    let own = world.channel_no("acmeonly").unwrap();
    world.step(|tx| sharing::end_link(tx, own, ACME, LinkEnd::Removed));
    for channel in ["secret", "otheronly", "theirs", "acmeonly"] {
        let before = world.host.tables.clone();
        let answer = world.invited(ACME, invite(channel, "any-name"));
        let error = format!(
            "cannot create new shared channel (channel_id={}): channel already exists",
            id(channel)
        );
        assert_eq!(answer, failed(&error));
        assert_eq!(world.host.tables, before);
    }
}

#[test]
fn a_channel_of_the_peer_comes_back_after_its_link_has_ended() {
    let mut world = World::with_peers();
    world.invited(ACME, invite("lounge", "lounge"));
    let no = world.channel_no("lounge").unwrap();
    world.step(|tx| sharing::end_link(tx, no, ACME, LinkEnd::Peer));
    assert!(!world.channel("lounge").unwrap().shared);
    assert!(!world.host.has::<SharedChannel>(&no));
    let ended = world.link("lounge", ACME).unwrap();
    assert_eq!(ended.state, LinkState::Ended);
    let again = with(invite("lounge", "renamed"), json!({"read_only": true}));
    assert_eq!(world.invited(ACME, again), accepted());
    let back = world.link("lounge", ACME).unwrap();
    assert_eq!(
        (back.state, back.id, back.delete_at),
        (LinkState::Active, ended.id, 0)
    );
    assert!(back.posts_before.0 >= ended.posts_before.0);
    let channel = world.channel("lounge").unwrap();
    assert_eq!(
        (channel.shared, channel.read_only, channel.name.as_str()),
        (true, false, "lounge")
    );
}

#[test]
fn a_channel_comes_back_over_another_connection_of_the_same_workspace() {
    let mut world = World::with_peers();
    world.invited(ACME, invite("lounge", "lounge"));
    let no = world.channel_no("lounge").unwrap();
    world.step(|tx| sharing::end_link(tx, no, ACME, LinkEnd::Removed));
    world.alter::<Connection>(&ACME, |row| row.state = ConnectionState::Removed);
    let stranger = world.connect("acme-new", PeerKind::Mattermost11);
    let attached = world.connect_again("acme-two", ACME);
    let answer = world.invited(stranger, invite("lounge", "lounge"));
    assert!(
        answer["err"]
            .as_str()
            .unwrap()
            .ends_with("channel already exists")
    );
    assert_eq!(
        world.invited(attached, invite("lounge", "lounge")),
        accepted()
    );
    // Its users and posts are known again too.
    let posts = [with(
        post("back", "ann", "back"),
        json!({"channel_id": id("lounge")}),
    )];
    let payload =
        json!({"channel_id": id("lounge"), "users": {"a": user("ann", "ann")}, "posts": posts});
    let response = world.sync(attached, payload);
    assert_eq!(response["users_syncd"], json!([id("ann")]));
    assert_eq!(response["post_errors"], json!([]));
    assert_eq!(world.user("ann").unwrap().username, "ann:acme");
}

#[test]
fn what_is_wrong_with_an_invitation_is_said_and_nothing_changes() {
    let mut world = World::with_peers();
    let c = id("lounge");
    let table = [
        (
            json!({"name": "joint"}),
            format!(
                "cannot create channel `{c}`: CreateChannel: A channel with that name already exists \
             on the same team., Channelexists id={c}"
            ),
        ),
        (
            json!({"name": "Bad Name!"}),
            format!(
                "cannot create channel `{c}`: Channel.IsValid: Name must be 1 or more lowercase \
             alphanumeric character., id={c}"
            ),
        ),
        (
            json!({"name": ""}),
            format!(
                "cannot create channel `{c}`: Channel.IsValid: Name must be 1 or more lowercase \
             alphanumeric character., id={c}"
            ),
        ),
        (
            json!({"type": "X"}),
            format!("cannot create channel `{c}`: Channel.IsValid: Invalid type., id={c}"),
        ),
        (
            json!({"type": ""}),
            format!("cannot create channel `{c}`: Channel.IsValid: Invalid type., id={c}"),
        ),
        (
            json!({"header": "h".repeat(1025)}),
            format!("cannot create channel `{c}`: Channel.IsValid: Invalid header., id={c}"),
        ),
        (
            json!({"purpose": "p".repeat(251)}),
            format!("cannot create channel `{c}`: Channel.IsValid: Invalid purpose., id={c}"),
        ),
        (
            json!({"display_name": "d".repeat(65)}),
            format!("cannot create channel `{c}`: Channel.IsValid: Invalid display name., id={c}"),
        ),
        (
            json!({"type": "D", "direct_participant_ids": [id("boss"), id("ann")]}),
            format!(
                "cannot create direct channel `{c}`: createDirectChannelWithUser: Cannot create a \
             direct channel with a remote user"
            ),
        ),
    ];
    for (change, error) in table {
        let before = world.host.tables.clone();
        let answer = world.invited(ACME, with(invite("lounge", "lounge"), change));
        assert_eq!(answer, failed(&error));
        assert_eq!(world.host.tables, before);
        assert_eq!(world.refused(), [("invite_refused".to_string(), 1)]);
        assert_eq!(world.effects.len(), 1);
    }
    let group = with(invite("lounge", "lounge"), json!({"type": "G"}));
    for odd in [json!("x"), json!(null), json!({}), group] {
        let before = world.host.tables.clone();
        let answer = world.invited(ACME, odd);
        assert_eq!(answer["status"], "FAIL");
        assert_eq!(world.host.tables, before);
    }
}
