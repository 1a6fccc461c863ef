//! Calling integrations.

use std::sync::PoisonError;

use axum::http::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use axum::http::uri::Scheme;
use axum::http::{HeaderValue, Request, Uri};
use causeway_kernel::rows::id::UserNo;
use serde::Serialize;

use super::{CALLS_MAX, CALLS_PER_USER_MAX, Integrations};
use crate::http::client::{AGENT, CallError, Patience, RequestBody, Response, whole};
use crate::http::target::NotCalled;
use crate::vault::Secret;

/// Maximum bytes of an integration's answer.
const ANSWER_BYTES_MAX: usize = 256 * 1024;
/// Maximum bytes of an integration's address, as in the reference.
const ADDRESS_BYTES_MAX: usize = 1024;

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const FORM: HeaderValue = HeaderValue::from_static("application/x-www-form-urlencoded");

/// Why an integration gave no answer. The texts name neither its address nor what stands there: who presses a button
/// does not know them.
#[derive(Debug, thiserror::Error)]
pub enum CallFailed {
    /// Its address must not be called.
    #[error("its address is not called: {0}")]
    NotAllowed(NotCalled),
    /// It could not be called.
    #[error("it could not be reached")]
    Unreachable,
    /// It did not answer in time, or with more than is read.
    #[error("it did not answer, or not in time")]
    NoAnswer,
    /// It answered with another status than 200.
    #[error("it answered with status {0}")]
    Status(u16),
    /// The user, or everybody, waits for as many as possible already.
    #[error(
        "too many integrations are being called: {CALLS_PER_USER_MAX} at a time for one user, and \
         {CALLS_MAX} for all; try again soon"
    )]
    Busy,
    /// Its address cannot be called.
    #[error("its address cannot be called")]
    Address,
}

/// Whether a text is an address that can be called.
#[must_use]
pub fn is_address(text: &str) -> bool {
    let can_be_called = |uri: &Uri| {
        let is_http = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
        let authority = uri.authority().map_or("@", |authority| authority.as_str());
        is_http && !authority.contains('@') && uri.host().is_some_and(|host| !host.is_empty())
    };
    // What follows a `#` is never sent.
    text.len() <= ADDRESS_BYTES_MAX
        && !text.contains('#')
        && text.parse::<Uri>().is_ok_and(|uri| can_be_called(&uri))
}

impl Integrations {
    /// Sends JSON to an integration on behalf of a user.
    ///
    /// # Errors
    /// See [`CallFailed`].
    pub async fn post_json<T: Serialize>(
        &self,
        user: UserNo,
        url: &str,
        body: &T,
    ) -> Result<Response, CallFailed> {
        let body = serde_json::to_vec(body).map_err(|_| CallFailed::Address)?;
        let request = Request::post(url)
            .header(CONTENT_TYPE, JSON)
            .body(whole(body));
        self.call(user, request).await
    }

    /// Sends the fields of a form to an integration on behalf of a user, in the address or in the body.
    ///
    /// # Errors
    /// See [`CallFailed`].
    pub async fn send_form(
        &self,
        user: UserNo,
        (url, is_get): (&str, bool),
        token: &Secret,
        fields: &[(&str, String)],
    ) -> Result<Response, CallFailed> {
        let form = encoded(fields);
        let mut token = HeaderValue::from_str(&format!("Token {}", token.expose()))
            .map_err(|_| CallFailed::Address)?;
        token.set_sensitive(true);
        let request = if is_get {
            let join = if url.contains('?') { '&' } else { '?' };
            Request::get(format!("{url}{join}{form}"))
                .header(AUTHORIZATION, token)
                .body(whole(Vec::new()))
        } else {
            Request::post(url)
                .header(AUTHORIZATION, token)
                .header(CONTENT_TYPE, FORM)
                .body(whole(form.into_bytes()))
        };
        self.call(user, request).await
    }

    async fn call(
        &self,
        user: UserNo,
        request: axum::http::Result<Request<RequestBody>>,
    ) -> Result<Response, CallFailed> {
        let mut request = request.map_err(|_| CallFailed::Address)?;
        let host = request.uri().host().ok_or(CallFailed::Address)?;
        self.client.check(host).map_err(CallFailed::NotAllowed)?;
        request.headers_mut().insert(USER_AGENT, AGENT);
        request.headers_mut().insert(ACCEPT, JSON);
        let _for_all = self.calls.try_acquire().map_err(|_| CallFailed::Busy)?;
        let _for_user = OneCall::begin(self, user).ok_or(CallFailed::Busy)?;
        let patience = Patience {
            timeout: self.timeout,
            response_bytes_max: ANSWER_BYTES_MAX,
        };
        match self.client.send(request, patience).await {
            Ok(response) if response.status == 200 => Ok(response),
            Ok(response) => Err(CallFailed::Status(response.status)),
            Err(error) => {
                tracing::info!(%error, "an integration could not be called");
                Err(match error {
                    CallError::NeverLeft(_) => CallFailed::Unreachable,
                    CallError::Unknown(_) => CallFailed::NoAnswer,
                })
            }
        }
    }
}

fn encoded(fields: &[(&str, String)]) -> String {
    let mut form = form_urlencoded::Serializer::new(String::new());
    form.extend_pairs(fields).finish()
}

/// Counts a call of a user while it lasts.
struct OneCall<'a>(&'a Integrations, UserNo);

impl OneCall<'_> {
    fn begin(integrations: &Integrations, user: UserNo) -> Option<OneCall<'_>> {
        let calls = &integrations.calls_of;
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        let count = calls.entry(user).or_default();
        if *count >= CALLS_PER_USER_MAX {
            return None;
        }
        *count += 1;
        Some(OneCall(integrations, user))
    }
}

impl Drop for OneCall<'_> {
    fn drop(&mut self) {
        let calls = &self.0.calls_of;
        let mut calls = calls.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = calls.get_mut(&self.1) {
            *count -= 1;
            if *count == 0 {
                calls.remove(&self.1);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_web_servers_are_called() {
        for address in [
            "https://ci.example/run?key=1&to=a@b.example",
            "http://[::1]:80/",
            "http://ci",
        ] {
            assert!(is_address(address), "{address}");
        }
        let long = format!("https://ci.example/{}", "x".repeat(ADDRESS_BYTES_MAX));
        for address in [
            "",
            "/plugins/x",
            "ci.example",
            "ftp://ci.example",
            "http://",
            "https://a:b@c/",
            "https://a@c/",
            "https://c/#x",
            &long,
        ] {
            assert!(!is_address(address), "{address}");
        }
    }
}
