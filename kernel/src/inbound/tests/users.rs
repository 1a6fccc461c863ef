//! Profiles.

use super::*;
use crate::boundary::input::Actor;
use crate::model::limits::REMOTE_USERS_MAX;
use crate::model::{NameRow, PeerKind, TeamMember, UserClass};
use crate::testing::acts::configure_sharing;
use crate::wire::frame;

#[test]
fn a_new_user_is_named_after_its_connection_and_joins_channel_and_team() {
    let mut world = World::with_peers();
    let profile = with(
        user("bea", "bea"),
        json!({
            "nickname": "B", "first_name": "Bea", "last_name": "Best", "position": "Boss",
            "roles": "system_admin", "delete_at": 0, "locale": "de",
            "timezone": {"useAutomaticTimezone": "true", "depth": {"x": 1}},
            "props": {"customStatus": "{\"text\":\"away\"}", "RemoteUsername": "boss",
                      "originalremoteid": "me", "number": 7},
        }),
    );
    let response = world.sync(ACME, users(&[profile]));
    assert_eq!(response["users_syncd"], json!([id("bea")]));
    assert_eq!(response["users_last_update_at"], json!(START));
    let bea = world.user("bea").unwrap();
    assert_eq!(bea.username, "bea:acme");
    assert_eq!(
        (bea.roles.as_str(), bea.locale.as_str()),
        ("system_user", "de")
    );
    assert_eq!(bea.timezone, r#"{"useAutomaticTimezone":"true"}"#);
    assert_eq!(bea.props, r#"{"customStatus":"{\"text\":\"away\"}"}"#);
    assert!(bea.email.ends_with("@acme.invalid") && !bea.email.contains("real"));
    let remote = bea.remote.unwrap();
    assert_eq!(
        (remote.username.as_str(), remote.email.as_str()),
        ("bea", "real@x.example")
    );
    let own = world.get::<Connection>(&ACME);
    assert_eq!(remote.original_remote_id, own.remote_id.to_string());
    assert_eq!(bea.origin, own.workspace);
    let no = world.user_no("bea").unwrap();
    let channel = world.channel_no("joint").unwrap();
    assert!(world.host.has::<ChannelMember>(&(channel, no)));
    assert!(
        world
            .host
            .has::<TeamMember>(&(world.channel("joint").unwrap().place.team().unwrap(), no))
    );
    let secret = world.channel_no("secret").unwrap();
    assert!(!world.host.has::<ChannelMember>(&(secret, no)));
}

#[test]
fn only_a_newer_profile_changes_anything() {
    let mut world = World::with_peers();
    let named = |nick: &str, at: i64| {
        with(
            user("bea", "bea"),
            json!({"nickname": nick, "update_at": at}),
        )
    };
    world.sync(ACME, users(&[named("one", START + 5)]));
    let before = world.host.tables.clone();
    for _ in 0..10 {
        let response = world.sync(ACME, users(&[named("two", START + 5)]));
        assert_eq!(response["users_syncd"], json!([id("bea")]));
        world.sync(ACME, users(&[named("old", START + 4)]));
    }
    assert_eq!(world.host.tables, before);
    world.sync(ACME, users(&[named("three", START + 6)]));
    assert_eq!(world.user("bea").unwrap().nickname, "three");
}

#[test]
fn before_names_were_own_they_could_not_pass_for_those_of_another_connection() {
    for told in ["olga:other", "olga:oth:er"] {
        let mut world = World::with_peers();
        world.sync(ACME, users(&[user("zoe", told)]));
        assert_eq!(
            world.user("zoe").unwrap().username,
            "olga-2:other",
            "{told}"
        );
        world.step(|tx| {
            tx.put(
                &Behaviour::OwnSuffixes.number(),
                &InForce { since_ms: START },
            )
        });
        world.sync(ACME, users(&[user("eva", told)]));
        assert_eq!(world.user("eva").unwrap().username, "olga:acme", "{told}");
        world.sync(ACME, users(&[user("bea", "bea")]));
        let renamed = with(user("bea", told), json!({"update_at": START + 9}));
        world.sync(ACME, users(&[renamed]));
        assert_eq!(world.user("bea").unwrap().username, "olga-2:acme", "{told}");
    }
}

#[test]
fn what_belongs_to_the_account_here_never_changes() {
    let mut world = World::with_peers();
    let relayed = with(user("bea", "bea:hub"), json!({"remote_id": id("home")}));
    world.sync(ACME, users(&[relayed]));
    let first = world.user("bea").unwrap();
    assert_eq!(first.username, "bea:hub");
    assert_eq!(
        first.remote.as_ref().unwrap().original_remote_id,
        id("home")
    );
    let later = with(
        user("bea", "bea:hub"),
        json!({"update_at": START + 9, "remote_id": id("else"), "delete_at": 77,
               "email": "new@x.example", "create_at": 1}),
    );
    world.sync(ACME, users(&[later]));
    let then = world.user("bea").unwrap();
    assert_eq!(then.remote.as_ref().unwrap().original_remote_id, id("home"));
    assert_eq!(then.remote.as_ref().unwrap().email, "new@x.example");
    assert_eq!((then.delete_at, then.create_at), (0, first.create_at));
    assert_eq!((then.email, then.origin), (first.email, first.origin));
}

#[test]
fn clashing_names_get_suffixes_that_do_not_pile_up() {
    let mut world = World::with_peers();
    world.sync(
        ACME,
        users(&[
            user("kimone", "kim"),
            user("kimtwo", "kim"),
            user("kimx", "kit"),
        ]),
    );
    assert_eq!(world.user("kimone").unwrap().username, "kim:acme");
    assert_eq!(world.user("kimtwo").unwrap().username, "kim-2:acme");
    let rename = |name: &str, at: i64| with(user("kimx", name), json!({"update_at": START + at}));
    world.sync(ACME, users(&[rename("kim", 1)]));
    assert_eq!(world.user("kimx").unwrap().username, "kim-3:acme");
    world.sync(ACME, users(&[rename("kim", 2)]));
    assert_eq!(world.user("kimx").unwrap().username, "kim-3:acme");
    world.sync(ACME, users(&[rename("kit", 3)]));
    assert_eq!(world.user("kimx").unwrap().username, "kit:acme");
    world.sync(OTHER, users(&[user("kimo", "kim")]));
    assert_eq!(world.user("kimo").unwrap().username, "kim:other");
    // A name that is no longer used is free again.
    world.sync(ACME, users(&[user("kimy", "kim")]));
    assert_eq!(world.user("kimy").unwrap().username, "kim-3:acme");
}

#[test]
fn when_every_suffix_is_taken_the_user_is_refused_and_changes_nothing() {
    let mut world = World::with_peers();
    let many: Vec<Value> = (0..25).map(|n| user(&format!("same{n}"), "same")).collect();
    let response = world.sync(ACME, users(&many));
    assert_eq!(response["users_syncd"].as_array().unwrap().len(), 25);
    let before = world.host.tables.clone();
    let response = world.sync(ACME, users(&[user("last", "same")]));
    assert_eq!(response["users_syncd"], json!([]));
    assert_eq!(world.refused(), [("name_taken".to_string(), 1)]);
    assert_eq!(world.host.tables, before);
}

#[test]
fn bad_profiles_are_left_out_and_the_others_taken() {
    let mut world = World::with_peers();
    let long = "x".repeat(65);
    let bad = [
        (with(user("bada", ""), json!({})), "bad_name"),
        (with(user("badb", "Bad Name!"), json!({})), "bad_name"),
        (with(user("badc", &long), json!({})), "bad_name"),
        (with(user("badd", ":x"), json!({})), "bad_name"),
        (with(user("bade", "b\u{430}d"), json!({})), "bad_name"),
        (with(user("badf", "badf "), json!({})), "bad_name"),
        (
            with(user("badg", "badg"), json!({"nickname": long})),
            "too_large",
        ),
        (
            with(user("badh", "badh"), json!({"position": "p".repeat(129)})),
            "too_large",
        ),
        (
            with(
                user("badi", "badi"),
                json!({"props": {"x": "y".repeat(9000)}}),
            ),
            "too_large",
        ),
        (
            with(user("badj", "badj"), json!({"update_at": -1})),
            "bad_time",
        ),
        (
            with(user("badk", "badk"), json!({"create_at": i64::MAX})),
            "bad_time",
        ),
        (with(user("badl", "badl"), json!({"id": "short"})), "bad_id"),
        (with(user("badm", "badm"), json!({"id": ""})), "bad_id"),
        (
            with(user("badn", "badn"), json!({"username": 7})),
            "malformed",
        ),
        (json!("not an object"), "malformed"),
        (json!(null), "malformed"),
    ];
    for (profile, reason) in bad {
        let before = world.host.tables.clone();
        let response = world.sync(ACME, users(std::slice::from_ref(&profile)));
        assert_eq!(response["users_syncd"], json!([]), "{profile}");
        assert_eq!(world.refused(), [(reason.to_string(), 1)], "{profile}");
        assert_eq!(world.host.tables, before, "{profile}");
        let good = user("good", "good");
        let response = world.sync(ACME, users(&[profile, good]));
        assert_eq!(response["users_syncd"], json!([id("good")]));
    }
}

#[test]
fn a_user_of_ours_or_of_another_peer_is_never_touched() {
    let mut world = World::with_peers();
    for stolen in ["boss", "olga"] {
        let before = world.host.tables.clone();
        let profile = with(
            user(stolen, "taken-over"),
            json!({"update_at": START + 1_000_000, "remote_id": ""}),
        );
        let response = world.sync(ACME, users(&[profile]));
        assert_eq!(response["users_syncd"], json!([]));
        assert_eq!(world.refused(), [("foreign_user".to_string(), 1)]);
        assert_eq!(world.host.tables, before);
    }
}

#[test]
fn a_user_that_is_deactivated_at_first_sight_stays_outside() {
    let mut world = World::with_peers();
    world.sync(
        ACME,
        users(&[with(user("gone", "gone"), json!({"delete_at": START}))]),
    );
    assert_eq!(world.user("gone").unwrap().delete_at, START);
    let no = world.user_no("gone").unwrap();
    let channel = world.channel_no("joint").unwrap();
    assert!(!world.host.has::<ChannelMember>(&(channel, no)));
}

#[test]
fn who_is_deactivated_at_home_is_inactive_here_until_brought_back_there() {
    let mut world = World::with_peers_of_today();
    let told = |at: i64, delete_at: i64| {
        let changes = json!({"update_at": START + at, "delete_at": delete_at});
        users(&[with(user("ann", "ann"), changes)])
    };
    world.sync(ACME, told(9, START + 9));
    assert_eq!(world.user("ann").unwrap().delete_at, START + 9);
    world.sync(ACME, told(8, 0));
    assert_eq!(world.user("ann").unwrap().delete_at, START + 9, "older");
    world.sync(ACME, told(10, 0));
    assert_eq!(world.user("ann").unwrap().delete_at, 0);
}

#[test]
fn an_earlier_profile_of_a_deactivated_user_does_not_let_the_user_join_later() {
    let mut world = World::with_peers_of_today();
    let told = |at: i64, delete_at: i64| {
        let changes = json!({"update_at": START + at, "delete_at": delete_at});
        users(&[with(user("gone", "gone"), changes)])
    };
    world.sync(ACME, told(1, START + 1));
    let no = world.user_no("gone").unwrap();
    let place = (world.channel_no("joint").unwrap(), no);
    world.alter::<crate::model::User>(&no, |user| user.delete_at = 0);
    world.sync(ACME, told(1, START + 1));
    assert!(!world.host.has::<ChannelMember>(&place));
    world.sync(ACME, told(1, 0));
    assert!(world.host.has::<ChannelMember>(&place));
}

#[test]
fn a_peer_has_so_many_users_here_and_they_make_no_news_that_nobody_hears() {
    let mut world = World::with_peers_of_today();
    world.sync(ACME, users(&[user("bea", "bea")]));
    let events = world.events().into_iter().map(|event| format!("{event:?}"));
    let told: Vec<String> = events
        .filter_map(|event| Some(event.split('(').next()?.to_string()))
        .collect();
    assert_eq!(told, ["NewUser", "UserAdded"]);
    let workspace = world.get::<Connection>(&ACME).workspace;
    let row = world.get::<PeerWorkspace>(&workspace);
    assert_eq!(row.users, 1);
    world.alter::<PeerWorkspace>(&workspace, |row| row.users = REMOTE_USERS_MAX - 1);
    let response = world.sync(ACME, users(&[user("kima", "kim"), user("kimb", "kim")]));
    assert_eq!(response["users_syncd"], json!([id("kima")]));
    assert_eq!(world.refused(), [("too_many_users".to_string(), 1)]);
    assert!(world.user("kimb").is_none());
    // Known users change as before, and other peers have their own places.
    let newer = with(user("bea", "bea"), json!({"update_at": START + 9}));
    let response = world.sync(ACME, users(&[newer]));
    assert_eq!(response["users_syncd"], json!([id("bea")]));
    let response = world.sync(OTHER, users(&[user("kimc", "kim")]));
    assert_eq!(response["users_syncd"], json!([id("kimc")]));
}

#[test]
fn a_user_is_found_by_the_names_of_today_and_a_workspace_of_older_data_by_all_of_them() {
    let mut world = World::with_peers();
    let named = |nick: &str, at: i64| {
        with(
            user("bea", "bea"),
            json!({"nickname": nick, "update_at": START + at}),
        )
    };
    world.sync(ACME, users(&[named("Queen", 1)]));
    let found = |world: &World, name: &str| {
        let no = world.user_no("bea").unwrap();
        let key = lookup::searched_name(name, no);
        world.host.has::<NameRow>(&(kind::REMOTE_NAME, key))
    };
    assert!(!found(&world, "queen"));
    world.run(Input::Resume);
    world.run_due();
    assert!(found(&world, "queen") && found(&world, "bea:acme"));
    world.sync(ACME, users(&[named("King", 2)]));
    assert!(found(&world, "king") && found(&world, "bea:acme"));
    assert!(!found(&world, "queen"));
}

#[test]
fn a_user_behind_a_hub_who_takes_an_earlier_name_again_has_it_here_too() {
    let mut world = World::with_peers_of_today();
    for (version, name) in [(1, "zoe:far"), (2, "yan:far"), (3, "zoe:far")] {
        let profile = with(user("zoe", name), json!({"update_at": START + version}));
        world.sync(ACME, users(&[profile]));
        let zoe = world.user("zoe").unwrap();
        assert_eq!(zoe.username, format!("{}:acme", name.replace(':', ".")));
        assert_eq!(zoe.remote.unwrap().username, name);
    }
}

/// What is known of `bea`.
fn class(world: &World) -> Option<UserClass> {
    let no = world.user_no("bea").unwrap();
    world.host.get::<UserClass>(&no)
}

fn bot(description: &str) -> Option<UserClass> {
    let description = description.to_string();
    let owner = None;
    Some(UserClass::Bot { owner, description })
}

#[test]
fn bots_and_guests_of_a_peer_are_known_as_such() {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    let told = |at: i64, more: Value| {
        let profile = with(user("bea", "bea"), json!({"update_at": at}));
        users(&[with(profile, more)])
    };
    world.sync(
        ACME,
        told(
            START,
            json!({"is_bot": true, "bot_description": "runs builds"}),
        ),
    );
    assert_eq!(class(&world), bot("runs builds"));
    let long = "x".repeat(5_000);
    let more = json!({"is_bot": true, "bot_description": long});
    world.sync(ACME, told(START + 1, more));
    assert_eq!(class(&world), bot(""));
    world.sync(ACME, told(START + 2, json!({"roles": "system_guest"})));
    assert_eq!(class(&world), Some(UserClass::Guest));
    assert_eq!(
        world.user("bea").unwrap().roles,
        "system_user",
        "it gives no rights"
    );
    // A Causeway that says nothing of it says that it is neither.
    world.sync(ACME, told(START + 3, json!({"is_bot": "yes", "roles": 7})));
    assert_eq!(class(&world), None);
}

#[test]
fn a_mattermost_server_does_not_always_say_who_is_a_bot() {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Mattermost11);
    world.sync(ACME, users(&[user("bea", "bea")]));
    assert_eq!(class(&world), None);
    // The same profile comes again when it offers all its users; an earlier one says nothing any more.
    let told = |at: i64| {
        let more = json!({"update_at": at, "is_bot": true, "bot_description": "b"});
        with(user("bea", "bea"), more)
    };
    let seen = world.user("bea").unwrap().update_at;
    world.sync(ACME, users(&[told(START - 1)]));
    assert_eq!(
        (class(&world), world.user("bea").unwrap().update_at),
        (None, seen)
    );
    world.sync(ACME, users(&[told(START)]));
    assert_eq!(class(&world), bot("b"));
    let changed = world.user("bea").unwrap().update_at;
    assert!(changed > seen, "clients hear of it");
    world.sync(ACME, users(&[told(START)]));
    assert_eq!(world.user("bea").unwrap().update_at, changed);
    let later = with(user("bea", "bea"), json!({"update_at": START + 1}));
    world.sync(ACME, users(&[later]));
    assert_eq!(class(&world), bot("b"));
}

#[test]
fn a_guest_of_a_mattermost_server_is_one_until_it_offers_a_member() {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Mattermost11);
    let settings = configure_sharing(|settings| settings.all_users = true);
    world.output(Actor::System, None, settings);
    let offer = |world: &mut World, roles: &str, at: i64| {
        let profile = with(user("bea", "bea"), json!({"roles": roles, "update_at": at}));
        let offered = json!({"id": id("offer"), "channel_id": "", "users": {"b": profile}});
        world.message(ACME, frame::TOPIC_GLOBAL_USERS, offered);
    };
    world.sync(ACME, users(&[user("bea", "bea")]));
    offer(&mut world, "system_guest", START);
    assert_eq!(class(&world), Some(UserClass::Guest));
    let later = with(user("bea", "bea"), json!({"update_at": START + 1}));
    world.sync(ACME, users(&[later]));
    assert_eq!(
        class(&world),
        Some(UserClass::Guest),
        "in a channel all have the same roles"
    );
    offer(&mut world, "system_user", START + 2);
    assert_eq!(class(&world), None);
}

#[test]
fn a_profile_that_is_refused_says_nothing_of_its_user() {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = PeerKind::Causeway);
    world.sync(ACME, users(&[user("bea", "bea")]));
    let more = json!({"update_at": START + 1, "is_bot": true, "username": ""});
    world.sync(ACME, users(&[with(user("bea", "bea"), more)]));
    assert_eq!(class(&world), None);
}

#[test]
fn before_classes_were_kept_nothing_follows_from_them() {
    let mut world = World::with_peers();
    let told = with(
        user("bea", "bea"),
        json!({"is_bot": true, "roles": "system_guest"}),
    );
    world.sync(ACME, users(&[told]));
    assert_eq!(class(&world), None);
}
