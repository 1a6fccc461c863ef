//! A running workspace as seen from the command line: its REST API with an administrator's session.

use std::io::{BufRead, IsTerminal, Read};
use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail};
use axum::http::header::{AUTHORIZATION, CONTENT_TYPE};
use axum::http::{HeaderValue, Method, Request, StatusCode};
use bytes::Bytes;
use clap::Args;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Client, ResponseFuture};
use hyper_util::rt::TokioExecutor;
use serde_json::{Value, json};

use crate::vault::Secret;

/// How long one request may take; compiling a large policy takes seconds.
const TIMEOUT: Duration = Duration::from_secs(120);
/// Maximum bytes of a response.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// Maximum bytes of a password that is typed or piped in.
const PASSWORD_LINE_BYTES_MAX: u64 = 1024;

/// Which workspace, and as whom.
#[derive(Debug, Args)]
pub struct RemoteArgs {
    /// URL of the running workspace.
    #[arg(
        long,
        env = "CAUSEWAY_URL",
        default_value = "http://127.0.0.1:8065",
        global = true
    )]
    pub url: String,
    /// Session token of an administrator.
    #[arg(long, env = "CAUSEWAY_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// Log in as this administrator instead; the password is read from CAUSEWAY_PASSWORD, or
    /// from standard input.
    #[arg(long, env = "CAUSEWAY_LOGIN", conflicts_with = "token", global = true)]
    pub login: Option<String>,
}

/// A session on a running workspace.
pub struct Remote {
    url: String,
    token: Secret,
    /// Whether the session was created here and must be ended here.
    own_session: bool,
    transport: Transport,
}

/// How the workspace is reached. Certificates are loaded only if they are needed: a machine may have none.
enum Transport {
    Plain(Client<HttpConnector, Full<Bytes>>),
    Tls(Client<HttpsConnector<HttpConnector>, Full<Bytes>>),
}

impl Transport {
    fn to(url: &str) -> Result<Transport> {
        let builder = Client::builder(TokioExecutor::new());
        let scheme = url.split("://").next().unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("https") {
            return Ok(Transport::Plain(builder.build_http()));
        }
        let connector = HttpsConnectorBuilder::new()
            .with_native_roots()
            .context("reading the system's certificates")?
            .https_only()
            .enable_http1()
            .build();
        Ok(Transport::Tls(builder.build(connector)))
    }

    fn request(&self, request: Request<Full<Bytes>>) -> ResponseFuture {
        match self {
            Transport::Plain(client) => client.request(request),
            Transport::Tls(client) => client.request(request),
        }
    }
}

/// Does something in a session, which is ended even if it fails.
pub async fn in_session<R>(
    args: &RemoteArgs,
    act: impl AsyncFnOnce(&Remote) -> Result<R>,
) -> Result<R> {
    let remote = Remote::open(args).await?;
    let done = act(&remote).await;
    let closed = remote.close().await;
    let done = done?;
    closed?;
    Ok(done)
}

/// A text of a response; empty if it is missing.
pub fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value.get(key).and_then(Value::as_str).unwrap_or_default()
}

impl Remote {
    /// Opens a session, or uses the given one.
    async fn open(args: &RemoteArgs) -> Result<Remote> {
        // clap does not compare options before a verb with those after it.
        if args.token.is_some() && args.login.is_some() {
            bail!("give an administrator's --token or --login, not both");
        }
        let mut remote = Remote {
            url: args.url.trim_end_matches('/').to_string(),
            token: Secret::new(args.token.clone().unwrap_or_default()),
            own_session: false,
            transport: Transport::to(&args.url)?,
        };
        if let Some(login) = &args.login {
            let password = read_password("CAUSEWAY_PASSWORD", &format!("password of {login}"))?;
            let body = json!({ "login_id": login, "password": password.expose() });
            let (_, token) = remote
                .request(Method::POST, "/users/login", Some(&body))
                .await?;
            remote.token = token.context("the login returned no token")?;
            remote.own_session = true;
        }
        if remote.token.is_empty() {
            bail!("give an administrator's --token, or --login");
        }
        Ok(remote)
    }

    /// Ends the session if it was created here.
    async fn close(self) -> Result<()> {
        if self.own_session {
            self.call(Method::POST, "/users/logout", None).await?;
        }
        Ok(())
    }

    /// Sends a request below `/api/v4`; returns the body of a success.
    pub async fn call(&self, method: Method, path: &str, body: Option<&Value>) -> Result<Value> {
        Ok(self.request(method, path, body).await?.0)
    }

    async fn request(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<(Value, Option<Secret>)> {
        let bytes = body.map(Value::to_string).unwrap_or_default();
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v4{path}", self.url))
            .header(CONTENT_TYPE, "application/json");
        if !self.token.is_empty() {
            let mut value = HeaderValue::from_str(&format!("Bearer {}", self.token.expose()))?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        let request = request.body(Full::new(Bytes::from(bytes)))?;
        let answer = tokio::time::timeout(TIMEOUT, self.transport.request(request))
            .await
            .map_err(|_| anyhow!("{} did not answer within {TIMEOUT:?}", self.url))?
            .with_context(|| format!("calling {}", self.url))?;
        let status = answer.status();
        let token = answer
            .headers()
            .get("token")
            .and_then(|it| it.to_str().ok())
            .map(Secret::new);
        let body = Limited::new(answer.into_body(), ANSWER_BYTES_MAX).collect();
        let body = body
            .await
            .map_err(|error| anyhow!("reading the response: {error}"))?
            .to_bytes();
        let value: Value = serde_json::from_slice(&body).unwrap_or(Value::Null);
        if !status.is_success() {
            let message = value.get("message").and_then(Value::as_str);
            let message = message.unwrap_or("the workspace refused the request");
            return Err(Refused {
                status,
                message: message.to_string(),
            }
            .into());
        }
        Ok((value, token))
    }
}

/// The workspace refused a request.
#[derive(Debug, thiserror::Error)]
#[error("{message} ({status})")]
pub struct Refused {
    /// The status of its answer.
    pub status: StatusCode,
    message: String,
}

/// A password from the environment, or the first line of standard input.
pub fn read_password(variable: &str, what: &str) -> Result<Secret> {
    if let Ok(password) = std::env::var(variable) {
        return Ok(Secret::new(password));
    }
    if std::io::stdin().is_terminal() {
        eprintln!("{what} (shown as you type):");
    }
    let mut line = String::new();
    let mut input = std::io::stdin().lock().take(PASSWORD_LINE_BYTES_MAX);
    input.read_line(&mut line).context("reading the password")?;
    let password = line.trim_end_matches(['\r', '\n']);
    if password.is_empty() {
        bail!("no password: set {variable}, or give it on standard input");
    }
    Ok(Secret::new(password))
}
