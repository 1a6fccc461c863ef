//! Authentication of callers. Client API §3.2, §3.3.

use axum::extract::FromRequestParts;
use axum::http::header::{AUTHORIZATION, COOKIE};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method};
use subtle::ConstantTimeEq;

use crate::app::{Caller, SharedApp};
use crate::http::{ApiError, Visitor, Who};
use crate::vault::Secret;

/// Maximum bytes of a credential; a longer one cannot be a token of ours.
const TOKEN_BYTES_MAX: usize = 50;

/// The cookie with the session's token.
pub const TOKEN_COOKIE: &str = "MMAUTHTOKEN";
/// The header that repeats the session's CSRF value.
const CSRF_HEADER: &str = "x-csrf-token";

/// A token as presented.
pub struct Presented {
    /// The token.
    pub token: Secret,
    /// Whether a browser sent it automatically.
    pub by_cookie: bool,
}

impl FromRequestParts<SharedApp> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &SharedApp) -> Result<Caller, ApiError> {
        let presented = present(&parts.headers).ok_or_else(ApiError::session_expired)?;
        let caller = app.caller(presented.token)?;
        Visitor::introduce(&parts.extensions, Who::User(caller.user));
        if presented.by_cookie && !is_safe(&parts.method) && !csrf_matches(&parts.headers, &caller)
        {
            return Err(ApiError::session_expired());
        }
        // Written at most every few minutes; a session that cannot be prolonged is still valid.
        if let Err(error) = app
            .vault
            .note_activity(caller.token.expose(), app.engine.now_ms())
            .await
        {
            tracing::warn!(%error, "recording session activity failed");
        }
        Ok(caller)
    }
}

/// A caller who may have no session: signing up, logging out, requesting the configuration.
pub struct MaybeCaller(pub Option<Caller>);

impl FromRequestParts<SharedApp> for MaybeCaller {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(
        parts: &mut Parts,
        app: &SharedApp,
    ) -> Result<MaybeCaller, Self::Rejection> {
        Ok(MaybeCaller(
            Caller::from_request_parts(parts, app).await.ok(),
        ))
    }
}

/// The first credential found in a request: cookie, then `Authorization`.
#[must_use]
pub fn present(headers: &HeaderMap) -> Option<Presented> {
    let by_cookie = cookie(headers, TOKEN_COOKIE).map(|token| (token, true));
    let by_header = || {
        let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
        let (scheme, token) = value.split_once(' ')?;
        let known = ["bearer", "token"]
            .iter()
            .any(|name| scheme.eq_ignore_ascii_case(name));
        known.then(|| (token.trim(), false))
    };
    let (token, by_cookie) = by_cookie.or_else(by_header)?;
    let plausible = !token.is_empty() && token.len() <= TOKEN_BYTES_MAX;
    plausible.then(|| Presented {
        token: Secret::new(token),
        by_cookie,
    })
}

/// A cookie's value.
fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers
        .get_all(COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(found, value)| *found == name && !value.is_empty())
        .map(|(_, value)| value.trim_matches('"'))
}

fn is_safe(method: &Method) -> bool {
    method == Method::GET || method == Method::HEAD
}

fn csrf_matches(headers: &HeaderMap, caller: &Caller) -> bool {
    let sent = headers
        .get(CSRF_HEADER)
        .map_or(&b""[..], |value| value.as_bytes());
    !caller.session.csrf.is_empty() && sent.ct_eq(caller.session.csrf.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.append(*name, HeaderValue::from_static(value));
        }
        headers
    }

    fn presented(pairs: &[(&'static str, &'static str)]) -> Option<(String, bool)> {
        present(&headers(pairs)).map(|it| (it.token.expose().to_string(), it.by_cookie))
    }

    #[test]
    fn the_scheme_is_compared_without_case() {
        for value in ["Bearer abc", "BEARER abc", "bearer abc", "token abc"] {
            let mut map = HeaderMap::new();
            map.insert(AUTHORIZATION, HeaderValue::from_str(value).unwrap());
            assert_eq!(present(&map).unwrap().token.expose(), "abc", "{value}");
        }
        assert_eq!(presented(&[("authorization", "Basic abc")]), None);
        assert_eq!(presented(&[("authorization", "Bearer ")]), None);
    }

    #[test]
    fn the_cookie_comes_first() {
        let found = presented(&[
            ("authorization", "Bearer abc"),
            ("cookie", "a=b; MMAUTHTOKEN=xyz; MMCSRF=q"),
        ]);
        assert_eq!(found, Some(("xyz".into(), true)));
        let found = presented(&[("cookie", "MMAUTHTOKEN="), ("authorization", "Bearer abc")]);
        assert_eq!(found, Some(("abc".into(), false)));
    }

    #[test]
    fn an_endless_credential_is_none() {
        let long = Box::leak(format!("Bearer {}", "x".repeat(51)).into_boxed_str());
        assert_eq!(presented(&[("authorization", long)]), None);
    }
}
