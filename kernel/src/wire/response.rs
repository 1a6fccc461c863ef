//! Answers to `POST …/msg`: the envelope (protocol §6.3) and the sync response (semantics §3.5).

use super::json::{Document, JsonError};
use super::message::UploadSession;
use super::write::JsonWriter;

/// An `err` that contains this ends the sharing at the sender. Semantics §3.9.
pub const NO_LONGER_SHARED: &str = "channel is no longer shared";

/// An `err` that contains this indicates to a Causeway that the other one does not know the channel: a
/// Causeway never drops one, so it was restored to a time before it had it.
pub const UNKNOWN_CHANNEL: &str = "channel not found";

/// An `err` that contains this, in the answer to an invitation, indicates to a Causeway that an administrator of
/// the other one has not decided yet.
pub const AWAITS_CONSENT: &str = "an administrator of the invited workspace has to accept it first";

/// An `err` that contains this, in the answer to an invitation, indicates to a Causeway that the other one could not
/// decide about it: its policies failed.
pub const UNDECIDED: &str = "the invited workspace could not decide about it";

/// The substrings of `err` on which a sender's decisions depend.
pub const SIGNALS: [&str; 4] = [NO_LONGER_SHARED, UNKNOWN_CHANNEL, AWAITS_CONSENT, UNDECIDED];

/// The result of a sync message.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SyncResponse {
    /// Highest `update_at` of an accepted profile.
    pub users_last_update_at: i64,
    /// Ids of refused users; filled only for global messages.
    pub user_errors: Vec<String>,
    /// Ids of stored users.
    pub users_syncd: Vec<String>,
    /// Highest `update_at` of an accepted post.
    pub posts_last_update_at: i64,
    /// Ids of refused posts.
    pub post_errors: Vec<String>,
    /// Highest `update_at` of an accepted reaction.
    pub reactions_last_update_at: i64,
    /// Ids of posts with a reaction that could not be accepted yet. Only Causeways fill it.
    pub reaction_errors: Vec<String>,
    /// Latest time of an accepted acknowledgement.
    pub acknowledgements_last_update_at: i64,
    /// Ids of posts with an acknowledgement that was not accepted; between Causeways, only those that may be
    /// sent again.
    pub acknowledgement_errors: Vec<String>,
    /// Ids of users whose membership could not be changed yet. The reference lists texts here, for nobody to
    /// read; only Causeways list users.
    pub membership_errors: Vec<String>,
    /// Ids of users whose statuses were refused; between Causeways, only those that may be sent again.
    pub status_errors: Vec<String>,
    /// Ids of users whose profiles were not stored yet, as the policies could not decide about them, and by whom
    /// everything else is taken. Only Causeways fill it, for Causeways.
    pub users_undecided: Vec<String>,
}

impl SyncResponse {
    /// Writes the response with the keys of an 11.6 server; older ones ignore unknown keys.
    #[must_use]
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = JsonWriter::new();
        let texts = |writer: &mut JsonWriter, key: &'static str, list: &[String]| {
            writer.texts_field(key, list.iter().map(String::as_str));
        };
        writer.begin_object();
        writer.integer_field("users_last_update_at", self.users_last_update_at);
        texts(&mut writer, "user_errors", &self.user_errors);
        texts(&mut writer, "users_syncd", &self.users_syncd);
        writer.integer_field("posts_last_update_at", self.posts_last_update_at);
        texts(&mut writer, "post_errors", &self.post_errors);
        writer.integer_field("reactions_last_update_at", self.reactions_last_update_at);
        texts(&mut writer, "reaction_errors", &self.reaction_errors);
        writer.integer_field(
            "acknowledgements_last_update_at",
            self.acknowledgements_last_update_at,
        );
        texts(
            &mut writer,
            "acknowledgement_errors",
            &self.acknowledgement_errors,
        );
        if self.status_errors.is_empty() {
            writer.raw_field("status_errors", "null");
        } else {
            texts(&mut writer, "status_errors", &self.status_errors);
        }
        if !self.membership_errors.is_empty() {
            texts(&mut writer, "membership_errors", &self.membership_errors);
        }
        if !self.users_undecided.is_empty() {
            texts(&mut writer, "users_undecided", &self.users_undecided);
        }
        writer.end_object();
        writer.finish()
    }
}

/// The answer to a request that has nothing to tell.
pub const OK: &[u8] = br#"{"status":"OK"}"#;

