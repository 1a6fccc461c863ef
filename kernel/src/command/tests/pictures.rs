//! Pictures of local users.

use super::*;
use crate::boundary::input::Actor;
use crate::command::SetPicture;
use crate::model::limits::PROFILE_PICTURE_BYTES_MAX;
use crate::model::{Picture, User};

fn with(change: impl FnOnce(&mut SetPicture)) -> Command {
    let Command::SetPicture(mut set) = set_picture(ANN, 1) else {
        panic!("another command");
    };
    change(&mut set);
    Command::SetPicture(set)
}

#[test]
fn users_set_their_own_and_administrators_everybodys() {
    let mut world = World::new();
    for actor in [Actor::User(ANN), Actor::User(ADMIN), Actor::System] {
        world.alter::<User>(&ANN, |user| user.last_picture_update = 0);
        world.step(|tx| tx.delete::<Picture>(&ANN));
        world.act(actor, set_picture(ANN, 1)).unwrap();
        assert_eq!(world.events(), [Event::UserUpdated(ANN)]);
        assert_eq!(world.get::<User>(&ANN).last_picture_update, world.now_ms);
    }
    let refusal = world.by(BOB, set_picture(ANN, 2)).unwrap_err();
    assert_eq!(refusal.status, 403);
    let refusal = world
        .act(Actor::Anonymous, set_picture(ANN, 2))
        .unwrap_err();
    assert_eq!(refusal.status, 401);
}

#[test]
fn the_bytes_of_a_replaced_picture_are_needed_no_more() {
    let mut world = World::new();
    world.by(ANN, set_picture(ANN, 1)).unwrap();
    world.by(BOB, set_picture(BOB, 1)).unwrap();
    assert_eq!(world.uses(1), 2);
    world.by(ANN, set_picture(ANN, 2)).unwrap();
    assert_eq!((world.uses(1), world.uses(2)), (1, 1));
    let generated = with(|set| set.is_generated = true);
    world.by(ANN, generated).unwrap();
    assert_eq!((world.uses(1), world.uses(2)), (2, 0));
    assert!(world.get::<Picture>(&ANN).is_generated);
}

#[test]
fn a_picture_that_the_host_cannot_have_made_is_refused() {
    let mut world = World::new();
    for bad in [
        with(|set| set.size = PROFILE_PICTURE_BYTES_MAX + 1),
        with(|set| set.digest.clear()),
    ] {
        assert_eq!(world.by(ANN, bad).unwrap_err().status, 400);
    }
    let nobody = with(|set| set.user = UserNo(99));
    assert_eq!(world.by(ADMIN, nobody).unwrap_err().status, 404);
}
