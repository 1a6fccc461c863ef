//! The group that is being built.

use super::sync::{Release, SyncGroup};
use crate::journal::Group;
use crate::store::Position;

/// Bytes of records at which a group is full; the step that exceeds it still belongs to it.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// Steps at which a group is full.
const GROUP_STEPS_MAX: usize = 512;
/// Cost of steps, in units of fuel, at which a group is full: some ten milliseconds, so that the
/// replies of its first steps do not wait too long for its last ones.
const GROUP_COST_MAX: u64 = 10_000_000;

/// Steps that will become durable together.
#[derive(Default)]
pub struct Building {
    /// Their records.
    pub records: Vec<u8>,
    releases: Vec<Release>,
    cost: u64,
}

impl Building {
    /// Adds a step's held-back results and its cost; its record has already been added.
    pub fn add(&mut self, release: Release, cost: u64) {
        self.releases.push(release);
        self.cost = self.cost.saturating_add(cost);
    }

    /// Whether it has no steps.
    pub fn is_empty(&self) -> bool {
        self.releases.is_empty()
    }

    /// Whether it has to be handed over before the next step.
    pub fn is_full(&self) -> bool {
        self.records.len() >= GROUP_BYTES_MAX
            || self.releases.len() >= GROUP_STEPS_MAX
            || self.cost >= GROUP_COST_MAX
    }

    /// Takes the group, whose last step is `head`, leaving an empty one.
    pub fn take(&mut self, head: &Position) -> Option<SyncGroup> {
        let Building {
            records, releases, ..
        } = std::mem::take(self);
        let count = u64::try_from(releases.len()).ok().filter(|it| *it > 0)?;
        let group = Group {
            first_seq: head.seq + 1 - count,
            count,
            last: head.digest,
            records,
        };
        Some(SyncGroup { group, releases })
    }

    /// Discards the group.
    pub fn clear(&mut self) -> Vec<Release> {
        std::mem::take(self).releases
    }
}
