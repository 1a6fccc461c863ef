//! What belongs to this workspace or to a third party is not a peer's to change.

use super::*;
use crate::model::{Picture as PictureRow, User};

/// What is kept of a user.
fn kept(world: &World, letters: &str) -> (User, Option<PictureRow>) {
    let no = world.user_no(letters).unwrap();
    (world.get(&no), world.host.get(&no))
}

/// Fails if any kind of profile, or a picture, changes a user of somebody else's.
fn expect_untouched(world: &mut World, letters: &str) {
    let before = kept(world, letters);
    for kind in [Profile, Offer, Participant, Picture] {
        let stolen = thing(kind, letters, "joint");
        let renamed = json!({"username": "evil", "email": "evil@x.example", "delete_at": START});
        for change in [
            json!({}),
            renamed,
            json!({"nickname": "Evil", "remote_id": ""}),
        ] {
            world.send_thing(ACME, &stolen.with(change));
            assert_eq!(kept(world, letters), before, "{stolen:?}");
        }
    }
}

#[test]
fn t02_a_third_partys_profile_and_picture_stay_as_they_are() {
    let mut world = world();
    for kind in [Profile, Offer, Picture] {
        world.expect_taken(
            ACME,
            &thing(kind, "ann", "joint").with(json!({"nickname": "A"})),
        );
        world.alter::<User>(&world.user_no("ann").unwrap(), |user| {
            user.remote.as_mut().unwrap().origin_update_at = START;
        });
    }
    expect_untouched(&mut world, "olga");
    // In a group of three workspaces everybody is named, each with a profile.
    let group = json!({
        "type": "G", "direct_participant_ids": [id("ann"), id("boss"), id("olga")],
        "direct_participants": [with(user("olga", "evil"), json!({"update_at": START + 9}))],
    });
    let before = kept(&world, "olga");
    assert_eq!(
        world.invited(ACME, with(invite("g", "g"), group)),
        accepted()
    );
    assert_eq!(kept(&world, "olga"), before);
    // Nor do the users of a connection that is gone fall to another one.
    world.by(ADMIN, acts::remove_connection(OTHER)).unwrap();
    world.run_due();
    expect_untouched(&mut world, "olga");
}

#[test]
fn t08_a_profile_under_the_id_of_a_local_user_changes_nothing_of_that_user() {
    let mut world = world();
    expect_untouched(&mut world, "boss");
    assert!(world.user("boss").unwrap().origin.is_ours());
    assert!(world.user("boss").unwrap().remote.is_none());
}

#[test]
fn t15_create_edit_and_delete_reach_only_own_posts_in_channels_shared_with_the_peer() {
    let channels = ["joint", "acmeonly", "otheronly", "secret"];
    let authors = ["ann", "boss", "olga"];
    let verbs = [
        ("create", json!({})),
        (
            "edit",
            json!({"update_at": START + 9, "edit_at": START + 9, "message": "changed"}),
        ),
        (
            "pin",
            json!({"update_at": START + 9, "is_pinned": true, "message": "planted"}),
        ),
        (
            "delete",
            json!({"update_at": START + 9, "delete_at": START + 9}),
        ),
    ];
    for channel in channels {
        for author in authors {
            for (verb, change) in &verbs {
                let mut world = World::with_peers();
                if *verb != "create" {
                    world.plant("target", author, channel, "planted");
                }
                let before = world.host.tables.clone();
                let item = with(
                    post("target", author, "x"),
                    json!({"channel_id": id(channel)}),
                );
                let item = with(item, change.clone());
                let payload = json!({"channel_id": id(channel), "posts": [item.clone()]});
                let answer = world.answer(ACME, payload);
                let shared = matches!(channel, "joint" | "acmeonly");
                let allowed = shared && author == "ann";
                let what = format!("{verb} of a post by {author} in {channel}");
                if allowed {
                    assert_eq!(answer["payload"]["post_errors"], json!([]), "{what}");
                    assert_ne!(world.host.tables, before, "{what}");
                } else {
                    if shared {
                        assert_eq!(
                            answer["payload"]["post_errors"],
                            json!([id("target")]),
                            "{what}"
                        );
                    } else {
                        assert_eq!(answer["status"], "FAIL", "{what}");
                    }
                    assert_eq!(world.host.tables, before, "{what}");
                }
                // Nor in a message for a channel that is shared.
                if channel != "joint" {
                    let before = world.host.tables.clone();
                    for told in [channel, "joint"] {
                        let item = with(item.clone(), json!({"channel_id": id(told)}));
                        let other = with(item, json!({"update_at": START + 99}));
                        world.sync(ACME, json!({"posts": [other.clone()]}));
                        if *verb != "create" {
                            assert_eq!(world.host.tables, before, "{what}, told of {told}");
                        } else if told == channel {
                            assert!(world.post("target").is_none() || allowed);
                        }
                    }
                }
            }
        }
    }
}

