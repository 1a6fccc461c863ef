//! Direct and group channels of local users.

use super::*;
use crate::authority;
use crate::model::limits::DIRECT_CHANNELS_PER_USER_MAX;
use crate::model::{DirectCount, Place, User};
use crate::rows::id::Id;

fn opened(world: &mut World, by: UserNo, command: Command) -> ChannelNo {
    match world.by(by, command).unwrap() {
        Object::Channel(channel) => channel,
        other => panic!("{other:?}"),
    }
}

fn id_of(world: &World, user: UserNo) -> String {
    world.get::<User>(&user).id.into()
}

#[test]
fn a_direct_channel_is_opened_once_and_named_after_both() {
    let mut world = World::new();
    let direct = opened(&mut world, BOB, open_direct(ANN));
    assert_eq!(world.events(), [Event::DirectAdded(direct, BOB, ANN)]);
    let row = world.get::<Channel>(&direct);
    let mut ids = [id_of(&world, ANN), id_of(&world, BOB)];
    ids.sort();
    assert_eq!(row.name, ids.join("__"));
    assert_eq!((row.place, row.display_name.as_str()), (Place::Direct, ""));
    let output = world.output(Actor::User(ANN), None, open_direct(BOB));
    assert_eq!(output.reply, Reply::Object(Object::Channel(direct)));
    assert!(output.writes.is_empty(), "it stays as it is");
}

#[test]
fn notes_to_oneself_are_a_direct_channel_of_one_member() {
    let mut world = World::new();
    let notes = opened(&mut world, ANN, open_direct(ANN));
    assert_eq!(world.events(), [Event::DirectAdded(notes, ANN, ANN)]);
    let id = id_of(&world, ANN);
    assert_eq!(world.get::<Channel>(&notes).name, format!("{id}__{id}"));
    assert_eq!(opened(&mut world, ANN, open_direct(ANN)), notes);
}

#[test]
fn a_group_has_three_to_eight_people_and_the_digest_of_their_ids() {
    let mut world = World::new();
    let group = opened(&mut world, ANN, open_group(&[EVE, BOB, ANN, BOB]));
    assert_eq!(world.events(), [Event::GroupAdded(group)]);
    let row = world.get::<Channel>(&group);
    assert_eq!((row.place, row.name.len()), (Place::Group, 40));
    assert_eq!(row.display_name, "ann, bob, eve");
    assert_eq!(opened(&mut world, EVE, open_group(&[ANN, BOB])), group);

    let more: Vec<UserNo> = (0..8).map(|n| new_user(&mut world, n)).collect();
    let bad_size = (
        400,
        "api.channel.create_group.bad_size.app_error".to_string(),
    );
    for with in [&[][..], &[BOB], &[BOB, ANN], &more] {
        assert_eq!(world.refusal(ANN, open_group(with)), bad_size, "{with:?}");
    }
    let (seven, _) = more.split_at(7);
    world.by(ANN, open_group(seven)).unwrap();
    assert_eq!(world.refusal(ANN, open_group(&[BOB, UserNo(99)])).0, 404);
}

fn new_user(world: &mut World, number: u32) -> UserNo {
    match world.act(Actor::System, account(&format!("more{number}"))) {
        Ok(Object::User(user)) => user,
        other => panic!("{other:?}"),
    }
}

/// The digest is that of the reference: of the sorted ids, one after another.
#[test]
fn the_name_of_a_group_is_computed_as_in_the_reference() {
    let mut world = World::new();
    for (user, letter) in [(ANN, 'a'), (BOB, 'b'), (EVE, 'c')] {
        let id = Id::parse(&letter.to_string().repeat(26)).unwrap();
        world.alter::<User>(&user, |row| row.id = id);
    }
    let group = opened(&mut world, ANN, open_group(&[EVE, BOB]));
    assert_eq!(
        world.get::<Channel>(&group).name,
        "5f760163324ad54bc6ad15c4cb0623de3526e053"
    );
}

#[test]
fn only_the_members_see_a_direct_channel() {
    let mut world = World::new();
    let direct = opened(&mut world, ANN, open_direct(BOB));
    let post = world.write(ANN, direct, "between us");
    assert!(authority::may_read_channel(&world.host, direct, BOB));
    for stranger in [ADMIN, EVE] {
        assert!(!authority::may_read_channel(&world.host, direct, stranger));
        assert!(!authority::may_read_post(&world.host, post, stranger));
        let event = Event::DirectAdded(direct, ANN, BOB);
        assert!(!authority::hears(&world.host, &event, stranger));
        assert_eq!(
            world
                .refusal(stranger, super::post(direct, None, "me too"))
                .0,
            403
        );
        assert_eq!(world.refusal(stranger, react(post, "tada")).0, 403);
        assert_eq!(world.refusal(stranger, delete(post)).0, 403);
    }
    assert_eq!(
        world.refusal(BOB, delete(post)).0,
        403,
        "nobody administers it"
    );
}

#[test]
fn the_members_of_a_direct_channel_never_change() {
    let mut world = World::new();
    let direct = opened(&mut world, ANN, open_direct(BOB));
    assert_eq!(world.refusal(ANN, add_member(direct, EVE)).0, 400);
    assert_eq!(world.refusal(EVE, add_member(direct, EVE)).0, 403);
    for user in [ANN, BOB] {
        let (status, id) = world.refusal(ANN, remove_member(direct, user));
        let expected = "api.channel.remove_channel_member.type.app_error";
        assert_eq!((status, id.as_str()), (400, expected));
    }
}

#[test]
fn a_user_has_a_limited_number_of_them() {
    let mut world = World::new();
    opened(&mut world, ANN, open_direct(BOB));
    assert_eq!(world.get::<DirectCount>(&BOB).opened_here, 1);
    world.alter::<DirectCount>(&BOB, |count| {
        count.opened_here = DIRECT_CHANNELS_PER_USER_MAX;
    });
    let full = (400, "causeway.channel.direct_max.app_error".to_string());
    assert_eq!(world.refusal(EVE, open_direct(BOB)), full);
    assert_eq!(world.refusal(EVE, open_group(&[ANN, BOB])), full);
    opened(&mut world, ANN, open_direct(BOB));
    opened(&mut world, ANN, open_direct(EVE));
}
