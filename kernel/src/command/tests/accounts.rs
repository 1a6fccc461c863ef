//! Accounts, teams, settings.

use super::*;
use crate::model::{ChannelMember, TeamMember, User};
use crate::rows::counters;
use crate::rows::id::WorkspaceNo;
use crate::rows::lookup;

fn user(world: &World, user: UserNo) -> User {
    world.host.get::<User>(&user).unwrap()
}

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
    let output = world.run(&Input::Genesis(again));
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
    let first = user(&world, UserNo(1));
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
    assert_eq!(user(&world, UserNo(2)).roles, "system_user");
    assert_eq!(world.refusal(UserNo(2), account("third")).0, 403);
}

#[test]
fn an_open_server_lets_people_sign_up_but_makes_no_administrators() {
    let mut world = World::new();
    let config = Config {
        open_server: true,
        ..Config::default()
    };
    let configure = Command::Configure(Configure {
        site_url: "http://here.example".into(),
        config,
    });
    let output = world.output(Actor::User(ANN), None, configure.clone());
    assert!(matches!(output.reply, Reply::Refused(_)) && output.writes.is_empty());
    assert_eq!(
        world.output(Actor::User(ADMIN), None, configure).reply,
        Reply::Done
    );
    let Command::CreateUser(mut new) = account("mallory") else {
        panic!()
    };
    new.admin = true;
    let made = world
        .act(Actor::Anonymous, Command::CreateUser(new.clone()))
        .unwrap();
    let Object::User(mallory) = made else {
        panic!()
    };
    assert_eq!(user(&world, mallory).roles, "system_user");
    new.username = "boss".into();
    new.email = "boss@here.example".into();
    let Object::User(boss) = world.act(Actor::System, Command::CreateUser(new)).unwrap() else {
        panic!()
    };
    assert_eq!(user(&world, boss).roles, "system_admin system_user");
}

#[test]
fn settings_out_of_range_are_refused() {
    let mut world = World::new();
    for (site_url, posts_per_sync_max) in [("http://a", 0), ("http://a", 201), ("ftp://a", 50)] {
        let config = Config {
            posts_per_sync_max,
            ..Config::default()
        };
        let configure = Command::Configure(Configure {
            site_url: site_url.into(),
            config,
        });
        let output = world.output(Actor::System, None, configure);
        assert!(
            matches!(output.reply, Reply::Refused(_)),
            "{site_url} {posts_per_sync_max}"
        );
    }
}

#[test]
fn names_and_addresses_are_unique_whatever_their_case() {
    let mut world = World::new();
    let refusal = world.act(Actor::System, account("ANN")).unwrap_err();
    assert_eq!(refusal.id, "app.user.save.username_exists.app_error");
    let Command::CreateUser(mut new) = account("ann2") else {
        panic!()
    };
    new.email = "Ann@HERE.example".into();
    let refusal = world
        .act(Actor::System, Command::CreateUser(new))
        .unwrap_err();
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
        let Command::CreateUser(mut new) = account("newcomer") else {
            panic!()
        };
        change(&mut new, text);
        let refusal = world
            .act(Actor::System, Command::CreateUser(new))
            .unwrap_err();
        assert_eq!(refusal.id, format!("model.user.is_valid.{field}.app_error"));
        assert_eq!(refusal.status, 400);
    }
}

#[test]
fn profiles_are_changed_by_their_owner_or_an_administrator() {
    let mut world = World::new();
    let patch = |name: &str| {
        Command::PatchUser(PatchUser {
            user: ANN,
            patch: UserPatch {
                username: Some(name.into()),
                ..UserPatch::default()
            },
        })
    };
    assert_eq!(world.refusal(BOB, patch("annie")).0, 403);
    assert_eq!(
        world.refusal(ANN, patch("bob")).1,
        "app.user.save.username_exists.app_error"
    );
    let before = user(&world, ANN).update_at;
    world.by(ANN, patch("Annie")).unwrap();
    assert_eq!(lookup::username(&world.host, "ann"), None);
    assert_eq!(lookup::username(&world.host, "annie"), Some(ANN));
    assert!(user(&world, ANN).update_at > before);
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
    let team = Command::AddTeamMember(AddTeamMember {
        team: TEAM,
        user: EVE,
    });
    assert_eq!(world.refusal(EVE, team.clone()).0, 401);
    assert_eq!(world.refusal(ADMIN, team).0, 404);
    let patch = Command::PatchUser(PatchUser {
        user: EVE,
        patch: UserPatch::default(),
    });
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
    let admin = world.host.get::<TeamMember>(&(TEAM, ADMIN)).unwrap();
    assert!(admin.is_admin);
    for name in ["town-square", "off-topic"] {
        let channel = lookup::channel_name(&world.host, TEAM, name).unwrap();
        assert_eq!(world.row(channel).creator, None);
        for (member, is_admin) in [(ADMIN, true), (ANN, false), (BOB, false)] {
            let row = world.host.get::<ChannelMember>(&(channel, member)).unwrap();
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
    let team = |name: &str, display_name: &str| {
        Command::CreateTeam(CreateTeam {
            name: name.into(),
            display_name: display_name.into(),
            description: String::new(),
            is_open: false,
        })
    };
    let long = "x".repeat(65);
    for (name, display_name, id) in [
        ("crew", "Crew", "app.team.save.existing.app_error"),
        ("api-users", "Api", "model.team.is_valid.reserved.app_error"),
        ("c", "C", "model.team.is_valid.url.app_error"),
        ("fine", "", "model.team.is_valid.name.app_error"),
        ("fine", &long, "model.team.is_valid.name.app_error"),
    ] {
        assert_eq!(
            world.refusal(ANN, team(name, display_name)),
            (400, id.into())
        );
    }
    assert_eq!(
        world
            .act(Actor::Anonymous, team("fine", "Fine"))
            .unwrap_err()
            .status,
        401
    );
    world.by(ANN, team("fine", "Fine")).unwrap();
}

#[test]
fn closed_teams_are_entered_by_invitation() {
    let mut world = World::new();
    let team = CreateTeam {
        name: "inner".into(),
        display_name: "Inner".into(),
        description: String::new(),
        is_open: false,
    };
    let Object::Team(inner) = world.by(ANN, Command::CreateTeam(team)).unwrap() else {
        panic!()
    };
    let add = |user| Command::AddTeamMember(AddTeamMember { team: inner, user });
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
