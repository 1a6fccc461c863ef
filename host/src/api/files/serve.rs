//! Reading files. What people upload is never shown as a page: browsers get it in a sandbox, and as a download
//! unless it is a picture, a sound or a video. Client API §8.

use std::fmt::Write as _;
use std::io;
use std::io::SeekFrom;

use axum::body::Body;
use axum::extract::State;
use axum::http::header::{
    ACCEPT_RANGES, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_RANGE,
    CONTENT_SECURITY_POLICY, CONTENT_TYPE, IF_MODIFIED_SINCE, LAST_MODIFIED, RANGE,
    X_FRAME_OPTIONS,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use causeway_files::pictures::{self, Scale};
use causeway_kernel::model::{File, file_name};
use futures_util::{Stream, stream};
use jiff::Timestamp;
use jiff::fmt::rfc2822::DateTimePrinter;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use crate::api::path::{Ids, Params};
use crate::app::{Caller, SharedApp};
use crate::http::ApiError;

/// Bytes read from the disk at once.
const CHUNK_BYTES: u64 = 64 * 1024;
/// Bytes by which the kind of a scaled picture is recognised.
const MAGIC_BYTES: usize = 4;

/// What a response contains besides the bytes.
struct Described {
    media_type: &'static str,
    name: String,
    is_download: bool,
    changed_at_ms: i64,
}

pub(super) async fn file(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    params: Params,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = ids.file(&app.rows(), &caller)?;
    let media_type = file_name::media_type(&file.name);
    let described = Described {
        media_type,
        is_download: params.flag("download") || !is_shown(media_type),
        name: file.name,
        changed_at_ms: file.create_at,
    };
    let digest = file.digest;
    let opened = app.files.on_disk(move |store| match store.read(&digest) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        opened => opened.map(Some),
    });
    let bytes = opened.await?.ok_or_else(lost)?;
    respond(tokio::fs::File::from_std(bytes), &described, &headers).await
}

pub(super) async fn preview(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = ids.file(&app.rows(), &caller)?;
    scaled(&app, file, Scale::Preview, &headers).await
}

pub(super) async fn thumbnail(
    State(app): State<SharedApp>,
    caller: Caller,
    ids: Ids,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let file = ids.file(&app.rows(), &caller)?;
    scaled(&app, file, Scale::Thumbnail, &headers).await
}

async fn scaled(
    app: &SharedApp,
    file: File,
    scale: Scale,
    headers: &HeaderMap,
) -> Result<Response, ApiError> {
    if file.dimensions.is_none() {
        return Err(not_a_picture(scale));
    }
    let made = app.files.scaled(file.digest, scale).await;
    let mut picture = tokio::fs::File::from_std(made.map_err(|_| not_a_picture(scale))?);
    let mut magic = [0; MAGIC_BYTES];
    picture
        .read_exact(&mut magic)
        .await
        .map_err(|_| not_a_picture(scale))?;
    let described = Described {
        media_type: pictures::media_type(&magic),
        name: file.name,
        is_download: false,
        changed_at_ms: file.create_at,
    };
    respond(picture, &described, headers).await
}

fn not_a_picture(scale: Scale) -> ApiError {
    let id = match scale {
        Scale::Preview => "api.file.get_file_preview.no_preview.app_error",
        Scale::Thumbnail => "api.file.get_file_thumbnail.no_thumbnail.app_error",
    };
    let message = "The file is not a picture of a kind and size that can be scaled here.";
    ApiError::new(StatusCode::BAD_REQUEST, id, message)
}

/// The row of a file is there and its bytes are not: the data directory is incomplete.
fn lost() -> ApiError {
    tracing::error!("the bytes of a file are missing from the data directory");
    ApiError::new(
        StatusCode::NOT_FOUND,
        "api.file.get_file.app_error",
        "The bytes of the file are missing; an administrator finds more in the log.",
    )
}

/// Whether browsers may show a type: it cannot contain anything that acts.
fn is_shown(media_type: &str) -> bool {
    let (kind, _) = media_type.split_once('/').unwrap_or_default();
    match kind {
        "audio" | "video" => true,
        "image" => media_type != "image/svg+xml",
        _ => media_type == "application/pdf",
    }
}

async fn respond(
    mut bytes: tokio::fs::File,
    described: &Described,
    request: &HeaderMap,
) -> Result<Response, ApiError> {
    let headers = headers(described);
    let unchanged = headers.get(LAST_MODIFIED).is_some()
        && headers.get(LAST_MODIFIED) == request.get(IF_MODIFIED_SINCE);
    if unchanged {
        return Ok((StatusCode::NOT_MODIFIED, headers).into_response());
    }
    let length = bytes.metadata().await.map_err(|_| lost())?.len();
    let range = request.get(RANGE).and_then(|range| range.to_str().ok());
    let (status, (first, count)) = match range.map_or(Wanted::Everything, |it| wanted(it, length)) {
        Wanted::Everything => (StatusCode::OK, (0, length)),
        Wanted::Part(first, count) => (StatusCode::PARTIAL_CONTENT, (first, count)),
        Wanted::Nothing => {
            let all = [(CONTENT_RANGE, format!("bytes */{length}"))];
            return Ok((StatusCode::RANGE_NOT_SATISFIABLE, all).into_response());
        }
    };
    bytes
        .seek(SeekFrom::Start(first))
        .await
        .map_err(|_| lost())?;
    let body = Body::from_stream(chunks(bytes, count));
    let mut response = (status, headers, body).into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_LENGTH, count.into());
    if status == StatusCode::PARTIAL_CONTENT {
        let last = first + count - 1;
        insert(
            headers,
            CONTENT_RANGE,
            &format!("bytes {first}-{last}/{length}"),
        );
    }
    Ok(response)
}

