//! Changing channels and the roles in them.

use super::*;
use crate::authority;
use crate::model::{ChannelMember, Place};
use crate::rows::lookup;

#[test]
fn members_change_names_and_descriptions_and_everybody_is_told() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "Lab", ChannelKind::Public);
    world.by(BOB, add_member(lab, BOB)).unwrap();
    let before = world.get::<Channel>(&lab);
    let change = patch_channel(lab, |patch| {
        patch.name = Some("Workshop".into());
        patch.display_name = Some("The Workshop".into());
        patch.header = Some("Mind the saw".into());
    });
    world.by(BOB, change).unwrap();
    assert!(world.events().contains(&Event::ChannelUpdated(lab)));
    let after = world.get::<Channel>(&lab);
    assert_eq!(
        (&*after.name, &*after.display_name),
        ("workshop", "The Workshop")
    );
    assert_eq!((&*after.header, &*after.purpose), ("Mind the saw", ""));
    assert!(after.update_at > before.update_at);
    assert_eq!(
        lookup::channel_name(&world.host, TEAM, "workshop"),
        Some(lab)
    );
    assert_eq!(lookup::channel_name(&world.host, TEAM, "lab"), None);
    let notices = world.notices(lab);
    let (kind, _, props) = &notices[notices.len() - 2];
    assert_eq!(kind, "system_displayname_change");
    assert_eq!(
        props,
        r#"{"new_displayname":"The Workshop","old_displayname":"lab","username":"bob"}"#
    );
    let (kind, text, _) = &notices[notices.len() - 1];
    assert_eq!(kind, "system_header_change");
    assert_eq!(text, "bob set the channel header to: Mind the saw");
}

#[test]
fn what_changes_nothing_says_nothing() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "Lab", ChannelKind::Public);
    let before = world.get::<Channel>(&lab);
    let same = patch_channel(lab, |patch| patch.name = Some("LAB".into()));
    world.by(ANN, same).unwrap();
    assert!(world.events().is_empty());
    assert_eq!(world.get::<Channel>(&lab), before);
}

#[test]
fn a_channel_is_changed_by_its_members_and_who_administers_it() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "Lab", ChannelKind::Public);
    let header = || patch_channel(lab, |patch| patch.header = Some("x".into()));
    assert_eq!(world.refusal(BOB, header()).0, 403);
    assert_eq!(world.refusal(EVE, header()).0, 403);
    world.by(ADMIN, header()).unwrap();
    world.alter::<Channel>(&lab, |channel| channel.read_only = true);
    world.by(BOB, add_member(lab, BOB)).unwrap();
    let purpose = |text: &str| patch_channel(lab, |patch| patch.purpose = Some(text.into()));
    assert_eq!(world.refusal(BOB, purpose("x")).0, 403);
    world.by(ANN, purpose("y")).unwrap();
    world.by(ANN, archive(lab)).unwrap();
    let (_, id) = world.refusal(ANN, purpose("z"));
    assert_eq!(id, "api.channel.update_channel.deleted.app_error");
}

#[test]
fn a_channel_keeps_a_good_free_name() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "Lab", ChannelKind::Public);
    let rename =
        |channel, name: &str| patch_channel(channel, |patch| patch.name = Some(name.to_string()));
    for (channel, name, expected) in [
        (
            lab,
            "two words",
            "model.channel.is_valid.1_or_more.app_error",
        ),
        (
            lab,
            "off-topic",
            "store.sql_channel.save_channel.exists.app_error",
        ),
        (
            TOWN,
            "village",
            "api.channel.update_channel.tried.app_error",
        ),
    ] {
        assert_eq!(world.refusal(ADMIN, rename(channel, name)).1, expected);
    }
    let long = patch_channel(lab, |patch| patch.purpose = Some("x".repeat(251)));
    assert_eq!(
        world.refusal(ANN, long).1,
        "model.channel.is_valid.purpose.app_error"
    );
    // The archived channel keeps its name; another one can take the name that was given up.
    world.by(ANN, rename(lab, "workshop")).unwrap();
    world.create_channel(BOB, "lab", ChannelKind::Public);
}

#[test]
fn of_a_direct_channel_only_the_header_changes() {
    let mut world = World::new();
    let Object::Channel(direct) = world.by(ANN, open_direct(BOB)).unwrap() else {
        panic!("no channel")
    };
    let header = |text: &str| patch_channel(direct, |patch| patch.header = Some(text.into()));
    world.by(BOB, header("about work")).unwrap();
    assert_eq!(world.get::<Channel>(&direct).header, "about work");
    assert_eq!(world.refusal(ADMIN, header("read")).0, 403);
    for change in [
        patch_channel(direct, |patch| patch.name = Some("lab".into())),
        patch_channel(direct, |patch| patch.display_name = Some("Us".into())),
        patch_channel(direct, |patch| patch.purpose = Some("x".into())),
    ] {
        let (status, id) = world.refusal(ANN, change);
        assert_eq!(
            (status, &*id),
            (400, "api.channel.patch_update_channel.forbidden.app_error")
        );
    }
    let convert = convert(direct, ChannelKind::Public);
    assert_eq!(world.refusal(ANN, convert).0, 403);
}

