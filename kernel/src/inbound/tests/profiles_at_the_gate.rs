//! Profiles that policies revise, deny and fail on, on their way in.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::policy::{Denial, Direction, Gate, Home, ProfileRevision, Question, Verdict};
use crate::model::User;
use crate::model::limits::{NAME_CHARS_MAX, PROFILES_PER_STEP_MAX};
use crate::model::reasons::INVITATION_DENIED;
use crate::wire::response::UNDECIDED;

/// What was asked: the person's id, name here, and nickname.
type Asked = Rc<RefCell<Vec<(String, String, String)>>>;

/// With verdicts on profiles, by the nickname: `bad` is denied, `odd` makes the policies fail, `rude` is revised.
fn world() -> (World, Asked) {
    let mut world = World::with_peers_of_today();
    let settings = acts::configure_sharing(|settings| {
        settings.all_users = true;
        settings.direct = true;
    });
    world.output(Actor::System, None, settings);
    let asked = Asked::default();
    let notes = asked.clone();
    world.load_policy(&[Gate::Post, Gate::Profile], move |question| {
        let Question::Profile(profile) = question else {
            return Verdict::Allow;
        };
        if profile.passage.direction == Direction::Outbound {
            return Verdict::Allow;
        }
        let Home::Connected { name, .. } = profile.person.home else {
            panic!("{:?}", profile.person.home)
        };
        assert_eq!(name, profile.passage.connection_name);
        let said = [profile.person.id, profile.person.name, profile.nickname];
        let [id, name, nickname] = said.map(String::from);
        notes.borrow_mut().push((id, name, nickname));
        match profile.nickname {
            "bad" => Verdict::Deny(Denial::for_reason("a bad word")),
            "odd" => Verdict::Failed("trapped".into()),
            "rude" => Verdict::ReviseProfile(ProfileRevision {
                nickname: Some("é".repeat(NAME_CHARS_MAX + 1)),
                last_name: Some(String::new()),
                without_email: true,
                ..ProfileRevision::default()
            }),
            _ => Verdict::Allow,
        }
    });
    (world, asked)
}

fn called(letters: &str, nickname: &str) -> Value {
    let names = json!({
        "nickname": nickname, "first_name": "First", "last_name": "Last", "position": "P",
    });
    with(user(letters, letters), names)
}

fn later(profile: Value, ms: i64) -> Value {
    with(profile, json!({"update_at": START + ms}))
}

fn send(world: &mut World, profiles: &[Value]) -> Value {
    world.sync(ACME, users(profiles))
}

fn offer(world: &mut World, profiles: &[Value]) -> Value {
    let payload = with(users(profiles), json!({"id": id("s"), "channel_id": ""}));
    let answer = world.message(ACME, "sharedchannel_global_user_sync", payload);
    answer["payload"].clone()
}

fn nicknames(asked: &Asked) -> Vec<String> {
    asked.borrow_mut().drain(..).map(|it| it.2).collect()
}

#[test]
fn revised_fields_are_stored_and_the_version_counts_as_known() {
    let (mut world, asked) = world();
    let bea = called("bea", "rude");
    let answer = send(&mut world, std::slice::from_ref(&bea));
    assert_eq!(answer["users_syncd"], json!([id("bea")]));
    let row = world.user("bea").unwrap();
    assert_eq!(row.nickname, "é".repeat(NAME_CHARS_MAX));
    let names = (row.first_name.as_str(), row.last_name.as_str());
    assert_eq!(names, ("First", ""));
    assert_eq!(row.position, "P");
    assert_eq!(row.remote.unwrap().email, "");
    assert_eq!(
        *asked.borrow(),
        [(id("bea"), "bea".to_string(), "rude".to_string())]
    );
    // The same version again is known, and a later one is asked about.
    asked.borrow_mut().clear();
    let before = world.host.tables.clone();
    let answer = send(&mut world, std::slice::from_ref(&bea));
    assert_eq!(answer["users_syncd"], json!([id("bea")]));
    assert_eq!(world.host.tables, before);
    assert!(asked.borrow().is_empty());
    send(&mut world, &[later(called("bea", "kind"), 5)]);
    let name = "bea:acme".to_string();
    assert_eq!(*asked.borrow(), [(id("bea"), name, "kind".to_string())]);
    assert_eq!(world.user("bea").unwrap().nickname, "kind");
    send(&mut world, &[later(called("bea", "rude"), 6)]);
    assert_eq!(world.user("bea").unwrap().last_name, "");
}

