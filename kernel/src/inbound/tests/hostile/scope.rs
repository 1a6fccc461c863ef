//! A peer reaches only what is in a channel that is shared with this very connection.

use super::*;
use crate::model::{ChannelKind, TeamMember, UserChannel};

/// A world with a channel of each kind that is closed to acme.
fn world_of_closed() -> World {
    let mut world = world();
    world.channel_with_id("ended");
    let ended = world.channel_no("ended").unwrap();
    world.share(ended, ACME);
    world.plant("pended", "boss", "ended", "by boss");
    world.by(ADMIN, acts::uninvite(ended, ACME)).unwrap();
    world.send_thing(OTHER, &thing(Invitation, "", "theirs"));
    world
}

const CLOSED: [&str; 5] = ["otheronly", "secret", "ended", "theirs", "nowhere"];

#[test]
fn t06_nothing_is_attached_to_a_post_of_another_channel() {
    for told in ["joint", "acmeonly"] {
        for place in ["joint", "acmeonly", "otheronly", "secret"] {
            let target = id(&format!("p{place}"));
            for kind in [Reaction, Acknowledgement, Text] {
                let mut world = world();
                let key = if kind == Text { "root_id" } else { "post_id" };
                let item = thing(kind, "ann", told).with(json!({key: target}));
                if told == place {
                    world.expect_taken(ACME, &item);
                } else {
                    world.expect_no_trace(ACME, &item);
                }
            }
            // A reaction and an acknowledgement may name the channel of their post.
            for kind in [Reaction, Acknowledgement] {
                let mut world = world();
                let named = json!({"post_id": target, "channel_id": id(place)});
                if told != place {
                    world.expect_no_trace(ACME, &thing(kind, "ann", told).with(named));
                }
            }
        }
    }
}

#[test]
fn t09_a_message_for_a_channel_that_is_not_shared_with_its_sender_changes_nothing() {
    for kind in IN_A_CHANNEL {
        let mut world = world_of_closed();
        for channel in CLOSED {
            world.expect_no_trace(ACME, &thing(kind, "ann", channel));
            if kind == State {
                let told = json!({"is_shared": true});
                world.expect_no_trace(ACME, &thing(kind, "ann", channel).with(told));
            }
        }
        world.expect_taken(ACME, &thing(kind, "ann", "acmeonly"));
    }
}

#[test]
fn t09_no_topic_and_no_channel_of_an_item_opens_another_channel() {
    for kind in [Profile, Text, Reaction, Acknowledgement, Status, Membership] {
        for topic in SYNC_TOPICS {
            let mut world = world_of_closed();
            for channel in CLOSED {
                let (_, payload) = thing(kind, "ann", channel).message();
                let before = world.host.tables.clone();
                world.message(ACME, topic, payload.clone());
                assert_eq!(
                    world.host.tables, before,
                    "{kind:?} over {topic} for {channel}"
                );
                // In a message for a channel that is shared. Profiles and statuses belong to none.
                if !matches!(kind, Profile | Status) {
                    let payload = with(payload, json!({"channel_id": id("joint")}));
                    world.message(ACME, topic, payload);
                    assert_eq!(
                        world.host.tables, before,
                        "{kind:?} over {topic} in {channel}"
                    );
                }
            }
            let (_, payload) = thing(kind, "ann", "acmeonly").message();
            let before = world.host.tables.clone();
            world.message(ACME, topic, payload);
            assert_ne!(world.host.tables, before, "{kind:?} over {topic}");
        }
    }
}

#[test]
fn t22_nobody_is_removed_but_own_users_from_channels_that_are_shared() {
    let removal = |letters: &str, channel: &str| {
        thing(Membership, letters, channel).with(json!({"is_add": false}))
    };
    for topic in &SYNC_TOPICS[..2] {
        let mut world = world_of_closed();
        let send = |world: &mut World, letters: &str, named: &str, told: &str| {
            let (_, payload) = removal(letters, named).message();
            let payload = with(payload, json!({"channel_id": id(told)}));
            world.message(ACME, topic, payload);
        };
        let before = world.host.tables.clone();
        for channel in [
            "joint",
            "acmeonly",
            "otheronly",
            "secret",
            "ended",
            "theirs",
        ] {
            for letters in ["boss", "olga"] {
                for told in ["joint", channel] {
                    send(&mut world, letters, channel, told);
                    assert_eq!(
                        world.host.tables, before,
                        "{letters} of {channel} in {told}"
                    );
                }
            }
        }
        // A user of its own who is in a channel that is no longer shared stays there.
        let ended = world.channel_no("ended").unwrap();
        let ann = world.user_no("ann").unwrap();
        world.step(|tx| crate::objects::members::join_channel(tx, ended, ann, false));
        let before = world.host.tables.clone();
        for told in ["ended", "joint"] {
            send(&mut world, "ann", "ended", told);
            assert_eq!(world.host.tables, before, "told in {told}");
        }
        send(&mut world, "ann", "joint", "joint");
        assert_ne!(world.host.tables, before);
    }
}

/// The member of a shared private channel gets into its team, as no server shows a channel without its team. That opens
/// none of its other channels to the peer.
#[test]
fn t22_whoever_gets_into_a_team_with_a_channel_gets_nothing_else_of_the_team() {
    let mut world = world();
    let ops = world.create_channel(ADMIN, "ops", ChannelKind::Private);
    world.alter::<Channel>(&ops, |channel| channel.id = parsed_id("ops"));
    world.step(|tx| tx.bind_id(kind::CHANNEL, parsed_id("ops"), ops.0));
    world.share(ops, ACME);
    let greedy = json!({
        "scheme_admin": true, "roles": "team_admin channel_admin", "team_id": id("crew"),
        "explicit_roles": "team_admin",
    });
    let profile = with(user("zoe", "zoe"), greedy.clone());
    let change = with(thing(Membership, "zoe", "ops").item, greedy);
    let payload = json!({
        "channel_id": id("ops"), "users": {"z": profile}, "membership_changes": [change],
    });
    world.sync(ACME, payload);
    let zoe = world.user_no("zoe").unwrap();
    let crew = world.channel("ops").unwrap().place.team().unwrap();
    assert!(!world.get::<TeamMember>(&(crew, zoe)).is_admin);
    assert!(!world.get::<ChannelMember>(&(ops, zoe)).is_admin);
    let joined = world.host.prefix::<UserChannel, _>(&zoe, 100);
    assert_eq!(joined.len(), 1, "only the channel that is shared");
    for kind in IN_A_CHANNEL {
        world.expect_no_trace(ACME, &thing(kind, "zoe", "secret"));
    }
    world.expect_taken(ACME, &thing(Text, "zoe", "ops"));
}
