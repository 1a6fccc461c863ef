//! Roles, what they grant, and the system admins.

use super::*;
use crate::authority::{self, Within};
use crate::boundary::input::Input;
use crate::model::limits::JOB_ROWS_PER_STEP;
use crate::model::{
    Connection, PeerKind, Permission, Role, RolePermissions, SystemAdmin, Team, TeamMember,
    TeamRoles, User,
};
use crate::rows::id::{TeamNo, WorkspaceNo};
use crate::rows::lookup;
use crate::rows::table::Table;
use crate::testing::acts::attach_connection;
use crate::testing::{ACME, frames};

const CONNECTIONS: Permission = Permission::ManageSecureConnections;
const CHANNELS: Permission = Permission::ManageSharedChannels;
const FORBIDDEN: &str = "api.context.permissions.app_error";

fn roles(user: UserNo, roles: &[Role]) -> Command {
    let roles = roles.to_vec();
    Command::SetRoles(SetRoles { user, roles })
}

fn team_roles(team: TeamNo, user: UserNo, is_admin: bool, roles: Option<&[Role]>) -> Command {
    let roles = roles.map(<[Role]>::to_vec);
    Command::SetTeamRoles(SetTeamRoles {
        team,
        user,
        is_admin,
        roles,
    })
}

fn grant(role: Role, permissions: &[Permission]) -> Command {
    let permissions = permissions.to_vec();
    Command::PatchRole(PatchRole { role, permissions })
}

fn active(user: UserNo, is_active: bool) -> Command {
    Command::SetActive(SetActive { user, is_active })
}

fn may_share(world: &World, channel: ChannelNo, user: UserNo) -> bool {
    authority::may_share(&world.host, channel, user)
}

#[test]
fn only_a_system_admin_changes_roles_and_whom_it_concerns_is_told() {
    let mut world = World::new();
    let manager = [Role::SystemUser, Role::SystemSecureConnectionManager];
    assert_eq!(world.refusal(ANN, roles(ANN, &manager)).0, 403);
    world.by(ADMIN, roles(ANN, &manager)).unwrap();
    let told = [Event::UserUpdated(ANN), Event::UserRoleUpdated(ANN)];
    assert_eq!(world.events(), told);
    assert_eq!(
        world.get::<User>(&ANN).roles,
        "system_user system_secure_connection_manager"
    );
    // In any order, and twice: the same roles are no change.
    let again = [manager[1], manager[0], manager[1]];
    let output = world.output(Actor::User(ADMIN), None, roles(ANN, &again));
    assert!(output.writes.is_empty() && output.effects.is_empty());
    for bad in [
        &[][..],
        &[Role::SystemAdmin],
        &[Role::SystemUser, Role::TeamAdmin],
    ] {
        let refusal = world.refusal(ADMIN, roles(ANN, bad));
        let expected = (400, "api.context.invalid_body_param.app_error".into());
        assert_eq!(refusal, expected, "{bad:?}");
    }
    assert_eq!(world.refusal(ADMIN, roles(UserNo(99), &manager)).0, 404);
}

#[test]
fn who_manages_connections_does_only_that_and_only_as_long_as_they_have_the_role() {
    let mut world = World::new();
    let create = || create_connection("acme");
    assert_eq!(world.refusal(ANN, create()), (403, FORBIDDEN.into()));
    let manager = [Role::SystemUser, Role::SystemSecureConnectionManager];
    world.by(ADMIN, roles(ANN, &manager)).unwrap();
    world.by(ANN, create()).unwrap();
    assert_eq!(world.refusal(ANN, invite(TOWN, ACME)).0, 403);
    assert_eq!(world.refusal(ANN, roles(ANN, &[Role::SystemUser])).0, 403);
    assert_eq!(world.refusal(ANN, grant(Role::SystemUser, &[])).0, 403);
    assert!(authority::sees_connections(&world.host, ANN));
    world.by(ANN, remove_connection(ACME)).unwrap();
    world.by(ADMIN, roles(ANN, &[Role::SystemUser])).unwrap();
    let refusal = world.refusal(ANN, create_connection("other"));
    assert_eq!(refusal, (403, FORBIDDEN.into()));
    assert!(!authority::sees_connections(&world.host, ANN));
}

