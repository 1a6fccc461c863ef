//! Statuses of users, as a host gives them to its kernel.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::model::{Availability, LocalStatus, Status, User};
use causeway_kernel::rows::id::UserNo;
use causeway_kernel::rows::tx::Read;

use super::setup::USERS_EACH;
use super::{Waiter, World};
use crate::acts::Act;
use crate::dice::Dice;
use crate::oracle::Violation;

const CHOICE: [Availability; 5] = [
    Availability::Online,
    Availability::Away,
    Availability::Dnd,
    Availability::Ooo,
    Availability::Offline,
];

impl World<'_> {
    /// Some of a node's users have other statuses. What is given while it does not run is lost, as in the host:
    /// the next change counts.
    pub(crate) fn appear(&mut self, node: usize) -> Result<(), Violation> {
        let node = self.host(node);
        if !self.nodes[node].is_serving || self.is_full(node) {
            return Ok(());
        }
        let mut dice = Dice::new(self.plan.seed, &format!("statuses {node} {}", self.now_ms));
        let mut changes = Vec::new();
        for user in 1..=USERS_EACH as u64 {
            if dice.chance(500) {
                continue;
            }
            let user = UserNo(user);
            let chosen = dice.pick(&CHOICE).copied();
            let is_manual = dice.chance(300);
            // Whoever is deactivated has no session left that could say more.
            let is_active = |row: User| row.delete_at == 0;
            let is_active = self.nodes[node].rows.get(&user).is_some_and(is_active);
            let availability = chosen.filter(|_| is_active);
            let status = Status {
                availability: availability.unwrap_or(Availability::Offline),
                manual: is_manual && is_active,
                last_activity_at: self.now_ms,
                dnd_end_time: 0,
            };
            changes.push(LocalStatus { user, status });
        }
        self.coverage.act(Act::Appear);
        let name = self.nodes[node].name();
        self.tell(format!(
            "At {name} {} users have other statuses.",
            changes.len()
        ));
        self.step(node, Input::Statuses(changes), Waiter::Nobody)?;
        Ok(())
    }
}
