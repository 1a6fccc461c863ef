//! Site URLs of servers.

use axum::http::Uri;
use axum::http::uri::Scheme;

/// Maximum bytes of a site URL; the reference's column holds as many characters.
pub const SITE_URL_BYTES_MAX: usize = 512;

/// A peer's base address: `http` or `https`, a host, optionally a port and a path; no user, query, fragment
/// or trailing slash. Protocol §4.1.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SiteUrl {
    text: String,
    uri: Uri,
}

impl SiteUrl {
    /// Checks and normalises an address; `None` if it cannot be called.
    #[must_use]
    pub fn parse(text: &str) -> Option<SiteUrl> {
        let text = text.trim_end_matches('/');
        if text.len() > SITE_URL_BYTES_MAX || text.contains(['?', '#', '@', '\\']) {
            return None;
        }
        let uri: Uri = text.parse().ok()?;
        let http = [Some(&Scheme::HTTP), Some(&Scheme::HTTPS)].contains(&uri.scheme());
        let host = uri.host().is_some_and(|host| !host.is_empty());
        let after_host = uri.authority()?.as_str().strip_prefix(uri.host()?)?;
        let port = after_host.is_empty() || uri.port_u16().is_some_and(|port| port > 0);
        let dots = uri
            .path()
            .split('/')
            .any(|part| part == "." || part == "..");
        (http && host && port && !dots).then(|| SiteUrl {
            text: text.to_string(),
            uri,
        })
    }

    /// The address without trailing slash.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The host's name or address, an IPv6 address without its brackets.
    #[must_use]
    pub fn host(&self) -> &str {
        self.uri
            .host()
            .unwrap_or_default()
            .trim_start_matches('[')
            .trim_end_matches(']')
    }

    /// The address of a path below it; `path` starts with a slash.
    #[must_use]
    pub fn join(&self, path: &str) -> Option<Uri> {
        format!("{}{path}", self.text).parse().ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_that_can_be_called_pass() {
        for (text, stored) in [
            ("https://chat.example.com", "https://chat.example.com"),
            ("https://chat.example.com/", "https://chat.example.com"),
            (
                "http://127.0.0.1:8065/sub/path//",
                "http://127.0.0.1:8065/sub/path",
            ),
            ("http://[::1]:8065", "http://[::1]:8065"),
        ] {
            assert_eq!(SiteUrl::parse(text).unwrap().as_str(), stored);
        }
        for text in [
            "",
            "/",
            "chat.example.com",
            "ftp://chat.example.com",
            "https://",
            "https:///path",
            "https://user:pass@chat.example.com",
            "https://chat.example.com?x=1",
            "https://chat.example.com/#x",
            "https://chat.example.com:port",
            "https://chat.example.com:99999",
            "https://chat.example.com/a/../b",
            "https://chat example.com",
            "javascript:alert(1)",
            "pending_yye1rc4rkiu8xnr3ik7h3zxq9h",
        ] {
            assert_eq!(SiteUrl::parse(text), None, "{text}");
        }
        let long = format!(
            "https://chat.example.com/{}",
            "x".repeat(SITE_URL_BYTES_MAX)
        );
        assert_eq!(SiteUrl::parse(&long), None);
    }

    #[test]
    fn paths_are_joined_below_the_base() {
        let url = SiteUrl::parse("http://[::1]:8065/sub").unwrap();
        assert_eq!(url.host(), "::1");
        assert_eq!(
            url.join("/api/v4/x").unwrap(),
            "http://[::1]:8065/sub/api/v4/x"
        );
    }
}
