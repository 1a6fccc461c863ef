//! Custom emoji.

use super::*;
use crate::model::limits::CUSTOM_EMOJI_MAX;
use crate::model::{CustomEmoji, FileBytes};
use crate::rows::id::EmojiNo;
use crate::rows::lookup;

fn made(world: &mut World, user: UserNo, name: &str, byte: u8) -> EmojiNo {
    match world.by(user, add_emoji(name, byte)).unwrap() {
        Object::Emoji(no) => no,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_emoji_has_a_name_of_its_own_and_keeps_its_picture() {
    let mut world = World::new();
    let rope = made(&mut world, ANN, "rope", 3);
    assert_eq!(world.events(), [Event::EmojiAdded(rope)]);
    let row = world.get::<CustomEmoji>(&rope);
    assert_eq!((row.name.as_str(), row.creator), ("rope", ANN));
    assert_eq!(lookup::emoji(&world.host, row.id.as_str()), Some(rope));
    assert_eq!(world.uses(3), 1);
    let (_, id) = world.refusal(BOB, add_emoji("rope", 4));
    assert_eq!(id, "api.emoji.create.duplicate.app_error");
    for name in ["", "two words", "ä", &"x".repeat(65)] {
        let (status, id) = world.refusal(BOB, add_emoji(name, 4));
        assert_eq!((status, &*id), (400, "model.emoji.name.app_error"));
    }
    // Two may show the same picture.
    let cord = made(&mut world, BOB, "cord", 3);
    assert_eq!(world.uses(3), 2);
    world
        .act(
            Actor::User(BOB),
            Command::RemoveEmoji(RemoveEmoji { emoji: rope }),
        )
        .unwrap_err();
    for (user, emoji) in [(ANN, rope), (ADMIN, cord)] {
        let output = world.output(Actor::User(user), None, remove_emoji(emoji));
        assert_eq!(output.reply, Reply::Done);
    }
    assert!(!world.host.has::<FileBytes>(&format!("{:064x}", 3)));
    assert_eq!(lookup::emoji_name(&world.host, "rope"), None);
    assert_eq!(lookup::emoji(&world.host, row.id.as_str()), None);
    assert_eq!(world.refusal(ANN, remove_emoji(rope)).0, 404);
    made(&mut world, BOB, "rope", 5);
}

#[test]
fn a_workspace_has_a_limited_number_of_emoji() {
    let mut world = World::new();
    for n in 0..CUSTOM_EMOJI_MAX {
        made(&mut world, ANN, &format!("e{n}"), 3);
    }
    let (_, id) = world.refusal(ANN, add_emoji("more", 3));
    assert_eq!(id, "api.emoji.create.too_many.app_error");
}
