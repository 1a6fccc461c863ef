//! A WebSocket client that exposes every message, and how the socket ends.

use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use serde_json::{Value, json};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::{Bytes, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async};

use crate::client::Client;

/// How long the other side may take; far above what it needs.
const PATIENCE: Duration = Duration::from_secs(60);

/// An open socket.
pub struct Ws(WebSocketStream<MaybeTlsStream<TcpStream>>);

impl Ws {
    /// Opens a socket; `query` is appended to the path. With a session, the request contains it.
    pub async fn open(client: &Client, query: &str) -> Result<Ws> {
        let site = client.site_url().replacen("http", "ws", 1);
        let mut request = format!("{site}/api/v4/websocket{query}").into_client_request()?;
        if let Some(token) = client.token() {
            let value = format!("Bearer {token}").parse()?;
            request.headers_mut().insert("authorization", value);
        }
        let (socket, _) = timeout(PATIENCE, connect_async(request)).await??;
        Ok(Ws(socket))
    }

    /// The message by which a session authenticates a socket.
    #[must_use]
    pub fn challenge(token: &str) -> String {
        let data = json!({ "token": token });
        json!({ "seq": 1, "action": "authentication_challenge", "data": data }).to_string()
    }

    /// Sends a message.
    pub async fn send(&mut self, message: Message) -> Result<()> {
        self.0.send(message).await.context("sending")
    }

    /// Sends a data frame of any kind and content.
    pub async fn send_data(&mut self, kind: Data, bytes: &[u8]) -> Result<()> {
        let frame = Frame::message(Bytes::copy_from_slice(bytes), OpCode::Data(kind), true);
        self.send(Message::Frame(frame)).await
    }

    /// The next text as JSON.
    pub async fn json(&mut self) -> Result<Value> {
        match self.message().await? {
            Some(Message::Text(text)) => Ok(serde_json::from_str(text.as_str())?),
            other => bail!("no text but {other:?}"),
        }
    }

    /// The next reply to a request; events, which come at their own time, are passed over.
    pub async fn reply(&mut self) -> Result<Value> {
        loop {
            let next = self.json().await?;
            if !next["seq_reply"].is_null() {
                return Ok(next);
            }
        }
    }

    /// Reads to the end of the socket; returns the code and the reason of its close.
    pub async fn ending(&mut self) -> Result<(u16, String)> {
        let mut found = None;
        while let Ok(Some(message)) = self.message().await {
            if let Message::Close(frame) = message {
                found = frame.map(|frame| (frame.code.into(), frame.reason.to_string()));
            }
        }
        found.context("no close frame that says why")
    }

    async fn message(&mut self) -> Result<Option<Message>> {
        let next = timeout(PATIENCE, self.0.next()).await;
        next.context("the socket says nothing")?
            .transpose()
            .context("reading")
    }
}
