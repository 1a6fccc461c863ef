//! What the oracle requires of a server's own objects: the last state of each must have been offered to the
//! peer in a message that the peer processed. The server itself does not keep such records.

use std::collections::{BTreeMap, BTreeSet};

use causeway_kernel::rows::id::Id;

use crate::frames::Item;

/// An object of the server.
#[derive(Clone, Debug, Default)]
struct Debt {
    /// Rises with each change.
    state: u64,
    /// The highest version that it has ever had.
    version: i64,
    /// Whether its last version is not newer than an earlier one, because the clock had gone back.
    is_backdated: bool,
    /// The state that was offered last.
    offered: Option<u64>,
}

/// The records of all objects.
#[derive(Clone, Debug, Default)]
pub struct Debts {
    objects: BTreeMap<Item, Debt>,
    /// Files whose bytes the peer has taken.
    files: BTreeSet<Id>,
    /// The same when a state of a post was sent last.
    sent: BTreeMap<(Item, u64), BTreeSet<Id>>,
    /// The same for the state of a post that the peer processed last.
    told: BTreeMap<Item, BTreeSet<Id>>,
}

impl Debts {
    /// Records a change to an object. A deletion counts whatever its time is.
    pub fn owe(&mut self, item: Item, version: i64, is_deletion: bool) {
        let debt = self.objects.entry(item).or_default();
        debt.is_backdated = !is_deletion && debt.state > 0 && version <= debt.version;
        debt.state += 1;
        debt.version = debt.version.max(version);
    }

    /// The state of an object, to be passed on when it is offered.
    #[must_use]
    pub fn state(&self, item: &Item) -> u64 {
        self.objects.get(item).map_or(0, |debt| debt.state)
    }

    /// Records that the peer processed a message with this state of an object.
    pub fn offered(&mut self, item: &Item, state: u64) {
        if let Some(debt) = self.objects.get_mut(item) {
            debt.offered = Some(state);
        }
    }

    /// Whether the peer was ever offered an object.
    #[must_use]
    pub fn was_offered(&self, item: &Item) -> bool {
        self.objects
            .get(item)
            .is_some_and(|debt| debt.offered.is_some())
    }

    /// Forgets everything: it is unknown what the peer still has.
    pub fn forget(&mut self) {
        for debt in self.objects.values_mut() {
            debt.offered = None;
        }
        self.files.clear();
        self.told.clear();
    }

    /// Records that the peer has taken the bytes of a file.
    pub fn file_sent(&mut self, file: Id) {
        self.files.insert(file);
    }

    /// Records that a state of a post is sent.
    pub fn post_sent(&mut self, post: &Item, state: u64) {
        self.sent.insert((post.clone(), state), self.files.clone());
    }

    /// Records that the peer processed a state of a post.
    pub fn post_told(&mut self, post: &Item, state: u64) {
        if let Some(sent) = self.sent.get(&(post.clone(), state)) {
            let files = sent.intersection(&self.files).copied();
            self.told.insert(post.clone(), files.collect());
        }
    }

    /// Whether the peer must show a file of a post. `joins_late` says whether it knows of files before they come.
    #[must_use]
    pub fn is_file_due(&self, post: &Item, file: &Id, joins_late: bool) -> bool {
        if joins_late {
            return self.told.contains_key(post) && self.files.contains(file);
        }
        self.told
            .get(post)
            .is_some_and(|files| files.contains(file))
    }

    /// The number of objects.
    #[must_use]
    pub fn count(&self) -> usize {
        self.objects.len()
    }

    /// The number of objects whose last state the peer must have.
    #[must_use]
    pub fn count_due(&self) -> usize {
        self.objects.keys().filter(|item| self.is_due(item)).count()
    }

    /// Whether the peer must have the last state of an object.
    #[must_use]
    pub fn is_due(&self, item: &Item) -> bool {
        self.objects
            .get(item)
            .is_some_and(|debt| debt.offered == Some(debt.state) && !debt.is_backdated)
    }
}
