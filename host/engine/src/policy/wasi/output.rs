//! Standard output and error of a policy: lines in the log.

use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::super::bindings::v0_3::causeway::policy::log::Level;
use super::super::lines::{LINE_BYTES_MAX, Lines};

/// Maximum bytes that are written at a time.
const WRITE_BYTES_MAX: usize = 4_096;

/// A stream of lines. What the runtime of a language says there is for the author of a policy, so it has the
/// level `debug`.
pub(super) struct Output {
    name: &'static str,
    lines: Arc<Lines>,
    /// A line without its end.
    begun: Vec<u8>,
}

impl Output {
    pub(super) fn new(name: &'static str, lines: &Arc<Lines>) -> Output {
        Output {
            name,
            lines: Arc::clone(lines),
            begun: Vec::new(),
        }
    }

    fn end_line(&mut self) {
        let line = String::from_utf8_lossy(&self.begun);
        let line = format!("{}: {line}", self.name);
        self.begun.clear();
        self.lines.write(Level::Debug, line);
    }
}

impl Drop for Output {
    fn drop(&mut self) {
        if !self.begun.is_empty() {
            self.end_line();
        }
    }
}

#[async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > WRITE_BYTES_MAX {
            return Err(StreamError::trap("it wrote more at a time than it may"));
        }
        for byte in bytes {
            if byte == b'\n' {
                self.end_line();
            } else if self.begun.len() < LINE_BYTES_MAX {
                self.begun.push(byte);
            }
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(WRITE_BYTES_MAX)
    }
}
