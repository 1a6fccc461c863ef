//! Channels and their members.

use super::*;
use crate::authority;
use crate::model::{ChannelMember, User};
use crate::rows::id::WorkspaceNo;

#[test]
fn who_makes_a_channel_administers_it() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "Lab", ChannelKind::Private);
    let row = world.get::<Channel>(&lab);
    assert_eq!(
        (row.name.as_str(), row.display_name.as_str()),
        ("lab", "lab")
    );
    assert_eq!(row.creator, Some(ANN));
    assert!(authority::is_channel_admin(&world.host, lab, ANN));
    assert_eq!(world.notices(lab)[0].1, "ann joined the channel.");
}

#[test]
fn channels_need_a_good_free_name_and_a_member_of_the_team() {
    let mut world = World::new();
    let id = "ybndrfg8ejkmcpqxot1uwisza3";
    let direct = format!("{id}__{id}");
    for name in ["", "two words", "-x", &"x".repeat(65), &direct] {
        let (status, refused) = world.refusal(ANN, channel(name, ChannelKind::Public));
        assert_eq!(
            (status, refused.as_str()),
            (400, "model.channel.is_valid.1_or_more.app_error")
        );
    }
    let (status, id) = world.refusal(ANN, channel("town-square", ChannelKind::Public));
    assert_eq!(
        (status, id.as_str()),
        (400, "store.sql_channel.save_channel.exists.app_error")
    );
    assert_eq!(
        world.refusal(EVE, channel("mine", ChannelKind::Public)).0,
        403
    );
    let wordy = channel_with("wordy", ChannelKind::Public, |new| {
        new.header = "x".repeat(1025);
    });
    let (_, id) = world.refusal(ANN, wordy);
    assert_eq!(id, "model.channel.is_valid.header.app_error");
}

#[test]
fn a_team_holds_a_limited_number_of_channels() {
    let mut world = World::new();
    for number in 2..u64::from(crate::model::limits::CHANNELS_PER_TEAM_MAX) {
        let name = format!("c{number}");
        world
            .act(Actor::System, channel(&name, ChannelKind::Public))
            .unwrap();
    }
    let (_, id) = world.refusal(ANN, channel("one-more", ChannelKind::Public));
    assert_eq!(id, "api.channel.create_channel.max_channel_limit.app_error");
}

#[test]
fn public_channels_are_joined_and_private_ones_are_not() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    let den = world.create_channel(ANN, "den", ChannelKind::Private);
    world.by(BOB, add_member(lab, BOB)).unwrap();
    assert_eq!(world.notices(lab).last().unwrap().0, "system_join_channel");
    assert_eq!(world.refusal(BOB, add_member(den, BOB)).0, 403);
    assert_eq!(world.refusal(BOB, add_member(ChannelNo(99), BOB)).0, 403);
    assert_eq!(world.refusal(EVE, add_member(lab, EVE)).0, 403);
    world.by(ANN, add_member(den, BOB)).unwrap();
    let (kind, text, props) = world.notices(den).pop().unwrap();
    assert_eq!(kind, "system_add_to_channel");
    assert_eq!(text, "bob added to the channel by ann.");
    assert!(props.starts_with(r#"{"addedUserId":""#), "{props}");
    let output = world.output(Actor::User(ANN), None, add_member(den, BOB));
    assert!(output.writes.is_empty(), "a member stays as it is");
}

#[test]
fn only_members_of_the_team_come_into_its_channels() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    let (status, id) = world.refusal(ANN, add_member(lab, EVE));
    assert_eq!(
        (status, id.as_str()),
        (404, "app.team.get_member.missing.app_error")
    );
    world.alter::<User>(&EVE, |eve| eve.origin = WorkspaceNo(1));
    let (status, id) = world.refusal(ANN, add_member(lab, EVE));
    assert_eq!(
        (status, id.as_str()),
        (400, "api.channel.add_user.to.channel.failed.app_error")
    );
}

