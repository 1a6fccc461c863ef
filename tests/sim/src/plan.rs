//! The contents of a run, drawn from its seed before it begins, so that a part can be left out
//! without changing the others.

use serde::{Deserialize, Serialize};

use crate::acts::Act;
use crate::dice::Dice;
use crate::faults::Faults;
use crate::isolation::{NEIGHBOUR, NOISE_FROM_MS, PEER};
use crate::mattermost::quirks::Generation;

/// Workspaces of a run, at most.
pub const NODES_MAX: usize = crate::node::NAMES.len();

/// The workspace to which all others are connected.
pub const HUB: usize = 0;

/// One of two hosts with one identity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Host {
    /// The host that was copied.
    Original,
    /// The host created from the copy.
    Copy,
}

/// Which of two hosts is reached at their address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Reached {
    /// Always this one.
    Always(Host),
    /// Sometimes one, sometimes the other.
    Either,
}

/// A trouble that occurs at a scheduled time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Trouble {
    /// Messages from one node to another are lost for a while, possibly in both directions.
    Partition {
        /// The sending node.
        from: usize,
        /// The receiving node.
        to: usize,
        /// Whether the other direction is cut too.
        both: bool,
        /// Duration, in ms.
        for_ms: i64,
    },
    /// The durable state of a node is backed up.
    Backup(usize),
    /// A node is restored from its last backup.
    Restore(usize),
    /// The last backup is started on another host, and the original continues next to it for a while.
    Clone {
        /// The node.
        node: usize,
        /// The host that peers and users reach meanwhile.
        reached: Reached,
        /// The host that continues alone afterwards.
        stays: Host,
        /// Duration, in ms.
        for_ms: i64,
    },
    /// A clock jumps by this, in ms.
    ClockJump(usize, i64),
    /// A clock runs fast, or slow, from now on, in parts per million.
    Drift(usize, i64),
    /// A clock shows only multiples of this from now on, in ms.
    CoarseClock(usize, i64),
    /// Messages from one node to another take longer for a while.
    SlowLink {
        /// The sending node.
        from: usize,
        /// The receiving node.
        to: usize,
        /// The added delay, in ms.
        by_ms: i64,
        /// Duration, in ms.
        for_ms: i64,
    },
    /// A node can neither be reached nor reach others for a while.
    CutOff {
        /// The node.
        node: usize,
        /// Duration, in ms.
        for_ms: i64,
    },
    /// A node's disk accepts no writes for a while.
    DiskFull {
        /// The node.
        node: usize,
        /// Duration, in ms.
        for_ms: i64,
    },
    /// Another policy is loaded.
    PolicySwap(usize),
    /// The next release of the kernel takes over.
    Upgrade(usize),
    /// A peer of the hub sends it a burst of messages that must be refused.
    Flood(usize),
    /// A node gives invalid answers, or none, to everything.
    Breaks {
        /// The node.
        node: usize,
        /// Duration, in ms.
        for_ms: i64,
    },
}

impl Trouble {
    /// The nodes that it names.
    #[must_use]
    pub fn nodes(self) -> Vec<usize> {
        match self {
            Trouble::Partition { from, to, .. } | Trouble::SlowLink { from, to, .. } => {
                vec![from, to]
            }
            Trouble::Backup(node)
            | Trouble::Restore(node)
            | Trouble::Clone { node, .. }
            | Trouble::ClockJump(node, _)
            | Trouble::Drift(node, _)
            | Trouble::CoarseClock(node, _)
            | Trouble::CutOff { node, .. }
            | Trouble::DiskFull { node, .. }
            | Trouble::PolicySwap(node)
            | Trouble::Upgrade(node)
            | Trouble::Flood(node)
            | Trouble::Breaks { node, .. } => vec![node],
        }
    }
}

/// A planned event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Planned {
    /// An act at a node.
    Act(usize, Act),
    /// A trouble.
    Trouble(Trouble),
}

impl Planned {
    /// Whether it is an act of somebody.
    #[must_use]
    pub fn is_act(self) -> bool {
        matches!(self, Planned::Act(..))
    }

    /// The nodes that it names.
    #[must_use]
    pub fn nodes(self) -> Vec<usize> {
        match self {
            Planned::Act(node, _) => vec![node],
            Planned::Trouble(trouble) => trouble.nodes(),
        }
    }
}

