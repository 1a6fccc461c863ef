//! Components of integrations in posts: buttons and menus of their attachments, and custom types.
//!
//! In a channel where integrations do not work, or where the policies do not let a post show its components, they are
//! hidden, and a post of a custom type is shown as an ordinary one, by its text. Elsewhere those of other workspaces' people are shown
//! disabled, and without what they call, which some servers tell: only the author's workspace can call it.
//!
//! The text of the properties is changed where it has to be, and nowhere else: a peer writes what only some readers
//! of JSON take, and a rewritten text may be much longer.

use std::borrow::Cow;

use causeway_kernel::model::Post;
use causeway_kernel::objects::components::{
    ACTIONS_MAX, action_lists, is_custom, may_have_actions,
};
use causeway_kernel::rows::id::PostNo;
use causeway_kernel::rows::tx::Read;
use causeway_kernel::wire::json::{Document, JsonType, Value};
use serde_json::value::RawValue;

use super::stored;
use crate::query::components;

/// The properties of a post as readers see them; `None` if there are none.
pub(super) fn shown<'a>(
    rows: &(impl Read + ?Sized),
    (post_no, post): (PostNo, &Post),
    props: &'a str,
) -> Option<Cow<'a, RawValue>> {
    let may_have_some = may_have_actions(props);
    let is_hidden = may_have_some && components::are_hidden(rows, post_no, post);
    if is_hidden || (may_have_some && !post.origin.is_ours()) {
        let changed = without_actions(props, is_hidden)?;
        return RawValue::from_string(changed).ok().map(Cow::Owned);
    }
    stored(props).map(Cow::Borrowed)
}

/// Whether the type of a post is one of an integration that the policies hide. With the setting off it stays: clients
/// show a type that they do not know as an ordinary post.
pub(super) fn hides_type(rows: &(impl Read + ?Sized), post_no: PostNo, post: &Post) -> bool {
    is_custom(&post.kind) && components::are_denied(rows, post_no, post)
}

/// Parts of a text and what takes their places, from its beginning to its end.
#[derive(Default)]
struct Changes(Vec<(std::ops::Range<usize>, String)>);

impl Changes {
    fn put(&mut self, value: Value<'_>, text: &str) {
        self.0.push((value.span(), text.to_string()));
    }

    fn carried_out(self, text: &str) -> Option<String> {
        let mut changed = String::with_capacity(text.len());
        let mut at = 0;
        for (part, new) in self.0 {
            changed.push_str(text.get(at..part.start)?);
            changed.push_str(&new);
            at = part.end;
        }
        changed.push_str(text.get(at..)?);
        Some(changed)
    }
}

/// The properties with hidden or disabled buttons; `None` if they are no JSON.
fn without_actions(props: &str, is_hidden: bool) -> Option<String> {
    let document = Document::parse(props.as_bytes()).ok()?;
    let mut changes = Changes::default();
    for actions in action_lists(&document) {
        if is_hidden || actions.children().count() > ACTIONS_MAX {
            changes.put(actions, "[]");
        } else {
            actions
                .children()
                .for_each(|action| disable(action, &mut changes));
        }
    }
    changes.carried_out(props)
}

