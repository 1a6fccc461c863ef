//! What the onlooker demands of a server of its own things: what it has offered to the peer in its
//! last state, in a message that the peer processed. The server itself keeps no such book.

use std::collections::BTreeMap;

use crate::frames::Item;

/// A thing of the server.
#[derive(Clone, Debug, Default)]
struct Debt {
    /// Rises with each change.
    state: u64,
    /// The highest version that it ever had.
    version: i64,
    /// Whether its last version is not newer than one before it: the clock had gone back.
    is_backdated: bool,
    /// The state that was offered last.
    offered: Option<u64>,
}

/// The book.
#[derive(Clone, Debug, Default)]
pub struct Debts(BTreeMap<Item, Debt>);

impl Debts {
    /// A thing changed. A deletion counts whatever its time is.
    pub fn owe(&mut self, item: Item, version: i64, is_deletion: bool) {
        let debt = self.0.entry(item).or_default();
        debt.is_backdated = !is_deletion && debt.state > 0 && version <= debt.version;
        debt.state += 1;
        debt.version = debt.version.max(version);
    }

    /// The state of a thing, to be named when it was offered.
    #[must_use]
    pub fn state(&self, item: &Item) -> u64 {
        self.0.get(item).map_or(0, |debt| debt.state)
    }

    /// The peer processed a message with this state of a thing.
    pub fn offered(&mut self, item: &Item, state: u64) {
        if let Some(debt) = self.0.get_mut(item) {
            debt.offered = Some(state);
        }
    }

    /// Whether the peer was ever offered a thing.
    #[must_use]
    pub fn was_offered(&self, item: &Item) -> bool {
        self.0.get(item).is_some_and(|debt| debt.offered.is_some())
    }

    /// Nobody knows what the peer still holds.
    pub fn forget(&mut self) {
        for debt in self.0.values_mut() {
            debt.offered = None;
        }
    }

    /// How many things there are.
    #[must_use]
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// How many of them the peer must have as they are.
    #[must_use]
    pub fn count_due(&self) -> usize {
        self.0.keys().filter(|item| self.is_due(item)).count()
    }

    /// Whether the peer must have the last state of a thing.
    #[must_use]
    pub fn is_due(&self, item: &Item) -> bool {
        self.0
            .get(item)
            .is_some_and(|debt| debt.offered == Some(debt.state) && !debt.is_backdated)
    }
}
