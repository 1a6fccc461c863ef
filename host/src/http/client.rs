//! The HTTP client for addresses that others chose: those of peers and of integrations.
//!
//! It follows no redirects (they would carry the tokens elsewhere), ignores proxies configured in the
//! environment, requests no compression, and never reads more of a response than its caller can use.

use std::io;
use std::net::IpAddr;
use std::time::Duration;

use axum::http::uri::Scheme;
use axum::http::{HeaderMap, HeaderValue, Request};
use bytes::Bytes;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Full, Limited};
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};

use super::target::{GuardedResolver, NotCalled, TargetPolicy};

/// How the service names itself to servers.
pub const AGENT: HeaderValue =
    HeaderValue::from_static(concat!("Causeway/", env!("CARGO_PKG_VERSION")));

/// How long they are kept. Servers drop them after 60 s by default; a request sent on a dropped one has an
/// unknown outcome, so ours are closed first.
const IDLE_TIMEOUT: Duration = Duration::from_secs(30);
const KEEPALIVE: Duration = Duration::from_secs(30);

/// Why there is no response.
#[derive(Clone, Debug, thiserror::Error)]
pub enum CallError {
    /// No byte of the request reached the server.
    #[error("could not be reached: {0}")]
    NeverLeft(String),
    /// The connection broke or timed out after bytes may have been sent.
    #[error("did not answer: {0}")]
    Unknown(String),
}

/// A response, whatever its status.
#[derive(Debug)]
pub struct Response {
    /// HTTP status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

/// The body of a request.
pub type RequestBody = UnsyncBoxBody<Bytes, io::Error>;

/// How much of a response is used, and how long it may take.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// Time limit for the whole call.
    pub timeout: Duration,
    /// Maximum bytes of its body.
    pub response_bytes_max: usize,
}

type PlainConnector = HttpConnector<GuardedResolver>;

/// The client. A handle; clones share its connections.
#[derive(Clone)]
pub struct GuardedClient {
    plain: Client<PlainConnector, RequestBody>,
    /// `None` if the operating system trusts no certificates at all.
    tls: Option<Client<HttpsConnector<PlainConnector>, RequestBody>>,
    policy: TargetPolicy,
}

impl GuardedClient {
    /// Creates a client with the certificates that the operating system trusts. `idle_per_host_max` connections that
    /// are not used are kept for each server.
    #[must_use]
    pub fn new(
        policy: TargetPolicy,
        connect_timeout: Duration,
        idle_per_host_max: usize,
    ) -> GuardedClient {
        let mut http = HttpConnector::new_with_resolver(GuardedResolver(policy));
        http.set_nodelay(true);
        http.set_keepalive(Some(KEEPALIVE));
        http.set_connect_timeout(Some(connect_timeout));
        let mut builder = Client::builder(TokioExecutor::new());
        builder
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(IDLE_TIMEOUT)
            .pool_max_idle_per_host(idle_per_host_max);
        let plain = builder.build(http.clone());
        http.enforce_http(false);
        let tls = match hyper_rustls::HttpsConnectorBuilder::new().with_native_roots() {
            Ok(roots) => {
                let connector = roots.https_only().enable_http1().wrap_connector(http);
                Some(builder.build(connector))
            }
            Err(error) => {
                tracing::warn!(%error, "no trusted certificates: https addresses cannot be called");
                None
            }
        };
        GuardedClient { plain, tls, policy }
    }

    /// Checks a host that is an IP address, which the resolver never sees. A name is checked when it is
    /// resolved for a call.
    ///
    /// # Errors
    /// Why it must not be called.
    pub fn check(&self, host: &str) -> Result<(), NotCalled> {
        let address = host.trim_start_matches('[').trim_end_matches(']');
        let address = address.parse::<IpAddr>();
        address.map_or(Ok(()), |address| self.policy.check(address))
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// See [`CallError`]; its texts contain no secrets.
    pub async fn send(
        &self,
        request: Request<RequestBody>,
        patience: Patience,
    ) -> Result<Response, CallError> {
        let Patience {
            timeout,
            response_bytes_max,
        } = patience;
        match tokio::time::timeout(timeout, self.exchange(request, response_bytes_max)).await {
            Ok(result) => result,
            Err(_) => Err(CallError::Unknown(format!("no answer within {timeout:?}"))),
        }
    }

    async fn exchange(
        &self,
        request: Request<RequestBody>,
        response_bytes_max: usize,
    ) -> Result<Response, CallError> {
        let host = request.uri().host().unwrap_or_default();
        let judged = self.check(host);
        judged.map_err(|reason| CallError::NeverLeft(reason.to_string()))?;
        let response = match &self.tls {
            _ if request.uri().scheme() == Some(&Scheme::HTTP) => self.plain.request(request),
            Some(client) => client.request(request),
            None => {
                return Err(CallError::NeverLeft(
                    "no certificates are trusted here".into(),
                ));
            }
        };
        let response = response.await.map_err(|error| {
            let text = chain(&error);
            if error.is_connect() {
                CallError::NeverLeft(text)
            } else {
                CallError::Unknown(text)
            }
        })?;
        let (parts, body) = response.into_parts();
        let status = parts.status.as_u16();
        let body = match Limited::new(body, response_bytes_max).collect().await {
            Ok(body) => body.to_bytes(),
            // The body of a refusal is not used.
            Err(_) if status != 200 => Bytes::new(),
            Err(error) => return Err(CallError::Unknown(error.to_string())),
        };
        Ok(Response {
            status,
            headers: parts.headers,
            body,
        })
    }
}

/// A body that is held whole.
pub fn whole(body: Vec<u8>) -> RequestBody {
    Full::new(Bytes::from(body))
        .map_err(|never| match never {})
        .boxed_unsync()
}

/// An error with its causes, which hyper's own texts omit.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
