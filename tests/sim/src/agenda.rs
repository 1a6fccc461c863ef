//! Scheduled events, by time; events of the same time in the order in which they were scheduled.

use std::collections::BTreeMap;

/// Scheduled events.
pub struct Agenda<E> {
    events: BTreeMap<(i64, u64), E>,
    set: u64,
}

impl<E> Default for Agenda<E> {
    fn default() -> Agenda<E> {
        Agenda {
            events: BTreeMap::new(),
            set: 0,
        }
    }
}

impl<E> Agenda<E> {
    /// Schedules an event, in ms.
    pub fn at(&mut self, at_ms: i64, event: E) {
        self.set += 1;
        self.events.insert((at_ms, self.set), event);
    }

    /// Changes every event, or cancels it.
    pub fn change(&mut self, mut change: impl FnMut(E) -> Option<E>) {
        let events = std::mem::take(&mut self.events).into_iter();
        self.events = events
            .filter_map(|(at, event)| Some((at, change(event)?)))
            .collect();
    }

    /// The next event and its time, if that is not after `end_ms`.
    pub fn next(&mut self, end_ms: i64) -> Option<(i64, E)> {
        let entry = self.events.first_entry()?;
        if entry.key().0 > end_ms {
            return None;
        }
        let ((at_ms, _), event) = entry.remove_entry();
        Some((at_ms, event))
    }
}
