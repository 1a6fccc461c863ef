//! The WebSocket. Client API §9.

use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::extract::ws::rejection::WebSocketUpgradeRejection;
use axum::extract::ws::{CloseFrame, Message, WebSocket, WebSocketUpgrade, close_code};
use axum::http::header::ORIGIN;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::auth::present;
use super::path::Params;
use crate::app::{App, Caller, Shared};
use crate::http::{ApiError, SERVER_VERSION};
use crate::hub::{Frame, Line, Next, numbered};
use crate::vault::Secret;

/// Bytes of a message from a client; a longer one ends the socket. Client API §4.
const MESSAGE_BYTES_MAX: usize = 8192;
/// How long a socket may take to authenticate.
const CHALLENGE_TIMEOUT: Duration = Duration::from_secs(5);
/// How often a client is pinged, and its session looked at again.
const PING_INTERVAL: Duration = Duration::from_secs(60);
/// After this time without a sign of life a client is gone.
const SILENCE_MAX: Duration = Duration::from_secs(100);
/// How long a client may leave a frame unread.
const WRITE_TIMEOUT: Duration = Duration::from_secs(10);

/// Routes of this file.
pub fn routes() -> Router<Shared> {
    Router::new()
        .route("/websocket", get(open))
        .route("/websocket/", get(open))
}

async fn open(
    State(app): State<Shared>,
    headers: HeaderMap,
    params: Params,
    upgrade: Result<WebSocketUpgrade, WebSocketUpgradeRejection>,
) -> Response {
    let Ok(upgrade) = upgrade else {
        return ApiError::new(
            StatusCode::BAD_REQUEST,
            "api.web_socket.connect.upgrade.app_error",
            "This address speaks WebSocket only.",
        )
        .into_response();
    };
    if !origin_allowed(&app, &headers) {
        return ApiError::new(
            StatusCode::FORBIDDEN,
            "api.web_socket.connect.check_origin.app_error",
            "Pages of another origin may not open this WebSocket.",
        )
        .into_response();
    }
    // A credential that is no session any more counts as none: the client may still challenge.
    let caller = present(&headers).and_then(|presented| app.caller(presented.token).ok());
    let resume = Resume {
        id: params.get("connection_id").to_string(),
        sequence: params.get("sequence_number").parse().ok(),
    };
    upgrade
        .max_message_size(MESSAGE_BYTES_MAX)
        .max_frame_size(MESSAGE_BYTES_MAX)
        .on_upgrade(move |socket| run(app, socket, caller, resume))
}

/// Programs send no origin; pages do, and then it must be ours or a configured one.
fn origin_allowed(app: &App, headers: &HeaderMap) -> bool {
    let Some(origin) = headers.get(ORIGIN) else {
        return true;
    };
    let Ok(origin) = origin.to_str() else {
        return false;
    };
    let allowed = &app.settings.allowed_origins;
    origin.eq_ignore_ascii_case(app.settings.origin())
        || allowed
            .iter()
            .any(|known| known.eq_ignore_ascii_case(origin))
}

/// Where a client says it was cut off.
struct Resume {
    id: String,
    sequence: Option<u64>,
}

#[derive(Deserialize)]
struct Request {
    #[serde(default)]
    seq: i64,
    #[serde(default)]
    action: String,
    #[serde(default)]
    data: Value,
}

async fn run(app: Shared, mut socket: WebSocket, caller: Option<Caller>, resume: Resume) {
    let mut answer_to = None;
    let caller = match caller {
        Some(caller) => Some(caller),
        None => match timeout(CHALLENGE_TIMEOUT, challenge(&app, &mut socket)).await {
            Ok(Some((caller, seq))) => {
                answer_to = Some(seq);
                Some(caller)
            }
            _ => None,
        },
    };
    let Some(caller) = caller else {
        close(&mut socket, close_code::POLICY, "not authenticated").await;
        return;
    };
    let resumed = resume.sequence.and_then(|from| {
        app.hub
            .resume(&resume.id, caller.user, caller.session.id, from)
    });
    let opened = resumed.or_else(|| app.hub.open(caller.user, caller.session.id, hello));
    let Some((line, number)) = opened else {
        close(&mut socket, close_code::AGAIN, "too many connections").await;
        return;
    };
    converse(&app, &mut socket, &caller, (&line, number), answer_to).await;
    line.detach(number);
    // The client may be gone already; there is nobody to tell then.
    let _ = timeout(WRITE_TIMEOUT, socket.send(Message::Close(None))).await;
}

/// Waits for the first message, which must be a challenge with a good token.
async fn challenge(app: &App, socket: &mut WebSocket) -> Option<(Caller, i64)> {
    loop {
        let text = match socket.recv().await?.ok()? {
            Message::Text(text) => text,
            Message::Close(_) => return None,
            _ => continue,
        };
        let request: Request = serde_json::from_str(text.as_str()).ok()?;
        if request.action == "authentication_challenge" {
            let token = request.data.get("token")?.as_str()?;
            let caller = app.caller(Secret::new(token)).ok()?;
            return Some((caller, request.seq));
        }
    }
}

