//! The envelopes: frame, ping, invitation object, API error. Protocol §5.2, §5.3, §6 and §7.1.

use std::borrow::Cow;

use super::json::{Document, JsonError, Value};
use super::write::JsonWriter;
use crate::boundary::output::Refusal;
use crate::rows::id::Id;

/// Topic of the sync messages.
pub const TOPIC_SYNC: &str = "sharedchannel_sync";
/// Topic of the membership messages of 10.10 to 11.5; handled as [`TOPIC_SYNC`].
pub const TOPIC_MEMBERSHIP: &str = "sharedchannel_membership";
/// Topic of profiles without a channel.
pub const TOPIC_GLOBAL_USERS: &str = "sharedchannel_global_user_sync";
/// Topic of a channel invitation.
pub const TOPIC_INVITE: &str = "sharedchannel_invite";
/// Topic of whether a channel is shared; only Causeways send it, to each other.
pub const TOPIC_SHARING_STATE: &str = "sharedchannel_state";
/// Topic that announces a file.
pub const TOPIC_UPLOAD: &str = "sharedchannel_upload";
/// Topic of a ping.
pub const TOPIC_PING: &str = "ping";
/// Topic of a confirmation.
pub const TOPIC_INVITATION: &str = "invitation";

/// A frame with a checked envelope.
#[derive(Debug)]
pub struct Frame<'d> {
    /// The connection named by the frame.
    pub remote_id: Id,
    /// The kind of payload.
    pub topic: String,
    /// The payload.
    pub payload: Value<'d>,
}

/// Checks the envelope in the order of protocol §5.2 (rows 3 to 7; the part of row 3 about invalid JSON is
/// [`Document::parse`], see [`unreadable`]).
pub fn check<'d>(document: &'d Document<'d>, header_id: Id) -> Result<Frame<'d>, Refusal> {
    let root = document
        .root()
        .as_object()
        .map_err(|error| unreadable(&error))?;
    let (remote_id, message) = envelope(root).map_err(|error| unreadable(&error))?;
    let Message { id, topic, payload } = message;
    let (Some(remote_id), Some(_)) = (Id::parse(&remote_id), Id::parse(&id)) else {
        return Err(Refusal::new(
            400,
            "api.remote_cluster.invalid_id.app_error",
            "The frame's remote_id or message id is not an id.",
        ));
    };
    if topic.is_empty() {
        return Err(Refusal::new(
            400,
            "api.remote_cluster.invalid_topic.app_error",
            "The message has no topic.",
        ));
    }
    let Some(payload) = payload else {
        return Err(invalid_payload("PayLoad"));
    };
    if remote_id != header_id {
        return Err(Refusal::new(
            400,
            "api.context.remote_id_invalid.app_error",
            "The frame names another connection than its header.",
        ));
    }
    Ok(Frame {
        remote_id,
        topic: topic.into_owned(),
        payload,
    })
}

/// `msg` as sent.
#[derive(Default)]
struct Message<'d> {
    id: Cow<'d, str>,
    topic: Cow<'d, str>,
    payload: Option<Value<'d>>,
}

/// The frame's `remote_id` and `msg`; an error if a member has the wrong type.
fn envelope<'d>(root: Value<'d>) -> Result<(Cow<'d, str>, Message<'d>), JsonError> {
    let remote_id = root.text("remote_id")?;
    let Some(message) = root.get("msg").filter(|message| !message.is_null()) else {
        return Ok((remote_id, Message::default()));
    };
    let message = message.as_object()?;
    // Not used, but a value of another type makes the body invalid.
    message.integer("create_at")?;
    let message = Message {
        id: message.text("id")?,
        topic: message.text("topic")?,
        payload: message.get("payload"),
    };
    Ok((remote_id, message))
}

/// The refusal of a body that is not a frame.
#[must_use]
pub fn unreadable(error: &JsonError) -> Refusal {
    Refusal::new(
        400,
        "api.unmarshal_error",
        format!("The body is not a frame: {error}."),
    )
}

/// The refusal of a payload that is missing or cannot be parsed.
#[must_use]
pub fn invalid_payload(name: &str) -> Refusal {
    Refusal::new(
        400,
        "api.context.invalid_body_param.app_error",
        format!("Invalid or missing {name} in request body."),
    )
}

/// Writes a frame.
#[must_use]
pub fn encode(remote_id: Id, id: Id, topic: &str, create_at: i64, payload: &[u8]) -> Vec<u8> {
    let mut writer = JsonWriter::new();
    writer.begin_object();
    writer.text_field("remote_id", remote_id.as_str());
    writer.key("msg");
    writer.begin_object();
    writer.text_field("id", id.as_str());
    writer.text_field("topic", topic);
    writer.integer_field("create_at", create_at);
    writer.raw_field("payload", payload);
    writer.end_object();
    writer.end_object();
    writer.finish()
}

/// A ping's payload, and its answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// The sender's clock, in ms; returned unchanged.
    pub sent_at: i64,
    /// The receiver's clock, in ms.
    pub recv_at: i64,
}

impl Ping {
    /// Parses a ping; `null` is read as zeros, as in the reference.
    pub fn decode(value: Value<'_>) -> Result<Ping, JsonError> {
        if value.is_null() {
            return Ok(Ping {
                sent_at: 0,
                recv_at: 0,
            });
        }
        let value = value.as_object()?;
        Ok(Ping {
            sent_at: value.integer("sent_at")?,
            recv_at: value.integer("recv_at")?,
        })
    }

