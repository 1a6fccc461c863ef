//! The components of integrations that a post shows: the buttons and menus of its attachments, and its custom type.

use crate::model::limits::REMOTE_PROPS_BYTES_MAX;
use crate::model::{Action, Component, Post};
use crate::wire::json::{Document, JsonType, Value};

/// What a type begins with that an integration has made up.
const CUSTOM_TYPE: &str = "custom_";

/// Buttons and menus of a post that are looked at; of a post with more, none is shown.
pub const ACTIONS_MAX: usize = 100;

/// The keys under which a post's properties hold its buttons and menus.
pub const KEYS: [&str; 2] = ["attachments", "actions"];

/// Whether a type is one that an integration has made up.
#[must_use]
pub fn is_custom(kind: &str) -> bool {
    kind.starts_with(CUSTOM_TYPE)
}

/// Whether properties may hold buttons or menus; cheap, and without a look at most texts.
#[must_use]
pub fn may_have_actions(props: &str) -> bool {
    props.contains("\"attachments\"") || props.contains('\\')
}

/// The lists of buttons and menus in the properties of a post. Keys may be there more than once, and their letters may
/// be of any case: readers differ in what they make of that.
#[must_use]
pub fn action_lists<'d>(props: &'d Document<'d>) -> Vec<Value<'d>> {
    let [attachments, actions] = KEYS;
    let attachments = members(props.root(), attachments);
    let each = attachments.into_iter().flat_map(Value::children);
    each.flat_map(|attachment| members(attachment, actions))
        .collect()
}

/// The members of an object under a key.
fn members<'d>(value: Value<'d>, key: &str) -> Vec<Value<'d>> {
    let is_object = value.kind() == JsonType::Object;
    let is_it = |child: &Value<'_>| is_object && child.key().eq_ignore_ascii_case(key);
    value.children().filter(is_it).collect()
}

/// The components that a post shows; `None` if it has too many buttons and menus.
#[must_use]
pub fn of_post(post: &Post) -> Option<Vec<Component>> {
    let mut found = Vec::new();
    if is_custom(&post.kind) {
        found.push(Component::PostType(post.kind.clone()).bounded());
    }
    let may_have_some = may_have_actions(&post.props) && post.props.len() <= REMOTE_PROPS_BYTES_MAX;
    let document = may_have_some.then(|| Document::parse(post.props.as_bytes()).ok());
    let Some(document) = document.flatten() else {
        return Some(found);
    };
    let actions: Vec<Value<'_>> = action_lists(&document)
        .into_iter()
        .flat_map(Value::children)
        .take(ACTIONS_MAX + 1)
        .collect();
    if actions.len() > ACTIONS_MAX {
        return None;
    }
    found.extend(actions.into_iter().map(of_action));
    Some(found)
}

fn of_action(action: Value<'_>) -> Component {
    let text = |key| action.text(key).unwrap_or_default().into_owned();
    let is_menu = text("type") == "select";
    let action = Action {
        id: text("id"),
        label: text("name"),
    };
    if is_menu {
        Component::Menu(action).bounded()
    } else {
        Component::Button(action).bounded()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rows::fixture;

    fn of(kind: &str, props: &str) -> Option<Vec<Component>> {
        let post = Post {
            kind: kind.into(),
            props: props.into(),
            ..fixture::post(3, 70_000, None)
        };
        of_post(&post)
    }

    fn action(id: &str, label: &str) -> Action {
        Action {
            id: id.into(),
            label: label.into(),
        }
    }

    #[test]
    fn buttons_menus_and_custom_types_are_components() {
        let props = r#"{"attachments":[{"text":"t"},{"actions":[
            {"id":"run","name":"Run it"},{"id":"env","name":"Where","type":"select"},7]},3],"x":1}"#;
        let expected = [
            Component::PostType("custom_poll".into()),
            Component::Button(action("run", "Run it")),
            Component::Menu(action("env", "Where")),
            Component::Button(action("", "")),
        ];
        assert_eq!(of("custom_poll", props).unwrap(), expected);
        for (kind, props) in [
            ("", ""),
            ("me", r#"{"attachments":[{"actions":[]}]}"#),
            ("", r#"{"attachments":{"actions":[{}]}}"#),
            ("system_join_channel", "{"),
        ] {
            assert_eq!(of(kind, props).unwrap(), [], "{props}");
        }
    }

    #[test]
    fn however_they_are_written_none_is_missed() {
        for props in [
            r#"{"\u0061ttachments":[{"\u0061ctions":[{"\u0069d":"a"}]}]}"#,
            r#"{"attachments":1,"Attachments":[{"Actions":[{"id":"a"}],"actions":[]}],"attachments":[]}"#,
        ] {
            assert_eq!(of("", props).unwrap(), [Component::Button(action("a", ""))]);
        }
        let many = |n: usize| {
            let list = vec!["{}"; n].join(",");
            format!(r#"{{"attachments":[{{"actions":[{list}]}}]}}"#)
        };
        assert_eq!(of("", &many(ACTIONS_MAX)).unwrap().len(), ACTIONS_MAX);
        assert_eq!(of("", &many(ACTIONS_MAX + 1)), None);
    }
}
