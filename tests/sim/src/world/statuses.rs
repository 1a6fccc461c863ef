//! Statuses of users, as a host gives them to its kernel.

use causeway_kernel::boundary::input::Input;
use causeway_kernel::model::{Availability, LocalStatus, Status};
use causeway_kernel::rows::id::UserNo;

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
            let availability = dice.pick(&CHOICE).copied();
            let status = Status {
                availability: availability.unwrap_or(Availability::Offline),
                manual: dice.chance(300),
                last_activity_at: self.now_ms,
                dnd_end_time: 0,
            };
            let user = UserNo(user);
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