/// One entry of a plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Item {
    /// Its time, in ms.
    pub at_ms: i64,
    /// Its number, which determines the details.
    pub number: usize,
    /// The event.
    pub planned: Planned,
}

/// A run. Its text form is a human-readable file: see [`crate::plan_text`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The seed.
    pub seed: u64,
    /// Number of workspaces.
    pub nodes: usize,
    /// Mattermost-like servers, each connected to the hub; their seats come after the workspaces.
    #[serde(default)]
    pub foreign: Vec<Generation>,
    /// Whether a malicious peer has one more seat, after all others.
    #[serde(default)]
    pub malicious: bool,
    /// Whether memberships of shared channels are shared.
    #[serde(default)]
    pub members: bool,
    /// Whether everybody is offered to every peer.
    #[serde(default)]
    pub directory: bool,
    /// Whether a channel's history is sent to invited workspaces.
    pub backfill: bool,
    /// Whether direct and group channels may have people of other workspaces.
    #[serde(default)]
    pub direct: bool,
    /// Posts in one message.
    pub posts_per_sync_max: u32,
    /// Whether users write long texts, so that few posts fit into a message.
    pub long_texts: bool,
    /// Rates of the faults.
    pub faults: Faults,
    /// The only node that is affected by them, if one is named.
    pub noisy: Option<usize>,
    /// When users stop and everything heals, in ms.
    pub heal_at_ms: i64,
    /// What happens, by time.
    #[serde(skip)]
    pub items: Vec<Item>,
}

/// The longest pause between two acts, in ms.
const PAUSE_MS_MAX: i64 = 240_000;

/// Minimum and maximum number of acts of a run.
const ACTS: (u64, u64) = (20, 100);

impl Plan {
    /// The plan of a seed.
    #[must_use]
    pub fn draw(seed: u64, nodes: usize) -> Plan {
        Plan::draw_all(seed, nodes, &[], false)
    }

    /// The plan of a seed with Mattermost-like servers.
    #[must_use]
    pub fn draw_with(seed: u64, nodes: usize, foreign: &[Generation]) -> Plan {
        Plan::draw_all(seed, nodes, foreign, false)
    }

    /// The plan of a seed with Mattermost-like servers and a malicious peer.
    #[must_use]
    pub fn draw_all(seed: u64, nodes: usize, foreign: &[Generation], malicious: bool) -> Plan {
        let mut dice = Dice::new(seed, "plan");
        let mut later = Dice::new(seed, "later faults");
        let mut faults = Faults::draw(&mut dice, &mut later);
        if !foreign.is_empty() || malicious {
            // If a hub gives such servers invalid answers, they consider their messages delivered.
            faults.breakages = 0;
            // Such servers cannot tell two hosts with one identity apart.
            faults.clones = 0;
        }
        let mut plan = Plan {
            seed,
            nodes,
            foreign: foreign.to_vec(),
            malicious,
            members: seed % 2 == 1,
            directory: seed % 3 == 1,
            backfill: dice.chance(300),
            direct: later.chance(700),
            posts_per_sync_max: [1, 3, 50][dice.below(3) as usize],
            long_texts: dice.chance(150),
            faults,
            noisy: None,
            heal_at_ms: 0,
            items: Vec::new(),
        };
        plan.begin_sharing();
        let acts = ACTS.0 + dice.below(ACTS.1 - ACTS.0);
        let pace_ms = [200, 2_000, 10_000][dice.below(3) as usize];
        let mut at_ms = 2_000;
        for _ in 0..acts {
            // Bursts: several acts in the same millisecond.
            if !dice.chance(300) {
                at_ms += dice.span_ms(pace_ms, PAUSE_MS_MAX);
            }
            let node = dice.below(plan.seats() as u64) as usize;
            plan.add(at_ms, Planned::Act(node, Act::draw(&mut dice)));
        }
        plan.heal_at_ms = at_ms + 10_000;
        plan.troubles(&mut dice);
        plan.later_troubles(&mut later);
        plan.items.sort_by_key(|item| (item.at_ms, item.number));
        plan
    }