#[test]
fn a_manager_of_connections_gets_into_no_closed_team_by_one() {
    let mut world = World::new();
    let manager = [Role::SystemUser, Role::SystemSecureConnectionManager];
    world.by(ADMIN, roles(ANN, &manager)).unwrap();
    let Ok(Object::Team(closed)) = world.by(BOB, team("closed", "Closed", false)) else {
        panic!()
    };
    let id = |world: &World, team| world.get::<Team>(&team).id.to_string();
    let into = |name: &str, default_team_id| {
        Command::CreateConnection(CreateConnection {
            name: name.into(),
            display_name: String::new(),
            default_team_id,
        })
    };
    let (closed, open) = (id(&world, closed), id(&world, TEAM));
    assert_eq!(
        world.refusal(ANN, into("acme", closed.clone())).1,
        "api.context.invalid_body_param.app_error"
    );
    let Ok(Object::Connection(connection)) = world.by(ANN, into("acme", open)) else {
        panic!()
    };
    let patch = Command::PatchConnection(PatchConnection {
        connection,
        display_name: None,
        default_team_id: Some(closed.clone()),
        asks_first: None,
        keeps_removed: None,
    });
    assert_eq!(world.refusal(ANN, patch.clone()).0, 500);
    world.by(ADMIN, patch).unwrap();
    world.by(ADMIN, into("other", closed)).unwrap();
}

#[test]
fn nor_by_a_channel_that_comes_into_the_first_team() {
    let mut world = World::with_peers_of_today();
    let zoe = world.account_with_id("zoe");
    let manager = [Role::SystemUser, Role::SystemSecureConnectionManager];
    let boss = UserNo(1);
    world.by(boss, roles(zoe, &manager)).unwrap();
    let [(team, _)] = &world.host.prefix::<Team, ()>(&(), 2)[..] else {
        panic!("another number of teams")
    };
    let team = *team;
    world.alter::<Team>(&team, |row| row.is_open = false);
    world.alter::<Connection>(&ACME, |row| row.creator = zoe);
    let offer = frames::invite("lounge", "lounge");
    assert_eq!(world.invited(ACME, offer)["status"], "OK");
    let lounge = world.channel_no("lounge").unwrap();
    assert!(!authority::is_channel_member(&world.host, lounge, zoe));
    assert!(!authority::is_team_member(&world.host, team, zoe));
}

#[test]
fn who_shares_channels_shares_none_of_a_team_that_they_are_not_in() {
    let mut world = World::new();
    let sharer = [Role::SystemUser, Role::SystemSharedChannelManager];
    world.by(ADMIN, roles(ANN, &sharer)).unwrap();
    assert!(may_share(&world, TOWN, ANN));
    let Ok(Object::Team(closed)) = world.by(BOB, team("closed", "Closed", false)) else {
        panic!()
    };
    let town = lookup::channel_name(&world.host, closed, DEFAULT_CHANNEL).unwrap();
    assert!(!may_share(&world, town, ANN));
    assert!(may_share(&world, town, ADMIN));
}

#[test]
fn where_a_connection_leads_only_a_system_admin_decides() {
    let mut world = World::connected(PeerKind::Causeway);
    let manager = [Role::SystemUser, Role::SystemSecureConnectionManager];
    world.by(ADMIN, roles(ANN, &manager)).unwrap();
    let relocate = || {
        Command::RelocateConnection(RelocateConnection {
            connection: ACME,
            site_url: "https://elsewhere.example".into(),
        })
    };
    assert_eq!(world.refusal(ANN, relocate()).0, 403);
    world.by(ADMIN, relocate()).unwrap();
    let attach = attach_connection(ACME, ACME);
    assert_eq!(world.refusal(ANN, attach).0, 403);
}

