//! Calling peers. Protocol §4.

use std::time::Duration;

use axum::http::header::{CONTENT_TYPE, USER_AGENT};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request};
use causeway_kernel::boundary::input::Incarnation;
use causeway_kernel::rows::id::Id;

use super::settings::FederationSettings;
use super::site_url::SiteUrl;
use crate::http::client::{
    AGENT, CallError, GuardedClient, Patience, RequestBody, Response, whole,
};
use crate::http::target::{NotCalled, TargetPolicy};
use crate::vault::Secret;

/// Identifies the connection of a request.
pub const REMOTE_ID_HEADER: HeaderName = HeaderName::from_static("x-remotecluster-id");
/// Carries the token of a request.
pub const TOKEN_HEADER: HeaderName = HeaderName::from_static("x-remotecluster-token");
/// Tells another Causeway the incarnation of the sending workspace: its id, a space, its number.
pub const INCARNATION_HEADER: HeaderName = HeaderName::from_static("x-causeway-incarnation");
/// Digest of the whole file whose bytes are sent, in hexadecimal digits; only Causeways compare it.
pub const FILE_DIGEST_HEADER: &str = "x-causeway-file-digest";
/// The base address of the Causeway that pings; it differs from the one the peer knows after a move.
pub const SITE_URL_HEADER: HeaderName = HeaderName::from_static("x-causeway-site-url");

/// Maximum bytes of a response. The response to the largest message, with an error for each of its items, is
/// a fifth of it.
pub const RESPONSE_BYTES_MAX: usize = 1 << 20;

const JSON: HeaderValue = HeaderValue::from_static("application/json");

/// The body of a request.
pub enum Payload {
    /// A frame.
    Frame(Vec<u8>),
    /// The bytes of a file, as the reference sends them: without a type.
    Bytes {
        /// The bytes.
        bytes: RequestBody,
        /// Digest of the whole file.
        digest: String,
    },
    /// A multipart form.
    Form {
        /// What separates its parts.
        boundary: &'static str,
        /// Its bytes.
        body: Vec<u8>,
    },
}

/// A request to a peer.
pub struct Call<'a> {
    /// The peer's base address.
    pub site_url: &'a SiteUrl,
    /// Path below it.
    pub path: &'a str,
    /// The connection.
    pub remote_id: Id,
    /// The token that the peer's gate expects.
    pub token: &'a Secret,
    /// Our incarnation, if the peer is told it.
    pub incarnation: Option<Incarnation>,
    /// Our own base address, where the peer is told.
    pub own_site_url: Option<SiteUrl>,
    /// What is sent.
    pub body: Payload,
    /// Time limit for the whole call.
    pub timeout: Duration,
}

/// Maximum idle connections kept per peer.
const IDLE_PER_HOST_MAX: usize = 2;

/// The client, shared by the whole service.
#[derive(Clone)]
pub struct PeerClient(GuardedClient);

impl PeerClient {
    /// Creates a client.
    #[must_use]
    pub fn new(settings: &FederationSettings) -> PeerClient {
        let policy = TargetPolicy {
            allow_private: settings.allow_private_targets,
            section: "federation",
        };
        PeerClient(GuardedClient::new(
            policy,
            settings.connect_timeout(),
            IDLE_PER_HOST_MAX,
        ))
    }

    /// Checks a host that is an IP address. A name is checked when it is resolved for a call.
    ///
    /// # Errors
    /// Why it must not be called.
    pub fn check(&self, site_url: &SiteUrl) -> Result<(), NotCalled> {
        self.0.check(site_url.host())
    }

    /// Sends a request and reads its response.
    ///
    /// # Errors
    /// See [`CallError`]; its texts contain no secrets.
    pub async fn post(&self, call: Call<'_>) -> Result<Response, CallError> {
        let patience = Patience {
            timeout: call.timeout,
            response_bytes_max: RESPONSE_BYTES_MAX,
        };
        self.0.send(request(call)?, patience).await
    }
}

