//! What the policies are asked about besides posts, and what follows from it.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::policy::{Denial, Direction, Gate, Home, Question, Verdict};
use crate::model::{Acknowledgement, ChannelMember, Held, MetaRow, TeamMember};
use crate::rows::counters;

/// Everything that was asked, in short.
type Asked = Rc<RefCell<Vec<String>>>;

fn short(question: &Question<'_>) -> String {
    match question {
        Question::Reaction(it) => {
            let by = it.context.author_name;
            format!("{by} {} {}", it.post_id, it.emoji.unwrap_or("acknowledges"))
        }
        Question::Member(context) => format!("{} joins", context.author_name),
        Question::Post(post) => post.message.to_string(),
        other => format!("{other:?}"),
    }
}

/// Loads a policy that gives this verdict, and returns what it is asked.
fn load(world: &mut World, gates: &[Gate], verdict: &Verdict) -> Asked {
    let asked = Asked::default();
    let (notes, verdict) = (asked.clone(), verdict.clone());
    world.load_policy(gates, move |question| {
        notes.borrow_mut().push(short(question));
        verdict.clone()
    });
    asked
}

fn denied() -> Verdict {
    Verdict::Deny(Denial::for_reason("not this"))
}

fn marks() -> Value {
    json!({
        "reactions": [reaction("pboss", "ann", "tada"), reaction("pboss", "ann", "eyes")],
        "acknowledgements": [acknowledgement("pboss", "ann", 7, 0)],
    })
}

fn acknowledged(world: &World) -> bool {
    let key = (
        world.post_no("pboss").unwrap(),
        world.user_no("ann").unwrap(),
    );
    world.host.has::<Acknowledgement>(&key)
}

fn members_shared() -> World {
    let mut world = World::with_peers_of_today();
    let settings = acts::configure_sharing(|settings| settings.members = true);
    world.output(Actor::System, None, settings);
    world
}

#[test]
fn gates_at_which_no_policy_decides_are_not_asked() {
    let mut world = World::with_peers_of_today();
    let asked = load(&mut world, &[Gate::Post], &denied());
    world.sync(ACME, marks());
    assert!(asked.borrow().is_empty());
    assert_eq!(world.reactions("pboss").len(), 2);
    assert!(acknowledged(&world));
    world.sync(ACME, json!({"posts": [post("new", "ann", "hello")]}));
    assert_eq!(*asked.borrow(), ["hello"]);
    let asked = load(&mut world, &[Gate::Reaction], &denied());
    world.sync(
        ACME,
        json!({"posts": [post("newer", "ann", "hello again")]}),
    );
    assert!(asked.borrow().is_empty());
    assert!(world.post("newer").is_some());
}

#[test]
fn as_long_as_the_gates_are_not_known_all_are_asked() {
    let mut world = World::with_peers_of_today();
    let asked = load(&mut world, &[], &denied());
    world.step(|tx| tx.delete::<MetaRow>(&MetaRow::GATES));
    assert!(counters::gates(&world.host).contains(Gate::Direct));
    world.sync(ACME, marks());
    assert_eq!(asked.borrow().len(), 3);
}

#[test]
fn what_was_recorded_before_gates_asks_about_posts_alone() {
    let mut world = World::with_peers();
    let asked = load(&mut world, &[Gate::Reaction], &denied());
    world.sync(ACME, marks());
    assert!(asked.borrow().is_empty());
    world.sync(ACME, json!({"posts": [post("new", "ann", "hello")]}));
    assert_eq!(asked.borrow().len(), 1);
}