#[test]
fn members_leave_and_are_removed() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    world.by(BOB, add_member(lab, BOB)).unwrap();
    world.by(BOB, remove_member(lab, BOB)).unwrap();
    assert!(world.events().contains(&Event::UserRemoved(lab, BOB)));
    let (kind, text, props) = world.notices(lab).pop().unwrap();
    assert_eq!(
        (kind.as_str(), text.as_str()),
        ("system_leave_channel", "@bob left the channel.")
    );
    assert_eq!(
        props,
        r#"{"disable_group_highlight":true,"username":"bob"}"#
    );
    assert_eq!(world.refusal(BOB, remove_member(lab, ANN)).0, 403);
    let (status, id) = world.refusal(ANN, remove_member(lab, BOB));
    assert_eq!(
        (status, id.as_str()),
        (404, "app.channel.get_member.missing.app_error")
    );
    world.by(ANN, add_member(lab, BOB)).unwrap();
    world.by(ANN, remove_member(lab, BOB)).unwrap();
    let (kind, text, _) = world.notices(lab).pop().unwrap();
    assert_eq!(kind, "system_remove_from_channel");
    assert_eq!(text, "@bob removed from the channel.");
    assert_eq!(world.refusal(BOB, post(lab, None, "still here?")).0, 403);
}

#[test]
fn nobody_leaves_the_default_channel_or_an_archived_one() {
    let mut world = World::new();
    assert_eq!(
        world.refusal(ANN, remove_member(TOWN, ANN)).1,
        "api.channel.remove.default.app_error"
    );
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    world.alter::<Channel>(&lab, |lab| lab.delete_at = 9);
    assert_eq!(world.refusal(ANN, remove_member(lab, ANN)).0, 400);
    assert_eq!(world.refusal(BOB, add_member(lab, BOB)).0, 400);
}

#[test]
fn seeing_a_channel_marks_all_of_it_as_seen() {
    let mut world = World::new();
    let first = world.write(BOB, TOWN, "one");
    world.reply(BOB, first, "two");
    let member = |world: &World| world.get::<ChannelMember>(&(TOWN, ANN));
    let row = world.get::<Channel>(&TOWN);
    assert_eq!(
        (row.msg_count - member(&world).msg_count, row.root_msg_count),
        (2, 1)
    );
    world.by(ANN, view(TOWN)).unwrap();
    let seen = member(&world);
    assert_eq!(
        (seen.msg_count, seen.root_msg_count),
        (row.msg_count, row.root_msg_count)
    );
    assert_eq!(seen.last_viewed_at, row.last_post_at);
    let output = world.output(Actor::User(ANN), None, view(TOWN));
    assert!(output.writes.is_empty());
    assert_eq!(world.refusal(EVE, view(TOWN)).0, 403);
}

#[test]
fn an_archived_channel_is_read_only_until_an_administrator_of_the_team_restores_it() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    world.by(ANN, archive(lab)).unwrap();
    assert_eq!(world.events().last(), Some(&Event::ChannelDeleted(lab)));
    let row = world.get::<Channel>(&lab);
    assert!(row.delete_at != 0);
    assert_eq!(
        world.notices(lab).last().unwrap().1,
        "ann archived the channel."
    );
    assert_eq!(world.refusal(ANN, post(lab, None, "more")).0, 400);
    let (status, id) = world.refusal(ANN, archive(lab));
    assert_eq!(
        (status, id.as_str()),
        (400, "api.channel.delete_channel.deleted.app_error")
    );
    // Who made the channel does not administer the team.
    assert_eq!(world.refusal(ANN, restore(lab)).0, 403);
    world.by(ADMIN, restore(lab)).unwrap();
    assert!(world.events().contains(&Event::ChannelRestored(lab)));
    assert_eq!(world.get::<Channel>(&lab).delete_at, 0);
    world.by(ANN, post(lab, None, "more")).unwrap();
    let (status, id) = world.refusal(ADMIN, restore(lab));
    assert_eq!(
        (status, id.as_str()),
        (400, "api.channel.restore_channel.restored.app_error")
    );
    // The operator may do both.
    world.act(Actor::System, archive(lab)).unwrap();
    world.act(Actor::System, restore(lab)).unwrap();
}

#[test]
fn not_everybody_archives_and_not_everything_is_archived() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "lab", ChannelKind::Public);
    assert_eq!(world.refusal(BOB, archive(lab)).0, 403);
    let (status, id) = world.refusal(ADMIN, archive(TOWN));
    assert_eq!(
        (status, id.as_str()),
        (400, "api.channel.delete_channel.cannot.app_error")
    );
    let Ok(Object::Channel(direct)) = world.by(ANN, open_direct(BOB)) else {
        panic!()
    };
    for user in [ANN, ADMIN] {
        let (status, id) = world.refusal(user, archive(direct));
        assert_eq!(
            (status, id.as_str()),
            (400, "api.channel.delete_channel.type.invalid")
        );
    }
    let unknown = ChannelNo(9_999);
    assert_eq!(world.refusal(ADMIN, archive(unknown)).0, 403);
    assert_eq!(world.refusal(ADMIN, restore(unknown)).0, 403);
}
