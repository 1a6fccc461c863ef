//! Posts of peers that show integrations' components.

use std::cell::RefCell;
use std::rc::Rc;

use super::*;
use crate::boundary::policy::{
    ComponentQuestion, Denial, Direction, Gate, Home, Question, Verdict,
};
use crate::model::HiddenComponents;
use crate::model::limits::COMPONENT_QUESTIONS_MAX;
use crate::objects::components::ACTIONS_MAX;

/// What was asked: direction, connection, whether the author's home is that connection.
type Asked = Rc<RefCell<Vec<(Direction, String, bool)>>>;

fn world(verdict: &Verdict) -> (World, Asked) {
    let mut world = World::with_peers_of_today();
    let settings = acts::configure_sharing(|settings| settings.plugins = true);
    world.output(Actor::System, None, settings);
    let (asked, verdict) = (Asked::default(), verdict.clone());
    let notes = asked.clone();
    world.load_policy(&[Gate::Component], move |question| {
        let Question::Component(ComponentQuestion {
            context, is_used, ..
        }) = question
        else {
            panic!("another question: {question:?}");
        };
        assert!(!is_used);
        let name = context.connection_name;
        let home = context.author_home;
        let is_home = matches!(home, Home::Connected { name: home, .. } if home == name);
        notes
            .borrow_mut()
            .push((context.direction, name.into(), is_home));
        verdict.clone()
    });
    (world, asked)
}

fn denied() -> Verdict {
    Verdict::Deny(Denial::for_reason("not here"))
}

fn buttons(letters: &str, count: usize) -> Value {
    let actions = vec![json!({"id": "run", "name": "Run"}); count];
    let props = json!({"attachments": [{"actions": actions}]});
    with(post(letters, "ann", "a build"), json!({ "props": props }))
}

fn hidden(world: &World, letters: &str) -> Option<HiddenComponents> {
    world.host.get(&world.post_no(letters)?)
}

#[test]
fn a_peers_post_arrives_whole_and_its_components_are_asked_about() {
    let (mut world, asked) = world(&Verdict::Allow);
    world.sync(ACME, json!({"posts": [buttons("new", 1)]}));
    let expected = [
        (Direction::Inbound, "acme".to_string(), true),
        (Direction::Outbound, "other".to_string(), false),
    ];
    assert_eq!(*asked.borrow(), expected);
    assert_eq!(hidden(&world, "new"), None);

    let (mut world, _) = self::world(&denied());
    let custom = with(post("poll", "ann", "vote"), json!({"type": "custom_poll"}));
    world.sync(ACME, json!({"posts": [buttons("new", 1), custom]}));
    for letters in ["new", "poll"] {
        assert_eq!(hidden(&world, letters).unwrap().reason, "not here");
    }
    let stored = world.post("new").unwrap();
    assert!(stored.props.contains("Run"), "{}", stored.props);
    assert_eq!(world.post("poll").unwrap().kind, "custom_poll");
}

#[test]
fn a_newer_version_of_a_peers_post_is_asked_about_if_its_properties_differ() {
    let (mut world, asked) = world(&denied());
    world.sync(ACME, json!({"posts": [buttons("new", 1)]}));
    let version = |of: Value, at: i64| with(of, json!({"update_at": START + at}));
    let same = with(buttons("new", 1), json!({"message": "another text"}));
    asked.borrow_mut().clear();
    world.sync(ACME, json!({"posts": [version(same, 5)]}));
    assert!(asked.borrow().is_empty() && hidden(&world, "new").is_some());
    world.sync(
        ACME,
        json!({"posts": [version(post("new", "ann", "done"), 9)]}),
    );
    assert_eq!(hidden(&world, "new"), None);
}

#[test]
fn a_post_with_more_components_than_can_be_asked_about_shows_none() {
    let (mut world, asked) = world(&Verdict::Allow);
    const { assert!(2 * ACTIONS_MAX <= COMPONENT_QUESTIONS_MAX) };
    let posts = json!([
        buttons("many", ACTIONS_MAX),
        buttons("more", ACTIONS_MAX + 1)
    ]);
    world.sync(ACME, json!({ "posts": posts }));
    assert_eq!(asked.borrow().len(), 2 * ACTIONS_MAX);
    assert_eq!(hidden(&world, "many"), None);
    assert!(
        hidden(&world, "more")
            .unwrap()
            .reason
            .contains("more buttons")
    );
}
