//! Accounts, teams, settings.

use super::*;
use crate::boundary::input::{Genesis, Input};
use crate::model::{ChannelMember, Config, ConnectedWorkspaces, TeamMember, User};
use crate::rows::counters;
use crate::rows::id::WorkspaceNo;
use crate::rows::lookup;

#[test]
fn a_workspace_begins_once() {
    let mut world = World::empty();
    let workspace = counters::workspace(&world.host).unwrap();
    assert_eq!(workspace.site_url, "http://here.example");
    assert_eq!(workspace.incarnation.number, 1);
    let again = Genesis {
        site_url: "http://other.example".into(),
        config: Config::default(),
    };
    let output = world.run(Input::Genesis(again));
    assert!(matches!(output.reply, Reply::Refused(_)) && output.writes.is_empty());
    assert_eq!(counters::workspace(&world.host), Some(workspace));
}

#[test]
fn the_first_account_administers_and_the_next_needs_an_invitation() {
    let mut world = World::empty();
    assert_eq!(
        world.act(Actor::Anonymous, account("First")),
        Ok(Object::User(UserNo(1)))
    );
    let first = world.get::<User>(&UserNo(1));
    assert_eq!(first.roles, "system_admin system_user");
    assert_eq!(
        (first.username.as_str(), first.locale.as_str()),
        ("first", "en")
    );
    let refusal = world.act(Actor::Anonymous, account("second")).unwrap_err();
    assert_eq!(
        (refusal.status, refusal.id.as_str()),
        (403, "api.user.create_user.no_open_server")
    );
    world.by(UserNo(1), account("second")).unwrap();
    assert_eq!(world.get::<User>(&UserNo(2)).roles, "system_user");
    assert_eq!(world.refusal(UserNo(2), account("third")).0, 403);
}

#[test]
fn an_open_server_lets_people_sign_up_but_makes_no_administrators() {
    let mut world = World::new();
    let config = Config {
        open_server: true,
        ..Config::default()
    };
    let configure = configure("http://here.example", config);
    let output = world.output(Actor::User(ANN), None, configure.clone());
    assert!(matches!(output.reply, Reply::Refused(_)) && output.writes.is_empty());
    assert_eq!(
        world.output(Actor::User(ADMIN), None, configure).reply,
        Reply::Done
    );
    let administrator = |name| account_with(name, |new| new.admin = true);
    let made = world.act(Actor::Anonymous, administrator("mallory"));
    let Ok(Object::User(mallory)) = made else {
        panic!()
    };
    assert_eq!(world.get::<User>(&mallory).roles, "system_user");
    let made = world.act(Actor::System, administrator("boss"));
    let Ok(Object::User(boss)) = made else {
        panic!()
    };
    assert_eq!(world.get::<User>(&boss).roles, "system_admin system_user");
}

#[test]
fn settings_out_of_range_are_refused() {
    let mut world = World::new();
    for (site_url, posts_per_sync_max) in [("http://a", 0), ("http://a", 201), ("ftp://a", 50)] {
        let config = Config {
            posts_per_sync_max,
            ..Config::default()
        };
        let output = world.output(Actor::System, None, configure(site_url, config));
        assert!(
            matches!(output.reply, Reply::Refused(_)),
            "{site_url} {posts_per_sync_max}"
        );
    }
}

#[test]
fn only_settings_within_their_range_and_of_administrators_are_taken() {
    let mut world = World::new();
    let ask = |world: &mut World, change: fn(&mut ConnectedWorkspaces)| {
        world
            .output(Actor::System, None, configure_sharing(change))
            .reply
    };
    for change in [
        (|it| it.users_per_sync_max = 0) as fn(&mut ConnectedWorkspaces),
        |it| it.users_per_sync_max = 201,
        |it| it.members_per_sync_max = 0,
        |it| it.interruption_ms = 0,
        |it| it.interruption_ms = i64::MAX,
    ] {
        assert!(matches!(ask(&mut world, change), Reply::Refused(_)));
    }
    let refused = world.refusal(ANN, configure_sharing(|it| it.direct = true));
    assert_eq!(refused.0, 403);
    assert!(!counters::connected_workspaces(&world.host).direct);
    assert_eq!(ask(&mut world, |it| it.direct = true), Reply::Done);
    assert!(counters::connected_workspaces(&world.host).direct);
}

