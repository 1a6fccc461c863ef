//! Limits how much of a session is read ahead of the threads that carry it out.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::file::limits::AHEAD_BYTES_MAX;

/// Blocks that were read but are not carried out yet.
#[derive(Debug, Default)]
pub struct Ahead {
    /// Their memory.
    bytes: Mutex<u64>,
    less: Condvar,
}

/// Room for a block; it is released when this is dropped, also if the thread panics.
#[derive(Debug)]
pub struct Room {
    ahead: Arc<Ahead>,
    bytes: u64,
}

impl Ahead {
    /// Waits until there is room for a block of this size. A block that exceeds the limit is admitted
    /// alone.
    pub fn room(self: &Arc<Ahead>, bytes: u64) -> Room {
        let is_full = |taken: &mut u64| *taken > 0 && *taken + bytes > AHEAD_BYTES_MAX;
        let taken = self.less.wait_while(self.taken(), is_full);
        *taken.unwrap_or_else(PoisonError::into_inner) += bytes;
        Room {
            ahead: Arc::clone(self),
            bytes,
        }
    }

    fn taken(&self) -> MutexGuard<'_, u64> {
        self.bytes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        *self.ahead.taken() -= self.bytes;
        self.ahead.less.notify_one();
    }
}