#[test]
fn a_permission_is_granted_to_a_role_and_taken_from_it() {
    let mut world = World::new();
    world.by(ADMIN, create_connection("acme")).unwrap();
    assert_eq!(world.refusal(BOB, invite(TOWN, ACME)).0, 403);
    world
        .by(ADMIN, grant(Role::SystemUser, &[CHANNELS]))
        .unwrap();
    assert_eq!(world.events(), [Event::RoleUpdated(Role::SystemUser)]);
    let row = world.get::<RolePermissions>(&Role::SystemUser.number());
    assert_eq!(
        (row.permissions, row.update_at),
        (vec![CHANNELS], world.now_ms)
    );
    world.by(BOB, invite(TOWN, ACME)).unwrap();
    let again = grant(Role::SystemUser, &[CHANNELS, CHANNELS]);
    let output = world.output(Actor::User(ADMIN), None, again);
    assert!(output.writes.is_empty() && output.effects.is_empty());
    world.by(BOB, uninvite(TOWN, ACME)).unwrap();
    world.by(BOB, invite(TOWN, ACME)).unwrap();
    world.by(ADMIN, grant(Role::SystemUser, &[])).unwrap();
    assert_eq!(world.refusal(BOB, uninvite(TOWN, ACME)).0, 403);
    assert_eq!(world.refusal(BOB, unshare(TOWN)).0, 403);
    // What a role has by default can be taken from it, too.
    let manager = [Role::SystemUser, Role::SystemSharedChannelManager];
    world.by(ADMIN, roles(BOB, &manager)).unwrap();
    assert!(may_share(&world, TOWN, BOB));
    world
        .by(ADMIN, grant(Role::SystemSharedChannelManager, &[]))
        .unwrap();
    assert!(!may_share(&world, TOWN, BOB));
}

#[test]
fn what_a_system_admin_may_do_is_fixed_and_connections_belong_to_the_system() {
    let mut world = World::new();
    let not_allowed = "api.roles.patch_roles.not_allowed_permission.error";
    for (role, permissions) in [
        (Role::SystemAdmin, &[CHANNELS][..]),
        (Role::SystemAdmin, &[]),
        (Role::TeamAdmin, &[CONNECTIONS, CHANNELS]),
        (Role::ChannelUser, &[CONNECTIONS]),
    ] {
        let refusal = world.refusal(ADMIN, grant(role, permissions));
        assert_eq!(refusal, (501, not_allowed.into()), "{role:?}");
    }
    let same = grant(Role::SystemAdmin, &[CONNECTIONS, CHANNELS]);
    let output = world.output(Actor::User(ADMIN), None, same);
    assert_eq!(output.reply, Reply::Object(Object::Role(Role::SystemAdmin)));
    assert!(output.writes.is_empty());
}

#[test]
fn a_team_admin_with_the_permission_shares_the_channels_of_that_team_only() {
    let mut world = World::new();
    world.by(ADMIN, create_connection("acme")).unwrap();
    let Ok(Object::Team(second)) = world.by(BOB, team("second", "Second", true)) else {
        panic!()
    };
    world.by(BOB, join_team(second, ANN)).unwrap();
    let town = lookup::channel_name(&world.host, second, DEFAULT_CHANNEL).unwrap();
    world.by(ADMIN, team_roles(TEAM, ANN, true, None)).unwrap();
    let told = [Event::TeamMemberRoleUpdated(TEAM, ANN)];
    assert_eq!(world.events(), told);
    assert_eq!(world.refusal(ANN, invite(TOWN, ACME)).0, 403);
    assert!(!authority::sees_connections(&world.host, ANN));
    world
        .by(ADMIN, grant(Role::TeamAdmin, &[CHANNELS]))
        .unwrap();
    world.by(ANN, invite(TOWN, ACME)).unwrap();
    assert!(authority::sees_connections(&world.host, ANN));
    assert_eq!(world.refusal(ANN, invite(town, ACME)).0, 403);
    assert_eq!(world.refusal(ANN, create_connection("x")).0, 403);
    // A channel that she is not in is not hers to disclose, and becomes so with her membership.
    let den = world.create_channel(BOB, "den", ChannelKind::Private);
    assert_eq!(world.refusal(ANN, invite(den, ACME)).0, 403);
    world.by(BOB, add_member(den, ANN)).unwrap();
    world.by(ANN, invite(den, ACME)).unwrap();
    world.by(ADMIN, team_roles(TEAM, ANN, false, None)).unwrap();
    assert_eq!(world.refusal(ANN, unshare(TOWN)).0, 403);
}