fn request(call: Call<'_>) -> Result<Request<RequestBody>, CallError> {
    let unusable = |what: &str| CallError::NeverLeft(format!("its {what} cannot be used"));
    let uri = call
        .site_url
        .join(call.path)
        .ok_or_else(|| unusable("site URL"))?;
    let mut token = HeaderValue::from_str(call.token.expose()).map_err(|_| unusable("token"))?;
    token.set_sensitive(true);
    let remote_id =
        HeaderValue::from_str(call.remote_id.as_str()).map_err(|_| unusable("remote_id"))?;
    let mut request = Request::post(uri)
        .header(REMOTE_ID_HEADER, remote_id)
        .header(TOKEN_HEADER, token)
        .header(USER_AGENT, AGENT);
    let body = match call.body {
        Payload::Frame(frame) => {
            request = request.header(CONTENT_TYPE, JSON);
            whole(frame)
        }
        Payload::Form { boundary, body } => {
            let kind = format!("multipart/form-data; boundary={boundary}");
            request = request.header(CONTENT_TYPE, kind);
            whole(body)
        }
        Payload::Bytes { bytes, digest } => {
            request = request.header(FILE_DIGEST_HEADER, digest);
            bytes
        }
    };
    if let Some(incarnation) = call.incarnation {
        request = request.header(INCARNATION_HEADER, incarnation_text(incarnation));
    }
    if let Some(own) = call.own_site_url {
        request = request.header(SITE_URL_HEADER, own.as_str());
    }
    request.body(body).map_err(|_| unusable("address"))
}

/// The value of [`INCARNATION_HEADER`].
#[must_use]
pub fn incarnation_text(incarnation: Incarnation) -> String {
    format!("{} {}", incarnation.id, incarnation.number)
}

/// The incarnation given in the headers; only a Causeway sends one.
#[must_use]
pub fn incarnation_of(headers: &HeaderMap) -> Option<Incarnation> {
    let text = headers.get(INCARNATION_HEADER)?.to_str().ok()?;
    let (id, number) = text.split_once(' ')?;
    Some(Incarnation {
        id: Id::parse(id)?,
        number: number.parse().ok()?,
    })
}

/// The base address that the headers name as the sender's.
#[must_use]
pub fn site_url_of(headers: &HeaderMap) -> Option<SiteUrl> {
    SiteUrl::parse(headers.get(SITE_URL_HEADER)?.to_str().ok()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn incarnations_are_read_as_they_are_written() {
        let id = Id::parse("yye1rc4rkiu8xnr3ik7h3zxq9h").unwrap();
        let mut headers = HeaderMap::new();
        assert_eq!(incarnation_of(&headers), None);
        let told = Incarnation { id, number: 7 };
        headers.insert(INCARNATION_HEADER, incarnation_text(told).parse().unwrap());
        assert_eq!(incarnation_of(&headers), Some(told));
        for bad in [
            "",
            "x 1",
            "yye1rc4rkiu8xnr3ik7h3zxq9h",
            "yye1rc4rkiu8xnr3ik7h3zxq9h -1",
        ] {
            headers.insert(INCARNATION_HEADER, bad.parse().unwrap());
            assert_eq!(incarnation_of(&headers), None);
        }
    }

    #[tokio::test]
    async fn a_server_without_tls_gets_no_byte_of_an_https_request() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut seen = Vec::new();
            let mut buffer = [0; 4096];
            let count = tokio::io::AsyncReadExt::read(&mut stream, &mut buffer)
                .await
                .unwrap();
            seen.extend_from_slice(&buffer[..count]);
            tokio::io::AsyncWriteExt::write_all(&mut stream, b"HTTP/1.1 200 OK\r\n\r\n")
                .await
                .unwrap();
            seen
        });
        let client = PeerClient::new(&FederationSettings {
            allow_private_targets: true,
            ..FederationSettings::default()
        });
        let token = Secret::new("nku19ettsgg7ujm1ze8mtmddty");
        let call = Call {
            site_url: &SiteUrl::parse(&format!("https://{address}")).unwrap(),
            path: "/x",
            remote_id: Id::parse("yye1rc4rkiu8xnr3ik7h3zxq9h").unwrap(),
            token: &token,
            incarnation: None,
            own_site_url: None,
            body: Payload::Frame(b"{}".to_vec()),
            timeout: Duration::from_secs(10),
        };
        let error = client.post(call).await.unwrap_err();
        assert!(matches!(error, CallError::NeverLeft(_)), "{error}");
        let seen = server.await.unwrap();
        let token = token.expose().as_bytes();
        assert!(!seen.windows(token.len()).any(|window| window == token));
    }
}
