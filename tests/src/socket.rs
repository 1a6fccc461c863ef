//! A plain TCP connection, for things that no HTTP library does: reading slowly, sending half of a
//! request, sending more than is allowed.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::time::timeout;

/// How long the other side may take; far above what it needs.
const PATIENCE: Duration = Duration::from_secs(60);
/// Bytes that the system buffers for a reader that does not read.
const SMALL_BUFFER_BYTES: u32 = 4096;
/// Bytes of an answer's head at most.
const HEAD_BYTES_MAX: usize = 16 * 1024;

/// A connection that reads only when told to.
pub struct Socket {
    stream: TcpStream,
}

impl Socket {
    /// Connects to the host and port of a URL.
    pub async fn connect(url: &str) -> Result<Socket> {
        let socket = TcpSocket::new_v4()?;
        socket.set_recv_buffer_size(SMALL_BUFFER_BYTES)?;
        let stream = timeout(PATIENCE, socket.connect(address(url)?)).await??;
        Ok(Socket { stream })
    }

    /// Sends bytes unchanged.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes))
            .await
            .context("the other side does not read")??;
        Ok(())
    }

    /// Sends the head of a request; `fields` are its header lines, each with its line end.
    pub async fn ask(&mut self, line: &str, fields: &str) -> Result<()> {
        let head = format!("{line} HTTP/1.1\r\nhost: workspace.test\r\n{fields}\r\n");
        self.send(head.as_bytes()).await
    }

    /// Reads the head of an answer, but nothing of its body.
    pub async fn head(&mut self) -> Result<Head> {
        let mut text = Vec::new();
        while !text.ends_with(b"\r\n\r\n") {
            let byte = timeout(PATIENCE, self.stream.read_u8()).await;
            text.push(byte.context("no answer")?.context("no whole answer")?);
            ensure!(text.len() <= HEAD_BYTES_MAX, "an endless head");
        }
        Ok(Head(String::from_utf8(text)?.to_ascii_lowercase()))
    }

    /// Reads until the other side closes.
    pub async fn rest(&mut self) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        timeout(PATIENCE, self.stream.read_to_end(&mut bytes))
            .await
            .context("the connection stays open")??;
        Ok(bytes)
    }
}

/// The host and port of a URL, which must be an IP address.
fn address(url: &str) -> Result<SocketAddr> {
    let rest = url.strip_prefix("http://").context("not http")?;
    let end = rest.find('/').unwrap_or(rest.len());
    rest.get(..end)
        .unwrap_or_default()
        .parse()
        .context("not an address")
}

/// The head of an answer, in lower case.
pub struct Head(String);

impl Head {
    /// HTTP status.
    #[must_use]
    pub fn status(&self) -> u16 {
        let word = self.0.split(' ').nth(1);
        word.and_then(|word| word.parse().ok()).unwrap_or(0)
    }

    /// A header's value; empty if there is none.
    #[must_use]
    pub fn header(&self, name: &str) -> &str {
        let line = self.0.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            (found == name).then_some(value.trim())
        });
        line.unwrap_or_default()
    }
}