#[test]
fn names_and_addresses_are_unique_whatever_their_case() {
    let mut world = World::new();
    let refusal = world.act(Actor::System, account("ANN")).unwrap_err();
    assert_eq!(refusal.id, "app.user.save.username_exists.app_error");
    let new = account_with("ann2", |new| new.email = "Ann@HERE.example".into());
    let refusal = world.act(Actor::System, new).unwrap_err();
    assert_eq!(refusal.id, "app.user.save.email_exists.app_error");
}

#[test]
fn fields_of_accounts_are_checked() {
    let long = "é".repeat(65);
    type Change = fn(&mut CreateUser, &str);
    let cases: [(Change, &str, &str); 7] = [
        (
            |new, text| new.username = text.into(),
            "no spaces",
            "username",
        ),
        (|new, text| new.email = text.into(), "nowhere", "email"),
        (|new, text| new.nickname = text.into(), &long, "nickname"),
        (
            |new, text| new.first_name = text.into(),
            &long,
            "first_name",
        ),
        (|new, text| new.last_name = text.into(), &long, "last_name"),
        (|new, text| new.position = text.repeat(2), &long, "position"),
        (|new, text| new.locale = text.into(), "english", "locale"),
    ];
    let mut world = World::new();
    for (change, text, field) in cases {
        let new = account_with("newcomer", |new| change(new, text));
        let refusal = world.act(Actor::System, new).unwrap_err();
        assert_eq!(refusal.id, format!("model.user.is_valid.{field}.app_error"));
        assert_eq!(refusal.status, 400);
    }
}

#[test]
fn profiles_are_changed_by_their_owner_or_an_administrator() {
    let mut world = World::new();
    let patch = |name: &str| {
        let patch = UserPatch {
            username: Some(name.into()),
            ..UserPatch::default()
        };
        patch_user(ANN, patch)
    };
    assert_eq!(world.refusal(BOB, patch("annie")).0, 403);
    assert_eq!(
        world.refusal(ANN, patch("bob")).1,
        "app.user.save.username_exists.app_error"
    );
    let before = world.get::<User>(&ANN).update_at;
    world.by(ANN, patch("Annie")).unwrap();
    assert_eq!(lookup::username(&world.host, "ann"), None);
    assert_eq!(lookup::username(&world.host, "annie"), Some(ANN));
    assert!(world.get::<User>(&ANN).update_at > before);
    world.by(ADMIN, patch("ann")).unwrap();
    world.act(Actor::System, account("annie")).unwrap();
    let output = world.output(Actor::User(ANN), None, patch("ann"));
    assert!(output.writes.is_empty(), "nothing to change");
}

#[test]
fn a_remote_user_neither_acts_nor_is_changed_here() {
    let mut world = World::new();
    world.alter::<User>(&EVE, |eve| {
        eve.origin = WorkspaceNo(1);
        eve.roles = "system_admin system_user".into();
    });
    assert_eq!(world.refusal(EVE, join_team(TEAM, EVE)).0, 401);
    assert_eq!(world.refusal(ADMIN, join_team(TEAM, EVE)).0, 404);
    let patch = patch_user(EVE, UserPatch::default());
    assert_eq!(world.refusal(ADMIN, patch).0, 403);
    assert!(!crate::authority::is_system_admin(&world.host, EVE));
}

#[test]
fn a_deactivated_user_does_not_act() {
    let mut world = World::new();
    world.alter::<User>(&ADMIN, |admin| admin.delete_at = 5);
    assert_eq!(world.refusal(ADMIN, account("x")).0, 403);
    assert_eq!(world.refusal(ADMIN, post(TOWN, None, "hi")).0, 401);
}