#[test]
fn team_admins_make_channels_private_and_public() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "Lab", ChannelKind::Public);
    let make = |kind| convert(lab, kind);
    // Ann administers the channel, but not the team.
    assert_eq!(world.refusal(ANN, make(ChannelKind::Private)).0, 403);
    assert!(authority::may_read_channel(&world.host, lab, BOB));
    world.by(ADMIN, make(ChannelKind::Private)).unwrap();
    assert_eq!(
        world.events()[..2],
        [Event::ChannelConverted(lab), Event::ChannelUpdated(lab)]
    );
    let place = world.get::<Channel>(&lab).place;
    let (team, kind) = (TEAM, ChannelKind::Private);
    assert_eq!(place, Place::Team { team, kind });
    assert!(!authority::may_read_channel(&world.host, lab, BOB));
    assert_eq!(
        world.notices(lab).last().unwrap().0,
        "system_change_chan_privacy"
    );
    world.by(ADMIN, make(ChannelKind::Private)).unwrap();
    assert!(world.events().is_empty());
    world.by(ADMIN, make(ChannelKind::Public)).unwrap();
    assert!(authority::may_read_channel(&world.host, lab, BOB));
    let (_, id) = world.refusal(ADMIN, convert(TOWN, ChannelKind::Private));
    assert_eq!(
        id,
        "api.channel.update_channel_privacy.default_channel_error"
    );
}

#[test]
fn channel_admins_make_others_admins() {
    let mut world = World::new();
    let lab = world.create_channel(ANN, "Lab", ChannelKind::Public);
    let (status, _) = world.refusal(ANN, set_channel_admin(lab, BOB, true));
    assert_eq!(status, 404);
    world.by(BOB, add_member(lab, BOB)).unwrap();
    assert_eq!(world.refusal(BOB, set_channel_admin(lab, BOB, true)).0, 403);
    world.by(ANN, set_channel_admin(lab, BOB, true)).unwrap();
    assert_eq!(world.events(), [Event::ChannelMemberUpdated(lab, BOB)]);
    assert!(world.get::<ChannelMember>(&(lab, BOB)).is_admin);
    world.by(BOB, set_channel_admin(lab, ANN, false)).unwrap();
    assert!(!authority::is_channel_admin(&world.host, lab, ANN));
    world.by(BOB, set_channel_admin(lab, ANN, false)).unwrap();
    assert!(world.events().is_empty());
}

#[test]
fn a_channel_is_unread_from_a_post_on() {
    let mut world = World::new();
    world.write(BOB, TOWN, "before");
    let second = world.write(BOB, TOWN, "@ann second");
    world.reply(BOB, second, "a reply");
    world.write(ANN, TOWN, "her own");
    world.by(ADMIN, add_member(TOWN, ANN)).unwrap();
    world.by(ANN, view(TOWN)).unwrap();
    let seen = world.get::<ChannelMember>(&(TOWN, ANN));
    world.by(ANN, mark_unread(second)).unwrap();
    let member = world.get::<ChannelMember>(&(TOWN, ANN));
    let post = world.get::<Post>(&second);
    assert_eq!(seen.msg_count - member.msg_count, 3);
    assert_eq!(seen.root_msg_count - member.root_msg_count, 2);
    assert!(member.last_viewed_at < post.ordered_at && member.seen_at < post.update_at);
    world.by(ANN, view(TOWN)).unwrap();
    assert_eq!(world.get::<ChannelMember>(&(TOWN, ANN)), seen);
    assert_eq!(world.refusal(EVE, mark_unread(second)).0, 403);
    world.by(BOB, delete(second)).unwrap();
    assert_eq!(world.refusal(ANN, mark_unread(second)).0, 404);
}

#[test]
fn what_follows_is_counted_up_to_a_limit() {
    let mut world = World::new();
    let first = world.write(BOB, TOWN, "0");
    let limit = u64::from(crate::model::limits::UNREAD_COUNTED_MAX);
    for n in 0..limit {
        world.write(BOB, TOWN, &n.to_string());
    }
    world.by(ANN, view(TOWN)).unwrap();
    let seen = world.get::<ChannelMember>(&(TOWN, ANN)).msg_count;
    world.by(ANN, mark_unread(first)).unwrap();
    let member = world.get::<ChannelMember>(&(TOWN, ANN));
    assert_eq!(seen - member.msg_count, limit);
}
