//! What the policies hold back besides posts.

use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::Object;
use crate::boundary::policy::{Gate, MessageQuestion};
use crate::model::User;
use crate::objects::members;
use crate::rows::id::UserNo;
use crate::testing::acts::account;
use crate::testing::{BOB, TEAM};

/// A policy that denies everything at these gates.
fn closed(world: &mut World, gates: &[Gate]) {
    world.load_policy(gates, |_| Verdict::Deny(Denial::for_reason("not this")));
}

#[test]
fn denied_reactions_and_acknowledgements_stay_until_the_policies_change() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = World::shared(kind);
        let post = world.write(ANN, TOWN, "read this");
        world.by(ANN, react(post, "heart")).unwrap();
        world.settle();
        closed(&mut world, &[Gate::Reaction]);
        world.by(ANN, react(post, "tada")).unwrap();
        world.by(ANN, react(post, "eyes")).unwrap();
        world.by(ANN, acknowledge(post)).unwrap();
        world.by(ANN, take_back(post, ANN, "heart")).unwrap();
        world.settle();
        // What is taken back passes, and so do posts.
        world.write(ANN, TOWN, "another");
        world.settle();
        assert_eq!(world.peer.posts.len(), 2);
        assert_eq!(world.peer.reactions.len(), 0, "{kind:?}");
        assert!(world.peer.acknowledgements().is_empty());
        assert_eq!(world.exceptions(), vec![ExceptionState::Denied; 3]);
        let rows = world.host.prefix::<Exception, _>(&ACME, 10);
        assert!(rows.iter().all(|(_, row)| row.reason == "not this"));
        // What was denied and is taken back is not told at all.
        world.by(ANN, take_back(post, ANN, "eyes")).unwrap();
        world.settle();
        world.unload_policy();
        world.settle();
        world.expect_same();
        assert!(world.exceptions().is_empty());
        assert_eq!(world.peer.reactions.len(), 1, "{kind:?}");
    }
}

#[test]
fn an_author_is_told_once_of_each_version_that_a_policy_holds_back() {
    let mut world = World::shared(PeerKind::Causeway);
    world.load_policy(&[Gate::Post], |question| {
        let is_secret = |post: MessageQuestion<'_>| post.message.contains("secret");
        if question.post().is_some_and(is_secret) {
            Verdict::Deny(Denial::for_reason("no secrets"))
        } else {
            Verdict::Allow
        }
    });
    let mut said = Vec::new();
    let post = world.write(ANN, TOWN, "a secret");
    said.extend(world.ephemeral());
    world.settle();
    world.write(ANN, TOWN, "fine");
    world.settle();
    assert_eq!(said.len(), 1, "{said:?}");
    let (channel, user, text) = &said[0];
    assert_eq!((*channel, *user), (TOWN, ANN));
    assert!(
        text.contains("a secret") && text.contains("no secrets"),
        "{text}"
    );
    // The same version is not told of again when other policies deny it; another one is.
    world.host.policy = Some(Box::new(|_| {
        Verdict::Deny(Denial::for_reason("nothing today"))
    }));
    let changed = Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
        gates: Some(Gates::ALL),
    };
    world.run(changed);
    for _ in 0..20 {
        assert!(world.ephemeral().is_empty());
        world.now_ms += 1_000;
        world.run(Input::Timer);
    }
    let rows = world.host.prefix::<Exception, _>(&ACME, 10);
    assert!(rows.iter().any(|(_, row)| row.reason == "nothing today"));
    world.by(ANN, edit(post, "another secret")).unwrap();
    assert_eq!(world.ephemeral().len(), 1);
}

#[test]
fn failed_reactions_are_asked_about_again() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(ANN, TOWN, "read this");
    world.load_policy(&[Gate::Reaction], |_| Verdict::Failed("trapped".into()));
    world.by(ANN, react(post, "tada")).unwrap();
    for _ in 0..10 {
        world.deliver_next();
    }
    assert_eq!(world.exceptions(), [ExceptionState::Held]);
    world.host.policy = None;
    world.now_ms += 60_000;
    world.run_due();
    world.settle();
    world.expect_same();
    assert_eq!(world.peer.reactions.len(), 1);
}

#[test]
fn many_denied_reactions_do_not_keep_back_those_behind_them() {
    let mut world = World::shared(PeerKind::Causeway);
    let post = world.write(ANN, TOWN, "read this");
    world.settle();
    world.load_policy(&[Gate::Reaction], |question| match question {
        Question::Reaction(it) if it.emoji != Some("last") => {
            Verdict::Deny(Denial::for_reason("not this"))
        }
        _ => Verdict::Allow,
    });
    for n in 0..30 {
        world.by(ANN, react(post, &format!("emoji{n}"))).unwrap();
    }
    world.by(BOB, react(post, "last")).unwrap();
    world.settle();
    assert_eq!(world.peer.reactions.len(), 1);
    assert_eq!(world.exceptions().len(), 30);
}

#[test]
fn who_may_not_join_is_not_told_and_who_leaves_is() {
    let mut world = World::shared(PeerKind::Causeway);
    let settings = configure_sharing(|settings| settings.members = true);
    world.output(Actor::System, None, settings);
    world.run_due();
    world.settle();
    world.step(|tx| members::leave_channel(tx, TOWN, ANN));
    world.ping(ACME);
    world.settle();
    let before = world.members_there();
    closed(&mut world, &[Gate::Member]);
    world.step(|tx| members::join_channel(tx, TOWN, ANN, false));
    world.ping(ACME);
    world.settle();
    assert_eq!(world.members_there(), before);
    assert_eq!(world.exceptions(), [ExceptionState::Denied]);
    world.unload_policy();
    world.settle();
    assert_eq!(world.members_there().len(), before.len() + 1);
    assert!(world.exceptions().is_empty());
    closed(&mut world, &[Gate::Member]);
    world.step(|tx| members::leave_channel(tx, TOWN, ANN));
    world.ping(ACME);
    world.settle();
    assert_eq!(world.members_there(), before);
}