#[test]
fn a_new_team_has_its_channels_and_its_maker() {
    let world = World::new();
    let admin = world.get::<TeamMember>(&(TEAM, ADMIN));
    assert!(admin.is_admin);
    for name in ["town-square", "off-topic"] {
        let channel = lookup::channel_name(&world.host, TEAM, name).unwrap();
        assert_eq!(world.get::<Channel>(&channel).creator, None);
        for (member, is_admin) in [(ADMIN, true), (ANN, false), (BOB, false)] {
            let row = world.get::<ChannelMember>(&(channel, member));
            assert_eq!(row.is_admin, is_admin);
        }
    }
    let (kind, text, props) = world.notices(TOWN).remove(1);
    assert_eq!(
        (kind.as_str(), text.as_str()),
        ("system_join_team", "ann joined the team.")
    );
    assert_eq!(props, r#"{"username":"ann"}"#);
    assert_eq!(world.notices(ChannelNo(2))[1].0, "system_join_channel");
}

#[test]
fn names_of_teams_are_checked() {
    let mut world = World::new();
    let long = "x".repeat(65);
    for (name, display_name, id) in [
        ("crew", "Crew", "app.team.save.existing.app_error"),
        ("api-users", "Api", "model.team.is_valid.reserved.app_error"),
        ("c", "C", "model.team.is_valid.url.app_error"),
        ("fine", "", "model.team.is_valid.name.app_error"),
        ("fine", &long, "model.team.is_valid.name.app_error"),
    ] {
        assert_eq!(
            world.refusal(ANN, team(name, display_name, false)),
            (400, id.into())
        );
    }
    assert_eq!(
        world
            .act(Actor::Anonymous, team("fine", "Fine", false))
            .unwrap_err()
            .status,
        401
    );
    world.by(ANN, team("fine", "Fine", false)).unwrap();
}

#[test]
fn closed_teams_are_entered_by_invitation() {
    let mut world = World::new();
    let Ok(Object::Team(inner)) = world.by(ANN, team("inner", "Inner", false)) else {
        panic!()
    };
    let add = |user| join_team(inner, user);
    assert_eq!(world.refusal(BOB, add(BOB)).0, 403);
    assert_eq!(world.refusal(BOB, add(EVE)).0, 403);
    world.by(ANN, add(BOB)).unwrap();
    let town = lookup::channel_name(&world.host, inner, DEFAULT_CHANNEL).unwrap();
    let (kind, text, props) = world.notices(town).remove(1);
    assert_eq!(
        (kind.as_str(), text.as_str()),
        ("system_add_to_team", "bob added to the team by ann.")
    );
    assert!(props.contains(r#""addedUsername":"bob""#) && props.contains(r#""username":"ann""#));
    let output = world.output(Actor::User(ANN), None, add(BOB));
    assert!(output.writes.is_empty(), "a member stays as it is");
    assert_eq!(
        world.refusal(ANN, add(UserNo(99))).1,
        "app.user.missing_account.const"
    );
}

#[test]
fn a_custom_status_is_a_property_of_the_profile() {
    use crate::command::SetCustomStatus;
    use crate::model::limits::CUSTOM_STATUS_BYTES_MAX;

    let mut world = World::new();
    let set = |status: &str| {
        Command::SetCustomStatus(SetCustomStatus {
            status: status.to_string(),
        })
    };
    world.alter::<User>(&ANN, |user| user.props = r#"{"other":"kept"}"#.into());
    let status = r#"{"emoji":"palm_tree","text":"On \"leave\""}"#;
    world.by(ANN, set(status)).unwrap();
    assert_eq!(world.events(), [Event::UserUpdated(ANN)]);
    let props: serde_json::Value = serde_json::from_str(&world.get::<User>(&ANN).props).unwrap();
    assert_eq!(props["customStatus"], status);
    assert_eq!(props["other"], "kept");
    world.by(ANN, set(status)).unwrap();
    assert!(world.events().is_empty(), "the same again is no change");
    world.by(ANN, set("")).unwrap();
    assert_eq!(world.get::<User>(&ANN).props, r#"{"other":"kept"}"#);
    let long = format!(r#"{{"text":"{}"}}"#, "x".repeat(CUSTOM_STATUS_BYTES_MAX));
    for bad in ["[]", "text", "{", &long] {
        assert_eq!(world.by(ANN, set(bad)).unwrap_err().status, 400, "{bad}");
    }
    world.by(BOB, set(status)).unwrap();
    world.by(BOB, set("")).unwrap();
    assert_eq!(world.get::<User>(&BOB).props, "");
}

#[test]
fn an_account_becomes_a_bots_and_stays_one() {
    use crate::command::{SetBot, SetRoles};
    use crate::model::limits::BOT_DESCRIPTION_CHARS_MAX;
    use crate::model::{OwnBot, Role, UserClass};

    let mut world = World::new();
    let set = |user, owner, description: &str| {
        Command::SetBot(SetBot {
            user,
            owner,
            description: description.to_string(),
        })
    };
    assert_eq!(world.by(ANN, set(ANN, ANN, "")).unwrap_err().status, 403);
    world.by(ADMIN, set(BOB, ANN, "runs builds")).unwrap();
    assert_eq!(world.events(), [Event::UserUpdated(BOB)]);
    let before = world.get::<User>(&BOB).update_at;
    world.by(ADMIN, set(BOB, ANN, "runs builds")).unwrap();
    assert!(world.events().is_empty(), "the same again is no change");
    world.by(ADMIN, set(BOB, ADMIN, "runs tests")).unwrap();
    assert!(world.get::<User>(&BOB).update_at > before);
    let expected = UserClass::Bot {
        owner: Some(ADMIN),
        description: "runs tests".into(),
    };
    assert_eq!(world.get::<UserClass>(&BOB), expected);
    let long = "é".repeat(BOT_DESCRIPTION_CHARS_MAX + 1);
    for (user, owner, description, status) in [
        (ADMIN, ANN, "", 400),
        (ANN, BOB, "", 400),
        (ANN, ADMIN, long.as_str(), 400),
        (UserNo(99), ADMIN, "", 404),
        (ANN, UserNo(99), "", 404),
    ] {
        let refused = world.by(ADMIN, set(user, owner, description)).unwrap_err();
        assert_eq!(refused.status, status, "{user:?} {owner:?}");
    }
    world.by(ADMIN, set(ANN, ADMIN, &long[2..])).unwrap();
    // Nobody logs in as a bot, so none is a system admin.
    let roles = vec![Role::SystemUser, Role::SystemAdmin];
    let promote = Command::SetRoles(SetRoles { user: ANN, roles });
    assert_eq!(world.by(ADMIN, promote).unwrap_err().status, 400);
    let listed = world.host.prefix::<OwnBot, ()>(&(), 10);
    assert_eq!(listed.len(), 2);
}

#[test]
fn an_account_is_deactivated_by_its_user_and_brought_back_by_an_administrator() {
    use crate::command::SetActive;

    let mut world = World::new();
    let set = |user, is_active| Command::SetActive(SetActive { user, is_active });
    assert_eq!(world.by(BOB, set(ANN, false)).unwrap_err().status, 403);
    world.by(ANN, set(ANN, false)).unwrap();
    assert_eq!(world.events(), [Event::UserUpdated(ANN)]);
    assert_eq!(world.get::<User>(&ANN).delete_at, world.now_ms);
    // The account does nothing more, and does not bring itself back.
    assert_eq!(world.by(ANN, set(ANN, true)).unwrap_err().status, 401);
    assert_eq!(
        world
            .by(ANN, post(TOWN, None, "still here"))
            .unwrap_err()
            .status,
        401
    );
    assert_eq!(world.by(BOB, set(ANN, true)).unwrap_err().status, 403);
    world.by(ADMIN, set(ANN, true)).unwrap();
    assert_eq!(world.get::<User>(&ANN).delete_at, 0);
    world.by(ADMIN, set(ANN, true)).unwrap();
    assert!(world.events().is_empty(), "she is active already");
    world.by(ANN, post(TOWN, None, "back")).unwrap();
    assert_eq!(world.by(BOB, set(BOB, true)).unwrap_err().status, 403);
    assert_eq!(
        world.by(ADMIN, set(UserNo(99), false)).unwrap_err().status,
        404
    );
}

#[test]
fn a_time_zone_is_an_object_of_texts() {
    let mut world = World::new();
    let zone = |text: &str| {
        let patch = UserPatch {
            timezone: Some(text.into()),
            ..UserPatch::default()
        };
        patch_user(ANN, patch)
    };
    let given = r#"{"manualTimezone":"Europe/Rome","useAutomaticTimezone":"false","x":1}"#;
    world.by(ANN, zone(given)).unwrap();
    let stored = world.get::<User>(&ANN).timezone;
    assert_eq!(
        stored,
        r#"{"manualTimezone":"Europe/Rome","useAutomaticTimezone":"false"}"#
    );
    let long = format!(r#"{{"x":"{}"}}"#, "x".repeat(8_000));
    assert_eq!(world.refusal(ANN, zone(&long)).0, 400);
    assert_eq!(world.get::<User>(&ANN).timezone, stored);
}