#[test]
fn one_member_shares_the_channels_of_one_team_by_a_further_role() {
    let mut world = World::new();
    let manager = [Role::SystemSharedChannelManager];
    let give = team_roles(TEAM, ANN, false, Some(&manager));
    // A team admin makes others team admins, and gives nobody more than that.
    world.by(ADMIN, team_roles(TEAM, BOB, true, None)).unwrap();
    assert_eq!(world.refusal(BOB, give.clone()).0, 403);
    world.by(BOB, team_roles(TEAM, ANN, true, None)).unwrap();
    assert!(!may_share(&world, TOWN, ANN));
    world.by(ADMIN, give).unwrap();
    assert_eq!(world.get::<TeamRoles>(&(TEAM, ANN)).roles, manager.to_vec());
    assert!(!world.get::<TeamMember>(&(TEAM, ANN)).is_admin);
    assert!(may_share(&world, TOWN, ANN) && !may_share(&world, TOWN, BOB));
    let within = |within| authority::holds(&world.host, ANN, CHANNELS, within);
    assert!(within(Within::Team(TEAM)) && !within(Within::System));
    assert!(!within(Within::Team(TeamNo(9))));
    // It stays when a team admin changes the rest, who cannot take it either.
    world.by(BOB, team_roles(TEAM, ANN, true, None)).unwrap();
    assert!(may_share(&world, TOWN, ANN));
    let take = team_roles(TEAM, ANN, true, Some(&[]));
    assert_eq!(world.refusal(BOB, take.clone()).0, 403);
    world.by(ADMIN, take).unwrap();
    assert!(!may_share(&world, TOWN, ANN));
    assert!(!world.host.has::<TeamRoles>(&(TEAM, ANN)));

    assert_eq!(world.refusal(EVE, team_roles(TEAM, EVE, true, None)).0, 403);
    let bad = team_roles(TEAM, ANN, false, Some(&[Role::SystemAdmin]));
    assert_eq!(
        world.refusal(ADMIN, bad).1,
        "api.channel.update_team_member_roles.scheme_role.app_error"
    );
    let outside = team_roles(TEAM, EVE, false, None);
    assert_eq!(
        world.refusal(ADMIN, outside).1,
        "app.team.get_member.missing.app_error"
    );
    let nowhere = team_roles(TeamNo(9), ANN, false, None);
    assert_eq!(world.refusal(ADMIN, nowhere).0, 404);
}

#[test]
fn a_channel_admin_with_the_permission_shares_that_channel_only() {
    let mut world = World::new();
    let den = world.create_channel(ANN, "den", ChannelKind::Private);
    assert!(!may_share(&world, den, ANN));
    world
        .by(ADMIN, grant(Role::ChannelAdmin, &[CHANNELS]))
        .unwrap();
    assert!(may_share(&world, den, ANN) && !may_share(&world, TOWN, ANN));
    assert!(authority::may_share_something(&world.host, ANN));
    assert!(!authority::may_share_something(&world.host, BOB));
}

