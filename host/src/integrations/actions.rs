//! Buttons and menus in the attachments of messages.
//!
//! Whoever writes a message names the address that a button calls. It is replaced by a sealed `cookie` before the
//! message is stored, so neither readers nor peers learn it.

use causeway_kernel::model::limits::PROPS_BYTES_MAX;
use causeway_kernel::model::{self, Component};
use causeway_kernel::wire::json::Document;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::marks::{marks_of, with_marks};
use super::{Place, Sealer, is_address};
use crate::http::{ApiError, random_id};

/// Maximum buttons and menus with an address in one message; one with more is refused.
const ACTIONS_MAX: usize = 100;
/// Maximum bytes of an action's id; a longer one is refused.
const ID_BYTES_MAX: usize = 64;

/// What a button calls.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Target {
    /// The integration's address.
    pub url: String,
    /// What it is sent back.
    #[serde(default)]
    pub context: Option<Map<String, Value>>,
}

/// A button or menu of a stored message.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Action {
    id: String,
    name: String,
    /// `button` or `select`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where a menu's options come from.
    pub data_source: String,
    disabled: bool,
    cookie: String,
}

impl Action {
    /// What policies are asked about.
    #[must_use]
    pub fn component(&self) -> Component {
        let action = model::Action {
            id: self.id.clone(),
            label: self.name.clone(),
        };
        if self.kind == "select" {
            Component::Menu(action)
        } else {
            Component::Button(action)
        }
    }

    /// What it calls; `None` if it is disabled, or was not sealed for this place.
    #[must_use]
    pub fn target(&self, sealer: &Sealer, place: Place) -> Option<Target> {
        (!self.disabled).then(|| sealer.open(&self.cookie, place))?
    }
}

/// What an integration is told when somebody presses a button.
#[derive(Serialize)]
pub struct Pressed {
    /// Who.
    pub user_id: String,
    /// Their name.
    pub user_name: String,
    /// Where.
    pub channel_id: String,
    /// The channel's name.
    pub channel_name: String,
    /// Its team; empty for a direct or group channel.
    pub team_id: String,
    /// The team's name.
    pub team_domain: String,
    /// The message.
    pub post_id: String,
    /// Identifies this call.
    pub trigger_id: String,
    /// `button` or `select`.
    #[serde(rename = "type")]
    pub kind: String,
    /// Where a menu's options come from.
    pub data_source: String,
    /// The context of the button, with `selected_option` for a menu.
    pub context: Map<String, Value>,
}

/// What an integration answers.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Updated {
    update: Option<NewPost>,
    /// Shown to who pressed, and to nobody else.
    pub ephemeral_text: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct NewPost {
    message: Option<String>,
    props: Option<Map<String, Value>>,
}

impl Updated {
    /// Reads a JSON object.
    #[must_use]
    pub fn of_json(body: &[u8]) -> Option<Updated> {
        let is_object = body.trim_ascii_start().starts_with(b"{");
        is_object.then(|| serde_json::from_slice(body).ok())?
    }

    /// The new text of the message and its new properties, if it changes. Without new ones the stored properties stay.
    #[must_use]
    pub fn post(&mut self, stored: &str) -> Option<(String, Option<Map<String, Value>>)> {
        let NewPost { message, props } = self.update.take()?;
        let props = props.map(|props| with_marks(&marks_of(stored), props));
        Some((message.unwrap_or_default(), props))
    }
}

/// A button or menu of a stored message.
#[must_use]
pub fn find(props: &str, id: &str) -> Option<Action> {
    let props: Value = serde_json::from_str(props).ok()?;
    let attachments = props.get("attachments")?.as_array()?;
    let mut actions = attachments
        .iter()
        .filter_map(|attachment| attachment.get("actions")?.as_array())
        .flatten()
        .filter_map(|action| Action::deserialize(action).ok());
    actions.find(|action| !action.id.is_empty() && action.id == id)
}

/// What becomes of the cookies in a message that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cookies {
    /// Its author has read them, and sends them back.
    Kept,
    /// An integration does not read messages: it would make others call what it does not know.
    Dropped,
}

/// Whether properties may hold buttons; those that are too long are refused by the kernel.
pub(super) fn may_have_some(props: &str) -> bool {
    let is_candidate = props.contains("\"attachments\"") || props.contains('\\');
    is_candidate && props.len() <= PROPS_BYTES_MAX && {
        let document = Document::parse(props.as_bytes());
        document.is_ok_and(|document| document.root().get("attachments").is_some())
    }
}

