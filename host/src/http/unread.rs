//! Bodies that a handler does not read: some libraries send `{}` with every `GET` and `DELETE`, in a segment of its own
//! that may come after the response. Without its being read the connection would have to be closed, and the client's next
//! request with it.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use axum::http::header::EXPECT;
use bytes::Bytes;
use http_body_util::{BodyExt, Limited};
use hyper::body::{Frame, SizeHint};

/// Maximum bytes that are read only to keep a connection; with more it is closed.
const DRAINED_BYTES_MAX: usize = 16 * 1024;
/// How long such bytes may take to arrive.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// Has what a handler leaves of a small body read. A client that waits for `100 Continue` sends none.
pub fn drain(request: Request) -> Request {
    if request.body().is_end_stream() || request.headers().contains_key(EXPECT) {
        return request;
    }
    request.map(|body| Body::new(Drained(Some(body))))
}

struct Drained(Option<Body>);

impl HttpBody for Drained {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        match &mut self.0 {
            Some(body) => Pin::new(body).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.0.as_ref().is_none_or(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.0.as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

impl Drop for Drained {
    fn drop(&mut self) {
        let Some(body) = self.0.take().filter(|body| !body.is_end_stream()) else {
            return;
        };
        let is_small = body.size_hint().lower() <= DRAINED_BYTES_MAX as u64;
        if let Ok(runtime) = tokio::runtime::Handle::try_current()
            && is_small
        {
            let rest = Limited::new(body, DRAINED_BYTES_MAX).collect();
            // What it is, and whether it comes, is of no interest.
            runtime.spawn(async { tokio::time::timeout(DRAIN_TIMEOUT, rest).await.is_ok() });
        }
    }
}
