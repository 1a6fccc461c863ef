//! Personal values: preferences and the like.

use super::*;
use crate::model::limits::{
    PERSONAL_BYTES_MAX, PERSONAL_CHANGES_MAX, PERSONAL_NAME_BYTES_MAX, PERSONAL_VALUE_BYTES_MAX,
    PERSONAL_VALUES_MAX,
};
use crate::model::{PersonalKind, PersonalValue};

const PREFERENCE: PersonalKind = PersonalKind::Preference;

impl World {
    fn value(&self, user: UserNo, name: &str) -> Option<String> {
        let key = (user, PREFERENCE.number(), name.into());
        Some(self.host.get::<PersonalValue>(&key)?.value)
    }
}

#[test]
fn values_are_set_and_deleted_and_only_changes_are_told() {
    let mut world = World::new();
    let first = set_preferences(&[("a/x", Some("1")), ("a/y", Some("2"))]);
    let output = world.output(Actor::User(ANN), None, first.clone());
    assert_eq!(output.reply, Reply::Done);
    let told = Event::PersonalSet(ANN, PREFERENCE, vec!["a/x".into(), "a/y".into()]);
    assert_eq!(world.events(), [told]);
    let again = world.output(Actor::User(ANN), None, first);
    assert!(again.writes.is_empty() && again.effects.is_empty());

    world.output(
        Actor::User(ANN),
        None,
        set_preferences(&[("a/x", None), ("a/y", Some("3")), ("a/z", None)]),
    );
    assert_eq!(
        world.events(),
        [
            Event::PersonalSet(ANN, PREFERENCE, vec!["a/y".into()]),
            Event::PersonalDeleted(ANN, PREFERENCE, vec!["a/x".into()]),
        ]
    );
    assert_eq!(world.value(ANN, "a/x"), None);
    assert_eq!(world.value(ANN, "a/y").as_deref(), Some("3"));
    assert_eq!(world.value(BOB, "a/y"), None);
}

#[test]
fn the_later_of_two_changes_of_a_value_counts() {
    let mut world = World::new();
    world.output(
        Actor::User(ANN),
        None,
        set_preferences(&[
            ("a/x", Some("1")),
            ("a/x", None),
            ("a/y", None),
            ("a/y", Some("2")),
        ]),
    );
    assert_eq!(world.value(ANN, "a/x"), None);
    assert_eq!(world.value(ANN, "a/y").as_deref(), Some("2"));
    assert!(
        world
            .events()
            .contains(&Event::PersonalSet(ANN, PREFERENCE, vec!["a/y".into()]))
    );
}

#[test]
fn what_is_over_a_limit_is_refused() {
    let mut world = World::new();
    let (name, value) = (
        "n".repeat(PERSONAL_NAME_BYTES_MAX),
        "v".repeat(PERSONAL_VALUE_BYTES_MAX),
    );
    let most = world.output(
        Actor::User(ANN),
        None,
        set_preferences(&[(&name, Some(&value))]),
    );
    assert_eq!(most.reply, Reply::Done);
    let invalid = |field: &str| (400, format!("model.preference.is_valid.{field}.app_error"));
    let long = format!("{name}n");
    assert_eq!(
        world.refusal(ANN, set_preferences(&[(&long, None)])),
        invalid("name")
    );
    assert_eq!(
        world.refusal(ANN, set_preferences(&[("", None)])),
        invalid("name")
    );
    let long = format!("{value}v");
    assert_eq!(
        world.refusal(ANN, set_preferences(&[("a/x", Some(&long))])),
        invalid("value")
    );
    let many = vec![("a/x", Some("1")); PERSONAL_CHANGES_MAX + 1];
    assert_eq!(world.refusal(ANN, set_preferences(&many)).0, 400);
    let nobody = world.output(Actor::Anonymous, None, set_preferences(&[("a/x", None)]));
    assert!(matches!(nobody.reply, Reply::Refused(refusal) if refusal.status == 401));
}

#[test]
fn a_user_has_a_bounded_number_of_values_and_of_their_bytes() {
    let full = (400, "causeway.personal.full.app_error".to_string());
    let mut world = World::new();
    let names: Vec<String> = (0..PERSONAL_VALUES_MAX).map(|n| format!("n/{n}")).collect();
    for names in names.chunks(PERSONAL_CHANGES_MAX) {
        let changes: Vec<_> = names
            .iter()
            .map(|name| (name.as_str(), Some("1")))
            .collect();
        assert_eq!(
            world
                .output(Actor::User(ANN), None, set_preferences(&changes))
                .reply,
            Reply::Done
        );
    }
    assert_eq!(
        world.refusal(ANN, set_preferences(&[("n/new", Some("1"))])),
        full
    );
    let exchanged = set_preferences(&[("n/0", None), ("n/new", Some("1")), ("n/1", Some("2"))]);
    let output = world.output(Actor::User(ANN), None, exchanged);
    assert_eq!(output.reply, Reply::Done);

    let value = "v".repeat(PERSONAL_VALUE_BYTES_MAX);
    let fitting = PERSONAL_BYTES_MAX / (PERSONAL_VALUE_BYTES_MAX + 4);
    for name in &names[..fitting] {
        let output = world.output(
            Actor::User(BOB),
            None,
            set_preferences(&[(name, Some(&value))]),
        );
        assert_eq!(output.reply, Reply::Done);
    }
    assert_eq!(
        world.refusal(BOB, set_preferences(&[("n/new", Some(&value))])),
        full
    );
}
