//! Reactions.

use super::*;
use crate::model::limits::REMOVED_REACTIONS_MAX;
use crate::model::{Reaction, RemovedReactions, User};
use crate::rows::id::WorkspaceNo;

#[test]
fn a_reaction_is_added_once_and_removed_once() {
    let mut world = World::new();
    let number = world.write(ANN, TOWN, "x");
    let output = world.output(Actor::User(BOB), None, react(number, "+1"));
    assert!(matches!(
        world.events()[..],
        [Event::ReactionAdded(TOWN, _)]
    ));
    let again = world.output(Actor::User(BOB), None, react(number, "+1"));
    assert_eq!(again.reply, output.reply);
    assert!(again.writes.is_empty() && again.effects.is_empty());
    assert_eq!(world.get::<Post>(&number).reaction_count, 1);
    world.by(BOB, take_back(number, BOB, "+1")).unwrap();
    assert!(matches!(
        world.events()[..],
        [Event::ReactionRemoved(TOWN, _)]
    ));
    assert_eq!(world.get::<Post>(&number).reaction_count, 0);
    let output = world.output(Actor::User(BOB), None, take_back(number, BOB, "+1"));
    assert!(matches!(output.reply, Reply::Object(_)) && output.writes.is_empty());
    let key = (number, BOB, "+1".to_string());
    let tombstone = world.get::<Reaction>(&key);
    world.now_ms -= 5_000;
    world.by(BOB, react(number, "+1")).unwrap();
    let back = world.get::<Reaction>(&key);
    assert!(back.delete_at == 0 && back.update_at > tombstone.update_at);
    assert_eq!(world.get::<Post>(&number).reaction_count, 1);
}

#[test]
fn reactions_are_refused_where_they_make_no_sense() {
    let mut world = World::new();
    let number = world.write(ANN, TOWN, "x");
    for emoji in ["", ":tada:", "a b", &"x".repeat(65)] {
        let (status, id) = world.refusal(ANN, react(number, emoji));
        assert_eq!(
            (status, id.as_str()),
            (400, "model.reaction.is_valid.emoji_name.app_error")
        );
    }
    assert_eq!(world.refusal(EVE, react(number, "tada")).0, 403);
    assert_eq!(world.refusal(ANN, react(PostNo(999), "tada")).0, 404);
    world.alter::<Channel>(&TOWN, |town| town.delete_at = 9);
    let (status, id) = world.refusal(ANN, react(number, "tada"));
    assert_eq!(
        (status, id.as_str()),
        (403, "api.reaction.save.archived_channel.app_error")
    );
    let (status, id) = world.refusal(ANN, take_back(number, ANN, "tada"));
    assert_eq!(
        (status, id.as_str()),
        (403, "api.reaction.delete.archived_channel.app_error")
    );
}

#[test]
fn a_post_holds_fifty_different_emoji() {
    let mut world = World::new();
    let number = world.write(ANN, TOWN, "x");
    for emoji in 0..50 {
        world.by(ANN, react(number, &format!("e{emoji}"))).unwrap();
    }
    let (status, id) = world.refusal(BOB, react(number, "e50"));
    assert_eq!(
        (status, id.as_str()),
        (400, "app.reaction.save.save.too_many_reactions")
    );
    world.by(BOB, react(number, "e7")).unwrap();
    world.by(ANN, take_back(number, ANN, "e0")).unwrap();
    world.by(BOB, react(number, "e50")).unwrap();
}

#[test]
fn what_others_said_is_taken_back_by_administrators_unless_it_is_a_peers() {
    let mut world = World::new();
    let number = world.write(ANN, TOWN, "x");
    world.by(BOB, react(number, "tada")).unwrap();
    assert_eq!(world.refusal(ANN, take_back(number, BOB, "tada")).0, 403);
    world.by(ADMIN, take_back(number, BOB, "tada")).unwrap();
    world.by(BOB, react(number, "tada")).unwrap();
    world.alter::<User>(&BOB, |bob| bob.origin = WorkspaceNo(1));
    assert_eq!(world.refusal(ADMIN, take_back(number, BOB, "tada")).0, 403);
    assert_eq!(world.get::<Post>(&number).reaction_count, 1);
}

#[test]
fn who_took_many_back_adds_no_further_ones_and_keeps_nobody_else_from_it() {
    let mut world = World::new();
    let number = world.write(ANN, TOWN, "x");
    let kept = |max| RemovedReactions(max);
    world.by(BOB, react(number, "tada")).unwrap();
    world.by(BOB, take_back(number, BOB, "tada")).unwrap();
    let share = (number, WorkspaceNo::OURS, BOB);
    assert_eq!(world.host.get::<RemovedReactions>(&share), Some(kept(1)));
    world.alter::<RemovedReactions>(&share, |it| *it = kept(REMOVED_REACTIONS_MAX));
    let (status, id) = world.refusal(BOB, react(number, "eyes"));
    assert_eq!(
        (status, id.as_str()),
        (400, "app.reaction.save.save.too_many_reactions")
    );
    world.by(BOB, react(number, "tada")).unwrap();
    world.by(ANN, react(number, "eyes")).unwrap();
}