    /// The plan of a seed of two workspaces that are copied repeatedly.
    #[must_use]
    pub fn draw_cloned(seed: u64) -> Plan {
        let mut plan = Plan::draw(seed, 2);
        plan.faults.clones = 10;
        plan.later_troubles(&mut Dice::new(seed, "clones"));
        plan.items.sort_by_key(|item| (item.at_ms, item.number));
        plan
    }

    /// The plan of a seed in which only the neighbour of a peer is affected by faults, and makes noise:
    /// see [`crate::isolation`]. Acts are so far apart that each arrives everywhere before the
    /// next one, and none of them concerns both channels.
    #[must_use]
    pub fn draw_noisy(seed: u64) -> Plan {
        let mut dice = Dice::new(seed, "noise");
        let mut plan = Plan::quiet(seed, &[]);
        plan.nodes = 3;
        plan.items.clear();
        for node in [PEER, NEIGHBOUR] {
            plan.add(100, Planned::Act(node, Act::CreateChannel));
            plan.add(600, Planned::Act(node, Act::Invite));
        }
        let mut at_ms = NOISE_FROM_MS;
        for _ in 0..40 {
            at_ms += dice.between(1_000, 4_000);
            let node = dice.below(3) as usize;
            plan.add(at_ms, Planned::Act(node, Act::draw_in_channel(&mut dice)));
        }
        plan.heal_at_ms = at_ms + 10_000;
        plan.faults = Faults::draw(&mut dice, &mut Dice::new(seed, "later faults"));
        plan.noisy = Some(NEIGHBOUR);
        let time = |dice: &mut Dice| dice.between(NOISE_FROM_MS, at_ms);
        for _ in 0..=dice.below(4) {
            let at_ms = time(&mut dice);
            plan.add(at_ms, Planned::Trouble(Trouble::Flood(NEIGHBOUR)));
        }
        for _ in 0..=dice.below(2) {
            let (node, for_ms) = (NEIGHBOUR, dice.span_ms(20_000, 1_200_000));
            let at_ms = time(&mut dice);
            plan.add(at_ms, Planned::Trouble(Trouble::Breaks { node, for_ms }));
        }
        for trouble in [
            Trouble::Backup(NEIGHBOUR),
            Trouble::Restore(NEIGHBOUR),
            Trouble::ClockJump(NEIGHBOUR, dice.between(-3_600_000, 3_600_000)),
            Trouble::Upgrade(NEIGHBOUR),
        ] {
            if dice.chance(500) {
                let at_ms = time(&mut dice);
                plan.add(at_ms, Planned::Trouble(trouble));
            }
        }
        plan.items.sort_by_key(|item| (item.at_ms, item.number));
        plan
    }

    /// A plan without faults: all nodes share a channel, and these acts follow, a second apart.
    #[must_use]
    pub fn quiet(seed: u64, acts: &[(usize, Act)]) -> Plan {
        Plan::quiet_among(seed, 2, acts)
    }

    /// The same for a given number of workspaces.
    #[must_use]
    pub fn quiet_among(seed: u64, nodes: usize, acts: &[(usize, Act)]) -> Plan {
        let mut plan = Plan {
            seed,
            nodes,
            foreign: Vec::new(),
            malicious: false,
            members: false,
            directory: false,
            backfill: false,
            direct: false,
            posts_per_sync_max: 50,
            long_texts: false,
            faults: Faults::none(),
            noisy: None,
            heal_at_ms: 10_000 + 1_000 * acts.len() as i64,
            items: Vec::new(),
        };
        plan.begin_sharing();
        for (at, (node, act)) in acts.iter().enumerate() {
            plan.add(3_000 + 1_000 * at as i64, Planned::Act(*node, *act));
        }
        plan
    }

    /// Workspaces and other servers.
    #[must_use]
    pub fn seats(&self) -> usize {
        self.nodes + self.foreign.len() + usize::from(self.malicious)
    }

    /// Every node creates a channel and offers it.
    fn begin_sharing(&mut self) {
        for node in 0..self.seats() {
            self.add(100, Planned::Act(node, Act::CreateChannel));
            self.add(600, Planned::Act(node, Act::Invite));
        }
    }

    fn add(&mut self, at_ms: i64, planned: Planned) {
        let number = self.items.len();
        self.items.push(Item {
            at_ms,
            number,
            planned,
        });
    }

