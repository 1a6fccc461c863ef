//! Sends the bytes of files to peers, each in a request of its own, beside the messages. Protocol §5.6.
//!
//! The bytes go from the disk to the socket in portions. A transfer has no time limit of its own, as a large file
//! takes long on a slow line; it ends when no portion was taken for a while.

use std::io::{self, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::{BufMut as _, Bytes, BytesMut};
use causeway_kernel::boundary::input::SendOutcome;
use causeway_kernel::boundary::output::SendFile;
use futures_util::stream;
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Frame;
use tokio::fs::File;
use tokio::io::{AsyncReadExt, AsyncSeekExt};

use super::client::{Call, Payload};
use super::{Federation, sender};

/// Files that are sent at the same time, to all peers together.
pub(super) const SENT_AT_ONCE_MAX: usize = 8;
/// Bytes read from the disk at once.
const PORTION_BYTES: usize = 64 * 1024;
/// How long a peer may take no bytes.
const STALL_MAX: Duration = Duration::from_secs(60);
/// How often that is checked.
const STALL_CHECK: Duration = Duration::from_secs(5);
/// The longest transfer; a Causeway continues it where it was. In this time 9 GiB pass at the lowest rate that a
/// receiver accepts.
const TRANSFER_MAX: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Sends a file, and submits the receipt.
pub(super) fn dispatch(federation: &Federation, file: SendFile) {
    let attempt = (file.connection, file.attempt);
    sender::beside(federation, attempt, send(federation.clone(), file));
}

async fn send(federation: Federation, file: SendFile) -> SendOutcome {
    let connection = file.connection;
    let Ok(_place) = federation.inner.sending_files.acquire().await else {
        return SendOutcome::NeverLeft;
    };
    let Some((row, site_url, token)) = federation.route(connection) else {
        return SendOutcome::NeverLeft;
    };
    let opened = match open(&federation, &file).await {
        Ok(opened) => opened,
        Err(error) => {
            let digest = &file.digest;
            tracing::error!(%error, digest, "a file that a peer is to get cannot be read");
            // Not `NeverLeft`, which is said of the connection: its messages would pause.
            return SendOutcome::Unknown;
        }
    };
    let taken = Arc::new(AtomicU64::new(0));
    let path = format!("/api/v4/remotecluster/upload/{}", file.upload);
    let call = Call {
        site_url: &site_url,
        path: &path,
        remote_id: row.remote_id,
        token: &token,
        incarnation: None,
        own_site_url: None,
        body: Payload::Bytes {
            bytes: body(opened, file.size - file.offset, Arc::clone(&taken)),
            digest: file.digest,
        },
        timeout: TRANSFER_MAX,
    };
    let answered = tokio::select! {
        answered = federation.inner.client.post(call) => answered,
        () = stalled(&taken) => return SendOutcome::Unknown,
    };
    let outcome = sender::outcome_of(&federation, connection, answered);
    if !matches!(outcome, SendOutcome::Answered(_)) {
        tracing::debug!(name = row.name, ?outcome, "a file was not accepted");
    }
    outcome
}

async fn open(federation: &Federation, file: &SendFile) -> io::Result<File> {
    let store = Arc::clone(&federation.inner.files.store);
    let digest = file.digest.clone();
    let opened = tokio::task::spawn_blocking(move || store.read(&digest));
    let mut opened = File::from_std(opened.await.map_err(io::Error::other)??);
    if opened.metadata().await?.len() != file.size || file.offset > file.size {
        return Err(io::Error::other("it has another size than it should"));
    }
    opened.seek(SeekFrom::Start(file.offset)).await?;
    Ok(opened)
}

/// The rest of a file as a body; counts the bytes that were taken.
fn body(file: File, left: u64, taken: Arc<AtomicU64>) -> UnsyncBoxBody<Bytes, io::Error> {
    let portions = stream::try_unfold((file, left, taken), |(mut file, left, taken)| async move {
        if left == 0 {
            return Ok(None);
        }
        let most = usize::try_from(left).map_or(PORTION_BYTES, |left| left.min(PORTION_BYTES));
        let mut portion = BytesMut::with_capacity(most);
        let read = file.read_buf(&mut (&mut portion).limit(most)).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let read = read as u64;
        taken.fetch_add(read, Ordering::Relaxed);
        Ok(Some((
            Frame::data(portion.freeze()),
            (file, left - read, taken),
        )))
    });
    StreamBody::new(portions).boxed_unsync()
}

/// Ends when no bytes were taken for a while.
async fn stalled(taken: &AtomicU64) {
    let (mut seen, mut since) = (0, tokio::time::Instant::now());
    loop {
        tokio::time::sleep(STALL_CHECK).await;
        let now = taken.load(Ordering::Relaxed);
        if now != seen {
            (seen, since) = (now, tokio::time::Instant::now());
        } else if since.elapsed() >= STALL_MAX {
            return;
        }
    }
}
