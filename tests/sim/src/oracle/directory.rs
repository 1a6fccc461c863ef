//! People who are offered without a channel: every peer holds everybody's newest profile in the end, and nobody
//! is offered to others than the peers of their own workspace.

use causeway_kernel::rows::id::Id;

use super::convergence::Show;
use super::{NO_ECHO, NO_LOSS, Oracle, Violation, broken};
use crate::frames::{FrameItems, Item};
use crate::plan::HUB;

/// What the oracle knows about offers.
#[derive(Default)]
pub struct Directory {
    pub(super) is_offered: bool,
}

impl Oracle {
    /// A message is sent that belongs to no channel: it has nothing but users of the sender.
    pub(super) fn offers_own_people(
        &self,
        node: usize,
        peer: usize,
        frame: &FrameItems,
    ) -> Result<(), Violation> {
        for (item, version) in &frame.items {
            let user = match item {
                Item::User(id) => Id::parse(id).and_then(|id| self.ledger.users.get(&id)),
                Item::Post(_) | Item::Reaction(..) => None,
            };
            let home = user.map(|user| user.home);
            if home != Some(self.identity(node)) {
                return Err(broken(
                    NO_ECHO,
                    format!("node {node} offers node {peer} {item:?}, whose home is {home:?}"),
                ));
            }
            if user.is_some_and(|user| !user.versions.contains_key(version)) {
                return Err(broken(
                    NO_ECHO,
                    format!("node {node} offers {item:?} in version {version}, which nobody made"),
                ));
            }
        }
        Ok(())
    }

    /// Judges at the end who is known where.
    ///
    /// # Errors
    /// The first user whom a peer does not hold as at home.
    pub(super) fn judge_directory(&self, shows: &[Show]) -> Result<(), Violation> {
        if !self.directory.is_offered {
            return Ok(());
        }
        let is_causeway = |of: &usize| shows[*of].membership().is_some();
        let nodes = (0..shows.len()).filter(|of| *of != HUB && is_causeway(of));
        for (node, peer) in nodes.flat_map(|of| [(of, HUB), (HUB, of)]) {
            let there = &shows[peer];
            for (id, user) in &self.ledger.users {
                if user.home != node || user.is_lost {
                    continue;
                }
                let is_held = match there.user(id) {
                    Some(copy) => self.is_newest_profile(peer, copy, user),
                    // Whoever is deactivated before the peer knows them is not offered any more.
                    None => user.view.delete_at != 0,
                };
                if is_held {
                    continue;
                }
                return Err(broken(
                    NO_LOSS,
                    format!("node {peer} does not hold user {id} of node {node} as at home"),
                ));
            }
        }
        Ok(())
    }
}