fn headers(described: &Described) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (CONTENT_TYPE, described.media_type),
        (X_FRAME_OPTIONS, "DENY"),
        (
            CONTENT_SECURITY_POLICY,
            "default-src 'none'; frame-ancestors 'none'; sandbox",
        ),
        (CACHE_CONTROL, "private, no-cache"),
        (ACCEPT_RANGES, "bytes"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    insert(&mut headers, CONTENT_DISPOSITION, &disposition(described));
    let changed = Timestamp::from_millisecond(described.changed_at_ms).ok();
    let changed =
        changed.and_then(|at| DateTimePrinter::new().timestamp_to_rfc9110_string(&at).ok());
    if let Some(changed) = changed {
        insert(&mut headers, LAST_MODIFIED, &changed);
    }
    headers
}

fn insert(headers: &mut HeaderMap, name: axum::http::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

/// The name for saving, in the form that every browser knows and in the one that holds any character.
fn disposition(described: &Described) -> String {
    let kind = if described.is_download {
        "attachment"
    } else {
        "inline"
    };
    let plain = |character: char| {
        let safe = character == ' ' || character.is_ascii_graphic();
        if safe && !"\"\\%".contains(character) {
            character
        } else {
            '_'
        }
    };
    let fallback: String = described.name.chars().map(plain).collect();
    let mut exact = String::new();
    for byte in described.name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            exact.push(char::from(byte));
        } else {
            // Writing to a string does not fail.
            let _ = write!(exact, "%{byte:02X}");
        }
    }
    format!("{kind};filename=\"{fallback}\"; filename*=UTF-8''{exact}")
}

/// What a `Range` asks for.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Everything,
    /// The first byte and how many.
    Part(u64, u64),
    /// Nothing that there is.
    Nothing,
}

/// Reads a `Range`. One in another unit, with several parts, or with an error is ignored. RFC 9110 §14.2.
fn wanted(range: &str, length: u64) -> Wanted {
    let Some((first, last)) = range
        .strip_prefix("bytes=")
        .and_then(|it| it.split_once('-'))
    else {
        return Wanted::Everything;
    };
    let (first, last) = (first.trim(), last.trim());
    let bounds = match (first.parse::<u64>(), last.parse::<u64>()) {
        (Ok(first), Ok(last)) if first <= last => (first, last.saturating_add(1).min(length)),
        (Ok(first), Err(_)) if last.is_empty() => (first, length),
        (Err(_), Ok(count)) if first.is_empty() => (length.saturating_sub(count), length),
        _ => return Wanted::Everything,
    };
    match bounds.1.checked_sub(bounds.0) {
        None | Some(0) => Wanted::Nothing,
        Some(count) => Wanted::Part(bounds.0, count),
    }
}

/// So many bytes of a file from where it is, read as the client takes them.
fn chunks(file: tokio::fs::File, count: u64) -> impl Stream<Item = io::Result<Bytes>> {
    stream::try_unfold((file, count), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let mut chunk = Vec::new();
        let read = (&mut file)
            .take(left.min(CHUNK_BYTES))
            .read_to_end(&mut chunk)
            .await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((Bytes::from(chunk), (file, left - read as u64))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_cut_to_what_there_is() {
        for (range, expected) in [
            ("bytes=0-0", Wanted::Part(0, 1)),
            ("bytes=2-", Wanted::Part(2, 8)),
            ("bytes=8-99", Wanted::Part(8, 2)),
            ("bytes=-3", Wanted::Part(7, 3)),
            ("bytes=-99", Wanted::Part(0, 10)),
            ("bytes=10-", Wanted::Nothing),
            ("bytes=-0", Wanted::Nothing),
            ("bytes=99-18446744073709551615", Wanted::Nothing),
            ("bytes=5-2", Wanted::Everything),
            ("bytes=0-1,4-5", Wanted::Everything),
            ("bytes=x-", Wanted::Everything),
            ("lines=0-1", Wanted::Everything),
            ("bytes", Wanted::Everything),
        ] {
            assert_eq!(wanted(range, 10), expected, "{range}");
        }
        assert_eq!(wanted("bytes=0-", 0), Wanted::Nothing);
    }

    #[test]
    fn any_name_becomes_a_header_and_survives_in_it() {
        let header = |name: &str, is_download| {
            disposition(&Described {
                media_type: "text/plain",
                name: name.into(),
                is_download,
                changed_at_ms: 0,
            })
        };
        assert_eq!(
            header("a \"b\";\\c%.txt", true),
            "attachment;filename=\"a _b_;_c_.txt\"; filename*=UTF-8''a%20%22b%22%3B%5Cc%25.txt"
        );
        let composed = header("caf\u{e9}", false);
        let decomposed = header("cafe\u{301}", false);
        assert_eq!(
            composed,
            "inline;filename=\"caf_\"; filename*=UTF-8''caf%C3%A9"
        );
        assert_eq!(
            decomposed,
            "inline;filename=\"cafe_\"; filename*=UTF-8''cafe%CC%81"
        );
        assert!(HeaderValue::from_str(&header("\r\nx: y\u{202e}", true)).is_ok());
    }

    #[test]
    fn what_may_contain_something_that_acts_is_only_downloaded() {
        for name in ["a.png", "a.jpg", "a.mp4", "a.mp3", "a.pdf", "a.webp"] {
            assert!(is_shown(file_name::media_type(name)), "{name}");
        }
        for name in ["a.svg", "a.html", "a.xml", "a.js", "a.txt", "a", "a.zip"] {
            assert!(!is_shown(file_name::media_type(name)), "{name}");
        }
    }
}