/// Memberships are shared, and the peer knows them.
fn members_shared(kind: PeerKind) -> World {
    let mut world = World::shared(kind);
    let settings = configure_sharing(|settings| settings.members = true);
    world.output(Actor::System, None, settings);
    world.run_due();
    world.settle();
    world
}

fn joins(world: &mut World, name: &str) -> UserNo {
    let made = world.act(Actor::System, account(name));
    let Ok(Object::User(user)) = made else {
        panic!("not a user")
    };
    world.step(|tx| {
        members::join_team(tx, TEAM, user, false);
        members::join_channel(tx, TOWN, user, false);
    });
    user
}

fn knows(world: &World, user: UserNo) -> bool {
    world
        .peer
        .users
        .contains(world.get::<User>(&user).id.as_str())
}

#[test]
fn the_profile_of_somebody_who_may_not_join_stays_too() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let mut world = members_shared(kind);
        let before = world.members_there();
        let asked = std::rc::Rc::new(std::cell::Cell::new(0));
        let count = asked.clone();
        world.load_policy(&[Gate::Member], move |_| {
            count.set(count.get() + 1);
            Verdict::Deny(Denial::for_reason("not this"))
        });
        let zoe = joins(&mut world, "zoe");
        world.ping(ACME);
        world.settle();
        assert!(!knows(&world, zoe), "{kind:?}");
        assert_eq!(world.members_there(), before);
        assert_eq!(world.exceptions(), [ExceptionState::Denied]);
        assert_eq!(asked.get(), 1);
        // To be mentioned brings nobody there either.
        world.write(ANN, TOWN, "hello @zoe");
        world.settle();
        world.expect_same();
        assert!(!knows(&world, zoe), "{kind:?}");
        // What she writes goes with her profile.
        world.write(zoe, TOWN, "hello");
        world.settle();
        world.expect_same();
        assert!(knows(&world, zoe));
        world.unload_policy();
        world.settle();
        assert_eq!(world.members_there().len(), before.len() + 1);
        assert!(world.exceptions().is_empty());
    }
}

#[test]
fn who_may_join_is_told_although_a_policy_failed_first() {
    let mut world = members_shared(PeerKind::Causeway);
    world.load_policy(&[Gate::Member], |_| Verdict::Failed("trapped".into()));
    let zoe = joins(&mut world, "zoe");
    world.ping(ACME);
    while world.deliver_next() {}
    assert!(!knows(&world, zoe));
    assert_eq!(world.exceptions(), [ExceptionState::Held]);
    world.host.policy = None;
    world.now_ms += 60_000;
    world.run_due();
    world.settle();
    assert!(knows(&world, zoe) && world.members_there().contains(&zoe));
    assert!(world.exceptions().is_empty());
}

#[test]
fn many_who_join_are_asked_about_at_once_and_the_others_go() {
    let mut world = members_shared(PeerKind::Causeway);
    let asked = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = asked.clone();
    world.load_policy(&[Gate::Member], move |question| {
        count.set(count.get() + 1);
        match question {
            Question::Member(context) if context.author_name < "user30" => {
                Verdict::Deny(Denial::for_reason("no"))
            }
            _ => Verdict::Allow,
        }
    });
    let crowd: Vec<UserNo> = (0..40)
        .map(|n| joins(&mut world, &format!("user{n}")))
        .collect();
    let (denied, allowed): (Vec<UserNo>, Vec<UserNo>) = crowd
        .into_iter()
        .partition(|user| world.get::<User>(user).username.as_str() < "user30");
    let before = world.host.lists_asked.get();
    world.ping(ACME);
    world.settle();
    assert!(denied.iter().all(|user| !knows(&world, *user)));
    let there = world.members_there();
    assert!(allowed.iter().all(|user| there.contains(user)));
    assert!(denied.iter().all(|user| !there.contains(user)));
    // Once for each profile, and once for each statement.
    assert_eq!(asked.get(), denied.len() + 2 * allowed.len());
    let lists = world.host.lists_asked.get() - before;
    assert!(lists <= 12, "{lists}");
}

#[test]
fn a_profile_that_may_go_brings_nobody_who_may_not_join() {
    let mut world = members_shared(PeerKind::Causeway);
    world.load_policy(&[Gate::Member, Gate::Profile], |question| match question {
        Question::Profile(_) => Verdict::Deny(Denial::for_reason("not yet")),
        _ => Verdict::Allow,
    });
    let zoe = joins(&mut world, "zoe");
    world.ping(ACME);
    world.settle();
    assert_eq!(world.exceptions(), vec![ExceptionState::Denied; 2]);
    closed(&mut world, &[Gate::Member]);
    world.ping(ACME);
    world.settle();
    assert!(!knows(&world, zoe));
    assert_eq!(world.exceptions(), [ExceptionState::Denied]);
    world.unload_policy();
    world.settle();
    assert!(knows(&world, zoe) && world.members_there().contains(&zoe));
    assert!(world.exceptions().is_empty());
}
