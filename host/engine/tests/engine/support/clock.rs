//! A clock that tests can set.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use causeway_engine::Clock;

#[derive(Debug)]
pub struct SetClock(AtomicI64);

impl SetClock {
    pub fn at(ms: i64) -> Arc<SetClock> {
        Arc::new(SetClock(AtomicI64::new(ms)))
    }

    pub fn advance(&self, by_ms: i64) {
        self.0.fetch_add(by_ms, Ordering::Relaxed);
    }
}

impl Clock for SetClock {
    fn now_ms(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }
}