#[test]
fn denied_reactions_and_acknowledgements_are_not_there_and_removals_pass() {
    let mut world = World::with_peers_of_today();
    world.sync(
        ACME,
        json!({"reactions": [reaction("pboss", "ann", "heart")]}),
    );
    let asked = load(&mut world, &[Gate::Reaction], &denied());
    world.sync(ACME, marks());
    let by_ann = |what: &str| format!("ann:acme {} {what}", id("pboss"));
    assert_eq!(
        *asked.borrow(),
        [by_ann("tada"), by_ann("eyes"), by_ann("acknowledges")]
    );
    assert_eq!(world.refused(), [("denied".to_string(), 3)]);
    assert_eq!(world.reactions("pboss").len(), 1);
    assert!(!acknowledged(&world));
    let removed = with(
        reaction("pboss", "ann", "heart"),
        json!({"update_at": START + 9, "delete_at": START + 9}),
    );
    world.sync(ACME, json!({"reactions": [removed]}));
    assert_eq!(world.reactions("pboss"), [("heart".to_string(), false)]);
    assert_eq!(asked.borrow().len(), 3);
}

#[test]
fn two_states_of_a_reaction_in_one_message_end_with_the_later_one() {
    let mut world = World::with_peers_of_today();
    load(&mut world, &[Gate::Reaction], &Verdict::Allow);
    let removed = with(
        reaction("pboss", "ann", "tada"),
        json!({"update_at": START + 9, "delete_at": START + 9}),
    );
    let added = reaction("pboss", "ann", "tada");
    world.sync(ACME, json!({"reactions": [removed, added]}));
    assert_eq!(world.reactions("pboss"), [("tada".to_string(), false)]);
}

#[test]
fn reactions_on_which_a_policy_fails_wait_and_come_when_it_is_gone() {
    let mut world = World::with_peers_of_today();
    load(
        &mut world,
        &[Gate::Reaction],
        &Verdict::Failed("trapped".into()),
    );
    let response = world.sync(ACME, marks());
    assert_eq!(response["reaction_errors"], json!([]));
    assert_eq!(world.host.prefix::<Held, _>(&ACME, 10).len(), 3);
    assert!(world.reactions("pboss").is_empty() && !acknowledged(&world));
    world.unload_policy();
    assert_eq!(world.reactions("pboss").len(), 2);
    assert!(acknowledged(&world));
    assert!(world.host.prefix::<Held, _>(&ACME, 10).is_empty());
}

#[test]
fn a_question_says_who_reacts_where_and_from_where() {
    let mut world = World::with_peers_of_today();
    let seen = Rc::new(RefCell::new(0));
    let count = seen.clone();
    world.load_policy(&[Gate::Reaction], move |question| {
        let Question::Reaction(it) = question else {
            panic!("{question:?}");
        };
        let context = &it.context;
        assert_eq!(context.direction, Direction::Inbound);
        assert_eq!(
            (context.channel_id, context.connection_name),
            (&*id("joint"), "acme")
        );
        assert_eq!(
            (context.author_id, context.author_name),
            (&*id("ann"), "ann:acme")
        );
        assert!(matches!(
            context.author_home,
            Home::Connected { name: "acme", .. }
        ));
        *count.borrow_mut() += 1;
        Verdict::Allow
    });
    world.sync(ACME, marks());
    assert_eq!(*seen.borrow(), 3);
}

#[test]
fn nobody_joins_whom_a_policy_keeps_out_and_everybody_may_leave() {
    let mut world = members_shared();
    world.alter::<Connection>(&ACME, |acme| acme.kind = PeerKind::Causeway);
    let is_member = |world: &World| {
        let key = (
            world.channel_no("joint").unwrap(),
            world.user_no("ann").unwrap(),
        );
        world.host.has::<ChannelMember>(&key)
    };
    let asked = load(&mut world, &[Gate::Member], &denied());
    world.sync(
        ACME,
        json!({"membership_changes": [membership("ann", false, 1)]}),
    );
    assert!(!is_member(&world) && asked.borrow().is_empty());
    let join = json!({"membership_changes": [membership("ann", true, 2)]});
    let response = world.sync(ACME, join.clone());
    assert_eq!(*asked.borrow(), ["ann:acme joins"]);
    assert!(!is_member(&world));
    assert_eq!(response["membership_errors"], Value::Null);

    // What no policy could decide about waits here.
    load(
        &mut world,
        &[Gate::Member],
        &Verdict::Failed("trapped".into()),
    );
    let response = world.sync(ACME, join);
    assert_eq!(response["membership_errors"], Value::Null);
    assert_eq!(world.refused(), [("held".to_string(), 1)]);
    assert!(!is_member(&world));
    world.unload_policy();
    assert!(is_member(&world));
}

