//! The stream below a connection: a reader that is too slow is dropped, and after our last response, incoming
//! data is drained for a while so that the client receives it.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until, timeout};

use super::connections::Slot;

/// Bytes per second that a client has to read while there is something to send.
pub const READ_RATE_MIN: u64 = 16 * 1024;
/// How far a client may fall behind that rate before it is dropped.
const STALL_MAX: Duration = Duration::from_secs(60);
/// Maximum bytes read and discarded after our last response.
pub const LINGER_BYTES_MAX: usize = 16 << 20;
/// Time limit for draining.
const LINGER_TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes drained at once.
const LINGER_CHUNK: usize = 8 * 1024;

/// The stream of one connection.
pub struct Stream {
    /// `None` only while it is dropped.
    tcp: Option<TcpStream>,
    slot: Arc<Slot>,
    stall: Stall,
}

impl Stream {
    /// Wraps a connection.
    pub fn new(tcp: TcpStream, slot: Arc<Slot>) -> Stream {
        Stream {
            tcp: Some(tcp),
            slot,
            stall: Stall::default(),
        }
    }

    fn tcp(&mut self) -> io::Result<Pin<&mut TcpStream>> {
        let tcp = self.tcp.as_mut().ok_or(io::ErrorKind::NotConnected)?;
        Ok(Pin::new(tcp))
    }

    /// Writes, and monitors how fast the client reads.
    fn watched(
        &mut self,
        cx: &mut Context<'_>,
        write: impl FnOnce(Pin<&mut TcpStream>, &mut Context<'_>) -> Poll<io::Result<usize>>,
    ) -> Poll<io::Result<usize>> {
        let poll = write(self.tcp()?, cx);
        match poll {
            Poll::Ready(Ok(written)) => self.stall.took(written, Instant::now()),
            Poll::Ready(Err(_)) => {}
            Poll::Pending => return self.stall.wait(cx).map(Err),
        }
        poll
    }
}

/// How far a reader is behind [`READ_RATE_MIN`]: the time we waited for it, minus the time that the bytes it
/// took should have needed. Only much reading makes up for much waiting.
#[derive(Default)]
struct Stall {
    behind: Duration,
    since: Option<Instant>,
    alarm: Option<Pin<Box<Sleep>>>,
}

impl Stall {
    /// The reader took some bytes.
    fn took(&mut self, bytes: usize, now: Instant) {
        let waited = self.since.take().map_or(Duration::ZERO, |at| now - at);
        self.alarm = None;
        let earned = Duration::from_micros(bytes as u64 * 1_000_000 / READ_RATE_MIN);
        self.behind = (self.behind + waited).saturating_sub(earned);
    }

    /// The reader takes nothing; returns the time at which it is too far behind.
    fn waits(&mut self, now: Instant) -> Instant {
        let since = *self.since.get_or_insert(now);
        since + STALL_MAX.saturating_sub(self.behind)
    }

    /// Waits until the reader takes something, or is too far behind.
    fn wait(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let end = self.waits(Instant::now());
        let alarm = self.alarm.get_or_insert_with(|| Box::pin(sleep_until(end)));
        alarm
            .as_mut()
            .poll(cx)
            .map(|()| io::ErrorKind::TimedOut.into())
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        self.tcp()?.poll_read(cx, buf)
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.watched(cx, |tcp, cx| tcp.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.watched(cx, |tcp, cx| tcp.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.as_ref().is_some_and(AsyncWrite::is_write_vectored)
    }

    // Only the system's own buffer could be flushed.
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.tcp()?.poll_shutdown(cx)
    }
}

impl Drop for Stream {
    /// A system that closes a socket with unread bytes resets the connection, and the client loses our last
    /// response. A proxy that is still sending a body would report a broken server.
    fn drop(&mut self) {
        let (Some(tcp), Ok(runtime)) = (self.tcp.take(), tokio::runtime::Handle::try_current())
        else {
            return;
        };
        let slot = Arc::clone(&self.slot);
        runtime.spawn(async move {
            tokio::select! {
                () = slot.evicted() => {}
                _ = timeout(LINGER_TIMEOUT, linger(tcp)) => {}
            }
        });
    }
}

/// Closes our side, and reads until the client closes its own.
async fn linger(mut tcp: TcpStream) -> io::Result<()> {
    tcp.shutdown().await?;
    let mut chunk = vec![0; LINGER_CHUNK];
    let mut left = LINGER_BYTES_MAX;
    while left > 0 {
        match tcp.read(&mut chunk).await? {
            0 => break,
            read => left = left.saturating_sub(read),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: usize = READ_RATE_MIN as usize;

    #[test]
    fn a_byte_now_and_then_does_not_make_up_for_waiting() {
        let (mut stall, mut now) = (Stall::default(), Instant::now());
        for _ in 0..5 {
            assert!(stall.waits(now) > now + Duration::from_secs(11));
            now += Duration::from_secs(11);
            stall.took(1, now);
        }
        assert!(stall.waits(now) < now + Duration::from_secs(6));
    }

    #[test]
    fn a_reader_at_the_rate_is_served_for_ever() {
        let (mut stall, mut now) = (Stall::default(), Instant::now());
        for _ in 0..1_000 {
            assert!(stall.waits(now) > now + Duration::from_secs(50));
            now += Duration::from_secs(50);
            stall.took(50 * SECOND, now);
        }
        assert_eq!(stall.behind, Duration::ZERO);
    }
}