/// The envelope of a success.
#[must_use]
pub fn encode_ok(payload: Option<&SyncResponse>) -> Vec<u8> {
    let payload = payload.map(SyncResponse::encode).unwrap_or_default();
    encode_envelope("OK", "", &payload)
}

/// The envelope of a refusal by the application.
#[must_use]
pub fn encode_fail(error: &str) -> Vec<u8> {
    encode_envelope("FAIL", error, &[])
}

fn encode_envelope(status: &str, error: &str, payload: &[u8]) -> Vec<u8> {
    let mut writer = JsonWriter::new();
    writer.begin_object();
    writer.text_field("status", status);
    writer.text_field("err", error);
    writer.raw_field("payload", payload);
    writer.end_object();
    writer.finish()
}

/// The answer to the announcement of a file.
#[must_use]
pub fn encode_session(session: &UploadSession) -> Vec<u8> {
    encode_envelope("OK", "", &session.encode(JsonWriter::new()))
}

/// A peer's answer to the announcement of a file, as interpreted by the sender: its session, or the error
/// text of its refusal.
pub fn decode_session(bytes: &[u8]) -> Result<Result<UploadSession, String>, JsonError> {
    let document = Document::parse(bytes)?;
    let root = document.root().as_object()?;
    if root.text("status")? != "OK" {
        return Ok(Err(root.text("err")?.into_owned()));
    }
    match root.get("payload").filter(|payload| !payload.is_null()) {
        Some(payload) => UploadSession::decode(payload).map(Ok),
        None => Ok(Err("answered without a payload".to_string())),
    }
}

/// A peer's answer, as interpreted by the sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `OK`; `None` if the payload is absent or `null`.
    Ok(Option<SyncResponse>),
    /// `FAIL`, or an unknown status; with the peer's error text.
    Fail(String),
}

/// Parses a peer's answer.
pub fn decode(bytes: &[u8]) -> Result<Answer, JsonError> {
    let document = Document::parse(bytes)?;
    let root = document.root().as_object()?;
    if root.text("status")? != "OK" {
        return Ok(Answer::Fail(root.text("err")?.into_owned()));
    }
    let Some(payload) = root.get("payload").filter(|payload| !payload.is_null()) else {
        return Ok(Answer::Ok(None));
    };
    let payload = payload.as_object()?;
    let texts = |key| -> Result<Vec<String>, JsonError> {
        payload
            .list(key)?
            .into_iter()
            .map(|id| Ok(id.as_text()?.into_owned()))
            .collect()
    };
    Ok(Answer::Ok(Some(SyncResponse {
        users_last_update_at: payload.integer("users_last_update_at")?,
        user_errors: texts("user_errors")?,
        users_syncd: texts("users_syncd")?,
        posts_last_update_at: payload.integer("posts_last_update_at")?,
        post_errors: texts("post_errors")?,
        reactions_last_update_at: payload.integer("reactions_last_update_at")?,
        reaction_errors: texts("reaction_errors")?,
        acknowledgements_last_update_at: payload.integer("acknowledgements_last_update_at")?,
        acknowledgement_errors: texts("acknowledgement_errors")?,
        membership_errors: texts("membership_errors")?,
        status_errors: texts("status_errors")?,
        users_undecided: texts("users_undecided")?,
    })))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_read_back_as_written() {
        let response = SyncResponse {
            users_syncd: vec!["u".into()],
            post_errors: vec!["p".into()],
            reaction_errors: vec!["q".into()],
            acknowledgement_errors: vec!["r".into()],
            membership_errors: vec!["m".into()],
            status_errors: vec!["s".into()],
            users_undecided: vec!["w".into()],
            acknowledgements_last_update_at: 8,
            posts_last_update_at: 7,
            ..SyncResponse::default()
        };
        assert_eq!(
            decode(&encode_ok(Some(&response))).unwrap(),
            Answer::Ok(Some(response))
        );
        assert_eq!(decode(&encode_ok(None)).unwrap(), Answer::Ok(None));
        assert_eq!(
            decode(&encode_fail("no")).unwrap(),
            Answer::Fail("no".into())
        );
        assert_eq!(decode(b"{}").unwrap(), Answer::Fail(String::new()));
        assert!(decode(b"<html>").is_err());
        let nulls = br#"{"status":"OK","err":"","payload":{"users_syncd":null}}"#;
        assert_eq!(
            decode(nulls).unwrap(),
            Answer::Ok(Some(SyncResponse::default()))
        );
    }
}
