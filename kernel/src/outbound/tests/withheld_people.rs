//! What waits for profiles that the policies hold back: in other channels, and after the person changed the profile.

use super::profiles_at_the_gate::{deny, direct_messages, names};
use super::*;
use crate::boundary::input::Actor;
use crate::boundary::output::Object;
use crate::boundary::policy::Gate;
use crate::model::limits::HELD_RETRY_MS;
use crate::model::{Availability, ChannelKind, LocalStatus, Status};
use crate::objects::members;
use crate::rows::id::ChannelNo;
use crate::testing::BOB;
use crate::testing::acts::{open_direct, set_picture, uninvite};
use crate::wire::message::WireUser;

/// Another channel that is shared with the peer, in which ann writes.
fn second(world: &mut World) -> ChannelNo {
    let second = world.create_channel(ADMIN, "second", ChannelKind::Public);
    world.step(|tx| members::join_channel(tx, second, ANN, false));
    world.by(ADMIN, invite(second, ACME)).unwrap();
    world.ping(ACME);
    world.settle();
    second
}

fn nicknames(sent: &[WireUser]) -> Vec<&str> {
    sent.iter().map(|user| user.nickname.as_str()).collect()
}

#[test]
fn a_change_that_waits_goes_in_another_channel_when_its_own_is_not_shared_any_more() {
    for fails in [false, true] {
        let mut world = World::shared(PeerKind::Causeway);
        let second = second(&mut world);
        for channel in [TOWN, second] {
            world.write(ANN, channel, "hello");
        }
        world.settle();
        if fails {
            world.judge(|_| Verdict::Failed("trapped".into()));
        } else {
            world.judge(deny("ann"));
        }
        world.nick(ANN, "Annie");
        while world.deliver_next() {}
        assert_eq!(world.exceptions().len(), 1);
        world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
        while world.deliver_next() {}
        world.host.policy = None;
        if fails {
            world.now_ms += HELD_RETRY_MS;
        } else {
            world.change_policies([Gate::Post]);
        }
        world.ping(ACME);
        assert_eq!(nicknames(&world.sent_profiles()), ["Annie"], "{fails}");
        // Nothing goes twice.
        world.ping(ACME);
        assert_eq!(world.sent_profiles(), []);
    }
}

#[test]
fn the_end_of_a_channel_without_a_profile_that_waits_changes_nothing() {
    let mut world = World::shared(PeerKind::Causeway);
    let second = second(&mut world);
    world.write(ANN, second, "hello");
    world.nick(ANN, "Annie");
    world.settle();
    let before = world.get::<Connection>(&ACME).people_cursor;
    assert!(before.0 > 0);
    world.by(ADMIN, uninvite(TOWN, ACME)).unwrap();
    assert_eq!(world.get::<Connection>(&ACME).people_cursor, before);
}

/// A policy that denies profiles with the nickname `bad`.
fn deny_bad(world: &mut World) {
    world.load_policy(&[Gate::Profile], |question| match question {
        Question::Profile(profile) if profile.nickname == "bad" => {
            Verdict::Deny(Denial::for_reason("a bad word"))
        }
        _ => Verdict::Allow,
    });
}

