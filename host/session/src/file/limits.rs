//! What reading a session file may cost, whoever wrote it. What is packed in a file of kilobytes may
//! unpack to gigabytes, so what is kept is counted before it is kept.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::SessionError;

/// Bytes of a header; a longer one is damaged.
pub const HEADER_BYTES_MAX: u32 = 1 << 20;
/// Bytes of an index; a longer one is damaged. It names blocks of a file of some hundred gigabytes.
pub const INDEX_BYTES_MAX: u32 = 16 << 20;
/// Bytes that a block may unpack to; more is refused before it is unpacked.
pub const BLOCK_BYTES_MAX: usize = 128 << 20;
/// Rows, and effects, of a piece; the kernel's limits keep those of a step far below.
pub const PIECE_ITEMS_MAX: usize = 1 << 20;
/// Bytes of rows that are kept while a file is read, unless whoever reads it allows more.
pub const ROWS_BYTES_MAX: u64 = 1 << 30;
/// Bytes that a row counts for besides its key and its value: what a map in memory needs.
pub const ROW_BYTES: u64 = 128;
/// Bytes of all kernels of a file that are kept.
pub const KERNELS_BYTES_MAX: u64 = 64 << 20;
/// Bytes of blocks that a replay reads ahead.
pub const AHEAD_BYTES_MAX: u64 = 128 << 20;
/// Damaged places that are named; behind the last of them nothing is read.
pub const DAMAGES_MAX: usize = 100;

/// Bytes in memory that count against a limit, for several threads.
#[derive(Clone, Debug)]
pub struct Budget {
    used: Arc<AtomicU64>,
    max: u64,
}

impl Budget {
    /// Of so many bytes.
    #[must_use]
    pub fn of(max: u64) -> Budget {
        Budget {
            used: Arc::default(),
            max,
        }
    }

    /// Counts bytes that are there until they are [given back](Budget::give_back).
    pub fn take(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Counts bytes no longer.
    pub fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Whether the limit is kept.
    ///
    /// # Errors
    /// When it is not.
    pub fn check(&self) -> Result<(), SessionError> {
        if self.used.load(Ordering::Relaxed) <= self.max {
            return Ok(());
        }
        let mib = self.max >> 20;
        Err(SessionError::TooLarge { mib })
    }
}

/// What a row counts for.
#[must_use]
pub fn row_bytes(key: &[u8], value: Option<&[u8]>) -> u64 {
    ROW_BYTES + key.len() as u64 + value.map_or(0, |value| value.len() as u64)
}
