//! What integrations say: the payload of a webhook, or the answer to a command.

use axum::http::HeaderMap;
use axum::http::header::CONTENT_TYPE;
use causeway_kernel::model::limits::MESSAGE_CHARS_MAX;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::marks::{FROM_WEBHOOK, with_mark};

/// Maximum further messages in one answer; the others are left out.
const EXTRA_RESPONSES_MAX: usize = 5;

/// A message of an integration. Keys that are not listed are ignored, among them those that would show it under
/// another name or picture than its author's.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Message {
    text: Option<String>,
    attachments: Option<Vec<Value>>,
    props: Option<Map<String, Value>>,
    skip_slack_parsing: bool,
    extra_responses: Option<Vec<Message>>,
    /// `in_channel`, or who called alone sees it.
    pub response_type: Option<String>,
    /// Where the client goes next.
    pub goto_location: Option<String>,
    /// Name of the channel, for webhooks.
    pub channel: Option<String>,
    /// Its priority, for webhooks; an object like that of a client's post.
    pub priority: Option<Value>,
}

impl Message {
    /// Reads a body: a JSON object if it says so, else text. `None` for what is no JSON object.
    #[must_use]
    pub fn read(headers: &HeaderMap, body: &[u8]) -> Option<Message> {
        let kind = headers.get(CONTENT_TYPE).and_then(|it| it.to_str().ok());
        let kind = kind.unwrap_or_default().split(';').next();
        if kind.unwrap_or_default().trim() == "application/json" {
            return Message::of_json(body);
        }
        Some(Message {
            text: Some(String::from_utf8_lossy(body).into_owned()),
            ..Message::default()
        })
    }

    /// Reads a JSON object.
    #[must_use]
    pub fn of_json(body: &[u8]) -> Option<Message> {
        let is_object = body.trim_ascii_start().starts_with(b"{");
        is_object.then(|| serde_json::from_slice(body).ok())?
    }

    /// The message and those that follow it in the same answer.
    #[must_use]
    pub fn in_order(mut self) -> Vec<Message> {
        let mut further = self.extra_responses.take().unwrap_or_default();
        further.truncate(EXTRA_RESPONSES_MAX);
        further.insert(0, self);
        further
    }

    /// Whether it says nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let has_text = self
            .text
            .as_ref()
            .is_some_and(|text| !text.trim().is_empty());
        !has_text && self.attachments.as_ref().is_none_or(Vec::is_empty)
    }

    /// Whether everybody in the channel is to see it.
    #[must_use]
    pub fn is_for_channel(&self) -> bool {
        self.response_type.as_deref() == Some("in_channel")
    }

    /// The text of its post.
    #[must_use]
    pub fn text(&self) -> String {
        let text = self.text.as_deref().unwrap_or_default();
        // What is too long for a post is refused as it is.
        if self.skip_slack_parsing || text.len() > MESSAGE_CHARS_MAX * 4 {
            text.to_string()
        } else {
            markdown(text)
        }
    }

    /// The properties of its post, JSON text.
    #[must_use]
    pub fn props(&self) -> Map<String, Value> {
        let mut props = self.props.clone().unwrap_or_default();
        if let Some(attachments) = &self.attachments {
            props.insert("attachments".into(), attachments.clone().into());
        }
        with_mark(FROM_WEBHOOK, props)
    }

    /// The text for a reader whose message has no properties: of each attachment what it says in plain text, as much of
    /// it as fits in a message.
    #[must_use]
    pub fn plain_text(&self) -> String {
        let attachments = self.attachments.iter().flatten();
        let plain = |attachment: &Value| {
            let text = |key: &str| {
                attachment
                    .get(key)?
                    .as_str()
                    .filter(|text| !text.is_empty())
            };
            text("fallback")
                .or(text("text"))
                .or(text("title"))
                .map(str::to_string)
        };
        let mut parts = vec![self.text()];
        parts.extend(attachments.filter_map(plain));
        parts.retain(|part| !part.is_empty());
        beginning(&parts.join("\n"))
    }
}

/// As much of a text as fits in a message.
#[must_use]
pub fn beginning(text: &str) -> String {
    text.chars().take(MESSAGE_CHARS_MAX).collect()
}