#[test]
fn a_denied_profile_is_refused_with_what_needs_it_and_comes_after_the_policies_changed() {
    let (mut world, _) = world();
    let by_bea = json!({
        "users": {"b": called("bea", "bad"), "c": called("cia", "kind")},
        "posts": [post("one", "bea", "hello"), post("two", "cia", "hello")],
    });
    let answer = world.sync(ACME, by_bea.clone());
    assert_eq!(answer["users_syncd"], json!([id("cia")]));
    assert_eq!(answer["post_errors"], json!([id("one")]));
    let refused = world.refused();
    assert!(refused.contains(&("denied".to_string(), 1)), "{refused:?}");
    assert!(world.user("bea").is_none() && world.post("two").is_some());
    world.host.policy = None;
    world.run(Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
        gates: Some([Gate::Post].into_iter().collect()),
    });
    // The peer names it as still to be taken.
    let answer = world.sync(ACME, by_bea);
    assert_eq!(answer["users_syncd"], json!([id("bea"), id("cia")]));
    assert!(world.post("one").is_some());
}

#[test]
fn a_denied_change_leaves_the_profile_as_it_is() {
    let (mut world, _) = world();
    let before = world.user("ann").unwrap();
    let answer = send(&mut world, &[later(called("ann", "bad"), 5)]);
    assert_eq!(answer["users_syncd"], json!([]));
    assert_eq!(world.user("ann").unwrap(), before);
    let answer = world.sync(ACME, json!({"posts": [post("one", "ann", "goes on")]}));
    assert_eq!(answer["post_errors"], json!([]));
}

#[test]
fn a_profile_that_the_policies_failed_on_is_not_confirmed() {
    let (mut world, _) = world();
    let profiles = [called("bea", "odd"), called("cia", "kind")];
    let answer = send(&mut world, &profiles);
    assert_eq!(answer["users_syncd"], json!([id("cia")]));
    assert_eq!(world.refused(), [("held".to_string(), 1)]);
    let answer = offer(&mut world, &profiles);
    assert_eq!(answer["users_syncd"], json!([id("cia")]));
    assert_eq!(answer["user_errors"], json!([id("bea")]));
    assert!(world.user("bea").is_none());
    world.host.policy = None;
    let answer = offer(&mut world, &profiles);
    assert_eq!(answer["users_syncd"], json!([id("bea"), id("cia")]));
}

#[test]
fn offered_people_pass_the_same_gate() {
    let (mut world, asked) = world();
    let profiles = [
        called("bea", "bad"),
        called("cia", "rude"),
        called("dan", "kind"),
    ];
    let before = world.host.lists_asked.get();
    let answer = offer(&mut world, &profiles);
    assert_eq!(world.host.lists_asked.get() - before, 1);
    assert_eq!(nicknames(&asked), ["bad", "rude", "kind"]);
    assert_eq!(answer["users_syncd"], json!([id("cia"), id("dan")]));
    assert_eq!(answer["user_errors"], json!([id("bea")]));
    assert_eq!(world.user("cia").unwrap().last_name, "");
}

#[test]
fn many_profiles_are_asked_about_at_once_a_list_for_each_step() {
    let (mut world, asked) = world();
    let many = PROFILES_PER_STEP_MAX as usize + 20;
    let profiles: Vec<Value> = (0..many)
        .map(|n| called(&format!("u{n}u"), if n % 3 == 0 { "bad" } else { "kind" }))
        .collect();
    let named = profiles.iter().enumerate();
    let map: serde_json::Map<String, Value> = named
        .map(|(n, profile)| (format!("{n:03}"), profile.clone()))
        .collect();
    let before = world.host.lists_asked.get();
    let answer = world.sync(ACME, json!({"users": map}));
    assert_eq!(world.host.lists_asked.get() - before, 2);
    assert_eq!(asked.borrow().len(), many);
    assert_eq!(answer["users_syncd"].as_array().unwrap().len(), 80);
}

