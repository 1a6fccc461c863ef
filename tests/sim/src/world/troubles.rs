//! Troubles that occur at scheduled times, and the end of all of them.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::boundary::policy::Gates;
use causeway_kernel::model::limits::REQUEST_MEMORY_MS;

use super::clones::Copy;
use super::{Waiter, World};
use crate::faults::Faults;
use crate::kernel::Release;
use crate::oracle::Violation;
use crate::plan::{Planned, Trouble};
use crate::policies::Chain;

/// How long a workspace is certain to remember a client's key, in ms, with a margin for other
/// changes of its clock.
const KEYS_KEPT_MS: i64 = REQUEST_MEMORY_MS / 2;

impl World<'_> {
    /// Carries out an item of the plan.
    pub(super) fn planned(&mut self, at: usize) -> Result<(), Violation> {
        let item = self.plan.items[at];
        match item.planned {
            Planned::Act(seat, act) if self.is_foreign(seat) => {
                self.foreign_acts(seat, act, item.number);
                Ok(())
            }
            Planned::Act(node, act) => self.act(node, act, item.number),
            Planned::Trouble(trouble) if self.foreign_trouble(trouble) => Ok(()),
            Planned::Trouble(trouble) => {
                // Without a backup there is nothing to restore.
                let is_idle = match trouble {
                    Trouble::Restore(of) => !self.may_restore(of),
                    Trouble::Clone { node, .. } => !self.may_clone(node),
                    Trouble::Partition { .. }
                    | Trouble::Backup { .. }
                    | Trouble::ClockJump { .. }
                    | Trouble::Drift { .. }
                    | Trouble::CoarseClock { .. }
                    | Trouble::SlowLink { .. }
                    | Trouble::CutOff { .. }
                    | Trouble::DiskFull { .. }
                    | Trouble::PolicySwap { .. }
                    | Trouble::Upgrade { .. }
                    | Trouble::Flood { .. }
                    | Trouble::Breaks { .. } => false,
                };
                if !is_idle {
                    self.coverage.trouble(trouble);
                }
                self.trouble(trouble, item.number)
            }
        }
    }

    fn trouble(&mut self, trouble: Trouble, number: usize) -> Result<(), Violation> {
        match trouble {
            Trouble::Partition {
                from,
                to,
                both,
                for_ms,
            } => {
                let until_ms = self.now_ms + for_ms;
                self.cut_until_ms.insert((from, to), until_ms);
                if both {
                    self.cut_until_ms.insert((to, from), until_ms);
                }
                let (from, to) = (self.name_of(from), self.name_of(to));
                let other = if both { " and back" } else { "" };
                self.tell(format!(
                    "The way from {from} to {to}{other} is cut for {for_ms} ms."
                ));
                Ok(())
            }
            Trouble::Backup(node) => {
                // A copy is made of durable state only, so this run waits for the rest.
                let life = self.nodes[node].life;
                while self.lives(node, life)
                    && !self.is_full(node)
                    && self.nodes[node].unsynced() > 0
                {
                    self.synced(node, life)?;
                }
                if self.nodes[node].unsynced() == 0 {
                    let copy = (self.nodes[node].backup(), self.oracle.mark(node));
                    self.backups.insert(node, copy);
                    self.tell(format!("{} is backed up.", self.nodes[node].name()));
                }
                Ok(())
            }
            Trouble::Restore(node) => self.restore(node),
            Trouble::Clone {
                node,
                reached,
                stays,
                for_ms,
            } => {
                self.clone_node(node, Copy::new(node, reached, stays), for_ms);
                Ok(())
            }
            Trouble::Upgrade(node) => self.upgrade(node),
            Trouble::Flood(from) => self.flood(from, number),
            Trouble::Breaks { node, for_ms } => {
                let until_ms = self.now_ms + for_ms;
                self.broken_until_ms.insert(node, until_ms);
                let name = self.nodes[node].name();
                self.tell(format!("{name} answers nonsense for {for_ms} ms."));
                Ok(())
            }
            Trouble::Drift(node, ppm) => {
                self.nodes[node].clock.drift(self.now_ms, ppm);
                let name = self.nodes[node].name();
                self.tell(format!("The clock of {name} drifts by {ppm} in a million."));
                self.set_timer(node);
                Ok(())
            }
            Trouble::CoarseClock(node, grain_ms) => {
                self.nodes[node].clock.coarsen(grain_ms);
                let name = self.nodes[node].name();
                self.tell(format!("The clock of {name} moves every {grain_ms} ms."));
                Ok(())
            }
            Trouble::SlowLink {
                from,
                to,
                by_ms,
                for_ms,
            } => {
                let until_ms = self.now_ms + for_ms;
                self.slow_until_ms.insert((from, to), (until_ms, by_ms));
                let (from, to) = (self.name_of(from), self.name_of(to));
                self.tell(format!(
                    "The way from {from} to {to} takes {by_ms} ms longer for {for_ms} ms."
                ));
                Ok(())
            }
            Trouble::CutOff { node, for_ms } => {
                let until_ms = self.now_ms + for_ms;
                for other in 0..self.plan.seats() {
                    self.cut_until_ms.insert((node, other), until_ms);
                    self.cut_until_ms.insert((other, node), until_ms);
                }
                let name = self.nodes[node].name();
                self.tell(format!("{name} is cut off for {for_ms} ms."));
                Ok(())
            }
            Trouble::DiskFull { node, for_ms } => {
                self.full_until_ms.insert(node, self.now_ms + for_ms);
                let name = self.nodes[node].name();
                self.tell(format!("The disk of {name} is full for {for_ms} ms."));
                Ok(())
            }
            Trouble::ClockJump(node, by_ms) => {
                self.nodes[node].clock.jump(by_ms);
                let name = self.nodes[node].name();
                self.tell(format!("The clock of {name} jumps by {by_ms} ms."));
                if by_ms > KEYS_KEPT_MS {
                    self.oracle.keys_expired(node);
                }
                self.set_timer(node);
                Ok(())
            }
            Trouble::PolicySwap(node) => {
                let next = self.nodes[node].policies.draw_next(&mut self.policies);
                self.swap_policies(node, next)
            }
        }
    }

    /// Whether there is a backup, and no other host in place of the node.
    fn may_restore(&self, node: usize) -> bool {
        self.backups.contains_key(&node) && !self.is_cloned(node)
    }

    fn restore(&mut self, node: usize) -> Result<(), Violation> {
        let backup = self.backups.get(&node).cloned();
        let Some((backup, mark)) = backup.filter(|_| self.may_restore(node)) else {
            return Ok(());
        };
        if self.nodes[node].is_running {
            self.die(node, "to be restored", 5_000)?;
        }
        self.nodes[node]
            .restore(&backup)
            .map_err(super::durable::lost)?;
        self.oracle.restored(node, &mark);
        self.foreign_hears_of_restore(node);
        self.forget_delivered(node);
        self.malicious_forgets(node);
        let name = self.nodes[node].name();
        self.tell(format!("{name} is restored from its backup."));
        Ok(())
    }

    /// Another kernel takes over, at once or when the process starts.
    fn upgrade(&mut self, node: usize) -> Result<(), Violation> {
        if self.is_full(node) {
            return Ok(());
        }
        let machine = &mut self.nodes[node];
        machine.load(Release::Next, (self.make_kernel)(Release::Next));
        let name = machine.name();
        self.tell(format!("{name} gets the next kernel."));
        if self.nodes[node].is_running {
            self.note_release(node, Waiter::Nobody)?;
        }
        Ok(())
    }

    /// The first step of another kernel announces it; false if that step was stopped.
    pub(super) fn note_release(&mut self, node: usize, waiter: Waiter) -> Result<bool, Violation> {
        let release = self.nodes[node].release();
        if release == self.nodes[node].last_release() {
            return Ok(true);
        }
        let digest = release.digest().to_string();
        let noted = self.carry_out(node, Input::KernelChanged { digest }, waiter)?;
        Ok(noted.is_some())
    }

    fn swap_policies(&mut self, node: usize, next: Chain) -> Result<(), Violation> {
        let is_ready = self.nodes[node].is_running && !self.is_full(node);
        if !is_ready || self.nodes[node].policies == next {
            return Ok(());
        }
        let before = std::mem::replace(&mut self.nodes[node].policies, next);
        let name = self.nodes[node].name();
        self.tell(format!("{name} loads other policies: {next}."));
        let input = Input::PolicyChanged {
            chain: String::new(),
            what: next.to_string(),
            gates: Some(Gates::ALL),
        };
        // A stopped change has no effect.
        if self.carry_out(node, input, Waiter::Nobody)?.is_none() {
            self.nodes[node].policies = before;
        }
        Ok(())
    }

    /// Users stop, machines and network work, and clocks continue from their current times.
    pub(super) fn heal(&mut self) -> Result<(), Violation> {
        self.tell("Everything heals; users only read from here on.".to_string());
        self.copy_ends()?;
        self.is_healed = true;
        self.faults = Faults::none();
        self.cut_until_ms.clear();
        self.slow_until_ms.clear();
        self.full_until_ms.clear();
        self.broken_until_ms.clear();
        self.heal_foreign();
        for node in 0..self.nodes.len() {
            if !self.nodes[node].is_running {
                self.start(node)?;
            }
            let machine = &mut self.nodes[node];
            machine.clock.coarsen(1);
            machine.clock.drift(self.now_ms, 0);
            let behind_ms = machine.last_ms() - machine.clock_ms(self.now_ms);
            machine.clock.jump(behind_ms.max(0));
            self.set_timer(node);
            self.swap_policies(node, self.nodes[node].policies.working())?;
        }
        Ok(())
    }
}