/// Seals the addresses of all buttons and menus in properties.
///
/// # Errors
/// 400 if the properties or an address cannot be used, an id is malformed, or there are too many.
pub(super) fn seal(
    sealer: &Sealer,
    props: String,
    place: Place,
    cookies: Cookies,
) -> Result<String, ApiError> {
    let mut parsed: Value = serde_json::from_str(&props)
        .map_err(|_| refused("the properties are not JSON that every reader understands"))?;
    let actions = members_mut(&mut parsed, "attachments")
        .filter_map(Value::as_array_mut)
        .flatten()
        .flat_map(|attachment| members_mut(attachment, "actions"))
        .filter_map(Value::as_array_mut)
        .flatten()
        .filter_map(Value::as_object_mut);
    let mut sealed = 0;
    for action in actions {
        if cookies == Cookies::Dropped {
            action.remove("cookie");
        }
        let integration = action.remove("integration");
        // Some readers take a name for this one whose letters are of another case.
        action.retain(|key, _| !key.eq_ignore_ascii_case("integration"));
        let Some(integration) = integration else {
            continue;
        };
        sealed += 1;
        if sealed > ACTIONS_MAX {
            return Err(refused(format!("it has more than {ACTIONS_MAX} of them")));
        }
        let is_object = integration.is_object();
        let target = Target::deserialize(integration).ok();
        let target = target
            .filter(|target| is_object && is_address(&target.url))
            .ok_or_else(|| refused("its `integration` has no `url` that can be called"))?;
        match action.get("id").and_then(Value::as_str).unwrap_or_default() {
            "" => {
                action.insert("id".into(), random_id().as_str().into());
            }
            id if is_id(id) => {}
            _ => return Err(refused("its `id` must be letters and digits, at most 64")),
        }
        action.insert("cookie".into(), sealer.seal(&target, place)?.into());
    }
    // Of a name that is there twice, one value is left.
    Ok(parsed.to_string())
}

