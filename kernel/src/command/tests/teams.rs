//! Changing teams, and leaving them.

use super::*;
use crate::authority;
use crate::model::limits::JOB_ROWS_PER_STEP;
use crate::model::{ChannelMember, Job, Team, TeamRoles, UserTeam};
use crate::rows::id::TeamNo;

#[test]
fn who_administers_a_team_changes_it() {
    let mut world = World::new();
    let before = world.get::<Team>(&TEAM);
    let change = || {
        patch_team(TEAM, |patch| {
            patch.display_name = Some("The Staff".into());
            patch.is_open = Some(false);
        })
    };
    assert_eq!(world.refusal(ANN, change()).0, 403);
    world.by(ADMIN, change()).unwrap();
    assert_eq!(world.events(), [Event::TeamUpdated(TEAM)]);
    let after = world.get::<Team>(&TEAM);
    assert_eq!((&*after.display_name, after.is_open), ("The Staff", false));
    assert_eq!(after.name, before.name);
    assert!(after.update_at > before.update_at);
    world.by(ADMIN, change()).unwrap();
    assert!(world.events().is_empty());
    for (change, field) in [
        (
            patch_team(TEAM, |it| it.display_name = Some(String::new())),
            "name",
        ),
        (
            patch_team(TEAM, |it| it.description = Some("x".repeat(256))),
            "description",
        ),
    ] {
        let expected = format!("model.team.is_valid.{field}.app_error");
        assert_eq!(world.refusal(ADMIN, change), (400, expected));
    }
}

#[test]
fn an_archived_team_takes_nobody_and_is_restored_by_administrators() {
    let mut world = World::new();
    assert_eq!(world.refusal(ANN, archive_team(TEAM)).0, 403);
    world.by(ADMIN, archive_team(TEAM)).unwrap();
    assert_eq!(world.events(), [Event::TeamDeleted(TEAM)]);
    assert_eq!(world.refusal(EVE, join_team(TEAM, EVE)).0, 404);
    assert_eq!(world.refusal(ADMIN, archive_team(TEAM)).0, 400);
    let change = patch_team(TEAM, |patch| patch.is_open = Some(false));
    assert_eq!(world.refusal(ADMIN, change).0, 404);
    assert_eq!(world.refusal(ANN, restore_team(TEAM)).0, 403);
    world.by(ADMIN, restore_team(TEAM)).unwrap();
    assert_eq!(world.events(), [Event::TeamRestored(TEAM)]);
    world.by(EVE, join_team(TEAM, EVE)).unwrap();
    assert_eq!(world.refusal(ADMIN, restore_team(TEAM)).0, 400);
    assert_eq!(world.refusal(ADMIN, archive_team(TeamNo(9))).0, 404);
}

#[test]
fn who_leaves_a_team_leaves_its_channels_and_no_others() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "Lab", ChannelKind::Private);
    let Object::Channel(direct) = world.by(ANN, open_direct(BOB)).unwrap() else {
        panic!("no channel")
    };
    assert_eq!(world.refusal(BOB, leave_team(TEAM, ANN)).0, 403);
    world.by(ANN, leave_team(TEAM, ANN)).unwrap();
    assert!(world.events().contains(&Event::LeftTeam(TEAM, ANN)));
    assert!(world.events().contains(&Event::UserRemoved(lab, ANN)));
    world.run_due();
    assert!(!authority::is_team_member(&world.host, TEAM, ANN));
    assert!(!world.host.has::<UserTeam>(&(ANN, TEAM)));
    for channel in [TOWN, lab] {
        assert!(!world.host.has::<ChannelMember>(&(channel, ANN)));
    }
    assert!(world.host.has::<ChannelMember>(&(direct, ANN)));
    assert_eq!(world.refusal(ANN, leave_team(TEAM, ANN)).0, 404);
    // Nothing of an earlier membership returns with a new one.
    world.by(ANN, join_team(TEAM, ANN)).unwrap();
    assert!(!authority::is_channel_member(&world.host, lab, ANN));
}

#[test]
fn roles_in_a_team_end_with_the_membership() {
    let mut world = World::new();
    world.alter::<crate::model::TeamMember>(&(TEAM, ANN), |member| member.is_admin = true);
    let roles = vec![crate::model::Role::SystemSharedChannelManager];
    world.step(|tx| tx.put(&(TEAM, ANN), &TeamRoles { roles }));
    world.by(ADMIN, leave_team(TEAM, ANN)).unwrap();
    world.run_due();
    world.by(ANN, join_team(TEAM, ANN)).unwrap();
    assert!(!authority::is_team_admin(&world.host, TEAM, ANN));
    assert!(authority::explicit_roles(&world.host, TEAM, ANN).is_empty());
}

#[test]
fn many_channels_are_left_in_portions_unless_the_member_returns() {
    for returns in [false, true] {
        let mut world = World::new();
        let channels: Vec<_> = (0..JOB_ROWS_PER_STEP + 20)
            .map(|n| world.create_channel(ANN, &format!("c{n}"), ChannelKind::Private))
            .collect();
        let is_in = |world: &World| {
            let is_in = |channel| authority::is_channel_member(&world.host, channel, ANN);
            channels.iter().filter(|channel| is_in(**channel)).count()
        };
        world.by(ANN, leave_team(TEAM, ANN)).unwrap();
        let left = is_in(&world);
        assert!(left > 0 && left < channels.len());
        if returns {
            world.by(ADMIN, join_team(TEAM, ANN)).unwrap();
        }
        world.run_due();
        assert_eq!(is_in(&world), if returns { left } else { 0 });
        assert!(world.host.prefix::<Job, ()>(&(), 9).is_empty());
    }
}