/// Of an action, a name and its kind are all that is shown.
fn disable(action: Value<'_>, changes: &mut Changes) {
    let is_object = action.kind() == JsonType::Object;
    let children = action.children().filter(|_| is_object);
    let mut text = String::from(r#"{"disabled":true"#);
    for child in children {
        let key = child.key();
        if child.kind() == JsonType::String && ["id", "name", "type"].contains(&&*key) {
            text.push_str(&format!(r#","{key}":{}"#, child.raw()));
        }
    }
    text.push('}');
    changes.put(action, &text);
}

#[cfg(test)]
mod tests {
    use causeway_kernel::boundary::behaviour::{Behaviour, InForce};
    use causeway_kernel::boundary::policy::{Gate, Gates};
    use causeway_kernel::model::{Channel, ConnectedWorkspaces, HiddenComponents, MetaRow};
    use causeway_kernel::rows::fixture::{self, put};
    use causeway_kernel::rows::id::{ChannelNo, PostNo, WorkspaceNo};
    use causeway_kernel::rows::testing::MemoryHost;
    use serde_json::{Value, json};

    use super::*;
    use crate::json::tests::host;
    use crate::json::{Viewer, Views};

    const POST: PostNo = PostNo(40);

    /// What is shown of a post's buttons.
    fn shown_in(is_shared: bool, flag: bool, origin: WorkspaceNo) -> Value {
        shown_as(is_shared, flag, origin, None).0
    }

    /// What is shown of the buttons and the type of a post, with policies at the gate if they have decided something:
    /// whether it is hidden.
    fn shown_as(
        is_shared: bool,
        flag: bool,
        origin: WorkspaceNo,
        decided: Option<bool>,
    ) -> (Value, Value) {
        let props = json!({ "attachments": [{ "text": "t", "actions": [
            { "id": "a", "name": "Run", "cookie": "sealed", "integration": { "url": "https://x" } },
        ] }, 7], "other": 1 });
        let mut host: MemoryHost = host();
        let mut post = fixture::post(POST.0, 100, None);
        post.props = props.to_string();
        post.kind = "custom_poll".into();
        post.origin = origin;
        let mut channel = host.get::<Channel>(&post.channel).unwrap();
        channel.shared = is_shared;
        let settings = ConnectedWorkspaces {
            plugins: flag,
            ..ConnectedWorkspaces::default()
        };
        put(&mut host, |tx| {
            tx.put(&post.channel, &channel);
            let settings = MetaRow::ConnectedWorkspaces(settings);
            tx.put(&MetaRow::CONNECTED_WORKSPACES, &settings);
            for behaviour in [Behaviour::Gates, Behaviour::Components] {
                tx.put(&behaviour.number(), &InForce { since_ms: 1 });
            }
            let gates: Gates = decided.map(|_| Gate::Component).into_iter().collect();
            tx.put(&MetaRow::GATES, &MetaRow::Gates(gates));
            if decided == Some(true) {
                let reason = "not here".into();
                let row = HiddenComponents {
                    reason,
                    again: None,
                };
                tx.put(&POST, &row);
            }
        });
        assert_eq!(post.channel, ChannelNo(1));
        let views = Views::new(&host, Viewer::System);
        let view = serde_json::to_value(views.post(POST, &post)).unwrap();
        assert_eq!(view["props"]["other"], 1);
        assert_eq!(view["props"]["attachments"][0]["text"], "t");
        let actions = view["props"]["attachments"][0]["actions"].clone();
        (actions, view["type"].clone())
    }

    #[test]
    fn buttons_are_shown_where_they_work() {
        let ours = WorkspaceNo::OURS;
        let theirs = WorkspaceNo(1);
        for (is_shared, flag) in [(false, false), (false, true), (true, true)] {
            assert_eq!(shown_in(is_shared, flag, ours)[0]["cookie"], "sealed");
            let inert = json!([{ "disabled": true, "id": "a", "name": "Run" }]);
            assert_eq!(shown_in(is_shared, flag, theirs), inert);
        }
        for origin in [ours, theirs] {
            assert_eq!(shown_in(true, false, origin), json!([]));
        }
    }

    #[test]
    fn with_the_setting_on_the_policies_decide_what_a_post_shows() {
        for origin in [WorkspaceNo::OURS, WorkspaceNo(1)] {
            let hidden = (json!([]), json!(""));
            assert_eq!(shown_as(true, true, origin, Some(true)), hidden);
            let off = (json!([]), json!("custom_poll"));
            assert_eq!(shown_as(true, false, origin, Some(true)), off);
            for (is_shared, decided) in [(true, Some(false)), (true, None), (false, Some(true))] {
                let (actions, kind) = shown_as(is_shared, true, origin, decided);
                assert_eq!(
                    (&actions[0]["id"], kind),
                    (&json!("a"), json!("custom_poll"))
                );
            }
        }
    }

    #[test]
    fn however_a_peer_writes_its_buttons_they_call_nothing() {
        for (props, hidden, disabled) in [
            (
                r#"{"\u0061ttachments":[{"\u0061ctions":[{"id":"a","integration":{"url":"u"}}]}]}"#,
                r#"{"\u0061ttachments":[{"\u0061ctions":[]}]}"#,
                r#"{"\u0061ttachments":[{"\u0061ctions":[{"disabled":true,"id":"a"}]}]}"#,
            ),
            (
                r#"{"x":[1e15,"\ud83d"],"attachments":[{"actions":[{}]}],"attachments":[{"actions":[1]}]}"#,
                r#"{"x":[1e15,"\ud83d"],"attachments":[{"actions":[]}],"attachments":[{"actions":[]}]}"#,
                r#"{"x":[1e15,"\ud83d"],"attachments":[{"actions":[{"disabled":true}]}],"attachments":[{"actions":[{"disabled":true}]}]}"#,
            ),
            (
                r#"{"attachments":{"actions":[{"id":"a"}]},"actions":[{"id":"a"}]}"#,
                r#"{"attachments":{"actions":[{"id":"a"}]},"actions":[{"id":"a"}]}"#,
                r#"{"attachments":{"actions":[{"id":"a"}]},"actions":[{"id":"a"}]}"#,
            ),
        ] {
            assert_eq!(without_actions(props, true).unwrap(), hidden);
            assert_eq!(without_actions(props, false).unwrap(), disabled);
        }
        let many = format!(
            r#"{{"attachments":[{{"actions":[{}1]}}]}}"#,
            "{},".repeat(ACTIONS_MAX)
        );
        let none = r#"{"attachments":[{"actions":[]}]}"#;
        assert_eq!(without_actions(&many, false).unwrap(), none);
        assert_eq!(without_actions("{", false), None);
    }
}
