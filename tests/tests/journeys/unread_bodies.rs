//! Bodies that nobody reads do not cost the client its connection.

use std::time::Duration;

use anyhow::{Result, ensure};
use causeway_tests::hosted::Hosted;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// How long a response may take.
const WITHIN: Duration = Duration::from_secs(60);

/// Reads until a whole response with a JSON object was received.
async fn response(stream: &mut TcpStream) -> Result<String> {
    let mut received = Vec::new();
    let read = async {
        loop {
            let mut part = [0; 4096];
            let count = stream.read(&mut part).await?;
            ensure!(count > 0, "the connection was closed");
            received.extend_from_slice(part.get(..count).unwrap_or_default());
            let text = String::from_utf8_lossy(&received).to_string();
            if text.contains("\r\n\r\n") && text.trim_end().ends_with('}') {
                return Ok(text);
            }
        }
    };
    tokio::time::timeout(WITHIN, read).await?
}

#[tokio::test]
async fn a_body_that_comes_after_the_response_is_passed_over() -> Result<()> {
    let hosted = Hosted::start("ann", |_| {}).await?;
    let address = hosted.url().trim_start_matches("http://").to_string();
    let mut stream = TcpStream::connect(&address).await?;
    for (method, path, status) in [
        ("GET", "/api/v4/system/ping", "200"),
        ("DELETE", "/api/v4/posts/x", "401"),
        ("POST", "/api/v4/users/logout", "200"),
        ("GET", "/api/v4/nothing", "404"),
    ] {
        let head =
            format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\ncontent-length: 2\r\n\r\n");
        stream.write_all(head.as_bytes()).await?;
        let text = response(&mut stream).await?;
        ensure!(
            text.starts_with(&format!("HTTP/1.1 {status}")),
            "{method} {path}: {text}"
        );
        // Only now.
        stream.write_all(b"{}").await?;
    }
    hosted.stop().await;
    Ok(())
}
