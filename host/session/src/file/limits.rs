//! Limits for reading session files, which may come from anybody. A file of kilobytes may decompress
//! to gigabytes, so everything that is kept is counted first.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::error::SessionError;

/// Maximum bytes of a header; a longer one is damage.
pub const HEADER_BYTES_MAX: u32 = 1 << 20;
/// Maximum bytes of an index; a longer one is damage. Enough for a file of some hundred gigabytes.
pub const INDEX_BYTES_MAX: u32 = 16 << 20;
/// Maximum size of a decompressed block; larger ones are refused before decompression.
pub const BLOCK_BYTES_MAX: usize = 128 << 20;
/// Maximum rows, and effects, of a piece; the kernel's limits keep a step far below.
pub const PIECE_ITEMS_MAX: usize = 1 << 20;
/// Maximum bytes of rows kept while a file is read, unless the caller allows more.
pub const ROWS_BYTES_MAX: u64 = 1 << 30;
/// Bytes charged for a row in addition to its key and value: the overhead of a map in memory.
pub const ROW_BYTES: u64 = 128;
/// Maximum bytes of all kernels of a file.
pub const KERNELS_BYTES_MAX: u64 = 64 << 20;
/// Maximum bytes of blocks that a replay reads ahead.
pub const AHEAD_BYTES_MAX: u64 = 128 << 20;
/// Maximum damaged places reported; nothing is read after the last of them.
pub const DAMAGES_MAX: usize = 100;

/// Counts bytes in memory against a limit; shared by threads.
#[derive(Clone, Debug)]
pub struct Budget {
    used: Arc<AtomicU64>,
    max: u64,
}

impl Budget {
    /// A budget of this many bytes.
    #[must_use]
    pub fn of(max: u64) -> Budget {
        Budget {
            used: Arc::default(),
            max,
        }
    }

    /// Charges bytes until they are [given back](Budget::give_back).
    pub fn take(&self, bytes: u64) {
        self.used.fetch_add(bytes, Ordering::Relaxed);
    }

    /// Returns charged bytes.
    pub fn give_back(&self, bytes: u64) {
        self.used.fetch_sub(bytes, Ordering::Relaxed);
    }

    /// Checks the limit.
    ///
    /// # Errors
    /// If it is exceeded.
    pub fn check(&self) -> Result<(), SessionError> {
        if self.used.load(Ordering::Relaxed) <= self.max {
            return Ok(());
        }
        let mib = self.max >> 20;
        Err(SessionError::TooLarge { mib })
    }
}

/// The bytes charged for a row.
#[must_use]
pub fn row_bytes(key: &[u8], value: Option<&[u8]>) -> u64 {
    ROW_BYTES + key.len() as u64 + value.map_or(0, |value| value.len() as u64)
}
