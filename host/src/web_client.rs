//! The official web client, unpacked in a folder by the administrator, and what a browser shows without one.
//!
//! The client is one page, `root.html`, for every path that it routes itself, and files below `/static`. Names of
//! files that contain a digest of their content never get another content, so browsers keep them; all others are
//! asked for again each time, and answered 304 if they are the same.

use std::path::Path;

use anyhow::{Result, ensure};
use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_FRAME_OPTIONS};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderValue, Method};
use axum::response::{Html, IntoResponse, Response};
use tower_http::services::{ServeDir, ServeFile};

use crate::app::SharedApp;
use crate::http::ApiError;

/// The page of the client.
const PAGE: &str = "root.html";

/// Paths below which the client has no pages: a mistake there must not look like success.
const RESERVED: [&str; 5] = ["/api/", "/static/", "/hooks/", "/plugins/", "/metrics"];

/// Minimum hexadecimal digits of a part of a name that counts as a digest: webpack writes 20.
const DIGEST_DIGITS_MIN: usize = 16;

/// For what a name's digest identifies: a year, the longest time that caches honour.
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");
const ASK_AGAIN: HeaderValue = HeaderValue::from_static("no-cache");

/// What the client's page may do: run the client's own scripts, and be shown in no other site's frame.
const CLIENT_MAY: HeaderValue = HeaderValue::from_static(
    "script-src 'self'; object-src 'none'; base-uri 'self'; frame-ancestors 'self'",
);

/// What the page that stands in for a client may do: nothing.
const NOTHING: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
);

/// A client in a folder.
#[derive(Clone, Debug)]
pub struct WebClient {
    page: ServeFile,
    files: ServeDir,
}

impl WebClient {
    /// The client in a folder.
    ///
    /// # Errors
    /// If no client is there.
    pub fn open(folder: &Path) -> Result<WebClient> {
        let page = folder.join(PAGE);
        ensure!(
            page.is_file(),
            "{} is not the folder of a web client, as it has no {PAGE}: name the folder `client` of an unpacked \
             Mattermost release",
            folder.display()
        );
        Ok(WebClient {
            page: ServeFile::new(page),
            files: ServeDir::new(folder).append_index_html_on_directories(false),
        })
    }

    async fn page(mut self, request: Request) -> Response {
        let answer = self.page.try_call(request).await;
        let mut response = answered(answer, &ASK_AGAIN);
        let headers = response.headers_mut();
        headers.insert(CONTENT_SECURITY_POLICY, CLIENT_MAY);
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
        response
    }

    async fn file(mut self, path: PathAndQuery, mut request: Request) -> Response {
        let caching = match has_digest(path.path()) {
            true => FOREVER,
            false => ASK_AGAIN,
        };
        *request.uri_mut() = Uri::from(path);
        answered(self.files.try_call(request).await, &caching)
    }
}

/// The answer with a file, which caches may keep so long.
fn answered<B>(answer: std::io::Result<axum::http::Response<B>>, caching: &HeaderValue) -> Response
where
    axum::http::Response<B>: IntoResponse,
{
    match answer.map(IntoResponse::into_response) {
        Ok(mut response) => {
            if !response.status().is_client_error() {
                response
                    .headers_mut()
                    .insert(CACHE_CONTROL, caching.clone());
            }
            response
        }
        Err(error) => {
            tracing::error!(%error, "a file of the web client cannot be read");
            ApiError::internal().into_response()
        }
    }
}

/// Whether a part of a file's name is a digest of its content.
fn has_digest(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or_default();
    let is_digest = |part: &str| {
        part.len() >= DIGEST_DIGITS_MIN && part.bytes().all(|byte| byte.is_ascii_hexdigit())
    };
    name.split(['.', '-']).any(is_digest)
}

/// Answers what no route of the API does.
pub async fn serve(State(app): State<SharedApp>, request: Request) -> Response {
    if !matches!(*request.method(), Method::GET | Method::HEAD) {
        return ApiError::not_found_route().into_response();
    }
    let path = request.uri().path();
    let is_page = !RESERVED.iter().any(|it| path.starts_with(it));
    match app.web_client.clone() {
        Some(client) if is_page => client.page(request).await,
        Some(client) => match file_of(request.uri()) {
            Some(file) => client.file(file, request).await,
            None => ApiError::not_found_route().into_response(),
        },
        None if path == "/" => without_client(&app.settings.site_url),
        None => ApiError::not_found_route().into_response(),
    }
}

/// The path of a file in the client's folder.
fn file_of(uri: &Uri) -> Option<PathAndQuery> {
    let path = uri.path().strip_prefix("/static")?;
    path.parse().ok()
}

/// The page of a workspace without a web client: what this is, and how to get in.
fn without_client(site_url: &str) -> Response {
    let site_url = escaped(site_url);
    let page = format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width\">\n<title>Causeway</title>\n\
         <style>body {{ font: 1rem/1.5 sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem }}</style>\n\
         <h1>This is a Causeway workspace</h1>\n\
         <p>People use it with Mattermost's desktop and mobile apps, or with any client of its API. \
         The server's address to enter there is</p>\n<pre>{site_url}</pre>\n\
         <p>To use it in a browser, its administrator starts it with an unpacked web client: \
         <code>causeway serve --client DIR</code>.</p>\n</html>\n"
    );
    let mut response = Html(page).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_SECURITY_POLICY, NOTHING);
    headers.insert(CACHE_CONTROL, ASK_AGAIN);
    response
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_with_a_digest_are_kept_for_ever() {
        for name in [
            "/main.0123456789abcdef0123.js",
            "/css/initial-4f0c1d2e3b4a59687766.css",
        ] {
            assert!(has_digest(name), "{name}");
        }
        for name in [
            "/manifest.json",
            "/i18n/de.json",
            "/a.facade.js",
            "/0123456789abcdef0123/x.js",
            "/",
        ] {
            assert!(!has_digest(name), "{name}");
        }
    }

    #[test]
    fn a_folder_without_a_page_is_refused_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let said = format!("{:#}", WebClient::open(folder.path()).unwrap_err());
        assert!(said.contains("unpacked Mattermost release"), "{said}");
        std::fs::create_dir(folder.path().join(PAGE)).unwrap();
        assert!(WebClient::open(folder.path()).is_err());
    }

    #[test]
    fn the_site_url_cannot_become_markup() {
        assert_eq!(
            escaped("https://a.example/<\"&>"),
            "https://a.example/&lt;&quot;&amp;&gt;"
        );
    }
}
