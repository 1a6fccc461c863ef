//! Paths with repeated slashes, which some libraries build: the reference redirects them, and so does this service.

use axum::http::Uri;

/// Where a request for a path of the API with repeated slashes belongs: the same with single ones.
#[must_use]
pub fn single(uri: &Uri) -> Option<String> {
    let path = uri.path();
    if !path.starts_with("/api/") || !path.contains("//") {
        return None;
    }
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let query = uri.query().map(|query| format!("?{query}"));
    Some(format!("/{}{}", parts.join("/"), query.unwrap_or_default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_the_api_with_repeated_slashes_are_redirected() {
        for (uri, expected) in [
            (
                "/api/v4/posts/x//reactions",
                Some("/api/v4/posts/x/reactions"),
            ),
            (
                "/api/v4//users///me?a=b//c",
                Some("/api/v4/users/me?a=b//c"),
            ),
            ("/api//evil.example//x", Some("/api/evil.example/x")),
            ("/api/v4/users/me", None),
            ("//evil.example/api/", None),
            ("/static//x", None),
        ] {
            let uri: Uri = uri.parse().unwrap();
            assert_eq!(single(&uri).as_deref(), expected, "{uri}");
        }
    }
}
