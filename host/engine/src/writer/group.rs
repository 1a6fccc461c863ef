//! The group in the making.

use super::sync::{Release, SyncGroup};
use crate::journal::Group;
use crate::store::Position;

/// Bytes of records at which a group is full; the step that passes it still belongs to it.
const GROUP_BYTES_MAX: usize = 1 << 20;
/// Steps at which a group is full.
const GROUP_STEPS_MAX: usize = 512;
/// Cost of steps, in units of fuel, at which a group is full: some ten milliseconds, so that who was
/// served early in it does not wait for all that is behind.
const GROUP_COST_MAX: u64 = 10_000_000;

/// Steps that are to become durable together.
#[derive(Default)]
pub struct Building {
    /// Their records.
    pub records: Vec<u8>,
    releases: Vec<Release>,
    cost: u64,
}

impl Building {
    /// Adds what a step holds back, and what it cost; its record is there already.
    pub fn add(&mut self, release: Release, cost: u64) {
        self.releases.push(release);
        self.cost = self.cost.saturating_add(cost);
    }

    /// Whether no step is in it.
    pub fn is_empty(&self) -> bool {
        self.releases.is_empty()
    }

    /// Whether it has to be handed over before the next step.
    pub fn is_full(&self) -> bool {
        self.records.len() >= GROUP_BYTES_MAX
            || self.releases.len() >= GROUP_STEPS_MAX
            || self.cost >= GROUP_COST_MAX
    }

    /// The group, of which `head` is the last step; nothing is left here.
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

    /// Throws the group away.
    pub fn clear(&mut self) -> Vec<Release> {
        std::mem::take(self).releases
    }
}