/// A text in the notation of Slack, which many programs use: `<https://…|words>` and `<!here>`. Every byte is looked at
/// once.
fn markdown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once('<') {
        shown.push_str(before);
        let end = inside.find(['<', '>', '\n']).unwrap_or(inside.len());
        let (marked, after) = inside.split_at(end);
        let link = after
            .strip_prefix('>')
            .and_then(|after| Some((of_marked(marked)?, after)));
        match link {
            Some((link, after)) => {
                shown.push_str(&link);
                rest = after;
            }
            None => {
                shown.push('<');
                shown.push_str(marked);
                rest = after;
            }
        }
    }
    shown.push_str(rest);
    shown
}

fn of_marked(marked: &str) -> Option<String> {
    match marked {
        "!here" => return Some("@here".into()),
        "!channel" => return Some("@channel".into()),
        "!everyone" => return Some("@all".into()),
        _ => {}
    }
    let is_link = |it: &str| it.starts_with("https://") || it.starts_with("http://");
    let (link, words) = marked.split_once('|').filter(|(link, _)| is_link(link))?;
    Some(format!("[{words}]({link})"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn message(value: Value) -> Message {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn the_notation_of_slack_is_understood() {
        for (text, shown) in [
            (
                "done: <https://ci.example/1|build 1>",
                "done: [build 1](https://ci.example/1)",
            ),
            ("<!here> a <!everyone>", "@here a @all"),
            (
                "1 < 2 > 0, <b>, <x|y>, <https://ci.example>",
                "1 < 2 > 0, <b>, <x|y>, <https://ci.example>",
            ),
            ("<https://ci.example|<b>", "<https://ci.example|<b>"),
            ("<<https://ci.example|a>", "<[a](https://ci.example)"),
            ("<", "<"),
        ] {
            assert_eq!(markdown(text), shown);
            let raw = message(json!({ "text": text, "skip_slack_parsing": true }));
            assert_eq!(raw.text(), text);
        }
    }

    #[test]
    fn what_it_says_is_its_post() {
        let said = message(
            json!({ "text": null, "attachments": [{ "text": "t", "fallback": "f" }],
            "props": { "a": 1, "from_webhook": "no", "override_username": "boss" }, "username": "boss", "unknown": [] }),
        );
        assert!(!said.is_empty());
        assert_eq!(said.plain_text(), "f");
        let props = json!({ "a": 1, "from_webhook": "true",
            "attachments": [{ "text": "t", "fallback": "f" }] });
        assert_eq!(Value::from(said.props()), props);
        for silent in [
            json!({}),
            json!({ "text": " " }),
            json!({ "attachments": [] }),
        ] {
            assert!(message(silent).is_empty());
        }
    }

    #[test]
    fn a_body_is_json_only_if_it_says_so() {
        let mut headers = HeaderMap::new();
        let text = Message::read(&headers, b"{\"text\":\"x\"}").unwrap();
        assert_eq!(text.text(), "{\"text\":\"x\"}");
        headers.insert(
            CONTENT_TYPE,
            "application/json; charset=utf-8".parse().unwrap(),
        );
        assert_eq!(
            Message::read(&headers, b"{\"text\":\"x\"}").unwrap().text(),
            "x"
        );
        for other in [&b"{"[..], b"[]", b"[\"x\"]", b"\"x\"", b""] {
            assert!(Message::read(&headers, other).is_none());
        }
    }

    #[test]
    fn a_long_text_costs_no_more_than_its_length() {
        let many = "<".repeat(MESSAGE_CHARS_MAX * 4);
        assert!(markdown(&many) == many);
        let open = format!("{many}>");
        assert!(markdown(&open) == open);
        let long = message(json!({ "text": "é".repeat(MESSAGE_CHARS_MAX + 1) }));
        assert_eq!(long.plain_text().chars().count(), MESSAGE_CHARS_MAX);
    }

    #[test]
    fn only_so_many_messages_follow() {
        let many = vec![json!({ "text": "more", "extra_responses": [{ "text": "deeper" }] }); 9];
        let all = message(json!({ "text": "first", "extra_responses": many })).in_order();
        assert_eq!(all.len(), 1 + EXTRA_RESPONSES_MAX);
        assert_eq!(all[0].text(), "first");
    }
}
