//! Who somebody is, and where something comes from, follows from the connection, and from nothing that a peer says.

use super::*;
use crate::boundary::input::UploadProgress;
use crate::model::StatusRow;

#[test]
fn t14_whatever_a_profile_says_of_itself_the_user_is_one_of_the_peers() {
    let props = json!({
        "RemoteUsername": "boss", "remoteusername": "boss", "REMOTEUSERNAME": "boss",
        "RemoteEmail": "boss@here.example", "remoteEmail": "boss@here.example",
        "OriginalRemoteId": id("home"), "originalremoteid": id("home"), "kept": "x",
    });
    for told in [
        "new",
        "boss",
        "boss:here",
        "olga:other",
        "cfo:globex",
        "new:acme",
    ] {
        for kind in [Profile, Offer, Participant] {
            let mut world = world();
            let own = world.get::<Connection>(&ACME);
            let channel = if kind == Profile { "joint" } else { "lounge" };
            let claims = json!({
                "username": told, "props": props, "roles": "system_admin system_user",
                "auth_service": "ldap", "auth_data": "boss", "email": "boss@here.example",
                "email_verified": true, "origin": 0, "is_bot": true,
            });
            world.expect_taken(ACME, &thing(kind, "new", channel).with(claims));
            let new = world.user("new").unwrap();
            let what = format!("{kind:?} {told}");
            assert_eq!(new.origin, own.workspace, "{what}");
            assert!(new.username.ends_with(":acme"), "{what}: {}", new.username);
            assert_eq!(new.username.matches(':').count(), 1, "{what}");
            assert_eq!(
                (new.roles.as_str(), new.props.as_str()),
                ("system_user", r#"{"kept":"x"}"#)
            );
            assert!(
                new.email.ends_with("@acme.invalid"),
                "{what}: {}",
                new.email
            );
            let remote = new.remote.unwrap();
            assert_eq!(remote.username, told, "{what}");
            assert_eq!(
                remote.original_remote_id,
                own.remote_id.to_string(),
                "{what}"
            );
        }
    }
}

#[test]
fn t17_a_frame_that_names_another_connection_than_it_came_over_is_refused() {
    for (kind, channel) in in_messages() {
        let mut world = world();
        let (topic, payload) = thing(kind, "ann", channel).message();
        let body = world.frame(OTHER, topic, &payload);
        let before = world.host.tables.clone();
        let (status, answer) = world.body(ACME, &body);
        let id = "api.context.remote_id_invalid.app_error";
        assert_eq!((status, &answer["id"]), (400, &json!(id)), "{kind:?}");
        assert_eq!(world.host.tables, before, "{kind:?}");
        world.expect_taken(ACME, &thing(kind, "ann", channel));
    }
}

#[test]
fn t17_the_origin_that_an_item_claims_changes_nothing_about_it() {
    for kind in OF_A_USER.into_iter().filter(|kind| *kind != Picture) {
        let mut plain = world();
        plain.expect_taken(ACME, &thing(kind, "ann", "joint"));
        let other = plain.get::<Connection>(&OTHER).remote_id.to_string();
        let own = plain.get::<Connection>(&ACME).remote_id.to_string();
        for claimed in [other, own, id("home"), "no id".to_string()] {
            let mut world = world();
            let claim = thing(kind, "ann", "joint").with(json!({"remote_id": claimed}));
            world.expect_taken(ACME, &claim);
            assert_eq!(
                world.host.tables, plain.host.tables,
                "{kind:?} from {claimed}"
            );
        }
    }
}

#[test]
fn t17_a_new_user_is_not_taken_from_a_peer_that_says_another_one_brought_the_user() {
    for kind in [Profile, Offer, Participant] {
        let mut world = world();
        let other = world.get::<Connection>(&OTHER).remote_id.to_string();
        let channel = if kind == Profile { "joint" } else { "lounge" };
        let profile = thing(kind, "new", channel);
        world.expect_no_trace(ACME, &profile.with(json!({"remote_id": other})));
        world.expect_taken(ACME, &profile);
    }
}

/// What nobody keeps for long goes by the same rules as what is stored for ever.
#[test]
fn t23_statuses_and_pictures_are_those_of_own_users_only() {
    for kind in [Status, Picture] {
        let mut world = world();
        for letters in ["boss", "olga", "nobody"] {
            world.expect_no_trace(ACME, &thing(kind, letters, "joint"));
        }
        for topic in SYNC_TOPICS.into_iter().filter(|_| kind == Status) {
            let (joint, none) = (id("joint"), String::new());
            for (letters, channel) in [("boss", &joint), ("olga", &joint), ("ann", &none)] {
                let (_, payload) = thing(kind, letters, "joint").message();
                world.message(ACME, topic, with(payload, json!({"channel_id": channel})));
                assert_eq!(world.events(), [], "{letters} over {topic}");
            }
        }
        assert_eq!(world.host.tables.count(Table::Statuses), 0);
        world.expect_taken(ACME, &thing(kind, "ann", "joint"));
        let ann = world.user_no("ann").unwrap();
        assert_eq!(world.host.has::<StatusRow>(&ann), kind == Status);
    }
}

/// A hub passes on what others wrote: such an item counts as the hub's, and reaches nothing of whoever wrote it.
#[test]
fn t24_an_item_that_is_passed_on_obeys_the_rules_for_who_passes_it_on() {
    let mut world = world();
    let other = world.get::<Connection>(&OTHER).remote_id.to_string();
    for is_gone in [false, true] {
        if is_gone {
            world.by(ADMIN, acts::remove_connection(OTHER)).unwrap();
            world.run_due();
        }
        for kind in OF_A_USER {
            for claimed in [String::new(), other.clone(), id("home")] {
                let item = thing(kind, "olga", "joint").with(json!({"remote_id": claimed}));
                world.expect_no_trace(ACME, &item);
            }
        }
    }
}

/// Whoever comes through a peer is that peer's: no other connection touches the user, not even one to the user's home.
#[test]
fn t24_who_came_through_a_hub_is_the_hubs_even_for_the_home_of_that_user() {
    let later = json!({
        "update_at": START + 20, "acknowledged_at": START + 20, "change_time": START + 20,
    });
    for kind in OF_A_USER {
        let mut world = world();
        let through = thing(Profile, "zoe", "joint").with(json!({"remote_id": id("home")}));
        world.expect_taken(ACME, &through);
        let home = world.connect("home", PeerKind::Mattermost11);
        world.share(world.channel_no("joint").unwrap(), home);
        let newer = thing(kind, "zoe", "joint").with(later.clone());
        for connection in [OTHER, home] {
            world.expect_no_trace(connection, &newer);
        }
        world.expect_taken(ACME, &newer);
    }
}

#[test]
fn t24_a_connection_that_was_removed_brings_nothing_of_anybody() {
    let mut world = world();
    world.expect_taken(ACME, &thing(File, "ann", "joint"));
    world.by(ADMIN, acts::remove_connection(ACME)).unwrap();
    world.run_due();
    for kind in OF_A_USER
        .into_iter()
        .chain([Participant, Invitation, State])
    {
        let item = thing(kind, "ann", "joint");
        world.expect_no_trace(ACME, &item);
        assert_eq!(world.send_thing(ACME, &item).0, 400, "{kind:?}");
    }
    let before = world.host.tables.clone();
    let progress = UploadProgress::Whole {
        digest: format!("{:064x}", 1),
        dimensions: None,
    };
    let bytes = world.run(Input::Upload {
        connection: ACME,
        upload: parsed_id("up"),
        progress,
    });
    assert_eq!(http(bytes.reply).0, 404);
    assert_eq!(world.host.tables, before);
}