/// Carries frames out and requests in until one side ends it.
async fn converse(
    app: &App,
    socket: &mut WebSocket,
    caller: &Caller,
    (line, number): (&Line, u64),
    answer_to: Option<i64>,
) {
    // `hello` goes out before the reply to the challenge.
    if let Some(seq) = answer_to {
        let first = timeout(Duration::ZERO, line.next(number)).await;
        if let Ok(next) = first
            && send_next(socket, next).await.is_break()
        {
            return;
        }
        if send(socket, reply(seq, None)).await.is_break() {
            return;
        }
    }
    let mut heard = Instant::now();
    let mut pings = tokio::time::interval(PING_INTERVAL);
    pings.reset();
    loop {
        let flow = tokio::select! {
            next = line.next(number) => send_next(socket, next).await,
            message = socket.recv() => {
                heard = Instant::now();
                match message {
                    Some(Ok(message)) => receive(socket, &line.id, message).await,
                    _ => ControlFlow::Break(()),
                }
            }
            _ = pings.tick() => {
                let alive = heard.elapsed() < SILENCE_MAX
                    && app.caller(caller.token.clone()).is_ok();
                if alive { send(socket, Message::Ping(Vec::new().into())).await }
                else { ControlFlow::Break(()) }
            }
        };
        if flow.is_break() {
            return;
        }
    }
}

async fn send_next(socket: &mut WebSocket, next: Next) -> ControlFlow<()> {
    match next {
        Next::Frame(frame, number) => send(socket, Message::text(numbered(&frame, number))).await,
        Next::Closed => ControlFlow::Break(()),
    }
}

async fn send(socket: &mut WebSocket, message: Message) -> ControlFlow<()> {
    match timeout(WRITE_TIMEOUT, socket.send(message)).await {
        Ok(Ok(())) => ControlFlow::Continue(()),
        _ => ControlFlow::Break(()),
    }
}

async fn close(socket: &mut WebSocket, code: u16, reason: &'static str) {
    let frame = CloseFrame {
        code,
        reason: reason.into(),
    };
    // The client may be gone already; there is nobody to tell then.
    let _ = timeout(WRITE_TIMEOUT, socket.send(Message::Close(Some(frame)))).await;
}

/// Answers one message of a client.
async fn receive(socket: &mut WebSocket, connection_id: &str, message: Message) -> ControlFlow<()> {
    let text = match message {
        Message::Text(text) => text,
        Message::Close(_) => return ControlFlow::Break(()),
        // Pings are answered below us; no client speaks the binary encoding.
        Message::Binary(_) | Message::Ping(_) | Message::Pong(_) => {
            return ControlFlow::Continue(());
        }
    };
    let Ok(request) = serde_json::from_str::<Request>(text.as_str()) else {
        return ControlFlow::Break(());
    };
    match answer(&request, connection_id) {
        Some(message) => send(socket, message).await,
        None => ControlFlow::Continue(()),
    }
}

fn answer(request: &Request, connection_id: &str) -> Option<Message> {
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
        // What other people would see of these is not offered; the client needs only the answer.
        "user_typing" | "user_update_active_status" | "presence" | "posted_notify_ack" => {
            reply(seq, None)
        }
        "get_statuses" | "get_statuses_by_ids" => reply(seq, Some(json!({}))),
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

fn reply(seq: i64, data: Option<Value>) -> Message {
    let mut body = json!({ "status": "OK", "seq_reply": seq });
    if let (Some(data), Some(object)) = (data, body.as_object_mut()) {
        object.insert("data".to_string(), data);
    }
    Message::text(format!("{body}\n"))
}

fn fault(seq: Option<i64>, id: &str, message: &str) -> Message {
    let error = json!({
        "id": id, "message": message, "detailed_error": "", "status_code": 400,
    });
    let mut body = json!({ "status": "FAIL", "error": error });
    if let (Some(seq), Some(object)) = (seq, body.as_object_mut()) {
        object.insert("seq_reply".to_string(), seq.into());
    }
    Message::text(format!("{body}\n"))
}

fn hello(connection_id: &str) -> Frame {
    let data = json!({ "server_version": SERVER_VERSION, "connection_id": connection_id });
    let broadcast = r#"{"omit_users":null,"user_id":"","channel_id":"","team_id":"","connection_id":"","omit_connection_id":""}"#;
    Frame::from(format!(
        "{{\"event\":\"hello\",\"data\":{data},\"broadcast\":{broadcast}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(text: &str) -> Option<Value> {
        let request: Request = serde_json::from_str(text).unwrap();
        let Message::Text(text) = answer(&request, "c1")? else {
            panic!("not text")
        };
        Some(serde_json::from_str(text.as_str()).unwrap())
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

    #[test]
    fn hello_is_a_frame_that_can_be_numbered() {
        let text = numbered(&hello("c1"), 0);
        let value: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(value["event"], "hello");
        assert_eq!(value["seq"], 0);
        assert_eq!(value["data"]["connection_id"], "c1");
        assert!(text.ends_with('\n'));
    }
}
