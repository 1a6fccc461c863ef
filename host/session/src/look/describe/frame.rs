//! Frames between workspaces in words: their content, and the answers.

use causeway_kernel::rows::id::Id;
use causeway_kernel::wire::message::is_stored;
use serde_json::Value;

use crate::look::as_json::document;
use crate::look::names::{Names, count, plain};

/// Maximum ids listed on a line.
const IDS_SHOWN: usize = 5;

/// What a frame carries, e.g. `2 posts, 1 user for falcon`.
pub(super) fn content(names: Names<'_>, body: &[u8]) -> String {
    let frame = document(body);
    let message = frame.get("msg").unwrap_or(&Value::Null);
    let Some(topic) = message.get("topic").and_then(Value::as_str) else {
        return format!("{} that are not a frame", count(body.len(), "byte"));
    };
    let payload = message.get("payload").unwrap_or(&Value::Null);
    let channel = text(payload, "channel_id");
    let channel = (!channel.is_empty()).then(|| names.channel_of(channel));
    match topic {
        "sharedchannel_sync" | "sharedchannel_membership" | "sharedchannel_global_user_sync" => {
            let place = channel.map_or_else(String::new, |it| format!(" for {it}"));
            format!("{}{place}", items(payload))
        }
        "sharedchannel_invite" => {
            let name = match text(payload, "type") {
                "D" => return invited(payload, "a direct channel"),
                "G" => return invited(payload, "a group channel"),
                _ => plain(text(payload, "name")),
            };
            format!(
                "the invitation to {}",
                channel.filter(|_| name.is_empty()).unwrap_or(name)
            )
        }
        "sharedchannel_state" => {
            let channel = channel.unwrap_or_else(|| "a channel".into());
            let is_shared = payload.get("is_shared").and_then(Value::as_bool);
            let state = match is_shared {
                Some(true) => "is shared",
                Some(false) => "is no longer shared",
                None => "is in a state that is not stated",
            };
            format!("the news that {channel} {state}")
        }
        "sharedchannel_upload" => "the announcement of a file".into(),
        other => format!("a message with the topic {}", plain(other)),
    }
}

fn invited(payload: &Value, kind: &str) -> String {
    let people = size(payload.get("direct_participant_ids"));
    format!("the invitation to {kind} of {people} people")
}

fn items(payload: &Value) -> String {
    let sections = [
        ("posts", "post"),
        ("users", "user"),
        ("reactions", "reaction"),
        ("statuses", "status item"),
        ("acknowledgements", "acknowledgement"),
        ("membership_changes", "membership change"),
    ];
    let parts: Vec<String> = sections
        .iter()
        .map(|(key, name)| (size(payload.get(key)), name))
        .filter(|(number, _)| *number > 0)
        .map(|(number, name)| count(number, name))
        .collect();
    if parts.is_empty() {
        "nothing".into()
    } else {
        parts.join(", ")
    }
}

fn size(section: Option<&Value>) -> usize {
    match section {
        Some(Value::Array(list)) => list.len(),
        Some(Value::Object(map)) => map.len(),
        _ => 0,
    }
}

fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

/// The topic of a frame.
pub(super) fn topic(body: &[u8]) -> String {
    let frame = document(body);
    plain(frame.get("msg").map_or("", |it| text(it, "topic")))
}

/// The answer to a frame.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// The refusal of the whole frame, in the answer's words.
    pub refusal: Option<String>,
    /// Ids of posts listed as refused.
    pub post_errors: Vec<String>,
}

impl Answer {
    /// Reads an answer of HTTP status 200, or an error of the API.
    #[must_use]
    pub fn of(status: u16, body: &[u8]) -> Answer {
        let answer = document(body);
        if status != 200 {
            let message = plain(text(&answer, "message"));
            return Answer {
                refusal: Some(format!("HTTP {status}: {message}")),
                ..Answer::default()
            };
        }
        if text(&answer, "status") != "OK" {
            let refusal = match text(&answer, "err") {
                "" => "this is not an answer of the protocol".into(),
                words => plain(words),
            };
            return Answer {
                refusal: Some(refusal),
                ..Answer::default()
            };
        }
        let listed = answer.get("payload").and_then(|it| it.get("post_errors"));
        let ids = listed.and_then(Value::as_array).into_iter().flatten();
        Answer {
            refusal: None,
            post_errors: ids.filter_map(Value::as_str).map(plain).collect(),
        }
    }

    /// Reads an answer of HTTP status 200 to the bytes of a file: it describes the file, or is none.
    pub(super) fn to_bytes(file: Id, body: &[u8]) -> Answer {
        let refusal = "the answer does not say that the file is stored";
        Answer {
            refusal: (!is_stored(body, file)).then(|| refusal.to_string()),
            ..Answer::default()
        }
    }
}

/// Some of the ids, on one line.
pub(super) fn listed(ids: &[String]) -> String {
    let shown: Vec<&str> = ids.iter().take(IDS_SHOWN).map(String::as_str).collect();
    let rest = ids.len().saturating_sub(shown.len());
    if rest == 0 {
        shown.join(", ")
    } else {
        format!("{} and {rest} more", shown.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use causeway_engine::MemoryRows;

    #[test]
    fn frames_are_counted_by_section_and_what_is_none_is_said_to_be_none() {
        let rows = MemoryRows::default();
        let said = |body: &str| content(Names(&rows), body.as_bytes());
        let sync = r#"{"msg":{"topic":"sharedchannel_sync","payload":{"channel_id":"c","posts":[1,2],"users":{"a":1},"reactions":null}}}"#;
        assert_eq!(said(sync), "2 posts, 1 user for channel c");
        assert_eq!(said("<html>"), "6 bytes that are not a frame");
        assert_eq!(said(r#"{"msg":7}"#), "9 bytes that are not a frame");
        let direct = r#"{"msg":{"topic":"sharedchannel_invite","payload":{"channel_id":"c","type":"D","name":"n","direct_participant_ids":["a","b"]}}}"#;
        assert_eq!(
            said(direct),
            "the invitation to a direct channel of 2 people"
        );
        for (is_shared, expected) in [
            ("true", "the news that channel c is shared"),
            ("false", "the news that channel c is no longer shared"),
            (
                "7",
                "the news that channel c is in a state that is not stated",
            ),
        ] {
            let state = format!(
                r#"{{"msg":{{"topic":"sharedchannel_state","payload":{{"channel_id":"c","is_shared":{is_shared}}}}}}}"#
            );
            assert_eq!(said(&state), expected);
        }
        let other = r#"{"msg":{"topic":"new\u0007s","payload":[]}}"#;
        assert_eq!(said(other), "a message with the topic new\\u{7}s");
    }

    #[test]
    fn answers_tell_refusals_of_the_whole_from_those_of_posts() {
        let of = |status, body: &str| Answer::of(status, body.as_bytes());
        let errors = of(200, r#"{"status":"OK","payload":{"post_errors":["p",7]}}"#);
        assert_eq!(
            (errors.refusal, errors.post_errors),
            (None, vec!["p".to_string()])
        );
        let failed = of(200, r#"{"status":"FAIL","err":"no"}"#).refusal;
        assert_eq!(failed.as_deref(), Some("no"));
        let busy = of(503, r#"{"message":"later"}"#).refusal;
        assert_eq!(busy.as_deref(), Some("HTTP 503: later"));
        assert!(of(200, "<html>").refusal.is_some());
    }

    #[test]
    fn long_lists_are_cut() {
        let ids: Vec<String> = (0..7).map(|it| it.to_string()).collect();
        assert_eq!(listed(&ids), "0, 1, 2, 3, 4 and 2 more");
    }
}
