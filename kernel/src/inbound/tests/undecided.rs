//! People about whom the policies could not decide yet: what a peer sent of them and by them waits here.

use std::cell::Cell;
use std::rc::Rc;

use super::files::session;
use super::*;
use crate::boundary::policy::{Denial, Gate, Question, Verdict};
use crate::model::{Acknowledgement, Held, HeldKind};

/// What the policy says of whoever is called `odd`.
#[derive(Clone, Copy)]
enum Mood {
    Fails,
    Allows,
    Denies,
}

type Switch = Rc<Cell<Mood>>;

/// With policies that fail on the profiles of people with the nickname `odd`, on the joining of whose name begins with
/// `odd`, or both.
fn world(kind: PeerKind, gates: &[Gate]) -> (World, Switch) {
    let mut world = World::with_peers_of_today();
    world.alter::<Connection>(&ACME, |row| row.kind = kind);
    let settings = acts::configure_sharing(|settings| {
        settings.members = true;
        settings.all_users = true;
    });
    world.output(Actor::System, None, settings);
    let switch = Rc::new(Cell::new(Mood::Fails));
    let mood = switch.clone();
    world.load_policy(gates, move |question| {
        let is_odd = match question {
            Question::Profile(profile) => profile.nickname == "odd",
            Question::Member(context) => context.author_name.starts_with("odd"),
            _ => false,
        };
        match mood.get() {
            Mood::Fails if is_odd => Verdict::Failed("trapped".into()),
            Mood::Denies if is_odd => Verdict::Deny(Denial::for_reason("no")),
            _ => Verdict::Allow,
        }
    });
    (world, switch)
}

fn odd(letters: &str) -> Value {
    with(user(letters, letters), json!({"nickname": "odd"}))
}

fn reply(letters: &str, author: &str, root: &str) -> Value {
    with(
        post(letters, author, "answer"),
        json!({"root_id": id(root)}),
    )
}

/// A message with everything that somebody new writes and does.
fn by_bea() -> Value {
    json!({
        "users": {"b": odd("bea"), "c": user("cia", "cia")},
        "posts": [post("one", "bea", "first"), reply("two", "bea", "one"), reply("three", "cia", "one"),
            post("four", "cia", "other")],
        "reactions": [reaction("pboss", "bea", "tada"), reaction("one", "bea", "tada"),
            reaction("one", "cia", "tada")],
        "acknowledgements": [acknowledgement("pboss", "bea", 7, 0)],
        "membership_changes": [membership("bea", true, 5)],
    })
}

fn held(world: &World) -> Vec<HeldKind> {
    let rows = world.host.prefix::<Held, _>(&ACME, 2_000).into_iter();
    rows.map(|(_, row)| row.kind).collect()
}

fn is_member(world: &World, letters: &str) -> bool {
    let channel = world.channel_no("joint").unwrap();
    world
        .user_no(letters)
        .is_some_and(|user| world.host.has::<ChannelMember>(&(channel, user)))
}

/// The longest pause between two questions has passed.
fn later(world: &mut World) {
    world.now_ms += 60_000;
    world.run_due();
}

fn expect_all_of_bea(world: &World) {
    assert_eq!(held(world), []);
    assert_eq!(world.user("bea").unwrap().nickname, "odd");
    assert!(is_member(world, "bea"));
    for (letters, root) in [("two", "one"), ("three", "one")] {
        assert_eq!(world.post(letters).unwrap().root, world.post_no(root));
    }
    assert_eq!(world.reactions("pboss"), [("tada".to_string(), true)]);
    assert_eq!(world.reactions("one").len(), 2);
    let key = (
        world.post_no("pboss").unwrap(),
        world.user_no("bea").unwrap(),
    );
    assert!(world.host.has::<Acknowledgement>(&key));
}

#[test]
fn what_somebody_wrote_and_did_waits_with_the_profile() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let (mut world, mood) = world(kind, &[Gate::Profile]);
        let answer = world.sync(ACME, by_bea());
        // The peer sends the profile again, and nothing else.
        assert_eq!(answer["users_syncd"], json!([id("cia")]));
        let told = match kind {
            PeerKind::Causeway => json!([id("bea")]),
            _ => Value::Null,
        };
        assert_eq!(answer["users_undecided"], told);
        for list in ["post_errors", "reaction_errors", "acknowledgement_errors"] {
            assert_eq!(answer[list], json!([]), "{list}");
        }
        assert_eq!(answer["membership_errors"], Value::Null);
        assert_eq!(world.refused(), [("held".to_string(), 9)]);
        assert!(world.user("bea").is_none() && world.post("four").is_some());
        let waiting = held(&world);
        assert_eq!(waiting[0], HeldKind::Profile);
        // It fails for longer than any peer tries, and whatever comes again waits once.
        for _ in 0..20 {
            later(&mut world);
        }
        world.sync(ACME, by_bea());
        assert_eq!(held(&world).len(), waiting.len());
        mood.set(Mood::Allows);
        later(&mut world);
        expect_all_of_bea(&world);
        // The profile comes again with her next message, and is known.
        let answer = world.sync(ACME, json!({"users": {"b": odd("bea")}}));
        assert_eq!(answer["users_syncd"], json!([id("bea")]));
    }
}

