//! The faults of a run: a set of probabilities. A seed switches some off and draws the
//! others from a range, so that every seed has a character of its own.

use serde::{Deserialize, Serialize};

use crate::dice::Dice;

/// What goes wrong, and how often. Probabilities are in permille.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Faults {
    /// Typical delay of a message, in ms.
    pub delay_ms: i64,
    /// Maximum delay, in ms; a message arrives even after the sender has given up.
    pub delay_ms_max: i64,
    /// A request is lost.
    pub loss: u32,
    /// A request arrives twice, the second time at any later time.
    pub duplicate: u32,
    /// The answer to a request is lost after the request has been carried out.
    pub answer_lost: u32,
    /// An answer is truncated.
    pub answer_cut: u32,
    /// A peer refuses a request before it looks at it (overload, a full disk).
    pub unavailable: u32,
    /// A process dies at an effect: before the group is durable, or before or after an effect is
    /// released.
    pub crash: u32,
    /// A step is stopped: by a trap, or because its fuel is used up.
    pub stop: u32,
    /// Maximum downtime of a dead process, in ms.
    pub downtime_ms_max: i64,
    /// Partitions in a run, at most.
    pub partitions: u64,
    /// Restores of an old backup in a run, at most.
    pub restores: u64,
    /// Copies of a workspace that run next to the original for a while, in a run, at most.
    pub clones: u64,
    /// Jumps of clocks in a run, at most.
    pub clock_jumps: u64,
    /// Clocks that drift or are coarse in a run, at most.
    pub odd_clocks: u64,
    /// Slow links in a run, at most.
    pub slow_links: u64,
    /// Nodes that are cut off in a run, at most.
    pub cut_offs: u64,
    /// Disks that are full for a while in a run, at most.
    pub full_disks: u64,
    /// Nodes that give invalid answers for a while in a run, at most.
    pub breakages: u64,
    /// Changes of policies in a run, at most.
    pub policy_swaps: u64,
    /// Upgrades of kernels in a run, at most.
    pub upgrades: u64,
}

impl Faults {
    /// A network and machines without any faults.
    #[must_use]
    pub fn none() -> Faults {
        Faults {
            delay_ms: 5,
            delay_ms_max: 50,
            ..Faults::default()
        }
    }

    /// Draws the faults of a seed. Faults that were added later have dice of their own, so that the seeds
    /// do not change.
    #[must_use]
    pub fn draw(dice: &mut Dice, later: &mut Dice) -> Faults {
        let mut some = |most: u32| {
            let low = dice.below(2) == 0;
            if low { 0 } else { rate(dice, most) }
        };
        let (loss, duplicate, answer_lost) = (some(300), some(500), some(300));
        let (answer_cut, unavailable, crash) = (some(100), some(200), some(30));
        let mut times = |most: u64| {
            let low = dice.below(2) == 0;
            if low { 0 } else { 1 + dice.below(most) }
        };
        let (partitions, restores) = (times(4), times(2));
        let (clock_jumps, policy_swaps, upgrades) = (times(3), times(4), times(2));
        let (odd_clocks, slow_links, cut_offs) = (times(2), times(2), times(2));
        let (full_disks, breakages) = (times(2), times(2));
        let stop = if later.below(2) == 0 {
            0
        } else {
            rate(later, 40)
        };
        let clones = if later.below(3) == 0 {
            1 + later.below(2)
        } else {
            0
        };
        let delay_ms = [5, 50, 500, 4_000][dice.below(4) as usize];
        Faults {
            delay_ms,
            delay_ms_max: 600_000,
            loss,
            duplicate,
            answer_lost,
            answer_cut,
            unavailable,
            crash,
            stop,
            downtime_ms_max: [1_000, 30_000, 400_000][dice.below(3) as usize],
            partitions,
            restores,
            clones,
            clock_jumps,
            odd_clocks,
            slow_links,
            cut_offs,
            full_disks,
            breakages,
            policy_swaps,
            upgrades,
        }
    }
}

fn rate(dice: &mut Dice, most: u32) -> u32 {
    1 + u32::try_from(dice.below(u64::from(most))).unwrap_or(0)
}
