//! What an instance of a policy writes to the operator's log.

use std::fmt::Write as _;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use super::bindings::v0_3::causeway::policy::log::Level;
use super::contract::cut;
use super::counters::Counters;

/// Maximum lines in the log for each list of questions.
const LINES_MAX: u32 = 16;

/// Maximum bytes of a line; the rest is cut off.
pub(super) const LINE_BYTES_MAX: usize = 1_000;

/// The lines of an instance. Its streams write to it, too.
pub(super) struct Lines {
    /// Name of its slot.
    slot: Arc<str>,
    counters: Arc<Counters>,
    written: AtomicU32,
}

impl Lines {
    /// No lines yet, besides so many of earlier instances that count with its own.
    pub(super) fn new(slot: &str, counters: &Arc<Counters>, written: u32) -> Lines {
        Lines {
            slot: slot.into(),
            counters: Arc::clone(counters),
            written: AtomicU32::new(written),
        }
    }

    /// Lines written, including those of earlier instances.
    pub(super) fn written(&self) -> u32 {
        self.written.load(Ordering::Relaxed)
    }

    /// Writes a line, or drops and counts it.
    pub(super) fn write(&self, level: Level, line: String) {
        // Only one thread uses an instance at a time.
        let written = self.written();
        if written == LINES_MAX {
            self.counters.dropped_lines.add(1);
            return;
        }
        self.written.store(written + 1, Ordering::Relaxed);
        let line = plain(&cut(line, LINE_BYTES_MAX));
        let policy = &*self.slot;
        match level {
            Level::Debug => tracing::debug!(target: "causeway::policy", policy, "{line}"),
            Level::Info => tracing::info!(target: "causeway::policy", policy, "{line}"),
            Level::Warn => tracing::warn!(target: "causeway::policy", policy, "{line}"),
        }
    }
}

/// A line with its control characters escaped.
fn plain(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    for c in line.chars() {
        if c.is_control() {
            // Writing to a string cannot fail.
            let _ = write!(out, "{}", c.escape_default());
        } else {
            out.push(c);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_cannot_look_like_several_or_move_the_cursor() {
        assert_eq!(plain("a\nb\u{1b}[2Jé\u{85}"), "a\\nb\\u{1b}[2Jé\\u{85}");
    }

    #[test]
    fn what_exceeds_an_instances_lines_is_dropped_and_counted() {
        let counters = Arc::default();
        let lines = Lines::new("slot", &counters, 1);
        for _ in 0..LINES_MAX + 3 {
            lines.write(Level::Debug, "x".repeat(2 * LINE_BYTES_MAX));
        }
        assert_eq!(lines.written(), LINES_MAX);
        assert_eq!(counters.read().dropped_lines, 4);
    }
}
