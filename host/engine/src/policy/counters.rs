//! What each slot has done since the service started, counted without locks.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use super::distribution::{Distribution, Spread};

/// The counters of a slot. They outlive a swap of its component.
#[derive(Debug, Default)]
pub(super) struct Counters {
    pub questions: Counter,
    pub allowed: Counter,
    pub denied: Counter,
    pub revised: Counter,
    pub failures: Counter,
    pub unasked: Counter,
    pub suspensions: Counter,
    pub fuel: Counter,
    pub dropped_lines: Counter,
    pub strikes: Counter,
    /// Fuel of each question that was put to it.
    pub fuel_each: Spread,
    /// Time of each, in ns. It is measured for people only: nothing may depend on it.
    pub time_each_ns: Spread,
    /// Step time in ms; 0 = not suspended.
    pub suspended_until_ms: AtomicI64,
}

/// A number that only rises.
#[derive(Debug, Default)]
pub(super) struct Counter(AtomicU64);

impl Counter {
    pub(super) fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// What a slot has done since the service started, and whether it is suspended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PolicyCounts {
    /// Questions that came to it: the sum of the following five.
    pub questions: u64,
    /// Questions that it let pass.
    pub allowed: u64,
    /// Questions that it denied.
    pub denied: u64,
    /// Questions that it let pass with a revised value.
    pub revised: u64,
    /// Questions at which it failed: it trapped, used up its fuel or memory, or gave an invalid answer.
    pub failures: u64,
    /// Questions that were not put to it, because it is suspended or does not run in this release.
    pub unasked: u64,
    /// How often it was suspended.
    pub suspensions: u64,
    /// Fuel that it used.
    pub fuel: u64,
    /// Lines for the log that were dropped.
    pub dropped_lines: u64,
    /// Failures that count towards a suspension.
    pub strikes: u64,
    /// Fuel of each question that was put to it, with that of the instance if the question needed a fresh one.
    pub fuel_each: Distribution,
    /// Time of each such question, in ns.
    pub time_each_ns: Distribution,
    /// The step time until which it is suspended, in ms; `None` = it is not, as far as it was asked.
    pub suspended_until_ms: Option<i64>,
}

impl Counters {
    /// The present values.
    pub(super) fn read(&self) -> PolicyCounts {
        let until_ms = self.suspended_until_ms.load(Ordering::Relaxed);
        PolicyCounts {
            questions: self.questions.get(),
            allowed: self.allowed.get(),
            denied: self.denied.get(),
            revised: self.revised.get(),
            failures: self.failures.get(),
            unasked: self.unasked.get(),
            suspensions: self.suspensions.get(),
            fuel: self.fuel.get(),
            dropped_lines: self.dropped_lines.get(),
            strikes: self.strikes.get(),
            fuel_each: self.fuel_each.read(),
            time_each_ns: self.time_each_ns.read(),
            suspended_until_ms: (until_ms != 0).then_some(until_ms),
        }
    }

    /// Shows until when it is suspended, if it is.
    pub(super) fn show_suspension(&self, until_ms: Option<i64>) {
        let shown = until_ms.unwrap_or(0);
        self.suspended_until_ms.store(shown, Ordering::Relaxed);
    }
}