#[test]
fn a_direct_channel_is_offered_when_its_person_corrects_the_profile() {
    let mut world = World::connected(PeerKind::Causeway);
    let zed = direct_messages(&mut world);
    deny_bad(&mut world);
    world.nick(ANN, "bad");
    world.ping(ACME);
    let Ok(Object::Channel(direct)) = world.by(ANN, open_direct(zed)) else {
        panic!("not a channel")
    };
    let told = world.ephemeral();
    assert_eq!(told.len(), 1, "{told:?}");
    let (channel, user, text) = &told[0];
    assert_eq!((*channel, *user), (direct, ANN));
    assert!(text.contains("your profile: `a bad word`"), "{text}");
    world.write(ANN, direct, "hello");
    world.settle();
    assert!(world.peer.posts.is_empty());
    world.nick(ANN, "worse than bad");
    world.settle();
    assert_eq!(world.get::<Link>(&(direct, ACME)).state, LinkState::Active);
    assert_eq!(world.peer.posts.len(), 1);
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_change_that_is_denied_again_waits_on() {
    let mut world = World::shared(PeerKind::Causeway);
    deny_bad(&mut world);
    world.nick(ANN, "bad");
    world.write(ANN, TOWN, "hello");
    world.settle();
    world.nick(ANN, "good");
    world.nick(ANN, "bad");
    world.settle();
    assert!(world.peer.posts.is_empty());
    assert_eq!(world.exceptions(), vec![ExceptionState::Denied; 2]);
    world.nick(ANN, "good");
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}

#[test]
fn what_waited_goes_although_the_peer_does_not_take_the_corrected_profile_at_first() {
    let mut world = World::shared(PeerKind::Causeway);
    deny_bad(&mut world);
    world.nick(ANN, "bad");
    world.write(ANN, TOWN, "hello");
    world.settle();
    world.peer.refuses_users = true;
    world.nick(ANN, "good");
    for _ in 0..3 {
        world.deliver_next();
        world.run_due();
    }
    assert!(!world.exceptions().contains(&ExceptionState::Denied));
    world.peer.refuses_users = false;
    world.settle();
    world.expect_same();
    assert!(world.exceptions().is_empty());
}

#[test]
fn a_change_asks_about_the_profile_alone_until_it_passes() {
    let mut world = World::shared(PeerKind::Causeway);
    deny_bad(&mut world);
    world.nick(ANN, "bad");
    for n in 0..5 {
        world.write(ANN, TOWN, &format!("post {n}"));
    }
    world.settle();
    let messages = world.peer.messages;
    let asked = std::rc::Rc::new(std::cell::Cell::new(0));
    let count = asked.clone();
    world.load_policy(&[Gate::Profile, Gate::Post], move |question| {
        count.set(count.get() + 1);
        match question {
            Question::Profile(_) => Verdict::Deny(Denial::for_reason("nobody")),
            _ => Verdict::Allow,
        }
    });
    world.settle();
    asked.set(0);
    world.nick(ANN, "good");
    world.settle();
    assert_eq!((asked.get(), world.peer.messages), (1, messages));
}

#[test]
fn what_somebody_does_goes_to_a_causeway_at_which_the_profile_waits() {
    let mut world = World::shared(PeerKind::Causeway);
    let settings = configure_sharing(|settings| settings.statuses = true);
    world.output(Actor::System, None, settings);
    world.peer.is_undecided = true;
    let post = world.write(ANN, TOWN, "hello");
    world.by(ANN, react(post, "tada")).unwrap();
    world.by(ANN, acknowledge(post)).unwrap();
    let online = |world: &mut World, availability| {
        let status = Status {
            availability,
            ..Status::UNKNOWN
        };
        world.run(Input::Statuses(vec![LocalStatus { user: ANN, status }]));
        world.settle();
    };
    online(&mut world, Availability::Online);
    world.by(ANN, set_picture(ANN, 7)).unwrap();
    world.settle();
    world.expect_same();
    assert_eq!(world.peer.reactions.len(), 1);
    assert_eq!(world.peer.acknowledgements().len(), 1);
    assert!(world.exceptions().is_empty());
    // A status and a picture are for whoever is known there.
    assert!(world.peer.statuses.is_empty() && world.peer.pictures.is_empty());
    world.peer.is_undecided = false;
    world.write(BOB, TOWN, "from somebody else");
    assert_eq!(names(&world.sent_profiles()), ["bob"]);
    world.write(ANN, TOWN, "again");
    assert_eq!(names(&world.sent_profiles()), ["ann"]);
    world.settle();
    let ann = world.name_there(ANN);
    assert_eq!(world.peer.statuses[&ann], "online");
    assert!(world.peer.pictures.contains_key(&ann));
    world.write(ANN, TOWN, "and again");
    assert_eq!(world.sent_profiles(), []);
    world.expect_same();
}
