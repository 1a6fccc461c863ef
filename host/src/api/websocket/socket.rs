//! A WebSocket as the service uses it: receives texts, sends events and replies, closes with a reason.

use std::time::Duration;

use futures_util::{SinkExt, StreamExt};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::Frame as Part;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{CloseCode, Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Bytes, Error, Message, Utf8Bytes};

use crate::hub::EventFrame;

/// Maximum bytes of a message from a client; a longer one ends the socket. Client API §4.
const MESSAGE_BYTES_MAX: usize = 8192;
/// Bytes buffered of a client's data.
const READ_BUFFER_BYTES: usize = 4 * 1024;
/// Bytes of an event that are sent at once; a longer one is sent in several protocol frames, so that a slow
/// client holds this much of it instead of a copy of the whole.
const PART_BYTES: usize = 16 * 1024;
/// How long a client may take for the closing handshake.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(10);

/// Why a socket ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum End {
    /// The client closed it, or has disconnected.
    Client,
    /// We close it: code and reason.
    Ours(CloseCode, &'static str),
}

/// An open WebSocket.
pub struct Socket(WebSocketStream<TokioIo<Upgraded>>);

impl Socket {
    /// Takes over a connection whose request was answered with 101.
    pub async fn new(upgraded: Upgraded) -> Socket {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER_BYTES)
            .write_buffer_size(0)
            .max_message_size(Some(MESSAGE_BYTES_MAX))
            .max_frame_size(Some(MESSAGE_BYTES_MAX));
        let io = TokioIo::new(upgraded);
        Socket(WebSocketStream::from_raw_socket(io, Role::Server, Some(config)).await)
    }

    /// The next text. Binary messages are read as text, because some clients send theirs that way. The
    /// library answers pings. `None` for a message that only shows that the client is alive.
    ///
    /// # Errors
    /// When the socket ends.
    pub async fn receive(&mut self) -> Result<Option<String>, End> {
        match self.0.next().await {
            Some(Ok(Message::Text(text))) => Ok(Some(text.to_string())),
            Some(Ok(Message::Binary(bytes))) => match String::from_utf8(bytes.into()) {
                Ok(text) => Ok(Some(text)),
                Err(_) => Err(End::Ours(
                    CloseCode::Unsupported,
                    "binary messages must hold JSON text",
                )),
            },
            Some(Ok(Message::Close(_))) | None => Err(End::Client),
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
            Some(Err(error)) => Err(end_of(&error)),
        }
    }

    /// Sends a reply.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn send(&mut self, text: String) -> Result<(), End> {
        self.write(Message::text(text)).await
    }

    /// Pings the client.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn ping(&mut self) -> Result<(), End> {
        self.write(Message::Ping(Bytes::new())).await
    }

    /// Sends an event.
    ///
    /// # Errors
    /// When the client is gone.
    pub async fn send_event(&mut self, frame: &EventFrame, number: u64) -> Result<(), End> {
        if frame.bytes() <= PART_BYTES {
            return self.send(frame.text(number)).await;
        }
        let mut kind = Data::Text;
        let mut shared = frame.shared.clone();
        while !shared.is_empty() {
            let part = shared.split_to(PART_BYTES.min(shared.len()));
            let part = Part::message(part, OpCode::Data(kind), false);
            self.write(Message::Frame(part)).await?;
            kind = Data::Continue;
        }
        let end = Part::message(frame.end(number), OpCode::Data(kind), true);
        self.write(Message::Frame(end)).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        self.0.send(message).await.map_err(|error| end_of(&error))
    }

    /// Ends the socket: completes the client's close, or sends ours.
    pub async fn close(mut self, end: End) {
        let closing = async {
            match end {
                // The reply is already written, but not flushed.
                End::Client => self.0.flush().await,
                End::Ours(code, reason) => {
                    let reason = Utf8Bytes::from_static(reason);
                    self.0.close(Some(CloseFrame { code, reason })).await
                }
            }
        };
        // The client may be gone already; that is not an error.
        let _ = timeout(CLOSE_TIMEOUT, closing).await;
    }
}

/// What a failed read or write means. Clients are only informed of their own errors.
fn end_of(error: &Error) -> End {
    match error {
        Error::Capacity(_) => End::Ours(CloseCode::Size, "messages may have at most 8192 bytes"),
        Error::Utf8(_) => End::Ours(CloseCode::Invalid, "text messages must be UTF-8"),
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake) => End::Client,
        Error::Protocol(_) => End::Ours(CloseCode::Protocol, "not the WebSocket protocol"),
        _ => End::Client,
    }
}
