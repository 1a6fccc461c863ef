//! The properties that mark a message as a program's: clients show it as such, and other programs do not answer it
//! (W22).

use causeway_kernel::wire::json::Document;
use serde_json::{Map, Value};

/// What a bot writes.
pub const FROM_BOT: &str = "from_bot";
/// What an integration writes.
pub const FROM_WEBHOOK: &str = "from_webhook";

/// Properties with a mark, and without those that would show the message under another name or picture than its
/// author's.
#[must_use]
pub fn with_mark(mark: &str, mut props: Map<String, Value>) -> Map<String, Value> {
    props.retain(|key, _| !key.starts_with("override_"));
    props.insert(mark.into(), "true".into());
    props
}

/// The marks in stored properties. A message keeps them when it is changed.
#[must_use]
pub fn marks_of(stored: &str) -> Vec<&'static str> {
    let Ok(document) = Document::parse(stored.as_bytes()) else {
        return Vec::new();
    };
    let has = |mark: &&str| document.root().get(mark).is_some();
    [FROM_BOT, FROM_WEBHOOK].into_iter().filter(has).collect()
}

/// Properties with some marks.
#[must_use]
pub fn with_marks(marks: &[&str], props: Map<String, Value>) -> Map<String, Value> {
    marks
        .iter()
        .fold(props, |props, mark| with_mark(mark, props))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn marks_are_properties_of_their_own() {
        assert_eq!(marks_of(r#"{"from_webhook":"true"}"#), [FROM_WEBHOOK]);
        for other in [
            r#"{"x":"\"from_bot\""}"#,
            r#"{"x":{"from_bot":1}}"#,
            "[]",
            "",
        ] {
            assert!(marks_of(other).is_empty(), "{other}");
        }
    }

    #[test]
    fn a_marked_message_is_shown_as_its_authors() {
        let props = json!({ "a": 1, "override_username": "boss", "override_icon_url": "x" });
        let props = props.as_object().unwrap().clone();
        let expected = json!({ "a": 1, "from_bot": "true", "from_webhook": "true" });
        let marked = with_marks(&[FROM_BOT, FROM_WEBHOOK], props);
        assert_eq!(Value::from(marked), expected);
    }
}
