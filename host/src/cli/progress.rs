//! Progress of long work, as a line on a terminal.

use std::io::{IsTerminal, Write, stderr};
use std::time::{Duration, Instant};

/// Pause between two updates.
const INTERVAL: Duration = Duration::from_millis(500);
/// Width of the bar, in characters.
const BAR_WIDTH: u64 = 30;

/// Steps done, their total, and steps per second.
pub struct Progress {
    begun: Instant,
    shown: Instant,
    /// Total number of steps; 0 if unknown.
    total: u64,
    is_terminal: bool,
}

impl Progress {
    /// Progress of this many steps; 0 if unknown.
    pub fn of(total: u64) -> Progress {
        let now = Instant::now();
        Progress {
            begun: now,
            shown: now,
            total,
            is_terminal: stderr().is_terminal(),
        }
    }

    /// Shows that this many steps are done.
    pub fn show(&mut self, done: u64) {
        if !self.is_terminal || self.shown.elapsed() < INTERVAL {
            return;
        }
        self.shown = Instant::now();
        let per_second = self.per_second(done);
        match (done * BAR_WIDTH).checked_div(self.total) {
            None => eprint!("\r{done} steps, {per_second} steps/s "),
            Some(filled) => {
                let bar: String = (0..BAR_WIDTH)
                    .map(|at| if at < filled { '#' } else { '.' })
                    .collect();
                let total = self.total;
                eprint!("\r\x1b[K[{bar}] {done} of {total}, {per_second} steps/s ");
            }
        }
        // Failing to show progress is no reason to stop.
        let _ = stderr().flush();
    }

    /// Shows a text before the first step.
    pub fn say(&self, what: &str) {
        if self.is_terminal {
            eprint!("{what} ");
            // As above.
            let _ = stderr().flush();
        }
    }

    /// Clears the line.
    pub fn end(&self) {
        if self.is_terminal {
            eprint!("\r\x1b[K");
        }
    }

    /// Time since the start.
    pub fn took(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Steps per second so far.
    pub fn per_second(&self, done: u64) -> u128 {
        u128::from(done) * 1_000_000 / self.begun.elapsed().as_micros().max(1)
    }
}
