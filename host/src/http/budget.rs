//! Budgets of bytes held for somebody: in total, and per holder.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Limits how many bytes are held at the same time.
pub struct Budget<K> {
    bytes_max: usize,
    each_bytes_max: usize,
    held: Mutex<Held<K>>,
}

struct Held<K> {
    bytes: usize,
    by_holder: BTreeMap<K, usize>,
}

/// Bytes of a budget, held until this is dropped.
pub struct Charge<K: Ord> {
    budget: Arc<Budget<K>>,
    holder: K,
    bytes: usize,
}

impl<K: Ord + Clone> Budget<K> {
    /// A budget of this many bytes in total, and this many for each holder.
    #[must_use]
    pub fn new(bytes_max: usize, each_bytes_max: usize) -> Budget<K> {
        Budget {
            bytes_max,
            each_bytes_max,
            held: Mutex::new(Held {
                bytes: 0,
                by_holder: BTreeMap::new(),
            }),
        }
    }

    /// Takes bytes for a holder; `None` if that would exceed the holder's limit or the total.
    pub fn take(self: &Arc<Self>, holder: &K, bytes: usize) -> Option<Charge<K>> {
        let mut held = self.lock();
        let own = held.by_holder.get(holder).copied().unwrap_or(0);
        let own = own.saturating_add(bytes);
        let all = held.bytes.saturating_add(bytes);
        if all > self.bytes_max || own > self.each_bytes_max {
            return None;
        }
        held.bytes = all;
        held.by_holder.insert(holder.clone(), own);
        Some(Charge {
            budget: Arc::clone(self),
            holder: holder.clone(),
            bytes,
        })
    }

    /// Bytes held now.
    pub fn held_bytes(&self) -> usize {
        self.lock().bytes
    }
}

impl<K> Budget<K> {
    fn lock(&self) -> MutexGuard<'_, Held<K>> {
        // Every critical section leaves the sums consistent, so a poisoned lock is still usable.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Ord> Drop for Charge<K> {
    fn drop(&mut self) {
        let mut held = self.budget.lock();
        held.bytes -= self.bytes;
        if let Some(own) = held.by_holder.get_mut(&self.holder) {
            *own -= self.bytes;
            if *own == 0 {
                held.by_holder.remove(&self.holder);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_holds_more_than_their_share_nor_all_more_than_the_whole() {
        let budget = Arc::new(Budget::new(10, 6));
        let first = budget.take(&1, 6).unwrap();
        assert!(budget.take(&1, 1).is_none());
        assert!(budget.take(&2, usize::MAX).is_none());
        let second = budget.take(&2, 4).unwrap();
        assert!(budget.take(&3, 1).is_none());
        drop(second);
        assert!(budget.take(&3, 1).is_some());
        drop(first);
        assert_eq!(budget.held_bytes(), 0);
        assert!(budget.lock().by_holder.is_empty());
    }
}
