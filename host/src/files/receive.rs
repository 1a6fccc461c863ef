//! Receiving bytes: at a minimum rate, and never more than a portion in memory.

use std::mem;
use std::pin::pin;
use std::time::Duration;

use axum::body::Body;
use axum::http::StatusCode;
use bytes::Bytes;
use causeway_files::Incoming;
use futures_util::{Stream, StreamExt, stream};
use tokio::time::{Instant, timeout_at};

use super::{blocking, disk_error, unreadable};
use crate::http::ApiError;

/// Bytes per second at which a file has to arrive.
const RATE_MIN: u64 = 16 * 1024;
/// How far a client may fall behind that rate, and how long it may pause.
const PAUSE_MAX: Duration = Duration::from_secs(60);
/// Bytes written to the disk at once.
const PORTION_BYTES: usize = 256 * 1024;

/// The bytes of a body; an error once they arrive too slowly or end early.
pub fn paced(body: Body) -> impl Stream<Item = Result<Bytes, ApiError>> {
    let begun = Instant::now();
    stream::try_unfold(
        (body.into_data_stream(), 0),
        move |(mut data, received)| async move {
            // Whoever parses the bytes takes these before it gets more.
            tokio::task::yield_now().await;
            let earned = Duration::from_secs(received / RATE_MIN);
            let due = (begun + earned).min(Instant::now()) + PAUSE_MAX;
            match timeout_at(due, data.next()).await {
                Err(_) => Err(ApiError::new(
                    StatusCode::REQUEST_TIMEOUT,
                    "api.context.request_timeout.app_error",
                    "The file arrived too slowly.",
                )),
                Ok(None) => Ok(None),
                Ok(Some(Err(_))) => Err(unreadable()),
                Ok(Some(Ok(bytes))) => {
                    let received = received + bytes.len() as u64;
                    Ok(Some((bytes, (data, received))))
                }
            }
        },
    )
}

/// Appends bytes to a file, at most `left`; `too_many` is the refusal of more. What arrived before an error is
/// appended.
///
/// # Errors
/// `too_many`, those of the stream, or 503 if the disk cannot be used.
pub async fn receive<E>(
    mut incoming: Incoming,
    bytes: impl Stream<Item = Result<Bytes, E>>,
    mut left: u64,
    too_many: ApiError,
) -> Result<Incoming, ApiError>
where
    ApiError: From<E>,
{
    let (mut bytes, mut portion) = (pin!(bytes), Vec::new());
    while let Some(arrived) = bytes.next().await {
        let arrived = match arrived {
            Ok(arrived) => arrived,
            Err(error) => {
                append(incoming, portion).await?;
                return Err(error.into());
            }
        };
        left = left
            .checked_sub(arrived.len() as u64)
            .ok_or_else(|| too_many.clone())?;
        portion.extend_from_slice(&arrived);
        if portion.len() >= PORTION_BYTES {
            incoming = append(incoming, mem::take(&mut portion)).await?;
        }
    }
    append(incoming, portion).await
}

async fn append(mut incoming: Incoming, portion: Vec<u8>) -> Result<Incoming, ApiError> {
    let appended = blocking(move || {
        incoming.append(&portion)?;
        Ok(incoming)
    });
    appended.await.map_err(|error| disk_error(&error))
}