#[test]
fn a_profile_that_comes_again_and_passes_brings_what_waited_at_once() {
    let (mut world, mood) = world(PeerKind::Mattermost11, &[Gate::Profile]);
    world.sync(ACME, by_bea());
    for _ in 0..20 {
        later(&mut world);
    }
    mood.set(Mood::Allows);
    world.sync(ACME, json!({"users": {"b": odd("bea")}}));
    world.run_due();
    expect_all_of_bea(&world);
}

#[test]
fn changed_policies_are_asked_at_once() {
    let (mut world, _) = world(PeerKind::Mattermost11, &[Gate::Profile]);
    world.sync(ACME, by_bea());
    world.unload_policy();
    expect_all_of_bea(&world);
}

#[test]
fn what_waits_for_a_profile_that_is_denied_in_the_end_is_dropped_and_the_profile_may_come_again() {
    let (mut world, mood) = world(PeerKind::Causeway, &[Gate::Profile]);
    world.sync(ACME, by_bea());
    mood.set(Mood::Denies);
    world.now_ms += 60_000;
    world.run(Input::Timer);
    let expected = [
        ("denied", 1),
        ("unknown_post", 1),
        ("unknown_root", 1),
        ("unknown_user", 6),
    ];
    let mut refused = world.refused();
    refused.sort();
    assert_eq!(
        refused,
        expected.map(|(reason, items)| (reason.to_string(), items))
    );
    assert_eq!(held(&world), []);
    assert!(world.user("bea").is_none() && world.post("one").is_none());
    // As when it had been denied at once.
    let answer = world.sync(ACME, by_bea());
    assert_eq!(answer["users_syncd"], json!([id("cia")]));
    let named = json!([id("one"), id("two"), id("three")]);
    assert_eq!(answer["post_errors"], named);
    world.unload_policy();
    world.sync(ACME, by_bea());
    expect_all_of_bea(&world);
}

#[test]
fn a_newer_version_takes_the_place_of_the_one_that_waits() {
    let (mut world, mood) = world(PeerKind::Mattermost11, &[Gate::Profile]);
    let version = |profile: Value, position: &str, ms: i64| {
        with(
            profile,
            json!({"position": position, "update_at": START + ms}),
        )
    };
    for (position, ms) in [("P1", 1), ("P3", 3), ("P2", 2)] {
        world.sync(
            ACME,
            json!({"users": {"b": version(odd("bea"), position, ms)}}),
        );
        assert_eq!(held(&world), [HeldKind::Profile]);
    }
    // A change on which the policies fail waits too, and what she writes meanwhile does not.
    world.sync(ACME, json!({"users": {"a": version(odd("ann"), "P4", 4)}}));
    let answer = world.sync(ACME, json!({"posts": [post("new", "ann", "hello")]}));
    assert_eq!(answer["post_errors"], json!([]));
    assert!(world.post("new").is_some() && world.user("ann").unwrap().position.is_empty());
    mood.set(Mood::Allows);
    later(&mut world);
    assert_eq!(world.user("bea").unwrap().position, "P3");
    assert_eq!(world.user("ann").unwrap().position, "P4");
    // One that passes is not undone by an older one that waits.
    mood.set(Mood::Fails);
    world.sync(ACME, json!({"users": {"d": version(odd("dan"), "P1", 1)}}));
    world.sync(
        ACME,
        json!({"users": {"d": version(user("dan", "dan"), "P2", 2)}}),
    );
    mood.set(Mood::Allows);
    later(&mut world);
    assert_eq!(held(&world), []);
    let dan = world.user("dan").unwrap();
    assert_eq!((dan.position.as_str(), dan.nickname.as_str()), ("P2", ""));
}

