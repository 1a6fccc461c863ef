//! Resources available to strangers: few connections and small bodies until they have authenticated;
//! and a body that is too large is answered through a proxy as well.

use anyhow::{Result, ensure};
use causeway::http::connections::STRANGERS_MAX;
use causeway_tests::hosted::Hosted;
use causeway_tests::socket::Socket;

const TOO_LARGE: &str = "api.context.request_body_too_large.app_error";
/// As proxies send it: completely, whatever is answered meanwhile.
const BODY_BYTES: usize = 10_000_000;

#[tokio::test]
async fn silent_connections_shut_nobody_out() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    let mut silent = Vec::new();
    for _ in 0..STRANGERS_MAX + 100 {
        silent.push(Socket::connect(hosted.url()).await?);
    }
    // Known and unknown clients are served.
    let ann = hosted.user("ann").await?;
    ann.get("/users/me").await?;
    let totals = hosted.running().app.connections.totals();
    ensure!(totals.strangers <= STRANGERS_MAX, "{totals:?}");
    ensure!(totals.evicted >= 100 && totals.refused == 0, "{totals:?}");
    // The first ones were closed.
    ensure!(silent.remove(0).rest().await?.is_empty());
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_websocket_is_a_connection_until_it_closes() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    hosted.side.admin.get("/users/me").await?;
    let known = || hosted.running().app.connections.totals().known;
    let before = known();
    let events = hosted.side.admin.events().await?;
    assert_eq!(known(), before + 1);
    drop(events);
    while known() > before {
        tokio::task::yield_now().await;
    }
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_said_to_be_too_large_is_not_asked_for() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    for length in [16 * 1024 + 1, BODY_BYTES] {
        let mut socket = Socket::connect(hosted.url()).await?;
        let fields = format!("content-length: {length}\r\nexpect: 100-continue\r\n");
        socket.ask("POST /api/v4/users/login", &fields).await?;
        let head = socket.head().await?;
        assert_eq!((head.status(), head.header("connection")), (413, "close"));
        let body: serde_json::Value = serde_json::from_slice(&socket.rest().await?)?;
        assert_eq!(body["id"], TOO_LARGE);
    }
    let mut socket = Socket::connect(hosted.url()).await?;
    let fields = "content-length: 2\r\nexpect: 100-continue\r\n";
    socket.ask("POST /api/v4/users/login", fields).await?;
    assert_eq!(socket.head().await?.status(), 100);
    hosted.stop().await;
    Ok(())
}

#[tokio::test]
async fn a_body_that_is_too_large_gets_its_answer_although_all_of_it_is_sent() -> Result<()> {
    let hosted = Hosted::start("admin", |_| {}).await?;
    let session = format!(
        "authorization: Bearer {}\r\n",
        hosted.side.admin.token().unwrap_or_default()
    );
    let chunk = vec![b' '; 100_000];
    for (line, session, status) in [
        ("POST /api/v4/posts", session.as_str(), 413),
        ("POST /api/v4/users/login", "", 413),
        // These bodies are not read.
        ("POST /api/v4/posts", "", 401),
        ("POST /api/v4/nowhere", "", 404),
        ("POST /api/v4/remotecluster/msg", "", 401),
    ] {
        for in_chunks in [false, true] {
            let mut socket = Socket::connect(hosted.url()).await?;
            let length = if in_chunks {
                "transfer-encoding: chunked\r\n".to_string()
            } else {
                format!("content-length: {BODY_BYTES}\r\n")
            };
            let fields = format!("{session}{length}");
            socket.ask(line, &fields).await?;
            for _ in 0..BODY_BYTES / chunk.len() {
                if in_chunks {
                    let size = format!("{:x}\r\n", chunk.len());
                    socket.send(size.as_bytes()).await?;
                    socket.send(&chunk).await?;
                    socket.send(b"\r\n").await?;
                } else {
                    socket.send(&chunk).await?;
                }
            }
            let head = socket.head().await?;
            assert_eq!(head.status(), status, "{line}");
            assert_eq!(head.header("content-type"), "application/json");
            if status == 413 {
                assert_eq!(head.header("connection"), "close");
            }
            let body: serde_json::Value = serde_json::from_slice(&socket.rest().await?)?;
            assert_eq!(body["status_code"], status);
        }
    }
    hosted.stop().await;
    Ok(())
}
