//! A plain client of REST API v4, as an ordinary program would write it: `serde_json` values in
//! and out, a bearer token, and the error object when a request is refused.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use futures_util::{SinkExt, StreamExt};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;
use hyper::{HeaderMap, Method, Request};
use hyper_util::client::legacy::Client as Pool;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};
use tokio_tungstenite::tungstenite::Message;

/// How long one request may take; far above what any of them needs.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
/// How long an event may take to arrive; far above what any of them needs.
pub const HEARD_WITHIN: Duration = Duration::from_secs(60);

/// An answer: the status, and the body as JSON (`Null` when it is empty or not JSON).
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: u16,
    /// Body.
    pub body: Value,
    /// The body's bytes.
    pub bytes: Bytes,
    /// The headers.
    pub headers: HeaderMap,
    /// The `Token` header of a login.
    pub token: Option<String>,
    /// The `Retry-After` header of a refusal, in seconds.
    pub retry_after_s: Option<u32>,
}

impl Answer {
    /// The body of a success; otherwise an error that quotes the API's.
    pub fn ok(self) -> Result<Value> {
        if (200..300).contains(&self.status) {
            return Ok(self.body);
        }
        bail!(
            "status {}: {} ({})",
            self.status,
            self.body["message"].as_str().unwrap_or("no message"),
            self.body["id"].as_str().unwrap_or("no id"),
        )
    }

    /// The error id of a refusal; empty if there is none.
    #[must_use]
    pub fn error_id(&self) -> &str {
        self.body["id"].as_str().unwrap_or_default()
    }
}

/// A client of one workspace, with or without a session.
#[derive(Clone)]
pub struct Client {
    site_url: String,
    token: Option<String>,
    pool: Pool<HttpConnector, Full<Bytes>>,
}

impl Client {
    /// A client without a session.
    #[must_use]
    pub fn new(site_url: &str) -> Client {
        let pool = Pool::builder(TokioExecutor::new()).build_http();
        Client {
            site_url: site_url.to_string(),
            token: None,
            pool,
        }
    }

    /// A client with the session of this token.
    #[must_use]
    pub fn with_token(&self, token: &str) -> Client {
        Client {
            token: Some(token.to_string()),
            ..self.clone()
        }
    }

    /// The site URL.
    #[must_use]
    pub fn site_url(&self) -> &str {
        &self.site_url
    }

    /// The session's token.
    #[must_use]
    pub fn token(&self) -> Option<&str> {
        self.token.as_deref()
    }

    /// A client with the session of this login.
    pub async fn login(&self, login_id: &str, password: &str) -> Result<Client> {
        let body = json!({ "login_id": login_id, "password": password });
        let answer = self.call(Method::POST, "/users/login", Some(body)).await?;
        let token = answer.token.clone();
        answer
            .ok()
            .with_context(|| format!("logging {login_id} in"))?;
        let token = token.ok_or_else(|| anyhow!("the login gave no Token header"))?;
        Ok(self.with_token(&token))
    }

    /// One request under `/api/v4`.
    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let bytes = body
            .map(|body| body.to_string().into_bytes())
            .unwrap_or_default();
        self.call_bytes(method, path, bytes, &[]).await
    }

    /// One request with a body and headers chosen by the caller; the body is JSON unless they say otherwise.
    pub async fn call_bytes(
        &self,
        method: Method,
        path: &str,
        body: Vec<u8>,
        headers: &[(&str, &str)],
    ) -> Result<Answer> {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v4{path}", self.site_url));
        if !headers.iter().any(|(name, _)| *name == "content-type") {
            request = request.header("content-type", "application/json");
        }
        if let Some(token) = &self.token {
            request = request.header("authorization", format!("Bearer {token}"));
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::from(body)))?;
        let response = tokio::time::timeout(REQUEST_TIMEOUT, self.pool.request(request))
            .await
            .map_err(|_| anyhow!("no answer within {REQUEST_TIMEOUT:?}"))??;
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name)?.to_str().ok();
        let token = header("token").map(str::to_string);
        let retry_after_s = header("retry-after").and_then(|it| it.parse().ok());
        let headers = response.headers().clone();
        let bytes = response.into_body().collect().await?.to_bytes();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Ok(Answer {
            status,
            body,
            bytes,
            headers,
            token,
            retry_after_s,
        })
    }

    /// `GET`; anything but success is an error.
    pub async fn get(&self, path: &str) -> Result<Value> {
        let answer = self.call(Method::GET, path, None).await?;
        answer.ok().with_context(|| format!("GET {path}"))
    }

    /// `POST`; anything but success is an error.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value> {
        let answer = self.call(Method::POST, path, Some(body)).await?;
        answer.ok().with_context(|| format!("POST {path}"))
    }

    /// `PUT`; anything but success is an error.
    pub async fn put(&self, path: &str, body: Value) -> Result<Value> {
        let answer = self.call(Method::PUT, path, Some(body)).await?;
        answer.ok().with_context(|| format!("PUT {path}"))
    }

    /// `DELETE`; anything but success is an error.
    pub async fn delete(&self, path: &str) -> Result<Value> {
        let answer = self.call(Method::DELETE, path, None).await?;
        answer.ok().with_context(|| format!("DELETE {path}"))
    }

    /// Runs a slash command and returns its text.
    pub async fn command(&self, channel_id: &str, command: &str) -> Result<String> {
        let body = json!({ "channel_id": channel_id, "command": command });
        let answer = self.post("/commands/execute", body).await?;
        Ok(answer["text"].as_str().unwrap_or_default().to_string())
    }

    /// Opens the WebSocket and waits for `hello`.
    pub async fn events(&self) -> Result<Events> {
        let token = self.token.as_deref().ok_or_else(|| anyhow!("no session"))?;
        let url = format!(
            "{}/api/v4/websocket",
            self.site_url.replacen("http", "ws", 1)
        );
        let (mut socket, _) = tokio_tungstenite::connect_async(url).await?;
        let challenge = json!({
            "seq": 1, "action": "authentication_challenge", "data": { "token": token },
        });
        socket.send(Message::text(challenge.to_string())).await?;
        let mut events = Events { socket };
        events.next("hello", |_| true, HEARD_WITHIN).await?;
        Ok(events)
    }
}

/// An open WebSocket.
pub struct Events {
    socket: tokio_tungstenite::WebSocketStream<
        tokio_tungstenite::MaybeTlsStream<tokio::net::TcpStream>,
    >,
}

impl Events {
    /// The next event with this name that matches.
    pub async fn next(
        &mut self,
        event: &str,
        matches: impl Fn(&Value) -> bool,
        within: Duration,
    ) -> Result<Value> {
        let found = self.until(event, matches, within).await?.pop();
        found.ok_or_else(|| anyhow!("no {event}"))
    }

    /// All events up to the next one with this name that matches, which is the last of them.
    pub async fn until(
        &mut self,
        event: &str,
        matches: impl Fn(&Value) -> bool,
        within: Duration,
    ) -> Result<Vec<Value>> {
        let mut heard = Vec::new();
        let wait = async {
            while let Some(message) = self.socket.next().await {
                let Message::Text(text) = message? else {
                    continue;
                };
                let value: Value = serde_json::from_str(text.as_str())?;
                let is_it = value["event"] == event && matches(&value);
                heard.push(value);
                if is_it {
                    return Ok(());
                }
            }
            bail!("the socket closed while waiting for {event}")
        };
        tokio::time::timeout(within, wait)
            .await
            .map_err(|_| anyhow!("no {event} within {within:?}"))??;
        Ok(heard)
    }
}
