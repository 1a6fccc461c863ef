//! The accept loop: a connection costs nothing before its first byte, must not stall, has to authenticate in
//! time, and there are never more of them than the limits of [`connections`].
//!
//! [`connections`]: super::connections

use std::net::SocketAddr;
use std::sync::Arc;
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
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

use super::connections::{Connections, Slot};
use super::stream::Stream;

/// How long a new connection may take to send its first byte.
const FIRST_BYTE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a connection may be open before somebody authenticates on it; a request in progress at that time
/// is still answered.
const STRANGER_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a connection may be idle between requests, and how long a request's head may take. Longer than
/// the minute for which peers keep a pooled connection.
const HEAD_TIMEOUT: Duration = Duration::from_secs(75);
/// Maximum header fields of a request; more are refused with 431.
const HEADERS_MAX: usize = 64;
/// Maximum bytes buffered of a connection; a larger head is refused with 431.
const HEAD_BYTES_MAX: usize = 32 * 1024;
/// How long a shutdown waits for requests in flight.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(10);
/// Pause after a failed accept.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Accepts connections until `stop` turns true, then lets requests in flight finish.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    connections: Arc<Connections>,
    stop: watch::Receiver<bool>,
) {
    // Every connection holds a sender; when the last one is dropped, all have ended.
    let (alive, mut all_ended) = mpsc::channel::<()>(1);
    loop {
        let accepted = tokio::select! {
            () = stopped(stop.clone()) => break,
            accepted = accept(&listener) => accepted,
        };
        let Some((stream, peer)) = accepted else {
            continue;
        };
        let Some(slot) = connections.admit(peer.ip()) else {
            continue;
        };
        let connection = converse(stream, peer, slot, router.clone(), stop.clone());
        let alive = alive.clone();
        tokio::spawn(async move {
            connection.await;
            drop(alive);
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

/// Resolves when the service stops. A dropped sender means that nothing can stop it any more.
async fn stopped(mut stop: watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}

/// Answers the requests of one connection, one after another.
async fn converse(
    stream: TcpStream,
    peer: SocketAddr,
    slot: Arc<Slot>,
    router: Router,
    stop: watch::Receiver<bool>,
) {
    tokio::select! {
        spoken = first_byte(&stream) => if !spoken { return },
        () = slot.evicted() => return,
    }
    let router = TowerToHyperService::new(router);
    let requests = Arc::clone(&slot);
    let service = service_fn(move |mut request: Request<Incoming>| {
        request.extensions_mut().insert(ConnectInfo(peer));
        request.extensions_mut().insert(Arc::clone(&requests));
        let busy = requests.begin();
        let answer = router.call(request);
        async move {
            let answer = answer.await;
            drop(busy);
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(HEAD_TIMEOUT)
        .max_headers(HEADERS_MAX)
        .max_buf_size(HEAD_BYTES_MAX)
        .serve_connection(
            TokioIo::new(Stream::new(stream, Arc::clone(&slot))),
            service,
        )
        .with_upgrades();
    tokio::pin!(connection);
    let stranger = async {
        tokio::time::sleep(STRANGER_TIMEOUT).await;
        if !slot.is_strangers() {
            std::future::pending::<()>().await;
        }
    };
    let conversation = async {
        tokio::select! {
            ended = connection.as_mut() => return ended,
            () = stranger => if !slot.is_busy() { return Ok(()) },
            () = stopped(stop) => {}
        }
        connection.as_mut().graceful_shutdown();
        connection.await
    };
    let ended = tokio::select! {
        ended = conversation => ended,
        () = slot.evicted() => return,
    };
    // Broken connections are normal on a public port.
    if let Err(error) = ended {
        tracing::trace!(%error, "connection ended");
    }
}

async fn accept(listener: &TcpListener) -> Option<(TcpStream, SocketAddr)> {
    match listener.accept().await {
        Ok((stream, peer)) => {
            // Responses are small and awaited: do not delay them.
            let _ = stream.set_nodelay(true);
            Some((stream, peer))
        }
        Err(error) => {
            static FAILURES: RepeatedLine = RepeatedLine::new();
            if let Some(left_out) = FAILURES.next() {
                tracing::warn!(%error, left_out, "cannot accept a connection");
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

#[cfg(test)]
mod tests {
    use super::super::connections::Limits;
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

    /// Serves `/`, and `/held`, which reports when it is entered and waits until it may return.
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
        let connections = Connections::new(Limits::within(usize::MAX), false);
        let serving = tokio::spawn(serve(listener, router, connections, stopping));
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