#[test]
fn versions_of_one_message_are_each_judged_by_what_they_say() {
    let (mut world, asked) = world();
    let profiles = [
        called("bea", "kind"),
        called("bea", "kind"),
        later(called("bea", "bad"), 5),
        later(called("bea", "kinder"), 3),
        // It is no later than what is stored when its turn comes.
        later(called("bea", "rude"), 3),
    ];
    send(&mut world, &profiles);
    assert_eq!(world.user("bea").unwrap().nickname, "kinder");
    assert_eq!(nicknames(&asked), ["kind", "bad", "kinder", "rude"]);
    // A judgement is about what was said, not about the version under which it was said.
    let profiles = [
        called("dan", "odd"),
        called("dan", "kind"),
        called("eli", "odd"),
        called("eli", "bad"),
    ];
    let answer = send(&mut world, &profiles);
    assert_eq!(answer["users_syncd"], json!([id("dan")]));
    assert_eq!(world.user("dan").unwrap().nickname, "kind");
    assert_eq!(
        world.refused(),
        [("denied".to_string(), 1), ("held".to_string(), 2)]
    );
}

#[test]
fn the_name_that_a_peer_says_anew_is_the_one_that_is_judged() {
    let (mut world, asked) = world();
    let named =
        |name: &str, ms: i64| with(later(called("bea", "kind"), ms), json!({"username": name}));
    let names = |asked: &Asked| -> Vec<String> {
        let asked = asked.borrow_mut().drain(..).collect::<Vec<_>>();
        asked.into_iter().map(|it| it.1).collect()
    };
    // Only the name differs, and each of them is judged.
    send(&mut world, &[named("bea", 1), named("rude", 2)]);
    assert_eq!(names(&asked), ["bea", "rude"]);
    assert_eq!(world.user("bea").unwrap().username, "rude:acme");
    send(&mut world, &[named("worse", 3)]);
    send(&mut world, &[named("worse", 4)]);
    assert_eq!(names(&asked), ["worse", "worse:acme"]);
}

#[test]
fn nobody_is_asked_where_no_policy_decides() {
    let (mut world, asked) = world();
    world.run(Input::PolicyChanged {
        chain: String::new(),
        what: String::new(),
        gates: Some([Gate::Post].into_iter().collect()),
    });
    send(&mut world, &[called("bea", "bad")]);
    assert!(world.user("bea").is_some() && asked.borrow().is_empty());
    let mut earlier = World::with_peers();
    earlier.host.policy = Some(Box::new(|_| Verdict::Deny(Denial::default())));
    send(&mut earlier, &[called("bea", "bad")]);
    assert!(earlier.user("bea").is_some());
}

/// An invitation to a group channel of ann, the administrator and somebody whom only the peer knows.
fn group(letters: &str, stranger: Value) -> Value {
    let ids = ["ann", "boss", "zoe"].map(id);
    with(
        invite(letters, "ignored"),
        json!({
            "type": "G", "direct_participant_ids": ids,
            "direct_participants": [user("ann", "ann"), stranger],
        }),
    )
}

#[test]
fn the_people_of_an_invitation_pass_the_same_gate() {
    let (mut world, asked) = world();
    let before = world.host.tables.clone();
    for (nickname, error, reason) in [
        ("bad", INVITATION_DENIED, "denied"),
        ("odd", UNDECIDED, "held"),
    ] {
        let answer = world.invited(ACME, group("g", called("zoe", nickname)));
        assert!(answer["err"].as_str().unwrap().contains(error), "{answer}");
        assert_eq!(world.refused(), [(reason.to_string(), 1)]);
        assert_eq!(world.host.tables, before);
        assert_eq!(nicknames(&asked), [nickname]);
    }
    let answer = world.invited(ACME, group("g", called("zoe", "rude")));
    assert_eq!(answer, accepted());
    let zoe: User = world.user("zoe").unwrap();
    assert_eq!(zoe.last_name, "");
    assert_eq!(zoe.remote.unwrap().email, "");
    // Who is known here is not asked about.
    assert_eq!(nicknames(&asked), ["rude"]);
}