#[test]
fn a_peers_user_and_a_deactivated_one_hold_nothing() {
    let mut world = World::new();
    for role in [Role::SystemUser, Role::TeamUser, Role::ChannelUser] {
        world.by(ADMIN, grant(role, &[CHANNELS])).unwrap();
    }
    assert!(may_share(&world, TOWN, ANN));
    let before = world.get::<User>(&ANN);
    let all: Vec<&str> = Role::ALL.iter().map(|role| role.name()).collect();
    world.alter::<User>(&ANN, |ann| {
        ann.origin = WorkspaceNo(1);
        ann.roles = all.join(" ");
    });
    let holds_something = |world: &World| {
        let within = [Within::System, Within::Team(TEAM), Within::Channel(TOWN)];
        let holds = |permission: &Permission| {
            within
                .iter()
                .any(|within| authority::holds(&world.host, ANN, *permission, *within))
        };
        may_share(world, TOWN, ANN) || Permission::ALL.iter().any(holds)
    };
    assert!(!holds_something(&world));
    assert_eq!(world.refusal(ADMIN, roles(ANN, &[Role::SystemUser])).0, 403);
    let admin = team_roles(TEAM, ANN, true, None);
    assert_eq!(world.refusal(ADMIN, admin).0, 403);
    world.alter::<User>(&ANN, |ann| {
        *ann = before;
        ann.roles = all.join(" ");
    });
    assert!(holds_something(&world));
    world.alter::<User>(&ANN, |ann| ann.delete_at = 1);
    assert!(!holds_something(&world));
}

#[test]
fn the_last_active_system_admin_stays_one() {
    let mut world = World::new();
    let (ordinary, admin) = ([Role::SystemUser], [Role::SystemAdmin, Role::SystemUser]);
    let demoted = (400, "api.user.demote_last_admin.app_error".into());
    let left = (400, "causeway.user.deactivate_last_admin.app_error".into());
    assert_eq!(world.refusal(ADMIN, roles(ADMIN, &ordinary)), demoted);
    assert_eq!(world.refusal(ADMIN, active(ADMIN, false)), left);
    let by_system = world.act(Actor::System, active(ADMIN, false));
    assert_eq!(by_system.unwrap_err().status, 400);
    // A further role of the last one is no question.
    let more = [admin[0], admin[1], Role::SystemSharedChannelManager];
    world.by(ADMIN, roles(ADMIN, &more)).unwrap();

    world.by(ADMIN, roles(ANN, &admin)).unwrap();
    world.by(ANN, active(ADMIN, false)).unwrap();
    assert_eq!(world.refusal(ANN, active(ANN, false)), left);
    assert_eq!(world.refusal(ANN, roles(ANN, &ordinary)), demoted);
    // One who is not active is not counted, and may lose the role.
    world.by(ANN, roles(ADMIN, &ordinary)).unwrap();
    world.by(ANN, active(ADMIN, true)).unwrap();
    assert_eq!(world.refusal(ANN, active(ANN, false)), left);
    world.by(ANN, roles(ADMIN, &admin)).unwrap();
    world.by(ANN, roles(ANN, &ordinary)).unwrap();
    assert_eq!(world.refusal(ADMIN, active(ADMIN, false)), left);
    let administrator = account_with("operator", |new| new.admin = true);
    world.act(Actor::System, administrator).unwrap();
    world.by(ADMIN, active(ADMIN, false)).unwrap();
}

#[test]
fn admins_from_before_they_were_recorded_are_found_by_a_job() {
    let mut world = World::new();
    let administrator = |name: &str| account_with(name, |new| new.admin = true);
    for number in 0..JOB_ROWS_PER_STEP {
        let new = account(&format!("user{number}"));
        world.act(Actor::System, new).unwrap();
    }
    let made = world.act(Actor::System, administrator("second"));
    let Ok(Object::User(second)) = made else {
        panic!()
    };
    world.host.tables.clear(Table::SystemAdmins);
    world.host.tables.clear(Table::Behaviours);
    world.by(ADMIN, active(ADMIN, false)).unwrap();
    world.by(second, active(ADMIN, true)).unwrap();
    assert!(!world.host.has::<SystemAdmin>(&ADMIN), "as it was before");

    world.run(Input::Resume);
    // Until the job has found the other one, the first is refused like a last one.
    assert_eq!(world.refusal(ADMIN, active(ADMIN, false)).0, 400);
    world.run_due();
    let found = world.host.prefix::<SystemAdmin, ()>(&(), 9);
    let found: Vec<UserNo> = found.into_iter().map(|(no, _)| no).collect();
    assert_eq!(found, [ADMIN, second]);
    world.by(ADMIN, active(ADMIN, false)).unwrap();
    assert_eq!(world.refusal(second, active(second, false)).0, 400);
}
