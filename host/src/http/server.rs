//! The accept loop: a connection costs nothing before its first byte, may not stall, and there
//! are never more of them than the limit.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Router;
use axum::extract::ConnectInfo;
use causeway_engine::RepeatedLine;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::time::{Instant, Sleep};

/// Connections held at once; further ones wait in the listener's backlog.
const CONNECTIONS_MAX: usize = 4096;
/// How long a new connection may take to send its first byte.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be idle between requests, and how long a request's head may take.
/// Longer than the minute that peers keep a pooled connection for.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Header fields of a request; more are refused with 431.
const HEADERS_MAX: usize = 64;
/// Bytes buffered of a connection; a larger head is refused with 431.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long a peer may leave our bytes unread before the connection is dropped.
const WRITE_STALL_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a shutdown waits for requests in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept (out of file descriptors, most of the time).
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `stop` turns true, then lets requests in flight end.
pub async fn serve(listener: TcpListener, router: Router, stop: watch::Receiver<bool>) {
    let permits = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    // Every connection holds a sender; when the last one is gone, all have ended.
    let (alive, mut all_ended) = mpsc::channel::<()>(1);
    loop {
        let accepted = tokio::select! {
            () = stopped(stop.clone()) => break,
            accepted = accept(&listener, &permits) => accepted,
        };
        let Some((stream, peer, permit)) = accepted else {
            continue;
        };
        let connection = converse(stream, peer, router.clone(), stop.clone());
        let alive = alive.clone();
        tokio::spawn(async move {
            connection.await;
            drop((permit, alive));
        });
    }
    drop((listener, alive));
    if tokio::time::timeout(DRAIN_TIMEOUT, all_ended.recv())
        .await
        .is_err()
    {
        tracing::warn!("requests still in flight were cut off");
    }
}

/// Resolves when the service ends. A dropped sender means that nobody can end it any more.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Answers the requests of one connection, one after another.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    if !first_byte(&stream).await {
        return;
    }
    let router = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        router.call(request)
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(TokioIo::new(StallGuard::new(stream)), service)
        .with_upgrades();
    tokio::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(stop) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // Broken connections are everyday events of a public port.
    if let Err(error) = ended {
        tracing::trace!(%error, "connection ended");
    }
}

type Accepted = (TcpStream, SocketAddr, tokio::sync::OwnedSemaphorePermit);

async fn accept(listener: &TcpListener, permits: &Arc<Semaphore>) -> Option<Accepted> {
    let permit = Arc::clone(permits).acquire_owned().await.ok()?;
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Answers are small and awaited: do not hold them back.
            let _ = stream.set_nodelay(true);
            Some((stream, peer, permit))
        }
        Err(error) => {
            static FAILURES: RepeatedLine = RepeatedLine::new();
            if let Some(left_out) = FAILURES.next() {
                tracing::warn!(%error, left_out, "a connection cannot be accepted");
            }
            tokio::time::sleep(ACCEPT_PAUSE).await;
            None
        }
    }
}

async fn first_byte(stream: &TcpStream) -> bool {
    let peek = tokio::time::timeout(FIRST_BYTE_TIMEOUT, stream.readable());
    matches!(peek.await, Ok(Ok(())))
}

/// A stream whose writes may not stall for ever.
struct StallGuard {
    stream: TcpStream,
    stalled: Option<Pin<Box<Sleep>>>,
}

impl StallGuard {
    fn new(stream: TcpStream) -> StallGuard {
        StallGuard {
            stream,
            stalled: None,
        }
    }

    /// Starts, ends or checks the clock of a stall after an attempt to write.
    fn watch<T>(&mut self, cx: &mut Context<'_>, poll: Poll<io::Result<T>>) -> Poll<io::Result<T>> {
        if poll.is_ready() {
            self.stalled = None;
            return poll;
        }
        let deadline = || {
            Box::pin(tokio::time::sleep_until(
                Instant::now() + WRITE_STALL_TIMEOUT,
            ))
        };
        let stalled = self.stalled.get_or_insert_with(deadline);
        match stalled.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for StallGuard {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for StallGuard {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, poll)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let poll = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, poll)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let poll = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, poll)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::routing::get;
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::sync::Notify;

    struct Served {
        address: SocketAddr,
        stop: watch::Sender<bool>,
        serving: tokio::task::JoinHandle<()>,
        entered: Arc<Notify>,
        leave: Arc<Notify>,
    }

    /// Serves `/`, and `/held`, which tells when it is entered and waits until it may leave.
    async fn start() -> Served {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (entered, leave) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
        let (tell, wait) = (Arc::clone(&entered), Arc::clone(&leave));
        let held = move || async move {
            tell.notify_one();
            wait.notified().await;
            "late"
        };
        let router = Router::new()
            .route("/", get(|| async { "here" }))
            .route("/held", get(held));
        let (stop, stopping) = watch::channel(false);
        let serving = tokio::spawn(serve(listener, router, stopping));
        Served {
            address,
            stop,
            serving,
            entered,
            leave,
        }
    }

    async fn ask(stream: &mut TcpStream, path: &str) {
        let head = format!("GET {path} HTTP/1.1\r\nhost: x\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
    }

    #[tokio::test]
    async fn requests_in_flight_end_before_the_service_does() {
        let served = start().await;
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        ask(&mut stream, "/").await;
        let mut buffer = [0; 1024];
        let read = stream.read(&mut buffer).await.unwrap();
        assert!(buffer[..read].ends_with(b"here"));
        ask(&mut stream, "/held").await;
        served.entered.notified().await;
        served.stop.send(true).unwrap();
        served.leave.notify_one();
        let mut rest = Vec::new();
        stream.read_to_end(&mut rest).await.unwrap();
        assert!(rest.ends_with(b"late"));
        served.serving.await.unwrap();
        assert!(TcpStream::connect(served.address).await.is_err());
    }

    #[tokio::test]
    async fn too_many_headers_are_refused() {
        let served = start().await;
        let mut stream = TcpStream::connect(served.address).await.unwrap();
        let fields: String = (0..=HEADERS_MAX).map(|n| format!("h{n}: x\r\n")).collect();
        let head = format!("GET / HTTP/1.1\r\n{fields}\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.unwrap();
        assert!(answer.starts_with(b"HTTP/1.1 431"));
    }
}
