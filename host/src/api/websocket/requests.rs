//! Requests that clients send over the WebSocket. Client API §9.2, §9.3.

use serde::Deserialize;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::socket::End;
use crate::http::SERVER_VERSION;

/// A message of a client.
#[derive(Deserialize)]
pub struct SocketRequest {
    /// The client's number of the message.
    #[serde(default)]
    pub seq: i64,
    /// The requested action.
    #[serde(default)]
    pub action: String,
    /// Parameters of the action.
    #[serde(default)]
    pub data: Value,
}

impl SocketRequest {
    /// Parses a message.
    ///
    /// # Errors
    /// The end of the socket if it is not the expected JSON.
    pub fn parse(text: &str) -> Result<SocketRequest, End> {
        serde_json::from_str(text)
            .map_err(|_| End::Ours(CloseCode::Invalid, "messages must be JSON"))
    }
}

/// The reply to a message, if there is one.
pub fn answer(request: &SocketRequest, connection_id: &str) -> Option<String> {
    let seq = request.seq;
    if seq <= 0 {
        return Some(fault(
            None,
            "api.web_socket_router.bad_seq.app_error",
            "Bad sequence number.",
        ));
    }
    Some(match request.action.as_str() {
        "" => fault(
            Some(seq),
            "api.web_socket_router.no_action.app_error",
            "No action.",
        ),
        // A challenge on an authenticated socket is ignored.
        "authentication_challenge" => return None,
        "ping" => reply(
            seq,
            Some(json!({
                "text": "pong",
                "version": SERVER_VERSION,
                "server_time": now_ms(),
                "node_id": connection_id,
            })),
        ),
        // What others are told of it is not the reply's business.
        "user_typing" | "presence" | "posted_notify_ack" => reply(seq, None),
        _ => fault(
            Some(seq),
            "api.web_socket_router.bad_action.app_error",
            "Unknown action.",
        ),
    })
}

fn now_ms() -> u64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

/// A success reply.
pub fn reply(seq: i64, data: Option<Value>) -> String {
    let mut body = json!({ "status": "OK", "seq_reply": seq });
    if let (Some(data), Some(object)) = (data, body.as_object_mut()) {
        object.insert("data".to_string(), data);
    }
    format!("{body}\n")
}

fn fault(seq: Option<i64>, id: &str, message: &str) -> String {
    let error = json!({
        "id": id, "message": message, "detailed_error": "", "status_code": 400,
    });
    let mut body = json!({ "status": "FAIL", "error": error });
    if let (Some(seq), Some(object)) = (seq, body.as_object_mut()) {
        object.insert("seq_reply".to_string(), seq.into());
    }
    format!("{body}\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Option<Value> {
        let request: SocketRequest = serde_json::from_str(text).unwrap();
        Some(serde_json::from_str(&answer(&request, "c1")?).unwrap())
    }

    #[test]
    fn a_ping_is_answered_with_pong() {
        let value = answered(r#"{"seq":3,"action":"ping"}"#).unwrap();
        assert_eq!(value["data"]["text"], "pong");
        assert_eq!(value["seq_reply"], 3);
        assert_eq!(value["status"], "OK");
    }

    #[test]
    fn faults_have_the_ids_of_the_reference() {
        for (text, id) in [
            (
                r#"{"seq":0,"action":"ping"}"#,
                "api.web_socket_router.bad_seq.app_error",
            ),
            (r#"{"seq":1}"#, "api.web_socket_router.no_action.app_error"),
            (
                r#"{"seq":1,"action":"fly"}"#,
                "api.web_socket_router.bad_action.app_error",
            ),
        ] {
            let value = answered(text).unwrap();
            assert_eq!(value["status"], "FAIL");
            assert_eq!(value["error"]["id"], id);
        }
        assert!(answered(r#"{"seq":0}"#).unwrap().get("seq_reply").is_none());
    }

    #[test]
    fn a_second_challenge_is_ignored() {
        assert!(answered(r#"{"seq":9,"action":"authentication_challenge"}"#).is_none());
    }
}