    /// Writes a ping.
    #[must_use]
    pub fn encode(self) -> Vec<u8> {
        let mut writer = JsonWriter::new();
        writer.begin_object();
        writer.integer_field("sent_at", self.sent_at);
        writer.integer_field("recv_at", self.recv_at);
        writer.end_object();
        writer.finish()
    }
}

/// The invitation object: the secret inside a code and the payload of a confirmation.
/// Protocol §7.1.
#[derive(Clone, PartialEq, Eq)]
pub struct Invite {
    /// The connection's id.
    pub remote_id: String,
    /// Team of the writer; empty except in 2021.
    pub remote_team_id: String,
    /// Site URL of the writer.
    pub site_url: String,
    /// In a code the invitation's token, in a confirmation the token that the inviter must present.
    pub token: String,
    /// In a confirmation, the token that the acceptor will present from now on.
    pub refreshed_token: String,
    /// 0 in 2021; 2 = rotates tokens; 3 = also supports PBKDF2.
    pub version: i64,
}

impl Invite {
    /// Parses an invitation object.
    pub fn decode(value: Value<'_>) -> Result<Invite, JsonError> {
        let value = value.as_object()?;
        let text = |key| value.text(key).map(|text| text.into_owned());
        Ok(Invite {
            remote_id: text("remote_id")?,
            remote_team_id: text("remote_team_id")?,
            site_url: text("site_url")?,
            token: text("token")?,
            refreshed_token: text("refreshed_token")?,
            version: value.integer("version")?,
        })
    }

    /// Writes an invitation object, with its keys in the reference's order.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = JsonWriter::new();
        writer.begin_object();
        writer.text_field("remote_id", &self.remote_id);
        writer.text_field("remote_team_id", &self.remote_team_id);
        writer.text_field("site_url", &self.site_url);
        writer.text_field("token", &self.token);
        writer.text_field_if("refreshed_token", &self.refreshed_token);
        if self.version != 0 {
            writer.integer_field("version", self.version);
        }
        writer.end_object();
        writer.finish()
    }
}

/// The API's error object; an empty `request_id` is left out.
#[must_use]
pub fn encode_error(refusal: &Refusal, request_id: &str) -> Vec<u8> {
    let mut writer = JsonWriter::new();
    writer.begin_object();
    writer.text_field("id", &refusal.id);
    writer.text_field("message", &refusal.message);
    writer.text_field("detailed_error", "");
    writer.text_field_if("request_id", request_id);
    writer.integer_field("status_code", i64::from(refusal.status));
    writer.end_object();
    writer.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "yye1rc4rkiu8xnr3ik7h3zxq9h";

    fn refusal(body: &str) -> String {
        let document = Document::parse(body.as_bytes()).unwrap();
        check(&document, Id::parse(ID).unwrap())
            .map(|_| ())
            .unwrap_err()
            .id
    }

    #[test]
    fn envelopes_are_checked_in_the_order_of_the_protocol() {
        assert_eq!(refusal("[]"), "api.unmarshal_error");
        assert_eq!(refusal("{}"), "api.remote_cluster.invalid_id.app_error");
        let with = |rest: &str| format!(r#"{{"remote_id":"{ID}","msg":{{"id":"{ID}"{rest}}}}}"#);
        assert_eq!(
            refusal(&with("")),
            "api.remote_cluster.invalid_topic.app_error"
        );
        let body = with(r#","topic":"t""#);
        assert_eq!(refusal(&body), "api.context.invalid_body_param.app_error");
        let other = with(r#","topic":"t","payload":null"#).replacen(ID, &ID.replace('y', "b"), 1);
        assert_eq!(refusal(&other), "api.context.remote_id_invalid.app_error");
        let good = with(r#","topic":"t","payload":null"#);
        let document = Document::parse(good.as_bytes()).unwrap();
        let frame = check(&document, Id::parse(ID).unwrap()).unwrap();
        assert!(frame.payload.is_null());
        assert_eq!(Ping::decode(frame.payload).unwrap().sent_at, 0);
    }
    #[test]
    fn members_of_another_type_make_the_body_no_frame() {
        for body in [
            r#"{"remote_id":7}"#,
            r#"{"msg":"text"}"#,
            r#"{"msg":{"id":7}}"#,
            r#"{"msg":{"topic":[]}}"#,
            r#"{"msg":{"create_at":"now"}}"#,
            r#"{"msg":{"create_at":1.5}}"#,
        ] {
            assert_eq!(refusal(body), "api.unmarshal_error", "{body}");
        }
        for body in [r#"{"msg":null}"#, r#"{"remote_id":null,"msg":{"id":null}}"#] {
            assert_eq!(refusal(body), "api.remote_cluster.invalid_id.app_error");
        }
    }

    #[test]
    fn ids_are_26_ascii_letters_and_digits() {
        let long = format!("{ID}a");
        // 26 bytes of letters that are not ASCII.
        let foreign = "\u{e9}".repeat(13);
        for id in ["", "short", &long, &foreign, "yye1rc4rkiu8xnr3ik7h3zxq9-"] {
            let body = format!(r#"{{"remote_id":"{ID}","msg":{{"id":"{id}","topic":"t"}}}}"#);
            assert_eq!(
                refusal(&body),
                "api.remote_cluster.invalid_id.app_error",
                "{id}"
            );
        }
    }

    #[test]
    fn an_error_without_a_request_id_leaves_it_out() {
        let refusal = Refusal::new(400, "a.b", "<no>");
        let text = |request_id| String::from_utf8(encode_error(&refusal, request_id)).unwrap();
        assert_eq!(
            text(""),
            r#"{"id":"a.b","message":"\u003cno\u003e","detailed_error":"","status_code":400}"#
        );
        assert!(text("r1").contains(r#""request_id":"r1","status_code""#));
    }
}