/// What can be done with the kinds that are no posts: each is added, and removed if it can be.
fn verbs() -> Vec<(SentKind, Value)> {
    let gone = json!({"delete_at": START + 9});
    let withdrawn = with(gone.clone(), json!({"acknowledged_at": 0}));
    vec![
        (Reaction, json!({})),
        (Reaction, gone),
        (Acknowledgement, json!({})),
        (Acknowledgement, withdrawn),
        (Membership, json!({})),
        (Membership, json!({"is_add": false})),
        (Status, json!({})),
        (File, json!({})),
    ]
}

#[test]
fn t15_what_belongs_to_posts_and_channels_is_added_and_removed_for_own_users_only() {
    for (kind, change) in verbs() {
        for channel in ["joint", "acmeonly", "otheronly", "secret"] {
            for letters in ["ann", "boss", "olga"] {
                let mut world = world();
                // There is something to remove of everybody.
                let target = world.post_no(&format!("p{channel}")).unwrap();
                for act in [acts::react(target, "tada"), acts::acknowledge(target)] {
                    world.by(ADMIN, act).unwrap();
                }
                for kind in [Reaction, Acknowledgement] {
                    world.send_thing(OTHER, &thing(kind, "olga", channel).with(early(kind)));
                }
                let item = thing(kind, letters, channel).with(change.clone());
                if letters == "ann" && matches!(channel, "joint" | "acmeonly") {
                    world.expect_taken(ACME, &item);
                } else {
                    world.expect_no_trace(ACME, &item);
                }
            }
        }
    }
}

/// The same, from before what is sent later.
fn early(kind: SentKind) -> Value {
    if kind == Reaction {
        json!({"update_at": START})
    } else {
        json!({"acknowledged_at": START})
    }
}

/// The settings of a channel, without what posts in it change.
fn settings(world: &World, letters: &str) -> Channel {
    Channel {
        last_post_at: 0,
        last_root_post_at: 0,
        last_update_at: 0,
        msg_count: 0,
        root_msg_count: 0,
        ..world.channel(letters).unwrap()
    }
}

#[test]
fn t16_no_message_of_a_peer_changes_the_settings_of_a_channel() {
    let mut world = world();
    // One channel of ours, and one that the peer has brought.
    world.invited(ACME, invite("lounge", "lounge"));
    let boss = world.user_no("boss").unwrap();
    for channel in ["joint", "lounge"] {
        let before = settings(&world, channel);
        let other = json!({
            "name": "evil", "display_name": "Evil", "header": "evil", "purpose": "evil",
            "read_only": true, "team_id": id("elsewhere"), "delete_at": START, "creator_id": id("ann"),
        });
        for kind in ["O", "P", "D", "G"] {
            let again = thing(Invitation, "", channel).with(other.clone());
            world.send_thing(ACME, &again.with(json!({"type": kind})));
            assert_eq!(settings(&world, channel), before, "{kind}");
        }
        for (n, kind) in [
            "system_header_change",
            "system_purpose_change",
            "system_displayname_change",
            "system_convert_channel",
            "system_channel_deleted",
            "system_channel_restored",
            "system_change_chan_privacy",
        ]
        .into_iter()
        .enumerate()
        {
            let props = json!({
                "old_header": "H", "new_header": "evil", "new_purpose": "evil",
                "new_displayname": "evil", "deleteAt": START, "username": "boss",
            });
            let said = json!({
                "id": id(&format!("{channel}{n}")), "type": kind, "props": props, "delete_at": 0,
            });
            let said = with(other.clone(), said);
            world.expect_taken(ACME, &thing(Text, "ann", channel).with(said));
            assert_eq!(settings(&world, channel), before, "{kind}");
        }
        for section in [json!({"channel": other}), json!({"channels": [other]})] {
            let payload = with(json!({"channel_id": id(channel), "posts": []}), section);
            world.answer(ACME, payload);
            assert_eq!(settings(&world, channel), before);
        }
        for is_shared in [true, false] {
            let told = with(other.clone(), json!({"is_shared": is_shared}));
            world.send_thing(ACME, &thing(State, "", channel).with(told));
            assert_eq!(settings(&world, channel), before, "{is_shared}");
        }
        let no = world.channel_no(channel).unwrap();
        assert!(world.by(boss, acts::post(no, None, "as before")).is_ok());
    }
}