fn is_member(world: &World, letters: &str) -> bool {
    let key = (
        world.channel_no("joint").unwrap(),
        world.user_no(letters).unwrap(),
    );
    world.host.has::<ChannelMember>(&key)
}

#[test]
fn a_profile_makes_nobody_a_member_whom_a_policy_keeps_out() {
    let mut world = World::with_peers_of_today();
    let asked = load(&mut world, &[Gate::Member], &denied());
    // Ann is a member, and dan is not active.
    let inactive = with(user("dan", "dan"), json!({"delete_at": START}));
    let message = json!({
        "users": {"a": user("ann", "ann"), "b": user("bea", "bea"), "d": inactive},
        "posts": [post("new", "bea", "hello")],
    });
    let response = world.sync(ACME, message.clone());
    assert_eq!(*asked.borrow(), ["bea joins"]);
    assert_eq!(
        response["users_syncd"],
        json!([id("ann"), id("bea"), id("dan")])
    );
    assert!(world.post("new").is_some() && !is_member(&world, "bea"));
    let bea = world.user_no("bea").unwrap();
    let teams = world.host.prefix::<TeamMember, ()>(&(), 99).into_iter();
    assert!(teams.into_iter().all(|((_, user), _)| user != bea));
    // She may not join with an older or a newer profile either.
    world.sync(ACME, message.clone());
    let newer = with(user("bea", "bee"), json!({"update_at": START + 9}));
    world.sync(ACME, json!({"users": {"b": newer}}));
    assert_eq!(asked.borrow_mut().split_off(1), ["bea:acme joins"; 2]);
    assert!(world.user("bea").unwrap().username == "bee:acme" && !is_member(&world, "bea"));
    world.unload_policy();
    world.sync(ACME, message);
    assert!(is_member(&world, "bea"));
}

#[test]
fn a_profile_whose_user_no_policy_could_decide_about_has_to_come_again() {
    let mut world = World::with_peers_of_today();
    load(
        &mut world,
        &[Gate::Member],
        &Verdict::Failed("trapped".into()),
    );
    let message = json!({
        "users": {"b": user("bea", "bea")}, "posts": [post("new", "bea", "hello")],
    });
    let response = world.sync(ACME, message.clone());
    assert_eq!(response["users_syncd"], json!([]));
    assert_eq!(world.refused(), [("held".to_string(), 1)]);
    assert!(world.post("new").is_some() && !is_member(&world, "bea"));
    world.unload_policy();
    let response = world.sync(ACME, message);
    assert_eq!(response["users_syncd"], json!([id("bea")]));
    assert!(is_member(&world, "bea"));
}

#[test]
fn whose_profiles_come_together_are_asked_about_at_once() {
    let mut world = members_shared();
    world.sync(
        ACME,
        json!({"membership_changes": [membership("ann", false, 1)]}),
    );
    let asked = load(&mut world, &[Gate::Member, Gate::Profile], &Verdict::Allow);
    let named = (0..30).map(|n| (format!("{n:02}"), format!("u{n}u")));
    let mut map: serde_json::Map<String, Value> =
        named.map(|(key, name)| (key, user(&name, &name))).collect();
    // What her home has stated of ann is in force, whatever her profile would do.
    map.insert("ann".into(), user("ann", "ann"));
    let before = world.host.lists_asked.get();
    world.sync(ACME, json!({"users": map}));
    assert_eq!(world.host.lists_asked.get() - before, 2);
    let joins = asked
        .borrow()
        .iter()
        .filter(|it| it.ends_with("joins"))
        .count();
    assert_eq!(joins, 30);
    assert!(is_member(&world, "u7u") && !is_member(&world, "ann"));
}