    fn troubles(&mut self, dice: &mut Dice) {
        let (end_ms, nodes) = (self.heal_at_ms, self.seats() as u64);
        let node = |dice: &mut Dice| dice.below(nodes) as usize;
        for _ in 0..self.faults.partitions {
            let from = node(dice);
            let to = (from + 1 + dice.below(nodes - 1) as usize) % self.seats();
            let trouble = Trouble::Partition {
                from,
                to,
                both: dice.chance(500),
                for_ms: dice.span_ms(60_000, 1_200_000),
            };
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
        for _ in 0..self.faults.restores {
            let node = node(dice);
            let backup_at_ms = dice.between(0, end_ms);
            let restore_at_ms = dice.between(backup_at_ms, end_ms);
            self.add(backup_at_ms, Planned::Trouble(Trouble::Backup(node)));
            self.add(restore_at_ms, Planned::Trouble(Trouble::Restore(node)));
        }
        for _ in 0..self.faults.clock_jumps {
            let by_ms = match dice.below(4) {
                0 => -dice.between(1, 3_600_000),
                1 => dice.between(1, 86_400_000),
                2 => 365 * 86_400_000,
                _ => dice.between(-2_000, 2_000),
            };
            let trouble = Trouble::ClockJump(node(dice), by_ms);
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
        for _ in 0..self.faults.odd_clocks {
            let trouble = if dice.chance(500) {
                Trouble::Drift(node(dice), dice.between(-200_000, 200_000))
            } else {
                let grain_ms = [10, 1_000, 60_000][dice.below(3) as usize];
                Trouble::CoarseClock(node(dice), grain_ms)
            };
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
        for _ in 0..self.faults.slow_links {
            let from = node(dice);
            let trouble = Trouble::SlowLink {
                from,
                to: (from + 1 + dice.below(nodes - 1) as usize) % self.seats(),
                by_ms: dice.between(1_000, 70_000),
                for_ms: dice.span_ms(60_000, 1_200_000),
            };
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
        for _ in 0..self.faults.cut_offs {
            let (node, for_ms) = (node(dice), dice.span_ms(60_000, 1_200_000));
            let trouble = Trouble::CutOff { node, for_ms };
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
        for _ in 0..self.faults.full_disks {
            let (node, for_ms) = (node(dice), dice.span_ms(30_000, 600_000));
            let trouble = Trouble::DiskFull { node, for_ms };
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
        for _ in 0..self.faults.breakages {
            let (node, for_ms) = (node(dice), dice.span_ms(30_000, 600_000));
            let trouble = Trouble::Breaks { node, for_ms };
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
        for _ in 0..self.faults.policy_swaps {
            let trouble = Trouble::PolicySwap(node(dice));
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
        for _ in 0..self.faults.upgrades {
            let trouble = Trouble::Upgrade(node(dice));
            self.add(dice.between(0, end_ms), Planned::Trouble(trouble));
        }
    }

    /// Troubles that were added later than others, with dice of their own.
    fn later_troubles(&mut self, dice: &mut Dice) {
        let acts = self.items.iter().filter(|item| item.planned.is_act());
        let times: Vec<i64> = acts.map(|item| item.at_ms).collect();
        for _ in 0..self.faults.clones {
            let node = dice.below(self.nodes as u64) as usize;
            // Somebody acts at that moment.
            let act_ms = dice.pick(&times).copied().unwrap_or(0);
            let at_ms = (act_ms - dice.between(0, 2_000)).max(0);
            let backup_at_ms = dice.between(0, at_ms);
            // A short time, in which no ping need notice anything, or a long one.
            let typical_ms = [4_000, 60_000][dice.below(2) as usize];
            let trouble = Trouble::Clone {
                node,
                reached: [
                    Reached::Always(Host::Original),
                    Reached::Always(Host::Copy),
                    Reached::Either,
                ][dice.below(3) as usize],
                stays: [Host::Original, Host::Copy][dice.below(2) as usize],
                for_ms: dice.span_ms(typical_ms, 1_200_000),
            };
            self.add(backup_at_ms, Planned::Trouble(Trouble::Backup(node)));
            self.add(at_ms, Planned::Trouble(trouble));
        }
    }
}