#[test]
fn who_may_not_be_decided_about_joins_each_channel_later() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let (mut world, mood) = world(kind, &[Gate::Member]);
        let only = |world: &World| {
            let channel = world.channel_no("acmeonly").unwrap();
            let odd = world.user_no("oddny").unwrap();
            world.host.has::<ChannelMember>(&(channel, odd))
        };
        let oddny = json!({"o": user("oddny", "oddny")});
        let message = json!({"users": oddny, "posts": [post("new", "oddny", "hello")]});
        let answer = world.sync(ACME, message);
        assert_eq!(answer["users_syncd"], json!([]));
        assert_eq!(answer["post_errors"], json!([]));
        world.sync(ACME, json!({"channel_id": id("acmeonly"), "users": oddny}));
        assert!(world.post("new").is_some() && !is_member(&world, "oddny") && !only(&world));
        assert_eq!(held(&world), [HeldKind::Profile; 2]);
        mood.set(Mood::Allows);
        later(&mut world);
        assert!(is_member(&world, "oddny") && only(&world));
        assert_eq!(held(&world), []);
    }
}

#[test]
fn a_membership_waits_unless_a_later_one_passes() {
    for kind in [PeerKind::Causeway, PeerKind::Mattermost11] {
        let (mut world, mood) = world(kind, &[Gate::Member]);
        let changes = |change: Value| json!({"membership_changes": [change]});
        mood.set(Mood::Allows);
        for name in ["odda", "oddb"] {
            world.sync(ACME, json!({"users": {"o": user(name, name)}}));
            world.sync(ACME, changes(membership(name, false, 1)));
            assert!(!is_member(&world, name));
        }
        mood.set(Mood::Fails);
        for name in ["odda", "oddb"] {
            let answer = world.sync(ACME, changes(membership(name, true, 2)));
            assert_eq!(answer["membership_errors"], Value::Null);
        }
        assert_eq!(held(&world), [HeldKind::Membership; 2]);
        world.sync(ACME, changes(membership("oddb", false, 3)));
        mood.set(Mood::Allows);
        later(&mut world);
        assert!(is_member(&world, "odda") && !is_member(&world, "oddb"));
        assert_eq!(held(&world), []);
    }
}

#[test]
fn what_lacks_more_than_its_author_does_not_wait() {
    let (mut world, _) = world(PeerKind::Causeway, &[Gate::Profile]);
    let message = json!({
        "users": {"b": odd("bea")},
        "posts": [reply("lost", "bea", "none"), post("zoe", "zoe", "by nobody")],
        "reactions": [reaction("none", "bea", "tada"), reaction("pboss", "zoe", "tada")],
    });
    let answer = world.sync(ACME, message);
    assert_eq!(answer["post_errors"], json!([id("lost"), id("zoe")]));
    assert_eq!(answer["reaction_errors"], json!([id("none"), id("pboss")]));
    assert_eq!(held(&world), [HeldKind::Profile]);
}

#[test]
fn a_file_of_somebody_undecided_is_to_be_announced_again() {
    let (mut world, mood) = world(PeerKind::Causeway, &[Gate::Profile]);
    let by = |author: &str| with(session("up", "f"), json!({"user_id": id(author)}));
    world.sync(ACME, json!({"users": {"b": odd("bea")}}));
    for (author, status) in [("bea", 503), ("zoe", 200)] {
        let body = world.frame(ACME, "sharedchannel_upload", &by(author));
        assert_eq!(world.body(ACME, &body).0, status);
    }
    mood.set(Mood::Allows);
    later(&mut world);
    let body = world.frame(ACME, "sharedchannel_upload", &by("bea"));
    let (status, answer) = world.body(ACME, &body);
    assert_eq!((status, &answer["status"]), (200, &json!("OK")));
}

#[test]
fn people_who_are_offered_do_not_wait() {
    let (mut world, _) = world(PeerKind::Causeway, &[Gate::Profile]);
    let payload = with(
        users(&[odd("bea")]),
        json!({"id": id("s"), "channel_id": ""}),
    );
    let answer = world.message(ACME, "sharedchannel_global_user_sync", payload);
    assert_eq!(answer["payload"]["user_errors"], json!([id("bea")]));
    assert_eq!(held(&world), []);
}

#[test]
fn before_the_behaviour_nothing_but_posts_and_what_belongs_to_them_waits() {
    let (mut world, _) = world(PeerKind::Causeway, &[Gate::Profile, Gate::Member]);
    world.step(|tx| tx.delete::<InForce>(&Behaviour::Undecided.number()));
    let answer = world.sync(ACME, by_bea());
    let named = json!([id("one"), id("two"), id("three")]);
    assert_eq!(answer["post_errors"], named);
    assert_eq!(answer["membership_errors"], json!([id("bea")]));
    assert_eq!(held(&world), []);
}
