//! The WebSocket: its first messages, its limits, and that every close gives a reason.

use anyhow::{Context, Result};
use causeway::hub::LINES_PER_USER_MAX;
use causeway_tests::client::Client;
use causeway_tests::hosted::Hosted;
use causeway_tests::websocket::Ws;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data};

async fn open(client: &Client) -> Result<(Ws, Value)> {
    let mut socket = Ws::open(client, "").await?;
    let hello = socket.json().await?;
    assert_eq!(
        (&hello["event"], &hello["seq"]),
        (&json!("hello"), &json!(0))
    );
    Ok((socket, hello))
}

#[tokio::test]
async fn hello_comes_before_the_reply_to_a_challenge_of_either_kind() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    let stranger = Client::new(hosted.url());
    let challenge = Ws::challenge(hosted.side.admin.token().context("no session")?);
    for message in [
        Message::text(challenge.clone()),
        Message::binary(challenge.into_bytes()),
    ] {
        let mut socket = Ws::open(&stranger, "").await?;
        socket.send(message).await?;
        assert_eq!(socket.json().await?["event"], "hello");
        let reply = socket.json().await?;
        assert_eq!(
            (&reply["status"], &reply["seq_reply"]),
            (&json!("OK"), &json!(1))
        );
    }
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn every_fault_has_its_code_and_reason() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    let reserved = Data::Reserved(5);
    let cases: [(Data, &[u8], u16); 6] = [
        (Data::Text, &[b' '; 8 * 1024 + 1], 1009),
        (Data::Text, b"{", 1007),
        // A lone surrogate: as an escape, and as bytes that are not valid UTF-8.
        (Data::Text, br#"{"seq":1,"action":"\ud800"}"#, 1007),
        (Data::Text, b"{\"seq\":1,\"action\":\"\xed\xa0\x80\"}", 1007),
        (Data::Binary, b"\x82\xa3seq\x01", 1003),
        (reserved, b"{}", 1002),
    ];
    for (kind, bytes, code) in cases {
        let (mut socket, _) = open(&hosted.side.admin).await?;
        socket.send_data(kind, bytes).await?;
        let (found, reason) = socket.ending().await?;
        assert_eq!(
            (found, reason.is_empty()),
            (code, false),
            "{kind:?} {reason}"
        );
    }
    let stranger = Client::new(hosted.url());
    for (message, code) in [
        (Ws::challenge("nobody"), 1008),
        ("no challenge".to_string(), 1007),
    ] {
        let mut socket = Ws::open(&stranger, "").await?;
        socket.send(Message::text(message)).await?;
        assert_eq!(socket.ending().await?.0, code);
    }
    // A message of the maximum length, and a binary one that contains text, are answered.
    let (mut socket, _) = open(&hosted.side.admin).await?;
    let ping = r#"{"seq":1,"action":"ping"}"#;
    let padded = format!("{ping:<width$}", width = 8 * 1024);
    socket.send(Message::text(padded)).await?;
    assert_eq!(socket.reply().await?["data"]["text"], "pong");
    socket
        .send(Message::binary(ping.as_bytes().to_vec()))
        .await?;
    assert_eq!(socket.reply().await?["data"]["text"], "pong");
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_clients_close_is_answered_and_its_socket_counts_no_longer() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    for _ in 0..2 {
        let mut sockets = Vec::new();
        for _ in 0..LINES_PER_USER_MAX {
            sockets.push(open(&hosted.side.admin).await?.0);
        }
        let mut one_more = Ws::open(&hosted.side.admin, "").await?;
        assert_eq!(one_more.ending().await?.0, 1013);
        for socket in &mut sockets {
            let frame = CloseFrame {
                code: CloseCode::Normal,
                reason: "done".into(),
            };
            socket.send(Message::Close(Some(frame))).await?;
            assert_eq!(socket.ending().await?.0, 1000);
        }
    }
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_resumed_socket_ends_with_the_session_that_resumed_it() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    let ann = hosted.user("ann").await?;
    let again = hosted.session(&ann).await?;
    let (mut first, hello) = open(&ann).await?;
    let id = hello["data"]["connection_id"].as_str().context("no id")?;
    let query = format!("?connection_id={id}&sequence_number=1");
    let mut second = Ws::open(&again, &query).await?;
    assert_eq!(first.ending().await?, (1008, "resumed elsewhere".into()));
    ann.post("/users/logout", json!({})).await?;
    let ping = Message::text(r#"{"seq":1,"action":"ping"}"#);
    second.send(ping).await?;
    assert_eq!(second.reply().await?["data"]["node_id"], id);
    again.post("/users/logout", json!({})).await?;
    assert_eq!(second.ending().await?, (1008, "the session ended".into()));
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_large_event_comes_whole() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    let (mut socket, _) = open(&hosted.side.admin).await?;
    let props = json!({ "a": "\u{e9}\"".repeat(40_000) });
    let body = json!({ "channel_id": hosted.side.town_square, "message": "m", "props": props });
    hosted.side.admin.post("/posts", body).await?;
    loop {
        let event = socket.json().await?;
        if event["event"] == "posted" {
            let text = event["data"]["post"].as_str().context("no post")?;
            let post: Value = serde_json::from_str(text)?;
            assert_eq!(post["props"], props);
            break;
        }
    }
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn who_does_not_read_loses_the_socket_and_holds_nothing() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    let ann = hosted.user("ann").await?;
    let (mut slow, _) = open(&ann).await?;
    let hub = &hosted.running().app.hub;
    let lines = hub.lines();
    let props = json!({ "a": "x".repeat(160_000) });
    let mut most = 0;
    while hub.lines() == lines {
        let body = json!({ "channel_id": hosted.side.town_square, "message": "m", "props": props });
        hosted.side.admin.post("/posts", body).await?;
        most = most.max(hub.held_bytes());
    }
    assert!(most <= causeway::hub::BYTES_MAX, "{most}");
    // The event being written.
    assert!(hub.held_bytes() <= 2 * 170_000, "{}", hub.held_bytes());
    assert_eq!(slow.ending().await?, (1008, "too slow".into()));
    hosted.stop().await;
    Ok(())
}