/// The members of an object under a name, in whatever case its letters are.
fn members_mut<'v>(value: &'v mut Value, name: &str) -> impl Iterator<Item = &'v mut Value> {
    let members = value.as_object_mut().into_iter().flatten();
    members
        .filter(move |(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

fn is_id(id: &str) -> bool {
    id.len() <= ID_BYTES_MAX && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
}

fn refused(why: impl std::fmt::Display) -> ApiError {
    ApiError::new(
        axum::http::StatusCode::BAD_REQUEST,
        "api.causeway.integrations.action.app_error",
        format!("A button or menu of this message cannot be used: {why}."),
    )
}

#[cfg(test)]
mod tests {
    use causeway_kernel::rows::id::{ChannelNo, UserNo};
    use serde_json::json;

    use super::*;

    const PLACE: Place = Place {
        channel: ChannelNo(1),
        author: UserNo(2),
    };

    fn with_actions(actions: &Value) -> String {
        json!({ "attachments": [{ "text": "t" }, { "actions": actions }] }).to_string()
    }

    fn sealed(actions: &Value) -> Result<String, ApiError> {
        seal(
            &Sealer::new(&[7; 32]),
            with_actions(actions),
            PLACE,
            Cookies::Kept,
        )
    }

    #[test]
    fn the_address_of_a_button_is_stored_sealed() {
        let sealer = Sealer::new(&[7; 32]);
        let stored = sealed(&json!([
            { "id": "run1", "name": "Run", "integration": { "url": "https://ci.example/?key=k1",
                "context": { "token": "t1" } } },
            { "name": "Stop", "integration": { "url": "https://ci.example/stop" } },
            { "id": "plain", "name": "Nothing" },
        ]))
        .unwrap();
        assert!(
            !stored.contains("ci.example") && !stored.contains("t1\""),
            "{stored}"
        );
        let run = find(&stored, "run1").unwrap();
        let target = run.target(&sealer, PLACE).unwrap();
        assert_eq!(target.url, "https://ci.example/?key=k1");
        assert_eq!(target.context.unwrap()["token"], "t1");
        let elsewhere = Place {
            author: UserNo(3),
            ..PLACE
        };
        assert_eq!(run.target(&sealer, elsewhere), None);
        let named: Value = serde_json::from_str(&stored).unwrap();
        let made = named["attachments"][1]["actions"][1]["id"]
            .as_str()
            .unwrap();
        assert!(
            find(&stored, made)
                .unwrap()
                .target(&sealer, PLACE)
                .is_some()
        );
        assert_eq!(find(&stored, "plain").unwrap().target(&sealer, PLACE), None);
        let Component::Button(asked) = run.component() else {
            panic!("not a button");
        };
        assert_eq!((asked.id.as_str(), asked.label.as_str()), ("run1", "Run"));
        assert!(find(&stored, "").is_none() && find(&stored, "other").is_none());
        let again = |cookies| seal(&sealer, stored.clone(), PLACE, cookies).unwrap();
        assert_eq!(again(Cookies::Kept), stored);
        let dropped = find(&again(Cookies::Dropped), "run1").unwrap();
        assert_eq!(dropped.target(&sealer, PLACE), None);
    }

    #[test]
    fn a_disabled_button_calls_nothing() {
        let stored = sealed(&json!([{ "id": "a", "disabled": true,
            "integration": { "url": "https://ci.example" } }]));
        let action = find(&stored.unwrap(), "a").unwrap();
        assert_eq!(action.target(&Sealer::new(&[7; 32]), PLACE), None);
    }

    #[test]
    fn unusable_buttons_are_refused() {
        let good = json!({ "integration": { "url": "https://ci.example" } });
        assert!(sealed(&Value::Array(vec![good.clone(); ACTIONS_MAX])).is_ok());
        for actions in [
            json!([{ "integration": {} }]),
            json!([{ "integration": null }]),
            json!([{ "integration": { "url": "/plugins/x" } }]),
            json!([{ "integration": { "url": "https://ci.example", "context": [] } }]),
            json!([{ "id": "a/b", "integration": { "url": "https://ci.example" } }]),
            json!([{ "id": "a".repeat(65), "integration": { "url": "https://ci.example" } }]),
            Value::Array(vec![good; ACTIONS_MAX + 1]),
        ] {
            assert_eq!(sealed(&actions).unwrap_err().status, 400, "{actions}");
        }
    }

    #[test]
    fn properties_without_buttons_are_left_as_they_are() {
        let long = format!(
            r#"{{"attachments":[],"x":"{}"}}"#,
            "x".repeat(PROPS_BYTES_MAX)
        );
        for props in [
            "",
            "{\"integration\"",
            "[\"integration\"]",
            "{\"x\":\"\\ud83d\"}",
            &long,
        ] {
            assert!(!may_have_some(props));
            assert!(find(props, "a").is_none());
        }
        let sealer = Sealer::new(&[7; 32]);
        let twice = r#"{"attachments":[{"actions":[{"integration":{"url":"https://ci.example"}}]}],"Attachments":[{"Actions":[{"Integration":1}]}],"attachments":[]}"#;
        let left = r#"{"Attachments":[{"Actions":[{}]}],"attachments":[]}"#;
        let stored = seal(&sealer, twice.into(), PLACE, Cookies::Kept);
        assert_eq!(stored.unwrap(), left);
        for props in [
            "{\"attachments\":{\"integration\":1}}",
            "{\"attachments\":[{\"actions\":[1,\"integration\"]},2]}",
        ] {
            assert!(may_have_some(props));
            assert_eq!(
                seal(&sealer, props.into(), PLACE, Cookies::Kept).unwrap(),
                props
            );
        }
    }

    #[test]
    fn however_a_button_is_written_its_address_is_not_stored() {
        let sealer = Sealer::new(&[7; 32]);
        let button =
            r#"[{"actions":[{"id":"a","\u0069ntegration":{"url":"https://ci.example/?key=k1"}}]}]"#;
        let props = format!(r#"{{"\u0061ttachments":{button}}}"#);
        assert!(may_have_some(&props));
        let stored = seal(&sealer, props, PLACE, Cookies::Kept).unwrap();
        assert!(!stored.contains("ci.example"), "{stored}");
        assert!(find(&stored, "a").unwrap().target(&sealer, PLACE).is_some());
        // Half a character is understood by some readers only.
        let cut = format!(r#"{{"attachments":{button},"x":"\ud83d"}}"#);
        assert!(may_have_some(&cut));
        assert_eq!(
            seal(&sealer, cut, PLACE, Cookies::Kept).unwrap_err().status,
            400
        );
    }

    #[test]
    fn an_update_keeps_the_mark_of_an_integration() {
        let mut answer: Updated =
            serde_json::from_value(json!({ "update": { "message": "done", "props": {} } }))
                .unwrap();
        let (message, props) = answer.post(r#"{"from_webhook":"true"}"#).unwrap();
        assert_eq!((message.as_str(), props.unwrap().len()), ("done", 1));
        let mut same: Updated = serde_json::from_value(json!({ "update": {} })).unwrap();
        assert_eq!(same.post(""), Some((String::new(), None)));
        assert_eq!(Updated::default().post(""), None);
    }
}
