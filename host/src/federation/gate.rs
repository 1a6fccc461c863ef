//! The gate in front of every endpoint that peers call. Protocol §5.1.

use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use causeway_kernel::model::ConnectionState;
use causeway_kernel::rows::id::{ConnectionNo, Id};

use super::Federation;
use super::client::{REMOTE_ID_HEADER, TOKEN_HEADER};
use crate::http::{ApiError, Visitor, Who};

/// Name of the cookie that holds a session's token.
const SESSION_COOKIE: &str = "MMAUTHTOKEN";
/// The token of a hosted installation.
const CLOUD_TOKEN_HEADER: &str = "x-cloud-token";
/// Maximum bytes of a credential; the rest is cut off, as in the reference.
const CREDENTIAL_BYTES_MAX: usize = 50;

/// An authenticated peer.
#[derive(Clone, Copy, Debug)]
pub struct PeerCaller {
    /// The connection.
    pub connection: ConnectionNo,
    /// Its `remote_id`.
    pub remote_id: Id,
    /// State of its handshake.
    pub state: ConnectionState,
}

impl PeerCaller {
    /// Requires the handshake to be complete. The reference also lets the holder of an unconfirmed invitation
    /// send messages; nothing is shared with it yet, so it has nothing to send.
    ///
    /// # Errors
    /// As for an invalid token.
    pub fn confirmed(self) -> Result<PeerCaller, ApiError> {
        match self.state {
            ConnectionState::Confirmed | ConnectionState::Confirming => Ok(self),
            ConnectionState::Pending | ConnectionState::Removed => Err(invalid_token()),
        }
    }
}

/// Admits a peer whose token is in force.
///
/// # Errors
/// 401 with the error ids of protocol §5.1, in their order; 503 when the vault cannot be read.
pub fn admit(federation: &Federation, parts: &Parts) -> Result<PeerCaller, ApiError> {
    let admitted = check(federation, parts);
    match &admitted {
        Ok(caller) => Visitor::introduce(&parts.extensions, Who::Peer(caller.connection)),
        Err(_) => federation.inner.counters.count_turned_away(),
    }
    admitted
}

fn check(federation: &Federation, parts: &Parts) -> Result<PeerCaller, ApiError> {
    if other_credential(parts) {
        return Err(ApiError::session_expired());
    }
    let token = credential(&parts.headers, TOKEN_HEADER.as_str());
    if token.is_empty() {
        return Err(ApiError::session_expired());
    }
    let remote_id = credential(&parts.headers, REMOTE_ID_HEADER.as_str());
    if remote_id.is_empty() {
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "api.context.remote_id_missing.app_error",
            "Secure connection ID missing.",
        ));
    }
    let remote_id = Id::parse(remote_id).ok_or_else(invalid_token)?;
    let (connection, _, state) = federation
        .connection_of(remote_id)
        .ok_or_else(invalid_token)?;
    let in_force = federation.in_force(remote_id, state).map_err(|error| {
        tracing::error!(%error, "cannot read a peer's token from the vault");
        ApiError::unavailable("The service cannot check tokens right now; try again soon.")
    })?;
    if !in_force.is_some_and(|tokens| tokens.token.is_of(token)) {
        return Err(invalid_token());
    }
    Ok(PeerCaller {
        connection,
        remote_id,
        state,
    })
}

/// The reference repeats the refused token in this text; a token does not belong in a response.
fn invalid_token() -> ApiError {
    ApiError::new(
        StatusCode::UNAUTHORIZED,
        "api.context.invalid_token.error",
        "Invalid session token.",
    )
}

/// A header's text, empty if there is none.
fn credential<'h>(headers: &'h HeaderMap, name: &str) -> &'h str {
    let text = headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    text.get(..CREDENTIAL_BYTES_MAX).unwrap_or(text)
}

/// Whether the request carries a credential that the reference finds before a peer's: it would use that one
/// and refuse the request.
fn other_credential(parts: &Parts) -> bool {
    let cookies = parts
        .headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let cookie = cookies
        .flat_map(|text| text.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .any(|(name, value)| name == SESSION_COOKIE && !value.is_empty());
    let authorization = credential(&parts.headers, AUTHORIZATION.as_str());
    let scheme = |name: &str| {
        let head = authorization.get(..name.len());
        head.is_some_and(|head| head.eq_ignore_ascii_case(name)) && authorization.len() > name.len()
    };
    let query = parts.uri.query().unwrap_or_default();
    let access_token = query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .any(|(name, value)| name == "access_token" && !value.is_empty());
    cookie
        || scheme("bearer ")
        || scheme("token ")
        || access_token
        || !credential(&parts.headers, CLOUD_TOKEN_HEADER).is_empty()
}
